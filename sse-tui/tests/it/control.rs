//! Streams told to reconnect, to end and to begin, and what is listed written to
//! a file, in a real terminal.

use crate::server::{Answer, serve, stream};
use crate::terminal::Tmux;

const FIRST: &str = "retry: 60000\nid: 1\nevent: tick\ndata: one\n\n";
const SECOND: &str = "id: 2\nevent: tick\ndata: two\n\n";

fn header(request: &str, name: &str) -> Option<String> {
    let lines = request.lines();
    let mut fields = lines.filter_map(|line| line.split_once(": "));
    let found = fields.find(|(field, _)| field.eq_ignore_ascii_case(name))?;
    Some(found.1.to_owned())
}

#[test]
fn an_open_stream_reconnects_at_once_when_asked_and_resumes() {
    let Some(tmux) = Tmux::start(110, 30) else {
        return;
    };
    let server = serve(vec![
        Answer::Hold(stream(FIRST)),
        Answer::Hold(stream(SECOND)),
    ]);
    tmux.launch("", &server.url);
    tmux.wait_for(&["LIVE", "one"]);
    let _first = testing::receive(&server.requests, "a request");
    tmux.keys(&["r"]);
    let second = testing::receive(&server.requests, "a request");
    assert_eq!(header(&second, "last-event-id").as_deref(), Some("1"));
    tmux.wait_for(&["two", "legs      2"]);
    tmux.keys(&["q"]);
    tmux.assert_restored(0);
}

#[test]
fn a_stream_that_was_ended_is_opened_again_where_it_was() {
    let Some(tmux) = Tmux::start(110, 30) else {
        return;
    };
    let server = serve(vec![
        Answer::Hold(stream(FIRST)),
        Answer::Hold(stream(SECOND)),
    ]);
    tmux.launch("", &server.url);
    tmux.wait_for(&["LIVE", "one"]);
    let _first = testing::receive(&server.requests, "a request");
    tmux.keys(&["x"]);
    tmux.wait_for(&["■ ended"]);
    tmux.keys(&["x"]);
    tmux.wait_for(&["has ended already"]);
    tmux.keys(&["r"]);
    let second = testing::receive(&server.requests, "a request");
    assert_eq!(header(&second, "last-event-id").as_deref(), Some("1"));
    tmux.wait_for(&["two", "legs      2", "● open"]);
    tmux.keys(&["q"]);
    tmux.assert_restored(0);
}

#[test]
fn one_more_stream_is_read_and_secrets_stay_with_the_origin_they_are_for() {
    let Some(tmux) = Tmux::start(110, 30) else {
        return;
    };
    let server = serve(vec![Answer::Hold(stream(FIRST))]);
    let other = serve(vec![Answer::Hold(stream("data: from the other\n\n"))]);
    tmux.launch(
        "",
        &format!("-H 'Authorization: Bearer s3cret' {}", server.url),
    );
    tmux.wait_for(&["LIVE", "one"]);
    let first = testing::receive(&server.requests, "a request");
    assert!(header(&first, "authorization").is_some());
    tmux.keys(&["o"]);
    tmux.run(&["send-keys", "-l", "gopher://x"]);
    tmux.keys(&["Enter"]);
    tmux.wait_for(&["only http and https"]);
    tmux.keys(&["C-u"]);
    tmux.run(&["send-keys", "-l", &other.url]);
    tmux.keys(&["Enter"]);
    tmux.wait_for(&["connections 2", "from the other"]);
    let added = testing::receive(&other.requests, "a request");
    assert_eq!(header(&added, "authorization"), None);
    // The first is still the server of the secret.
    tmux.keys(&["o"]);
    tmux.run(&["send-keys", "-l", &server.url]);
    tmux.keys(&["Enter"]);
    tmux.wait_for(&["connections 3"]);
    let same = testing::receive(&server.requests, "a request");
    assert!(header(&same, "authorization").is_some());
    // In their pane one of them is chosen and ended.
    tmux.keys(&["Tab", "Tab", "G", "x"]);
    tmux.wait_for(&["2 of 3 open, 1 ended"]);
    tmux.keys(&["q"]);
    tmux.assert_restored(0);
}

#[test]
fn what_is_listed_is_exported() {
    let Some(tmux) = Tmux::start(110, 30) else {
        return;
    };
    let server = serve(vec![Answer::Hold(stream(
        "event: tick\ndata: one\n\nevent: status\ndata: two\n\nevent: tick\ndata: three\n\n",
    ))]);
    let directory = tempfile::tempdir().unwrap();
    let before = format!("cd '{}';", directory.path().display());
    tmux.launch(&before, &server.url);
    tmux.wait_for(&["LIVE", "three"]);
    tmux.keys(&["&"]);
    tmux.run(&["send-keys", "-l", "type:tick"]);
    tmux.keys(&["Enter", "e"]);
    tmux.wait_for(&["export to events-", ".ndjson"]);
    tmux.keys(&["C-u"]);
    tmux.run(&["send-keys", "-l", "ticks.txt"]);
    tmux.keys(&["Enter"]);
    tmux.wait_for(&["the name ends in .ndjson, .csv or .raw"]);
    tmux.keys(&["BSpace", "BSpace", "BSpace"]);
    tmux.run(&["send-keys", "-l", "raw"]);
    tmux.keys(&["Enter"]);
    tmux.wait_for(&["exported 2 events"]);
    let file = std::fs::read_to_string(directory.path().join("ticks.raw")).unwrap();
    assert_eq!(
        file,
        "event: tick\ndata: one\n\nevent: tick\ndata: three\n\n"
    );
    tmux.keys(&["q"]);
    tmux.assert_restored(0);
}
