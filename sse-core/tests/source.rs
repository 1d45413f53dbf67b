//! The event source under a clock that the tests move.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::time::{Duration, Instant, SystemTime};

use http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use sse_core::{
    Backoff, Cause, Connect, EventId, EventSource, Item, NetworkError, NetworkErrorKind,
    ReadyState, SourceOptions, Transition,
};

/// A source, its clock, and the transitions it has made.
struct Script {
    source: EventSource,
    now: Instant,
}

fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap()))
        .collect()
}

fn exact() -> SourceOptions {
    SourceOptions {
        backoff: Backoff {
            jitter: 0.0,
            ..Backoff::default()
        },
        ..SourceOptions::default()
    }
}

impl Script {
    fn new(options: SourceOptions) -> Self {
        let now = Instant::now();
        let url = "http://example.com/events".parse().unwrap();
        Self {
            source: EventSource::new(now, url, options, || 0.5),
            now,
        }
    }

    fn connecting(&mut self) -> Connect {
        match self.source.poll() {
            Some(Transition::Connect(connect)) => *connect,
            other => panic!("expected a request, got {other:?}"),
        }
    }

    fn answer(&mut self, status: u16, pairs: &[(HeaderName, &str)]) {
        let status = StatusCode::from_u16(status).unwrap();
        let headers = headers(pairs);
        self.source
            .handle_response(self.now, SystemTime::UNIX_EPOCH, status, &headers);
    }

    fn open(&mut self) -> u64 {
        self.connecting();
        self.answer(200, &[(CONTENT_TYPE, "text/event-stream")]);
        match self.source.poll() {
            Some(Transition::Opened { leg }) => leg,
            other => panic!("expected an opening, got {other:?}"),
        }
    }

    /// The data of the events in a chunk.
    fn chunk(&mut self, chunk: &str) -> Vec<String> {
        let mut seen = Vec::new();
        let mut items = self.source.handle_chunk(self.now, chunk.as_bytes());
        while let Some(item) = items.next() {
            if let Item::Event(event) = item {
                seen.push(event.data.to_owned());
            }
        }
        seen
    }

    fn fail(&mut self, kind: NetworkErrorKind) {
        self.source
            .handle_failure(self.now, NetworkError::new(kind, ""));
    }

    fn disconnected(&mut self) -> (Cause, Duration) {
        match self.source.poll() {
            Some(Transition::Disconnected {
                cause,
                retry_in,
                retry_at,
                ..
            }) => {
                assert_eq!(retry_at, self.now + retry_in);
                assert_eq!(self.source.deadline(), Some(retry_at));
                (cause, retry_in)
            }
            other => panic!("expected a disconnection, got {other:?}"),
        }
    }

    fn closed(&mut self) -> Cause {
        match self.source.poll() {
            Some(Transition::Closed { cause, .. }) => {
                assert_eq!(self.source.poll(), None);
                assert_eq!(self.source.deadline(), None);
                assert_eq!(self.source.ready_state(), ReadyState::Closed);
                cause
            }
            other => panic!("expected the end, got {other:?}"),
        }
    }

    /// Moves the clock to the deadline, and looks just before it too.
    fn jump(&mut self) {
        let deadline = self.source.deadline().expect("a deadline");
        let just_before = deadline.checked_sub(Duration::from_nanos(1)).unwrap();
        self.source.handle_deadline(just_before);
        assert_eq!(self.source.poll(), None, "it did not wait for the deadline");
        self.now = deadline;
        self.source.handle_deadline(self.now);
    }
}

#[test]
fn failures_back_off_and_an_opening_resets() {
    let mut script = Script::new(exact());
    for round in 1..=2 {
        for (attempt, seconds) in (1..).zip([3, 6, 12, 24, 48, 60, 60]) {
            let connect = script.connecting();
            assert_eq!((connect.leg, connect.attempt), (round, attempt));
            script.fail(NetworkErrorKind::Refused);
            let (_, retry_in) = script.disconnected();
            assert_eq!(retry_in, Duration::from_secs(seconds));
            script.jump();
        }
        assert_eq!(script.open(), round);
        script.source.handle_end(script.now);
        let (cause, retry_in) = script.disconnected();
        assert_eq!(
            (cause, retry_in),
            (Cause::EndOfStream, Duration::from_secs(3))
        );
        script.jump();
    }
}

#[test]
fn streams_that_end_at_once_are_successes() {
    let mut script = Script::new(exact());
    for leg in 1..=50 {
        assert_eq!(script.open(), leg);
        script.source.handle_end(script.now);
        assert_eq!(script.disconnected().1, Duration::from_secs(3));
        script.jump();
    }
}

#[test]
fn a_retry_counts_from_its_line_on_and_lasts() {
    let mut script = Script::new(exact());
    script.open();
    script.chunk("retry: 250\n");
    assert_eq!(
        script.source.reconnection_time(),
        Duration::from_millis(250)
    );
    for _ in 0..2 {
        script.fail(NetworkErrorKind::Reset);
        assert_eq!(script.disconnected().1, Duration::from_millis(250));
        script.jump();
        script.open();
    }
}

#[test]
fn a_broken_body_waits_no_longer_than_a_clean_end() {
    let mut script = Script::new(exact());
    for _ in 0..5 {
        script.open();
        script.fail(NetworkErrorKind::Truncated);
        assert_eq!(script.disconnected().1, Duration::from_secs(3));
        script.jump();
    }
}

#[test]
fn jitter_comes_from_the_caller() {
    let mut script = Script::new(SourceOptions::default());
    script.open();
    script.source.handle_end(script.now);
    assert_eq!(script.disconnected().1, Duration::from_millis(3375));
}

#[test]
fn what_the_end_cut_off_is_reported_and_not_kept() {
    let mut script = Script::new(exact());
    script.open();
    assert_eq!(
        script.chunk("id: 1\ndata: whole\n\nid: 2\ndata: cut\nda"),
        ["whole"]
    );
    script.source.handle_end(script.now);
    let Some(Transition::Disconnected { unfinished, .. }) = script.source.poll() else {
        panic!("expected a disconnection");
    };
    let unfinished = unfinished.unwrap();
    assert_eq!(
        (unfinished.line, unfinished.data, unfinished.has_data),
        (2, 3, true)
    );
    script.jump();
    assert_eq!(script.connecting().last_event_id, "1");
}

#[test]
fn retry_after_is_heeded_in_seconds_and_as_a_date() {
    let options = SourceOptions {
        retry_server_errors: true,
        ..exact()
    };
    let mut script = Script::new(options);
    for (value, seconds) in [
        ("30", 30),
        // The wall clock of these tests stands at the epoch.
        ("Thu, 01 Jan 1970 00:02:00 GMT", 120),
        ("Wed, 31 Dec 1969 23:59:59 GMT", 12),
        ("soon", 24),
        ("99999999999999999999999", 3600),
    ] {
        script.connecting();
        script.answer(503, &[(RETRY_AFTER, value)]);
        assert_eq!(
            script.disconnected().1,
            Duration::from_secs(seconds),
            "{value}"
        );
        script.jump();
    }
    script.connecting();
    script.answer(404, &[(RETRY_AFTER, "1")]);
    assert_eq!(script.closed(), Cause::Status(StatusCode::NOT_FOUND));
}

#[test]
fn any_byte_resets_the_read_timeout() {
    let options = SourceOptions {
        read_timeout: Some(Duration::from_secs(10)),
        ..exact()
    };
    let mut script = Script::new(options);
    script.open();
    for part in [":", "keep", "alive\n", "x"] {
        script.now += Duration::from_secs(9);
        script.source.handle_deadline(script.now);
        assert_eq!(script.source.poll(), None);
        script.chunk(part);
    }
    script.jump();
    assert_eq!(
        script.disconnected().0,
        Cause::ReadTimeout(Duration::from_secs(10))
    );
}

#[test]
fn a_response_that_does_not_come_in_time_is_a_failure() {
    let options = SourceOptions {
        response_timeout: Some(Duration::from_secs(5)),
        ..exact()
    };
    let mut script = Script::new(options);
    assert_eq!(
        script.source.deadline(),
        None,
        "the request is not yet sent"
    );
    for seconds in [3, 6, 12] {
        script.connecting();
        script.jump();
        let (cause, retry_in) = script.disconnected();
        assert_eq!(cause, Cause::ResponseTimeout(Duration::from_secs(5)));
        assert_eq!(retry_in, Duration::from_secs(seconds));
        script.jump();
    }
}

#[test]
fn only_the_statuses_named_are_retried() {
    let options = SourceOptions {
        retry_statuses: vec![StatusCode::NOT_FOUND, StatusCode::TOO_MANY_REQUESTS],
        ..exact()
    };
    let mut script = Script::new(options);
    for (status, seconds) in [(404, 30), (429, 30)] {
        script.connecting();
        script.answer(status, &[(RETRY_AFTER, "30")]);
        assert_eq!(
            script.disconnected().1,
            Duration::from_secs(seconds),
            "{status}"
        );
        script.jump();
    }
    script.connecting();
    script.answer(503, &[(RETRY_AFTER, "30")]);
    assert_eq!(
        script.closed(),
        Cause::Status(StatusCode::SERVICE_UNAVAILABLE)
    );
}

#[test]
fn a_wait_beyond_what_a_clock_can_hold_is_a_long_one() {
    let options = SourceOptions {
        retry_server_errors: true,
        backoff: Backoff {
            ceiling: Duration::MAX,
            ..Backoff::default()
        },
        ..SourceOptions::default()
    };
    let mut script = Script::new(options);
    script.connecting();
    script.answer(503, &[(RETRY_AFTER, "99999999999999999999999")]);
    let (_, retry_in) = script.disconnected();
    let year = Duration::from_secs(365 * 24 * 60 * 60);
    assert!(retry_in > year, "{retry_in:?}");
    script.jump();
    script.connecting();
}

#[test]
fn a_certificate_that_is_not_accepted_is_final() {
    let mut script = Script::new(exact());
    script.connecting();
    script.fail(NetworkErrorKind::Certificate);
    assert!(matches!(script.closed(), Cause::Network(_)));
}

#[test]
fn without_reconnecting_every_end_is_final() {
    let options = || SourceOptions {
        reconnect: Some(false),
        ..exact()
    };
    let mut script = Script::new(options());
    script.connecting();
    script.fail(NetworkErrorKind::Refused);
    assert!(matches!(script.closed(), Cause::Network(_)));

    let mut script = Script::new(options());
    script.open();
    script.source.handle_end(script.now);
    assert_eq!(script.closed(), Cause::EndOfStream);
}

#[test]
fn only_idempotent_methods_reconnect_by_default() {
    for (method, reconnects) in [
        (Method::GET, true),
        (Method::PUT, true),
        (Method::POST, false),
        (Method::PATCH, false),
    ] {
        let mut script = Script::new(SourceOptions { method, ..exact() });
        script.open();
        script.source.handle_end(script.now);
        let again = matches!(script.source.poll(), Some(Transition::Disconnected { .. }));
        assert_eq!(again, reconnects);
    }
}

#[test]
fn closing_ends_the_chunk_that_is_being_read() {
    let mut script = Script::new(exact());
    script.open();
    let mut items = script
        .source
        .handle_chunk(script.now, b"data: a\n\ndata: b\n\n");
    assert!(matches!(items.next(), Some(Item::Event(event)) if event.data == "a"));
    items.close();
    assert_eq!(items.next(), None);
    drop(items);
    assert_eq!(script.closed(), Cause::Closed);
    assert!(script.chunk("data: c\n\n").is_empty());
    script.source.reconnect_now(script.now);
    script.source.handle_end(script.now);
    assert_eq!(script.source.poll(), None);
}

#[test]
fn closing_takes_back_what_was_not_taken() {
    let mut script = Script::new(exact());
    script.source.close();
    assert_eq!(script.closed(), Cause::Closed);
}

#[test]
fn reconnecting_now_ends_the_delay_or_the_connection() {
    let mut script = Script::new(exact());
    script.connecting();
    script.source.reconnect_now(script.now);
    assert_eq!(script.source.poll(), None, "a request is under way");
    script.fail(NetworkErrorKind::Refused);
    script.disconnected();
    script.source.reconnect_now(script.now);
    assert_eq!(script.open(), 1);
    script.chunk("id: 5\n\n");
    script.source.reconnect_now(script.now);
    assert!(matches!(
        script.source.poll(),
        Some(Transition::Disconnected {
            leg: 1,
            cause: Cause::Requested,
            ..
        })
    ));
    let connect = script.connecting();
    assert_eq!((connect.leg, connect.last_event_id.as_str()), (2, "5"));
}

#[test]
fn a_redirect_home_from_elsewhere_stays_without_credentials() {
    let mut script = Script::new(exact());
    script.connecting();
    script.answer(302, &[(LOCATION, "https://other.example/")]);
    assert!(script.connecting().cross_origin);
    script.answer(302, &[(LOCATION, "/further")]);
    assert!(script.connecting().cross_origin, "still elsewhere");
    script.answer(302, &[(LOCATION, "http://example.com/back")]);
    let connect = script.connecting();
    assert!(connect.cross_origin);
    assert_eq!(
        (connect.url.as_str(), connect.redirects),
        ("http://example.com/back", 3)
    );
}

#[test]
fn redirects_are_counted_anew_for_every_attempt() {
    let options = SourceOptions {
        max_redirects: 2,
        ..exact()
    };
    let mut script = Script::new(options);
    for _ in 0..3 {
        for _ in 0..2 {
            script.connecting();
            script.answer(307, &[(LOCATION, "/x")]);
        }
        script.connecting();
        script.fail(NetworkErrorKind::Reset);
        script.disconnected();
        script.jump();
    }
}

#[test]
fn an_id_that_no_header_can_carry_is_said_to_be_lost() {
    let options = SourceOptions {
        last_event_id: EventId::new("a\u{1}b").unwrap(),
        ..exact()
    };
    let connect = Script::new(options).connecting();
    assert!(connect.last_event_id_unsendable());
    assert!(
        !connect
            .headers(&HeaderMap::new())
            .contains_key("last-event-id")
    );
}

#[test]
fn custom_headers_replace_the_standard_ones_but_not_the_last_event_id() {
    let options = SourceOptions {
        last_event_id: EventId::new("9").unwrap(),
        ..exact()
    };
    let connect = Script::new(options).connecting();
    let custom = headers(&[
        (http::header::ACCEPT, "*/*"),
        (HeaderName::from_static("last-event-id"), "forged"),
    ]);
    let sent = connect.headers(&custom);
    assert_eq!(sent["accept"], "*/*");
    assert_eq!(sent["cache-control"], "no-cache");
    assert_eq!(
        sent.get_all("last-event-id").iter().collect::<Vec<_>>(),
        ["9"]
    );
}

#[test]
fn media_types_are_extracted_as_the_fetch_standard_says() {
    for (values, accepted) in [
        (&["text/event-stream"][..], true),
        (&["text/event-stream;a=\",\""][..], true),
        (&["text/event-stream;a=\"\\\",text/html,\""][..], true),
        (&["text/html", "text/event-stream"][..], true),
        (&["text/event-stream", "text/html"][..], false),
        (&["text/event-stream, bogus"][..], true),
        (&["text/ event-stream"][..], false),
        (&["text/event-stream charset=utf-8"][..], false),
        (&[""][..], false),
    ] {
        let pairs: Vec<_> = values.iter().map(|value| (CONTENT_TYPE, *value)).collect();
        let mut script = Script::new(exact());
        script.connecting();
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, HeaderValue::from_static(value));
        }
        script
            .source
            .handle_response(script.now, SystemTime::UNIX_EPOCH, StatusCode::OK, &headers);
        assert_eq!(
            script.source.ready_state() == ReadyState::Open,
            accepted,
            "{values:?}"
        );
    }
}

#[test]
fn what_a_server_sent_is_told_on_one_short_line_that_steers_no_terminal() {
    let told = |status, name: HeaderName, value: &str| {
        let mut script = Script::new(exact());
        script.connecting();
        let mut headers = headers(&[(CONTENT_TYPE, "text/event-stream")]);
        headers.insert(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        let status = StatusCode::from_u16(status).unwrap();
        script
            .source
            .handle_response(script.now, SystemTime::UNIX_EPOCH, status, &headers);
        script.closed().to_string()
    };
    let hostile = format!(
        "a\u{9b}31m\u{85}\u{2028}\u{202e}b\"c\"{}",
        "x".repeat(100_000)
    );
    for (status, name) in [
        (200, CONTENT_TYPE),
        (200, http::header::CONTENT_ENCODING),
        (302, LOCATION),
    ] {
        let location = format!("http:// {hostile}");
        let text = told(status, name.clone(), &location);
        assert!(text.chars().count() < 400, "{name}: {}", text.len());
        assert!(
            text.contains(r"a\u{9b}31m\u{85}\u{2028}\u{202e}b"),
            "{text}"
        );
        assert!(text.contains("\"c\"xxx") && text.contains("xxx…"), "{text}");
    }
    let plain = told(200, CONTENT_TYPE, "text/html; title=\"über\"");
    assert!(plain.contains("text/html; title=\"über\""), "{plain}");
}

#[test]
fn ten_thousand_drops_hold_no_memory() {
    let mut script = Script::new(exact());
    let mut drops = |count: usize| {
        for _ in 0..count {
            script.open();
            script.chunk("id: 123\nevent: some\ndata: thing\n\ndata: cut off here");
            script.source.handle_end(script.now);
            script.disconnected();
            script.jump();
            script.connecting();
            script.fail(NetworkErrorKind::Reset);
            script.disconnected();
            script.jump();
        }
    };
    drops(10);
    let held = allocation_counter::measure(|| drops(10_000));
    assert!(held.bytes_current.abs() < 4096, "{held:?}");
}
