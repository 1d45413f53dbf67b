//! A list with the facts of its selected row beside or below it.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;

use super::pane::{Edge, Pane};
use super::pen::Pen;
use crate::theme::Theme;
use crate::wrap::Lines;

/// From this width on the facts stand beside the list.
const BESIDE: u16 = 150;
/// Lines of them below it, with the edge.
const BELOW: u16 = 10;
/// With fewer lines than this there is only the list.
const LEAST: u16 = 6;
/// Columns of text that are read at a glance.
const READABLE: usize = 84;
/// Columns of their names.
const NAME: u16 = 9;

/// Where the two parts stand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Places {
    list: Rect,
    facts: Rect,
    edge: Edge,
}

impl Places {
    pub(super) fn of(area: Rect, edge: Edge) -> Self {
        let split = if area.width >= BESIDE {
            Layout::horizontal([Constraint::Fill(3), Constraint::Fill(2)])
        } else {
            let facts = match area.height {
                ..LEAST => 0,
                height => BELOW.min(height.div_ceil(2)),
            };
            Layout::vertical([Constraint::Fill(1), Constraint::Length(facts)])
        };
        let [list, facts] = split.areas(area);
        Self { list, facts, edge }
    }

    /// The room for rows, below their names.
    pub(super) fn rows(&self) -> Rect {
        let inside = self.edge.inside(self.list);
        let names = u16::from(self.has_names());
        Rect {
            y: inside.y.saturating_add(names).min(inside.bottom()),
            height: inside.height.saturating_sub(names),
            ..inside
        }
    }

    fn has_names(&self) -> bool {
        self.edge != Edge::Bare && self.edge.inside(self.list).height > 2
    }

    /// Draws the edge of the list, and returns where the names of its columns
    /// stand, if there is room.
    pub(super) fn draw_list(
        &self,
        buffer: &mut Buffer,
        title: String,
        note: String,
        theme: &Theme,
    ) -> Option<Rect> {
        let inside = Pane::new(title)
            .note(note)
            .alert()
            .focused(true)
            .edge(self.edge)
            .draw(buffer, self.list, theme);
        let names = Rect {
            height: inside.height.min(1),
            ..inside
        };
        self.has_names().then_some(names)
    }

    /// Draws what there is to say while the list is empty, over the room of both
    /// parts.
    pub(super) fn draw_nothing(
        &self,
        buffer: &mut Buffer,
        title: &str,
        words: &[&str],
        theme: &Theme,
    ) {
        let area = self.edge.inside(self.list);
        let mut pen = Pen::line(buffer, area, 0);
        pen.skip(1).text(title, theme.text);
        let width = usize::from(area.width.saturating_sub(2)).max(1);
        let mut lines = Lines::default();
        let words = words.join(" ");
        lines.extend(&words, &[], width.min(READABLE));
        for line in 0..lines.len() {
            let (start, end) = lines.get(line);
            Pen::line(buffer, area, line as u16 + 2)
                .skip(1)
                .text(words[start..end].trim_end(), theme.dim);
        }
    }

    /// Without facts: the list alone.
    pub(super) fn of_list(area: Rect, edge: Edge) -> Self {
        Self {
            list: area,
            facts: Rect::ZERO,
            edge,
        }
    }

    /// Draws the facts, each wrapped to as many lines as it takes.
    pub(super) fn draw_facts(
        &self,
        buffer: &mut Buffer,
        title: String,
        facts: &[(&str, String, Style)],
        theme: &Theme,
    ) {
        if self.facts.height < 2 || self.facts.width < NAME + 8 {
            return;
        }
        let edge = match self.edge {
            Edge::Bare => Edge::Rule,
            edge => edge,
        };
        let inside = Pane::new(title).edge(edge).draw(buffer, self.facts, theme);
        let room = Rect {
            x: inside.x + NAME + 2,
            width: inside.width.saturating_sub(NAME + 3),
            ..inside
        };
        let mut line = 0;
        for (name, text, style) in facts {
            let mut lines = Lines::default();
            lines.extend(text, &[], usize::from(room.width));
            Pen::line(buffer, inside, line)
                .skip(1)
                .text(name, theme.dim);
            for part in 0..lines.len() {
                let (start, end) = lines.get(part);
                Pen::line(buffer, room, line)
                    .marks(theme)
                    .foreign(text[start..end].trim_end(), *style);
                line = line.saturating_add(1);
            }
        }
    }
}
