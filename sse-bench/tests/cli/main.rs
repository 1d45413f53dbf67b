//! The binary as users run it, against servers on real sockets.

#![expect(clippy::unwrap_used, reason = "what cannot be set up is a failed test")]

mod conform;
mod event_source;
#[cfg(unix)]
mod interrupt;
mod proxy;
mod refusals;
mod report;
mod stream;
mod support;
mod tls;
mod usage;
