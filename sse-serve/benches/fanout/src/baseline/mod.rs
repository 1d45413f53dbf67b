//! What the hub is measured against.

mod axum;
mod raw;

use std::io::Write;
use std::net::SocketAddr;

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// One thread, a shared log, a cursor for each socket, one write for all that
    /// is pending.
    Raw,
    /// axum with a body that gives all that is pending, encoded once, in a frame.
    Axum,
    /// axum's `Sse` over tokio's broadcast channel.
    Broadcast,
}

pub fn serve(kind: Kind) -> anyhow::Result<()> {
    match kind {
        Kind::Raw => raw::serve(),
        Kind::Axum => axum::serve(false),
        Kind::Broadcast => axum::serve(true),
    }
}

fn announce(address: SocketAddr) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "listening on http://{address}")?;
    Ok(stdout.flush()?)
}
