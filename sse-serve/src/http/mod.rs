//! The hub over HTTP.

mod accept;
mod admin;
mod auth;
mod bodies;
mod check;
mod connection;
mod cors;
mod embed;
mod guard;
mod handover;
mod http2;
mod pace;
mod page;
mod payload;
mod peer;
mod plain;
mod problem;
mod protocol;
mod publish;
mod router;
mod server;
mod status;
mod streams;
mod subscribe;
mod ticket;
mod tls;

pub use embed::{EventStreamRequest, open_hub, router};
pub(crate) use router::check_path;
pub use server::Server;
pub use tls::Tls;
