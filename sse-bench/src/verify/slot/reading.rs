//! Reading a leg until it ends or is cut.

use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use sse_core::{Item, NetworkError, NetworkErrorKind, ReadyState};
use tokio::io::AsyncWriteExt;

use super::{Leg, Slot, Trigger};
use crate::checker::{Arrival, LegEnd};
use crate::connect::Stream;
use crate::exchange::Received;
use crate::failure::{Failure, Kind};
use crate::http::{Body, Piece};
use crate::verify::cut::Kind as CutKind;

impl Slot {
    /// Reads until the source is no longer open, or the leg is cut. The stream,
    /// where it is to stay open and unread.
    pub(super) async fn read(&mut self, leg: Leg) -> Option<Stream> {
        let Leg {
            mut stream,
            mut body,
            early,
            received,
        } = leg;
        if self.cut.is_some_and(|cut| cut.trigger == Trigger::Opened) {
            if self.may_cut(Instant::now()) {
                return self.cut_now(stream).await;
            }
            self.cut = None;
        }
        if !early.is_empty() {
            self.take(&mut body, &early, received);
            drop(early);
        }
        if let Some(Trigger::Due(due)) = self.cut.map(|cut| cut.trigger) {
            let reading = poll_fn(|cx| self.poll_stream(cx, &mut stream, &mut body));
            let due = tokio::time::sleep_until(due.into());
            tokio::select! {
                _ = reading => return None,
                () = due => {}
            }
            if self.may_cut(Instant::now()) {
                return self.cut_now(stream).await;
            }
            (self.cut, self.then) = (None, None);
        }
        if poll_fn(|cx| self.poll_stream(cx, &mut stream, &mut body)).await {
            return self.cut_now(stream).await;
        }
        None
    }

    /// Whether the leg is to be cut; else the source is no longer open.
    fn poll_stream(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut Stream,
        body: &mut Body,
    ) -> Poll<bool> {
        let group = Rc::clone(&self.group);
        let mut buffer = group.buffer.borrow_mut();
        while self.source.ready_state() == ReadyState::Open {
            if self.cut.is_some_and(|cut| cut.trigger == Trigger::Now) {
                return Poll::Ready(true);
            }
            match ready!(group.wire(&group.live).poll_read(cx, stream, &mut buffer)) {
                Ok((length, received)) if length > 0 => {
                    self.take(body, &buffer[..length], received);
                }
                Ok(_) if body.may_end_here() => self.source.handle_end(Instant::now()),
                Ok(_) => {
                    let detail = "the connection closed before the end of the response";
                    self.fail(&Failure::new(Kind::CutShort, detail));
                }
                Err(error) => self.fail(&Failure::transfer(&error)),
            }
        }
        Poll::Ready(false)
    }

    /// Takes what one read brought.
    fn take(&mut self, body: &mut Body, mut bytes: &[u8], received: Received) {
        loop {
            match body.next(&mut bytes) {
                Ok(Piece::Data(data)) => self.dispatch(data, received),
                Ok(Piece::NeedMore) => return,
                Ok(Piece::End) => return self.source.handle_end(received.at),
                Err(error) => return self.fail(&Failure::new(Kind::Http, error)),
            }
            if self.source.ready_state() != ReadyState::Open
                || self.cut.is_some_and(|cut| cut.trigger == Trigger::Now)
            {
                return;
            }
        }
    }

    fn dispatch(&mut self, data: &[u8], received: Received) {
        let data = self.before_cut(data, received.at);
        let group = Rc::clone(&self.group);
        let mut checker = group.checker.borrow_mut();
        let at = group.since_start(received.at);
        let may_cut = self.may_cut(received.at);
        let mut events = 0;
        let mut items = self.source.handle_chunk(received.at, data);
        while let Some(item) = items.next() {
            let Item::Event(event) = item else { continue };
            events += 1;
            let arrival = Arrival {
                event_type: event.event_type,
                data: event.data,
                id: event.has_id().then_some(event.last_event_id),
            };
            checker.received(self.number, at, &arrival);
            if let Some(cut) = &mut self.cut
                && cut.trigger == Trigger::FirstEvent
                && may_cut
            {
                cut.trigger = Trigger::Now;
                break;
            }
        }
        self.group.live.deliveries.add(events);
    }

    /// What of a chunk is read if the cut is to be in its last event.
    fn before_cut<'d>(&mut self, data: &'d [u8], now: Instant) -> &'d [u8] {
        let in_time = self.may_cut(now);
        match &mut self.cut {
            Some(cut) if in_time && matches!(cut.trigger, Trigger::MidFrame(due) if now >= due) => {
                cut.trigger = Trigger::Now;
                let unread = self.random.usize(1..=data.len().min(16));
                &data[..data.len() - unread]
            }
            _ => data,
        }
    }

    async fn cut_now(&mut self, stream: Stream) -> Option<Stream> {
        let cut = self.cut.take()?;
        let now = Instant::now();
        let at = self.group.since_start(now);
        let end = LegEnd::Cut(cut.number);
        self.group.checker.borrow_mut().closed(self.number, at, end);
        self.group.cuts.set(self.group.cuts.get() + 1);
        self.outage = Some(cut.stratum.outage);
        let error = NetworkError::new(NetworkErrorKind::Reset, "cut on purpose");
        self.source.handle_failure(now, error);
        close(stream, cut.stratum.kind).await
    }
}

/// Ends the connection in this manner.
async fn close(mut stream: Stream, kind: CutKind) -> Option<Stream> {
    match kind {
        CutKind::HalfOpen => return Some(stream),
        CutKind::Fin => {
            let _ = stream.shutdown().await;
        }
        _ => {
            // Where this fails the socket is closed all the same, by a FIN.
            let _ = stream.socket().set_zero_linger();
        }
    }
    None
}
