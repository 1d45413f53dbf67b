//! The configuration file: the long flags as keys, in TOML.

use std::borrow::Cow;
use std::path::Path;

use clap::{ArgAction, Command};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::cli::token;
use crate::cli::usage::one_line;

/// The largest file that is read.
const FILE_MAX: u64 = 1 << 20;

/// Options that say where the others come from.
pub(super) const NO_KEYS: [&str; 3] = ["config", "print-config", "help"];

/// One option of a file.
#[derive(Debug)]
pub(super) struct Setting {
    /// The id of its argument.
    pub(super) id: String,
    pub(super) values: Vec<String>,
}

/// Reads the options that a file sets for `command`. Every value is checked as
/// if it stood on the command line; the message names the file and the line.
pub(super) fn read(path: &Path, command: &Command) -> Result<Vec<Setting>, String> {
    let name = path.display();
    let failed = |error: std::io::Error| format!("cannot read the configuration {name}: {error}");
    let length = std::fs::metadata(path).map_err(failed)?.len();
    if length > FILE_MAX {
        return Err(format!(
            "{name}: {length} bytes are more than a configuration; give another"
        ));
    }
    let text = std::fs::read_to_string(path).map_err(failed)?;
    parse(&text, command).map_err(|(line, problem)| format!("{name}:{line}: {problem}"))
}

/// A line, counted from 1, and what is wrong there.
type Problem = (usize, String);

fn parse(text: &str, command: &Command) -> Result<Vec<Setting>, Problem> {
    let line = |offset: usize| text[..offset.min(text.len())].matches('\n').count() + 1;
    let table = DeTable::parse(text).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        (line(offset), error.message().to_owned())
    })?;
    let mut settings: Vec<(usize, Setting)> = Vec::new();
    for (key, value) in table.into_inner() {
        let setting = setting(&key, &value, command);
        let setting = setting.map_err(|(offset, problem)| (line(offset), problem))?;
        let at = line(key.span().start);
        if let Some((other, _)) = settings.iter().find(|(_, other)| other.id == setting.id) {
            let (first, second) = (at.min(*other), at.max(*other));
            let problem = format!("the same option as on line {first}; give it in one place");
            return Err((second, problem));
        }
        settings.push((at, setting));
    }
    settings.sort_by_key(|(line, _)| *line);
    Ok(settings.into_iter().map(|(_, setting)| setting).collect())
}

/// Where in the text something is wrong, and what.
pub(super) type Fault = (usize, String);

fn setting(
    key: &Spanned<Cow<'_, str>>,
    value: &Spanned<DeValue<'_>>,
    command: &Command,
) -> Result<Setting, Fault> {
    let at = key.span().start;
    let here = |problem| (at, problem);
    let key = match (key.get_ref().as_ref(), value.get_ref()) {
        ("auth", DeValue::Table(_)) => "auth-token",
        (key, _) => key,
    };
    let options = || command.get_arguments().filter(|arg| is_key(arg));
    let Some(option) = options().find(|arg| arg.get_long() == Some(key)) else {
        let names = options().filter_map(clap::Arg::get_long);
        return Err(here(format!("`{key}` is no option{}", nearest(key, names))));
    };
    let values: Vec<(usize, String)> = match value.get_ref() {
        DeValue::Array(items) if matches!(option.get_action(), ArgAction::Append) => items
            .iter()
            .map(|item| Ok((at, scalar(key, item.get_ref()).map_err(here)?)))
            .collect::<Result<_, _>>()?,
        DeValue::Table(entries) if key == "topics" => entries
            .iter()
            .map(|(pattern, history)| {
                Ok((pattern.span().start, topic(pattern, history.get_ref())?))
            })
            .collect::<Result<_, _>>()?,
        DeValue::Table(auth) if key == "auth-token" => token::from_tables(auth, at)?,
        single => vec![(at, scalar(key, single).map_err(here)?)],
    };
    for (at, value) in &values {
        check(command, option, value).map_err(|problem| (*at, problem))?;
    }
    Ok(Setting {
        id: option.get_id().to_string(),
        values: values.into_iter().map(|(_, value)| value).collect(),
    })
}

/// `[topics."PATTERN"]` with its options, as the flag spells it.
fn topic(pattern: &Spanned<Cow<'_, str>>, history: &DeValue<'_>) -> Result<String, Fault> {
    let (at, pattern) = (pattern.span().start, pattern.get_ref());
    let DeValue::Table(options) = history else {
        let problem =
            format!("`topics` holds a table for each pattern, such as [topics.\"{pattern}\"]");
        return Err((at, problem));
    };
    let known = ["events", "bytes", "age"];
    let mut budget = Vec::new();
    for (key, value) in options {
        let (at, key) = (key.span().start, key.get_ref());
        if !known.contains(&key.as_ref()) {
            let nearest = nearest(key, known.into_iter());
            return Err((at, format!("`{key}` is no option of a topic{nearest}")));
        }
        let value = scalar(key, value.get_ref()).map_err(|problem| (at, problem))?;
        budget.push(format!("{key}={value}"));
    }
    Ok(format!("{pattern}:{}", budget.join(",")))
}

pub(super) fn is_key(option: &clap::Arg) -> bool {
    option
        .get_long()
        .is_some_and(|long| !NO_KEYS.contains(&long))
}

fn scalar(key: &str, value: &DeValue<'_>) -> Result<String, String> {
    Ok(match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => number.as_str().replace('_', ""),
        DeValue::Float(number) => number.as_str().replace('_', ""),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => {
            return Err(format!(
                "`{key}` takes one value, such as a string or a number, not {}",
                value.type_str()
            ));
        }
    })
}

/// The option's own parser says whether it likes a value.
fn check(command: &Command, option: &clap::Arg, value: &str) -> Result<(), String> {
    let long = option.get_long().unwrap_or_default();
    let is_switch = matches!(option.get_action(), ArgAction::SetTrue);
    if is_switch {
        return match value {
            "true" | "false" => Ok(()),
            _ => Err(format!("`{long}` must be true or false, without quotes")),
        };
    }
    let bare = command
        .clone()
        .mut_args(|arg| arg.required(false).env(None::<&str>));
    match bare.try_get_matches_from(["sse-serve", &format!("--{long}={value}")]) {
        Ok(_) => Ok(()),
        Err(error) => Err(one_line(&token::redact(error).to_string())),
    }
}

/// `; the nearest is ..`, where one is near.
pub(super) fn nearest<'a>(given: &str, known: impl Iterator<Item = &'a str>) -> String {
    known
        .map(|name| (strsim::jaro_winkler(given, name), name))
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map_or_else(String::new, |(_, name)| {
            format!("; the nearest is `{name}`")
        })
}
