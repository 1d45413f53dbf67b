//! A Server-Sent Events hub with replay, and a demo publisher.
//!
//! A [`Server`] listens and serves its [`Hub`]; a program that embeds it
//! publishes through the hub, others through `POST /trigger`. Every event goes
//! into a log, encoded once, and every subscriber is a cursor over that log, so
//! that replay after a reconnect and live delivery are the same reads.
//!
//! # In a program of your own
//!
//! [`router`] is all that the server answers, as an axum router to nest into
//! another; [`EventStreamRequest`] is an extractor for handlers of the program,
//! whose own middleware decides who sees what; [`Hub::observe`] tells it of streams
//! that open and close. `examples/embed.rs` does all of it.
//!
//! ```
//! # use std::io::{BufRead as _, BufReader, Write as _};
//! # use sse_serve::{Config, Hub, HubConfig, Publication};
//! # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let hub = Hub::new(HubConfig::default());
//! let app = axum::Router::new().nest("/sse", sse_serve::router(hub.clone(), &Config::default())?);
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let address = listener.local_addr()?;
//! tokio::spawn(async { axum::serve(listener, app).await });
//!
//! let client = tokio::task::spawn_blocking(move || {
//!     let mut stream = std::net::TcpStream::connect(address)?;
//!     # stream.set_read_timeout(Some(std::time::Duration::from_secs(60)))?;
//!     stream.write_all(b"GET /sse/events HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
//!     let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
//!     # let begun = std::time::Instant::now(); // Heartbeats would go on for ever.
//!     # let mut lines = lines.take_while(|_| begun.elapsed().as_secs() < 60);
//!     Ok::<_, std::io::Error>(lines.find(|line| line == "data: hello"))
//! });
//! # while hub.connections() == 0 && !client.is_finished() { tokio::task::yield_now().await }
//! hub.publish(&[Publication::new("hello")]).await?;
//! assert_eq!(client.await??.as_deref(), Some("data: hello"));
//! # Ok(()) }
//! ```
//!
//! # HTTP
//!
//! | Method and path | Answer |
//! |---|---|
//! | `GET /events` | the event stream; `topic`, `event` (types), `session`, `last_event_id`, `last`, `gap` in the query; 406 unless `Accept` allows it |
//! | `GET /events/stream`, `GET /sse/event-stream` | the same |
//! | `GET /notifications/{session}`, `GET /notifications` | only what is targeted at that session, or the caller's own |
//! | `POST /trigger`, `POST /events`, `POST /events/trigger` | publishes an object, an array, or lines of `application/x-ndjson`, all or none: `{"status":"ok","ids":[..]}` |
//! | `POST /ticket` | `{"ticket":"..","expires_in":<seconds>,"open_within":<seconds>}`, for `?ticket=` of a stream |
//! | `GET /health` | `{"status","uptime_s","connections","events"}`, seconds and counts |
//! | `GET /ready` | 200, or 503 while draining |
//! | `GET /metrics` | the `OpenMetrics` text format, which Prometheus reads; names begin with `sse_serve_` |
//! | `GET /connections` | open streams by id: session, peer, filter, cursor, lag, bytes, since; `limit` (default 1000, at most 10,000) and `after` page through them |
//! | `DELETE /connections/{id}` | ends that stream |
//! | `GET /topics` | topics with retained events by name: their number, oldest and newest id, subscriptions; pages alike; and how many events are `targeted`, whatever their topic |
//!
//! While there is no authentication, `/connections` and `/topics` are for peers on
//! loopback only. With it ([`Auth`]), they and `/metrics` need the claim `admin`;
//! all but the web client, `/health` and `/ready` needs a credential, as
//! `Authorization: Bearer` (RFC 6750), a ticket, or a cookie: 401 without a good
//! one, 403 where its [`Claims`] do not permit what is asked.
//!
//! A JSON Web Token (RFC 7519) claims `subscribe` and `publish` (topics or
//! patterns, a list or one), `session`, `admin`, `sub` (the publisher that a `key`
//! counts for) and `exp`. Its streams end with it, after a comment that says so.
//!
//! Refusals are `application/problem+json` (RFC 9457); their `detail` names the
//! field and the mend. Only a request that cannot be parsed is answered with a
//! bare 400, and one whose head is too large with a bare 431, before its origin is
//! known; then the connection is closed.
//!
//! A client that closes its half of the connection is taken as gone, its request
//! as abandoned.
//!
//! # Publishing
//!
//! Only `data` is required: `{"data":<any JSON>,"event","topic","session",
//! "connection","format":"auto|json|string","ttl":<seconds>,"retry":<milliseconds>,
//! "key"}`. An event past its `ttl` is skipped without a gap. While the log holds
//! an event of the same topic and `key`, another is answered with the first's id,
//! or with 409 if its content differs. 503 means that the log could not hold it
//! and that nothing was published; subscribers are served on.
//!
//! # The stream
//!
//! An `id` is `<epoch>-<seq>`: eight of `[a-z0-9]` that name this log, and a
//! number that counts its events from 1 without holes. A log in memory ends with
//! the process, one in a file ([`Store::Sqlite`]) keeps its name and its numbers.
//! Two events are the server's own and pass every filter:
//!
//! - `connected`, once at the beginning, with the position as its id and
//!   `{"connection":"<id>","cursor":"<id>","retry":<milliseconds>}`;
//! - `gap`, wherever history is missing, with the position from which delivery
//!   goes on as its id and `{"reason":"expired|unknown|store_reset|lagged",
//!   "requested":"<id>","oldest":"<id>"|null,"newest":"<id>"|null,"missed":<count>|null}`.
//!   A subscription that lost nothing is sent none.
//!
//! A reader that is slower than the history is evicted is told so by a `gap`,
//! reason `lagged`, or closed after a comment ([`SlowPolicy`]); it delays nobody
//! else. A stream over plain HTTP/1 is the last answer on its connection, and says
//! so (`Connection: close`, RFC 9112 §9.6).
//!
//! After silence comes `:keepalive`, or a block with an id alone where events for
//! others moved the position: neither dispatches anything (HTML Living Standard
//! §9.2.6).

pub mod cli;
mod config;
pub mod demo;
mod error;
mod http;
mod hub;
mod log;
mod metrics;
mod publish;
pub mod shutdown;
mod sys;
mod writer;

pub use config::{
    Auth, Claims, Config, Cors, Jwt, JwtAlgorithm, Limits, Secret, SecretSource, StaticToken,
    Store, TicketLimits, WhenFull,
};
pub use error::{AuthError, StartError};
pub use http::{EventStreamRequest, Server, Tls, open_hub, router};
pub use hub::{
    GapPolicy, Hub, HubConfig, InvalidPublication, Observer, Publication, PublishError, SlowPolicy,
    StreamEnd, StreamInfo,
};
pub use log::{Durability, OpenError, Retention, TopicRetention};
pub use metrics::Closed;
