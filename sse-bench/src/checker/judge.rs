//! From records to findings.

use std::collections::HashSet;

use super::findings::{
    Anomaly, AnomalyKind, Around, Findings, LegResult, Level, Log, Logged, Strangers, Undecided,
};
use super::identity::Sequence;
use super::intervals::{Piece, pieces};
use super::order::Order;
use super::owed::Map;
use super::record::{LegEnd, SlotRecord};
use super::shared::{Open, each_begins_anew, unshared};
use super::slot::{Loss, Segment, SlotView};
use super::table::Key;
use super::{Checker, LISTED, Micros, reconnects};

impl Checker {
    /// Judges the run, which ended at `end`.
    pub fn judge(mut self, end: Micros) -> Findings {
        let end = self.truncated.map_or(end, |truncated| truncated.min(end));
        let greetings = self.end(end);
        let slots: Vec<Vec<Piece>> = self.slots.iter().map(|slot| pieces(&slot.legs)).collect();
        let level = self.level();
        let ambiguous = self.ambiguous(&slots);
        let ids = level != Level::Content;
        let keys = &self.table.keys;
        let excluded = |index: u32| {
            let key = &keys[index as usize];
            !key.confirmed || (ids && key.hashed) || ambiguous.contains(&index)
        };
        let order = Order::new(keys, excluded, &slots, self.acknowledged.as_ref());
        let drained = end.saturating_sub(self.settings.drain);
        let until = drained.saturating_sub(self.lags.longest(drained, end));
        let no_sequence = order.no_sequence;
        let sequence = level == Level::Sequence && !no_sequence;
        let owed = order.key_at.iter();
        let owed: Vec<bool> = owed
            .map(|key| self.is_owed(*key, &order, level, until))
            .collect();
        let map = Map::new(
            &self.table,
            order,
            &self.lags,
            &owed,
            self.acknowledged.is_some(),
        );
        let mut judged = Judged::new(&self, &map, end);
        judged.let_go();
        for (number, (record, pieces)) in self.slots.iter().zip(&slots).enumerate() {
            if !record.legs.is_empty() {
                let view = SlotView::new(&map, record, pieces, &self.settings, end);
                judged.slot(number, &view);
            }
        }
        judged.conflicts(excluded);
        judged.name();
        let mut findings = judged.findings;
        findings.level = Some(level);
        findings.greetings = greetings;
        let confirmed = keys.iter().filter(|key| key.confirmed).count();
        findings.events = self.let_go.events + confirmed as u64;
        let shared = keys.iter().filter(|key| key.shared).count() as u64;
        findings.shared = self.let_go.shared + shared;
        findings.lost = self.slots.iter().map(SlotRecord::lost).sum();
        findings.ambiguous = ambiguous.len() as u64;
        findings.deliveries = self.counts.deliveries;
        findings.control = self.counts.control + self.counts.gap_events;
        findings.integrity.unkeyed = self.counts.unkeyed + self.unkeyed(&slots, excluded);
        let open = Open::new(&self.slots, end, &self.let_go.watched);
        let (window, alone) = open.watched(until);
        findings.window = window;
        let part = |index: u32| !excluded(index);
        let private = self.let_go.unshared + unshared(&self.table, until, part);
        let known = findings.events - ambiguous.len() as u64;
        let disputed = self.table.disputed();
        let not_shared = if each_begins_anew(&self.table, &self.slots, &map.by_time, end) {
            Some(Strangers::BeginAnew)
        } else if findings.shared >= 4 && disputed * 4 > findings.shared {
            Some(Strangers::Disagree(disputed, findings.shared))
        } else {
            (known >= 4 && private * 2 > known).then_some(Strangers::Private(private, known))
        };
        let strange = keys.iter().filter(|key| self.is_strange(key)).count() as u64;
        let hashed_all = level == Level::Content && known == 0;
        let declared = sequence || self.acknowledged.is_some();
        findings.undecided = [
            self.truncated.map(Undecided::Truncated),
            (level == Level::None || hashed_all).then_some(Undecided::NoIdentity),
            (no_sequence || self.has_no_numbers()).then_some(Undecided::NoSequence),
            not_shared.map(Undecided::NotShared),
            (findings.integrity.expected == 0).then_some(Undecided::NothingOwed),
            (!declared && (alone > 0 || window == 0)).then_some(Undecided::Unverifiable(alone)),
            (!declared && private > 0).then_some(Undecided::Unshared(private)),
            (strange > 0).then_some(Undecided::Forgotten(strange)),
        ]
        .into_iter()
        .flatten()
        .collect();
        findings
    }

    /// Whether an event, or a phantom, first received by `until` counts as owed.
    pub(super) fn is_owed(&self, key: u32, order: &Order, level: Level, until: Micros) -> bool {
        let keys = &self.table.keys;
        let Some(key) = keys.get(key as usize) else {
            return order.phantoms[key as usize - keys.len()].first_at <= until;
        };
        let number = key.number.map(|number| number.number);
        let sequence = level == Level::Sequence && !order.no_sequence;
        let declared = sequence && number.is_some();
        let published = self.acknowledged.as_ref().is_none_or(|numbers| {
            let number = number.as_ref();
            number.is_some_and(|number| numbers.contains_key(number))
        });
        (key.shared || declared) && published && key.first_at <= until && !self.is_strange(key)
    }

    /// Received by nobody live, when names were forgotten already: it may be a
    /// repeat of one of those.
    fn is_strange(&self, key: &Key) -> bool {
        self.table.remembered.forgotten > 0 && key.confirmed && !key.live
    }

    /// Closes what is open and lets go of what was held back: the greetings.
    fn end(&mut self, end: Micros) -> Vec<(String, u64)> {
        for slot in 0..self.slots.len() {
            self.closed(slot, end, LegEnd::EndOfRun);
        }
        let legs = self.slots.iter().flat_map(|slot| &slot.legs);
        let begun = self.let_go.begun + legs.filter(|leg| leg.has_events).count();
        let greetings = self.types.finish(begun);
        for held in greetings.none {
            self.release(&held);
        }
        self.counts.unkeyed += greetings.events.len() as u64;
        for held in greetings.events {
            let slot = &mut self.slots[held.slot];
            if let Some(leg) = slot.leg(held.leg) {
                leg.drop_first();
            }
        }
        greetings.types
    }

    pub(super) fn level(&self) -> Level {
        if !self.table.keys.iter().any(|key| key.confirmed) {
            Level::None
        } else if self.settings.sequence.is_some() && self.counts.numbered > 0 {
            Level::Sequence
        } else if self.settings.sequence.is_none() && self.settings.key_pointer.is_some() {
            Level::Pointer
        } else if self.table.ids_seen {
            Level::Id
        } else {
            Level::Content
        }
    }

    /// The expression fits fewer ids than it does not fit.
    fn has_no_numbers(&self) -> bool {
        let of_ids = matches!(self.settings.sequence, Some(Sequence::Id(_)));
        self.settings.sequence.is_some()
            && (self.counts.numbered == 0
                || of_ids && self.counts.unnumbered > self.counts.numbered)
    }

    /// Contents that a slot received twice: they may be two events or one.
    fn ambiguous(&self, slots: &[Vec<Piece>]) -> HashSet<u32> {
        if self.level() != Level::Content {
            return HashSet::new();
        }
        let repeats = slots.iter().flatten().filter(|piece| !piece.new);
        repeats
            .flat_map(|piece| piece.start..piece.start + piece.length)
            .collect()
    }

    /// Receptions of events that are excluded.
    fn unkeyed(&self, slots: &[Vec<Piece>], excluded: impl Fn(u32) -> bool) -> u64 {
        if !self.table.keys.iter().any(|key| key.hashed) {
            return 0;
        }
        let pieces = slots.iter().flatten();
        let indexes = pieces.flat_map(|piece| piece.start..piece.start + piece.length);
        indexes.filter(|index| excluded(*index)).count() as u64
    }
}

/// Findings in the making.
struct Judged<'a> {
    checker: &'a Checker,
    map: &'a Map<'a>,
    end: Micros,
    findings: Findings,
    listed: std::collections::HashMap<AnomalyKind, usize>,
}

impl<'a> Judged<'a> {
    fn new(checker: &'a Checker, map: &'a Map<'a>, end: Micros) -> Self {
        Self {
            checker,
            map,
            end,
            findings: Findings {
                log: Log::new(checker.settings.logged),
                ..Findings::default()
            },
            listed: std::collections::HashMap::new(),
        }
    }

    /// What was counted of events and legs that are no longer there.
    fn let_go(&mut self) {
        let counts = &self.checker.counts;
        let integrity = &mut self.findings.integrity;
        integrity.duplicate = counts.repeats;
        integrity.replay_overlap = counts.overlaps;
        integrity.id_conflict = counts.conflicts;
        self.findings.reconnects = self.checker.let_go.reconnects;
        self.findings.legs = self.checker.let_go.legs.clone();
        for anomaly in &self.checker.let_go.anomalies {
            *self.listed.entry(anomaly.kind).or_default() += 1;
        }
    }

    fn slot(&mut self, number: usize, view: &SlotView<'_>) {
        let settings = &self.checker.settings;
        let losses = view.losses();
        let integrity = &mut self.findings.integrity;
        integrity.expected += view.record.expected + view.expected();
        integrity.received += view.record.expected + view.received();
        self.findings.slots += 1;
        for loss in &losses {
            self.loss(number, view, loss);
        }
        self.repeats(number, view);
        for (leg, outside) in view.reorders() {
            let count = outside.iter().map(|part| u64::from(part.length)).sum();
            self.findings.integrity.reorder += count;
            let at = view.record.legs[leg as usize].opened;
            let leg = leg as usize;
            self.list(self.anomaly(AnomalyKind::Reorder, number, leg, at, count, None));
            for part in &outside {
                self.arrived(AnomalyKind::Reorder, number, view, part, 0);
            }
        }
        let watched =
            |leg: &super::Leg| leg.closed_at().min(self.end) - leg.opened >= settings.stall;
        if view.record.watched || view.record.legs.iter().any(watched) {
            self.findings.stall_checked += 1;
        }
        if let Some((leg, since)) = view.stall(settings.stall, None) {
            self.findings.integrity.stall += 1;
            let mut anomaly = self.anomaly(AnomalyKind::Stall, number, 0, since, 1, None);
            anomaly.leg = leg as usize;
            self.note(anomaly, Around::Time(since));
        }
        self.reconnects(number, view, &losses);
    }

    fn loss(&mut self, slot: usize, view: &SlotView<'_>, loss: &Loss) {
        let connected = loss.while_connected(view.last_leg());
        let leg = loss.after.or(loss.before).unwrap_or(view.last_leg()) as usize;
        let at = self.map.first_at(loss.start);
        let bounds = self.map.owed_bounds(loss.start, loss.end);
        if loss.declared > 0 {
            self.findings.integrity.declared_gap += 1;
            self.findings.declared_connected += u64::from(connected);
            let (kind, count) = (AnomalyKind::DeclaredGap, loss.declared.into());
            let anomaly = self.anomaly(kind, slot, leg, at, count, bounds);
            self.list(anomaly.clone());
            self.lost(view, loss, anomaly, false);
        }
        let lost = u64::from(loss.count - loss.declared);
        if lost == 0 {
            return;
        }
        let integrity = &mut self.findings.integrity;
        integrity.missing += lost;
        let mut past = false;
        let kind = match (loss.after, connected) {
            (None, _) => AnomalyKind::MissingAtEnd,
            (Some(_), true) => {
                integrity.gap += 1;
                let next = self.map.key_at(loss.end);
                past = next.is_some_and(|key| key.has_id);
                integrity.cursor_past_hole += u64::from(past);
                AnomalyKind::Gap
            }
            (Some(_), false) => {
                integrity.lost_after_reconnect += 1;
                AnomalyKind::LostAfterReconnect
            }
        };
        if connected {
            self.findings.missing_connected += lost;
        } else {
            self.findings.missing_between += lost;
        }
        let anomaly = self.anomaly(kind, slot, leg, at, lost, bounds);
        self.list(anomaly.clone());
        self.lost(view, loss, anomaly, past);
    }

    /// Logs what did not arrive, between what did.
    fn lost(&mut self, view: &SlotView<'_>, loss: &Loss, anomaly: Anomaly, past: bool) {
        if !self.findings.log.is_wanted() {
            return;
        }
        let before = loss.before.and_then(|_| loss.start.checked_sub(1));
        let after = loss.after.map(|_| loss.end);
        let place = |position: u32| view.find(position).map(|found| view.place(found));
        let around = Around::Receptions {
            before: before.and_then(place),
            first: None,
            after: after.and_then(place),
        };
        let entry = Logged {
            before: before.map(|position| self.key(position)),
            after: after.map(|position| self.key(position)),
            cursor_past_hole: past,
            ..Logged::new(anomaly, around)
        };
        self.findings.log.add(entry);
    }

    /// Logs what arrived and should not have, or not there.
    fn arrived(
        &mut self,
        kind: AnomalyKind,
        slot: usize,
        view: &SlotView<'_>,
        part: &Segment,
        replay_overlap: u64,
    ) {
        if !self.findings.log.is_wanted() {
            return;
        }
        let leg = part.leg;
        let at = view.record.legs[leg as usize].opened;
        let bounds = Some((part.position, part.end() - 1));
        let count = part.length.into();
        let anomaly = self.anomaly(kind, slot, leg as usize, at, count, bounds);
        let before = part.ordinal.checked_sub(1);
        let after = Some(part.ordinal + part.length);
        let place = |ordinal: u32| view.place((leg, ordinal));
        let around = Around::Receptions {
            before: before.map(place),
            first: Some(place(part.ordinal)),
            after: after.map(place),
        };
        let key = |ordinal: u32| Some(self.key(view.received_at(leg, ordinal)?));
        let entry = Logged {
            before: before.and_then(key),
            after: after.and_then(key),
            replay_overlap,
            ..Logged::new(anomaly, around)
        };
        self.findings.log.add(entry);
    }

    fn repeats(&mut self, slot: usize, view: &SlotView<'_>) {
        for repeat in &view.repeats {
            let cursor = (repeat.leg > 0)
                .then(|| view.cursor(repeat.leg as usize))
                .flatten();
            let integrity = &mut self.findings.integrity;
            integrity.duplicate += u64::from(repeat.length);
            let overlap = reconnects::overlap(repeat, cursor);
            integrity.replay_overlap += overlap;
            let at = view.record.legs[repeat.leg as usize].opened;
            let bounds = Some((repeat.position, repeat.end() - 1));
            let (leg, count) = (repeat.leg as usize, repeat.length.into());
            self.list(self.anomaly(AnomalyKind::Duplicate, slot, leg, at, count, bounds));
            self.arrived(AnomalyKind::Duplicate, slot, view, repeat, overlap);
        }
    }

    fn reconnects(&mut self, slot: usize, view: &SlotView<'_>, losses: &[Loss]) {
        let settings = &self.checker.settings;
        for (leg, record) in view.record.legs.iter().enumerate() {
            if record.number == 1 {
                continue;
            }
            let judge = || reconnects::judge(view, losses, leg, settings);
            let result = record.result.as_deref().copied().unwrap_or_else(judge);
            self.reconnect(&result);
            if result.complete == Some(false) {
                let at = reconnects::overdue(view, leg, settings);
                let kind = AnomalyKind::IncompleteReplay;
                let anomaly = self.anomaly(kind, slot, leg, at, result.owed, None);
                self.note(anomaly, Around::Opening);
            }
        }
        if view.record.rejected {
            self.findings.reconnects.total += 1;
            self.findings.reconnects.rejected += 1;
            let at = view.record.legs.last().map_or(0, super::Leg::closed_at);
            let mut anomaly = self.anomaly(AnomalyKind::Rejected, slot, 0, at, 1, None);
            anomaly.leg = view.record.opened as usize + 1;
            self.note(anomaly, Around::Time(at));
        }
    }

    fn reconnect(&mut self, result: &LegResult) {
        self.findings.legs.add(result);
        self.findings.reconnects.add(result);
    }

    fn conflicts(&mut self, excluded: impl Fn(u32) -> bool) {
        let table = &self.checker.table;
        let conflicts = table.keys.iter().filter(|key| key.conflict);
        self.findings.integrity.id_conflict += conflicts.count() as u64;
        let unnamed = table.conflicting - table.conflicts.len() as u64;
        self.findings.log.leave_out(unnamed);
        for (index, seen) in &table.conflicts {
            if !excluded(*index) {
                let position = self.map.position(*index);
                let bounds = position.map(|position| (position, position));
                let (kind, slot) = (AnomalyKind::IdConflict, seen.slot as usize);
                let mut anomaly = self.anomaly(kind, slot, 0, seen.at, 1, bounds);
                anomaly.leg = seen.leg as usize;
                self.note(anomaly, Around::Delivery(seen.delivery));
            }
        }
    }

    /// Lists and logs.
    fn note(&mut self, anomaly: Anomaly, around: Around) {
        if self.findings.log.is_wanted() {
            let entry = Logged::new(anomaly.clone(), around);
            self.findings.log.add(entry);
        }
        self.list(anomaly);
    }

    fn list(&mut self, anomaly: Anomaly) {
        let listed = self.listed.entry(anomaly.kind).or_default();
        *listed += 1;
        if *listed <= LISTED {
            self.findings.anomalies.push(anomaly);
        }
    }

    /// With indexes in the place of names.
    fn anomaly(
        &self,
        kind: AnomalyKind,
        slot: usize,
        leg: usize,
        at: Micros,
        count: u64,
        bounds: Option<(u32, u32)>,
    ) -> Anomaly {
        Anomaly {
            kind,
            slot: slot + 1,
            leg: self.leg_number(slot, leg),
            at,
            count,
            first: bounds.map(|(first, _)| self.key(first)),
            last: bounds.map(|(_, last)| self.key(last)),
        }
    }

    /// As people count the legs of a slot, whatever was let go of.
    fn leg_number(&self, slot: usize, leg: usize) -> usize {
        let legs = &self.checker.slots[slot].legs;
        legs.get(leg).map_or(0, |leg| leg.number as usize)
    }

    fn key(&self, position: u32) -> String {
        self.map.order.key_at[position as usize].to_string()
    }

    /// Puts names in the place of indexes, all in one pass over the table.
    fn name(&mut self) {
        self.findings.log.settle();
        let fields = |anomaly: &Anomaly| [anomaly.first.clone(), anomaly.last.clone()];
        let entries = self.findings.log.entries.iter();
        let neighbours = entries
            .clone()
            .flat_map(|entry| [entry.before.clone(), entry.after.clone()]);
        let anomalies = entries.map(|entry| &entry.anomaly);
        let anomalies = anomalies.chain(&self.findings.anomalies);
        let indexes = anomalies.flat_map(fields).chain(neighbours).flatten();
        let wanted: HashSet<u32> = indexes.filter_map(|text| text.parse().ok()).collect();
        let names = self.checker.table.names(&wanted);
        let keys = self.checker.table.keys.len();
        let name = |field: &mut Option<String>| {
            let Some(index) = field.as_deref().and_then(|text| text.parse::<u32>().ok()) else {
                return;
            };
            *field = match names.get(&index) {
                Some(name) => Some(name.clone()),
                None => {
                    let phantom = self.map.order.phantoms.get(index as usize - keys);
                    phantom.map(|phantom| {
                        let series = self.checker.table.series_name(phantom.number.series);
                        format!("{series}{}", phantom.number.number)
                    })
                }
            };
        };
        for entry in &mut self.findings.log.entries {
            name(&mut entry.anomaly.first);
            name(&mut entry.anomaly.last);
            name(&mut entry.before);
            name(&mut entry.after);
        }
        for anomaly in &mut self.findings.anomalies {
            name(&mut anomaly.first);
            name(&mut anomaly.last);
        }
        // These have their names.
        self.findings.log.append(&self.checker.let_go.log);
        self.findings.log.settle();
        let anomalies = &mut self.findings.anomalies;
        anomalies.extend_from_slice(&self.checker.let_go.anomalies);
        anomalies.sort_by_key(|anomaly| anomaly.at);
    }
}
