//! When each event is sent, and where the stream breaks.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;

use crate::{Args, Cut, Step};

/// Times of one answer.
pub(crate) struct Pace {
    first: Duration,
    mean: Duration,
    stalls: Vec<u64>,
    stall: Duration,
    cut: Option<(u64, Cut)>,
    random: fastrand::Rng,
}

impl Pace {
    pub(crate) fn of(args: &Args) -> Self {
        Self {
            first: args.first,
            mean: args.pace,
            stalls: args.stall_after.clone(),
            stall: args.stall,
            cut: args.cut_after.map(|after| (after, args.cut)),
            random: fastrand::Rng::with_seed(args.seed),
        }
    }

    /// The bytes of the events, each when it is due.
    pub(crate) fn play(self, steps: Vec<Step>) -> impl Stream<Item = io::Result<Bytes>> {
        let state = (self, steps.into_iter(), 0_u64, true);
        futures_util::stream::unfold(state, |(mut pace, mut steps, sent, mut first)| async move {
            if let Some((after, how)) = pace.cut
                && sent >= after
            {
                if how == Cut::Clean || sent > after {
                    return None;
                }
                let broken = Err(io::ErrorKind::ConnectionReset.into());
                return Some((broken, (pace, steps, sent + 1, first)));
            }
            let (waits, event) = steps.next()?;
            if pace.stalls.contains(&sent) {
                tokio::time::sleep(pace.stall).await;
            }
            if waits {
                let wait = if std::mem::take(&mut first) {
                    pace.first
                } else {
                    pace.mean.mul_f64(0.3 + 1.4 * pace.random.f64())
                };
                tokio::time::sleep(wait).await;
            }
            let mut wire = Vec::new();
            event.encode(&mut wire);
            Some((Ok(Bytes::from(wire)), (pace, steps, sent + 1, first)))
        })
    }
}
