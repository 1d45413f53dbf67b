//! A configuration as a file that gives the same one.

use std::fmt::Write;

use clap::{Arg, ArgAction, ArgMatches, Command, ValueEnum};

use super::{OPTIONS, is_number, is_switch};
use crate::keymap::{Context, Key, Keymap};

const HEAD: &str = "\
# sse-tui reads this from $XDG_CONFIG_HOME/sse-tui/config.toml or ~/.config/sse-tui/config.toml
# (Windows: %APPDATA%\\sse-tui\\config.toml), or from the file that --config names.
# Each option is a flag of that name too, and a variable: --record-limit is record-limit here and
# SSE_TUI_RECORD_LIMIT in the environment. The environment overrides this file, flags override both.
";

const KEYS: &str = "
# Keys are written k, G, up, enter, pgup, f5, ctrl-f, alt-x, shift-tab; [] is no key.
# In [keys] an action gets the same keys on every screen where it is:
#   [keys]
#   find = [\"/\", \"ctrl-f\"]
# What is said of one screen, as below, goes before that.
";

/// Every option and every key with its help; options without a value stand as
/// comments.
pub(crate) fn text(command: &Command, matches: &ArgMatches, keymap: &Keymap) -> String {
    let mut out = HEAD.to_owned();
    for long in OPTIONS {
        let mut options = command.get_arguments();
        if let Some(option) = options.find(|arg| arg.get_long() == Some(long)) {
            write_option(&mut out, option, matches);
        }
    }
    out.push_str(KEYS);
    for context in Context::value_variants() {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "\n[keys.{}]", context.name());
        for binding in keymap.of(*context) {
            let keys: Vec<_> = binding.keys.iter().map(Key::to_string).collect();
            let keys: Vec<_> = keys.iter().map(|key| literal(key)).collect();
            let line = format!("{} = [{}]", binding.action.name(), keys.join(", "));
            let _ = writeln!(out, "{line:<40} # {}", binding.help);
        }
    }
    out
}

fn write_option(out: &mut String, option: &Arg, matches: &ArgMatches) {
    let key = option.get_long().unwrap_or_default();
    let help = option.get_help().map(ToString::to_string);
    let _ = write!(
        out,
        "\n# {}\n",
        help.unwrap_or_default().replace('\n', "\n# ")
    );
    let names: Vec<_> = option
        .get_possible_values()
        .iter()
        .map(|value| value.get_name().to_owned())
        .collect();
    if !names.is_empty() && !is_switch(option) {
        let _ = writeln!(out, "# One of {}.", names.join(", "));
    }
    let value = |text: &str| {
        if is_switch(option) || is_number(option) {
            text.to_owned()
        } else {
            literal(text)
        }
    };
    let values: Vec<String> = matches
        .get_raw(option.get_id().as_str())
        .into_iter()
        .flatten()
        .map(|raw| value(&raw.to_string_lossy()))
        .collect();
    let many = matches!(option.get_action(), ArgAction::Append);
    let _ = match values.as_slice() {
        values if many => writeln!(out, "{key} = [{}]", values.join(", ")),
        [value, ..] => writeln!(out, "{key} = {value}"),
        [] if is_switch(option) => writeln!(out, "#{key} = true"),
        [] => writeln!(
            out,
            "#{key} = {}",
            literal(names.first().map_or("/data", String::as_str))
        ),
    };
}

/// As a string of TOML, which has the escapes of JSON.
fn literal(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}
