//! What the live panels show: the latest event of each type of each stream, and
//! its numbers over time.
//!
//! Data is looked at when it arrives, at most [`SAMPLES`] times a second for
//! each type, and once more before it is drawn, so that the latest value is
//! always the latest. What that costs does not depend on how many events come.

mod fields;

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::sanitize::prefix;
use crate::stats::Meter;
use crate::store::{Row, Store};

/// Times a second that the data of one type is looked at.
pub const SAMPLES: i64 = 4;
/// How far back the charts go.
pub const HISTORY: Duration = Duration::from_secs(180);
/// Event types with a panel; further ones have none, which is said.
pub const MAX_PANELS: usize = 64;
/// Numbers of one type with a chart.
pub const MAX_FIELDS: usize = 16;
/// Larger data is not looked at.
pub const MAX_DATA: usize = 64 << 10;
/// Points of one chart.
const MAX_POINTS: usize = (HISTORY.as_secs() as usize) * SAMPLES as usize;
/// Bytes of the latest data kept to be shown.
const MAX_LATEST: usize = 4 << 10;

/// A number in the data of a type, as asked for on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The event type.
    pub event_type: String,
    /// A JSON pointer (RFC 6901).
    pub pointer: String,
}

impl std::str::FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = text.split_once(':');
        let found = found.filter(|(_, pointer)| pointer.is_empty() || pointer.starts_with('/'));
        let (event_type, pointer) =
            found.ok_or("a chart is written as TYPE:POINTER, as in tick:/price")?;
        Ok(Self {
            event_type: event_type.to_owned(),
            pointer: pointer.to_owned(),
        })
    }
}

/// A number over time.
#[derive(Debug, Clone)]
pub struct Field {
    /// Where it stands in the data.
    pub pointer: String,
    points: VecDeque<(Timestamp, f64)>,
}

impl Field {
    /// The points up to a time, oldest first, at most [`HISTORY`] old then.
    pub fn points(&self, now: Timestamp) -> impl Iterator<Item = (Timestamp, f64)> + Clone + '_ {
        let oldest = now.saturating_sub(HISTORY).unwrap_or(Timestamp::MIN);
        let within = move |(at, _): &(Timestamp, f64)| (oldest..=now).contains(at);
        self.points.iter().copied().filter(within)
    }

    /// The pointer as people read it: `price`, `memory.rss`.
    pub fn label(&self) -> String {
        fields::label(&self.pointer)
    }

    /// A point too near to the last one takes its place.
    fn push(&mut self, at: Timestamp, value: f64) {
        let near = |(last, _): &&(Timestamp, f64)| {
            let gap = at.duration_since(*last);
            gap >= SignedDuration::ZERO && gap < interval()
        };
        let before = self
            .points
            .len()
            .checked_sub(2)
            .map(|index| self.points[index]);
        if before.as_ref().is_some_and(|before| near(&before)) {
            self.points.pop_back();
        } else if self.points.back().is_some_and(|(last, _)| at < *last) {
            // The clock was set back.
            self.points.clear();
        }
        if self.points.len() == MAX_POINTS {
            self.points.pop_front();
        }
        self.points.push_back((at, value));
    }
}

/// One event type of one stream.
#[derive(Debug, Clone)]
pub struct Panel {
    /// Its lane in [`Stats`](crate::stats::Stats).
    pub lane: u16,
    /// The index of its stream.
    pub source: u16,
    /// How often it came.
    pub meter: Meter,
    /// Its name.
    pub name: String,
    /// The numbers found in its data, in the order in which they were found.
    pub fields: Vec<Field>,
    /// Numbers found beyond [`MAX_FIELDS`] in the data looked at last.
    pub fields_beyond: usize,
    /// The latest data, its beginning if it is long.
    pub latest: String,
    /// Events too large to look at.
    pub too_large: u64,
    chosen: Option<String>,
    newest: u64,
    looked_at: Option<(u64, Timestamp)>,
}

impl Panel {
    /// The field whose chart is shown: the one that was chosen, else the first
    /// that is no counter or time by its name.
    pub fn chosen(&self) -> Option<usize> {
        let wanted = |field: &Field| Some(&field.pointer) == self.chosen.as_ref();
        if self.chosen.is_some() {
            return self.fields.iter().position(wanted);
        }
        let telling = |field: &Field| !fields::is_bookkeeping(&field.pointer);
        let first = (!self.fields.is_empty()).then_some(0);
        self.fields.iter().position(telling).or(first)
    }

    /// The pointer that was asked for.
    pub fn wanted(&self) -> Option<&str> {
        self.chosen.as_deref()
    }

    fn key(&self) -> (u16, u16) {
        (self.lane, self.source)
    }

    fn choose(&mut self, by: isize) {
        let count = self.fields.len().cast_signed();
        if count > 0 {
            let now = self
                .chosen()
                .map_or(-by.signum().min(0), usize::cast_signed);
            let next = (now + by).rem_euclid(count).unsigned_abs();
            self.chosen = Some(self.fields[next].pointer.clone());
        }
    }

    fn look(&mut self, row: u64, at: Timestamp, data: &str) {
        self.looked_at = Some((row, at));
        prefix(data, MAX_LATEST).clone_into(&mut self.latest);
        if data.len() > MAX_DATA {
            self.too_large += 1;
            return;
        }
        self.fields_beyond = 0;
        for (pointer, value) in fields::numbers(data) {
            let known = self
                .fields
                .iter()
                .position(|field| field.pointer == pointer);
            match known {
                Some(index) => self.fields[index].push(at, value),
                None if self.fields.len() < MAX_FIELDS
                    // One that was asked for finds room.
                    || self.chosen.as_ref() == Some(&pointer) =>
                {
                    let points = VecDeque::from([(at, value)]);
                    self.fields.push(Field { pointer, points });
                }
                None => self.fields_beyond += 1,
            }
        }
    }
}

/// All panels, and what the reader does with them.
#[derive(Debug, Default)]
pub struct Charts {
    panels: Vec<Panel>,
    /// By lane and stream.
    places: HashMap<(u16, u16), usize>,
    wanted: Vec<Wanted>,
    /// Lane and stream of the panel that has the keys.
    selected: Option<(u16, u16)>,
    zoomed: bool,
    /// Panels side by side and rows in sight, as drawn last.
    grid: (usize, usize),
    /// The first row of panels in sight.
    top: usize,
    /// The time that is shown while the display is paused.
    frozen: Option<Timestamp>,
}

impl Charts {
    /// Panels and fields that come first.
    pub fn new(wanted: Vec<Wanted>) -> Self {
        Self {
            wanted,
            ..Self::default()
        }
    }

    /// What was asked for on the command line.
    pub fn wanted(&self) -> &[Wanted] {
        &self.wanted
    }

    /// Takes note of an event.
    pub fn event(&mut self, row: u64, event: &Row<'_>) {
        let (at, data) = (event.at, event.data);
        let key = (event.lane, event.source);
        let index = match self.places.get(&key) {
            Some(index) => *index,
            None if self.panels.len() >= MAX_PANELS => return,
            None => {
                self.places.insert(key, self.panels.len());
                self.panels.push(self.panel(key, event.event_type, at));
                self.panels.len() - 1
            }
        };
        let panel = &mut self.panels[index];
        panel.newest = row;
        panel.meter.add(at);
        let soon = panel.looked_at.is_some_and(|(_, last)| {
            let gap = at.duration_since(last);
            gap >= SignedDuration::ZERO && gap < interval()
        });
        if !soon {
            panel.look(row, at, data);
        }
    }

    /// Looks at the latest of each type, unless the display is paused.
    pub fn refresh(&mut self, store: &Store, now: Timestamp, paused: bool) {
        if paused {
            self.frozen.get_or_insert(now);
            return;
        }
        self.frozen = None;
        for panel in &mut self.panels {
            if panel.looked_at.is_none_or(|(row, _)| row != panel.newest)
                && let Some(row) = store.get(panel.newest)
            {
                panel.look(panel.newest, row.at, row.data);
            }
        }
    }

    /// The time that is shown.
    pub fn now(&self, now: Timestamp) -> Timestamp {
        self.frozen.unwrap_or(now)
    }

    /// The panels in the order in which they are shown: those asked for, those
    /// with numbers, the others.
    pub fn panels(&self) -> Vec<&Panel> {
        let mut panels: Vec<_> = self.panels.iter().collect();
        panels.sort_by_key(|panel| {
            let wanted = |wanted: &Wanted| wanted.event_type == panel.name;
            let place = self.wanted.iter().position(wanted);
            let control = matches!(panel.name.as_str(), "connected" | "gap");
            (
                place.unwrap_or(usize::MAX),
                control,
                panel.fields.is_empty(),
                panel.key(),
            )
        });
        panels
    }

    /// Fits the grid to what is drawn, and keeps the selected panel in sight.
    pub fn fit(&mut self, columns: usize, rows: usize) {
        self.grid = (columns.max(1), rows.max(1));
        let row = self.selected_index() / self.grid.0;
        let all = self.panels.len().div_ceil(self.grid.0);
        self.top = self
            .top
            .min(all.saturating_sub(self.grid.1))
            .min(row)
            .max((row + 1).saturating_sub(self.grid.1));
    }

    /// The place of the first panel in sight.
    pub fn first_in_sight(&self) -> usize {
        self.top * self.grid.0
    }

    /// The place of the panel that has the keys.
    pub fn selected_index(&self) -> usize {
        let selected = |panel: &&Panel| Some(panel.key()) == self.selected;
        self.panels().iter().position(selected).unwrap_or(0)
    }

    /// Whether one panel takes the whole screen.
    pub fn zoomed(&self) -> bool {
        self.zoomed
    }

    /// Moves the keys to another panel, by places.
    pub fn select_by(&mut self, by: isize) {
        let panels = self.panels();
        let last = panels.len().saturating_sub(1);
        let index = self.selected_index().saturating_add_signed(by).min(last);
        self.selected = panels.get(index).map(|panel| panel.key());
    }

    /// Moves the keys to another row of panels; in a single panel, to another
    /// field.
    pub fn move_by(&mut self, rows: isize) {
        if self.zoomed {
            self.field(rows);
        } else {
            let step = rows.saturating_mul(self.grid.0.cast_signed());
            if self.selected_index().checked_add_signed(step).is_some() {
                self.select_by(step);
            }
        }
    }

    /// Shows another field of the selected panel.
    pub fn field(&mut self, by: isize) {
        let key = self.panels().get(self.selected_index()).map(|p| p.key());
        if let Some(index) = key.and_then(|key| self.places.get(&key)) {
            self.panels[*index].choose(by);
        }
    }

    /// Shows the selected panel alone, or all.
    pub fn zoom(&mut self, zoomed: bool) {
        self.zoomed = zoomed && !self.panels.is_empty();
    }

    fn panel(&self, (lane, source): (u16, u16), event_type: &str, at: Timestamp) -> Panel {
        let wanted = |wanted: &&Wanted| wanted.event_type == event_type;
        let wanted = self.wanted.iter().find(wanted);
        Panel {
            lane,
            source,
            meter: Meter::new(at),
            name: event_type.to_owned(),
            fields: Vec::new(),
            fields_beyond: 0,
            latest: String::new(),
            too_large: 0,
            chosen: wanted.map(|wanted| wanted.pointer.clone()),
            newest: 0,
            looked_at: None,
        }
    }
}

fn interval() -> SignedDuration {
    SignedDuration::from_millis(1000 / SAMPLES)
}

#[cfg(test)]
mod tests;
