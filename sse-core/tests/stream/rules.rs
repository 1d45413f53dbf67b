//! What the vectors cannot say: comments, discarded lines, limits, the end of a
//! response, and what a parser keeps from one response to the next.

use std::time::Duration;

use crate::drive;
use crate::model::{self, Cap, Caps, CutOff, Outcome, Seen};
use sse_core::{EventId, Item, Limits, Parser};

/// What the stream says, asserted to be the same for every chunk size.
fn read(input: &[u8], caps: Caps) -> Outcome {
    let model = model::read(input, caps);
    drive::assert_same(input, &model, &drive::read(&[input], caps));
    for size in 1..=input.len() {
        let outcome = drive::read(&drive::cut(input, &[size]), caps);
        drive::assert_same(input, &model, &outcome);
    }
    for split in 0..=input.len() {
        let (a, b) = input.split_at(split);
        drive::assert_same(input, &model, &drive::read(&[a, &[], b], caps));
    }
    model
}

fn seen(input: &[u8]) -> Vec<Seen> {
    read(input, Caps::NONE).seen
}

fn message(data: &str) -> Seen {
    Seen::Event {
        event_type: "message".to_owned(),
        data: data.to_owned(),
        last_event_id: String::new(),
        has_id: false,
    }
}

#[test]
fn a_comment_is_all_after_its_colon() {
    let comments = seen(b":\n: a\n::b\n:data: c\r:\xff\r\n\n");
    let texts = ["", " a", ":b", "data: c", "\u{FFFD}"];
    assert_eq!(
        comments,
        texts.map(|text| Seen::Comment(text.to_owned())).to_vec()
    );
}

#[test]
fn items_come_in_the_order_of_their_lines() {
    assert_eq!(
        seen(b"data: a\n: c\nretry: 5\nfoo: x\nretry: +5\nid: \0\n\n"),
        [
            Seen::Comment(" c".to_owned()),
            Seen::Retry(Duration::from_millis(5)),
            Seen::UnknownField("foo".to_owned()),
            Seen::InvalidRetry("+5".to_owned()),
            Seen::NulInId,
            message("a"),
        ]
    );
}

#[test]
fn an_unknown_field_is_named_as_it_stands() {
    let names = ["Data", "data ", "\tid", "\u{FEFF}data", "x\u{FFFD}", " "];
    let fields = seen("Data: a\ndata : a\n\tid\n\u{FEFF}data:\nx\u{FFFD}: y\n \n".as_bytes());
    assert_eq!(
        fields,
        names
            .map(|name| Seen::UnknownField(name.to_owned()))
            .to_vec()
    );
}

#[test]
fn an_invalid_retry_shows_its_value() {
    let values = ["", "", " 5", "5 ", "-1", "1\0", "\u{FFFD}5", "5\u{FFFD}"];
    let invalid = seen(
        b"retry\nretry: \nretry:  5\nretry: 5 \nretry: -1\nretry: 1\0\nretry:\xff5\nretry:5\xe2\x82\n",
    );
    assert_eq!(
        invalid,
        values
            .map(|value| Seen::InvalidRetry(value.to_owned()))
            .to_vec()
    );
}

#[test]
fn a_block_without_data_says_what_it_did() {
    let no_data = |event_type: &str, has_id, last_event_id: &str| Seen::NoData {
        event_type: if event_type.is_empty() {
            "message"
        } else {
            event_type
        }
        .to_owned(),
        has_id,
        last_event_id: last_event_id.to_owned(),
    };
    assert_eq!(
        seen(b"id: 1\n\nevent: t\n\nevent: t\nid: 2\n\nid\n\nevent:\n\nevent: t\nevent\n\n"),
        [
            no_data("", true, "1"),
            no_data("t", false, "1"),
            no_data("t", true, "2"),
            no_data("", true, ""),
        ]
    );
}

#[test]
fn an_event_says_whether_its_own_block_set_the_id() {
    let events = seen(b"id: 1\ndata\n\ndata\n\nid: \0\ndata\n\nid\ndata\n\n");
    let ids: Vec<_> = events
        .iter()
        .filter_map(|seen| match seen {
            Seen::Event {
                last_event_id,
                has_id,
                ..
            } => Some((last_event_id.as_str(), *has_id)),
            _ => None,
        })
        .collect();
    assert_eq!(ids, [("1", true), ("1", false), ("1", false), ("", true)]);
}

#[test]
fn the_end_of_a_stream_tells_what_it_cut_off() {
    let cut_off = |input: &[u8]| read(input, Caps::NONE).cut_off;
    let cut = |line, data, has_data| {
        Some(CutOff {
            line,
            data,
            has_data,
        })
    };
    assert_eq!(cut_off(b""), None);
    assert_eq!(cut_off(b"data: a\n\n"), None);
    assert_eq!(cut_off(b": comment\nretry: 5\nfoo: x\n"), None);
    assert_eq!(cut_off(b"event:\n"), None);
    assert_eq!(cut_off(b"data: a"), cut(7, 0, false));
    assert_eq!(cut_off(b"data: a\n"), cut(0, 1, true));
    assert_eq!(cut_off(b"data\n"), cut(0, 0, true));
    assert_eq!(cut_off(b"data: a\ndata: b\r\n: c"), cut(3, 3, true));
    assert_eq!(cut_off(b"id: 1\n"), cut(0, 0, false));
    assert_eq!(cut_off(b"id\r"), cut(0, 0, false));
    assert_eq!(cut_off(b"event: t\r"), cut(0, 0, false));
    assert_eq!(cut_off(b"data: \xff\n\xc3"), cut(1, 3, true));
    assert_eq!(cut_off(b"data: a\n\n\xE2"), cut(1, 0, false));
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_line_that_was_cut_off() {
    let cut_off = |input: &[u8]| read(input, Caps::NONE).cut_off;
    let line = |line| {
        Some(CutOff {
            line,
            data: 0,
            has_data: false,
        })
    };
    assert_eq!(cut_off(b"\xEF\xBB\xBF"), None);
    assert_eq!(cut_off(b"\xEF\xBB\xBFdata"), line(4));
    assert_eq!(cut_off(b"\xEF\xBB"), line(2));
    assert_eq!(cut_off(b"\n\xEF\xBB\xBF"), line(3));
}

#[test]
fn a_line_may_be_as_long_as_its_limit() {
    let caps = Caps {
        line: 7,
        ..Caps::NONE
    };
    for end in ["\n", "\r", "\r\n"] {
        let exact = format!("data: a{end}{end}");
        assert_eq!(read(exact.as_bytes(), caps).seen, [message("a")]);
        let over = format!("data: a{end}{end}data: bc{end}{end}data: d{end}{end}");
        let outcome = read(over.as_bytes(), caps);
        assert_eq!(outcome.seen, [message("a")]);
        assert_eq!(outcome.error, Some(Cap::Line));
    }
    assert_eq!(
        read(b"data: bc", caps).error,
        Some(Cap::Line),
        "no line end needed"
    );
    assert_eq!(
        read(b":1234567", caps).error,
        Some(Cap::Line),
        "comments count"
    );
    assert_eq!(
        read(b"unknown:", caps).error,
        Some(Cap::Line),
        "unknown names count"
    );
}

#[test]
fn the_byte_order_mark_does_not_count_as_line() {
    for line in 0..4 {
        let caps = Caps { line, ..Caps::NONE };
        assert_eq!(read(b"\xEF\xBB\xBF", caps).error, None);
        assert_eq!(read(b"\xEF\xBB\xBF\n\n", caps).error, None);
        let error = (line < 3).then_some(Cap::Line);
        assert_eq!(read(b"\xEF\xBB\xBF:ab\n", caps).error, error);
        assert_eq!(read(b"\xEF\xBBx\n", caps).error, error);
        assert_eq!(read(b"\n\xEF\xBB\xBF\n", caps).error, error);
    }
}

#[test]
fn a_limit_of_zero_still_admits_blank_lines() {
    let none = Caps {
        line: 0,
        field: 0,
        event: 0,
    };
    assert_eq!(read(b"\n\r\n\r", none).error, None);
    assert_eq!(read(b"\n\n:", none).error, Some(Cap::Line));
}

#[test]
fn the_field_limit_counts_decoded_ids_and_types() {
    let caps = Caps {
        field: 3,
        ..Caps::NONE
    };
    for name in ["id", "event"] {
        let exact = format!("{name}: abc\ndata\n\n");
        assert_eq!(read(exact.as_bytes(), caps).error, None, "{exact}");
        let over = format!("data: a\n\n{name}: abcd\ndata\n\n");
        let outcome = read(over.as_bytes(), caps);
        assert_eq!(outcome.error, Some(Cap::Field), "{over}");
        assert_eq!(outcome.seen, [message("a")]);
        let replaced = [name.as_bytes(), b": \xff\n"].concat();
        assert_eq!(
            read(&replaced, caps).error,
            None,
            "U+FFFD takes three bytes"
        );
        let replaced = [name.as_bytes(), b": \xffa\n"].concat();
        assert_eq!(read(&replaced, caps).error, Some(Cap::Field));
    }
    assert_eq!(
        read(b"data: abcd\nretry: 12345\nunknown\n", caps).error,
        None
    );
}

#[test]
fn the_event_limit_counts_the_joined_data() {
    let caps = Caps {
        event: 5,
        ..Caps::NONE
    };
    assert_eq!(
        read(b"data: ab\ndata: cd\n\n", caps).seen,
        [message("ab\ncd")]
    );
    assert_eq!(
        read(b"data: ab\ndata: cde\n\n", caps).error,
        Some(Cap::Event)
    );
    assert_eq!(
        read(b"data\ndata\ndata\ndata\ndata\ndata\n\n", caps).error,
        None
    );
    assert_eq!(
        read(b"data\ndata\ndata\ndata\ndata\ndata\ndata\n\n", caps).error,
        Some(Cap::Event)
    );
    assert_eq!(
        read(b"data: \xff\xff\n", caps).error,
        Some(Cap::Event),
        "decoded"
    );
    assert_eq!(
        read(b"data: abcde\n\ndata: abcde\n\n", caps).seen.len(),
        2,
        "per event"
    );
    let outcome = read(b"data: a\n\n: c\ndata: abcdef", caps);
    assert_eq!(outcome.error, None, "a line without end is not yet data");
}

#[test]
fn an_exceeded_limit_names_itself_and_its_value() {
    let limits = Limits::default().line(40).field(4).event(6);
    let error = |input: &[u8]| Parser::with_limits(limits).feed(input).next().unwrap_err();
    assert_eq!(
        error(&[b'x'; 41]).to_string(),
        "a line exceeds the limit of 40 bytes"
    );
    assert_eq!(
        error(b"id: 12345\n").to_string(),
        "an id or event type exceeds the limit of 4 bytes"
    );
    assert_eq!(
        error(b"data: 1234567\n").to_string(),
        "the data of one event exceeds the limit of 6 bytes"
    );
    assert_eq!(error(b"event: 12345\n").max, 4);
}

#[test]
fn the_default_limits_are_16_mib_and_64_kib() {
    let mut line = vec![b':'; 16 << 20];
    line.push(b'\n');
    assert_eq!(
        Parser::new().feed(&line).next().map(|item| item.is_some()),
        Ok(true)
    );
    line.insert(0, b':');
    assert_eq!(Parser::new().feed(&line).next().unwrap_err().max, 16 << 20);
    let id = |length| format!("id: {}\n\n", "x".repeat(length)).into_bytes();
    assert!(Parser::new().feed(&id(64 << 10)).next().is_ok());
    assert_eq!(
        Parser::new()
            .feed(&id((64 << 10) + 1))
            .next()
            .unwrap_err()
            .max,
        64 << 10
    );
}

#[test]
fn after_a_limit_the_next_response_is_read_from_its_start() {
    let caps = Caps {
        line: 7,
        ..Caps::NONE
    };
    let failing: [&[u8]; 4] = [
        b"data: z\nevent: y\nid: 9\ndata: too long",
        b"\xEF\xBB\xBFdata: zz\r",
        b"data: a\r\r12345678\n",
        b"data: a\n12345678\r",
    ];
    for failing in failing {
        let mut parser = drive::parser(caps);
        assert_eq!(
            drive::read_with(&mut parser, &[failing]).error,
            Some(Cap::Line)
        );
        let next = b"\xEF\xBB\xBFdata: b\n\n";
        assert_eq!(drive::read_with(&mut parser, &[next]).seen, [message("b")]);
    }
}

#[test]
fn a_response_leaves_only_the_last_event_id_to_the_next() {
    let first: [&[u8]; 7] = [
        b"id: 1\n\ndata: x",
        b"id: 1\n\ndata: x\n",
        b"id: 1\n\nevent: t\nid: 2\n",
        b"id: 1\n\nid: 2",
        b"id: 1\r\r",
        b"\xEF\xBB\xBFid: 1\r\r",
        b"id: 1\n\n\xE2\x82",
    ];
    for first in first {
        for size in 1..=first.len() {
            let mut parser = Parser::new();
            drive::read_with(&mut parser, &drive::cut(first, &[size]));
            let second = b"\xEF\xBB\xBFdata: y\n\n\n";
            let outcome = drive::read_with(&mut parser, &drive::cut(second, &[size]));
            assert_eq!(
                outcome.seen,
                [Seen::Event {
                    event_type: "message".to_owned(),
                    data: "y".to_owned(),
                    last_event_id: "1".to_owned(),
                    has_id: false,
                }],
                "{}",
                String::from_utf8_lossy(first)
            );
        }
    }
}

#[test]
fn a_response_that_starts_with_lf_after_one_that_ended_in_cr_has_a_blank_line() {
    let mut parser = Parser::new();
    drive::read_with(&mut parser, &[b"data: a\r"]);
    let outcome = drive::read_with(&mut parser, &[b"\n", b"\xEF\xBB\xBFdata: b\n\n"]);
    assert_eq!(
        outcome.seen,
        [Seen::UnknownField("\u{FEFF}data".to_owned())],
        "the LF was a line of its own, so the BOM is not at byte 0"
    );
}

#[test]
fn a_resumed_parser_starts_with_the_callers_last_event_id() {
    let mut parser = Parser::new();
    parser.set_last_event_id(EventId::new("41").unwrap());
    assert_eq!(parser.last_event_id(), "41");
    assert_eq!(
        drive::read_with(&mut parser, &[b"data: a\n\nid: 42\n\ndata: b"]).seen[0],
        Seen::Event {
            event_type: "message".to_owned(),
            data: "a".to_owned(),
            last_event_id: "41".to_owned(),
            has_id: false,
        }
    );
    assert_eq!(parser.last_event_id(), "42");
}

#[test]
fn the_last_event_id_is_committed_when_its_block_ends() {
    let mut parser = Parser::new();
    assert_eq!(parser.feed(b"id: 1\ndata: a\n").next(), Ok(None));
    assert_eq!(parser.last_event_id(), "");
    assert!(matches!(
        parser.feed(b"\n").next(),
        Ok(Some(Item::Event(_)))
    ));
    assert_eq!(parser.last_event_id(), "1");
}

#[test]
fn items_not_taken_are_lost_and_nothing_else() {
    for first in 0..4 {
        let mut parser = Parser::new();
        let mut items = parser.feed(b"id: 1\ndata: a\n\nid: 2\ndata: b\n\nid: 3\ndata: c\n\n");
        for _ in 0..first {
            assert!(matches!(items.next(), Ok(Some(Item::Event(_)))));
        }
        drop(items);
        let last_event_id = ["", "1", "2", "3"][first];
        assert_eq!(parser.last_event_id(), last_event_id);
        let outcome = drive::read_with(&mut parser, &[b"data: d\n\n"]);
        assert_eq!(
            outcome.seen,
            [Seen::Event {
                event_type: "message".to_owned(),
                data: "d".to_owned(),
                last_event_id: last_event_id.to_owned(),
                has_id: false,
            }]
        );
    }
}

#[test]
fn a_cr_dispatches_before_anything_follows_it() {
    let mut parser = Parser::new();
    for (chunk, expected) in [("data: a\r\r", "a"), ("\ndata: b\r\n\r", "b")] {
        let mut items = parser.feed(chunk.as_bytes());
        assert!(matches!(items.next(), Ok(Some(Item::Event(event))) if event.data == expected));
    }
}
