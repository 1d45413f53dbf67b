//! Timelines from a file, those of the repository among them.

use std::path::{Path, PathBuf};

use super::support::{Ended, Proxy, events};
use crate::support::{SSE_HEAD, Server, chunked, hold, run, send};

fn example(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("scenarios").join(name)
}

#[test]
fn steps_follow_each_other_and_the_last_one_stays() {
    let server = Server::start(|_, _, stream| {
        send(stream, format!("{SSE_HEAD}\r\n{}", events(&[1, 2, 3])));
        hold(stream);
    });
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("steps.toml");
    let text = "
        start = 'first-request'
        [fault.lossy]
        fault = 'drop'
        events = 2
        [fault.short]
        fault = 'cut'
        after-events = 1
        how = 'end'
        [[step]]
        for = '1s'
        faults = ['lossy']
        [[step]]
        cut = 'rst'
        faults = ['short']
    ";
    std::fs::write(&file, text).unwrap();
    let proxy = Proxy::start(&server, &["--scenario", &file.display().to_string()]);
    let (_, state) = proxy.command("GET /state", "");
    assert_eq!(
        state["step"],
        serde_json::Value::Null,
        "it waits for a request"
    );
    // The first request may overtake its step; the second does not.
    drop(proxy.get());
    proxy.logged(&["scenario: step 1, 1.0 s: lossy"]);
    let mut first = proxy.get();
    assert_eq!(first.until("data: 3\n\n"), events(&[1, 3]));
    assert_eq!(
        first.rest().1,
        Ended::Reset,
        "the second step begins with a cut"
    );
    proxy.logged(&["scenario: step 2, for good: short"]);
    assert_eq!(proxy.get().text(), (events(&[1]), Ended::Whole));
    assert_eq!(proxy.command("GET /state", "").1["step"], 2);
}

#[test]
fn each_example_is_one_that_runs() {
    let server = Server::answering(chunked(&[&events(&[1])]));
    let mut seen = 0;
    for entry in std::fs::read_dir(example("")).unwrap() {
        let path = entry.unwrap().path().display().to_string();
        let proxy = Proxy::start(&server, &["--scenario", &path]);
        proxy.logged(&["scenario: step 1"]);
        seen += 1;
    }
    assert!(seen >= 3);
}

#[test]
fn the_example_of_a_lossy_proxy_loses_what_it_says() {
    let numbers: Vec<u32> = (1..=20).collect();
    let server = Server::answering(chunked(&[&events(&numbers)]));
    let path = example("lossy.toml").display().to_string();
    let proxy = Proxy::start(&server, &["--scenario", &path]);
    proxy.logged(&["scenario: step 1"]);
    let left: Vec<u32> = (1..=20).filter(|number| number % 10 != 0).collect();
    assert_eq!(proxy.get().text().0, events(&left));
}

#[test]
fn a_file_with_a_mistake_is_refused_with_its_place() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("bad.toml");
    std::fs::write(&file, "[fault.x]\nfault = 'drop'\nevry = 2\n[[step]]\n").unwrap();
    let path = file.display().to_string();
    let run = run(&[
        "proxy",
        "--upstream",
        "http://127.0.0.1:9",
        "--scenario",
        &path,
    ]);
    assert_eq!(run.code(), 2);
    for part in [path.as_str(), "fault \"x\"", "did you mean \"every\"?"] {
        assert!(run.stderr.contains(part), "{}", run.stderr);
    }
}
