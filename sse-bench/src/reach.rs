//! What comes before each run: the addresses of its target, and what it takes of the machine.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use crate::failure::Failure;
use crate::sys;
use crate::target::Target;

/// Whether there is a run at all.
#[derive(Debug)]
pub enum Reached {
    /// The name of the target stands for these.
    At(Vec<SocketAddr>),
    /// It stands for nothing.
    Never(Failure),
    /// The user no longer waits for it.
    Interrupted,
}

/// Looks up the addresses of the target, for as long as the user waits.
pub async fn reach(
    target: &Target,
    interrupted: Pin<&mut impl Future<Output = io::Result<()>>>,
) -> io::Result<Reached> {
    tokio::select! {
        resolved = target.transport.resolve(&target.url) => Ok(match resolved {
            Ok(addresses) => Reached::At(addresses),
            Err(failure) => Reached::Never(failure),
        }),
        result = interrupted => result.map(|()| Reached::Interrupted),
    }
}

/// What the process has taken of the machine before a run.
#[derive(Debug, Clone, Copy)]
pub struct Before(Option<Duration>);

/// What a run took of the machine; `None` where that is not told.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    /// CPU time.
    pub cpu: Option<Duration>,
    /// The most memory that the process held, in bytes.
    pub peak_memory: Option<u64>,
}

impl Before {
    /// Now.
    pub fn now() -> Self {
        Self(sys::cpu_time())
    }

    /// What was taken since.
    pub fn usage(self) -> Usage {
        let cpu = sys::cpu_time().zip(self.0);
        Usage {
            cpu: cpu.map(|(now, before)| now.saturating_sub(before)),
            peak_memory: sys::peak_memory(),
        }
    }
}
