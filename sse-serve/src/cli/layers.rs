//! Where a configuration comes from: a file, over it the environment, over it
//! the flags.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgMatches, Command, CommandFactory, FromArgMatches};

use crate::cli::file::{self, NO_KEYS, nearest};
use crate::cli::{Cli, print_config, token, usage};
use crate::publish;

/// Commands with options that a file and the environment can set too.
const CONFIGURABLE: [&str; 2] = ["hub", "demo"];

const PREFIX: &str = "SSE_SERVE_";

/// A command line with what stands behind it.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) cli: Cli,
    command: Command,
    matches: ArgMatches,
    from_file: HashSet<String>,
}

/// Why there is no configuration.
#[derive(Debug)]
pub(super) enum Failure {
    /// Help and version too.
    Usage(clap::Error),
    Config(String),
}

impl Failure {
    /// As a usage error: one line and exit code 2.
    pub(super) fn report(&self) -> ExitCode {
        match self {
            Self::Usage(error) => usage::report(error),
            Self::Config(message) => {
                usage::say(message);
                ExitCode::from(2)
            }
        }
    }
}

pub(super) fn parse(args: Vec<OsString>) -> Result<Parsed, Failure> {
    let mut command = command();
    let mut from_file = HashSet::new();
    // A first look, only for the name of the file: the whole line may still be
    // wrong, or ask for help.
    let first = command.clone().ignore_errors(true);
    let first = first.try_get_matches_from(&args).ok();
    let hub = first.as_ref().and_then(ArgMatches::subcommand);
    if let Some((name, matches)) = hub.filter(|(name, _)| CONFIGURABLE.contains(name)) {
        check_environment(&command).map_err(Failure::Config)?;
        let path = matches.try_get_one::<PathBuf>("config");
        let subcommand = command.find_subcommand(name);
        if let (Ok(Some(path)), Some(subcommand)) = (path, subcommand) {
            let settings = file::read(path, subcommand).map_err(Failure::Config)?;
            let mut values: HashMap<String, Vec<String>> = settings
                .into_iter()
                .map(|setting| (setting.id, setting.values))
                .collect();
            from_file = values.keys().cloned().collect();
            // Not one by one: that would move each to the end of the help.
            command = command.mut_subcommand(name, |hub| {
                hub.mut_args(|arg| match values.remove(arg.get_id().as_str()) {
                    Some(values) => arg.default_values(values),
                    None => arg,
                })
            });
        }
    }
    let matches = command
        .try_get_matches_from_mut(args)
        .map_err(|error| Failure::Usage(token::redact(error)))?;
    if let Some((_, hub)) = matches.subcommand() {
        token::check_source(hub).map_err(Failure::Config)?;
    }
    let cli = Cli::from_arg_matches(&matches).map_err(Failure::Usage)?;
    Ok(Parsed {
        cli,
        command,
        matches,
        from_file,
    })
}

impl Parsed {
    /// The effective configuration, if `--print-config` asks for it.
    pub(super) fn printed_config(&self) -> Option<String> {
        let (name, matches) = self.matches.subcommand()?;
        let subcommand = self.command.find_subcommand(name)?;
        let asked = matches.try_get_one::<bool>("print_config");
        if !asked.ok().flatten().copied().unwrap_or(false) {
            return None;
        }
        Some(print_config::text(subcommand, matches, &self.from_file))
    }
}

/// The whole definition, with the variable of each option of a hub.
pub(super) fn command() -> Command {
    let mut command = Cli::command();
    for name in CONFIGURABLE {
        command = command.mut_subcommand(name, |hub| {
            hub.mut_args(|arg| match arg.get_long().map(variable) {
                Some(variable) if arg.get_long() != Some("print-config") => {
                    arg.env(variable).hide_env_values(true)
                }
                _ => arg,
            })
        });
    }
    command
}

fn variable(long: &str) -> String {
    format!("{PREFIX}{}", long.to_uppercase().replace('-', "_"))
}

/// A misspelt variable would go unnoticed.
fn check_environment(command: &Command) -> Result<(), String> {
    let known: Vec<String> = CONFIGURABLE
        .iter()
        .filter_map(|name| command.find_subcommand(name))
        .flat_map(Command::get_arguments)
        .filter_map(clap::Arg::get_long)
        .filter(|long| *long == "config" || !NO_KEYS.contains(long))
        .map(variable)
        .collect();
    for (name, _) in std::env::vars_os() {
        let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else {
            continue;
        };
        let is_known = known.iter().any(|known| known == name);
        if !is_known && name != publish::TOKEN && !is_of_kubernetes(name) {
            let nearest = nearest(name, known.iter().map(String::as_str));
            return Err(format!(
                "the environment sets {name}, which is no option{nearest}"
            ));
        }
    }
    Ok(())
}

/// Set for every pod beside a service called `sse-serve`.
fn is_of_kubernetes(name: &str) -> bool {
    ["SSE_SERVE_PORT", "SSE_SERVE_SERVICE_"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}
