//! A configuration as a file that gives the same one.

use std::collections::HashSet;
use std::fmt::Write;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::cli::file::is_key;
use crate::cli::token;

/// Every option with its help; those without a value stand as comments.
pub(super) fn text(command: &Command, matches: &ArgMatches, from_file: &HashSet<String>) -> String {
    let mut out = format!(
        "# Options of `sse-serve {}`. Each is a flag of that name too, and a variable:\n\
         # --log-bytes is log-bytes here and SSE_SERVE_LOG_BYTES in the environment.\n\
         # The environment overrides this file, flags override both.\n",
        command.get_name()
    );
    for option in command.get_arguments().filter(|arg| is_key(arg)) {
        let key = option.get_long().unwrap_or_default();
        let help = option.get_help().map(ToString::to_string);
        // Writing to a string cannot fail.
        let _ = write!(
            out,
            "\n# {}\n",
            help.unwrap_or_default().replace('\n', "\n# ")
        );
        for value in option.get_possible_values() {
            if let Some(help) = value.get_help().filter(|_| !is_switch(option)) {
                let _ = writeln!(out, "# - {}: {help}", value.get_name());
            }
        }
        let values: Vec<String> = matches
            .get_raw(option.get_id().as_str())
            .into_iter()
            .flatten()
            .map(|value| match option.get_id().as_str() {
                token::OPTION => literal(&token::redacted(&value.to_string_lossy())),
                _ => literal(&value.to_string_lossy()),
            })
            .collect();
        let _ = match (values.as_slice(), option.get_action()) {
            (values, ArgAction::Append) => write!(out, "{key} = [{}]", values.join(", ")),
            ([], _) => write!(out, "#{key} = {}", placeholder(option)),
            ([value, ..], _) => write!(out, "{key} = {value}"),
        };
        let id = option.get_id().as_str();
        let source = match matches.value_source(id) {
            Some(ValueSource::CommandLine) => " # by a flag",
            Some(ValueSource::EnvVariable) => " # by the environment",
            _ if from_file.contains(id) => " # by the file",
            _ => "",
        };
        let _ = writeln!(out, "{source}");
    }
    out
}

fn is_switch(option: &Arg) -> bool {
    matches!(option.get_action(), ArgAction::SetTrue)
}

/// A value that is taken once the comment is undone, and may have to be changed.
fn placeholder(option: &Arg) -> String {
    let names = option.get_value_names().unwrap_or_default();
    match names.first().map_or("", |name| name.as_str()) {
        "N" => "1000".to_owned(),
        "DURATION" => literal("24h"),
        "ALGORITHM" => literal("HS256"),
        name => literal(name),
    }
}

/// A number or truth value as it is, anything else as a string. The escapes of
/// JSON are among those of TOML.
fn literal(value: &str) -> String {
    let is_number = value.parse::<i64>().is_ok()
        || (value.parse::<f64>().is_ok_and(f64::is_finite) && value.contains('.'));
    if is_number || value == "true" || value == "false" {
        return value.to_owned();
    }
    serde_json::to_string(value).unwrap_or_default()
}
