//! What the parser and the encoder ask of the allocator.

use allocation_counter::measure;
use sse_core::{Event, EventId, EventType, Item, Limits, Parser};

/// Reads the corpus in chunks of this size and counts its events.
fn read(parser: &mut Parser, corpus: &[u8], chunk: usize) -> usize {
    let mut events = 0;
    for chunk in corpus.chunks(chunk) {
        let mut items = parser.feed(chunk);
        while let Some(item) = items.next().expect("no limit is near") {
            events += usize::from(matches!(item, Item::Event(_)));
        }
    }
    events
}

fn corpora() -> [(&'static str, Vec<u8>); 5] {
    let tick = b"event: tick\nid: 00000123\ndata: {\"seq\":123,\"price\":99.5}\n\n";
    let delta = format!("data: {{\"delta\":\"{}\"}}\r\n\r\n", "word ".repeat(50));
    let line = format!("data: {}\n", "x".repeat(1024));
    let multi_line = format!("event: page\n{}\n", line.repeat(64));
    let odd =
        b": comment\nretry: 5\nretry: x\nfoo: bar\nid: \0\ndata: \xff\xe2\x82\ndata\rid: 7\r\r\n";
    let resets = b"id: 1\ndata: a\n\nid\ndata: b\n\nid: a longer id than before\n\nevent: t\n\n";
    [
        ("ticks", tick.repeat(5000)),
        ("deltas", delta.repeat(1200).into_bytes()),
        ("multi-line", multi_line.repeat(6).into_bytes()),
        ("odd", odd.repeat(3000)),
        ("resets", resets.repeat(3000)),
    ]
}

#[test]
fn a_second_pass_over_a_corpus_allocates_nothing() {
    for (name, corpus) in corpora() {
        for chunk in [usize::MAX, 128 << 10, 16 << 10, 1000, 67, 1] {
            let mut parser = Parser::new();
            let events = read(&mut parser, &corpus, chunk);
            assert!(events > 0, "{name}");
            let allocated = measure(|| assert_eq!(read(&mut parser, &corpus, chunk), events));
            assert_eq!(allocated.count_total, 0, "{name} in chunks of {chunk}");
        }
    }
}

#[test]
fn well_formed_events_in_one_chunk_are_borrowed() {
    let corpus = b"data: {\"seq\":123,\"price\":99.5}\n\n".repeat(5000);
    let mut parser = Parser::new();
    let allocated = measure(|| assert_eq!(read(&mut parser, &corpus, usize::MAX), 5000));
    assert_eq!(allocated.count_total, 0);
}

#[test]
fn a_refused_line_is_not_kept() {
    let mut parser = Parser::with_limits(Limits::default().line(1000));
    let endless = vec![b'x'; 1 << 20];
    let allocated = measure(|| {
        for chunk in endless.chunks(100) {
            if parser.feed(chunk).next().is_err() {
                break;
            }
        }
        for _ in 0..100 {
            assert!(parser.feed(&endless).next().is_err());
        }
    });
    assert!(allocated.bytes_max < 3000, "{} bytes", allocated.bytes_max);
}

#[test]
fn encoding_into_a_buffer_with_room_allocates_nothing() {
    let event = Event::new("one\r\ntwo\nthree")
        .with_comment("a\nb")
        .with_id(EventId::new("7").unwrap())
        .with_type(EventType::new("note").unwrap())
        .with_retry(std::time::Duration::from_secs(3));
    let mut out = Vec::with_capacity(64 << 10);
    let allocated = measure(|| {
        for _ in 0..500 {
            event.encode(&mut out);
        }
    });
    assert!(!out.is_empty());
    assert_eq!(allocated.count_total, 0);
}

#[test]
fn memory_is_bounded_by_the_limits_whatever_arrives() {
    let (line, field, event) = (10_000, 1_000, 20_000);
    let text = |name: &str, length: usize| format!("{name}: {}\n", "x".repeat(length));
    let endless: [(&str, Vec<u8>); 6] = [
        ("data lines", text("data", 900).into_bytes()),
        ("bare data lines", b"data\n".to_vec()),
        ("ids", format!("{}data\n\n", text("id", 990)).into_bytes()),
        ("types", text("event", 990).into_bytes()),
        (
            "invalid comments",
            [vec![b':'], vec![0xFF; 9_990], vec![b'\n']].concat(),
        ),
        ("invalid names", [vec![0xFF; 9_990], vec![b'\n']].concat()),
    ];
    for (name, block) in endless {
        let stream = block.repeat(2 + 200_000 / block.len());
        for chunk in [usize::MAX, 5000, 64] {
            let limits = Limits::default().line(line).field(field).event(event);
            let mut parser = Parser::with_limits(limits);
            let allocated = measure(|| {
                for chunk in stream.chunks(chunk) {
                    let mut items = parser.feed(chunk);
                    while let Ok(Some(_)) = items.next() {}
                }
            });
            // What is held, and as much again because buffers grow by doubling.
            let bound = 2 * (4 * line + event + 3 * field) as u64;
            let held = allocated.bytes_max;
            assert!(held <= bound, "{name} in chunks of {chunk}: {held} bytes");
        }
    }
}
