use jiff::Timestamp;
use unicode_width::UnicodeWidthStr;

use super::layout::MAX_BYTES;
use super::*;
use crate::store::RowKind;
use crate::wire::Wire;

fn detail(data: &str, width: usize, height: usize) -> Detail {
    let row = Row {
        kind: RowKind::Event,
        at: Timestamp::UNIX_EPOCH,
        delta: None,
        source: 0,
        lane: 0,
        leg: 1,
        event_type: "tick",
        id: "",
        data,
    };
    let mut detail = Detail::new(0, Some(&row));
    detail.fit(width, height);
    detail
}

fn text(detail: &Detail) -> Vec<String> {
    let line = |tokens: &[Token]| tokens.iter().map(|(_, text)| text.as_str()).collect();
    detail.visible().map(|(tokens, _)| line(tokens)).collect()
}

#[test]
fn long_lines_wrap_without_splitting_wide_characters() {
    assert_eq!(text(&detail("日本語x🎉y", 4, 9)), ["日本", "語x", "🎉y"]);
    assert_eq!(text(&detail("日", 1, 9)), ["日"]);
}

#[test]
fn data_keeps_its_lines_and_shows_its_controls() {
    assert_eq!(
        text(&detail("a\tb\n\n\x1b[2J", 20, 9)),
        ["a   b", "", "␛[2J"]
    );
}

#[test]
fn json_is_formatted_and_wrapping_loses_nothing() {
    let json = r#"{"message":"a long text that needs several lines","n":[1,2]}"#;
    let narrow = text(&detail(json, 10, 99));
    assert!(narrow.iter().all(|line| line.width() <= 10), "{narrow:?}");
    let joined: String = narrow.concat().split_whitespace().collect();
    assert_eq!(joined, json.split_whitespace().collect::<String>());
}

#[test]
fn the_cursor_takes_the_text_along_and_stops_at_its_end() {
    let mut detail = detail("1\n2\n3\n4\n5", 10, 2);
    detail.move_by(100);
    assert_eq!(text(&detail), ["4", "5"]);
    detail.page(-1);
    assert_eq!(text(&detail), ["3", "4"]);
    detail.fit(10, 5);
    assert_eq!(text(&detail), ["1", "2", "3", "4", "5"]);
}

#[test]
fn huge_data_is_cut_and_says_so() {
    let data = "é".repeat(MAX_BYTES);
    let mut detail = detail(&data, 100_000, 3);
    detail.move_by(isize::MAX);
    assert_eq!(
        text(&detail).last().unwrap(),
        "… the first 1.0 MiB of 2.0 MiB"
    );
}

#[test]
fn values_fold_and_tell_how_many_are_in_them() {
    let mut detail = detail(r#"{"a":[1,{"b":2}],"c":"d e"}"#, 30, 20);
    detail.move_by(1);
    detail.fold();
    assert_eq!(
        text(&detail),
        ["{", "  \"a\": [ … 2 ],", "  \"c\": \"d e\"", "}"]
    );
    detail.unfold();
    detail.move_by(3);
    assert_eq!(detail.term().unwrap(), ".a[1].b=2");
    detail.fold();
    assert_eq!(detail.term().unwrap(), ".a[1]", "it went out to the object");
    assert_eq!(detail.value().unwrap(), r#"{"b":2}"#);
    detail.fold_all();
    assert_eq!(text(&detail)[1], "  \"a\": [ … 2 ],");
    detail.fold_all();
    detail.move_by(isize::MAX);
    detail.move_by(-1);
    assert_eq!(detail.term().unwrap(), ".c=\"d e\"");
    assert_eq!(detail.value().unwrap(), "d e");
}

#[test]
fn bytes_that_were_not_all_kept_say_so() {
    let mut store = Store::new(1 << 20);
    let row = Row {
        kind: RowKind::Event,
        at: Timestamp::UNIX_EPOCH,
        delta: None,
        source: 0,
        lane: 0,
        leg: 1,
        event_type: "t",
        id: "",
        data: "a\nb",
    };
    for (bytes, whole) in [
        (&b"data: a\ndata: b\n\n"[..], true),
        (b"data: a\r\ndata: b\r\n\r\n", true),
        (b"data: a\rdata: b\r\r", true),
        (b"data: a\r\ndata: b\r\n\r", true),
        (b"data: a\ndata: b", false),
        (b"data: a\n", false),
        (b"data: a\r\n", false),
    ] {
        let reads = [0];
        store.push_with_wire(
            &row,
            &Wire {
                bytes,
                reads: &reads,
            },
        );
        let mut detail = Detail::new(store.range().end - 1, Some(&row));
        detail.toggle_wire(&store);
        detail.fit(99, 9);
        let said = text(&detail).iter().any(|line| line.contains("… cut here"));
        assert_eq!(said, !whole, "{:?}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn bytes_show_their_line_ends_reads_and_what_is_no_text() {
    let mut store = Store::new(1 << 20);
    let row = Row {
        kind: RowKind::Event,
        at: Timestamp::UNIX_EPOCH,
        delta: None,
        source: 0,
        lane: 0,
        leg: 1,
        event_type: "t",
        id: "",
        data: "a\u{fffd}\u{1b}",
    };
    let bytes = b"id: 1\r\ndata: a\xff\x1b\r\n\r\n";
    let reads = [0, 4, 17];
    store.push_with_wire(
        &row,
        &Wire {
            bytes,
            reads: &reads,
        },
    );
    let mut detail = Detail::new(0, Some(&row));
    detail.toggle_wire(&store);
    detail.fit(60, 9);
    assert_eq!(text(&detail), ["┊id: ┊1␍␊", "data: a⟨FF⟩␛␍┊␊", "␍␊"]);
    detail.toggle_wire(&store);
    assert_eq!(text(&detail), ["a\u{fffd}␛"]);
}
