//! Moments of a run, and how long each lasted.

use maud::{Markup, html};

use super::axis::{Axis, BOTTOM, HEIGHT, TOP, WIDTH};
use super::chart::{frame, legend, short};
use super::histogram::round_micros;
use crate::units::micros;

/// Dots drawn; of more, each n-th.
const MOST_DOTS: usize = 2000;

/// One moment.
#[derive(Debug, Clone, Copy)]
pub struct Dot {
    /// Seconds since the start.
    pub at: f64,
    /// How long, in microseconds.
    pub lasted: f64,
    /// Which of the kinds.
    pub kind: usize,
}

/// The figure of one of `each` moments; `end` is the length of the run in seconds, kinds are
/// names and colours.
pub fn draw(dots: &[Dot], each: u64, end: f64, kinds: &[(&'static str, &'static str)]) -> Markup {
    let lasted = || dots.iter().map(|dot| dot.lasted);
    let low = lasted().fold(f64::INFINITY, f64::min);
    let up = Axis::log(
        if low.is_finite() { low } else { 1.0 },
        lasted().fold(1.0, f64::max),
        BOTTOM,
        TOP,
    );
    let across = Axis::time(end);
    let every = dots.len().div_ceil(MOST_DOTS).max(1);
    html! {
        figure {
            svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" {
                (frame(&across, &up, end, |value| round_micros(value as u64)))
                @for dot in dots.iter().step_by(every) {
                    circle class={ "dot " (kinds[dot.kind].1) } cx=(short(across.at(dot.at))) cy=(short(up.at(dot.lasted))) r="3" {
                        title { (format!("{:.1} s", dot.at)) ": " (micros(dot.lasted as u64)) }
                    }
                }
            }
            (legend(kinds.iter().copied()))
            @let each = each * every as u64;
            @if each > 1 { p .quiet { "One of " (each) " is drawn." } }
        }
    }
}
