//! The command line.

use crate::support::{Server, command};

fn run(flags: &[&str]) -> (Option<i32>, String, String) {
    let output = testing::output(command().args(flags));
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn an_occupied_port_is_said_in_one_line() {
    let server = Server::start(&[]);
    let addr = server.addr().to_string();
    let (code, stdout, stderr) = run(&["demo", "--listen", &addr]);
    assert_eq!(code, Some(1));
    assert_eq!(stdout, "");
    assert!(
        stderr.contains(&addr) && stderr.contains("--listen"),
        "{stderr}"
    );
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}

#[test]
fn a_usage_error_is_one_line_and_exit_code_2() {
    for (flags, needle) in [
        (&["demo", "--listen", "nonsense"][..], "127.0.0.1:8080"),
        (&["demo", "--listen", "127.0.0.1:99999"], "127.0.0.1:8080"),
        (&["demo", "--heartbeat", "5"], "500ms, 5s or 2m"),
        (&["demo", "--tick-interval", "0s"], "1ms"),
        (&["demo", "--retry=-1s"], "--retry"),
        (&["demo", "--rate", "0"], "per second"),
        (
            &["demo", "--rate", "5", "--tick-interval", "1s"],
            "--tick-interval",
        ),
        (&["demo", "--log-bytes", "1KiB"], "at least"),
        (&["demo", "--log-events", "0"], "above 0"),
        (&["demo", "--gap", "newest"], "oldest, latest"),
        (&["hub", "--topics", "orders.*"], "events=1000"),
        (&["hub", "--topics", "orders.*:size=1"], "events=1000"),
        (&["hub", "--max-head-size", "1KiB"], "8KiB"),
        (&["hub", "--accept-rate", "0"], "per second"),
        (&["demo", "--path", "events"], "slash"),
        (&["demo", "--path", "/health"], "endpoint"),
        (&["demo", "--path", "/"], "endpoint"),
        (&["demo", "--path", "/{x}"], "braces"),
        (&["demo", "--path", "/a/../b"], "`..`"),
        (&["demo", "--path", "/ä"], "%XX"),
        (&["demo", "--lisen", "x"], "'--listen'"),
        (&["serve"], "serve"),
    ] {
        let (code, stdout, stderr) = run(flags);
        assert_eq!(code, Some(2), "{flags:?}: {stderr}");
        assert_eq!(stdout, "");
        assert!(stderr.contains(needle), "{flags:?}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
}

#[test]
fn help_version_man_page_and_completions() {
    for (flags, needle) in [
        (&["--help"][..], "Examples:"),
        (&["demo", "--help"], "curl -N"),
        (&["publish", "--help"], "sse-serve publish --event"),
        (&["--version"], env!("CARGO_PKG_VERSION")),
        (&["man"], ".TH sse-serve 1"),
        (&["completions", "bash"], "--tick-interval"),
        (&["completions", "zsh"], "--tick-interval"),
        (&["completions", "fish"], "tick-interval"),
    ] {
        let (code, stdout, stderr) = run(flags);
        assert_eq!(code, Some(0), "{flags:?}: {stderr}");
        assert!(stdout.contains(needle), "{flags:?}: {stdout}");
    }
}
