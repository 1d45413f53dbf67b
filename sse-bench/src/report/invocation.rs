//! How this program was called, fit to be shown to others.

use jiff::Timestamp;
use url::Url;

/// What stands in the place of a secret.
const HIDDEN: &str = "***";
/// Options with their short form, and what of their value is shown.
const OPTIONS: [(&str, char, Shown); 4] = [
    ("--basic-auth", 'a', Shown::Nothing),
    ("--header", 'H', Shown::Name),
    ("--data", 'd', Shown::Length),
    ("--publish-body", '\0', Shown::Length),
];
/// Header fields that hold no secret.
const OPEN_HEADERS: [&str; 7] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "content-type",
    "last-event-id",
    "user-agent",
];
/// A parameter of a query whose name contains one of these may be a secret.
const SECRET_PARAMETERS: [&str; 10] = [
    "auth",
    "credential",
    "jwt",
    "key",
    "pass",
    "pwd",
    "secret",
    "sig",
    "ticket",
    "token",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Nothing,
    /// The name of a header field; its value where that cannot be a secret.
    Name,
    /// How long it is.
    Length,
}

/// The command line and the time of a run.
#[derive(Debug, Clone)]
pub struct Invocation {
    command_line: Vec<String>,
    started_at: Timestamp,
}

impl Invocation {
    /// Of this process, now.
    pub fn now() -> Self {
        let arguments = std::env::args_os().skip(1);
        Self {
            command_line: without_secrets(
                arguments.map(|argument| argument.to_string_lossy().into_owned()),
            ),
            started_at: Timestamp::now(),
        }
    }

    /// The arguments, without secrets.
    pub fn command_line(&self) -> &[String] {
        &self.command_line
    }

    /// RFC 3339 in UTC, to the millisecond.
    pub fn started_at(&self) -> String {
        format!("{:.3}", self.started_at)
    }
}

/// A URL without user information and without what may be a secret in its query.
pub fn shown_url(url: &Url) -> String {
    let mut url = url.clone();
    if !url.username().is_empty() {
        let _ = url.set_username(HIDDEN);
    }
    if url.password().is_some() {
        let _ = url.set_password(Some(HIDDEN));
    }
    if let Some(query) = url.query() {
        let parts: Vec<_> = query.split('&').map(parameter).collect();
        let query = parts.join("&");
        url.set_query(Some(&query));
    }
    url.into()
}

fn parameter(part: &str) -> String {
    match part.split_once('=') {
        Some((name, _)) if is_secret(name) => format!("{name}={HIDDEN}"),
        _ => part.to_owned(),
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_PARAMETERS.iter().any(|part| name.contains(part))
}

fn without_secrets(arguments: impl Iterator<Item = String>) -> Vec<String> {
    let mut shown = Vec::new();
    let mut pending = None;
    for argument in arguments {
        if let Some(how) = pending.take() {
            shown.push(value(&argument, how));
            continue;
        }
        let option = OPTIONS.iter().find_map(|(long, short, how)| {
            let rest = argument.strip_prefix(long);
            let long = rest.filter(|rest| rest.is_empty() || rest.starts_with('='));
            let rest = argument.strip_prefix('-');
            let short = rest.and_then(|rest| rest.strip_prefix(*short));
            Some((*how, long.or(short)?.len()))
        });
        match option {
            Some((how, 0)) => {
                pending = Some(how);
                shown.push(argument);
            }
            Some((how, length)) => {
                let (option, rest) = argument.split_at(argument.len() - length);
                let (sign, rest) = rest
                    .strip_prefix('=')
                    .map_or(("", rest), |rest| ("=", rest));
                shown.push(format!("{option}{sign}{}", value(rest, how)));
            }
            None => shown.push(any(&argument)),
        }
    }
    shown
}

/// An argument that is no secret, but may be a URL that holds one.
fn any(argument: &str) -> String {
    let (option, text) = match argument.split_once('=') {
        Some((option, text)) if option.starts_with("--") => (Some(option), text),
        _ => (None, argument),
    };
    let text = match Url::parse(text) {
        Ok(url) if url.has_host() => {
            let shown = shown_url(&url);
            // The user's own spelling where there is nothing to hide.
            if shown == url.as_str() {
                text.to_owned()
            } else {
                shown
            }
        }
        _ => text.to_owned(),
    };
    option.map_or_else(|| text.clone(), |option| format!("{option}={text}"))
}

fn value(text: &str, how: Shown) -> String {
    match how {
        Shown::Nothing => HIDDEN.to_owned(),
        Shown::Length => format!("<{} bytes>", text.len()),
        Shown::Name => match text.split_once(':') {
            Some((name, _))
                if OPEN_HEADERS.contains(&name.trim().to_ascii_lowercase().as_str()) =>
            {
                text.to_owned()
            }
            Some((name, _)) => format!("{name}: {HIDDEN}"),
            None => HIDDEN.to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(arguments: &[&str]) -> Vec<String> {
        without_secrets(arguments.iter().map(|&argument| argument.to_owned()))
    }

    #[test]
    fn what_may_be_a_secret_is_hidden_however_it_is_written() {
        for (given, expected) in [
            (&["-a", "me:s3cret"][..], &["-a", "***"][..]),
            (&["-ame:s3cret"], &["-a***"]),
            (&["--basic-auth=me:s3cret"], &["--basic-auth=***"]),
            (
                &["-H", "Authorization: Bearer s3cret"],
                &["-H", "Authorization: ***"],
            ),
            (&["-HX-Api-Key:s3cret"], &["-HX-Api-Key: ***"]),
            (&["--header=Cookie: s3cret"], &["--header=Cookie: ***"]),
            (&["--header", "s3cret"], &["--header", "***"]),
            (&["-d", "{\"s\":\"s3cret\"}"], &["-d", "<14 bytes>"]),
            (
                &["--publish-body", "s3cret"],
                &["--publish-body", "<6 bytes>"],
            ),
            (
                &["https://u:s3cret@h/e?topic=a&access_token=s3cret"],
                &["https://***:***@h/e?topic=a&access_token=***"],
            ),
            (
                &["--publish-url=http://h/?Key=s3cret"],
                &["--publish-url=http://h/?Key=***"],
            ),
        ] {
            assert_eq!(shown(given), expected);
        }
    }

    #[test]
    fn the_rest_stands_as_it_was_written() {
        let plain = [
            "load",
            "http://h",
            "-c",
            "5",
            "-H",
            "Accept: a/b",
            "--data-file",
            "x",
            "--threshold",
            "errors==0",
        ];
        assert_eq!(shown(&plain), plain);
    }
}
