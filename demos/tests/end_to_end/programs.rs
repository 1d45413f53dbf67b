//! The workspace's binaries, found beside this test, and programs of the system.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use testing::Program;

/// A binary of the workspace. `cargo test --workspace` builds them all; a
/// narrower call may not have.
pub(crate) fn binary(name: &str) -> Option<PathBuf> {
    let test = env::current_exe().expect("this test has a path");
    let directory = test
        .parent()
        .and_then(Path::parent)
        .expect("target/PROFILE/deps/TEST");
    let path = directory
        .join(name)
        .with_extension(env::consts::EXE_EXTENSION);
    found(
        path.is_file().then_some(path),
        &format!("{name} is not built: cargo test --workspace"),
    )
}

/// A program of the system by the first of its names on the PATH.
pub(crate) fn program(names: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found_path = names
        .iter()
        .flat_map(|name| env::split_paths(&path).map(move |directory| directory.join(name)))
        .find(|path| path.is_file());
    found(found_path, &format!("none of {names:?} is installed"))
}

fn found(path: Option<PathBuf>, problem: &str) -> Option<PathBuf> {
    if path.is_none() {
        assert!(env::var_os("SSE_TEST_REQUIRE_ALL").is_none(), "{problem}");
        eprintln!("left out: {problem}");
    }
    path
}

/// Starts `sse-serve demo` and returns it with its address.
pub(crate) fn start_server(binary: &Path, listen: &str, options: &[&str]) -> (Program, String) {
    listening(
        Command::new(binary)
            .args(["demo", "--listen", listen])
            .args(options),
    )
}

/// Starts what says first where it listens.
pub(crate) fn listening(command: &mut Command) -> (Program, String) {
    let mut program = Program::spawn(command.stdout(Stdio::piped()));
    let (line, _) = program.first_line();
    let address = line
        .trim()
        .strip_prefix("listening on ")
        .and_then(|url| url.split_once("://"))
        .expect("where it listens")
        .1
        .to_owned();
    (program, address)
}
