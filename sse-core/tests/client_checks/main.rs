//! C01-C48: what a client must do, checked against a scripted server on real
//! sockets, each test named after its check; and the transport beneath it.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod client;
mod mock;

mod closing;
mod identity;
mod local;
mod opening;
mod parsing;
mod reconnecting;
mod redirects;
mod refusal_bodies;
mod refusals;
mod resuming;
mod slow_reader;
mod transport;
mod updates;
