//! Colours, or none.

use ratatui::style::{Color, Modifier, Style};

/// How parts of the view look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    colour: bool,
}

impl Theme {
    /// With colours, or in black and white.
    pub const fn new(colour: bool) -> Self {
        Self { colour }
    }

    /// In black and white if `NO_COLOR` is set and not empty (no-color.org).
    pub fn of_environment() -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self::new(!refused)
    }

    fn coloured(self, colour: Color) -> Style {
        if self.colour {
            Style::new().fg(colour)
        } else {
            Style::new()
        }
    }

    /// Names of panels and of values.
    pub fn label(self) -> Style {
        self.coloured(Color::DarkGray)
    }

    /// Frames of panels.
    pub fn frame(self) -> Style {
        self.coloured(Color::DarkGray)
    }

    /// Names of panels.
    pub fn title(self) -> Style {
        self.coloured(Color::Cyan)
    }

    /// What matters most in its panel.
    pub fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// As it should be.
    pub fn good(self) -> Style {
        self.coloured(Color::Green)
    }

    /// Not decided, or on its way.
    pub fn open_question(self) -> Style {
        self.coloured(Color::Yellow)
    }

    /// As it should not be.
    pub fn bad(self) -> Style {
        self.coloured(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// Away for a while.
    pub fn away(self) -> Style {
        self.coloured(Color::Magenta)
    }

    /// Curves and bars.
    pub fn curve(self) -> Style {
        self.coloured(Color::Cyan)
    }
}
