//! Recordings: made by one run, replayed by another.

use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};

use crossterm::event::KeyCode;
use sse_tui::message::Message;
use sse_tui::record;
use sse_tui::replay::{Speed, Status};
use sse_tui::screens::{Play, Request};
use testing::Program;

use crate::print::{command, run, run_with_input, stderr, stdout};
use crate::screens::Fixture;
use crate::server::{Answer, serve, stream};

struct Files {
    directory: tempfile::TempDir,
}

impl Files {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> String {
        let path = self.directory.path().join(name);
        path.to_str().unwrap().to_owned()
    }
}

/// A stream that is lost twice, once inside an event, with bytes of all kinds.
fn troubled() -> Vec<Answer> {
    vec![
        Answer::Close(stream(
            "retry: 100\nid: 5\nevent: tick\ndata: {\"x\":1}\n\n: note\n\ndata: cut sh",
        )),
        Answer::Truncate(stream("data: \u{1b}[31m é🎉\r\n\r\n")),
        Answer::Hold(stream("data: 3\n\ndata: 4\n\n")),
    ]
}

fn replay(path: &str, more: &[&str]) -> Output {
    run(&[&["--replay", path], more].concat())
}

#[test]
fn a_replay_prints_what_the_run_printed() {
    for format in ["ndjson", "text", "raw"] {
        let files = Files::new();
        let path = files.path("a.ndjson");
        let server = serve(troubled());
        let recorded = run(&[
            "-o",
            format,
            "-n",
            "4",
            "--record",
            &path,
            "--last-event-id",
            "4",
            &server.url,
        ]);
        assert_eq!(recorded.status.code(), Some(0), "{recorded:?}");
        assert_eq!(stderr(&recorded).lines().count(), 2, "{recorded:?}");
        let replayed = replay(&path, &["-o", format, "-n", "4"]);
        assert_eq!(stdout(&replayed), stdout(&recorded));
        assert_eq!(stderr(&replayed), stderr(&recorded));
        assert_eq!(replayed.status, recorded.status);
    }
}

#[test]
fn a_refused_stream_fails_in_the_replay_as_it_did() {
    let files = Files::new();
    let path = files.path("a.ndjson");
    let refusal = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned();
    let server = serve(vec![Answer::Close(refusal)]);
    let recorded = run(&["--record", &path, &server.url]);
    let replayed = replay(&path, &[]);
    assert_eq!(replayed.status.code(), Some(1), "{replayed:?}");
    assert_eq!(stderr(&replayed), stderr(&recorded));
}

#[test]
fn standard_input_is_recorded_as_such() {
    let files = Files::new();
    let path = files.path("a.ndjson");
    let recorded = run_with_input(&["-", "--record", &path], b"data: 1\n\ndata: unfinished");
    assert_eq!(recorded.status.code(), Some(0), "{recorded:?}");
    let replayed = replay(&path, &[]);
    assert_eq!(stdout(&replayed), stdout(&recorded));
    assert_eq!(stderr(&replayed), stderr(&recorded));
    assert!(stderr(&replayed).contains("the input ended; an unfinished event"));
}

#[test]
fn no_secret_is_recorded() {
    let files = Files::new();
    let path = files.path("a.ndjson");
    let answer =
        stream("data: 1\n\n").replacen("\r\nConnection", "\r\nSet-Cookie: s=t0p\r\nConnection", 1);
    let server = serve(vec![Answer::Hold(answer)]);
    let url = server.url.replace("http://", "http://me:t0p@") + "?token=t0p&topic=orders";
    let output = run(&[
        "-n",
        "1",
        "--record",
        &path,
        "-H",
        "Authorization: Bearer t0p",
        "-H",
        "Cookie: a=t0p",
        "-H",
        "X-Api-Key: t0p",
        "-d",
        "t0p",
        &url,
    ]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = fs::read_to_string(&path).unwrap();
    assert!(!text.contains("t0p"), "{text}");
    for kept in ["authorization", "x-api-key", "topic=orders", "set-cookie"] {
        assert!(text.contains(kept), "{kept}: {text}");
    }
}

#[cfg(unix)]
#[test]
fn a_kill_leaves_a_recording_of_all_that_was_printed() {
    let files = Files::new();
    let path = files.path("a.ndjson");
    let server = serve(vec![Answer::Hold(stream("data: 1\n\ndata: 2\n\n"))]);
    let mut program = Program::spawn(&mut command(&["--record", &path, &server.url]));
    let lines = testing::lines(program.stdout.take().unwrap());
    let printed = [(); 2].map(|()| testing::receive(&lines, "a line"));
    // The event is printed before it is on the disk: wait for that.
    testing::until("the record", || {
        fs::read_to_string(&path).unwrap().contains("data: 2")
    });
    drop(program);
    let replayed = replay(&path, &[]);
    assert_eq!(stdout(&replayed).lines().collect::<Vec<_>>(), printed);
    assert_eq!(replayed.status.code(), Some(0), "{replayed:?}");
}

#[test]
fn a_recording_that_was_cut_is_replayed_and_says_so() {
    let files = Files::new();
    let path = files.path("a.ndjson");
    run_with_input(&["-", "--record", &path], b"data: 1\n\n");
    let mut text = fs::read_to_string(&path).unwrap();
    text.push_str("{\"at\":\"2026-03-1");
    fs::write(&path, text).unwrap();
    let replayed = replay(&path, &[]);
    assert_eq!(stdout(&replayed).lines().count(), 1);
    assert_eq!(replayed.status.code(), Some(0), "{replayed:?}");
    let said = stderr(&replayed);
    assert!(
        said.contains("ends inside a record (16 bytes of it left out)") && said.contains(&path),
        "{said}"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_ends_the_recording_and_nothing_else() {
    let server = serve(vec![Answer::Hold(stream(&"data: x\n\n".repeat(2_000)))]);
    let output = run(&["-n", "2000", "--record", "/dev/full", &server.url]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(stdout(&output).lines().count(), 2000);
    let said = stderr(&output);
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(
        said.contains("/dev/full: recording ended: cannot write: No space left on device"),
        "{said}"
    );
}

#[test]
fn a_recording_ends_at_its_limit_with_whole_records() {
    let files = Files::new();
    let path = files.path("a.ndjson");
    let input = "data: 0123456789\n\n".repeat(20_000);
    let output = run_with_input(
        &["-", "--record", &path, "--record-limit", "64KiB"],
        input.as_bytes(),
    );
    assert_eq!(stdout(&output).lines().count(), 20_000);
    assert!(
        stderr(&output).contains("the limit of 64 KiB is reached (--record-limit)"),
        "{}",
        stderr(&output)
    );
    assert!(fs::metadata(&path).unwrap().len() <= 64 << 10);
    let replayed = replay(&path, &[]);
    assert_eq!(stderr(&replayed), "");
}

#[test]
fn a_file_that_exists_is_not_overwritten() {
    let files = Files::new();
    let path = files.path("a.ndjson");
    fs::write(&path, "precious").unwrap();
    let output = run_with_input(&["-", "--record", &path], b"data: 1\n\n");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(
        stderr(&output).contains(&format!("cannot record to {path}: ")),
        "{output:?}"
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
}

#[test]
fn what_is_no_recording_is_said_to_be_none() {
    let files = Files::new();
    let stream_file = files.path("stream.txt");
    fs::write(&stream_file, "data: 1\n\n").unwrap();
    let newer = files.path("newer.ndjson");
    fs::write(&newer, "{\"sse_capture\":2}\n").unwrap();
    let absent = files.path("absent");
    for (path, words) in [
        (&stream_file, "this is no recording"),
        (&newer, "version 2"),
        (&absent, "No such file"),
    ] {
        let output = replay(path, &[]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let said = stderr(&output);
        assert!(
            said.contains(path.as_str()) && said.contains(words),
            "{said}"
        );
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[test]
fn a_recording_can_come_through_a_pipe() {
    let files = Files::new();
    let path = files.path("a.ndjson");
    let recorded = run_with_input(&["-", "--record", &path], b"data: 1\n\n");
    if !Path::new("/dev/stdin").exists() {
        return;
    }
    let mut command = command(&["--replay", "/dev/stdin"]);
    command.stdin(Stdio::from(fs::File::open(&path).unwrap()));
    let output = Program::spawn(&mut command).output();
    assert_eq!(stdout(&output), stdout(&recorded), "{output:?}");
}

#[test]
fn a_picture_of_a_recording_is_the_same_each_time() {
    let files = Files::new();
    let path = files.path("a.ndjson");
    run_with_input(
        &["-", "--record", &path],
        b"event: tick\ndata: {\"price\":1.50}\n\n",
    );
    let pictures = [files.path("1.svg"), files.path("2.svg")];
    for picture in &pictures {
        let output = replay(&path, &["--screenshot", picture, "--size", "100x30"]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
    let svg = fs::read_to_string(&pictures[0]).unwrap();
    assert_eq!(svg, fs::read_to_string(&pictures[1]).unwrap());
    assert!(svg.contains(">tick<") && svg.contains("replayed"), "{svg}");
}

/// The dashboard with a recording that is played, at a place in it.
#[test]
fn a_replay_shows_where_it_is() {
    let mut fixture = Fixture::busy();
    let status = Status {
        name: "calls.ndjson".to_owned(),
        start: fixture.at(0.0),
        end: Some(fixture.at(90.0)),
        position: fixture.at(40.9),
        speed: Speed::Times(10.0),
        paused: false,
        ended: false,
        note: None,
    };
    fixture
        .app
        .update(Message::Replay(Box::new(status.clone())));
    fixture.snapshots("replay");
    let ended = Status {
        ended: true,
        note: Some("it ends inside a record (16 bytes of it left out)".to_owned()),
        ..status
    };
    fixture.app.update(Message::Replay(Box::new(ended)));
    let screen = fixture.text((120, 36));
    assert!(
        screen.contains("■ replayed  00:40.9 / 01:30.0  it ends inside a record"),
        "{screen}"
    );
    fixture.press(&[KeyCode::Char('?')]);
    assert!(fixture.text((120, 36)).contains("stand still or play on"));
}

#[test]
fn a_recording_is_shown_while_it_is_made_and_a_notice_until_the_next_key() {
    let mut fixture = Fixture::busy();
    fixture.app.update(Message::Recording(Some(record::Status {
        path: "/tmp/here/calls.ndjson".to_owned(),
        bytes: 12_345,
        failure: None,
    })));
    fixture.snapshots("recording");
    let notice = "recording to calls.ndjson ended after 12.1 KiB: cannot write: disk full";
    fixture.app.update(Message::Notice(notice.to_owned()));
    assert!(fixture.text((120, 36)).contains(notice));
    fixture.press(&[KeyCode::Up]);
    assert!(!fixture.text((120, 36)).contains("disk full"));
}

#[test]
fn keys_ask_for_what_needs_a_disk() {
    let mut fixture = Fixture::busy();
    fixture.press(&[KeyCode::Char('R')]);
    assert_eq!(fixture.app.screens.take_request(), Some(Request::Recording));
    // Without a recording to play, a space is a pause.
    fixture.press(&[KeyCode::Char(' '), KeyCode::Char('.')]);
    assert_eq!(fixture.app.screens.take_request(), None);
    assert!(fixture.app.view.paused());
}

#[test]
fn while_something_is_typed_the_keys_of_the_replay_are_text() {
    let mut fixture = Fixture::busy();
    let status = Status {
        name: "calls.ndjson".to_owned(),
        start: fixture.at(0.0),
        end: None,
        position: fixture.at(40.9),
        speed: Speed::Max,
        paused: false,
        ended: true,
        note: None,
    };
    fixture.app.update(Message::Replay(Box::new(status)));
    fixture.press(&[KeyCode::Char('/')]);
    fixture.write("a .(b)");
    assert_eq!(fixture.app.screens.take_request(), None);
    assert!(fixture.text((120, 36)).contains("/ a .(b)"));
    fixture.press(&[KeyCode::Esc, KeyCode::Char('.')]);
    let step = Request::Replay(Play::Step);
    assert_eq!(fixture.app.screens.take_request(), Some(step));
}
