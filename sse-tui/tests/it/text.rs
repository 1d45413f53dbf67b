//! The text of LLM streams.

use crossterm::event::KeyCode;
use sse_tui::message::{Change, End, Ending};

use crate::screens::{Fixture, SIZES, good_head};
use sse_core::Cause;

const TOKENS: [&str; 12] = [
    "Server-",
    "Sent ",
    "Events ",
    "are a one-way ",
    "stream of text ",
    "from a server to its ",
    "clients.\n\n",
    "1. **They ",
    "reconnect**: 日本語 ",
    "with ",
    "the last event ID ",
    "🎉.\n",
];

fn key(character: char) -> KeyCode {
    KeyCode::Char(character)
}

fn requested(fixture: &mut Fixture) {
    fixture.connecting(0.0, 1, "", false);
    let at = fixture.at(0.02);
    let how = "HTTP/1.1 200".to_owned();
    let head = Some(good_head());
    fixture.change(Change::Open {
        at,
        leg: 1,
        how,
        head,
    });
}

fn close(fixture: &mut Fixture, seconds: f64) {
    let at = fixture.at(seconds);
    let ending = Ending::Complete("the server ended the stream".to_owned());
    let cause = Cause::EndOfStream;
    let unfinished = None;
    let end = End { cause, unfinished };
    fixture.change(Change::Closed { at, ending, end });
    fixture.clock(seconds + 0.5);
}

fn chat_chunk(choice: usize, text: &str) -> String {
    let text = serde_json::to_string(text).unwrap();
    format!(
        "data: {{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"model\":\"gpt-4o\",\"choices\":[{{\"index\":{choice},\"delta\":{{\"content\":{text}}},\"finish_reason\":null}}]}}\n\n"
    )
}

/// Two choices; a stall; cut before its end.
fn chat_cut() -> Fixture {
    let mut fixture = Fixture::new();
    requested(&mut fixture);
    let mut now = 0.45;
    for (number, token) in TOKENS.iter().enumerate() {
        now += if number == 4 { 3.2 } else { 0.03 };
        fixture.feed(now, &chat_chunk(0, token));
        fixture.feed(now, &chat_chunk(1, &token.to_uppercase()));
    }
    close(&mut fixture, now + 0.1);
    fixture.press(&[key('t')]);
    fixture
}

fn anthropic(event: &str, members: &str) -> String {
    format!("event: {event}\ndata: {{\"type\":\"{event}\",{members}}}\n\n")
}

/// Thinking, an answer, a tool call; complete, with usage.
fn messages() -> Fixture {
    let mut fixture = Fixture::new();
    requested(&mut fixture);
    fixture.feed(0.3, &anthropic("message_start", "\"message\":{\"model\":\"claude-sonnet-4\",\"usage\":{\"input_tokens\":25,\"output_tokens\":1}}"));
    let delta = |index: u8, kind: &str, member: &str, text: &str| {
        let text = serde_json::to_string(text).unwrap();
        let members =
            format!("\"index\":{index},\"delta\":{{\"type\":\"{kind}\",\"{member}\":{text}}}");
        anthropic("content_block_delta", &members)
    };
    let mut now = 0.4;
    for token in ["Let me ", "think ", "about it."] {
        now += 0.05;
        fixture.feed(now, &delta(0, "thinking_delta", "thinking", token));
    }
    for token in TOKENS {
        now += 0.04;
        fixture.feed(now, &delta(1, "text_delta", "text", token));
    }
    fixture.feed(now, &anthropic("content_block_start", "\"index\":2,\"content_block\":{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\"get_weather\",\"input\":{}}"));
    for token in ["{\"location\": ", "\"Rome\"", "}"] {
        now += 0.04;
        fixture.feed(now, &delta(2, "input_json_delta", "partial_json", token));
    }
    fixture.feed(
        now,
        &anthropic(
            "message_delta",
            "\"delta\":{\"stop_reason\":\"tool_use\"},\"usage\":{\"output_tokens\":89}",
        ),
    );
    fixture.feed(now, &anthropic("message_stop", "\"x\":0"));
    close(&mut fixture, now + 0.1);
    fixture.press(&[key('t')]);
    fixture
}

#[test]
fn the_time_to_first_content_is_known_whenever_the_text_was_opened() {
    let mut fixture = Fixture::new();
    fixture.press(&[key('t')]);
    requested(&mut fixture);
    fixture.feed(0.5, &chat_chunk(0, "Hello"));
    let screen = fixture.text((120, 36));
    assert!(screen.contains("first content 500ms"), "{screen}");
}

#[test]
fn esc_goes_from_an_event_back_to_the_text_that_it_was_shown_from() {
    let mut fixture = chat_cut();
    fixture.text((120, 36));
    fixture.press(&[KeyCode::Up, KeyCode::Enter]);
    let detail = fixture.text((120, 36));
    assert!(
        detail.contains("received") && detail.contains("Esc back"),
        "{detail}"
    );
    fixture.press(&[KeyCode::Esc]);
    let text = fixture.text((120, 36));
    assert!(text.contains("text · connection 1"), "{text}");
    fixture.press(&[KeyCode::Esc]);
    let list = fixture.text((120, 36));
    assert!(
        list.contains("╭ events") && !list.contains("received"),
        "{list}"
    );
}

#[test]
fn a_cut_answer_of_two_choices_with_a_stall() {
    chat_cut().snapshots("text_cut");
}

#[test]
fn thinking_an_answer_and_a_tool_call() {
    messages().snapshots("text_messages");
}

#[test]
fn the_cursor_names_the_event_of_a_character_and_opens_it() {
    let mut fixture = messages();
    fixture.draw((120, 36));
    fixture.press(&[key('g'), KeyCode::Down]);
    fixture.draw((120, 36));
    // From "S" of the first token into the second, "Sent ".
    fixture.press(&[KeyCode::Right; 7]);
    let screen = fixture.text((120, 36));
    assert!(
        screen.contains("\"Sent \"") && screen.contains("gap 40ms"),
        "{screen}"
    );
    fixture.press(&[KeyCode::Enter]);
    let screen = fixture.text((120, 36));
    assert!(
        screen.contains("received") && screen.contains("\"text\": \"Sent \""),
        "{screen}"
    );
    // And back to the text, on the same event.
    fixture.press(&[key('t')]);
    fixture.draw((120, 36));
    let screen = fixture.text((120, 36));
    assert!(screen.contains("\"Sent \""), "{screen}");
}

#[test]
fn thinking_unfolds_and_folds() {
    let mut fixture = messages();
    assert!(
        fixture
            .text((120, 36))
            .contains("▸ thinking · 22 characters · folded")
    );
    fixture.press(&[key('g'), key('f')]);
    let screen = fixture.text((120, 36));
    assert!(
        screen.contains("▾ thinking") && screen.contains("Let me think about it."),
        "{screen}"
    );
    fixture.press(&[key('f')]);
    assert!(!fixture.text((120, 36)).contains("Let me think"));
}

#[test]
fn stalls_are_gone_through() {
    let mut fixture = chat_cut();
    fixture.draw((120, 36));
    fixture.press(&[key('n')]);
    let screen = fixture.text((120, 36));
    assert!(
        screen.contains("gap 3.2s") && screen.contains("\"stream of text \""),
        "{screen}"
    );
}

#[test]
fn text_follows_the_stream_until_someone_reads_elsewhere() {
    let mut fixture = Fixture::new();
    requested(&mut fixture);
    for number in 0..100 {
        fixture.feed(1.0, &chat_chunk(0, &format!("line {number}\n")));
    }
    fixture.press(&[key('t')]);
    assert!(fixture.text((80, 24)).contains("line 99"));
    fixture.press(&[key('g')]);
    fixture.feed(2.0, &chat_chunk(0, "the end"));
    let screen = fixture.text((80, 24));
    assert!(
        screen.contains("line 0") && !screen.contains("the end"),
        "{screen}"
    );
    assert!(screen.contains("line 1 of 101"), "{screen}");
    fixture.press(&[key('G')]);
    assert!(fixture.text((80, 24)).contains("the end"));
}

#[test]
fn each_connection_has_a_text_of_its_own() {
    let mut fixture = Fixture::new();
    requested(&mut fixture);
    fixture.feed(1.0, &chat_chunk(0, "the first"));
    fixture.lose(2.0, 1, "connection reset", 1.0);
    fixture.open(3.1, 2, "");
    let second = chat_chunk(0, "the second");
    fixture.feed_leg(0, 3.2, 2, &second);
    fixture.draw((120, 36));
    fixture.press(&[key('t')]);
    let screen = fixture.text((120, 36));
    assert!(
        screen.contains("text · connection 2") && screen.contains("the second"),
        "{screen}"
    );
    fixture.press(&[key('[')]);
    let screen = fixture.text((120, 36));
    assert!(
        screen.contains("text · connection 1") && screen.contains("the first"),
        "{screen}"
    );
    assert!(
        screen.contains("cut short, no [DONE]: connection"),
        "{screen}"
    );
}

#[test]
fn a_stream_without_text_says_how_to_find_it() {
    let mut fixture = Fixture::busy();
    fixture.press(&[key('t')]);
    let screen = fixture.text((120, 36));
    assert!(screen.contains("--text-pointer /path names"), "{screen}");
    fixture.app.screens.transcript = None;
    fixture.app.screens.text_pointer = Some("/symbol".to_owned());
    fixture.press(&[KeyCode::Esc, key('t')]);
    let screen = fixture.text((120, 36));
    assert!(screen.contains("DEMODEMODEMO"), "{screen}");
}

#[test]
fn nothing_hostile_reaches_the_screen_and_no_size_is_too_small() {
    let hostile = "a\u{1b}[2J\u{9b}31m\u{202E}\r\n\tb\u{7}日本語👩‍👩‍👧\u{301}\u{301} é";
    for keys in [
        &[][..],
        &[key('g')],
        &[key('g'), key('f')],
        &[key('n'), key('?')],
    ] {
        let mut fixture = chat_cut();
        fixture.press(&[KeyCode::Esc]);
        fixture.feed(20.0, &chat_chunk(0, hostile));
        fixture.feed(20.0, &chat_chunk(2, &hostile.repeat(50)));
        fixture.press(&[key('t')]);
        fixture.press(keys);
        let sizes = (0..=92)
            .step_by(7)
            .flat_map(|w| (0..=24).step_by(3).map(move |h| (w, h)));
        for size in sizes.chain(SIZES).chain([(1, 1), (300, 100)]) {
            let screen = fixture.draw(size);
            for cell in screen.backend().buffer().content() {
                let bad = |c: char| c.is_control() || matches!(c, '\u{202A}'..='\u{202E}');
                assert!(
                    !cell.symbol().contains(bad),
                    "{:?} at {size:?}",
                    cell.symbol()
                );
            }
            fixture.press(&[
                KeyCode::Down,
                KeyCode::Right,
                KeyCode::PageUp,
                KeyCode::Left,
                KeyCode::Up,
            ]);
        }
    }
}

#[test]
fn keys_of_the_list_do_nothing_to_it_from_another_screen() {
    let mut fixture = messages();
    fixture.press(&[key('&')]);
    assert!(fixture.app.prompt.is_none());
    fixture.press(&[
        key('u'),
        key('m'),
        key('s'),
        key('b'),
        key('v'),
        KeyCode::Tab,
    ]);
    assert!(fixture.app.bookmarks.is_empty() && fixture.app.listing.selection().is_all());
    assert!(fixture.text((120, 36)).contains("text · connection 1"));
}

#[test]
fn an_event_that_is_not_listed_is_said_to_be_so() {
    let mut fixture = messages();
    fixture.press(&[KeyCode::Esc, key('&')]);
    fixture.write("type:message_stop");
    fixture.press(&[KeyCode::Enter, key('t')]);
    fixture.draw((120, 36));
    fixture.press(&[key('G'), KeyCode::Enter]);
    let screen = fixture.text((120, 36));
    assert!(
        screen.contains("the event is not listed: u lists all"),
        "{screen}"
    );
}

#[test]
fn a_line_that_fills_the_pane_is_whole_whatever_ends_it() {
    for columns in 60..100 {
        let mut fixture = Fixture::new();
        requested(&mut fixture);
        let words = "one two three four five six seven eight nine ten eleven twelve ";
        fixture.feed(0.5, &chat_chunk(0, &words.repeat(4)));
        fixture.press(&[key('t')]);
        let screen = fixture.text((columns, 24));
        let text = screen.lines().filter(|line| !line.contains("event 1 "));
        let all: String = text.flat_map(str::split_whitespace).collect();
        let count = |word: &str| all.matches(word).count();
        assert!(
            count("twelve") == 4 && count("three") == 4,
            "{columns}: {screen}"
        );
    }
}
