//! The store against a plain list, and at its edges.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn row<'a>(id: &'a str, data: &'a str) -> Row<'a> {
    Row {
        kind: RowKind::Event,
        at: Timestamp::UNIX_EPOCH,
        delta: None,
        source: 0,
        lane: 0,
        leg: 1,
        event_type: "tick",
        id,
        data,
    }
}

#[test]
fn a_row_comes_back_as_it_was_pushed() {
    let mut store = Store::new(1 << 20);
    store.push(&row("1", "ä"));
    store.push(&row("", ""));
    assert_eq!(store.get(0), Some(row("1", "ä")));
    assert_eq!(store.get(1), Some(row("", "")));
    assert_eq!(store.get(2), None);
    assert_eq!(store.range(), 0..2);
}

#[test]
fn wire_bytes_come_back_with_their_reads_and_data_in_them_costs_nothing() {
    let mut store = Store::new(1 << 20);
    let wire = |bytes, reads| Wire { bytes, reads };
    let data = "x".repeat(1000);
    let block = format!("data: {data}\r\n\r\n");
    store.push_with_wire(&row("1", &data), &wire(block.as_bytes(), &[0, 7]));
    let once = store.used();
    assert!(once < 1200, "{once}");
    store.push_with_wire(&row("1", "a\u{fffd} "), &wire(b"data:a\xff \n\n", &[]));
    store.push_with_wire(&row("1", "a\nb"), &wire(b"data:a\ndata:b\n\n", &[3]));
    store.push_with_wire(&row("1", ""), &wire(b"data\r\r", &[]));
    store.push(&row("2", "none"));
    for (number, data, bytes, reads) in [
        (0, data.as_str(), block.as_bytes(), &[0, 7][..]),
        (1, "a\u{fffd} ", b"data:a\xff \n\n", &[]),
        (2, "a\nb", b"data:a\ndata:b\n\n", &[3]),
        (3, "", b"data\r\r", &[]),
        (4, "none", b"", &[]),
    ] {
        assert_eq!(store.get(number).unwrap().data, data);
        assert_eq!(store.wire(number).unwrap(), (bytes, reads.to_vec()));
    }
}

proptest! {
    #[test]
    fn it_agrees_with_a_plain_list(
        rows in vec((any::<[u8; 2]>(), "[ab\\n é]{0,40}", vec(any::<u8>(), 0..60), 0_u64..5_000_000), 1..300),
        budget in 0_usize..16_384,
    ) {
        let mut store = Store::new(budget);
        let mut list = Vec::new();
        for ([kind, repeat], data, bytes, micros) in rows {
            let kind = if kind < 200 { RowKind::Event } else { RowKind::Lost };
            let id = (repeat % 3).to_string();
            let at = Timestamp::from_microsecond(micros.cast_signed()).unwrap();
            let bytes = if repeat < 100 { data.clone().into_bytes() } else { bytes };
            let row = Row { kind, at, ..row(&id, &data) };
            store.push_with_wire(&row, &Wire { bytes: &bytes, reads: &[1] });
            list.push((kind, at, id, data, bytes));
        }
        let range = store.range();
        prop_assert_eq!(range.end, list.len() as u64);
        prop_assert!(store.segments.len() <= 1 || store.bytes() <= budget);
        let events = |rows: &[(RowKind, _, _, _, _)]| rows.iter().filter(|row| row.0 == RowKind::Event).count() as u64;
        let start = range.start as usize;
        prop_assert_eq!(store.evicted(), events(&list[..start]));
        prop_assert_eq!(store.kept(), events(&list[start..]));
        for number in range {
            let (kind, at, id, data, bytes) = &list[number as usize];
            let expected = Row { kind: *kind, at: *at, ..row(id, data) };
            prop_assert_eq!(store.get(number), Some(expected));
            prop_assert_eq!(store.wire(number), Some((bytes.as_slice(), vec![1])));
        }
    }
}

#[test]
fn memory_stays_within_the_budget_and_every_row_is_held_or_counted() {
    let budget = 256 << 10;
    let mut store = Store::new(budget);
    for number in 0..50_000_u64 {
        let data = "x".repeat((number % 97) as usize);
        store.push(&row(&number.to_string(), &data));
        assert!(store.bytes() <= budget, "{} bytes", store.bytes());
    }
    let held = store.range();
    assert!(store.evicted() > 0);
    assert_eq!(held.start, store.evicted());
    assert_eq!(held.end, 50_000);
    for number in held.clone() {
        assert_eq!(store.get(number).unwrap().id, number.to_string());
    }
    assert_eq!(store.get(held.start - 1), None);
}

#[test]
fn an_event_larger_than_the_budget_is_kept_alone() {
    let mut store = Store::new(8 << 10);
    store.push(&row("1", "small"));
    let huge = "x".repeat(1 << 20);
    store.push(&row("2", &huge));
    assert_eq!(store.range(), 1..2);
    assert_eq!(store.get(1).unwrap().data.len(), 1 << 20);
    store.push(&row("3", "small"));
    assert_eq!(store.range(), 2..3);
    assert_eq!(store.evicted(), 2);
}

#[test]
fn rows_that_are_no_events_are_not_counted_as_evicted() {
    let mut store = Store::new(0);
    for _ in 0..SEGMENT_ROWS {
        store.push(&Row {
            kind: RowKind::Lost,
            ..row("", "")
        });
    }
    store.push(&row("1", ""));
    store.push(&row("2", &"x".repeat(8 << 10)));
    assert_eq!(store.evicted(), 1);
}
