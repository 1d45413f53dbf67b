//! A distribution of durations: both directions in powers of ten, so that the
//! tail is seen.

use maud::{Markup, html};

use super::axis::{Axis, BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH};
use super::chart::{anchor, short};
use crate::series::Distribution;
use crate::units::{micros, thousands};

/// Bars to a power of ten.
const BARS: f64 = 12.0;

/// The figure.
pub fn draw(distribution: &Distribution) -> Markup {
    let values = || distribution.buckets().map(|(value, _)| value as f64);
    let low = values().next().unwrap_or(1.0);
    let high = distribution.max_us().unwrap_or(1) as f64;
    let across = Axis::log(low, high, LEFT, RIGHT);
    let mut bars: Vec<(i64, u64)> = Vec::new();
    for (value, count) in distribution.buckets() {
        let value = value.min(distribution.max_us().unwrap_or(value)).max(1);
        let bar = ((value as f64).log10() * BARS).floor() as i64;
        match bars.last_mut() {
            Some((last, sum)) if *last == bar => *sum += count,
            _ => bars.push((bar, count)),
        }
    }
    let most = bars.iter().map(|(_, count)| *count).max().unwrap_or(1);
    // From half an event up, so that one of them has a height.
    let up = Axis::log(1.0, most as f64 * 2.0, BOTTOM, TOP);
    let edge = |bar: i64| 10_f64.powf(bar as f64 / BARS);
    html! {
        figure {
            svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" {
                @for value in up.ticks() {
                    @let y = short(up.at(value * 2.0));
                    line .grid x1=(LEFT) x2=(RIGHT) y1=(y) y2=(y) {}
                    text x=(LEFT - 8.0) y=(y) text-anchor="end" dominant-baseline="middle" { (thousands(value as u64)) }
                }
                @for value in across.ticks() {
                    text x=(short(across.at(value))) y=(HEIGHT - 6.0) text-anchor=(anchor(across.at(value))) { (round_micros(value as u64)) }
                }
                @for (bar, count) in &bars {
                    @let (from, to) = (across.at(edge(*bar)), across.at(edge(bar + 1)));
                    @let y = up.at(*count as f64 * 2.0);
                    rect .bar.c1 x=(short(from + 0.5)) y=(short(y)) width=(short((to - from - 1.0).max(1.0))) height=(short(BOTTOM - y)) rx="1.5" {
                        title { (micros(edge(*bar) as u64)) " to " (micros(edge(bar + 1) as u64)) ": " (thousands(*count)) }
                    }
                }
                @for (name, part) in [("p50", 0.5), ("p99", 0.99)] {
                    @if let Some(value) = distribution.quantile_us(part) {
                        @let x = short(across.at(value as f64));
                        line .mark x1=(x) x2=(x) y1=(TOP) y2=(BOTTOM) {}
                        text x=(x) y=(TOP - 2.0) text-anchor=(anchor(x)) { (name) }
                    }
                }
            }
        }
    }
}

/// A power of ten: `100 us`, `10 ms`, `1 s`.
pub fn round_micros(value: u64) -> String {
    match value {
        0..1_000 => format!("{value} us"),
        1_000..1_000_000 => format!("{} ms", value / 1_000),
        _ => format!("{} s", thousands(value / 1_000_000)),
    }
}
