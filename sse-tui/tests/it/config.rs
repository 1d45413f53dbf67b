//! Options and keys from a file, the environment and flags.

use std::path::PathBuf;
use std::process::Output;

use crate::print::{command, run, stderr, stdout};

/// A directory of configurations with this one in it.
fn directory(text: &str) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sse-tui").join("config.toml");
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    (directory, path)
}

/// What `--print-config` prints with this file where configurations are.
fn printed(file: &str, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    let (directory, _) = directory(file);
    let mut command = command(&[&["--print-config"], arguments].concat());
    command.env("XDG_CONFIG_HOME", directory.path());
    command.envs(variables.iter().copied());
    testing::output(&mut command)
}

fn value<'a>(output: &'a Output, key: &str) -> Option<&'a str> {
    assert!(output.status.success(), "{output:?}");
    let start = format!("{key} = ");
    stdout(output)
        .lines()
        .find_map(|line| line.strip_prefix(&start))
}

#[test]
fn the_printed_configuration_is_a_file_that_gives_the_same_one() {
    let file = "theme = \"light\"\nfps = 10\ncolumns = [\"time\", \"id\"]\nascii = true\n\
                chart = [\"tick:/price\"]\ntext-pointer = \"\"\nbuffer = \"1MiB\"\n\
                [keys]\nfind = [\"/\", \"ctrl-f\"]\nbookmark = []\n[keys.detail]\nup = [\"f9\", \"\\\\\"]\n";
    for (file, arguments) in [
        ("", &[][..]),
        (file, &["--color", "never", "--follow=false"]),
    ] {
        let first = printed(file, &[], arguments);
        let again = printed(stdout(&first), &[], &[]);
        assert!(again.status.success(), "{again:?}");
        assert_eq!(stdout(&first), stdout(&again));
    }
}

#[test]
fn the_printed_defaults() {
    let output = printed("", &[], &[]);
    insta::assert_snapshot!("print_config", stdout(&output));
}

#[test]
fn flags_override_the_environment_which_overrides_the_file() {
    let file = "fps = 5\ntheme = \"light\"\nfollow = false\ncolumns = [\"id\"]\n";
    let variables = [("SSE_TUI_FPS", "7"), ("SSE_TUI_COLUMNS", "time,id")];
    let output = printed(file, &variables, &["--fps", "9"]);
    assert_eq!(value(&output, "fps"), Some("9"));
    let output = printed(file, &variables, &[]);
    assert_eq!(value(&output, "fps"), Some("7"));
    assert_eq!(value(&output, "columns"), Some("[\"time\", \"id\"]"));
    let output = printed(file, &[], &[]);
    assert_eq!(value(&output, "fps"), Some("5"));
    assert_eq!(value(&output, "follow"), Some("false"));
    assert_eq!(value(&output, "theme"), Some("\"light\""));
    assert_eq!(value(&output, "ascii"), None, "not said anywhere");
    let output = printed(file, &[], &["--follow", "--no-config"]);
    assert_eq!(value(&output, "follow"), Some("true"));
    assert_eq!(value(&output, "fps"), Some("30"), "the file was not read");
}

#[test]
fn a_mistake_is_one_line_that_names_the_file_and_ends_with_code_2() {
    let (_directory, path) = directory("theme = \"dark\"\n\n[keys]\nfnid = \"x\"\n");
    let path = path.to_str().unwrap();
    let output = run(&["--config", path]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        stderr(&output),
        format!("sse-tui: {path}:4: `fnid` is no action; the nearest is `find`\n")
    );
    for (arguments, variable, words) in [
        (&["--config", "/no/such/file"][..], None, "/no/such/file"),
        (
            &[],
            Some(("SSE_TUI_TEME", "dark")),
            "the nearest is `SSE_TUI_THEME`",
        ),
        (&[], Some(("SSE_TUI_FPS", "many")), "--fps"),
    ] {
        let output = testing::output(command(arguments).envs(variable));
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(stderr(&output).contains(words), "{output:?}");
    }
}

#[test]
fn help_and_completions_work_beside_a_broken_file() {
    let (_directory, path) = directory("nonsense");
    for argument in ["--help", "--version"] {
        let output = run(&[argument, "--config", path.to_str().unwrap()]);
        assert!(output.status.success(), "{argument}");
    }
}
