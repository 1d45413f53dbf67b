//! What the streams do to the state.

use jiff::Timestamp;
use serde::Deserialize;
use sse_core::client::Batch;
use sse_core::{Cause, EventRef, Ignored, Item};

use super::{App, Tone};
use crate::connection::{AT_ONCE, Connection, Leg, Link, MAYBE_LOST};
use crate::continuity::Finding;
use crate::format;
use crate::message::{Away, Change};
use crate::store::{Row, RowKind};
use crate::wire::{Assembler, Wire};

/// A gap as a hub declares it.
#[derive(Debug, Deserialize)]
pub struct DeclaredGap {
    /// Why.
    pub reason: String,
    /// How many events are missing, if the server knows.
    pub missed: Option<u64>,
    /// The oldest event it can still send.
    pub oldest: Option<String>,
}

impl DeclaredGap {
    /// Data of a gap is no longer than this; what is, is an event like others.
    const LARGEST: usize = 4 << 10;

    /// Reads the data of an event.
    pub fn parse(event_type: &str, data: &str) -> Option<Self> {
        if event_type != "gap" || data.len() > Self::LARGEST {
            return None;
        }
        serde_json::from_str(data).ok()
    }
}

impl App {
    pub(super) fn stream(&mut self, source: usize, change: Change) {
        self.take_in(source, change);
        self.listing.appended(&self.store);
        let held = self.store.range();
        while self.gaps.front().is_some_and(|row| *row < held.start) {
            self.gaps.pop_front();
        }
        while self.bookmarks.first().is_some_and(|row| *row < held.start) {
            self.bookmarks.pop_first();
        }
    }

    /// Explains the hole that this leaves in the times at which events arrive.
    pub(super) fn away(&mut self, away: Away) {
        let ended = |connection: &Connection| matches!(connection.link, Link::Closed(_));
        if self.screens.replay.is_some() || self.connections.iter().all(ended) {
            return;
        }
        self.screens.lints.away(away.until);
        let time = away.until.duration_since(away.since);
        let time = format::duration(time.try_into().unwrap_or_default());
        let text = if away.suspended {
            format!("suspended for {time} · what came meanwhile follows")
        } else {
            format!("nothing ran here for {time} · the machine was asleep, or its clock was set")
        };
        if away.suspended {
            self.tell(Tone::Done, text.clone());
        }
        self.divider(RowKind::Away, 0, away.until, &text);
        self.listing.appended(&self.store);
    }

    fn take_in(&mut self, source: usize, change: Change) {
        let row = self.store.range().end;
        let Some(connection) = self.connections.get_mut(source) else {
            return;
        };
        match change {
            Change::Connecting {
                at,
                leg,
                last_event_id,
                unsendable,
            } => {
                connection.leg = leg;
                connection.attempts += 1;
                connection.link = Link::Connecting;
                connection.requested_at = Some(at);
                self.screens.requested(source, leg, at);
                self.screens.lints.request(source, at, row);
                connection.unsendable = unsendable;
                if !unsendable {
                    connection.last_event_id.clone_from(&last_event_id);
                }
                connection.resumed_after = last_event_id;
            }
            Change::Open { at, leg, how, head } => {
                let text = connection.open(at, leg, how, row);
                let lints = &mut self.screens.lints;
                lints.open(source, at, row, leg, head.as_ref());
                self.divider(RowKind::Opened, source, at, &text);
            }
            Change::Batch { at, batch } => self.batch(source, at, &batch),
            Change::Lost {
                at,
                leg,
                cause,
                retry_at,
                end,
            } => {
                self.screens.lints.end(source, at, row, &end);
                connection.leg = leg;
                let first = connection.lost_at.is_none();
                connection.lost_at.get_or_insert(at);
                let kind = if connection.opened > 0 {
                    "connection lost"
                } else {
                    "no connection"
                };
                let text = format!("{kind} · {cause}");
                if first {
                    connection.lost_cause.clone_from(&cause);
                }
                connection.link = Link::Waiting { cause, retry_at };
                if first {
                    self.divider(RowKind::Lost, source, at, &text);
                }
            }
            Change::Closed { at, ending, end } => {
                self.screens.lints.end(source, at, row, &end);
                let text = ending.text().to_owned();
                if end.cause != Cause::Closed {
                    let complete = end.cause == Cause::NoContent;
                    connection.refuse(at, row, &text, complete);
                }
                connection.link = Link::Closed(ending);
                self.divider(RowKind::Closed, source, at, &text);
                self.leave_if_nothing_is_left();
            }
        }
    }

    fn batch(&mut self, source: usize, at: Timestamp, batch: &Batch) {
        self.stats.received(batch.raw.len(), at);
        let Some(connection) = self.connections.get_mut(source) else {
            return;
        };
        let mut wire = std::mem::take(&mut connection.wire);
        let row = self.store.range().end;
        self.screens.lints.read(source, at, row, &batch.raw);
        for (item, range) in batch.items().with_ranges() {
            if self.exit.is_some() {
                break;
            }
            self.item(source, batch, at, &item, range.end, &mut wire);
        }
        wire.end(&batch.raw);
        if let Some(connection) = self.connections.get_mut(source) {
            connection.wire = wire;
        }
    }

    fn item(
        &mut self,
        source: usize,
        batch: &Batch,
        at: Timestamp,
        item: &Item<'_>,
        end: usize,
        wire: &mut Assembler,
    ) {
        let row = self.store.range().end;
        self.screens.lints.item(source, at, row, item);
        let Some(connection) = self.connections.get_mut(source) else {
            return;
        };
        match item {
            Item::Event(event) => {
                let wire = wire.block(&batch.raw, end);
                self.event(source, batch.leg, at, event, &wire);
                return;
            }
            Item::Ignored(Ignored::NoData(block)) => {
                connection.last_event_id.clear();
                connection.last_event_id.push_str(block.last_event_id);
                self.stats.heartbeat(at);
                wire.block(&batch.raw, end);
                return;
            }
            Item::Comment(_) => self.stats.heartbeat(at),
            Item::Retry(time) => connection.retry = Some(*time),
            _ => {}
        }
        wire.other();
    }

    fn event(
        &mut self,
        source: usize,
        leg: u64,
        at: Timestamp,
        event: &EventRef<'_>,
        wire: &Wire<'_>,
    ) {
        let Some(connection) = self.connections.get_mut(source) else {
            return;
        };
        event
            .last_event_id
            .clone_into(&mut connection.last_event_id);
        let delta = connection
            .last_event_at
            .replace(at)
            .map(|before| at.duration_since(before).try_into().unwrap_or_default());
        let gap = DeclaredGap::parse(event.event_type, event.data);
        let finding = observe(connection, at, event, gap.as_ref());
        if let Some(text) = finding {
            self.divider(RowKind::Missing, source, at, &text);
        }
        let lane = self.stats.event(event.event_type, at);
        let wanted = self.event_types.is_empty()
            || self.event_types.iter().any(|name| name == event.event_type);
        if !wanted {
            self.hidden += 1;
            return;
        }
        let kind = match gap {
            Some(_) => RowKind::Gap,
            None => RowKind::Event,
        };
        if kind == RowKind::Gap {
            self.gaps.push_back(self.store.range().end);
        }
        let row = Row {
            kind,
            at,
            delta,
            source: source as u16,
            lane,
            leg,
            event_type: event.event_type,
            id: event.last_event_id,
            data: event.data,
        };
        self.store.push_with_wire(&row, wire);
        let number = self.store.range().end - 1;
        let charts = &mut self.screens.charts;
        charts.event(number, &row);
        self.listed += 1;
        if self.events.is_some_and(|events| self.listed >= events) {
            self.exit = Some(Ok(()));
        }
    }

    /// Puts a row between the events.
    fn divider(&mut self, kind: RowKind, source: usize, at: Timestamp, text: &str) {
        let reconnect = self
            .connections
            .get(source)
            .is_some_and(|connection| connection.opened > 1);
        if kind != RowKind::Opened || reconnect {
            self.gaps.push_back(self.store.range().end);
        }
        self.store.push(&Row {
            kind,
            at,
            delta: None,
            source: source as u16,
            lane: 0,
            leg: match self.connections.get(source) {
                // That is of no connection.
                _ if kind == RowKind::Away => 0,
                connection => connection.map_or(0, |connection| connection.leg),
            },
            event_type: "",
            id: "",
            data: text,
        });
    }
}

/// Tells the ledgers of an event, and the story of its leg what they say.
/// Returns the words for events lost within a connection.
fn observe(
    connection: &mut Connection,
    at: Timestamp,
    event: &EventRef<'_>,
    gap: Option<&DeclaredGap>,
) -> Option<String> {
    let continuity = &mut connection.continuity;
    if let Some(gap) = gap {
        connection.declared_lost = connection
            .declared_lost
            .saturating_add(gap.missed.unwrap_or(0));
        connection.lost_more |= gap.missed.is_none();
        continuity.declared(event.last_event_id, gap.missed);
        if let Some(leg) = connection.legs.back_mut() {
            leg.reset |= gap.reason == "store_reset";
            let before = leg.declared.unwrap_or(Some(0));
            leg.declared = Some(before.zip(gap.missed).map(|(one, other)| one + other));
        }
        return None;
    }
    let finding = continuity.observe(event);
    let counted = continuity.is_counted();
    let proves_loss = continuity.proves_loss();
    let control = event.event_type == "connected" && continuity.is_hub();
    if let Some(leg) = connection.legs.back_mut() {
        leg.counted = counted;
        leg.proves_loss = proves_loss;
        if control {
            leg.greeted = true;
            leg.greeting = Some(event.last_event_id.to_owned());
        } else {
            leg.events += 1;
            leg.at_once += u64::from(at.duration_since(leg.at) <= AT_ONCE);
        }
    }
    if let Some(leg) = connection.legs.back_mut()
        && event.has_id()
        && !event.last_event_id.is_empty()
        && !control
        && leg.first_id.is_none()
    {
        let id = event.last_event_id.to_owned();
        leg.between = continuity.between(&leg.resumed_after, &id);
        connection.first_id.get_or_insert_with(|| id.clone());
        leg.first_id = Some(id);
    }
    let leg: Option<&mut Leg> = connection.legs.back_mut();
    match finding {
        Finding::Missing {
            first,
            last,
            count,
            same_leg,
        } => {
            if !same_leg && let Some(leg) = leg {
                leg.missing += count;
                return None;
            }
            let range = if first == last {
                first
            } else {
                format!("{first} to {last}")
            };
            let events = if count == 1 { "event" } else { "events" };
            let how = if connection.continuity.proves_loss() {
                "lost"
            } else {
                MAYBE_LOST
            };
            let count = format::count(count);
            Some(format!("{count} {events} missing · {range} · {how}"))
        }
        Finding::Again { overlap } => {
            connection.again += 1;
            if let Some(leg) = leg {
                leg.again += 1;
                leg.overlap += u64::from(overlap);
            }
            None
        }
        Finding::NewHistory => {
            connection.lost_more = true;
            if let Some(leg) = leg {
                leg.new_history = true;
            }
            None
        }
        Finding::Late | Finding::Nothing => None,
    }
}
