//! What stands where on the screen, for the mouse.

use std::time::{Duration, Instant};

use ratatui::layout::{Position, Rect};

use crate::keymap::{Context, Key};

/// Two clicks within this time on the same thing are a double click.
pub const DOUBLE: Duration = Duration::from_millis(400);
/// Rows that one notch of the wheel scrolls.
pub const NOTCH: usize = 3;

/// Something that can be clicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A pane, which the wheel scrolls.
    Pane(Context),
    /// The row at this place of the listing.
    Row(u64),
    /// A line of the detail, counted from the first in sight.
    Line(usize),
    /// An event type.
    Lane(u16),
    /// A stream.
    Stream(usize),
    /// A live panel.
    Panel(usize),
    /// A lint, or a reconnect of the audit, by its place.
    Finding(usize),
    /// A key that the footer names.
    Key(Key),
}

/// What was drawn where, as of the last frame.
#[derive(Debug, Default)]
pub struct Zones {
    zones: Vec<(Rect, Target)>,
    last: Option<(Target, Instant)>,
}

impl Zones {
    /// A frame begins: nothing is anywhere.
    pub(crate) fn clear(&mut self) {
        self.zones.clear();
    }

    /// Stands over what was added before.
    pub(crate) fn add(&mut self, area: Rect, target: Target) {
        self.zones.push((area, target));
    }

    /// One line of an area, if it has so many.
    pub(crate) fn add_lines(&mut self, area: Rect, line: u16, lines: u16, target: Target) {
        let lines = lines.min(area.height.saturating_sub(line));
        if lines > 0 {
            let (y, height) = (area.y + line, lines);
            self.add(Rect { y, height, ..area }, target);
        }
    }

    /// What is on top there.
    pub fn at(&self, column: u16, row: u16) -> Option<Target> {
        self.under(column, row).next()
    }

    /// The pane there, whatever is in it.
    pub fn pane_at(&self, column: u16, row: u16) -> Option<Context> {
        self.under(column, row).find_map(|target| match target {
            Target::Pane(context) => Some(context),
            _ => None,
        })
    }

    /// Whether this click is the second of a double click.
    pub(crate) fn is_double(&mut self, target: Target, now: Instant) -> bool {
        let before = self.last.replace((target, now));
        let double = before.is_some_and(|(before, at)| {
            before == target && now.saturating_duration_since(at) <= DOUBLE
        });
        if double {
            self.last = None;
        }
        double
    }

    fn under(&self, column: u16, row: u16) -> impl Iterator<Item = Target> {
        let here = Position::new(column, row);
        let zones = self.zones.iter().rev();
        zones
            .filter(move |(area, _)| area.contains(here))
            .map(|(_, target)| *target)
    }
}
