//! A static token as it is configured: on a command line, where its secret must
//! not stand, in the environment, or as a table of a file.

use clap::error::{ContextKind, ContextValue};
use clap::parser::ValueSource;
use clap::{ArgMatches, Error};
use toml::de::{DeTable, DeValue};

use crate::cli::file::{Fault, nearest};
use crate::config::{Claims, Secret, SecretSource, StaticToken};

/// The id of its argument.
pub(super) const OPTION: &str = "auth_token";

const FLAG: &str = "--auth-token";

const FORM: &str = "give a name, where the token is, and what it permits, for example \
                    ci:file=ci.token,publish=builds.*";

/// What stands for a secret where it is not shown.
const REDACTED: &str = "REDACTED";

const LEFT_OUT: &str = "its secret was left out by --print-config; put it in a file and give \
                        file=FILE, or in a variable and give env=VARIABLE";

/// Keys of the form that a flag has, which a file has with `token-` before some.
const KEYS: [&str; 7] = [
    "file",
    "env",
    "token",
    "subscribe",
    "publish",
    "session",
    "admin",
];

/// Keys of a table.
const TABLE_KEYS: [&str; 8] = [
    "name",
    "token",
    "token-file",
    "token-env",
    "subscribe",
    "publish",
    "session",
    "admin",
];

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    name: String,
    secret: SecretSource,
    claims: Claims,
}

impl From<Token> for StaticToken {
    fn from(token: Token) -> Self {
        Self {
            name: token.name,
            secret: token.secret,
            claims: token.claims,
        }
    }
}

/// `NAME:file=FILE,subscribe=PATTERN,publish=PATTERN,session=NAME,admin`. No
/// message repeats what could be a secret.
pub(super) fn parse(text: &str) -> Result<Token, String> {
    let (name, parts) = text.split_once(':').ok_or(FORM)?;
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if name.is_empty() || name.len() > 64 || !name.bytes().all(is_of_name) {
        return Err(format!(
            "its name may have 1 to 64 letters, digits and . _ -; {FORM}"
        ));
    }
    let mut claims = Claims::default();
    let mut secret = None;
    for part in parts.split(',').filter(|part| !part.is_empty()) {
        let (key, value) = part.split_once('=').unwrap_or((part, "true"));
        if value.is_empty() {
            return Err(format!("something is empty; {FORM}"));
        }
        let source = match key {
            "file" => SecretSource::File(value.into()),
            "env" => SecretSource::Environment(value.to_owned()),
            "token" if value == REDACTED => return Err(LEFT_OUT.to_owned()),
            "token" => SecretSource::Value(Secret::new(value)),
            "subscribe" => {
                claims.subscribe.push(value.to_owned());
                continue;
            }
            "publish" => {
                claims.publish.push(value.to_owned());
                continue;
            }
            "session" => {
                claims.session = Some(value.to_owned());
                continue;
            }
            "admin" => {
                claims.admin = value
                    .parse()
                    .map_err(|_| "`admin` must be true or false".to_owned())?;
                continue;
            }
            _ => {
                return Err(format!(
                    "it has a key that is none of {}; {FORM}",
                    KEYS.join(", ")
                ));
            }
        };
        if secret.replace(source).is_some() {
            return Err("the token stands in two places; give one".to_owned());
        }
    }
    let secret = secret.ok_or_else(|| format!("it does not say where the token is; {FORM}"))?;
    Ok(Token {
        name: name.to_owned(),
        secret,
        claims,
    })
}

/// The tables `[[auth.tokens]]`, each as a flag spells it.
///
/// `at` is where they begin.
pub(super) fn from_tables(auth: &DeTable<'_>, at: usize) -> Result<Vec<(usize, String)>, Fault> {
    let mut tokens = Vec::new();
    for (key, value) in auth {
        let key = key.get_ref();
        let DeValue::Array(tables) = value.get_ref() else {
            let problem = format!(
                "`[auth]` holds `tokens` alone, as tables [[auth.tokens]]; `{key}` is none of \
                 them: other options stand outside of tables"
            );
            return Err((at, problem));
        };
        if key != "tokens" {
            let problem = format!("`{key}` is no option of `auth`; the nearest is `tokens`");
            return Err((at, problem));
        }
        for table in tables {
            let at = table.span().start;
            let DeValue::Table(table) = table.get_ref() else {
                return Err((at, "`auth.tokens` holds tables: [[auth.tokens]]".to_owned()));
            };
            tokens.push((at, from_table(table).map_err(|problem| (at, problem))?));
        }
    }
    Ok(tokens)
}

fn from_table(table: &DeTable<'_>) -> Result<String, String> {
    let mut name = None;
    let mut parts = Vec::new();
    for (key, value) in table {
        let key = key.get_ref().as_ref();
        if !TABLE_KEYS.contains(&key) {
            let nearest = nearest(key, TABLE_KEYS.into_iter());
            return Err(format!("`{key}` is no option of a token{nearest}"));
        }
        match (key, value.get_ref()) {
            ("admin", DeValue::Boolean(admin)) => parts.push(format!("admin={admin}")),
            ("admin", _) => return Err("`admin` must be true or false, without quotes".to_owned()),
            ("name", DeValue::String(text)) => name = Some(text.to_string()),
            ("subscribe" | "publish", DeValue::Array(patterns)) => {
                for pattern in patterns {
                    parts.push(part(key, pattern.get_ref())?);
                }
            }
            ("token" | "token-file" | "token-env", value) => {
                let key = key.strip_prefix("token-").unwrap_or(key);
                parts.push(part(key, value)?);
            }
            (_, value) => parts.push(part(key, value)?),
        }
    }
    let name = name.ok_or("a token of [[auth.tokens]] has no `name`; give it one")?;
    let token = format!("{name}:{}", parts.join(","));
    parse(&token).map(|_| token)
}

fn part(key: &str, value: &DeValue<'_>) -> Result<String, String> {
    match value {
        DeValue::String(text) if text.contains([',', ';']) => {
            Err(format!("`{key}` may have no comma or semicolon"))
        }
        DeValue::String(text) => Ok(format!("{key}={text}")),
        _ => Err(format!("`{key}` must be a string; quote it")),
    }
}

/// What may be shown of a token: all but the secret.
pub(super) fn redacted(token: &str) -> String {
    let Some((name, parts)) = token.split_once(':') else {
        return if token.is_empty() { "" } else { REDACTED }.to_owned();
    };
    let parts: Vec<&str> = parts
        .split(',')
        .map(|part| match part.split_once('=') {
            Some(("token", _)) => "token=REDACTED",
            Some((key, _)) if KEYS.contains(&key) => part,
            None if part == "admin" => part,
            _ => REDACTED,
        })
        .collect();
    format!("{name}:{}", parts.join(","))
}

/// The same error without a token in it.
pub(super) fn redact(mut error: Error) -> Error {
    let argument = error.get(ContextKind::InvalidArg).map(ToString::to_string);
    if argument.is_some_and(|argument| argument.starts_with(FLAG)) {
        let shown = match error.get(ContextKind::InvalidValue) {
            Some(ContextValue::String(value)) => redacted(value),
            _ => return error,
        };
        error.insert(ContextKind::InvalidValue, ContextValue::String(shown));
    }
    error
}

/// Refuses a secret where `ps` would show it to everybody on the machine.
pub(super) fn check_source(matches: &ArgMatches) -> Result<(), String> {
    let is_flag = matches.try_contains_id(OPTION).unwrap_or(false)
        && matches.value_source(OPTION) == Some(ValueSource::CommandLine);
    let tokens = matches.try_get_many::<Token>(OPTION).ok().flatten();
    let mut tokens = tokens.into_iter().flatten();
    if is_flag && tokens.any(|token| matches!(token.secret, SecretSource::Value(_))) {
        return Err(format!(
            "{FLAG}: everybody on the machine can read a command line; give file=FILE or \
             env=VARIABLE instead of token="
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_a_flag() {
        let token = parse("ci:file=/run/ci,publish=a.*,publish=b,subscribe=*,session=s,admin");
        let expected = Token {
            name: "ci".into(),
            secret: SecretSource::File("/run/ci".into()),
            claims: Claims {
                subscribe: vec!["*".into()],
                publish: vec!["a.*".into(), "b".into()],
                session: Some("s".into()),
                admin: true,
            },
        };
        assert_eq!(token, Ok(expected));
        for (text, needle) in [
            ("file=/run/ci", "give a name"),
            (":file=x", "its name"),
            ("a b:file=x", "its name"),
            ("ci:publish=a", "where the token is"),
            ("ci:file=x,env=Y", "two places"),
            ("ci:file=", "empty"),
            ("ci:file=x,topic=a", "none of file, env"),
            ("ci:file=x,admin=maybe", "true or false"),
            ("ci:token=REDACTED,publish=a", "left out by --print-config"),
        ] {
            let message = parse(text).unwrap_err();
            assert!(message.contains(needle), "{text}: {message}");
        }
    }

    #[test]
    fn a_secret_is_not_shown() {
        for text in [
            "ci:token=SECRETSECRETSECRET,publish=a",
            "ci:publish=a,token=SECRETSECRETSECRET",
            "ci:token:SECRETSECRETSECRET",
            "SECRETSECRETSECRET",
        ] {
            assert!(!redacted(text).contains("SECRETSECRET"), "{text}");
            let parsed = parse(text);
            assert!(!format!("{parsed:?}").contains("SECRETSECRET"), "{text}");
        }
        let plain = "ci:file=x,publish=a.*,admin";
        assert_eq!(redacted(plain), plain);
    }
}
