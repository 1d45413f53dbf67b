//! The edge of a pane, with its title and a note.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::symbols::border;
use ratatui::widgets::{Block, Widget};

use super::pen::Pen;
use crate::theme::Theme;

/// How a pane is set off from its neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Edge {
    /// A border all around.
    #[default]
    Border,
    /// A rule above.
    Rule,
    /// Nothing.
    Bare,
}

impl Edge {
    /// The room inside.
    pub(super) fn inside(self, area: Rect) -> Rect {
        match self {
            Self::Border => Block::bordered().inner(area),
            Self::Rule => Rect {
                y: area.y.saturating_add(1).min(area.bottom()),
                height: area.height.saturating_sub(1),
                ..area
            },
            Self::Bare => area,
        }
    }
}

/// A pane to be drawn.
#[derive(Debug, Default)]
pub(super) struct Pane {
    title: String,
    note: String,
    alert: bool,
    focused: bool,
    edge: Edge,
}

impl Pane {
    /// A pane with a border and this title.
    pub(super) fn new(title: String) -> Self {
        Self {
            title,
            ..Self::default()
        }
    }

    /// Text at the right end of the title line.
    pub(super) fn note(mut self, note: String) -> Self {
        self.note = note;
        self
    }

    /// The note is something to act on.
    pub(super) fn alert(mut self) -> Self {
        self.alert = true;
        self
    }

    /// Whether the keys go here while another pane could have them.
    pub(super) fn focused(mut self, focused: bool) -> Self {
        self.focused = focused;
        self
    }

    /// How it is set off.
    pub(super) fn edge(mut self, edge: Edge) -> Self {
        self.edge = edge;
        self
    }

    /// Draws the edge and returns the room inside.
    pub(super) fn draw(&self, buffer: &mut Buffer, area: Rect, theme: &Theme) -> Rect {
        let line = if self.focused {
            theme.accent
        } else {
            theme.faint
        };
        match self.edge {
            Edge::Border => Block::bordered()
                .border_set(border::ROUNDED)
                .border_style(line)
                .render(area, buffer),
            Edge::Rule => {
                let mut pen = Pen::new(
                    buffer,
                    Rect {
                        height: area.height.min(1),
                        ..area
                    },
                );
                pen.fill("─", line);
            }
            Edge::Bare => {}
        }
        if self.edge != Edge::Bare && area.width > 4 && area.height > 0 {
            self.write_title(buffer, area, theme);
        }
        self.edge.inside(area)
    }

    fn write_title(&self, buffer: &mut Buffer, area: Rect, theme: &Theme) {
        let title: Style = if self.focused {
            theme.accent
        } else {
            theme.strong
        };
        let line = Rect {
            x: area.x + 1,
            width: area.width - 2,
            height: 1,
            ..area
        };
        let mut pen = Pen::new(buffer, line);
        pen.text(" ", title);
        pen.foreign(&self.title, title);
        pen.text(" ", title);
        if !self.note.is_empty() {
            let style = if self.alert { theme.warn } else { theme.dim };
            pen.right(&format!(" {} ", self.note), style);
        }
    }
}
