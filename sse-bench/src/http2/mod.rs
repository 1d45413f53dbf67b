//! HTTP/2 (RFC 9113): event streams that share connections.
//!
//! The connections belong to one thread. Each takes so many streams as the user
//! and the server allow; a further one is opened when none has room. A
//! connection that the server is done with (GOAWAY) takes no more of them, and
//! those it has go on.

mod connection;
mod exchange;
mod incoming;
mod metered;
mod pool;

pub use exchange::ask;
pub use incoming::Incoming;
pub use pool::{Lease, Pool, Sharing};

use crate::failure::{Failure, Kind};
use h2::Reason;

/// An error of a stream or of its connection.
fn failure(error: &h2::Error) -> Failure {
    if let Some(error) = error.get_io() {
        // The library's word for a connection that closed under its streams.
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            let detail = "the connection closed before the end of the response";
            return Failure::new(Kind::CutShort, detail);
        }
        return Failure::transfer(error);
    }
    let kind = match error.reason() {
        _ if !error.is_remote() => Kind::Http2,
        _ if error.is_go_away() => Kind::GoAway,
        Some(Reason::REFUSED_STREAM) => Kind::StreamRefused,
        _ => Kind::StreamReset,
    };
    Failure::new(kind, format_args!("HTTP/2: {error}"))
}
