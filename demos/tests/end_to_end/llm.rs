//! Answers of language models, from the mock endpoint to the text on the screen.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use testing::Program;

use crate::programs::{binary, listening};

/// Path of each format, and its name on the screen.
const FORMATS: [(&str, &str); 3] = [
    ("chat/completions", "OpenAI chat completions"),
    ("responses", "OpenAI responses"),
    ("messages", "Anthropic messages"),
];

const QUICK: [&str; 4] = ["--first", "2ms", "--pace", "1ms"];

fn start(llm: &Path, arguments: &[&str]) -> (Program, String) {
    listening(Command::new(llm).args(arguments))
}

/// Asks once, records, and draws the text of the recording.
fn ask(tui: &Path, url: &str, body: &str) -> (Output, String) {
    let directory = tempfile::tempdir().expect("a directory");
    let recording = directory.path().join("answer.ndjson");
    let picture = directory.path().join("text.svg");
    let mut command = Command::new(tui);
    command.args(["-d", body, "--output", "raw", "--record"]);
    let output = testing::output(command.arg(&recording).arg(url));
    let mut command = Command::new(tui);
    command.arg("--replay").arg(&recording);
    command.args(["--size", "140x60", "--key", "t", "--screenshot"]);
    let drawn = testing::status(command.arg(&picture));
    assert!(drawn.success());
    (output, fs::read_to_string(picture).expect("a picture"))
}

#[test]
fn an_answer_of_every_format_is_put_together_and_found_complete() {
    let (Some(llm), Some(tui)) = (binary("llm"), binary("sse-tui")) else {
        return;
    };
    let arguments = [&QUICK[..], &["--thinking"]].concat();
    let (_server, address) = start(&llm, &arguments);
    for (path, name) in FORMATS {
        let body = r#"{"stream":true,"model":"m-7","n":2,"stream_options":{"include_usage":true},"tools":[{"type":"function","name":"search","function":{"name":"search"}}]}"#;
        let (output, picture) = ask(&tui, &format!("http://{address}/v1/{path}"), body);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        for words in [
            "complete",
            name,
            "m-7",
            "Server-Sent Events are a one-way stream",
            "reported",
            "tool call search",
            "valid JSON",
            "characters · folded",
        ] {
            assert!(picture.contains(words), "{name}: {words}\n{picture}");
        }
        assert!(!picture.contains("cut short"), "{picture}");
    }
}

#[test]
fn an_answer_that_breaks_off_is_never_taken_for_complete_nor_asked_for_again() {
    let (Some(llm), Some(tui)) = (binary("llm"), binary("sse-tui")) else {
        return;
    };
    for (cut, code) in [("clean", 0), ("reset", 1)] {
        let arguments = [&QUICK[..], &["--cut-after", "9", "--cut", cut]].concat();
        let (_server, address) = start(&llm, &arguments);
        for (path, name) in FORMATS {
            let url = format!("http://{address}/v1/{path}");
            let (output, picture) = ask(&tui, &url, r#"{"stream":true}"#);
            // A second request would not end, as the first does.
            assert_eq!(output.status.code(), Some(code), "{name} {cut}: {output:?}");
            let events = String::from_utf8_lossy(&output.stdout)
                .matches("data: ")
                .count();
            // A reset may overtake the last bytes before it.
            let least = if cut == "clean" { 9 } else { 1 };
            assert!((least..=9).contains(&events), "{name} {cut}: {events}");
            assert!(picture.contains("cut short"), "{name} {cut}: {picture}");
        }
    }
}

#[test]
fn an_error_of_the_model_is_shown() {
    let (Some(llm), Some(tui)) = (binary("llm"), binary("sse-tui")) else {
        return;
    };
    let arguments = [&QUICK[..], &["--error-after", "9"]].concat();
    let (_server, address) = start(&llm, &arguments);
    for (path, name) in FORMATS {
        let url = format!("http://{address}/v1/{path}");
        let (_, picture) = ask(&tui, &url, r#"{"stream":true}"#);
        assert!(picture.contains("failed"), "{name}: {picture}");
        assert!(picture.contains("error: "), "{name}: {picture}");
    }
}

#[test]
fn a_request_that_does_not_ask_for_a_stream_is_refused() {
    let (Some(llm), Some(tui)) = (binary("llm"), binary("sse-tui")) else {
        return;
    };
    let (_server, address) = start(&llm, &QUICK);
    let url = format!("http://{address}/v1/messages");
    let output = testing::output(Command::new(tui).args(["-d", "{}", &url]));
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("400"), "{said}");
}
