//! TLS and HTTP/2, over the real binary and real sockets.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

mod abuse;
mod frames;
mod http2;
mod server;
mod tls;
