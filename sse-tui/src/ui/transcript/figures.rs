//! How an answer is doing: its state, its timing, how much of it there is.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::pane::Pane;
use super::super::pen::Pen;
use crate::app::App;
use crate::format;
use crate::llm::{Format, State};
use crate::theme::Theme;
use crate::transcript::Transcript;

/// A name, what it is, and whether that is good.
type Figure = (&'static str, String, Tone);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tone {
    Plain,
    Good,
    Warn,
    Bad,
}

impl Tone {
    fn style(self, theme: &Theme) -> Style {
        match self {
            Self::Plain => theme.text,
            Self::Good => theme.good,
            Self::Warn => theme.warn,
            Self::Bad => theme.bad,
        }
    }
}

pub(super) fn draw_side(
    buffer: &mut Buffer,
    area: Rect,
    app: &App,
    text: &Transcript,
    theme: &Theme,
) {
    let inside = Pane::new("figures".to_owned()).draw(buffer, area, theme);
    let mut line = 0;
    for (name, value, tone) in figures(app, text) {
        let mut pen = Pen::line(buffer, inside, line).marks(theme);
        pen.skip(1);
        if name.is_empty() {
            // What went wrong may take several lines.
            let width = usize::from(inside.width).saturating_sub(2).max(1);
            let mut lines = crate::wrap::Lines::default();
            let value = crate::sanitize::sanitize(&value);
            lines.extend(&value, &[], width);
            for index in 0..lines.len() {
                let (start, end) = lines.get(index);
                let mut pen = Pen::line(buffer, inside, line);
                pen.skip(1).text(&value[start..end], tone.style(theme));
                line += 1;
            }
            continue;
        }
        pen.column(name, 13, theme.dim)
            .foreign(&value, tone.style(theme));
        line += 1;
    }
}

/// Two lines: how it is and how fast; how much.
pub(super) fn draw_above(
    buffer: &mut Buffer,
    area: Rect,
    app: &App,
    text: &Transcript,
    theme: &Theme,
) {
    let mut line = 0;
    let mut pen = Pen::line(buffer, area, line).marks(theme);
    pen.skip(1);
    for (name, value, tone) in figures(app, text) {
        let alone = name.is_empty();
        let width = name.len() + value.chars().count() + 3;
        if pen.room() < width && line == 0 {
            line = 1;
            pen = Pen::line(buffer, area, line).marks(theme);
            pen.skip(1);
        }
        if !alone {
            pen.text(name, theme.dim).text(" ", theme.dim);
        }
        pen.foreign(&value, tone.style(theme)).text("  ", theme.dim);
    }
}

/// What went wrong, as one line each.
fn faults(app: &App, text: &Transcript) -> Vec<(String, Tone)> {
    let document = &text.document;
    let mut faults = Vec::new();
    if let Some(error) = &document.error {
        faults.push((format!("error: {error}"), Tone::Bad));
    }
    if let State::Cut(how) = document.state() {
        let marker = document.format.as_ref().and_then(Format::end_marker);
        let marker = marker.unwrap_or("its end");
        faults.push((format!("cut short, no {marker}: {how}"), Tone::Bad));
    }
    let left_out = &document.left_out;
    if left_out.text > 0 {
        let bytes = format::bytes(left_out.text as f64);
        faults.push((format!("{bytes} more text than is kept"), Tone::Warn));
    }
    if left_out.parts > 0 {
        let pieces = format::count(left_out.parts);
        faults.push((
            format!("{pieces} pieces of more parts than are kept"),
            Tone::Warn,
        ));
    }
    if left_out.large > 0 {
        let events = format::count(left_out.large);
        faults.push((format!("{events} events too large to read"), Tone::Warn));
    }
    if text.evicted() {
        faults.push((
            "the beginning was evicted (--buffer)".to_owned(),
            Tone::Warn,
        ));
    }
    if app.hidden > 0 {
        faults.push(("--event hides events from the text".to_owned(), Tone::Warn));
    }
    faults
}

fn figures(app: &App, text: &Transcript) -> Vec<Figure> {
    let document = &text.document;
    let timing = &document.timing;
    let mut figures: Vec<Figure> = Vec::new();
    let faults = faults(app, text);
    let state = match document.state() {
        _ if document.error.is_some() => ("failed", Tone::Bad),
        State::Open if timing.deltas() == 0 => ("waiting", Tone::Warn),
        State::Open => ("streaming", Tone::Good),
        State::Complete => ("complete", Tone::Good),
        State::Cut(_) => ("cut short", Tone::Bad),
        State::Ended => ("ended", Tone::Plain),
    };
    figures.push(("answer", state.0.to_owned(), state.1));
    for (fault, tone) in faults {
        figures.push(("", fault, tone));
    }
    for (choice, reason) in &document.finish {
        let several = document.finish.len() > 1;
        let reason = if several {
            format!("{reason} (choice {choice})")
        } else {
            reason.clone()
        };
        figures.push(("finish", reason, Tone::Plain));
    }
    if let Some(first) = timing.to_first() {
        let time = short_time(first.as_micros().unsigned_abs() as u64);
        figures.push(("first content", time, Tone::Plain));
    }
    if let (Some(p50), Some(p99)) = (timing.gap_us(0.5), timing.gap_us(0.99)) {
        let gaps = format!("p50 {} p99 {}", short_time(p50), short_time(p99));
        figures.push(("gaps", gaps, Tone::Plain));
    }
    if timing.stalls() > 0 {
        let longest = short_time(timing.longest().unsigned_abs() / 1000);
        let stalls = format!("{}, longest {longest}", format::count(timing.stalls()));
        figures.push(("stalls", stalls, Tone::Warn));
    }
    let seconds = timing.span().as_secs_f64();
    let rate = |count: u64| {
        if seconds < 0.001 {
            return String::new();
        }
        format!(" ({})", format::rate(count as f64 / seconds))
    };
    match document.usage.output {
        Some(tokens) if document.delta_count() > 1 => {
            let text = format!("{}{} reported", format::count(tokens), rate(tokens));
            figures.push(("tokens", text, Tone::Plain));
        }
        Some(tokens) => {
            let text = format!("{} reported", format::count(tokens));
            figures.push(("tokens", text, Tone::Plain));
        }
        None => {}
    }
    if let Some(tokens) = document.usage.input {
        let text = format!("{} reported", format::count(tokens));
        figures.push(("prompt", text, Tone::Plain));
    }
    let deltas = document.delta_count();
    figures.push((
        "deltas",
        format!("{}{}", format::count(deltas), rate(deltas)),
        Tone::Plain,
    ));
    let characters = document.characters;
    let text = format!("{}{}", format::count(characters), rate(characters));
    figures.push(("characters", text, Tone::Plain));
    if let Some(model) = &document.model {
        figures.push(("model", model.clone(), Tone::Plain));
    }
    if let Some(format) = &document.format {
        figures.push(("format", format.name(), Tone::Plain));
    }
    figures
}

/// `850µs`, `42ms`, `3.2s`, `2m05s`
pub(super) fn short_time(microseconds: u64) -> String {
    match microseconds {
        0..1000 => format!("{microseconds}µs"),
        1000..1_000_000 => format!("{}ms", microseconds / 1000),
        _ => format::duration(Duration::from_micros(microseconds)),
    }
}
