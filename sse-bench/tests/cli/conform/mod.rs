//! `sse-bench conform client` against a client that does most things wrong.
//! What a good one gets is seen in `demos/tests`, with `sse-tui`.

mod naive;
mod server;

use std::path::PathBuf;

use serde_json::Value;

use crate::support::{Run, run};

/// The naive client: this very program, as [`naive`] says.
fn naive() -> Vec<String> {
    let test: PathBuf = std::env::current_exe().unwrap();
    let test = test.display().to_string();
    let arguments = [
        &test,
        "--ignored",
        "--exact",
        "conform::naive::client",
        "--nocapture",
        // With one thread libtest begins a line that the client's first event ends.
        "--test-threads",
        "2",
        "--skip",
        "{url}",
    ];
    arguments.map(str::to_owned).to_vec()
}

fn conform(options: &[&str], client: &[String]) -> Run {
    let fixed = ["conform", "client", "--quiet", "500ms", "--patience", "60s"];
    let mut all = [&fixed[..], options, &["--"]].concat();
    all.extend(client.iter().map(String::as_str));
    run(&all)
}

fn graded(report: &Value, grade: &str) -> Vec<String> {
    let checks = report["checks"].as_array().unwrap().iter();
    let names = checks.filter(|check| check["grade"] == grade);
    names
        .map(|check| check["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_naive_client_fails_what_it_does_wrong_and_nothing_else() {
    let run = conform(&["--output-format", "json"], &naive());
    let report = run.json();
    assert_eq!((run.code(), &report["verdict"]), (1, &Value::from("fail")));
    let mut failed = graded(&report, "failed");
    assert_eq!(report["counts"]["failed"], failed.len());
    // How hot its loop is depends on the machine.
    let hot = ["C15/missing", "C15/empty", "C16", "C26", "C27"];
    failed.retain(|name| !hot.contains(&name.as_str()));
    let expected: Vec<&str> = include_str!("naive.txt").lines().collect();
    assert_eq!(failed, expected, "{report:#}");
    let ok = graded(&report, "ok");
    for name in &hot[..3] {
        assert!(!ok.iter().any(|other| other == name), "{name}");
    }
    // It prints no ids, and has a delay of its own.
    let told = graded(&report, "informational");
    assert_eq!(told[..2], ["C02", "C24"]);
    let checks = report["checks"].as_array().unwrap();
    let c05 = checks.iter().find(|check| check["name"] == "C05").unwrap();
    let seen = c05["seen"].as_str().unwrap();
    assert!(seen.contains("an event was dispatched"), "{seen}");
}

#[test]
fn failures_that_are_expected_pass_and_a_stale_one_does_not() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("known.txt");
    let path = file.display().to_string();
    let options = [
        "--only",
        "C05",
        "--only",
        "C09",
        "--expected-failures",
        &path,
    ];

    std::fs::write(&file, "# known\nC05  # for years\n").unwrap();
    let expected = conform(&options, &naive());
    assert_eq!(expected.code(), 0, "{expected:?}");
    assert!(expected.stdout.contains("PASS"));
    assert!(expected.stdout.contains("404 Not Found fails (expected)"));

    std::fs::write(&file, "C05\nC09\n").unwrap();
    let stale = conform(&options, &naive());
    assert_eq!(stale.code(), 1);
    assert!(stale.stdout.contains("expected failures: 1, stale: 1"));

    std::fs::write(&file, "C99\n").unwrap();
    let unknown = conform(&options, &naive());
    assert_eq!(unknown.code(), 2);
    assert!(unknown.stderr.contains("\"C99\" is none of the checks"));
}

#[test]
fn junit_names_each_check_and_its_failure() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("junit.xml");
    let path = file.display().to_string();
    let options = ["--only", "C05", "--only", "C09", "--only", "C40"];
    let options = [&options[..], &["--output-format", "junit", "-o", &path]].concat();
    let run = conform(&options, &naive());
    assert_eq!((run.code(), run.stdout.as_str()), (1, ""));
    let xml = std::fs::read_to_string(&file).unwrap();
    for part in [
        "tests=\"3\" failures=\"1\" skipped=\"1\"",
        "name=\"C05: 404 Not Found fails\"",
        "<failure message=\"an event was dispatched: &quot;of a refusal&quot;\"/>",
        "<skipped message=\"needs arguments of the client",
        "<system-out>ok</system-out>",
    ] {
        assert!(xml.contains(part), "no {part} in {xml}");
    }
}

#[cfg(unix)]
#[test]
fn a_client_that_makes_no_request_is_never_reached() {
    let silent = ["sleep".to_owned(), "60".to_owned()];
    let ended = ["false".to_owned()];
    let missing = ["no-such-program".to_owned()];
    for (client, said) in [
        (&silent[..1], "instead of a request"),
        (&ended, "instead of a request"),
        (&missing, "cannot start no-such-program"),
    ] {
        let run = conform(&["--only", "C02"], client);
        assert_eq!(run.code(), 4, "{run:?}");
        assert!(run.stdout.contains("NEVER REACHED"), "{}", run.stdout);
        assert!(run.stdout.contains(said), "{}", run.stdout);
    }
}

#[test]
fn what_cannot_be_checked_is_a_usage_error() {
    for (arguments, said) in [
        (&["conform", "client"][..], "COMMAND"),
        (
            &["conform", "client", "--only", "X1", "--", "a"],
            "no check has such a name",
        ),
        (
            &["conform", "client", "--variant", "C01=a", "--", "a"],
            "C06, C40, C44, C47 or C48",
        ),
    ] {
        let run = run(arguments);
        assert_eq!(run.code(), 2, "{arguments:?}");
        assert!(run.stderr.contains(said), "{}", run.stderr);
    }
}
