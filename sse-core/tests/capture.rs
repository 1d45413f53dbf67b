//! Recordings: what is replayed is what was received, whatever happened to the file.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::StatusCode;
use proptest::collection::vec;
use proptest::prelude::*;
use sse_core::capture::{
    Damage, Entry, MAX_CHUNK, MAX_LINE, NotReadable, Opening, Reader, Record, StreamFacts, What,
};
use sse_core::client::{Replay, Update};
use sse_core::{Cause, Item, LimitExceeded, Limits, NetworkError, NetworkErrorKind, Parser};

fn at(nanos: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::new(1_773_500_966, 0) + Duration::from_nanos(nanos)
}

fn opening() -> Opening {
    Opening {
        at: at(0),
        tool: "test".to_owned(),
        streams: vec![StreamFacts {
            name: "http://127.0.0.1:8080/events".to_owned(),
            method: "GET".to_owned(),
            headers: vec![("accept".to_owned(), None)],
            body_bytes: 3,
        }],
    }
}

fn record(nanos: u64, leg: u64, what: What) -> Record {
    Record {
        at: at(nanos),
        stream: 0,
        leg,
        what,
    }
}

fn written(records: &[Record]) -> Vec<u8> {
    let mut out = Vec::new();
    opening().encode(&mut out);
    for record in records {
        record.encode(&mut out);
    }
    out
}

fn read(recording: &[u8], size: usize) -> Result<(Vec<Entry>, u64), NotReadable> {
    let mut reader = Reader::new();
    let mut entries = Vec::new();
    for piece in recording.chunks(size) {
        reader.feed(piece);
        while let Some(entry) = reader.next_entry()? {
            entries.push(entry);
        }
    }
    Ok((entries, reader.unfinished()))
}

fn records(entries: Vec<Entry>) -> Vec<Record> {
    let record = |entry| match entry {
        Entry::Record(record) => Some(record),
        _ => None,
    };
    entries.into_iter().filter_map(record).collect()
}

fn owned(item: &Item<'_>) -> String {
    format!("{item:?}")
}

/// What a parser makes of the chunks as they came; `None` ends a response.
fn received(chunks: &[Option<Vec<u8>>]) -> Vec<String> {
    let mut parser = Parser::new();
    let mut seen = Vec::new();
    for chunk in chunks {
        let Some(chunk) = chunk else {
            seen.extend(parser.finish().map(|unfinished| unfinished.to_string()));
            continue;
        };
        let mut items = parser.feed(chunk);
        while let Some(item) = items.next().unwrap() {
            seen.push(owned(&item));
        }
    }
    seen
}

/// What a replay makes of a recording of them.
fn replayed(recording: &[u8], size: usize) -> Vec<String> {
    let mut replay = Replay::new(Limits::default());
    let mut seen = Vec::new();
    for record in records(read(recording, size).unwrap().0) {
        match replay.update(record, Instant::now()) {
            Update::Batch(batch) => seen.extend(batch.items().map(|item| owned(&item))),
            Update::Disconnected { unfinished, .. } => {
                seen.extend(unfinished.map(|unfinished| unfinished.to_string()));
            }
            _ => {}
        }
    }
    seen
}

fn recorded(chunks: &[Option<Vec<u8>>]) -> Vec<u8> {
    let what = |chunk: &Option<Vec<u8>>| match chunk {
        Some(bytes) => What::Chunk(bytes.clone().into()),
        None => What::Disconnected {
            cause: Cause::EndOfStream,
            retry_in: Duration::from_millis(2),
        },
    };
    let record = |(number, chunk)| record(number, 1, what(chunk));
    written(&(0..).zip(chunks).map(record).collect::<Vec<_>>())
}

/// Chunks of a stream as servers write it, cut anywhere, with bytes that are no
/// UTF-8 now and then, and with the ends of responses.
fn chunks() -> impl Strategy<Value = Vec<Option<Vec<u8>>>> {
    let line = prop_oneof![
        "data: [a-zéß日🎉\u{1}\u{7f}\"\\\\]{0,20}",
        "id: [a-z0-9]{0,5}",
        "event: [a-z]{0,5}",
        "retry: [0-9]{0,4}",
        ": [ -~]{0,9}",
        Just(String::new()),
        Just("\u{feff}data".to_owned()),
    ];
    let end = prop_oneof![Just("\n"), Just("\r\n"), Just("\r")];
    let text = vec((line, end), 0..60);
    let broken = vec((0_usize..2_000, any::<u8>()), 0..4);
    let cuts = vec(1_usize..60, 1..8);
    let ends = vec(0_usize..40, 0..4);
    (text, broken, cuts, ends).prop_map(|(lines, broken, cuts, ends)| {
        let mut wire: Vec<u8> = Vec::new();
        for (line, end) in lines {
            wire.extend(line.as_bytes());
            wire.extend(end.as_bytes());
        }
        for (position, byte) in broken {
            if let Some(place) = wire.get_mut(position) {
                *place = byte;
            }
        }
        let mut chunks = Vec::new();
        let mut rest = &wire[..];
        for cut in cuts.into_iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (chunk, after) = rest.split_at(cut.min(rest.len()));
            chunks.push(Some(chunk.to_vec()));
            rest = after;
        }
        for end in ends {
            chunks.insert(end.min(chunks.len()), None);
        }
        chunks
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn what_is_replayed_is_what_was_received(chunks in chunks(), size in 1_usize..300) {
        prop_assert_eq!(replayed(&recorded(&chunks), size), received(&chunks));
    }

    #[test]
    fn bytes_come_back_as_they_were(bytes in vec(any::<u8>(), 0..300), nanos: u32) {
        let one = record(nanos.into(), 7, What::Chunk(bytes.into()));
        let (entries, rest) = read(&written(std::slice::from_ref(&one)), 64).unwrap();
        prop_assert_eq!((records(entries), rest), (vec![one], 0));
    }

    #[test]
    fn a_recording_cut_anywhere_is_read_up_to_its_last_whole_line(
        chunks in chunks(), share in 0.0..1.0_f64,
    ) {
        let whole = recorded(&chunks);
        let first = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        let cut = first + ((whole.len() - first) as f64 * share) as usize;
        let lines = whole[..cut].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
        let (entries, rest) = read(&whole[..cut], 100).unwrap();
        prop_assert_eq!(rest as usize, cut - lines);
        let all = records(read(&whole, 100).unwrap().0);
        let kept = records(entries);
        prop_assert_eq!(&all[..kept.len()], &kept[..]);
        prop_assert_eq!(kept.len() + 1, whole[..cut].split(|byte| *byte == b'\n').count() - 1);
    }
}

fn exceeded() -> LimitExceeded {
    let mut parser = Parser::with_limits(Limits::default().line(4));
    parser.feed(b"data: too long").next().unwrap_err()
}

#[test]
fn everything_that_happens_to_a_connection_comes_back() {
    let url = "http://127.0.0.1:8080/events".parse().unwrap();
    let mut happened = vec![
        What::Connecting {
            attempt: 2,
            url,
            last_event_id: "k-7".to_owned(),
        },
        What::Open {
            status: 200,
            version: "HTTP/2".to_owned(),
            headers: vec![
                (
                    "content-type".to_owned(),
                    Some("text/event-stream".to_owned()),
                ),
                ("set-cookie".to_owned(), None),
            ],
            joined: Some(String::new()),
        },
    ];
    let network = |kind| Cause::Network(NetworkError::new(kind, "in words"));
    let causes = [
        network(NetworkErrorKind::Refused),
        network(NetworkErrorKind::Unresolved),
        network(NetworkErrorKind::Unreachable),
        network(NetworkErrorKind::Reset),
        network(NetworkErrorKind::Truncated),
        network(NetworkErrorKind::TimedOut),
        network(NetworkErrorKind::Certificate),
        network(NetworkErrorKind::Tls),
        network(NetworkErrorKind::Protocol),
        network(NetworkErrorKind::Other),
        Cause::EndOfStream,
        Cause::Status(StatusCode::NOT_FOUND),
        Cause::NoContent,
        Cause::ContentType(None),
        Cause::ContentType(Some("text/html".to_owned())),
        Cause::ContentEncoding("gzip".to_owned()),
        Cause::BadRedirect {
            status: StatusCode::FOUND,
            location: Some("?".to_owned()),
        },
        Cause::TooManyRedirects(20),
        Cause::ResponseTimeout(Duration::from_millis(1)),
        Cause::ReadTimeout(Duration::from_secs(45)),
        Cause::Limit(exceeded()),
        Cause::Requested,
        Cause::Closed,
    ];
    for cause in causes {
        let retry_in = Duration::from_micros(2_000_001);
        happened.push(What::Disconnected {
            cause: cause.clone(),
            retry_in,
        });
        happened.push(What::Closed { cause });
    }
    let all: Vec<_> = happened
        .into_iter()
        .map(|what| record(5, 3, what))
        .collect();
    let (entries, rest) = read(&written(&all), 1000).unwrap();
    assert_eq!(entries[0], Entry::Opening(opening()));
    assert_eq!((records(entries), rest), (all, 0));
}

#[test]
fn text_can_be_searched_for_and_a_character_that_a_read_cut_hides_nothing() {
    let wire = "data: the needle é".as_bytes();
    let one = record(
        0,
        1,
        What::Chunk(Bytes::copy_from_slice(&wire[..wire.len() - 1])),
    );
    let recording = written(&[one]);
    let line = String::from_utf8(recording).unwrap();
    assert!(line.contains("the needle"), "{line}");
    assert!(line.contains(r#""base64_tail":"ww==""#), "{line}");
}

#[test]
fn a_long_chunk_takes_several_lines_and_none_is_too_long_to_be_read() {
    for byte in [b'x', 0, 0xFF] {
        let bytes = vec![byte; MAX_CHUNK + 17];
        let recording = written(&[record(0, 1, What::Chunk(bytes.clone().into()))]);
        let longest = recording
            .split(|byte| *byte == b'\n')
            .map(<[u8]>::len)
            .max();
        assert!(longest.unwrap() < MAX_LINE / 2, "{longest:?}");
        let mut back = Vec::new();
        for record in records(read(&recording, 1 << 16).unwrap().0) {
            match record.what {
                What::Chunk(bytes) => back.extend_from_slice(&bytes),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(back, bytes);
    }
}

#[test]
fn damage_costs_its_line_and_is_told() {
    let chunk = |text: &'static str| record(0, 1, What::Chunk(text.into()));
    let mut recording = written(&[chunk("data: 1\n\n")]);
    let damage = b"\0\0\0\0\n{\"at\":\"never\",\"stream\":0,\"kind\":\"chunk\"}\n";
    recording.extend_from_slice(damage);
    recording.extend_from_slice(b"{\"at\":\"2026-03-14T15:09:26Z\",\"stream\":0,\"kind\":\"chunk\",\"base64_head\":\"!\"}\n");
    chunk("data: 2\n\n").encode(&mut recording);
    let (entries, _) = read(&recording, 10).unwrap();
    let damaged: Vec<_> = entries
        .iter()
        .filter_map(|entry| match entry {
            Entry::Damaged(Damage { line, .. }) => Some(*line),
            _ => None,
        })
        .collect();
    assert_eq!(damaged, [3, 4, 5]);
    assert_eq!(
        records(entries),
        [chunk("data: 1\n\n"), chunk("data: 2\n\n")]
    );
}

#[test]
fn a_line_too_long_costs_itself_and_is_told() {
    let mut recording = written(&[]);
    recording.extend(std::iter::repeat_n(b'x', 3 * MAX_LINE));
    recording.push(b'\n');
    record(0, 1, What::Chunk("data\n\n".into())).encode(&mut recording);
    let mut reader = Reader::new();
    let mut entries = Vec::new();
    for piece in recording.chunks(1 << 20) {
        reader.feed(piece);
        while let Some(entry) = reader.next_entry().unwrap() {
            entries.push(entry);
        }
    }
    let bytes = 3 * MAX_LINE as u64;
    assert_eq!(entries[1], Entry::Damaged(Damage { line: 2, bytes }));
    assert!(matches!(&entries[2], Entry::Record(_)));
}

#[test]
fn what_a_newer_program_adds_is_left_out_and_counted() {
    let mut recording = written(&[]);
    recording.extend_from_slice(
        b"{\"at\":\"2026-03-14T15:09:26Z\",\"stream\":0,\"kind\":\"note\",\"words\":[1]}\n\
          {\"at\":\"2026-03-14T15:09:26Z\",\"stream\":0,\"kind\":\"chunk\",\"leg\":1,\"text\":\"x\",\"colour\":7}\n",
    );
    let mut reader = Reader::new();
    reader.feed(&recording);
    assert!(matches!(reader.next_entry(), Ok(Some(Entry::Opening(_)))));
    let next = reader.next_entry().unwrap().unwrap();
    assert!(matches!(next, Entry::Record(record) if record.what == What::Chunk("x".into())));
    assert_eq!((reader.next_entry(), reader.unknown()), (Ok(None), 1));
}

#[test]
fn what_is_no_recording_is_refused_with_the_reason() {
    for other in ["data: 1\n", "{}\n", "{\"sse_capture\":\"1\"}\n", "\n"] {
        assert_eq!(
            read(other.as_bytes(), 99),
            Err(NotReadable::NoRecording),
            "{other}"
        );
    }
    let newer = b"{\"sse_capture\":2,\"at\":7}\n";
    assert_eq!(read(newer, 99), Err(NotReadable::Version(2)));
    let text = NotReadable::NoRecording.to_string();
    assert!(text.contains(r#"{"sse_capture":"#), "{text}");
}

#[test]
fn a_recording_that_joins_a_stream_goes_on_with_its_last_event_id() {
    let open = What::Open {
        status: 200,
        version: "HTTP/1.1".to_owned(),
        headers: Vec::new(),
        joined: Some("k-7".to_owned()),
    };
    let wire = "\u{feff}data: not a byte order mark here\n\ndata: 1\n\n";
    let recording = written(&[record(0, 4, open), record(1, 4, What::Chunk(wire.into()))]);
    let seen = replayed(&recording, 50);
    assert!(seen[0].contains("UnknownField"), "{seen:?}");
    assert!(seen[1].contains("k-7"), "{seen:?}");
}
