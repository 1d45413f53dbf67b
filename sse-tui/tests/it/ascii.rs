//! What is drawn where the terminal takes ASCII alone.

use crossterm::event::KeyCode;

use crate::charts::market;
use crate::print::{run, run_with_input, stderr, stdout};
use crate::screens::{Fixture, HOSTILE, SIZES};

fn ascii(mut fixture: Fixture) -> Fixture {
    fixture.theme = fixture.theme.with_ascii(true);
    fixture
}

#[test]
fn main_screen() {
    let mut fixture = ascii(Fixture::busy());
    fixture.lose(41.0, 1, "connection reset by peer", 3.0);
    fixture.clock(41.6);
    fixture.snapshots("ascii_main");
}

#[test]
fn panels() {
    let mut fixture = ascii(market());
    fixture.press(&[KeyCode::Char('D')]);
    fixture.snapshots("ascii_charts");
}

#[test]
fn help() {
    let mut fixture = ascii(Fixture::busy());
    fixture.press(&[KeyCode::Char('?')]);
    fixture.snapshots("ascii_help");
}

#[test]
fn bytes_on_the_wire() {
    let mut fixture = ascii(Fixture::busy());
    fixture.feed(
        41.0,
        "id: é日\r\nevent: note\r\ndata: two\r\ndata: lines\u{1b}[2J\r\n\r\n",
    );
    fixture.draw((120, 36));
    fixture.press(&[KeyCode::Enter, KeyCode::Char('w')]);
    fixture.snapshots("ascii_wire");
}

#[test]
fn whatever_a_server_sends_and_whatever_the_size_the_screen_is_ascii() {
    for keys in [
        &[][..],
        &[KeyCode::Enter],
        &[KeyCode::Enter, KeyCode::Char('w')],
        &[KeyCode::Char('t')],
        &[KeyCode::Char('D')],
        &[KeyCode::Char('&'), KeyCode::Char('é'), KeyCode::Char('日')],
    ] {
        let mut fixture = ascii(Fixture::busy());
        fixture.feed(41.0, HOSTILE);
        fixture.feed(42.0, "id: ✓…·─\nevent: 日本語🎉\ndata: {\"é\":\"█…\"}\n\n");
        fixture.draw((120, 36));
        fixture.press(keys);
        for size in SIZES.into_iter().chain([(1, 1), (7, 3), (61, 13)]) {
            for cell in fixture.draw(size).backend().buffer().content() {
                assert!(cell.symbol().is_ascii(), "{:?}", cell.symbol());
            }
        }
    }
}

#[test]
fn text_is_escaped_and_ndjson_stays_as_it_is() {
    let input = "event: é\ndata: 日\u{1b}x\n\n".as_bytes();
    let text = run_with_input(&["--ascii", "-o", "text", "-"], input);
    assert!(
        stdout(&text).ends_with("  \\u{e9}  \\u{65e5}\\x1bx\n"),
        "{text:?}"
    );
    let exact = run_with_input(&["--ascii", "-o", "ndjson", "-"], input);
    assert!(
        stdout(&exact).contains("\"data\":\"日\\u001bx\""),
        "{exact:?}"
    );
}

#[test]
fn a_picture_can_be_in_ascii() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("picture.svg");
    let file = path.to_str().unwrap();
    let url = crate::server::refused_url();
    let output = run(&[
        "--ascii",
        "--screenshot",
        file,
        "--screenshot-after",
        "1ms",
        &url,
    ]);
    assert!(output.status.success(), "{}", stderr(&output));
    let picture = std::fs::read_to_string(&path).unwrap();
    assert!(picture.is_ascii() && picture.contains("sse-tui"));
}
