//! Lines and layers over time.

use std::fmt::Write;

use maud::{Markup, html};

use super::axis::{Axis, BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, time_label};

/// Values over time, of one kind.
#[derive(Debug)]
pub struct Line {
    /// For the legend.
    pub name: &'static str,
    /// Its colour: `c1` to `c5`.
    pub class: &'static str,
    /// One for each sample; `None` where nothing was measured.
    pub values: Vec<Option<f64>>,
}

/// A chart over time.
#[derive(Debug)]
pub struct Chart {
    /// The beginning and the end of each sample, in seconds.
    pub times: Vec<(f64, f64)>,
    /// What is drawn.
    pub lines: Vec<Line>,
    /// Powers of ten; else from 0.
    pub log: bool,
    /// One on top of the other.
    pub stacked: bool,
    /// A value as people read it, and as the axis has it.
    pub show: fn(f64) -> String,
    pub label: fn(f64) -> String,
}

impl Chart {
    /// The figure.
    pub fn draw(&self) -> Markup {
        let end = self.times.last().map_or(1.0, |(_, end)| *end);
        let (across, up) = (Axis::time(end), self.values_axis());
        html! {
            figure {
                svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" {
                    (frame(&across, &up, end, self.label))
                    @for shape in self.shapes(&across, &up) { (shape) }
                    @for (number, (from, to)) in self.times.iter().enumerate() {
                        rect .hit x=(short(across.at(*from))) y=(TOP) width=(short(across.at(*to) - across.at(*from))) height=(BOTTOM - TOP) {
                            title { (self.tip(number, *to)) }
                        }
                    }
                }
                (legend(self.lines.iter().map(|line| (line.name, line.class))))
            }
        }
    }

    fn values_axis(&self) -> Axis {
        let all = || {
            self.lines
                .iter()
                .flat_map(|line| line.values.iter().flatten())
        };
        let high = if self.stacked {
            (0..self.times.len())
                .map(|sample| self.sum(self.lines.len(), sample))
                .fold(0.0, f64::max)
        } else {
            all().copied().fold(0.0, f64::max)
        };
        if self.log {
            let low = all().copied().fold(f64::INFINITY, f64::min);
            Axis::log(if low.is_finite() { low } else { 1.0 }, high, BOTTOM, TOP)
        } else {
            Axis::linear(high, BOTTOM, TOP)
        }
    }

    /// Of the first `lines` lines.
    fn sum(&self, lines: usize, sample: usize) -> f64 {
        let values = self.lines[..lines]
            .iter()
            .map(|line| line.values[sample].unwrap_or_default());
        values.sum()
    }

    fn shapes(&self, across: &Axis, up: &Axis) -> Vec<Markup> {
        if self.stacked {
            return (0..self.lines.len())
                .map(|line| self.layer(line, across, up))
                .collect();
        }
        let fills = self.lines.len() == 1;
        let mut shapes = Vec::new();
        for line in &self.lines {
            for run in runs(&self.times, &line.values) {
                let points: Vec<_> = run
                    .iter()
                    .map(|(x, y)| (across.at(*x), up.at(*y)))
                    .collect();
                let (path, first, last) = (path(&points), points[0].0, points[points.len() - 1].0);
                shapes.push(html! {
                    @if fills {
                        path class={ "area " (line.class) } d={ (path) "L" (short(last)) " " (BOTTOM) "L" (short(first)) " " (BOTTOM) "Z" } {}
                    }
                    @if points.len() == 1 {
                        circle class={ "dot " (line.class) } cx=(short(first)) cy=(short(points[0].1)) r="3" {}
                    }
                    path class={ "line " (line.class) } d=(path) {}
                });
            }
        }
        shapes
    }

    /// Steps: what holds at the end of a sample is drawn for all of it.
    fn layer(&self, line: usize, across: &Axis, up: &Axis) -> Markup {
        let mut points = Vec::new();
        for (sample, (from, to)) in self.times.iter().enumerate() {
            let y = up.at(self.sum(line + 1, sample));
            points.extend([(across.at(*from), y), (across.at(*to), y)]);
        }
        for (sample, (from, to)) in self.times.iter().enumerate().rev() {
            let y = up.at(self.sum(line, sample));
            points.extend([(across.at(*to), y), (across.at(*from), y)]);
        }
        html! { path class={ "layer " (self.lines[line].class) } d={ (path(&points)) "Z" } {} }
    }

    fn tip(&self, sample: usize, end: f64) -> String {
        let mut tip = format!("{end:.1} s");
        for line in &self.lines {
            if let Some(value) = line.values[sample] {
                let _ = write!(tip, "\n{}: {}", line.name, (self.show)(value));
            }
        }
        tip
    }
}

/// The grid with its labels.
pub(super) fn frame(across: &Axis, up: &Axis, end: f64, show: fn(f64) -> String) -> Markup {
    html! {
        @for value in up.ticks() {
            @let y = short(up.at(value));
            line .grid x1=(LEFT) x2=(RIGHT) y1=(y) y2=(y) {}
            text x=(LEFT - 8.0) y=(y) text-anchor="end" dominant-baseline="middle" { (show(value)) }
        }
        @for seconds in across.time_ticks() {
            text x=(short(across.at(seconds))) y=(HEIGHT - 6.0) text-anchor=(anchor(across.at(seconds))) { (time_label(seconds, end)) }
        }
    }
}

/// A label at the right edge must not leave the picture.
pub(super) fn anchor(x: f64) -> &'static str {
    if x > RIGHT - 16.0 { "end" } else { "middle" }
}

/// Names and colours, where there are several.
pub(super) fn legend(names: impl ExactSizeIterator<Item = (&'static str, &'static str)>) -> Markup {
    html! {
        @if names.len() > 1 {
            div .legend {
                @for (name, class) in names { span { i class=(class) {} (name) } }
            }
        }
    }
}

/// Stretches without a hole, at the middle of their samples.
fn runs(times: &[(f64, f64)], values: &[Option<f64>]) -> Vec<Vec<(f64, f64)>> {
    let mut runs = vec![Vec::new()];
    for ((from, to), value) in times.iter().zip(values) {
        match (value, runs.last_mut()) {
            (Some(value), Some(run)) => run.push((f64::midpoint(*from, *to), *value)),
            _ => runs.push(Vec::new()),
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

fn path(points: &[(f64, f64)]) -> String {
    let mut path = String::new();
    for (x, y) in points {
        let command = if path.is_empty() { 'M' } else { 'L' };
        let _ = write!(path, "{command}{} {}", short(*x), short(*y));
    }
    path
}

/// To a tenth of a unit.
pub(super) fn short(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}
