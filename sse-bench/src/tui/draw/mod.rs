//! Drawing: one file per panel, and where they stand.

mod connections;
mod curve;
mod deliveries;
mod errors;
mod header;
mod integrity;
mod latency;
mod narrow;
mod reconnects;
mod requests;
mod storm;
mod thresholds;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Block, BorderType};

use super::theme::Theme;
use super::view::{Requests, StormNow, View};

/// Below this size there are a few lines and no panels.
const SMALLEST: (u16, u16) = (60, 12);
/// Thresholds that are shown below one another, at most.
const MOST_THRESHOLDS: usize = 4;

/// Draws all of it.
pub(super) fn draw(frame: &mut Frame<'_>, view: &View, theme: Theme) {
    let area = frame.area();
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        return narrow::draw(frame, area, view, theme);
    }
    let thresholds = view.thresholds.len().min(MOST_THRESHOLDS) as u16;
    let [header, body, limits, footer] = Layout::vertical([
        Constraint::Length(2),
        Constraint::Fill(1),
        Constraint::Length(thresholds),
        Constraint::Length(1),
    ])
    .areas(area);
    header::draw(frame, header, view, theme);
    if view.title.judged.is_some() {
        verification(frame, body, view, theme);
    } else if let Some(asked) = &view.title.requests {
        finite(frame, body, view, asked, theme);
    } else if let Some(storm) = &view.feed.storm {
        storms(frame, body, view, storm, theme);
    } else {
        load(frame, body, view, theme);
    }
    thresholds::draw(frame, limits, view, theme);
    header::draw_keys(frame, footer, view, theme);
}

fn load(frame: &mut Frame<'_>, area: Rect, view: &View, theme: Theme) {
    let [above, below] =
        Layout::vertical([Constraint::Percentage(46), Constraint::Fill(1)]).areas(area);
    run(frame, above, view, theme);
    let [left, right] =
        Layout::horizontal([Constraint::Percentage(56), Constraint::Fill(1)]).areas(below);
    latency::draw(frame, left, view, theme);
    let [reconnects, errors] =
        Layout::vertical([Constraint::Percentage(50), Constraint::Fill(1)]).areas(right);
    reconnects::draw(frame, reconnects, view, theme);
    errors::draw(frame, errors, view, theme);
}

fn finite(frame: &mut Frame<'_>, area: Rect, view: &View, asked: &Requests, theme: Theme) {
    let [above, below] =
        Layout::vertical([Constraint::Percentage(50), Constraint::Fill(1)]).areas(area);
    let (left, right) = beside(above);
    requests::draw(frame, left, view, asked, theme);
    deliveries::draw_requests(frame, right, view, theme);
    let [left, right] =
        Layout::horizontal([Constraint::Percentage(56), Constraint::Fill(1)]).areas(below);
    latency::draw(frame, left, view, theme);
    let [events, errors] =
        Layout::vertical([Constraint::Percentage(50), Constraint::Fill(1)]).areas(right);
    deliveries::draw(frame, events, view, theme);
    errors::draw(frame, errors, view, theme);
}

fn storms(frame: &mut Frame<'_>, area: Rect, view: &View, storm: &StormNow, theme: Theme) {
    let [above, below] =
        Layout::vertical([Constraint::Percentage(50), Constraint::Fill(1)]).areas(area);
    let (left, right) = beside(above);
    connections::draw(frame, left, view, theme);
    storm::draw(frame, right, storm, theme);
    let [left, right] =
        Layout::horizontal([Constraint::Percentage(56), Constraint::Fill(1)]).areas(below);
    let [latency, events] =
        Layout::vertical([Constraint::Percentage(60), Constraint::Fill(1)]).areas(left);
    latency::draw(frame, latency, view, theme);
    deliveries::draw(frame, events, view, theme);
    storm::draw_attempts(frame, right, storm, theme);
}

fn verification(frame: &mut Frame<'_>, area: Rect, view: &View, theme: Theme) {
    // The counters matter most: on a low screen the rest makes room.
    let counters = integrity::HEIGHT.min(area.height / 2);
    let [above, middle, below] = Layout::vertical([
        Constraint::Fill(4),
        Constraint::Length(counters),
        Constraint::Fill(3),
    ])
    .areas(area);
    run(frame, above, view, theme);
    let [left, right] =
        Layout::horizontal([Constraint::Length(integrity::WIDTH), Constraint::Fill(1)])
            .areas(middle);
    integrity::draw(frame, left, view, theme);
    integrity::draw_anomalies(frame, right, view, theme);
    let [left, centre, right] = Layout::horizontal([
        Constraint::Length(integrity::WIDTH),
        Constraint::Fill(3),
        Constraint::Fill(2),
    ])
    .areas(below);
    reconnects::draw(frame, left, view, theme);
    latency::draw(frame, centre, view, theme);
    errors::draw(frame, right, view, theme);
}

/// Connections and deliveries, which every run has.
fn run(frame: &mut Frame<'_>, area: Rect, view: &View, theme: Theme) {
    let (left, right) = beside(area);
    connections::draw(frame, left, view, theme);
    deliveries::draw(frame, right, view, theme);
}

/// Counts, and a curve beside them.
fn beside(area: Rect) -> (Rect, Rect) {
    let [left, right] =
        Layout::horizontal([Constraint::Length(connections::WIDTH), Constraint::Fill(1)])
            .areas(area);
    (left, right)
}

/// A framed panel: what is inside.
fn panel(frame: &mut Frame<'_>, area: Rect, title: impl Into<Line<'static>>, theme: Theme) -> Rect {
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(theme.frame())
        .title(title.into().style(theme.title()));
    let inside = block.inner(area);
    frame.render_widget(block, area);
    inside
}

/// The first lines of an area, and the rest of it.
fn split(area: Rect, lines: u16) -> (Rect, Rect) {
    let [first, rest] =
        Layout::vertical([Constraint::Length(lines), Constraint::Fill(1)]).areas(area);
    (first, rest)
}
