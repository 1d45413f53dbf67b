//! What became of each reconnect.

use ratatui::buffer::Buffer;
use ratatui::style::Style;

use super::facts::Places;
use super::list::tail;
use super::pen::Pen;
use crate::app::App;
use crate::audit::{self, Outcome, Reconnect};
use crate::connection::{AT_ONCE, MAYBE_LOST, Verdict};
use crate::format;
use crate::mouse::{Target, Zones};
use crate::theme::Theme;

/// Columns: time, number of the connection, outage, how the server went on,
/// then counts, then ids.
const TIME: usize = 8;
const LEG: usize = 5;
const OUTAGE: usize = 6;
const OUTCOME: usize = 16;
const COUNT: usize = 7;
/// The least and the most of an id.
const ID: (usize, usize) = (13, 22);
/// What else stands on a line with everything, and room for some words.
const OTHERS: usize = 92;

/// What will stand here.
const NOTHING: [&str; 4] = [
    "After each reconnect a line here says which Last-Event-ID was sent, which id came",
    "back first, and what became of the events in between: nothing lost, so many lost,",
    "sent again, or unknown; and whether the server resumed, replayed everything, or",
    "went on with what was new. To try it: r in the list reconnects.",
];

/// Fits the window to the screen, before it is drawn.
pub(super) fn fit(app: &mut App, places: &Places) {
    let keys = audit::keys(&audit::reconnects(app));
    let height = usize::from(places.rows().height);
    app.screens.audit.fit(height, &keys);
}

/// A line for each reconnect; all about the selected one.
pub(super) fn draw(
    buffer: &mut Buffer,
    places: &Places,
    app: &App,
    theme: &Theme,
    zones: &mut Zones,
) {
    let reconnects = audit::reconnects(app);
    let names = places.draw_list(buffer, title(&reconnects), note(app), theme);
    let area = places.rows();
    if reconnects.is_empty() {
        places.draw_nothing(buffer, "no reconnect so far", &NOTHING, theme);
        return;
    }
    let columns = Columns::fit(app, usize::from(area.width));
    if let Some(area) = names {
        columns.draw_names(&mut Pen::line(buffer, area, 0), theme);
    }
    let cursor = &app.screens.audit;
    let index = cursor.index(&audit::keys(&reconnects));
    for (line, (place, reconnect)) in reconnects.iter().enumerate().skip(cursor.top()).enumerate() {
        let line = line as u16;
        zones.add_lines(area, line, 1, Target::Finding(place));
        let mut pen = Pen::line(buffer, area, line).marks(theme);
        pen.text(if place == index { "▌" } else { " " }, theme.accent);
        columns.draw(&mut pen, reconnect, app, theme);
        if place == index {
            Pen::line(buffer, area, line).background(theme.selected);
        }
    }
    if let Some(reconnect) = reconnects.get(index) {
        let facts = facts(reconnect, app, theme);
        let title = format!("connection {}", reconnect.leg());
        places.draw_facts(buffer, title, &facts, theme);
    }
}

fn title(reconnects: &[Reconnect<'_>]) -> String {
    match reconnects.len() {
        0 => "audit".to_owned(),
        1 => "audit · 1 reconnect".to_owned(),
        many => format!("audit · {} reconnects", format::count(many as u64)),
    }
}

fn note(app: &App) -> String {
    match audit::forgotten(app) {
        0 => String::new(),
        forgotten => format!("{} older evicted", format::count(forgotten)),
    }
}

/// Which columns there is room for.
struct Columns {
    source: bool,
    counts: bool,
    /// Columns of each; 0 for none.
    ids: usize,
}

impl Columns {
    fn fit(app: &App, width: usize) -> Self {
        Self {
            source: app.connections.len() > 1,
            counts: width >= 66,
            ids: match width.saturating_sub(OTHERS) / 2 {
                room if room < ID.0 => 0,
                room => room.min(ID.1),
            },
        }
    }

    fn draw_names(&self, pen: &mut Pen<'_>, theme: &Theme) {
        let dim = theme.dim;
        pen.skip(1).column("time", TIME, dim).skip(1);
        if self.source {
            pen.skip(3);
        }
        pen.right_column("leg", LEG, dim)
            .skip(1)
            .right_column("outage", OUTAGE, dim)
            .skip(1)
            .column("outcome", OUTCOME, dim);
        if self.counts {
            for name in ["at once", "lost", "again"] {
                pen.right_column(name, COUNT, dim).skip(1);
            }
        }
        if self.ids > 0 {
            pen.skip(1).column("Last-Event-ID", self.ids, dim).column(
                "first id back",
                self.ids,
                dim,
            );
        }
        pen.skip(1).text("verdict", dim);
    }

    fn draw(&self, pen: &mut Pen<'_>, reconnect: &Reconnect<'_>, app: &App, theme: &Theme) {
        let time = reconnect.at().to_zoned(app.time_zone.clone()).time();
        let time = time.strftime("%H:%M:%S").to_string();
        let outage = reconnect.outage().map(format::duration);
        let outcome = reconnect.outcome();
        pen.column(&time, TIME, theme.dim).skip(1);
        if self.source {
            let source = reconnect.source;
            pen.text(&format!("{:<2}", source + 1), theme.lane(source))
                .skip(1);
        }
        pen.right_column(&format::short_count(reconnect.leg()), LEG, theme.text)
            .skip(1)
            .right_column(&outage.unwrap_or_default(), OUTAGE, theme.text)
            .skip(1)
            .column(outcome.words(), OUTCOME, outcome_style(outcome, theme));
        let opened = reconnect.opened();
        if self.counts {
            let lost = reconnect.lost();
            let at_once = opened.map_or_else(String::new, |leg| format::short_count(leg.at_once));
            let again = opened.map_or_else(String::new, |leg| format::short_count(leg.again));
            let worse = |text: &str, bad| {
                if matches!(text, "0" | "") {
                    theme.dim
                } else {
                    bad
                }
            };
            pen.right_column(&at_once, COUNT, theme.text)
                .skip(1)
                .right_column(&lost, COUNT, worse(&lost, lost_style(&lost, theme)))
                .skip(1)
                .right_column(&again, COUNT, worse(&again, theme.warn))
                .skip(1);
        }
        if self.ids > 0 {
            let first = opened.and_then(|leg| leg.first_id.as_deref());
            let [sent, first] =
                [reconnect.sent(), first.unwrap_or("")].map(|id| tail(id, self.ids));
            pen.skip(1)
                .column(&sent, self.ids, theme.dim)
                .column(&first, self.ids, theme.dim);
        }
        pen.skip(1);
        match reconnect.verdict() {
            Some((words, verdict)) => pen.foreign(&words, verdict_style(verdict, theme)),
            None => pen.foreign(reconnect.cause(), theme.dim),
        };
    }
}

fn outcome_style(outcome: Outcome, theme: &Theme) -> Style {
    match outcome {
        Outcome::Resumed => theme.good,
        Outcome::FullReplay
        | Outcome::LiveOnly
        | Outcome::NewHistory
        | Outcome::Unknown
        | Outcome::Waiting => theme.warn,
        Outcome::Rejected => theme.bad,
        Outcome::NothingToJudge | Outcome::Complete => theme.dim,
    }
}

fn lost_style(lost: &str, theme: &Theme) -> Style {
    let maybe = lost.len() > 1 && lost.ends_with('?');
    if maybe { theme.warn } else { theme.bad }
}

fn verdict_style(verdict: Verdict, theme: &Theme) -> Style {
    match verdict {
        Verdict::Complete => theme.good,
        Verdict::Unknown => theme.warn,
        Verdict::Lost => theme.bad,
    }
}

fn facts(
    reconnect: &Reconnect<'_>,
    app: &App,
    theme: &Theme,
) -> Vec<(&'static str, String, Style)> {
    let outcome = reconnect.outcome();
    let mut facts = Vec::new();
    if let Some((words, verdict)) = reconnect.verdict() {
        facts.push(("verdict", words, verdict_style(verdict, theme)));
    }
    facts.push((
        "outcome",
        outcome.words().to_owned(),
        outcome_style(outcome, theme),
    ));
    if app.connections.len() > 1
        && let Some(connection) = app.connections.get(reconnect.source)
    {
        let style = theme.lane(reconnect.source);
        facts.push(("stream", connection.name.clone(), style));
    }
    facts.push(("before", reconnect.cause().to_owned(), theme.text));
    if let Some(outage) = reconnect.outage() {
        let attempts = match reconnect.attempts() {
            0 => "no attempt yet".to_owned(),
            1 => "1 attempt".to_owned(),
            many => format!("{} attempts", format::count(many)),
        };
        let outage = format!("{} · {attempts}", format::duration(outage));
        facts.push(("outage", outage, theme.text));
    }
    let sent = match reconnect.sent() {
        _ if reconnect.opened().is_some_and(|leg| leg.unsendable) => {
            "none: the id cannot be sent".to_owned()
        }
        "" => "no Last-Event-ID".to_owned(),
        id => format!("Last-Event-ID: {id}"),
    };
    facts.push(("sent", sent, theme.text));
    let Some(leg) = reconnect.opened() else {
        return facts;
    };
    let first = match (&leg.first_id, leg.between) {
        (None, _) => "none yet".to_owned(),
        (Some(id), Some(0)) => format!("{id}, the next one"),
        (Some(id), Some(between)) => {
            format!("{id}, {} numbers between", format::count(between))
        }
        (Some(id), None) => id.clone(),
    };
    let events = format!(
        "{}, {} of them within {} ms of the opening",
        format::count(leg.events),
        format::count(leg.at_once),
        AT_ONCE.as_millis()
    );
    let mut lost = reconnect.lost();
    if lost.len() > 1 && lost.ends_with('?') {
        lost = format!("{} missing: {MAYBE_LOST}", lost.trim_end_matches('?'));
    }
    let lost = format!(
        "{lost} · {} sent again, {} of them from before the Last-Event-ID",
        format::count(leg.again),
        format::count(leg.overlap)
    );
    facts.extend([
        ("first id", first, theme.text),
        ("events", events, theme.text),
        ("lost", lost, theme.text),
    ]);
    facts
}
