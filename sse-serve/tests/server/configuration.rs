//! A file, the environment and flags, in rising order.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Server, command};

fn fixtures(kind: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/configurations")
        .join(kind)
}

fn run(command: &mut Command) -> (Option<i32>, String, String) {
    let output = testing::output(command);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// The effective configuration.
fn printed(flags: &[&str], environment: &[(&str, &str)]) -> String {
    let mut command = command();
    command.args(["hub", "--print-config"]).args(flags);
    command.envs(environment.iter().copied());
    let (code, stdout, stderr) = run(&mut command);
    assert_eq!(code, Some(0), "{stderr}");
    stdout
}

fn value<'a>(config: &'a str, key: &str) -> &'a str {
    let mut lines = config.lines();
    lines
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "))
        .unwrap_or_else(|| panic!("no {key} in {config}"))
}

#[test]
fn the_example_is_complete_and_equal_to_the_defaults() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("sse-serve.example.toml");
    let text = std::fs::read_to_string(&example)
        .unwrap()
        .replace("\r\n", "\n");
    assert_eq!(
        printed(&[], &[]),
        text,
        "write it anew: sse-serve hub --print-config > {}",
        example.display()
    );
    // And it can be read: nothing changes but where the values come from.
    let config = printed(&["--config", example.to_str().unwrap()], &[]);
    assert_eq!(config.replace(" # by the file", ""), text);
}

#[test]
fn every_option_of_the_example_can_be_uncommented() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("sse-serve.example.toml");
    let text = std::fs::read_to_string(example).unwrap();
    let lines = text.lines().map(|line| match line.strip_prefix('#') {
        Some(option) if option.starts_with(|first: char| first.is_ascii_lowercase()) => option,
        _ => line,
    });
    let text: Vec<&str> = lines.collect();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("hub.toml");
    std::fs::write(&file, text.join("\n")).unwrap();
    let mut command = command();
    let (code, config, stderr) = run(command
        .args(["hub", "--print-config", "--config"])
        .arg(&file));
    // Each is good, and two cannot be had together.
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("both name the key"), "{stderr}");
    assert_eq!(value(&config, "max-per-peer"), "1000 # by the file");
    assert!(
        !config.lines().any(|line| line.starts_with("#t")),
        "{config}"
    );
}

#[test]
fn a_printed_secret_says_that_it_was_left_out() {
    let environment = [(
        "SSE_SERVE_AUTH_TOKEN",
        "ci:token=a-token-of-the-tests,publish=*",
    )];
    let config = printed(&[], &environment);
    assert!(!config.contains("a-token-of-the-tests"), "{config}");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("hub.toml");
    std::fs::write(&file, config).unwrap();
    let (code, _, stderr) = run(command().args(["hub", "--config"]).arg(&file));
    assert_eq!(code, Some(2));
    assert!(stderr.contains("left out by --print-config"), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}

#[test]
fn what_cannot_be_had_together_is_printed_and_said() {
    for (flags, needle) in [
        (&["--max-event-size", "9MiB"][..], "--max-body-size"),
        (&["--listen", "0.0.0.0:0"], "--allow-anonymous"),
        (&["--cors-credentials"], "--cors-origin"),
        (&["--tls-key", "key.pem"], "--tls-cert"),
        (&["--jwt-audience", "hub"], "--jwt-algorithm"),
    ] {
        let mut command = command();
        let (code, stdout, stderr) = run(command.args(["hub", "--print-config"]).args(flags));
        assert_eq!(code, Some(2), "{stderr}");
        assert!(stdout.contains("# by a flag"), "{stdout}");
        assert!(stderr.contains(needle), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
}

#[test]
fn flags_override_the_environment_which_overrides_the_file() {
    let path = fixtures("good").join("full.toml");
    let file = ["--config", path.to_str().unwrap()];
    let environment = [("SSE_SERVE_HEARTBEAT", "7s"), ("SSE_SERVE_RETRY", "8s")];
    let config = printed(&file, &[]);
    assert_eq!(value(&config, "heartbeat"), "\"20s\" # by the file");
    let config = printed(&file, &environment);
    assert_eq!(value(&config, "heartbeat"), "\"7s\" # by the environment");
    assert_eq!(value(&config, "drain"), "\"1m\" # by the file");
    let flags = [&file[..], &["--heartbeat", "9s"]].concat();
    let config = printed(&flags, &environment);
    assert_eq!(value(&config, "heartbeat"), "\"9s\" # by a flag");
    assert_eq!(value(&config, "retry"), "\"8s\" # by the environment");
    assert_eq!(value(&config, "drain"), "\"1m\" # by the file");
    assert_eq!(value(&config, "write-timeout"), "\"60s\"");
}

#[test]
fn the_file_can_be_named_by_the_environment() {
    let path = fixtures("good").join("full.toml");
    let config = printed(&[], &[("SSE_SERVE_CONFIG", path.to_str().unwrap())]);
    assert_eq!(value(&config, "heartbeat"), "\"20s\" # by the file");
}

#[test]
fn what_is_printed_gives_the_same_configuration_again() {
    let path = fixtures("good").join("full.toml");
    let first = printed(&["--config", path.to_str().unwrap()], &[]);
    let copy = std::env::temp_dir().join(format!("sse-serve-{}.toml", std::process::id()));
    std::fs::write(&copy, &first).unwrap();
    let again = printed(&["--config", copy.to_str().unwrap()], &[]);
    std::fs::remove_file(&copy).unwrap();
    assert_eq!(value(&first, "log-events"), "500 # by the file");
    assert_eq!(
        value(&first, "cors-origin"),
        "[\"https://a.example\", \"https://b.example\"] # by the file"
    );
    let plain = |text: &str| text.replace(" # by the file", "");
    assert_eq!(plain(&first), plain(&again));
}

#[test]
fn every_good_file_is_taken_and_every_bad_one_is_said_by_line() {
    for entry in std::fs::read_dir(fixtures("good")).unwrap() {
        let path = entry.unwrap().path();
        printed(&["--config", path.to_str().unwrap()], &[]);
    }
    let mut bad = 0;
    for entry in std::fs::read_dir(fixtures("bad")).unwrap() {
        let path = entry.unwrap().path();
        // The first line says what must be said: `# LINE: TEXT`.
        let text = std::fs::read_to_string(&path).unwrap();
        let expected = text.lines().next().unwrap().strip_prefix("# ").unwrap();
        let (line, needle) = expected.split_once(": ").unwrap();
        let mut command = command();
        let (code, stdout, stderr) = run(command.args(["hub", "--config"]).arg(&path));
        assert_eq!(code, Some(2), "{}: {stderr}", path.display());
        assert_eq!(stdout, "");
        let place = format!("sse-serve: {}:{line}: ", path.display());
        assert!(stderr.starts_with(&place), "{stderr}");
        assert!(stderr.contains(needle), "{}: {stderr}", path.display());
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        bad += 1;
    }
    assert!(bad > 5);
}

#[test]
fn a_file_that_is_not_there_is_said() {
    let (code, _, stderr) = run(command().args(["demo", "--config", "/nowhere/hub.toml"]));
    assert_eq!(code, Some(2));
    assert!(stderr.contains("/nowhere/hub.toml"), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}

#[test]
fn a_misspelt_variable_names_the_nearest() {
    let (code, _, stderr) = run(command().arg("hub").env("SSE_SERVE_HARTBEAT", "5s"));
    assert_eq!(code, Some(2));
    assert!(stderr.contains("SSE_SERVE_HARTBEAT"), "{stderr}");
    assert!(stderr.contains("`SSE_SERVE_HEARTBEAT`"), "{stderr}");
    let (code, _, stderr) = run(command().arg("hub").env("SSE_SERVE_HEARTBEAT", "5"));
    assert_eq!(code, Some(2));
    assert!(stderr.contains("--heartbeat"), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}

#[test]
fn variables_that_kubernetes_sets_harm_nobody() {
    printed(
        &[],
        &[
            ("SSE_SERVE_PORT", "tcp://10.0.0.1:80"),
            ("SSE_SERVE_SERVICE_HOST", "10.0.0.1"),
        ],
    );
}

#[test]
fn a_server_runs_by_its_file() {
    let path = fixtures("good").join("limits.toml");
    let server = Server::start(&["--config", path.to_str().unwrap()]);
    let _stream = server.subscribe("");
    server.get("/events").problem(429);
}

#[test]
fn a_topic_of_the_file_keeps_its_history_beside_a_busy_one() {
    for file in ["topics.toml", "topic-list.toml"] {
        let path = fixtures("good").join(file);
        let flags = ["--config", path.to_str().unwrap(), "--log-events", "10"];
        let server = Server::start(&flags);
        let events: Vec<_> = (0..20)
            .map(|n| format!("{{\"topic\":\"rare.a\",\"data\":{n}}}"))
            .collect();
        server.publish(&format!("[{}]", events.join(",")));
        server.publish_numbers(0..50);
        let topics = server.get("/topics").json();
        assert_eq!(topics["topics"][0]["events"], 10);
        assert_eq!(topics["topics"][1]["topic"], "rare.a");
        assert_eq!(topics["topics"][1]["events"], 5);
    }
}
