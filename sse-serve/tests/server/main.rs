//! The server as its clients meet it: the real binary over real sockets.

mod command;
mod filter;
mod http;
mod publish;
mod resume;
#[cfg(unix)]
mod shutdown;
mod slow;
mod stream;
mod support;
