//! The binary as users run it, against servers on real sockets.

#![expect(clippy::unwrap_used, reason = "what cannot be set up is a failed test")]

mod anomalies;
#[path = "../../examples/broadcast.rs"]
#[expect(dead_code, reason = "an example has a main")]
mod broadcast;
mod compare;
mod conform;
mod doctor;
mod event_source;
mod finite;
mod formats;
mod hold;
mod http2;
#[cfg(unix)]
mod interrupt;
mod proxy;
mod publish;
mod refusals;
mod report;
mod schema;
mod selftest;
mod slow;
mod storm;
mod stream;
mod support;
mod templates;
mod tls;
mod transport;
#[cfg(unix)]
mod tui;
mod usage;
mod verify;
