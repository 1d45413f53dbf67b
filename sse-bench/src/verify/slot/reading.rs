//! Reading a leg until it ends or is cut.

use std::future::poll_fn;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use sse_core::{Item, NetworkError, NetworkErrorKind, ReadyState};

use super::{Cut, Slot, Trigger};
use crate::checker::{Arrival, LegEnd};
use crate::exchange::{READ_BUFFER, Received};
use crate::leg::{Leg, Step};
use crate::verify::cut::Kind as CutKind;
use crate::verify::feed::What;

impl Slot {
    /// Reads until the source is no longer open, or the leg is cut. The leg,
    /// where it is to stay open and unread.
    pub(super) async fn read(&mut self, mut leg: Leg) -> Option<Leg> {
        if self.cut.is_some_and(|cut| cut.trigger == Trigger::Opened) {
            if self.may_cut(Instant::now()) {
                return self.cut_now(leg).await;
            }
            self.cut = None;
        }
        if let Some(Trigger::Due(due)) = self.cut.map(|cut| cut.trigger) {
            let reading = poll_fn(|cx| self.poll_leg(cx, &mut leg));
            let due = tokio::time::sleep_until(due.into());
            tokio::select! {
                _ = reading => return None,
                () = due => {}
            }
            if self.may_cut(Instant::now()) {
                return self.cut_now(leg).await;
            }
            (self.cut, self.then) = (None, None);
        }
        if poll_fn(|cx| self.poll_leg(cx, &mut leg)).await {
            return self.cut_now(leg).await;
        }
        None
    }

    /// Whether the leg is to be cut; else the source is no longer open.
    fn poll_leg(&mut self, cx: &mut Context<'_>, leg: &mut Leg) -> Poll<bool> {
        let group = Rc::clone(&self.group);
        while self.source.ready_state() == ReadyState::Open {
            if self.cut.is_some_and(|cut| cut.trigger == Trigger::Now) {
                return Poll::Ready(true);
            }
            let take = |data: &[u8], received| self.dispatch(data, received);
            match ready!(leg.poll(cx, group.wire(&group.live), READ_BUFFER, take)) {
                Ok(Step::Read) => {}
                Ok(Step::End(received)) => self.source.handle_end(received.at),
                Err(failure) => self.fail(&failure),
            }
        }
        Poll::Ready(false)
    }

    fn dispatch(&mut self, data: &[u8], received: Received) -> ControlFlow<()> {
        let data = self.before_cut(data, received.at);
        let group = Rc::clone(&self.group);
        let mut feed = group.feed.borrow_mut();
        let at = group.since_start(received.at);
        let after_first = |cut: &Cut| cut.trigger == Trigger::FirstEvent;
        let may_cut = self.cut.as_ref().is_some_and(after_first) && self.may_cut(received.at);
        let (mut events, mut start) = (0, 0);
        let mut items = self.source.handle_chunk(received.at, data);
        while let Some(item) = items.next() {
            let Item::Event(event) = item else { continue };
            events += 1;
            let arrival = Arrival {
                event_type: event.event_type,
                data: event.data,
                id: event.has_id().then_some(event.last_event_id),
            };
            feed.received(self.number, at, &arrival);
            if let Some(meter) = &mut *group.meter.borrow_mut() {
                let delivery = &mut group.stats.borrow_mut().delivery;
                meter.measure(&event, received.wall, self.opened_wall, delivery);
            }
            if group.wants_frames {
                let id = arrival.id.map(|id| feed.text(id));
                let end = items.position();
                feed.block(self.number, at, &data[start..end], id);
                start = end;
            }
            if let Some(cut) = &mut self.cut
                && cut.trigger == Trigger::FirstEvent
                && may_cut
            {
                cut.trigger = Trigger::Now;
                break;
            }
        }
        drop(items);
        if group.wants_frames && start < data.len() {
            feed.begins(self.number, at, &data[start..]);
        }
        feed.hand_over_full(at);
        group.live.deliveries.add(events);
        let is_over = self.source.ready_state() != ReadyState::Open;
        if is_over || self.cut.is_some_and(|cut| cut.trigger == Trigger::Now) {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    /// What of a chunk is read if the cut is to be in its last event.
    fn before_cut<'d>(&mut self, data: &'d [u8], now: Instant) -> &'d [u8] {
        let is_due = |cut: &Cut| matches!(cut.trigger, Trigger::MidFrame(due) if now >= due);
        let cuts = self.cut.as_ref().is_some_and(is_due) && self.may_cut(now);
        match &mut self.cut {
            Some(cut) if cuts => {
                cut.trigger = Trigger::Now;
                let unread = self.random.usize(1..=data.len().min(16));
                &data[..data.len() - unread]
            }
            _ => data,
        }
    }

    async fn cut_now(&mut self, leg: Leg) -> Option<Leg> {
        let cut = self.cut.take()?;
        let now = Instant::now();
        let at = self.group.since_start(now);
        let end = What::Closed(LegEnd::Cut(cut.number));
        self.group.feed.borrow_mut().add(self.number, at, end);
        self.group.live.cuts.add(1);
        self.outage = Some(cut.stratum.outage);
        let error = NetworkError::new(NetworkErrorKind::Reset, "cut on purpose");
        self.source.handle_failure(now, error);
        close(leg, cut.stratum.kind).await
    }
}

/// Ends the connection in this manner.
async fn close(leg: Leg, kind: CutKind) -> Option<Leg> {
    match kind {
        CutKind::HalfOpen => return Some(leg),
        CutKind::Fin => leg.finish().await,
        _ => leg.reset(),
    }
    None
}
