//! The hub over HTTP.

mod accept;
mod admin;
mod auth;
mod connection;
mod cors;
mod guard;
mod pace;
mod page;
mod payload;
mod problem;
mod publish;
mod router;
mod server;
mod status;
mod subscribe;
mod ticket;

pub(crate) use router::check_path;
pub use server::Server;
