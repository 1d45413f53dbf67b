//! What is done to single events: ids stripped, dropped, repeated, postponed.

use std::sync::atomic::Ordering;

use tokio::io::AsyncWrite;

use super::super::fault::{Fault, Kind};
use super::super::segment::{End, EventInfo, Segment, without_ids};
use super::super::select::Which;
use super::{Delivery, Stop};

/// The most bytes of events that wait for later ones to overtake them.
const POSTPONED_BYTES: usize = 16 << 20;

#[derive(Debug)]
pub(super) struct Postponed {
    pub(super) bytes: Vec<u8>,
    /// Events that have yet to overtake it.
    left: u32,
}

impl<W: AsyncWrite + Unpin> Delivery<'_, '_, W> {
    /// A block without data. Its id goes where all ids go.
    pub(super) async fn block(&mut self, segment: Segment) -> Result<(), Stop> {
        let stripping = self.view.find(|kind| match kind {
            Kind::StripId(pick) => {
                pick.events == Which::All && pick.probability.is_none() && pick.event_type.is_none()
            }
            _ => false,
        });
        let mut bytes = segment.bytes;
        if segment.whole
            && let Some(fault) = stripping
            && let Some(stripped) = without_ids(&bytes)
        {
            self.view.acted(&fault, "a block without data lost its id");
            bytes = stripped;
        }
        self.emit(&bytes, false).await
    }

    pub(super) async fn event(&mut self, segment: Segment) -> Result<(), Stop> {
        let End::Event(info) = segment.end else {
            return Ok(());
        };
        self.shared
            .counters
            .events_received
            .fetch_add(1, Ordering::Relaxed);
        let mut bytes = segment.bytes;
        if !segment.whole {
            return self.emit(&bytes, true).await;
        }
        let mut copies = 1;
        let mut overtaken_by = 0;
        for fault in self.view.picks(&info.event_type) {
            match &fault.kind {
                Kind::StripId(_) => match without_ids(&bytes) {
                    Some(stripped) => bytes = stripped,
                    None => continue,
                },
                Kind::Drop(_) => copies = 0,
                Kind::Duplicate { times, .. } => copies += times,
                Kind::Reorder { by, .. } => overtaken_by = (*by).max(overtaken_by),
                _ => {}
            }
            self.tell_event(&fault, &info);
            if copies == 0 {
                return Ok(());
            }
        }
        if overtaken_by > 0 {
            let all = bytes.repeat(copies as usize);
            self.postponed.push(Postponed {
                bytes: all,
                left: overtaken_by,
            });
            return self.bound_postponed().await;
        }
        for _ in 0..copies {
            self.emit(&bytes, true).await?;
        }
        for postponed in &mut self.postponed {
            postponed.left -= 1;
        }
        self.release_postponed().await
    }

    async fn release_postponed(&mut self) -> Result<(), Stop> {
        while let Some(index) = self.postponed.iter().position(|one| one.left == 0) {
            let released = self.postponed.remove(index);
            self.emit(&released.bytes, true).await?;
        }
        Ok(())
    }

    async fn bound_postponed(&mut self) -> Result<(), Stop> {
        let held: usize = self.postponed.iter().map(|one| one.bytes.len()).sum();
        if held <= POSTPONED_BYTES {
            return Ok(());
        }
        let who = self.view.who();
        let log = &self.shared.log;
        log.line(format_args!(
            "{who}: events to reorder exceed {POSTPONED_BYTES} bytes: they go now"
        ));
        for postponed in &mut self.postponed {
            postponed.left = 0;
        }
        self.release_postponed().await
    }

    fn tell_event(&self, fault: &Fault, info: &EventInfo) {
        let EventInfo {
            event_type,
            last_event_id,
        } = info;
        let what = format!("event {event_type:?}, last event ID {last_event_id:?}");
        self.view.acted(fault, what);
    }
}
