//! Sequences of operations on the reconnecting source: whatever happens, in
//! whatever order, it keeps its promises.

use std::time::{Duration, Instant, SystemTime};

use arbitrary::{Result, Unstructured};
use http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use sse_core::{
    Backoff, Cause, EventId, EventSource, Limits, NetworkError, NetworkErrorKind, ReadyState,
    SourceOptions, Transition,
};

use crate::drive;
use crate::model::{self, Caps, Seen};

/// Reads options and operations from `bytes`.
pub(crate) fn run(bytes: &[u8]) -> Result<()> {
    let mut input = Unstructured::new(bytes);
    let mut driver = Driver::new(&mut input)?;
    driver.poll();
    while !input.is_empty() {
        let poll = driver.step(&mut input)?;
        if poll {
            driver.poll();
        }
        driver.check();
    }
    driver.poll();
    Ok(())
}

struct Driver {
    source: EventSource,
    now: Instant,
    caps: Caps,
    backoff: Backoff,
    reconnects: bool,
    max_redirects: u32,
    opened: u64,
    leg: Option<Leg>,
    /// When the next connection may be made at the earliest.
    not_before: Option<Instant>,
    /// The user asked for a connection since the last one ended.
    asked: bool,
    closed_said: bool,
}

/// What one connection brought.
struct Leg {
    bytes: Vec<u8>,
    seen: Vec<Seen>,
    last_event_id: String,
}

impl Driver {
    fn new(input: &mut Unstructured<'_>) -> Result<Self> {
        let now = Instant::now();
        let [flags, line, field, event, redirects, random] = input.arbitrary::<[u8; 6]>()?;
        let small = flags & 1 != 0;
        let cap = |cap: u8| if small { usize::from(cap) } else { 1 << 20 };
        let caps = Caps {
            line: cap(line),
            field: cap(field),
            event: cap(event),
        };
        let backoff = Backoff::default();
        let options = SourceOptions {
            method: if flags & 2 != 0 {
                Method::POST
            } else {
                Method::GET
            },
            reconnect: (flags & 4 != 0).then_some(flags & 8 != 0),
            last_event_id: EventId::new(if flags & 128 != 0 { "41" } else { "" })
                .expect("a valid id"),
            backoff: backoff.clone(),
            limits: Limits::default()
                .line(caps.line)
                .field(caps.field)
                .event(caps.event),
            retry_server_errors: flags & 16 != 0,
            retry_statuses: Vec::new(),
            response_timeout: (flags & 32 != 0).then_some(Duration::from_secs(10)),
            read_timeout: (flags & 64 != 0).then_some(Duration::from_secs(45)),
            max_redirects: u32::from(redirects % 4),
        };
        let reconnects = options.reconnect.unwrap_or(options.method == Method::GET);
        let max_redirects = options.max_redirects;
        let url = "http://a.example/events".parse().expect("a URL");
        let random = f64::from(random) / 255.0;
        Ok(Self {
            source: EventSource::new(now, url, options, move || random),
            now,
            caps,
            backoff,
            reconnects,
            max_redirects,
            opened: 0,
            leg: None,
            not_before: None,
            asked: false,
            closed_said: false,
        })
    }

    /// One thing happens. Returns whether the driver is polled after it.
    fn step(&mut self, input: &mut Unstructured<'_>) -> Result<bool> {
        let operation: u8 = input.arbitrary()?;
        let was_closed = self.source.ready_state() == ReadyState::Closed;
        let was_open = self.source.ready_state() == ReadyState::Open;
        let id = self.source.last_event_id().to_owned();
        match operation % 12 {
            0 => self.now += Duration::from_millis(input.arbitrary::<u16>()?.into()),
            1 => self.source.handle_deadline(self.now),
            2 => {
                if let Some(deadline) = self.source.deadline() {
                    self.now = self.now.max(deadline);
                    self.source.handle_deadline(self.now);
                    assert_ne!(self.source.deadline(), Some(deadline), "a deadline passes");
                }
            }
            3 => self.respond(StatusCode::OK, &stream_headers()),
            4 => {
                let (status, headers) = response(input)?;
                self.respond(status, &headers);
            }
            5..=7 => return self.chunk(input, operation),
            8 => self.source.handle_end(self.now),
            9 => {
                let kinds = [
                    NetworkErrorKind::Refused,
                    NetworkErrorKind::Reset,
                    NetworkErrorKind::Truncated,
                    NetworkErrorKind::Certificate,
                ];
                let kind = *input.choose(&kinds)?;
                self.source
                    .handle_failure(self.now, NetworkError::new(kind, ""));
            }
            10 => {
                self.source.reconnect_now(self.now);
                self.asked = true;
            }
            _ => {
                // Seldom, or little else would be seen.
                if input.arbitrary::<u8>()? < 32 {
                    self.source.close();
                    assert_eq!(self.source.ready_state(), ReadyState::Closed);
                }
            }
        }
        assert_eq!(self.source.last_event_id(), id, "only a block sets the id");
        assert!(!was_closed || self.source.ready_state() == ReadyState::Closed);
        if !was_open && self.source.ready_state() == ReadyState::Open {
            self.leg = Some(Leg {
                bytes: Vec::new(),
                seen: Vec::new(),
                last_event_id: id,
            });
        }
        Ok(operation < 220)
    }

    fn respond(&mut self, status: StatusCode, headers: &HeaderMap) {
        self.source
            .handle_response(self.now, SystemTime::UNIX_EPOCH, status, headers);
    }

    fn chunk(&mut self, input: &mut Unstructured<'_>, operation: u8) -> Result<bool> {
        let length = input.int_in_range(0..=64)?;
        let bytes = input.bytes(usize::min(length, input.len()))?;
        let open = self.source.ready_state() == ReadyState::Open;
        let close_after = (operation % 32 == 5).then_some(operation / 64);
        let mut last_event_id = self.source.last_event_id().to_owned();
        let mut seen = Vec::new();
        let mut items = self.source.handle_chunk(self.now, bytes);
        while let Some(item) = items.next() {
            let item = drive::own(&item);
            if let Seen::Event {
                last_event_id: id, ..
            }
            | Seen::NoData {
                last_event_id: id, ..
            } = &item
            {
                last_event_id.clone_from(id);
            }
            seen.push(item);
            if close_after.is_some_and(|count| seen.len() > count.into()) {
                items.close();
                assert_eq!(items.next(), None, "nothing after close");
            }
        }
        drop(items);
        assert!(
            open || seen.is_empty(),
            "items of a connection that is not open"
        );
        assert_eq!(self.source.last_event_id(), last_event_id);
        if let Some(leg) = self.leg.as_mut().filter(|_| open) {
            leg.bytes.extend_from_slice(bytes);
            leg.seen.extend(seen);
        }
        Ok(operation < 220)
    }

    fn poll(&mut self) {
        let mut transitions = 0;
        while let Some(transition) = self.source.poll() {
            transitions += 1;
            assert!(transitions <= 3, "what waits to be polled is bounded");
            assert!(!self.closed_said, "nothing after close: {transition:?}");
            let closed = matches!(transition, Transition::Closed { .. });
            assert_eq!(self.source.ready_state() == ReadyState::Closed, closed);
            match transition {
                Transition::Connect(connect) => {
                    if let Some(not_before) = self.not_before.take() {
                        assert!(self.now >= not_before || self.asked, "no early connection");
                    }
                    self.asked = false;
                    assert_eq!(connect.leg, self.opened + 1);
                    assert!(connect.attempt >= 1);
                    assert!(connect.redirects <= self.max_redirects);
                    assert_eq!(connect.last_event_id, self.source.last_event_id());
                }
                Transition::Opened { leg } => {
                    self.opened += 1;
                    assert_eq!(leg, self.opened);
                }
                Transition::Disconnected {
                    leg,
                    cause,
                    retry_in,
                    retry_at,
                    unfinished,
                } => {
                    assert_eq!(leg, self.opened + u64::from(self.leg.is_none()));
                    self.end_leg(unfinished, None);
                    self.not_before = Some(retry_at);
                    if cause == Cause::Requested {
                        assert_eq!(retry_in, Duration::ZERO);
                        continue;
                    }
                    assert!(self.reconnects, "it was told not to reconnect");
                    assert!(
                        retry_in >= self.backoff.floor,
                        "never a hot loop: {retry_in:?}"
                    );
                    let longest = self.backoff.ceiling.max(self.backoff.max_delay);
                    assert!(retry_in <= longest.mul_f64(1.0 + self.backoff.jitter));
                }
                Transition::Closed {
                    cause, unfinished, ..
                } => {
                    self.closed_said = true;
                    self.end_leg(unfinished, Some(&cause));
                }
            }
        }
    }

    /// Compares what a connection brought with what the model says of its bytes.
    fn end_leg(&mut self, unfinished: Option<sse_core::Unfinished>, cause: Option<&Cause>) {
        let Some(leg) = self.leg.take() else { return };
        let expected = model::resume(&leg.bytes, self.caps, &leg.last_event_id);
        if cause == Some(&Cause::Closed) {
            // Closed in the middle of a chunk, maybe: the rest was not read.
            assert!(expected.seen.starts_with(&leg.seen));
            return;
        }
        assert_eq!(expected.seen, leg.seen);
        assert_eq!(expected.last_event_id, self.source.last_event_id());
        match cause {
            Some(Cause::Limit(error)) => assert_eq!(expected.error, Some(drive::cap(*error))),
            _ => {
                assert_eq!(expected.error, None);
                assert_eq!(expected.cut_off, drive::cut_off(unfinished));
            }
        }
    }

    fn check(&self) {
        if self.source.ready_state() == ReadyState::Closed {
            assert_eq!(self.source.deadline(), None, "nothing to wait for");
        }
        let time = self.source.reconnection_time();
        assert!(self.backoff.floor <= time && time <= self.backoff.ceiling);
    }
}

fn stream_headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers
}

fn response(input: &mut Unstructured<'_>) -> Result<(StatusCode, HeaderMap)> {
    let statuses = [200, 204, 301, 302, 303, 307, 308, 404, 429, 500, 503];
    let status = StatusCode::from_u16(*input.choose(&statuses)?).expect("a status");
    let mut headers = stream_headers();
    let locations = [
        "/moved",
        "https://b.example/",
        "",
        "mailto:x",
        "//c.example:99/?a#b",
    ];
    let waits = [
        "0",
        "7",
        "99999999999999999999",
        "Thu, 01 Jan 1970 00:01:00 GMT",
        "soon",
    ];
    if input.arbitrary()? {
        let location = *input.choose(&locations)?;
        headers.insert(LOCATION, HeaderValue::from_static(location));
    }
    if input.arbitrary()? {
        let wait = *input.choose(&waits)?;
        headers.insert(RETRY_AFTER, HeaderValue::from_static(wait));
    }
    if input.arbitrary::<u8>()? < 32 {
        let bytes: Vec<u8> = input.arbitrary()?;
        let value = HeaderValue::from_bytes(&bytes).unwrap_or(HeaderValue::from_static(""));
        headers.insert(CONTENT_TYPE, value);
    }
    Ok((status, headers))
}
