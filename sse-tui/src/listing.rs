//! Which rows of the store are listed: an index that grows with the stream and
//! reads what is older in slices.

use std::collections::VecDeque;
use std::ops::Range;

use crate::filter::Filter;
use crate::store::{Row, RowKind, Store};

/// Bytes looked at in one slice, about: a few milliseconds at most.
const SLICE_BYTES: usize = 1 << 20;
/// Rows looked at in one slice.
const SLICE_ROWS: u64 = 4096;
/// Places begin here, so that older rows can be put before newer ones.
const MIDDLE: u64 = 1 << 62;

/// What is listed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Selection {
    /// Only what this admits.
    pub filter: Option<Filter>,
    /// Not these lanes.
    pub muted: Vec<u16>,
    /// Only this lane.
    pub solo: Option<u16>,
    /// Rows listed around each match.
    pub context: u64,
}

impl Selection {
    /// Whether every row is listed.
    pub fn is_all(&self) -> bool {
        self.filter.is_none() && self.muted.is_empty() && self.solo.is_none()
    }

    /// Whether the types that are solo or muted let a lane through.
    pub fn admits_lane(&self, lane: u16) -> bool {
        match self.solo {
            Some(solo) => solo == lane,
            None => !self.muted.contains(&lane),
        }
    }

    fn admits(&self, row: &Row<'_>, names: &[String]) -> bool {
        let name = names.get(usize::from(row.source));
        self.admits_lane(row.lane)
            && self
                .filter
                .as_ref()
                .is_none_or(|filter| filter.admits(row, name.map_or("", String::as_str)))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    row: u64,
    why: Why,
}

/// Why a row is listed; the later ones outweigh the earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Why {
    /// A match is near.
    Near,
    /// It is no event.
    Divider,
    /// It is selected.
    Hit,
}

/// The rows that are listed, each at a place. Places count up with the rows; a
/// place stays a row's own until the selection changes, but for those before a
/// row that joined late.
#[derive(Debug)]
pub struct Listing {
    selection: Selection,
    names: Vec<String>,
    entries: VecDeque<Entry>,
    /// Place of the first entry.
    start: u64,
    /// Rows from here on have been looked at; those before are still to be.
    scanned_from: u64,
    /// The next row that has not arrived.
    end: u64,
    /// The first row that arrived after the selection.
    first_new: u64,
    /// The newest match.
    last_hit: Option<u64>,
    hits: u64,
}

impl Listing {
    /// All rows; `names` are those of the streams.
    pub fn new(names: Vec<String>) -> Self {
        Self {
            selection: Selection::default(),
            names,
            entries: VecDeque::new(),
            start: MIDDLE,
            scanned_from: 0,
            end: 0,
            first_new: 0,
            last_hit: None,
            hits: 0,
        }
    }

    /// One more stream.
    pub fn add_name(&mut self, name: String) {
        self.names.push(name);
    }

    /// The names of the streams.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// What is listed.
    pub fn selection(&self) -> &Selection {
        &self.selection
    }

    /// Begins anew with another selection: from the newest row back, so that
    /// what is on the screen comes first.
    pub fn select(&mut self, selection: Selection, store: &Store) {
        *self = Self {
            selection,
            scanned_from: store.range().end,
            end: store.range().end,
            first_new: store.range().end,
            ..Self::new(std::mem::take(&mut self.names))
        };
    }

    /// Looks at rows that were appended since the last call.
    pub fn appended(&mut self, store: &Store) {
        let end = store.range().end;
        if self.selection.is_all() {
            self.end = end;
            return;
        }
        for number in self.end..end {
            self.end = number + 1;
            if let Some(row) = store.get(number) {
                self.look(number, &row, store);
            }
        }
        self.forget(store);
    }

    /// Looks at a slice of the rows that were there before the selection.
    pub fn scan(&mut self, store: &Store) {
        let first = store.range().start;
        let mut bytes = 0;
        for _ in 0..SLICE_ROWS {
            if self.selection.is_all() || self.scanned_from <= first || bytes > SLICE_BYTES {
                break;
            }
            self.scanned_from -= 1;
            if let Some(row) = store.get(self.scanned_from) {
                bytes += row.data.len();
                self.look(self.scanned_from, &row, store);
            }
        }
        self.forget(store);
    }

    /// The share of the rows held that has been looked at, while that is not all.
    pub fn progress(&self, store: &Store) -> Option<f64> {
        let held = store.range();
        if self.selection.is_all() || self.scanned_from <= held.start {
            return None;
        }
        let left = self.scanned_from - held.start;
        Some(1.0 - left as f64 / (held.end - held.start).max(1) as f64)
    }

    /// The places that are taken. Where all rows are listed, a row's place is
    /// its number.
    pub fn range(&self, store: &Store) -> Range<u64> {
        if self.selection.is_all() {
            return store.range();
        }
        self.start..self.start + self.entries.len() as u64
    }

    /// The row at a place.
    pub fn row(&self, place: u64) -> Option<u64> {
        if self.selection.is_all() {
            return Some(place);
        }
        let index = usize::try_from(place.checked_sub(self.start)?).ok()?;
        Some(self.entries.get(index)?.row)
    }

    /// Whether the row at a place is only there because of those around it.
    pub fn is_context(&self, place: u64) -> bool {
        !self.selection.is_all()
            && place
                .checked_sub(self.start)
                .and_then(|index| self.entries.get(usize::try_from(index).ok()?))
                .is_some_and(|entry| entry.why == Why::Near)
    }

    /// The place of a row, or of the first listed after it.
    pub fn place(&self, row: u64) -> u64 {
        if self.selection.is_all() {
            return row;
        }
        self.start + self.index(row) as u64
    }

    /// Events selected for themselves, of those held that were looked at.
    pub fn hits(&self) -> u64 {
        self.hits
    }

    fn index(&self, row: u64) -> usize {
        self.entries.partition_point(|entry| entry.row < row)
    }

    /// Lists a row if it is selected, is no event, or stands around a match.
    fn look(&mut self, number: u64, row: &Row<'_>, store: &Store) {
        if row.kind != RowKind::Event {
            self.insert(number, Why::Divider);
            return;
        }
        let context = self.selection.context;
        if self.selection.admits(row, &self.names) {
            self.hits += 1;
            self.last_hit = self.last_hit.max(Some(number));
            let held = store.range();
            for near in number.saturating_sub(context).max(held.start)..number {
                self.insert(near, Why::Near);
            }
            self.insert(number, Why::Hit);
            for near in number + 1..(number + context + 1).min(self.end) {
                self.insert(near, Why::Near);
            }
        } else if self
            .last_hit
            .is_some_and(|hit| hit < number && number - hit <= context)
        {
            self.insert(number, Why::Near);
        }
    }

    fn insert(&mut self, row: u64, why: Why) {
        let entry = Entry { row, why };
        if self.entries.back().is_none_or(|last| last.row < row) {
            self.entries.push_back(entry);
            // What is new has places from the middle on, what was there before it.
            self.start -= u64::from(row < self.first_new);
            return;
        }
        let index = self.index(row);
        match self.entries.get_mut(index) {
            Some(there) if there.row == row => there.why = there.why.max(why),
            _ => {
                self.entries.insert(index, entry);
                self.start -= 1;
            }
        }
    }

    /// Lets go of rows that the store let go of.
    fn forget(&mut self, store: &Store) {
        let first = store.range().start;
        while let Some(entry) = self.entries.front()
            && entry.row < first
        {
            self.hits -= u64::from(entry.why == Why::Hit);
            self.entries.pop_front();
            self.start += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn row(kind: RowKind, lane: u16, data: &str) -> Row<'_> {
        Row {
            kind,
            at: Timestamp::UNIX_EPOCH,
            delta: None,
            source: 0,
            lane,
            leg: 1,
            event_type: "",
            id: "",
            data,
        }
    }

    fn selection(filter: &str, muted: &[u16], solo: Option<u16>, context: u64) -> Selection {
        Selection {
            filter: Filter::parse(filter).unwrap(),
            muted: muted.to_vec(),
            solo,
            context,
        }
    }

    /// The rows and whether each is there for itself, worked out the slow way.
    fn model(selection: &Selection, store: &Store) -> Vec<(u64, bool)> {
        let held = store.range();
        let rows: Vec<_> = held
            .clone()
            .filter_map(|number| store.get(number))
            .collect();
        let hit = |row: &Row<'_>| {
            row.kind == RowKind::Event
                && selection
                    .solo
                    .map_or(!selection.muted.contains(&row.lane), |solo| {
                        solo == row.lane
                    })
                && selection
                    .filter
                    .as_ref()
                    .is_none_or(|filter| filter.admits(row, ""))
        };
        let mut listed = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            let own = selection.is_all() || row.kind != RowKind::Event || hit(row);
            let around = index.saturating_sub(selection.context as usize)
                ..(index + selection.context as usize + 1).min(rows.len());
            if own || rows[around].iter().any(hit) {
                listed.push((held.start + index as u64, own));
            }
        }
        listed
    }

    fn listed(listing: &Listing, store: &Store) -> Vec<(u64, bool)> {
        listing
            .range(store)
            .map(|place| (listing.row(place).unwrap(), !listing.is_context(place)))
            .collect()
    }

    proptest! {
        /// Rows come, the selection changes, slices are looked at, in any order.
        #[test]
        fn it_agrees_with_a_slow_model(
            steps in vec((0_u8..10, 0_u16..3, 1_usize..30), 1..60),
            context in 0_u64..4,
            budget in prop_oneof![Just(0_usize), Just(1 << 20)],
        ) {
            let mut store = Store::new(budget);
            let mut listing = Listing::new(vec![String::new()]);
            let selections = [
                selection("", &[], None, context),
                selection("a", &[], None, context),
                selection("not a or b", &[0], None, context),
                selection("", &[], Some(1), context),
            ];
            for (step, lane, count) in steps {
                match step {
                    0 => {
                        let selection = &selections[usize::from(lane) + count % 2];
                        listing.select(selection.clone(), &store);
                    }
                    1..4 => listing.scan(&store),
                    _ => {
                        for number in 0..count {
                            let kind = if step == 4 { RowKind::Lost } else { RowKind::Event };
                            let data = ["a", "b", "c", "ab", "d"][(number + count) % 5];
                            store.push(&row(kind, lane, data));
                        }
                        listing.appended(&store);
                    }
                }
            }
            while listing.progress(&store).is_some() {
                listing.scan(&store);
            }
            // Around what was evicted since, matches are no longer known.
            let selection = listing.selection().clone();
            let expected = model(&selection, &store);
            let found = listed(&listing, &store);
            if budget > 0 {
                prop_assert_eq!(&found, &expected);
            }
            let own = |rows: &[(u64, bool)]| rows.iter().filter(|row| row.1).copied().collect::<Vec<_>>();
            prop_assert_eq!(own(&found), own(&expected));
            prop_assert_eq!(found.iter().rev().is_sorted_by(|a, b| a.0 > b.0), true);
            for place in listing.range(&store) {
                prop_assert_eq!(listing.place(listing.row(place).unwrap()), place);
            }
        }
    }

    #[test]
    fn the_newest_matches_come_first_and_the_scan_is_cut_into_slices() {
        let mut store = Store::new(64 << 20);
        for number in 0..20_000_u64 {
            store.push(&row(RowKind::Event, 0, &number.to_string()));
        }
        let mut listing = Listing::new(vec![String::new()]);
        listing.appended(&store);
        listing.select(selection("/^19.*/ or /^1$/", &[], None, 0), &store);
        assert_eq!(listing.progress(&store), Some(0.0));
        listing.scan(&store);
        assert!(listing.progress(&store).is_some_and(|share| share < 0.3));
        let newest = listing.range(&store).end - 1;
        assert_eq!(listing.row(newest), Some(19_999));
        while listing.progress(&store).is_some() {
            listing.scan(&store);
        }
        assert_eq!(listing.row(newest), Some(19_999), "its place stayed");
        assert_eq!(listing.hits(), 1_112);
        assert_eq!(listing.row(listing.range(&store).start), Some(1));
    }
}
