//! Any sequence of operations, in or out of place, leaves the event source
//! within its rules.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::time::{Duration, Instant, SystemTime};

use http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};
use proptest::prelude::*;
use sse_core::{
    Backoff, EventSource, Item, Limits, NetworkError, NetworkErrorKind, ReadyState, SourceOptions,
    Transition,
};

const FLOOR: Duration = Duration::from_millis(100);
const REDIRECTS: u32 = 3;
/// An opening, its end, and the request after it.
const MOST_PENDING: usize = 3;

#[derive(Debug, Clone)]
enum Operation {
    Poll,
    Advance(u64),
    ToDeadline,
    Response(u16, &'static str),
    /// A chunk of which this many items are taken, then `close`d if so.
    Chunk(&'static str, usize, bool),
    End,
    Failure(NetworkErrorKind),
    ReconnectNow,
    Close,
}

fn operation() -> impl Strategy<Value = Operation> {
    let statuses = vec![
        200_u16, 200, 200, 204, 301, 302, 303, 307, 308, 404, 429, 500, 503,
    ];
    let values = vec![
        "text/event-stream",
        "text/html",
        "/x",
        "http://other.example/",
        "",
        "5",
    ];
    let chunks = vec![
        "data: a\n\ndata: b\n\n",
        "retry: 0\n",
        "retry: 99999999999999999999\n",
        "id: 7\n\n",
        "id\n\n",
        ": comment\n",
        "data: cut",
        "id: 9\r",
        "data: a line too long for the limit of this test",
        "",
    ];
    let kinds = vec![
        NetworkErrorKind::Refused,
        NetworkErrorKind::Reset,
        NetworkErrorKind::Unresolved,
        NetworkErrorKind::Other,
    ];
    let sample = proptest::sample::select::<&'static str>;
    prop_oneof![
        12 => Just(Operation::Poll),
        2 => (0..10_000_u64).prop_map(Operation::Advance),
        6 => Just(Operation::ToDeadline),
        8 => (proptest::sample::select(statuses), sample(values))
            .prop_map(|(status, value)| Operation::Response(status, value)),
        6 => (sample(chunks), 0..4_usize, proptest::bool::weighted(0.05))
            .prop_map(|(chunk, taken, close)| Operation::Chunk(chunk, taken, close)),
        3 => Just(Operation::End),
        3 => proptest::sample::select(kinds).prop_map(Operation::Failure),
        1 => Just(Operation::ReconnectNow),
        1 => proptest::bool::weighted(0.05).prop_map(|close| {
            if close { Operation::Close } else { Operation::Poll }
        }),
    ]
}

/// What the transitions so far allow next.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Stage {
    Requested,
    Open,
    Waiting { until: Instant },
    Closed,
}

struct Watch {
    source: EventSource,
    now: Instant,
    stage: Stage,
    legs: u64,
    redirects: u32,
    /// The caller asked for the next request, so that no delay is due.
    asked: bool,
}

impl Watch {
    fn new(options: SourceOptions) -> Self {
        let now = Instant::now();
        let url = "http://example.com/".parse().unwrap();
        let mut random = 0.0;
        let source = EventSource::new(now, url, options, move || {
            random = (random + 0.37) % 1.0;
            random
        });
        Self {
            source,
            now,
            stage: Stage::Waiting { until: now },
            legs: 0,
            redirects: 0,
            asked: false,
        }
    }

    fn poll(&mut self) -> bool {
        let Some(transition) = self.source.poll() else {
            if let Stage::Waiting { until } = self.stage {
                assert_eq!(
                    self.source.deadline(),
                    Some(until),
                    "it would never come back"
                );
            }
            return false;
        };
        match (&transition, self.stage) {
            (Transition::Connect(connect), Stage::Waiting { until }) => {
                assert!(self.now >= until || self.asked, "too early: {connect:?}");
                assert_eq!((connect.leg, connect.redirects), (self.legs + 1, 0));
                (self.stage, self.redirects, self.asked) = (Stage::Requested, 0, false);
            }
            (Transition::Connect(connect), Stage::Requested) => {
                self.redirects += 1;
                assert_eq!(
                    (connect.leg, connect.redirects),
                    (self.legs + 1, self.redirects)
                );
                assert!(self.redirects <= REDIRECTS, "a redirect loop");
            }
            (Transition::Opened { leg }, Stage::Requested) => {
                self.legs += 1;
                assert_eq!(*leg, self.legs);
                self.stage = Stage::Open;
            }
            (
                Transition::Disconnected {
                    leg,
                    retry_in,
                    retry_at,
                    ..
                },
                Stage::Requested | Stage::Open,
            ) => {
                let open = u64::from(self.stage != Stage::Open);
                assert_eq!(*leg, self.legs + open);
                assert!(*retry_in >= FLOOR || self.asked, "a hot loop: {retry_in:?}");
                assert!(*retry_in <= Duration::from_secs(3600 + 900));
                self.stage = Stage::Waiting { until: *retry_at };
            }
            (Transition::Closed { .. }, Stage::Requested | Stage::Open | Stage::Waiting { .. }) => {
                self.stage = Stage::Closed;
            }
            (_, stage) => panic!("{transition:?} in {stage:?}"),
        }
        true
    }

    fn perform(&mut self, operation: &Operation) {
        let id = self.source.last_event_id().to_owned();
        match *operation {
            Operation::Poll => {
                self.poll();
            }
            Operation::Advance(millis) => {
                self.now += Duration::from_millis(millis);
                self.source.handle_deadline(self.now);
            }
            Operation::ToDeadline => {
                if let Some(deadline) = self.source.deadline() {
                    self.now = self.now.max(deadline);
                    self.source.handle_deadline(self.now);
                }
            }
            Operation::Response(status, value) => {
                let mut headers = HeaderMap::new();
                for name in [CONTENT_TYPE, LOCATION, RETRY_AFTER] {
                    headers.insert(name, HeaderValue::from_static(value));
                }
                let status = StatusCode::from_u16(status).unwrap();
                self.source
                    .handle_response(self.now, SystemTime::UNIX_EPOCH, status, &headers);
            }
            Operation::Chunk(chunk, taken, close) => return self.chunk(chunk, taken, close),
            Operation::End => self.source.handle_end(self.now),
            Operation::Failure(kind) => {
                self.source
                    .handle_failure(self.now, NetworkError::new(kind, ""));
            }
            Operation::ReconnectNow => {
                let open = self.source.ready_state() == ReadyState::Open;
                let due = self.source.deadline();
                self.source.reconnect_now(self.now);
                self.asked |= open || self.source.deadline() != due;
            }
            Operation::Close => self.source.close(),
        }
        assert_eq!(self.source.last_event_id(), id, "only items move the id");
    }

    fn chunk(&mut self, chunk: &str, taken: usize, close: bool) {
        let open = self.source.ready_state() == ReadyState::Open;
        let mut items = self.source.handle_chunk(self.now, chunk.as_bytes());
        for _ in 0..taken {
            match items.next() {
                Some(Item::Retry(_)) | None => {}
                Some(_) => assert!(open, "an item of a connection that is not open"),
            }
        }
        if close {
            items.close();
            assert_eq!(items.next(), None, "an item after close");
        }
    }

    /// Everything that was not polled for, which must not have piled up.
    fn drain(&mut self) {
        let mut pending = 0;
        while self.poll() {
            pending += 1;
        }
        assert!(pending <= MOST_PENDING, "{pending} transitions pending");
        assert_eq!(
            self.stage == Stage::Closed,
            self.source.ready_state() == ReadyState::Closed
        );
    }
}

fn options(retry: bool, timeouts: bool, reconnect: bool) -> SourceOptions {
    SourceOptions {
        backoff: Backoff {
            floor: FLOOR,
            reconnection_time: Duration::from_millis(150),
            ..Backoff::default()
        },
        limits: Limits::default().line(32),
        max_redirects: REDIRECTS,
        retry_server_errors: retry,
        response_timeout: timeouts.then_some(Duration::from_secs(5)),
        read_timeout: timeouts.then_some(Duration::from_secs(2)),
        reconnect: Some(reconnect),
        ..SourceOptions::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn polled_at_random(
        operations in proptest::collection::vec(operation(), 0..120),
        retry: bool,
        timeouts: bool,
        reconnect in proptest::bool::weighted(0.9),
    ) {
        let mut watch = Watch::new(options(retry, timeouts, reconnect));
        for operation in &operations {
            watch.perform(operation);
        }
        watch.drain();
    }

    #[test]
    fn polled_after_every_operation(
        operations in proptest::collection::vec(operation(), 0..120),
        retry: bool,
        timeouts: bool,
    ) {
        let mut watch = Watch::new(options(retry, timeouts, true));
        watch.drain();
        for operation in &operations {
            watch.perform(operation);
            watch.drain();
        }
    }
}
