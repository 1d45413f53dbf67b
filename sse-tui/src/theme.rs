//! Colours by their meaning.

use ratatui::style::{Color, Modifier, Style};

use crate::json::Kind;

/// Which colours to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum ThemeName {
    /// For a dark background.
    #[default]
    Dark,
    /// For a light background.
    Light,
    /// No colour: bold, dim, reverse and underline alone.
    Plain,
}

impl ThemeName {
    /// Plain if `NO_COLOR` is set and not empty (no-color.org), else dark.
    pub fn from_environment() -> Self {
        match std::env::var_os("NO_COLOR") {
            Some(value) if !value.is_empty() => Self::Plain,
            _ => Self::Dark,
        }
    }
}

/// The styles of everything drawn. What carries information has a contrast of at
/// least 4.5 with what it stands on, the rest of 3 (WCAG 2.2, 1.4.3 and 1.4.11).
#[derive(Debug, Clone)]
pub struct Theme {
    /// Only ASCII is drawn, and other characters as `?`.
    pub ascii: bool,
    /// What people came to read.
    pub text: Style,
    /// What explains it.
    pub dim: Style,
    /// Borders, rules, the baseline of sparklines; never text.
    pub faint: Style,
    /// Titles and keys.
    pub strong: Style,
    /// The name of the program, and what has the keys.
    pub accent: Style,
    /// The name of the program as a label.
    pub brand: Style,
    /// Open, live.
    pub good: Style,
    /// Waiting, paused, gap.
    pub warn: Style,
    /// Lost, failed.
    pub bad: Style,
    /// The label LIVE.
    pub live: Style,
    /// The label PAUSED.
    pub paused: Style,
    /// Background of the selected row.
    pub selected: Style,
    /// What was looked for.
    pub hit: Style,
    /// Stands for what cannot be shown.
    pub mark: Style,
    lanes: Vec<Style>,
    json: [Style; 5],
}

impl Theme {
    /// The theme of this name.
    pub fn new(name: ThemeName) -> Self {
        match name {
            ThemeName::Dark => Self::dark(),
            ThemeName::Light => Self::light(),
            ThemeName::Plain => Self::plain(),
        }
    }

    /// This theme, drawn with ASCII alone or not.
    #[must_use]
    pub fn with_ascii(self, ascii: bool) -> Self {
        Self { ascii, ..self }
    }

    /// The style of an event type, by its lane.
    pub fn lane(&self, lane: usize) -> Style {
        self.lanes[lane % self.lanes.len()]
    }

    /// The style of a token of formatted data.
    pub fn token(&self, kind: Kind) -> Style {
        match kind {
            Kind::Key => self.json[0],
            Kind::String => self.json[1],
            Kind::Number => self.json[2],
            Kind::Bool | Kind::Null => self.json[3],
            Kind::Punctuation => self.json[4],
            Kind::Text => self.text,
            Kind::Mark => self.mark,
            Kind::Note => self.warn,
        }
    }

    fn dark() -> Self {
        let fg = |index| Style::new().fg(Color::Indexed(index));
        let label = |background| {
            Style::new()
                .fg(Color::Indexed(234))
                .bg(Color::Indexed(background))
                .add_modifier(Modifier::BOLD)
        };
        Self {
            ascii: false,
            text: fg(252),
            dim: fg(248),
            faint: fg(244),
            strong: fg(255).add_modifier(Modifier::BOLD),
            accent: fg(80).add_modifier(Modifier::BOLD),
            brand: label(80),
            good: fg(114),
            warn: fg(221),
            bad: fg(210),
            live: label(114),
            paused: label(221),
            selected: Style::new().bg(Color::Indexed(236)),
            hit: Style::new().fg(Color::Indexed(234)).bg(Color::Indexed(221)),
            mark: fg(210),
            lanes: [176, 80, 179, 111, 150, 209, 147, 186, 116, 211]
                .map(fg)
                .to_vec(),
            json: [fg(110), fg(150), fg(216), fg(176), fg(248)],
        }
    }

    fn light() -> Self {
        let fg = |index| Style::new().fg(Color::Indexed(index));
        let label = |background| {
            Style::new()
                .fg(Color::Indexed(231))
                .bg(Color::Indexed(background))
                .add_modifier(Modifier::BOLD)
        };
        Self {
            ascii: false,
            text: fg(236),
            dim: fg(240),
            faint: fg(244),
            strong: fg(232).add_modifier(Modifier::BOLD),
            accent: fg(23).add_modifier(Modifier::BOLD),
            brand: label(23),
            good: fg(22),
            warn: fg(94),
            bad: fg(160),
            live: label(22),
            paused: label(94),
            selected: Style::new().bg(Color::Indexed(255)),
            hit: Style::new().fg(Color::Indexed(232)).bg(Color::Indexed(221)),
            mark: fg(160),
            lanes: [127, 23, 94, 25, 22, 88, 61, 58, 24, 125].map(fg).to_vec(),
            json: [fg(25), fg(22), fg(94), fg(127), fg(240)],
        }
    }

    fn plain() -> Self {
        let plain = Style::new();
        let bold = plain.add_modifier(Modifier::BOLD);
        let dim = plain.add_modifier(Modifier::DIM);
        let reversed = bold.add_modifier(Modifier::REVERSED);
        Self {
            ascii: false,
            text: plain,
            dim,
            faint: dim,
            strong: bold,
            accent: bold,
            brand: reversed,
            good: plain,
            warn: bold,
            bad: bold,
            live: bold,
            paused: reversed,
            selected: plain.add_modifier(Modifier::REVERSED),
            hit: plain.add_modifier(Modifier::REVERSED | Modifier::UNDERLINED),
            mark: plain.add_modifier(Modifier::UNDERLINED),
            lanes: vec![bold],
            json: [bold, plain, plain, plain, dim],
        }
    }
}

#[cfg(test)]
mod tests;
