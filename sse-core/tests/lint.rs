//! What a linter says of streams, and what it does not.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;
use sse_core::lint::{Lint, LintKind, Linter, Moment, Severity};
use sse_core::{Cause, Parser};

/// A stream that is watched, in milliseconds since a time near now.
struct Watched {
    linter: Linter,
    parser: Parser,
    now: u64,
    leg: u64,
    place: u64,
}

const EPOCH: u64 = 1_773_500_966_535;

impl Watched {
    fn new() -> Self {
        let (linter, parser) = (Linter::new(), Parser::new());
        Self {
            linter,
            parser,
            now: EPOCH,
            leg: 0,
            place: 0,
        }
    }

    fn open() -> Self {
        let mut watched = Self::new();
        watched.connect(&GOOD);
        watched
    }

    fn moment(&self) -> Moment {
        Moment {
            at: Duration::from_millis(self.now),
            place: self.place,
        }
    }

    fn connect(&mut self, headers: &[(&str, &str)]) {
        self.leg += 1;
        self.linter.request(self.moment());
        self.linter.open(self.moment(), self.leg, &map(headers));
    }

    fn wait(&mut self, millis: u64) {
        self.now += millis;
    }

    fn feed(&mut self, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        self.linter.read(self.moment(), bytes);
        let mut items = self.parser.feed(bytes);
        while let Some(item) = items.next().expect("a stream within limits") {
            let at = Duration::from_millis(self.now);
            let place = self.place;
            self.linter.item(Moment { at, place }, &item);
            self.place += 1;
        }
    }

    fn end(&mut self, cause: &Cause) {
        let unfinished = self.parser.finish();
        self.linter.end(self.moment(), cause, unfinished);
    }

    fn find(&self, kind: LintKind) -> Option<&Lint> {
        self.linter.lints().iter().find(|lint| lint.kind == kind)
    }

    fn evidence(&self, kind: LintKind) -> &str {
        let lints = self.linter.lints();
        let lint = self.find(kind);
        &lint
            .unwrap_or_else(|| panic!("{kind} in {lints:?}"))
            .evidence
    }

    fn kinds(&self) -> Vec<LintKind> {
        self.linter.lints().iter().map(|lint| lint.kind).collect()
    }
}

const GOOD: [(&str, &str); 2] = [
    ("content-type", "text/event-stream; charset=utf-8"),
    ("cache-control", "no-store"),
];

fn map(headers: &[(&str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&str, &str)| {
        let name: HeaderName = name.parse().expect("a name");
        (
            name,
            HeaderValue::from_bytes(value.as_bytes()).expect("a value"),
        )
    };
    headers.iter().map(pair).collect()
}

fn kinds_of(stream: impl AsRef<[u8]>) -> Vec<LintKind> {
    let mut watched = Watched::open();
    watched.feed(stream);
    watched.kinds()
}

#[test]
fn a_good_stream_has_no_lints() {
    let mut watched = Watched::open();
    watched.feed(
        "retry: 2000\n\nid: a-0\nevent: gap\ndata: {}\n\nid: a-0\nevent: connected\ndata: {}\n\n",
    );
    for number in 1..200 {
        watched.wait(1_000);
        watched.feed(format!(
            "id: a-{number}\nevent: tick\ndata: {{\"at\":{}}}\n\n",
            watched.now
        ));
        if number % 5 == 0 {
            watched.feed(format!("id: b-{number}\nevent: status\ndata: {{}}\n\n"));
        }
        if number % 15 == 0 {
            watched.feed(format!("id: a-{number}\n\n:keepalive\n\n"));
        }
    }
    watched.end(&Cause::EndOfStream);
    assert_eq!(watched.linter.lints(), []);
}

#[test]
fn headers_are_checked() {
    use LintKind as K;
    let nginx: &[_] = &[("server", "nginx/1.25.3"), ("x-accel-buffering", "yes")];
    for (headers, expected) in [
        (
            &[("content-type", "text/event-stream")][..],
            &[K::Cacheable][..],
        ),
        (&[("cache-control", "no-store")], &[K::ContentType]),
        (
            &[("content-type", "text/html"), ("cache-control", "no-cache")],
            &[K::ContentType],
        ),
        (
            &[("content-type", "text/event-stream;charset=windows-1252")],
            &[K::ContentTypeParameter, K::Cacheable],
        ),
        (
            &[
                ("content-type", "TEXT/Event-Stream; charset=\"UTF-8\""),
                ("cache-control", "private, No-Cache=\"x\""),
            ],
            &[],
        ),
        (
            &[
                ("content-type", "text/event-stream; x=y"),
                ("cache-control", "public, max-age=60"),
                ("age", "12"),
            ],
            &[K::ContentTypeParameter, K::Cacheable, K::FromCache],
        ),
        (
            &[
                GOOD[0],
                GOOD[1],
                ("content-length", "12"),
                ("content-encoding", "gzip"),
            ],
            &[K::ContentLength, K::Compressed],
        ),
        (&[GOOD[0], GOOD[1], ("content-encoding", "identity")], &[]),
        (&[GOOD[0], GOOD[1], nginx[0]], &[K::NginxBuffering]),
        (
            &[GOOD[0], GOOD[1], nginx[0], nginx[1]],
            &[K::NginxBuffering],
        ),
        (
            &[GOOD[0], GOOD[1], nginx[0], ("x-accel-buffering", "no")],
            &[],
        ),
    ] {
        let mut watched = Watched::new();
        watched.connect(headers);
        assert_eq!(watched.kinds(), expected, "{headers:?}");
    }
}

#[test]
fn a_refused_response_says_why() {
    let mut watched = Watched::new();
    let cause = Cause::ContentType(Some("text/html\u{1b}[2J".to_owned()));
    watched.end(&cause);
    watched.end(&Cause::ContentEncoding("br".to_owned()));
    assert_eq!(
        watched.evidence(LintKind::ContentType),
        "Content-Type: \"text/html\\u{1b}[2J\""
    );
    assert_eq!(
        watched.find(LintKind::Compressed).unwrap().severity,
        Severity::Error
    );
}

#[test]
fn fields_that_are_ignored_are_named() {
    use LintKind as K;
    for (stream, kind, severity, evidence) in [
        (
            "Data: x\n",
            K::UnknownField,
            Severity::Error,
            "\"Data\", meant as data?",
        ),
        (
            "topic: x\n",
            K::UnknownField,
            Severity::Warning,
            "\"topic\"",
        ),
        (
            "{\"a\": 1}\n",
            K::UnknownField,
            Severity::Error,
            "\"{\\\"a\\\"\", a line of data without data: before it?",
        ),
        (
            "data: a\n\n\u{feff}data: b\n",
            K::Bom,
            Severity::Error,
            "before \"data\"",
        ),
        (
            "retry: 3s\n",
            K::RetryInvalid,
            Severity::Error,
            "retry: \"3s\"",
        ),
        ("retry: 0\n", K::RetryShort, Severity::Warning, "retry: 0"),
        (
            "retry: 600000\n",
            K::RetryLong,
            Severity::Warning,
            "retry: 600000",
        ),
        (
            "retry: 2147483648\n",
            K::RetryLong,
            Severity::Error,
            "retry: 2147483648",
        ),
        (
            "data: a\n\nid: a\0b\n",
            K::IdNul,
            Severity::Error,
            "after event 1 of the connection",
        ),
        (
            "event: Ping\n\n",
            K::NoData,
            Severity::Note,
            "event: \"Ping\"",
        ),
        (
            "id: 7\nevent: done\n\n",
            K::NoData,
            Severity::Error,
            "event: \"done\"",
        ),
        (
            "event: tick \ndata\n\n",
            K::TypeSpaces,
            Severity::Warning,
            "\"tick \"",
        ),
    ] {
        let mut watched = Watched::open();
        watched.feed(stream);
        assert_eq!(watched.kinds(), [kind], "{stream:?}");
        let lint = watched.find(kind).unwrap();
        assert_eq!(
            (lint.severity, lint.evidence.as_str()),
            (severity, evidence)
        );
    }
    assert_eq!(kinds_of("retry: 500\nretry: 120000\n\u{feff}"), []);
    assert_eq!(kinds_of("\u{feff}data: a\n\n"), []);
}

#[test]
fn ids_that_cannot_come_back_as_they_went_are_named() {
    use LintKind as K;
    let long = format!("id: {}\n\n", "i".repeat(1025));
    for (stream, expected) in [
        ("id:  7\n\n", &[K::IdSpaces][..]),
        ("id: 7\t\ndata\n\n", &[K::IdSpaces]),
        ("id: a\u{7f}b\n\n", &[K::IdUnsendable]),
        ("id: \u{2713}\n\n", &[K::IdNotAscii]),
        ("id: a b\n\n", &[]),
        (&long, &[K::IdLong]),
        ("id\n\n", &[]),
        ("id: 7\n\nid\n\nid\n\n", &[K::IdReset]),
    ] {
        assert_eq!(kinds_of(stream), expected, "{stream:?}");
    }
}

#[test]
fn ids_repeat_or_go_backwards_within_a_connection_only() {
    let mut watched = Watched::open();
    watched.feed("id: a-8\ndata\n\nid: a-9\ndata\n\n");
    watched.end(&Cause::EndOfStream);
    watched.connect(&GOOD);
    watched.feed("id: a-8\ndata\n\nid: a-9\ndata\n\nid: b-1\ndata\n\nid: b-1\n\n");
    assert_eq!(watched.kinds(), []);
    watched.feed("id: a-10\ndata\n\nid: a-9\ndata\n\n");
    assert_eq!(watched.evidence(LintKind::IdRepeated), "\"a-9\"");
    assert_eq!(
        watched.evidence(LintKind::IdBackwards),
        "\"a-9\" after \"a-10\""
    );
    let lint = watched.find(LintKind::IdBackwards).unwrap();
    assert_eq!(
        (lint.first.leg, lint.first.moment.place, lint.count),
        (2, 7, 1)
    );
}

#[test]
fn what_is_missing_is_said_after_a_while_and_taken_back_when_it_comes() {
    let mut watched = Watched::open();
    watched.feed(":\n".repeat(9));
    assert_eq!(watched.kinds(), []);
    watched.feed(":\n");
    assert_eq!(watched.kinds(), [LintKind::CommentsOnly]);
    watched.feed("data\n\n".repeat(9));
    assert_eq!(watched.kinds(), []);
    watched.feed("data\n\n".repeat(11));
    assert_eq!(watched.kinds(), [LintKind::NoIds, LintKind::NoRetry]);
    assert_eq!(watched.find(LintKind::NoIds).unwrap().count, 20);
    let before = watched.linter.version();
    watched.feed("retry: 1000\nid: 1\ndata\n\n");
    assert_eq!(watched.kinds(), []);
    assert_ne!(watched.linter.version(), before);
}

#[test]
fn silence_is_measured_and_the_longest_counts() {
    let mut watched = Watched::open();
    watched.feed("data: a\n\n");
    watched.wait(29_999);
    watched.linter.time(watched.moment().at);
    assert_eq!(watched.kinds(), []);
    watched.wait(2);
    for _ in 0..10 {
        watched.wait(100);
        watched.linter.time(watched.moment().at);
    }
    assert_eq!(
        watched.evidence(LintKind::NoHeartbeat),
        "nothing came for 31 s; Gcore's CDN servers close after 30 s"
    );
    let lint = watched.find(LintKind::NoHeartbeat).unwrap();
    assert_eq!((lint.severity, lint.count), (Severity::Note, 1));
    watched.feed(":\n\n");
    watched.wait(62_000);
    watched.feed(":\n\n");
    let lint = watched.find(LintKind::NoHeartbeat).unwrap();
    assert_eq!((lint.severity, lint.count), (Severity::Warning, 2));
    assert_eq!(
        lint.evidence,
        "nothing came for 62 s; nginx and AWS application load balancers close after 60 s"
    );
    // Between two connections nothing is due.
    watched.end(&Cause::EndOfStream);
    watched.wait(600_000);
    watched.linter.time(watched.moment().at);
    assert_eq!(watched.find(LintKind::NoHeartbeat).unwrap().count, 2);
}

#[test]
fn silence_while_the_reader_was_suspended_is_nobodys() {
    let mut watched = Watched::open();
    watched.feed("data: a\n\n");
    watched.wait(600_000);
    watched.linter.away(watched.moment().at);
    watched.linter.time(watched.moment().at);
    watched.feed("data: b\n\n");
    watched.wait(20_000);
    watched.feed(":\n\n");
    assert_eq!(watched.kinds(), []);
    watched.wait(30_000);
    watched.feed(":\n\n");
    assert_eq!(watched.kinds(), [LintKind::NoHeartbeat]);
}

/// Publishes an event a second, delivered four at a time.
fn held_back(data: impl Fn(u64) -> String, clumps: u32) -> Watched {
    let mut watched = Watched::open();
    watched.feed("retry: 1000\nid: 0\ndata: first\n\n");
    let mut id = 0;
    for _ in 0..clumps {
        watched.wait(4_000);
        let mut read = String::new();
        for second in 0..4 {
            id += 1;
            let published = watched.now - 3_000 + second * 1_000;
            read.extend([format!("id: {id}\ndata: {}\n\n", data(published))]);
        }
        watched.feed(read);
    }
    watched.wait(4_000);
    watched.feed("id: last\ndata: last\n\n");
    watched
}

#[test]
fn events_held_back_are_seen_by_the_times_in_them() {
    let watched = held_back(|published| format!("{{\"at\":{published}}}"), 3);
    assert_eq!(
        watched.evidence(LintKind::Buffering),
        "4 events came at once after 4.0 s of silence; the times in their data are 3.0 s apart"
    );
    // Times that are further apart than the silence are those of something else.
    let other = |published| format!("{{\"at\":{}}}", EPOCH + (published - EPOCH) * 20);
    assert_eq!(held_back(other, 4).kinds(), []);
    // Twice is no habit.
    let watched = held_back(|published| format!("{{\"at\":{published}}}"), 2);
    assert_eq!(watched.kinds(), []);
}

#[test]
fn clumps_without_times_are_a_note_and_those_published_so_are_nothing() {
    let watched = held_back(|_| "x".to_owned(), 8);
    let lint = watched.find(LintKind::Buffering).unwrap();
    assert_eq!(lint.severity, Severity::Note);
    let watched = held_back(|published| format!("{}", EPOCH + published % 1_000), 8);
    assert!(
        watched.find(LintKind::Buffering).is_some(),
        "one time is no time"
    );
    let mut watched = Watched::open();
    watched.feed("retry: 1000\nid: a\ndata\n\n");
    for clump in 1..20 {
        watched.wait(4_000);
        let at = watched.now;
        let event = |n| format!("id: {clump}-{n}\ndata: {}\n\n", at + n);
        watched.feed((0..4).map(event).collect::<String>());
    }
    assert_eq!(watched.kinds(), []);
}

#[test]
fn a_stream_that_stands_still_within_a_line_was_cut_by_a_buffer() {
    let mut watched = Watched::open();
    watched.feed("retry: 1000\nid: 0\ndata: first\n\n");
    for number in 1..=5 {
        watched.wait(3_000);
        watched.feed(format!("st\n\nid: {number}\ndata: la"));
    }
    let lint = watched.find(LintKind::Buffering).unwrap();
    assert_eq!(lint.severity, Severity::Warning);
    assert!(
        lint.evidence
            .starts_with("the stream stands still within a line")
    );
}

#[test]
fn a_head_that_waits_for_the_first_event_is_late() {
    let mut watched = Watched::new();
    watched.linter.request(watched.moment());
    watched.wait(8_200);
    watched.linter.open(watched.moment(), 1, &map(&GOOD));
    watched.wait(1);
    watched.feed("id: 1\ndata: a\n\n");
    assert_eq!(
        watched.evidence(LintKind::LateHead),
        "8.2 s after the request"
    );
}

#[test]
fn an_end_within_an_event_is_an_error_where_the_server_ended_it() {
    for (cause, severity) in [
        (Cause::EndOfStream, Severity::Error),
        (Cause::ReadTimeout(Duration::from_secs(9)), Severity::Note),
    ] {
        let mut watched = Watched::open();
        watched.feed("data: hello");
        watched.end(&cause);
        let lint = watched.find(LintKind::Unterminated).unwrap();
        assert_eq!(lint.severity, severity);
        assert!(
            lint.evidence.ends_with("discarded (11 bytes of it)"),
            "{lint:?}"
        );
    }
}

#[test]
fn responses_that_end_at_once_are_counted_in_a_row() {
    let mut watched = Watched::new();
    for _ in 0..2 {
        watched.connect(&GOOD);
        watched.wait(12);
        watched.end(&Cause::EndOfStream);
        // An attempt that is refused neither counts nor resets.
        watched.wait(5_000);
        watched.end(&Cause::Requested);
    }
    assert_eq!(watched.kinds(), []);
    watched.connect(&GOOD);
    watched.wait(12);
    watched.feed("id: 1\ndata\n\n");
    watched.end(&Cause::EndOfStream);
    assert_eq!(
        watched.evidence(LintKind::EndsAtOnce),
        "3 connections in a row, the last after 12 ms, with 1 dispatched"
    );
}

#[test]
fn an_answer_needs_its_end_marker() {
    let chat = "data: {\"object\":\"chat.completion.chunk\"}\n\n".repeat(20);
    let anthropic = "event: message_start\ndata: {\"message\":{}}\n\n";
    let responses = "event: response.created\ndata: {}\n\n";
    for (begin, end, words) in [
        (
            chat.as_str(),
            "data: [DONE]\n\n",
            "a chat completion without [DONE]",
        ),
        (
            anthropic,
            "event: message_stop\ndata: {}\n\n",
            "a message without message_stop",
        ),
        (
            responses,
            "event: response.completed\ndata: {}\n\n",
            "a response without response.completed",
        ),
    ] {
        let mut watched = Watched::open();
        watched.feed(begin);
        watched.end(&Cause::EndOfStream);
        assert_eq!(watched.kinds(), [LintKind::NoEndMarker]);
        assert!(watched.evidence(LintKind::NoEndMarker).starts_with(words));
        let mut watched = Watched::open();
        watched.feed(begin);
        watched.feed(end);
        watched.end(&Cause::EndOfStream);
        assert_eq!(watched.kinds(), []);
    }
}

#[test]
fn bytes_and_line_ends_are_checked_over_reads() {
    use LintKind as K;
    for (stream, expected) in [
        (&b"data: \xff\n\n"[..], &[K::InvalidUtf8][..]),
        (b"data: \xe2\x9c\n\n", &[K::InvalidUtf8]),
        ("data: \u{2713}\u{1f389}\n\n".as_bytes(), &[]),
        (b"data: a\r\rdata: b\r\r", &[K::BareCr]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", &[]),
        (b"data: a\r\n\r\ndata: b\n\n", &[K::MixedLineEnds]),
        (b"data: a\n\ndata: b\r\n\r\n", &[K::MixedLineEnds]),
    ] {
        assert_eq!(kinds_of(stream), expected, "{stream:?}");
        let mut watched = Watched::open();
        for byte in stream.chunks(1) {
            watched.feed(byte);
        }
        assert_eq!(watched.kinds(), expected, "bytewise {stream:?}");
    }
    let mut watched = Watched::open();
    watched.feed(b"data: a\n\ndata: \xe2\x9c");
    watched.feed(b"\n\xff\xfe");
    let lint = watched.find(K::InvalidUtf8).unwrap();
    assert_eq!(lint.evidence, "E2 9C at byte 15 of the response");
    assert_eq!(lint.count, 3);
}

#[test]
fn every_kind_has_words_and_a_name_that_reads_back() {
    for kind in LintKind::ALL {
        assert_eq!(LintKind::from_name(kind.name()), Some(*kind));
        let title = kind.title();
        assert!((1..=46).contains(&title.chars().count()), "{title}");
        assert!(!kind.mend().is_empty() && !kind.source().is_empty());
    }
}

/// Pieces of streams that mean something to a linter, and others.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let known = proptest::sample::select(vec![
        &b"data: a\n\n"[..],
        b"id: 7\n\n",
        b"id: \xe2\x9c\x93 \ndata\n\n",
        b"id: 9\ndata: {\"at\":1773500966535}\r\n\r\n",
        b"Data: x\n\xef\xbb\xbfdata\n\n",
        b"event: ping\n\n",
        b"retry: 1\n:\n",
        b"\xf0\x9f\x8e",
        b"\r",
    ]);
    prop_oneof![
        known.prop_map(<[u8]>::to_vec),
        proptest::collection::vec(any::<u8>(), 0..20),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn cuts_change_nothing_but_what_is_about_reads(
        pieces in proptest::collection::vec(piece(), 0..40),
        cuts in proptest::collection::vec(1_usize..40, 1..9),
    ) {
        let stream = pieces.concat();
        let lints = |reads: Vec<&[u8]>| {
            let mut watched = Watched::open();
            for read in reads {
                watched.feed(read);
            }
            watched.end(&Cause::EndOfStream);
            let lints = watched.linter.lints().iter();
            let mut seen: Vec<_> = lints
                .map(|lint| (lint.kind, lint.count, lint.evidence.clone()))
                .collect();
            seen.sort();
            seen
        };
        let (mut reads, mut rest) = (Vec::new(), stream.as_slice());
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (read, after) = rest.split_at(rest.len().min(*cut));
            reads.push(read);
            rest = after;
        }
        prop_assert_eq!(lints(vec![&stream]), lints(reads));
    }

    #[test]
    fn whatever_happens_it_stays_small_and_shows_no_control_characters(
        steps in proptest::collection::vec((0_u8..7, piece(), 0_u64..90_000), 0..60),
    ) {
        let mut watched = Watched::new();
        for (what, piece, millis) in steps {
            watched.wait(millis);
            match what {
                0 => watched.connect(&GOOD),
                1 => {
                    let value = HeaderValue::from_bytes(&piece);
                    let mut headers = HeaderMap::new();
                    for name in ["content-type", "cache-control", "server", "age"] {
                        if let Ok(value) = &value {
                            headers.insert(HeaderName::from_static(name), value.clone());
                        }
                    }
                    watched.linter.open(watched.moment(), 1, &headers);
                }
                2 => watched.linter.open_plain(watched.moment(), 2),
                3 => watched.linter.time(watched.moment().at),
                4 => watched.end(&Cause::EndOfStream),
                _ => watched.feed(piece),
            }
        }
        let lints = watched.linter.lints();
        prop_assert!(lints.len() <= LintKind::ALL.len());
        for lint in lints {
            prop_assert!(lint.evidence.chars().count() <= 400);
            prop_assert!(!lint.evidence.chars().any(char::is_control), "{:?}", lint);
            prop_assert!(lint.count > 0 && lint.first.moment.at <= lint.last.moment.at);
        }
    }
}
