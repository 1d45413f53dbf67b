//! The program in a pipe: what it writes, and how it ends.

use std::io::{Read, Write};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::channel;

use serde_json::Value;
use testing::Program;

use crate::server::{Answer, refused_url, serve, stream};

pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sse-tui"));
    command
        .args(arguments)
        .env("XDG_CONFIG_HOME", "/nonexistent")
        .env_remove("NO_COLOR")
        .env_remove("RUST_LOG")
        .env_remove("http_proxy")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

pub(crate) fn run(arguments: &[&str]) -> Output {
    testing::output(&mut command(arguments))
}

pub(crate) fn run_with_input(arguments: &[&str], input: &[u8]) -> Output {
    let mut program = Program::spawn(command(arguments).stdin(Stdio::piped()));
    let mut stdin = program.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = program.output();
    writer.join().unwrap();
    output
}

pub(crate) fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

pub(crate) fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    let line = |line: &str| serde_json::from_str(line).unwrap();
    stdout(output).lines().map(line).collect()
}

/// Nothing on stdout, one line on stderr.
fn assert_failed(output: &Output, words: &[&str]) {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(stdout(output), "");
    assert_eq!(stderr(output).lines().count(), 1, "{output:?}");
    for word in words {
        assert!(stderr(output).contains(word), "{word}: {}", stderr(output));
    }
}

#[test]
fn ndjson_is_exact_and_in_the_promised_order() {
    let input = "id: a1\nevent: tick\ndata: {\"x\":1}\n\ndata: two\ndata: \u{1b}[31m\t\"\\é🎉\n\n: comment\n\nid: 3\n\n";
    let output = run_with_input(&["-"], input.as_bytes());
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(stderr(&output), "");
    let first = stdout(&output).lines().next().unwrap();
    let received_at = &first[16..46];
    assert_eq!(
        first,
        format!(
            r#"{{"received_at":"{received_at}","source":"stdin","event":"tick","id":"a1","data":"{{\"x\":1}}","connection":1}}"#
        )
    );
    assert!(
        received_at.parse::<jiff::Timestamp>().is_ok(),
        "{received_at}"
    );
    assert!(
        received_at.as_bytes()[19] == b'.' && received_at.ends_with('Z'),
        "{received_at}"
    );
    let lines = lines(&output);
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[1]["event"], "message");
    assert_eq!(lines[1]["id"], "a1");
    assert_eq!(lines[1]["data"], "two\n\u{1b}[31m\t\"\\é🎉");
}

#[test]
fn ndjson_holds_nothing_that_a_terminal_obeys() {
    let data = "\u{9b}31m\u{7f}\u{202e}\u{1b}[2J é日🎉";
    let input = format!("event: \u{9d}0;x\nid: \u{85}\ndata: {data}\n\n");
    let output = run_with_input(&["-"], input.as_bytes());
    let raw = stdout(&output).trim_end_matches('\n');
    let obeyed = |c: char| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c);
    assert!(!raw.contains(obeyed), "{raw:?}");
    assert!(raw.contains("é日🎉"), "{raw}");
    let line = &lines(&output)[0];
    assert_eq!(line["data"], data);
    assert_eq!(
        (&line["event"], &line["id"]),
        (&"\u{9d}0;x".into(), &"\u{85}".into())
    );
}

#[test]
fn raw_is_exact_to_the_byte() {
    let input = b"\xEF\xBB\xBF: c\r\ndata: \xff\x00\x1b\rid:1\n\ndata: unfinished";
    let output = run_with_input(&["-", "-o", "raw"], input);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stdout, input);
}

#[test]
fn raw_ends_with_the_last_event_asked_for() {
    let output = run_with_input(
        &["-", "-o", "raw", "-n", "2"],
        b"data: 1\n\n: c\n\ndata: 2\r\n\r\ndata: 3\n\n",
    );
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(stdout(&output), "data: 1\n\n: c\n\ndata: 2\r\n\r\n");
}

#[test]
fn text_is_one_safe_line_per_event() {
    let output = run_with_input(
        &["-", "-o", "text"],
        "id: 7\nevent: tick\ndata: a\ndata: \u{1b}]0;x\u{7}\u{202E}\n\ndata: b\n\n".as_bytes(),
    );
    let lines: Vec<_> = stdout(&output).lines().map(|line| &line[12..]).collect();
    assert_eq!(lines, ["  tick  7  a␊␛]0;x␇⟨RLO⟩", "  message  7  b"]);
}

#[test]
fn only_the_types_asked_for_are_written_and_counted() {
    let input = b"event: a\ndata: 1\n\nevent: b\ndata: 2\n\nevent: c\ndata: 3\n\nevent: a\ndata: 4\n\nevent: a\ndata: 5\n\n";
    let output = run_with_input(&["-", "--event", "a", "--event", "c", "-n", "3"], input);
    let data: Vec<_> = lines(&output)
        .iter()
        .map(|line| line["data"].clone())
        .collect();
    assert_eq!(data, ["1", "3", "4"]);
}

#[test]
fn an_empty_input_is_a_quiet_success() {
    let output = run(&["-"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(
        output.stdout.is_empty() && output.stderr.is_empty(),
        "{output:?}"
    );
}

#[test]
fn a_line_without_end_fails_and_names_the_limit() {
    let output = run_with_input(&["-"], &vec![b'x'; 17 << 20]);
    assert_failed(
        &output,
        &["stdin", "a line exceeds the limit of 16777216 bytes"],
    );
}

#[test]
fn enough_events_end_it_though_the_stream_goes_on() {
    let server = serve(vec![Answer::Hold(stream(
        "data: 1\n\ndata: 2\n\ndata: 3\n\n",
    ))]);
    let output = run(&["-n", "2", &server.url]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(lines(&output).len(), 2);
    assert_eq!(lines(&output)[0]["source"], server.url);
}

#[test]
fn a_lost_connection_is_said_and_resumed_after_the_last_id() {
    let server = serve(vec![
        Answer::Close(stream("retry: 100\nid: 5\ndata: 1\n\n")),
        Answer::Truncate(stream("data: 2\n\n")),
        Answer::Hold(stream("data: 3\n\n")),
    ]);
    let output = run(&["-n", "3", &server.url, "--last-event-id", "start"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let connections: Vec<_> = lines(&output)
        .iter()
        .map(|line| line["connection"].clone())
        .collect();
    assert_eq!(connections, [1, 2, 3]);
    assert_eq!(stderr(&output).lines().count(), 2, "{output:?}");
    for line in stderr(&output).lines() {
        assert!(
            line.contains(&server.url) && line.contains("connecting again in 0."),
            "{line}"
        );
    }
    let ids: Vec<_> = server
        .requests
        .try_iter()
        .map(|request| {
            let head = request.to_ascii_lowercase();
            let id = head
                .lines()
                .find_map(|line| line.strip_prefix("last-event-id: "));
            id.unwrap_or_default().to_owned()
        })
        .collect();
    assert_eq!(ids, ["start", "5", "5"]);
}

#[test]
fn a_refused_connection_is_retried_by_default() {
    let mut program = Program::spawn(&mut command(&[&refused_url()]));
    let lines = testing::lines(program.stderr.take().unwrap());
    let line = testing::receive(&lines, "a line");
    assert!(
        line.contains("refused") && line.contains("connecting again in"),
        "{line}"
    );
    assert_eq!(program.try_wait().unwrap(), None);
}

#[test]
fn no_reconnect_fails_where_there_was_no_clean_end() {
    let url = refused_url();
    assert_failed(&run(&["--no-reconnect", &url]), &[&url, "refused"]);

    let server = serve(vec![Answer::Truncate(stream("data: 1\n\n"))]);
    let output = run(&["--no-reconnect", &server.url]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(lines(&output).len(), 1);
    assert_eq!(stderr(&output).lines().count(), 1, "{output:?}");
}

#[test]
fn no_reconnect_and_a_clean_end_is_a_success() {
    let server = serve(vec![Answer::Close(stream("data: 1\n\n"))]);
    let output = run(&["--no-reconnect", &server.url]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(lines(&output).len(), 1);
    assert_eq!(stderr(&output), "");
}

#[test]
fn a_refusing_response_ends_it_with_its_reason() {
    for (response, words) in [
        (
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
            &["404 Not Found"][..],
        ),
        (
            "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
            &["503"],
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n",
            &["text/plain", "text/event-stream"],
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            &["no Content-Type"],
        ),
    ] {
        let server = serve(vec![Answer::Close(response.to_owned())]);
        let output = run(&[&server.url]);
        assert_failed(&output, words);
        assert!(stderr(&output).contains(&server.url), "{output:?}");
        assert_eq!(server.requests.try_iter().count(), 1);
    }
}

#[test]
fn no_content_is_the_end_and_a_success() {
    let server = serve(vec![Answer::Close(
        "HTTP/1.1 204 No Content\r\n\r\n".to_owned(),
    )]);
    let output = run(&[&server.url]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(
        output.stdout.is_empty() && output.stderr.is_empty(),
        "{output:?}"
    );
}

#[test]
fn a_post_sends_its_body_and_headers_and_is_not_repeated() {
    let server = serve(vec![Answer::Close(stream("data: answer\n\n"))]);
    let output = run(&[
        &server.url,
        "-d",
        "{\"q\":1}",
        "-H",
        "X-Key: k1",
        "-H",
        "X-Key: k2",
    ]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(lines(&output)[0]["data"], "answer");
    let requests: Vec<_> = server.requests.try_iter().collect();
    assert_eq!(requests.len(), 1);
    let request = requests[0].to_ascii_lowercase();
    assert!(
        request.starts_with("post /events http/1.1\r\n"),
        "{request}"
    );
    for line in [
        "content-type: application/json",
        "x-key: k1",
        "x-key: k2",
        "accept: text/event-stream",
    ] {
        assert!(request.contains(line), "{line}: {request}");
    }
    assert!(request.ends_with("{\"q\":1}"), "{request}");
}

#[test]
fn credentials_in_the_url_are_sent_and_never_shown() {
    let server = serve(vec![Answer::Truncate(stream("data: 1\n\n"))]);
    let url = server.url.replace("http://", "http://user:secret@");
    let output = run(&["--no-reconnect", &url]);
    let request = testing::receive(&server.requests, "a request");
    assert!(
        request
            .to_ascii_lowercase()
            .contains("authorization: basic")
    );
    assert!(
        !stdout(&output).contains("secret") && !stderr(&output).contains("secret"),
        "{output:?}"
    );
    assert_eq!(lines(&output)[0]["source"], server.url);
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let server = serve(vec![Answer::Repeat(
        stream(""),
        "data: again and again\n\n",
    )]);
    let mut program = Program::spawn(&mut command(&[&server.url]));
    drop(program.first_line());
    let output = program.output();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(stderr(&output), "");
}

#[cfg(unix)]
#[test]
fn control_c_ends_it_with_success_though_nobody_reads() {
    for (format, blocked) in [("ndjson", false), ("text", false), ("ndjson", true)] {
        let server = serve(vec![if blocked {
            Answer::Repeat(stream(""), "data: again and again\n\n")
        } else {
            Answer::Hold(stream("data: 1\n\n"))
        }]);
        let mut program = Program::spawn(&mut command(&["-o", format, &server.url]));
        let (line, _reader) = program.first_line();
        assert!(!line.is_empty());
        interrupt(&program);
        // With nobody reading, the pipe is full: it must end all the same.
        let output = program.output();
        assert_eq!(
            output.status.code(),
            Some(0),
            "{format} {blocked}: {output:?}"
        );
        assert_eq!(stderr(&output), "");
    }
}

#[cfg(unix)]
#[test]
fn control_c_cuts_no_line_that_is_being_written() {
    let data = "x".repeat(4 << 20);
    let server = serve(vec![Answer::Hold(stream(&format!("data: {data}\n\n")))]);
    let mut program = Program::spawn(&mut command(&["-o", "ndjson", &server.url]));
    let mut reader = program.stdout.take().unwrap();
    let (told, begun) = channel();
    let (go_on, may_go_on) = channel();
    let reading = std::thread::spawn(move || {
        // The first byte shows that it writes; the rest does not fit into a pipe.
        let mut written = vec![0];
        reader.read_exact(&mut written).unwrap();
        told.send(()).unwrap();
        may_go_on.recv().unwrap();
        reader.read_to_end(&mut written).unwrap();
        written
    });
    testing::receive(&begun, "the first byte");
    interrupt(&program);
    go_on.send(()).unwrap();
    assert_eq!(program.wait().code(), Some(0));
    let written = reading.join().unwrap();
    let line: Value = serde_json::from_slice(&written).expect("a whole line");
    assert_eq!(line["data"], data);
    assert!(written.ends_with(b"\n"));
}

#[test]
fn the_dashboard_without_a_terminal_says_what_to_do() {
    let output = run(&["--output", "tui", &refused_url()]);
    assert_failed(&output, &["needs a terminal", "--output ndjson"]);
}

#[test]
fn usage_errors_have_a_code_of_their_own() {
    for arguments in [
        &["--no-such-flag"][..],
        &["not a url"],
        &["-n", "0"],
        &["-o", "xml"],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_picture_needs_no_terminal() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("screen.svg");
    let file = path.to_str().unwrap();
    let output = run_with_input(
        &[
            "-",
            "--screenshot",
            file,
            "--size",
            "100x30",
            "--key",
            "Home",
            "--key",
            "Enter",
        ],
        b"event: tick\ndata: {\"price\":1.50}\n\ndata: <&>\n\n",
    );
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let svg = std::fs::read_to_string(path).unwrap();
    for words in [
        ">tick<",
        ">1.50<",
        ">&lt;&amp;&gt;<",
        ">ENDED<",
        ">received<",
    ] {
        assert!(svg.contains(words), "{words}");
    }
    let unwritable = run_with_input(&["-", "--screenshot", "/no/such/directory/x.svg"], b"");
    assert_failed(&unwritable, &["/no/such/directory/x.svg"]);
}

#[test]
fn help_is_as_documented() {
    let output = run(&["--help"]);
    insta::assert_snapshot!("help", stdout(&output));
}

#[cfg(unix)]
fn interrupt(program: &Program) {
    let pid = program.id().to_string();
    assert!(testing::status(Command::new("kill").args(["-INT", &pid])).success());
}

#[test]
fn an_answer_cut_off_in_the_middle_does_not_pass_for_a_whole_one() {
    let output = run_with_input(&["-"], b"data: whole\n\ndata: cut\nda");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(lines(&output).len(), 1);
    assert_eq!(
        stderr(&output),
        "sse-tui: stdin: the input ended; an unfinished event was discarded (5 bytes of it)\n"
    );

    let server = serve(vec![Answer::Close(stream("data: whole\n\ndata: cut\n"))]);
    let output = run(&[&server.url, "--no-reconnect"]);
    assert_eq!(lines(&output).len(), 1);
    let said = stderr(&output);
    assert!(
        said.contains("an unfinished event was discarded (3 bytes of it)"),
        "{said}"
    );
}

#[test]
fn completions_and_the_man_page_come_from_the_flags() {
    for (arguments, words) in [
        (
            &["--completions", "bash"][..],
            &["complete -F", "--last-event-id"][..],
        ),
        (&["--man"], &[".TH sse-tui", "no\\-reconnect"]),
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(0));
        for word in words {
            assert!(stdout(&output).contains(word), "{word}");
        }
    }
}

#[test]
fn an_id_that_no_header_can_carry_is_not_left_out_in_silence() {
    let server = serve(vec![
        Answer::Close(stream("retry: 100\nid: a\u{1}\ndata: 1\n\n")),
        Answer::Hold(stream("data: 2\n\n")),
    ]);
    let output = run(&[&server.url, "-n", "2"]);
    assert_eq!(lines(&output).len(), 2);
    let said = stderr(&output);
    assert!(said.contains("no header can carry"), "{said}");
    testing::receive(&server.requests, "a request");
    let second = testing::receive(&server.requests, "a second request").to_ascii_lowercase();
    assert!(!second.contains("last-event-id"), "{second}");
}

#[test]
fn lints_are_said_at_the_end_if_asked_for() {
    let answer =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nData: x\n\ndata: a\n\ndata: cut";
    let run = |flags: &[&str]| {
        let server = serve(vec![Answer::Close(answer.to_owned())]);
        let arguments = [&[server.url.as_str(), "--no-reconnect"], flags].concat();
        super::print::run(&arguments)
    };
    let output = run(&["--lint"]);
    assert_eq!(lines(&output).len(), 1);
    let said = stderr(&output);
    for words in [
        "error: an unknown field is ignored: \"Data\", meant as data?; names are data, event",
        "[unknown-field, HTML §9.2.6]",
        "error: the last event has no end: the server ended the stream; an unfinished event",
        "warning: caches may store the stream: no Cache-Control; send Cache-Control: no-store",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(!stderr(&run(&[])).contains("unknown-field"));
    let file = run_with_input(&["-", "--lint", "-o", "raw"], b"id: a\0\n\xff: \n\n");
    let kinds: Vec<_> = stderr(&file)
        .lines()
        .filter_map(|line| line.rsplit_once('['))
        .map(|(_, source)| source.split(',').next().unwrap())
        .collect();
    assert_eq!(kinds, ["id-nul", "unknown-field", "invalid-utf8"]);
}
