//! The screen: which pane stands where, and the drawing of each.

mod ascii;
mod audit;
mod charts;
mod connection;
mod detail;
mod divider;
mod facts;
mod footer;
mod header;
mod help;
mod lints;
mod list;
mod pane;
mod pen;
mod replay;
mod transcript;
mod types;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};

use crate::app::{App, Focus};
use crate::keymap::Context;
use crate::mouse::Target;
use crate::screens::Screen;
use crate::theme::Theme;
use crate::ui::pane::{Edge, Pane};

/// Below this there is no side pane, only a line of event types.
const WIDE: u16 = 90;
/// Below either of these there is only the list and one line of state.
const SMALL: (u16, u16) = (60, 12);
/// From this on the detail stands beside the list, not under it.
const DETAIL_BESIDE: u16 = 150;

/// Draws the whole screen and fits the state's windows to it.
pub fn draw(frame: &mut Frame<'_>, app: &mut App, theme: &Theme) {
    let area = frame.area();
    if area.is_empty() {
        return;
    }
    let panes = Panes::of(area, app);
    let list = panes
        .list
        .map_or(0, |list| usize::from(panes.edge.inside(list).height))
        .saturating_sub(list::lines_above(app));
    let detail = panes.detail.map(|pane| {
        let text = detail::text_area(panes.edge.inside(pane));
        (usize::from(text.width), usize::from(text.height))
    });
    app.fit(list, detail);
    if let Some(area) = panes.charts {
        charts::fit(&mut app.screens.charts, area, panes.edge);
    }
    let text = panes
        .text
        .map(|area| transcript::Places::of(area, panes.edge));
    if let (Some(places), Some(text)) = (&text, &mut app.screens.transcript) {
        let (width, height) = places.text();
        text.fit(width, height);
    }
    let nothing = match app.screens.current {
        Screen::Lints => app.screens.lints.rows().is_empty(),
        Screen::Audit => crate::audit::reconnects(app).is_empty(),
        _ => false,
    };
    let review = panes.review.map(|area| {
        if nothing {
            facts::Places::of_list(area, panes.edge)
        } else {
            facts::Places::of(area, panes.edge)
        }
    });
    match (&review, app.screens.current) {
        (Some(places), Screen::Lints) => lints::fit(app, places),
        (Some(places), Screen::Audit) => audit::fit(app, places),
        _ => {}
    }
    let main = app.screens.current == Screen::Main;
    if main && panes.types.is_none() && panes.types_line.is_none() && app.focus == Focus::Types {
        app.focus = Focus::List;
    }
    if main && panes.connection.is_none() && app.focus == Focus::Streams {
        app.focus = Focus::List;
    }

    let beside = matches!(app.focus, Focus::Types | Focus::Streams);
    let several = app.detail.is_some() || panes.types.is_some() && beside;
    let mut zones = std::mem::take(&mut app.zones);
    zones.clear();
    let buffer = frame.buffer_mut();
    if let Some(area) = panes.header {
        header::draw(buffer, area, app, theme);
    }
    if let Some(area) = panes.types_line {
        types::draw_line(buffer, area, app, theme, &mut zones);
    }
    if let Some(area) = panes.types {
        let area = Pane::new(types::title(app))
            .focused(app.focus == Focus::Types)
            .draw(buffer, area, theme);
        zones.add(area, Target::Pane(Context::Types));
        types::draw(buffer, area, app, theme, &mut zones);
    }
    if let Some(area) = panes.connection {
        let area = Pane::new(connection::title(app))
            .focused(app.focus == Focus::Streams)
            .draw(buffer, area, theme);
        connection::draw(buffer, area, app, theme, &mut zones);
    }
    if let Some(area) = panes.list {
        let area = Pane::new(list::title(app))
            .note(list::note(app))
            .alert()
            .focused(several && app.focus == Focus::List)
            .edge(panes.edge)
            .draw(buffer, area, theme);
        zones.add(area, Target::Pane(Context::List));
        list::draw(buffer, area, app, theme, &mut zones);
    }
    if let Some(area) = panes.detail {
        let area = Pane::new(detail::title(app))
            .note(detail::note(app))
            .focused(app.focus == Focus::Detail)
            .edge(panes.edge)
            .draw(buffer, area, theme);
        zones.add(area, Target::Pane(Context::Detail));
        detail::draw(buffer, area, app, theme, &mut zones);
    }
    if let Some(places) = &text {
        zones.add(area, Target::Pane(Context::Text));
        transcript::draw(buffer, places, app, theme);
    }
    if let Some(area) = panes.charts {
        zones.add(area, Target::Pane(Context::Charts));
        charts::draw(buffer, area, panes.edge, app, theme, &mut zones);
    }
    match (&review, app.screens.current) {
        (Some(places), Screen::Lints) => {
            zones.add(area, Target::Pane(Context::Lints));
            lints::draw(buffer, places, app, theme, &mut zones);
        }
        (Some(places), Screen::Audit) => {
            zones.add(area, Target::Pane(Context::Audit));
            audit::draw(buffer, places, app, theme, &mut zones);
        }
        _ => {}
    }
    if let Some(area) = panes.replay {
        replay::draw(buffer, area, app, theme);
    }
    if let Some(area) = panes.footer {
        footer::draw(buffer, area, panes.charts, app, theme, &mut zones);
    }
    if let Some(area) = panes.status {
        header::draw_status(buffer, area, app, theme);
    }
    if let Some(line) = panes.footer.or(panes.status) {
        footer::draw_problem(buffer, line, app, theme);
    }
    if app.help.is_some() {
        // The window is over everything but the keys.
        let covered = Rect {
            height: area.height - u16::from(panes.footer.is_some()),
            ..area
        };
        zones.add(covered, Target::Pane(Context::Help));
        app.help = Some(help::draw(buffer, covered, app, theme));
    }
    app.zones = zones;
    if theme.ascii {
        ascii::convert(buffer, theme.mark);
    }
}

/// Where each pane stands; those without room do not.
#[derive(Debug, Default)]
struct Panes {
    header: Option<Rect>,
    types_line: Option<Rect>,
    types: Option<Rect>,
    connection: Option<Rect>,
    list: Option<Rect>,
    detail: Option<Rect>,
    text: Option<Rect>,
    charts: Option<Rect>,
    /// Lints, or the audit.
    review: Option<Rect>,
    replay: Option<Rect>,
    footer: Option<Rect>,
    status: Option<Rect>,
    edge: Edge,
}

impl Panes {
    fn of(area: Rect, app: &App) -> Self {
        let mut panes = Self::default();
        if area.width < SMALL.0 || area.height < SMALL.1 {
            panes.edge = Edge::Bare;
            let [main, status] = rows(area, [Constraint::Fill(1), Constraint::Length(1)]);
            if area.height > 1 {
                let pane = match app.screens.current {
                    Screen::Text => &mut panes.text,
                    Screen::Charts => &mut panes.charts,
                    Screen::Lints | Screen::Audit => &mut panes.review,
                    Screen::Main if app.detail.is_some() => &mut panes.detail,
                    Screen::Main => &mut panes.list,
                };
                *pane = Some(main);
            }
            panes.status = Some(status);
            return panes;
        }
        let narrow = area.width < WIDE;
        let line = u16::from(narrow);
        let replay = u16::from(app.screens.replay.is_some());
        let [header, types_line, main, replay, footer] = rows(
            area,
            [
                Constraint::Length(2),
                Constraint::Length(line),
                Constraint::Fill(1),
                Constraint::Length(replay),
                Constraint::Length(1),
            ],
        );
        panes.header = Some(header);
        panes.replay = Some(replay);
        panes.footer = Some(footer);
        match app.screens.current {
            Screen::Main => {}
            Screen::Text => {
                panes.edge = if narrow { Edge::Rule } else { Edge::Border };
                panes.types_line = narrow.then_some(types_line);
                panes.text = Some(main);
                return panes;
            }
            Screen::Charts => {
                // Each panel says what the line of types would.
                panes.charts = Some(Rect {
                    y: types_line.y,
                    height: main.bottom() - types_line.y,
                    ..main
                });
                return panes;
            }
            Screen::Lints | Screen::Audit => {
                panes.edge = if narrow { Edge::Rule } else { Edge::Border };
                panes.review = Some(Rect {
                    y: types_line.y,
                    height: main.bottom() - types_line.y,
                    ..main
                });
                return panes;
            }
        }
        let main = if narrow {
            panes.types_line = Some(types_line);
            panes.edge = Edge::Rule;
            main
        } else {
            let side = (area.width * 3 / 10).clamp(30, 44);
            let [side, main] = columns(main, [Constraint::Length(side), Constraint::Fill(1)]);
            let height = connection::height(app).min(side.height / 2);
            let [types, connection] = rows(side, [Constraint::Fill(1), Constraint::Length(height)]);
            panes.types = Some(types);
            panes.connection = Some(connection);
            main
        };
        if app.detail.is_none() {
            panes.list = Some(main);
        } else if main.width + 44 >= DETAIL_BESIDE {
            let [list, detail] = columns(main, [Constraint::Fill(1), Constraint::Fill(1)]);
            panes.list = Some(list);
            panes.detail = Some(detail);
        } else {
            let [list, detail] = rows(main, [Constraint::Fill(2), Constraint::Fill(3)]);
            panes.list = Some(list);
            panes.detail = Some(detail);
        }
        panes
    }
}

fn rows<const N: usize>(area: Rect, heights: [Constraint; N]) -> [Rect; N] {
    Layout::vertical(heights).areas(area)
}

fn columns<const N: usize>(area: Rect, widths: [Constraint; N]) -> [Rect; N] {
    Layout::horizontal(widths).areas(area)
}
