//! The configuration file: long flags as keys, and `[keys]`, in TOML.
//!
//! It holds what a person likes and nothing about a stream: no URL, header or
//! body. What is in it can be shown to anybody.

mod keys;
pub(crate) mod print;

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use clap::builder::ValueParser;
use clap::{Arg, ArgAction, Command};
use etcetera::BaseStrategy;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::keymap::Keymap;

/// The largest file that is read.
const FILE_MAX: u64 = 1 << 20;

/// Flags that a file and the environment can set too, in the order in which they
/// are printed.
const OPTIONS: [&str; 11] = [
    "theme",
    "color",
    "ascii",
    "mouse",
    "follow",
    "columns",
    "fps",
    "buffer",
    "record-limit",
    "chart",
    "text-pointer",
];

/// What a file says.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Config {
    /// Ids of arguments, and their values as on the command line.
    pub(crate) settings: Vec<(String, Vec<String>)>,
    pub(crate) keymap: Keymap,
}

/// Where in the text something is wrong, in bytes, and what.
type Fault = (usize, String);

/// Whether an argument can stand in a file.
pub(crate) fn is_option(arg: &Arg) -> bool {
    arg.get_long().is_some_and(|long| OPTIONS.contains(&long))
}

/// The file that is read if no other is named: of `$XDG_CONFIG_HOME`, or else
/// `~/.config`; on Windows of `%APPDATA%`.
pub(crate) fn default_path() -> Option<PathBuf> {
    let base = etcetera::choose_base_strategy().ok()?;
    Some(base.config_dir().join("sse-tui").join("config.toml"))
}

/// Reads a file. Every value is checked as if it stood on the command line.
///
/// # Errors
/// One line that names the file, the line in it and the key.
pub(crate) fn read(path: &Path, command: &Command) -> Result<Config, String> {
    let name = path.display();
    let failed = |error: std::io::Error| format!("cannot read the configuration {name}: {error}");
    let length = std::fs::metadata(path).map_err(failed)?.len();
    if length > FILE_MAX {
        return Err(format!(
            "{name}: {length} bytes are more than a configuration; name another file"
        ));
    }
    let text = std::fs::read_to_string(path).map_err(failed)?;
    parse(&text, command).map_err(|(line, problem)| format!("{name}:{line}: {problem}"))
}

/// The error has a line, counted from 1.
fn parse(text: &str, command: &Command) -> Result<Config, (usize, String)> {
    let line = |offset: usize| text[..offset.min(text.len())].matches('\n').count() + 1;
    let at_line = |(offset, problem): Fault| (line(offset), problem);
    let table = DeTable::parse(text).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        (line(offset), error.message().replace('\n', "; "))
    })?;
    let mut config = Config::default();
    let mut entries: Vec<_> = table.into_inner().into_iter().collect();
    // The first mistake of the file is the one to be told.
    entries.sort_by_key(|(key, _)| key.span().start);
    for (key, value) in entries {
        if key.get_ref() == "keys" {
            config.keymap = keys::keymap(&value).map_err(at_line)?;
        } else {
            let setting = setting(&key, &value, command).map_err(at_line)?;
            config.settings.push(setting);
        }
    }
    Ok(config)
}

fn setting(
    key: &Spanned<Cow<'_, str>>,
    value: &Spanned<DeValue<'_>>,
    command: &Command,
) -> Result<(String, Vec<String>), Fault> {
    let (at, key) = (key.span().start, key.get_ref().as_ref());
    let here = |problem| (at, problem);
    let mut options = command.get_arguments();
    let is_table = matches!(value.get_ref(), DeValue::Table(_));
    let option = options.find(|arg| arg.get_long() == Some(key));
    let Some(option) = option.filter(|_| !is_table) else {
        let names = OPTIONS.into_iter().chain(["keys"]);
        return Err(here(format!("`{key}` is no option{}", nearest(key, names))));
    };
    if !is_option(option) {
        return Err(here(format!(
            "`{key}` cannot stand in a file; give --{key} on the command line"
        )));
    }
    let many = matches!(option.get_action(), ArgAction::Append);
    let values = match value.get_ref() {
        DeValue::Array(items) if many => {
            let scalars = items.iter().map(|item| scalar(option, item.get_ref()));
            scalars.collect::<Result<_, _>>().map_err(here)?
        }
        single => vec![scalar(option, single).map_err(here)?],
    };
    for value in &values {
        check(command, key, value).map_err(here)?;
    }
    Ok((option.get_id().to_string(), values))
}

/// A value as it would stand on the command line.
fn scalar(option: &Arg, value: &DeValue<'_>) -> Result<String, String> {
    let key = option.get_long().unwrap_or_default();
    let wanted = if is_switch(option) {
        "true or false, without quotes"
    } else if is_number(option) {
        "a number, without quotes"
    } else if matches!(option.get_action(), ArgAction::Append) {
        "a list of strings, such as [\"a\", \"b\"]"
    } else {
        "a string, in quotes"
    };
    match value {
        DeValue::Boolean(flag) if is_switch(option) => Ok(flag.to_string()),
        DeValue::Integer(number) if is_number(option) => Ok(number.as_str().replace('_', "")),
        DeValue::String(text) if !is_switch(option) && !is_number(option) => Ok(text.to_string()),
        other => Err(format!("`{key}` takes {wanted}, not {}", kind(other))),
    }
}

fn kind(value: &DeValue<'_>) -> String {
    let name = value.type_str();
    let article = if name.starts_with(['a', 'i']) {
        "an"
    } else {
        "a"
    };
    format!("{article} {name}")
}

fn is_switch(option: &Arg) -> bool {
    option.get_value_parser().type_id() == ValueParser::bool().type_id()
}

fn is_number(option: &Arg) -> bool {
    let number: ValueParser = clap::value_parser!(u8).into();
    option.get_value_parser().type_id() == number.type_id()
}

/// The option's own parser says whether it likes a value.
fn check(command: &Command, long: &str, value: &str) -> Result<(), String> {
    let bare = command.clone().mut_args(|arg| arg.env(None::<&str>));
    match bare.try_get_matches_from(["sse-tui", &format!("--{long}={value}")]) {
        Ok(_) => Ok(()),
        Err(error) => Err(one_line(&error.to_string())),
    }
}

/// What clap says of a value, on one line, as of a key.
fn one_line(text: &str) -> String {
    let said: Vec<&str> = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"))
        .filter(|line| !line.is_empty())
        .collect();
    let said = said.join("; ");
    said.strip_prefix("error: ").unwrap_or(&said).to_owned()
}

/// `; the nearest is ..`
pub(crate) fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(given, name), name))
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map_or_else(String::new, |(_, name)| {
            format!("; the nearest is `{name}`")
        })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Args;
    use crate::keymap::{Action, Context};

    fn parse(text: &str) -> Result<Config, (usize, String)> {
        super::parse(text, &Args::command())
    }

    #[test]
    fn every_option_of_a_file_is_a_flag() {
        let command = Args::command();
        let flags = command.get_arguments().filter(|arg| is_option(arg));
        assert_eq!(flags.count(), OPTIONS.len());
    }

    #[test]
    fn options_and_keys_are_read() {
        let text = "theme = \"light\"\nascii = true\nfps = 1_0\ncolumns = [\"time\", \"id\"]\n\
                    [keys]\nfind = [\"/\", \"ctrl-f\"]\nquit = \"f9\"\n[keys.detail]\nup = [\"f10\"]\n";
        let config = parse(text).unwrap();
        let settings: Vec<_> = config
            .settings
            .iter()
            .map(|(id, values)| format!("{id}={}", values.join(",")))
            .collect();
        assert_eq!(
            settings,
            ["theme=light", "ascii=true", "fps=10", "columns=time,id"]
        );
        let label = |context, action| config.keymap.key(context, action).unwrap().label();
        assert_eq!(label(Context::List, Action::Quit), "F9");
        assert_eq!(label(Context::Detail, Action::Up), "F10");
        assert_eq!(label(Context::List, Action::Up), "↑");
    }

    #[test]
    fn a_mistake_is_told_with_its_line_and_key_and_the_mend() {
        for (text, line, words) in [
            (
                "\nthem = \"dark\"",
                2,
                "`them` is no option; the nearest is `theme`",
            ),
            ("key.find = \"x\"", 1, "the nearest is `keys`"),
            (
                "header = [\"Authorization: s3cret\"]",
                1,
                "`header` cannot stand in a file; give --header",
            ),
            (
                "follow = \"yes\"",
                1,
                "`follow` takes true or false, without quotes, not a string",
            ),
            (
                "fps = \"30\"",
                1,
                "`fps` takes a number, without quotes, not a string",
            ),
            ("fps = 0", 1, "0 is not in 1..="),
            (
                "theme = true",
                1,
                "`theme` takes a string, in quotes, not a boolean",
            ),
            (
                "theme = \"blue\"",
                1,
                "[possible values: dark, light, plain]",
            ),
            ("chart = 3", 1, "`chart` takes a list of strings"),
            ("buffer = \"much\"", 1, "--buffer"),
            ("theme = \"dark\"\nascii = treu\n", 2, ""),
            ("theme = \"dark\"\ntheme = \"dark\"\n", 2, "duplicate key"),
            ("keys = 3", 1, "`keys` is a table"),
            (
                "[keys]\n\nfnid = \"x\"",
                3,
                "`fnid` is no action; the nearest is `find`",
            ),
            (
                "[keys]\nfind = 3",
                2,
                "`find` takes a key or a list of keys, in quotes",
            ),
            (
                "[keys]\nfind = [\n\"x\",\n\"hyper-x\"]",
                4,
                "`hyper-x` is no key",
            ),
            (
                "[keys.lst]\nup = \"x\"",
                1,
                "`lst` is no screen; the nearest is `list`",
            ),
            (
                "[keys.help]\nwire = \"x\"",
                2,
                "`wire` is nothing in `help`",
            ),
            (
                "[keys]\nfind = \"f9\"\nquit = \"f9\"",
                3,
                "`f9` cannot be both",
            ),
            ("[keys]\nfind = \"f9\"\nquit = []", 3, "no way to quit"),
        ] {
            let (at, problem) = parse(text).expect_err(words);
            assert!(problem.contains(words), "{text}: {problem}");
            assert_eq!(at, line, "{text}: {problem}");
            assert!(!problem.contains('\n'), "{problem}");
            assert!(!problem.contains("s3cret"), "{problem}");
        }
    }
}
