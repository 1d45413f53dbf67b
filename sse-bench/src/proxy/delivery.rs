//! A response on its way from the upstream to the client, through the faults.
//!
//! One task for each response, so that back-pressure comes by itself: while the
//! client does not read, nothing is read from the upstream.

mod events;
mod link;
mod strike;

use std::io;
use std::sync::Arc;

use tokio::io::AsyncWrite;
use tokio::time::{Instant, sleep_until};

pub(super) use link::Link;
pub(super) use strike::silence;

use self::events::Postponed;
use super::fault::{Cut, Fault, Kind, When};
use super::output::Output;
use super::segment::{End, Segmenter};
use super::shared::{Shared, count};
use super::upstream::Answer;
use super::view::{Progress, View};

/// The size from which staged bytes are written before more are added.
const LARGEST_WRITE: usize = 64 << 10;

/// Why a response ends.
#[derive(Debug)]
pub(super) enum Stop {
    /// In order, as the upstream ended it.
    Ended,
    /// By a fault.
    Cut(Cut),
    /// The upstream broke it off, by this error.
    Broken(io::Error),
    /// The client is not there any more.
    Gone,
}

/// One response.
#[derive(Debug)]
pub(super) struct Delivery<'a, 'c, W> {
    shared: Arc<Shared>,
    view: &'a mut View,
    output: &'a mut Output<'c, W>,
    /// `None` where events are not told apart.
    segmenter: Option<Segmenter>,
    postponed: Vec<Postponed>,
    /// What one read led to goes out in one write.
    staged: Vec<u8>,
    buffer: Vec<u8>,
    buffer_since: Option<Instant>,
    progress: Progress,
}

impl<'a, 'c, W: AsyncWrite + Unpin> Delivery<'a, 'c, W> {
    pub(super) fn new(
        shared: &Arc<Shared>,
        view: &'a mut View,
        output: &'a mut Output<'c, W>,
        segmenter: Option<Segmenter>,
        progress: Progress,
    ) -> Self {
        Self {
            shared: Arc::clone(shared),
            view,
            output,
            segmenter,
            postponed: Vec::new(),
            staged: Vec::new(),
            buffer: Vec::new(),
            buffer_since: None,
            progress,
        }
    }

    /// Delivers to the end, what is under way first.
    pub(super) async fn run(&mut self, link: Link, answer: &mut Answer) -> Stop {
        match self.pump(link, answer).await {
            Ok(stop) | Err(stop) => stop,
        }
    }

    /// Ends the body in order, wherever it stands.
    pub(super) async fn finish(&mut self) -> io::Result<()> {
        self.staged.append(&mut self.buffer);
        let pace = self.view.pace();
        self.output.send(&self.staged, pace).await?;
        self.output.finish().await
    }

    async fn pump(&mut self, mut link: Link, answer: &mut Answer) -> Result<Stop, Stop> {
        self.strike_all(|when, _| {
            let none = When::Events {
                count: 0,
                mid_event: false,
            };
            when == When::Head || when == none
        })
        .await?;
        loop {
            self.catch_up().await?;
            if link.is_empty()
                && let Some(end) = link.end.take()
            {
                return self.end(end).await;
            }
            let strike_at = self.view.next_time();
            let flush_at = self.flush_at();
            // Nothing waits for a latency that was taken away.
            let due = link.due().filter(|_| self.view.is_late());
            let due = due.or_else(|| (!link.is_empty()).then(Instant::now));
            tokio::select! {
                biased;
                () = self.view.changed() => {}
                () = until(strike_at) => {
                    let now = Instant::now();
                    self.strike_all(|when, since| match when {
                        When::Time { after, mid_event: false } => since.at + after <= now,
                        _ => false,
                    })
                    .await?;
                }
                () = until(flush_at) => self.flush().await?,
                () = until(due) => {
                    if let Some(chunk) = link.pop() {
                        self.deliver_until_cut(&chunk).await?;
                    }
                }
                read = answer.next(), if link.wants_more() => {
                    let length = link.take_in(read, self.view.latency());
                    count(&self.shared.counters.bytes_received, length);
                }
            }
        }
    }

    /// Lets go what is held for faults that are in force no more.
    async fn catch_up(&mut self) -> Result<(), Stop> {
        self.view.refresh(self.progress);
        if !self.view.needs_whole_events()
            && let Some(segmenter) = &mut self.segmenter
        {
            if let Some(segment) = segmenter.release() {
                self.emit(&segment.bytes, false).await?;
            }
            for postponed in std::mem::take(&mut self.postponed) {
                self.emit(&postponed.bytes, true).await?;
            }
        }
        if !self.buffer.is_empty() && self.buffering().is_none() {
            self.flush().await?;
        }
        self.write_out().await
    }

    async fn end(&mut self, end: io::Result<()>) -> Result<Stop, Stop> {
        let held = self.segmenter.as_mut().and_then(Segmenter::release);
        for postponed in std::mem::take(&mut self.postponed) {
            self.emit(&postponed.bytes, true).await?;
        }
        if let Some(segment) = held {
            self.emit(&segment.bytes, false).await?;
        }
        self.flush().await?;
        self.write_out().await?;
        match end {
            Ok(()) => {
                self.output.finish().await.map_err(gone)?;
                Ok(Stop::Ended)
            }
            Err(error) => Ok(Stop::Broken(error)),
        }
    }

    /// A client that reads slowly must not hold up a cut that is due.
    async fn deliver_until_cut(&mut self, chunk: &[u8]) -> Result<(), Stop> {
        let cut = self.view.next_timed_cut();
        let delivering = async {
            self.deliver(chunk).await?;
            self.write_out().await
        };
        tokio::select! {
            biased;
            done = delivering => return done,
            () = until(cut) => {}
        }
        match self.view.strike_timed_cut() {
            Some(fault) => self.strike(&fault).await,
            None => Ok(()),
        }
    }

    async fn deliver(&mut self, chunk: &[u8]) -> Result<(), Stop> {
        let hold = self.view.needs_whole_events();
        let Some(segmenter) = &mut self.segmenter else {
            return self.emit(chunk, false).await;
        };
        let (segments, error) = segmenter.feed(chunk, hold);
        if let Some(error) = error {
            count(&self.shared.counters.streams_unread, 1);
            let who = self.view.who();
            let log = &self.shared.log;
            log.line(format_args!(
                "{who}: {error}: the rest passes unread, faults of events end"
            ));
        }
        for segment in segments {
            match &segment.end {
                End::Nothing => self.emit(&segment.bytes, false).await?,
                End::Block => self.block(segment).await?,
                End::Event(_) => self.event(segment).await?,
            }
        }
        Ok(())
    }

    /// Into the buffer, or past it.
    async fn pass(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.progress.bytes += bytes.len() as u64;
        let Some(fault) = self.buffering() else {
            return self.stage(bytes).await;
        };
        self.buffer.extend_from_slice(bytes);
        self.buffer_since.get_or_insert_with(Instant::now);
        match fault.kind {
            Kind::Buffer { bytes: most, .. } if self.buffer.len() >= most => self.flush().await,
            _ => Ok(()),
        }
    }

    fn buffering(&self) -> Option<Arc<Fault>> {
        self.view.find(|kind| matches!(kind, Kind::Buffer { .. }))
    }

    fn flush_at(&self) -> Option<Instant> {
        match self.buffering()?.kind {
            Kind::Buffer { lasting, .. } => Some(self.buffer_since? + lasting?),
            _ => None,
        }
    }

    async fn flush(&mut self) -> Result<(), Stop> {
        let since = self.buffer_since.take();
        let held = std::mem::take(&mut self.buffer);
        if held.is_empty() {
            return Ok(());
        }
        if let (Some(fault), Some(since)) = (self.buffering(), since) {
            let (bytes, ms) = (held.len(), since.elapsed().as_millis());
            let what = format_args!("{bytes} bytes were held for {ms} ms");
            self.view.acted(&fault, what);
        }
        self.stage(&held).await?;
        self.write_out().await
    }

    async fn stage(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        self.staged.extend_from_slice(bytes);
        if self.staged.len() < LARGEST_WRITE {
            return Ok(());
        }
        self.write_out().await
    }

    async fn write_out(&mut self) -> Result<(), Stop> {
        let staged = std::mem::take(&mut self.staged);
        if staged.is_empty() {
            return Ok(());
        }
        let pace = self.view.pace();
        self.output.send(&staged, pace).await.map_err(gone)
    }
}

async fn until(at: Option<Instant>) {
    match at {
        // The timer would round up to its next tick.
        Some(at) if at <= Instant::now() => {}
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn gone(_: io::Error) -> Stop {
    Stop::Gone
}
