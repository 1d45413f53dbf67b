//! Where options come from: a file, over it the environment, over it the flags.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Command, CommandFactory, FromArgMatches};

use super::Args;
use crate::config::{self, Config};
use crate::options::Options;

const PREFIX: &str = "SSE_TUI_";

/// What the command line asks for.
#[derive(Debug)]
pub enum Asked {
    /// To run.
    Run(Box<Options>),
    /// To print this.
    Document(Vec<u8>),
}

/// Why nothing can be done.
#[derive(Debug)]
pub enum Failure {
    /// Help and version too.
    Usage(clap::Error),
    /// The file or the environment, in one line.
    Config(String),
}

/// Reads the command line with what stands behind it.
///
/// # Errors
/// What is wrong where, for people; exit code 2.
pub fn parse(args: Vec<OsString>) -> Result<Asked, Failure> {
    let mut command = command();
    let first = command.clone().ignore_errors(true);
    // Only for the name of the file: the whole line may still be wrong, or ask
    // for help.
    let config = match first.try_get_matches_from(&args) {
        Ok(matches) => file(&matches, &command).map_err(Failure::Config)?,
        Err(_) => Config::default(),
    };
    let mut values: HashMap<_, _> = config.settings.into_iter().collect();
    command = command.mut_args(|arg| match values.remove(arg.get_id().as_str()) {
        Some(values) => arg.default_values(values),
        None => arg,
    });
    let matches = command
        .try_get_matches_from_mut(args)
        .map_err(Failure::Usage)?;
    let args = Args::from_arg_matches(&matches).map_err(Failure::Usage)?;
    if args.print_config {
        let text = config::print::text(&command, &matches, &config.keymap);
        return Ok(Asked::Document(text.into_bytes()));
    }
    if let Some(text) = args
        .document()
        .map_err(|error| Failure::Usage(error.into()))?
    {
        return Ok(Asked::Document(text));
    }
    let theme_chosen = matches!(
        matches.value_source("theme"),
        Some(ValueSource::CommandLine | ValueSource::EnvVariable)
    );
    let options = args.try_into_options(config.keymap, theme_chosen);
    let wrong =
        |message| Failure::Usage(Args::command().error(ErrorKind::ValueValidation, message));
    options
        .map(|options| Asked::Run(Box::new(options)))
        .map_err(wrong)
}

/// The definition, with the variable of each option that a file can set.
fn command() -> Command {
    Args::command().mut_args(|arg| {
        let name = arg
            .get_long()
            .filter(|long| *long == "config" || config::is_option(&arg));
        match name.map(variable) {
            Some(variable) => arg.env(variable).hide_env(true),
            None => arg,
        }
    })
}

fn variable(long: &str) -> String {
    format!("{PREFIX}{}", long.to_uppercase().replace('-', "_"))
}

fn file(matches: &ArgMatches, command: &Command) -> Result<Config, String> {
    check_environment(command)?;
    // Of a line with errors, not everything has a value.
    let none = matches.try_get_one::<bool>("no_config");
    if none.ok().flatten() == Some(&true) {
        return Ok(Config::default());
    }
    if let Ok(Some(path)) = matches.try_get_one::<PathBuf>("config") {
        return config::read(path, command);
    }
    match config::default_path() {
        Some(path) if path.exists() => config::read(&path, command),
        _ => Ok(Config::default()),
    }
}

/// A misspelt variable would go unnoticed.
fn check_environment(command: &Command) -> Result<(), String> {
    let of = |arg: &clap::Arg| {
        arg.get_env()
            .and_then(|name| name.to_str())
            .map(str::to_owned)
    };
    let known: Vec<_> = command.get_arguments().filter_map(of).collect();
    for (name, _) in std::env::vars_os() {
        let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else {
            continue;
        };
        if !known.iter().any(|known| known == name) {
            let nearest = config::nearest(name, known.iter().map(String::as_str));
            return Err(format!(
                "the environment sets {name}, which is no option{nearest}"
            ));
        }
    }
    Ok(())
}
