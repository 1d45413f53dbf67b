//! Errors for people: one line on stderr.

use std::io::Write;
use std::process::ExitCode;

use clap::error::ErrorKind;

/// Prints help and version as asked; a usage error as one line, exit code 2.
pub(super) fn report(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            // A closed pipe, as of a pager that was left, is no error.
            let _ = error.print();
        }
        _ => say(&one_line(&error.to_string())),
    }
    ExitCode::from(error.exit_code() as u8)
}

pub(super) fn say(message: &str) {
    let _ = writeln!(std::io::stderr(), "sse-serve: {message}");
}

/// What clap says, without the usage that follows.
pub(super) fn one_line(text: &str) -> String {
    let said: Vec<&str> = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"))
        .filter(|line| !line.is_empty())
        .collect();
    let said = said.join("; ");
    let said = said.strip_prefix("error: ").unwrap_or(&said);
    format!("{}; --help lists the flags", said.replace(":; ", ": "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usage_error_is_one_line() {
        let text = "error: unexpected argument '--lisen' found\n\n  \
                    tip: a similar argument exists: '--listen'\n\n\
                    Usage: sse-serve demo\n\nFor more information, try '--help'.\n";
        assert_eq!(
            one_line(text),
            "unexpected argument '--lisen' found; tip: a similar argument exists: '--listen'; \
             --help lists the flags"
        );
    }
}
