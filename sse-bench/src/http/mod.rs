//! HTTP/1.1 as a reader of event streams needs it (RFC 9112), without I/O.
//!
//! A general client costs some 15 KB for each connection, most of it buffers.
//! Here the buffer belongs to the thread, and a connection keeps only where it
//! stands.

mod body;
mod head;
mod request;

pub use body::{Body, BodyError, Piece};
pub use head::{HeadError, HeadReader, ResponseHead};
pub use request::{AGENT, encode_request};
