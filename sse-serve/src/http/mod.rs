//! The hub over HTTP.

mod accept;
mod admin;
mod auth;
mod connection;
mod cors;
mod guard;
mod http2;
mod pace;
mod page;
mod payload;
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

pub(crate) use router::check_path;
pub use server::Server;
pub use tls::Tls;
