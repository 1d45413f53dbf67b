//! Where cuts and black holes strike.

use std::sync::atomic::Ordering;

use tokio::io::AsyncWrite;
use tokio::time::Instant;

use super::super::fault::{Fault, Kind, When};
use super::super::view::{Progress, View};
use super::{Delivery, Stop, until};

impl<W: AsyncWrite + Unpin> Delivery<'_, '_, W> {
    /// Sends bytes on, up to where a cut or a black hole strikes. `event`: they
    /// end an event.
    pub(super) async fn emit(&mut self, bytes: &[u8], event: bool) -> Result<(), Stop> {
        let mut rest = bytes;
        if event {
            let (progress, now) = (self.progress, Instant::now());
            let due = self.view.strike(|when, since| match when {
                When::Events {
                    count,
                    mid_event: true,
                } => progress.events - since.events >= count,
                When::Time {
                    after,
                    mid_event: true,
                } => since.at + after <= now,
                _ => false,
            });
            if let Some(fault) = due {
                let (half, other) = rest.split_at(rest.len() / 2);
                self.pass(half).await?;
                self.strike(&fault).await?;
                rest = other;
            }
        }
        while let Some(left) = self.view.bytes_until_strike(self.progress)
            && left <= rest.len() as u64
        {
            let (part, other) = rest.split_at(left as usize);
            self.pass(part).await?;
            let bytes = self.progress.bytes;
            self.strike_all(|when, since| match when {
                When::Bytes(count) => bytes - since.bytes >= count,
                _ => false,
            })
            .await?;
            rest = other;
        }
        self.pass(rest).await?;
        if event {
            self.shared
                .counters
                .events_sent
                .fetch_add(1, Ordering::Relaxed);
            self.progress.events += 1;
            let events = self.progress.events;
            self.strike_all(|when, since| match when {
                When::Events {
                    count,
                    mid_event: false,
                } => events - since.events >= count,
                _ => false,
            })
            .await?;
        }
        Ok(())
    }

    /// Has every cut and black hole strike that is due.
    pub(super) async fn strike_all(
        &mut self,
        mut due: impl FnMut(When, Progress) -> bool,
    ) -> Result<(), Stop> {
        while let Some(fault) = self.view.strike(&mut due) {
            self.strike(&fault).await?;
        }
        Ok(())
    }

    pub(super) async fn strike(&mut self, fault: &Fault) -> Result<(), Stop> {
        self.write_out().await?;
        match &fault.kind {
            Kind::Cut { when, how } => {
                self.view.acted(fault, format_args!("cut ({how}) {when}"));
                Err(Stop::Cut(*how))
            }
            Kind::BlackHole { when, .. } => {
                self.view.acted(fault, format_args!("silence {when}"));
                silence(self.view, fault, self.progress).await;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// Returns when a black hole is over: its time, or itself taken away.
pub(in crate::proxy) async fn silence(view: &mut View, fault: &Fault, progress: Progress) {
    let end = match fault.kind {
        Kind::BlackHole { lasting, .. } => lasting.map(|time| Instant::now() + time),
        _ => None,
    };
    while view.has(fault) {
        tokio::select! {
            () = until(end) => return,
            () = view.changed() => view.refresh(progress),
        }
    }
}
