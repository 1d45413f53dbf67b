use std::fs;
use std::path::Path;

use jiff::Timestamp;

use super::{Export, Format, Rows};
use crate::store::{Row, RowKind, Store};
use crate::wire::Wire;

fn row(data: &str, kind: RowKind) -> Row<'_> {
    Row {
        kind,
        at: Timestamp::from_second(1_790_000_000).unwrap(),
        delta: None,
        source: 0,
        lane: 0,
        leg: 2,
        event_type: "tick",
        id: "7",
        data,
    }
}

fn store(events: &[(&str, &[u8])]) -> Store {
    let mut store = Store::new(64 << 20);
    store.push(&row("connected again", RowKind::Opened));
    for (data, bytes) in events {
        let reads = &[];
        store.push_with_wire(&row(data, RowKind::Event), &Wire { bytes, reads });
    }
    store
}

fn export(name: &str, rows: Rows, store: &Store) -> (String, Vec<u8>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    let mut export = Export::start(&path, rows, vec!["http://h/e".into()]).unwrap();
    let said = loop {
        export.wake();
        if let Some(said) = export.go_on(store) {
            break said;
        }
    };
    (said, fs::read(path).unwrap())
}

const AT: &str = "2026-09-21T14:13:20.000000000Z";

#[test]
fn the_name_says_the_format() {
    for (name, format) in [
        ("a.ndjson", Format::Ndjson),
        ("a.jsonl", Format::Ndjson),
        ("a.b.CSV", Format::Csv),
        ("dir.csv/a.raw", Format::Raw),
        ("a.sse", Format::Raw),
    ] {
        assert_eq!(Format::of(Path::new(name)), Ok(format), "{name}");
    }
    for name in ["a", "csv", "a.txt", ".csv"] {
        let words = Format::of(Path::new(name)).unwrap_err();
        assert!(words.contains(".ndjson, .csv or .raw"), "{name}");
    }
}

#[test]
fn ndjson_holds_the_events_alone_as_the_output_does() {
    let store = store(&[("a", b""), ("b\n\u{9b}", b"")]);
    let (said, file) = export("e.ndjson", Rows::All(0..3), &store);
    let line = |data: &str| {
        format!(
            "{{\"received_at\":\"{AT}\",\"source\":\"http://h/e\",\"event\":\"tick\",\"id\":\"7\",\
             \"data\":\"{data}\",\"connection\":2}}\n"
        )
    };
    let expected = line("a") + &line("b\\n\\u009b");
    assert_eq!(String::from_utf8(file).unwrap(), expected);
    assert!(said.starts_with("exported 2 events, "), "{said}");
}

#[test]
fn csv_quotes_what_a_table_needs_quoted() {
    let store = store(&[("a,\"b\"\nc", b"")]);
    let (_, file) = export("e.csv", Rows::All(0..2), &store);
    let expected = format!(
        "received_at,source,event,id,data,connection\r\n\
         {AT},http://h/e,tick,7,\"a,\"\"b\"\"\nc\",2\r\n"
    );
    assert_eq!(String::from_utf8(file).unwrap(), expected);
}

#[test]
fn raw_is_an_event_stream_again_also_where_a_block_was_cut() {
    let store = store(&[
        ("a", b"data: a\r\n\r\n"),
        ("b", b"data:b\n\r"),
        ("cut", b"data: cu"),
        ("\u{fffd}", b"data: \xFF\n\n"),
    ]);
    let (said, file) = export("e.raw", Rows::All(0..5), &store);
    let expected = b"data: a\r\n\r\ndata:b\n\rdata: cu\n\ndata: \xFF\n\n";
    assert_eq!(file, expected);
    assert!(said.ends_with("of 1 only the first MiB is kept"), "{said}");
}

#[test]
fn only_the_rows_asked_for_are_written_and_those_evicted_are_counted() {
    let store = store(&[("a", b""), ("b", b""), ("c", b"")]);
    let rows = Rows::Some(vec![1, 3, 77].into_iter());
    let (said, file) = export("e.csv", rows, &store);
    let text = String::from_utf8(file).unwrap();
    let data: Vec<_> = text
        .lines()
        .skip(1)
        .map(|line| line.split(',').nth(4))
        .collect();
    assert_eq!(data, [Some("a"), Some("c")]);
    assert!(
        said.contains("exported 2 events") && said.contains("; 1 were evicted"),
        "{said}"
    );
}

#[test]
fn many_slices_are_one_file() {
    let data = "x".repeat(1000);
    let events: Vec<(&str, &[u8])> = vec![(&data, b""); 10_000];
    let store = store(&events);
    let (said, file) = export("e.csv", Rows::All(0..10_001), &store);
    assert_eq!(file.split(|byte| *byte == b'\n').count() - 1, 10_001);
    assert!(said.contains("exported 10,000 events"), "{said}");
}

#[test]
fn a_file_that_exists_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("e.csv");
    fs::write(&path, "mine").unwrap();
    let refused = Export::start(&path, Rows::All(0..0), vec![]).unwrap_err();
    assert!(format!("{refused:#}").contains("e.csv"), "{refused:#}");
    assert_eq!(fs::read(path).unwrap(), b"mine");
}
