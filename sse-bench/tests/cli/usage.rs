//! Command lines that cannot be carried out, and help.

use crate::support::{self, run};

#[test]
fn usage_errors_say_what_and_how_to_mend_it() {
    let url = "http://127.0.0.1:9/";
    for (arguments, said) in [
        (&["load"][..], "<URL>"),
        (&["load", "ftp://host/"], "give one such as http://"),
        (
            &["load", "127.0.0.1:8080/events"],
            "give one such as http://",
        ),
        (
            &["load", url, "-z", "0"],
            "a duration of 0 measures nothing",
        ),
        (&["load", url, "-z", "5"], "500ms, 5s or 2m"),
        (&["load", url, "-c", "0"], "--connections"),
        (&["load", url, "-H", "no colon"], "Name: value"),
        (&["load", url, "-H", "b@d name: x"], "Name: value"),
        (&["load", url, "-m", "GE T"], "no HTTP method"),
        (&["load", url, "-a", "user"], "user:password"),
        (
            &["load", url, "--timestamp-pointer", "at"],
            "starts with \"/\"",
        ),
        (
            &["load", url, "--output-format", "xml"],
            "csv, junit or html",
        ),
        (
            &[
                "load",
                url,
                "--output-format",
                "json",
                "--output-format",
                "text",
            ],
            "two report formats",
        ),
        (
            &["load", url, "--cacert", "no-such-file.pem"],
            "no-such-file.pem",
        ),
        (&["load", url, "-D", "no-such-file"], "no-such-file"),
        (&["load", url, "-c", "4000000000"], "-c 4000000000"),
        (&["load", url, "--threshold", "p99(latency)<1s"], "delivery"),
        (&["load", url, "--no-such-flag"], "--no-such-flag"),
    ] {
        let run = run(arguments);
        assert_eq!(run.code(), 2, "{arguments:?}: {run:?}");
        assert!(run.stderr.contains(said), "{arguments:?}: {}", run.stderr);
        assert_eq!(run.stdout, "", "{arguments:?}");
    }
}

#[cfg(unix)]
#[test]
fn an_open_file_limit_that_is_too_low_is_said_beforehand() {
    let line = format!(
        "ulimit -n 128; {} load http://127.0.0.1:9/ -c 200 --threads 2",
        env!("CARGO_BIN_EXE_sse-bench")
    );
    let output = testing::output(std::process::Command::new("sh").args(["-c", &line]));
    let run = support::Run::from(output);
    assert_eq!(run.code(), 2);
    let expected = "sse-bench: the limit of 128 open files will not carry -c 200: raise it with \
                    `ulimit -n 248`, or use at most -c 80\n";
    assert_eq!(run.stderr, expected);
}

#[test]
fn completions_and_manual_come_from_the_command_line() {
    let completions = run(&["completions", "bash"]);
    assert!(completions.stdout.contains("--timestamp-pointer"));
    let manual = run(&["man"]);
    assert!(manual.stdout.starts_with(".ie") && manual.stdout.contains("timestamp\\-pointer"));
    let help = run(&["load", "--help"]).stdout;
    assert!(
        help.contains("Examples:") && help.contains("Exit codes:"),
        "{help}"
    );
}
