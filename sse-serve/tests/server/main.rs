//! The server as its clients meet it: the real binary over real sockets.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

mod auth;
mod command;
mod configuration;
mod conformance;
mod cors;
mod filter;
mod handover;
mod http;
#[cfg(target_os = "linux")]
mod idle;
mod input;
mod keys;
mod limits;
mod lines;
#[cfg(target_os = "linux")]
mod network;
mod operation;
mod publish;
mod resume;
#[cfg(unix)]
mod shutdown;
mod slow;
mod store;
mod stream;
mod support;
