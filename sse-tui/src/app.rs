//! The state, and what each message makes of it. Knows no terminal.

use crossterm::event::{KeyEvent, KeyEventKind};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sse_core::{Ignored, Item};

use crate::connection::{Connection, Link};
use crate::detail::Detail;
use crate::keymap::{Action, Context, Keymap};
use crate::message::{Change, Ending, Message};
use crate::screens::{Done, Screens};
use crate::stats::Stats;
use crate::store::{Row, RowKind, Store};
use crate::view::View;

/// Which pane has the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Focus {
    /// The list of events.
    List,
    /// The detail of one.
    Detail,
}

/// What an [`App`] is made of.
#[derive(Debug)]
pub struct Setup {
    /// Names of the streams.
    pub sources: Vec<String>,
    /// Only these event types are listed; empty for all.
    pub event_types: Vec<String>,
    /// Leave after so many listed events.
    pub events: Option<u64>,
    /// Memory for events, in bytes.
    pub buffer: usize,
    /// Where times are shown.
    pub time_zone: TimeZone,
    /// The time at the start.
    pub now: Timestamp,
}

/// Everything that the screen shows.
#[derive(Debug)]
pub struct App {
    /// The streams, in the order of the command line.
    pub connections: Vec<Connection>,
    /// The rows.
    pub store: Store,
    /// The figures.
    pub stats: Stats,
    /// The window over the rows.
    pub view: View,
    /// The open detail.
    pub detail: Option<Detail>,
    /// Which pane has the keys.
    pub focus: Focus,
    /// Whether the list of keys is open.
    pub help: bool,
    /// What the keys do.
    pub keymap: Keymap,
    /// Where times are shown.
    pub time_zone: TimeZone,
    /// The time, as last told.
    pub now: Timestamp,
    /// Events not listed because of their type.
    pub hidden: u64,
    /// The other screens, recording and replay.
    pub screens: Screens,
    listed: u64,
    event_types: Vec<String>,
    events: Option<u64>,
    exit: Option<Result<(), String>>,
}

impl App {
    /// The state before anything happened.
    pub fn new(setup: Setup) -> Self {
        Self {
            connections: setup.sources.into_iter().map(Connection::new).collect(),
            store: Store::new(setup.buffer),
            stats: Stats::new(setup.now),
            view: View::default(),
            detail: None,
            focus: Focus::List,
            help: false,
            keymap: Keymap::default(),
            time_zone: setup.time_zone,
            now: setup.now,
            hidden: 0,
            screens: Screens::default(),
            listed: 0,
            event_types: setup.event_types,
            events: setup.events,
            exit: None,
        }
    }

    /// Takes in one message.
    pub fn update(&mut self, message: Message) {
        match message {
            Message::Clock(now) => self.now = now,
            Message::Key(key) => self.key(&key),
            Message::Stream { source, change } => self.stream(source, change),
            Message::Requested { source, at, leg } => self.screens.requested(source, leg, at),
            Message::Recording(status) => self.screens.recording = status,
            Message::Replay(status) => self.screens.replay = Some(*status),
            Message::Notice(text) => self.screens.notice = Some(text),
        }
    }

    /// Whether to leave, and with what word of failure.
    pub fn exit(&self) -> Option<&Result<(), String>> {
        self.exit.as_ref()
    }

    /// Takes in one item of a stream.
    pub fn record(&mut self, source: usize, leg: u64, at: Timestamp, item: &Item<'_>) {
        if self.exit.is_some() {
            return;
        }
        let Some(connection) = self.connections.get_mut(source) else {
            return;
        };
        match item {
            Item::Event(event) => {
                event
                    .last_event_id
                    .clone_into(&mut connection.last_event_id);
                let lane = self.stats.event(event.event_type, at);
                let wanted = self.event_types.is_empty()
                    || self.event_types.iter().any(|name| name == event.event_type);
                if !wanted {
                    self.hidden += 1;
                    return;
                }
                self.store.push(&Row {
                    kind: RowKind::Event,
                    at,
                    source: source as u16,
                    lane,
                    leg,
                    event_type: event.event_type,
                    id: event.last_event_id,
                    data: event.data,
                });
                let number = self.store.range().end - 1;
                let charts = &mut self.screens.charts;
                charts.event(lane, event.event_type, at, number, event.data);
                self.listed += 1;
                if self.events.is_some_and(|events| self.listed >= events) {
                    self.exit = Some(Ok(()));
                }
            }
            Item::Ignored(Ignored::NoData(block)) => {
                connection.last_event_id.clear();
                connection.last_event_id.push_str(block.last_event_id);
            }
            Item::Comment(_) => connection.comments = (connection.comments.0 + 1, Some(at)),
            Item::Retry(time) => connection.retry = Some(*time),
            _ => {}
        }
    }

    /// The context in which a key has its meaning now.
    pub fn context(&self) -> Context {
        if let (false, Some(context)) = (self.help, self.screens.context()) {
            return context;
        }
        match self.focus {
            _ if self.help => Context::Help,
            Focus::Detail if self.detail.is_some() => Context::Detail,
            _ => Context::List,
        }
    }

    /// Whether the screen changes by itself several times a second.
    pub fn counting_down(&self) -> bool {
        self.connections
            .iter()
            .any(|connection| matches!(connection.link, Link::Waiting { .. }))
            || self.screens.moving()
    }

    /// Fits list and detail to the room they have, before they are drawn.
    pub fn fit(&mut self, list_height: usize, detail: Option<(usize, usize)>) {
        self.view.fit(list_height, &self.store.range());
        let shown = self.view.shown(&self.store.range()).end;
        let paused = self.view.paused();
        self.screens.read(&self.store, shown, self.now, paused);
        let selected = self.view.selected();
        if self
            .detail
            .as_ref()
            .is_some_and(|detail| detail.row() != selected)
        {
            self.show_detail();
        }
        if let (Some(open), Some((width, height))) = (&mut self.detail, detail) {
            open.fit(width, height);
        }
    }

    fn stream(&mut self, source: usize, change: Change) {
        let Some(connection) = self.connections.get_mut(source) else {
            return;
        };
        match change {
            Change::Connecting { leg, last_event_id } => {
                connection.leg = leg;
                connection.attempts += 1;
                connection.link = Link::Connecting;
                connection.last_event_id.clone_from(&last_event_id);
                connection.resumed_after = last_event_id;
            }
            Change::Open { at, leg, how } => {
                let text = connection.opened_text(at, &how);
                connection.leg = leg;
                connection.opened += 1;
                connection.attempts = 0;
                connection.lost_at = None;
                connection.link = Link::Open { since: at, how };
                self.divider(RowKind::Opened, source, at, &text);
            }
            Change::Batch { at, batch } => {
                self.stats.received(batch.raw.len(), at);
                for item in batch.items() {
                    self.record(source, batch.leg, at, &item);
                }
            }
            Change::Lost {
                at,
                leg,
                cause,
                retry_at,
            } => {
                connection.leg = leg;
                let first = connection.lost_at.is_none();
                connection.lost_at.get_or_insert(at);
                let kind = if connection.opened > 0 {
                    "connection lost"
                } else {
                    "no connection"
                };
                let text = format!("{kind} · {cause}");
                connection.link = Link::Waiting { cause, retry_at };
                if first {
                    self.divider(RowKind::Lost, source, at, &text);
                }
            }
            Change::Closed { at, ending } => {
                let text = ending.text().to_owned();
                connection.link = Link::Closed(ending);
                self.divider(RowKind::Closed, source, at, &text);
                self.leave_if_nothing_is_left();
            }
        }
    }

    /// Puts a row between the events.
    fn divider(&mut self, kind: RowKind, source: usize, at: Timestamp, text: &str) {
        self.store.push(&Row {
            kind,
            at,
            source: source as u16,
            lane: 0,
            leg: self
                .connections
                .get(source)
                .map_or(0, |connection| connection.leg),
            event_type: "",
            id: "",
            data: text,
        });
    }

    /// When every stream ended and there is nothing to look at, there is no
    /// reason to stay; with events on the screen, only the user leaves.
    fn leave_if_nothing_is_left(&mut self) {
        if self.exit.is_some() || self.stats.events.count > 0 {
            return;
        }
        let mut verdict = Ok(());
        for connection in &self.connections {
            match &connection.link {
                Link::Closed(Ending::Complete(_)) => {}
                Link::Closed(Ending::Failed(text)) => {
                    verdict = Err(format!("{}: {text}", connection.name));
                }
                _ => return,
            }
        }
        self.exit = Some(verdict);
    }

    fn key(&mut self, key: &KeyEvent) {
        if key.kind == KeyEventKind::Release {
            return;
        }
        self.screens.notice = None;
        let context = self.context();
        let replay = || match self.screens.replay {
            Some(_) if !self.help => self.keymap.action_of(Context::Replay, key),
            _ => None,
        };
        if let Some(action) = replay().or_else(|| self.keymap.action(context, key)) {
            self.act(action, context);
        }
    }

    /// Does what a key asks for, in the pane that has the keys.
    fn act(&mut self, action: Action, context: Context) {
        let rows = self.store.range();
        let row = self.view.selected();
        let selected = self.store.get(row);
        let chosen = (!self.view.following()).then_some(row);
        match self.screens.act(action, context, selected.as_ref(), chosen) {
            Done::All => return,
            Done::Nothing => {}
            Done::Show(row) => {
                self.view.select(row, &rows);
                self.focus = Focus::Detail;
                return self.show_detail();
            }
        }
        if let (Context::Detail, Some(detail)) = (context, &mut self.detail) {
            match action {
                Action::Up => return detail.scroll_by(-1),
                Action::Down => return detail.scroll_by(1),
                Action::PageUp => return detail.page(-1),
                Action::PageDown => return detail.page(1),
                Action::First => return detail.scroll_by(isize::MIN),
                Action::Last => return detail.scroll_by(isize::MAX),
                _ => {}
            }
        }
        match action {
            Action::Quit => self.exit = Some(Ok(())),
            Action::Help => self.help = !self.help,
            Action::Pause => self.view.toggle_pause(&rows),
            Action::Up | Action::Previous => self.view.step(-1, &rows),
            Action::Down | Action::Next => self.view.step(1, &rows),
            Action::PageUp => self.view.page(-1, &rows),
            Action::PageDown => self.view.page(1, &rows),
            Action::First => self.view.first(&rows),
            Action::Last => self.view.follow(&rows),
            Action::Open if rows.is_empty() => {}
            Action::Open => {
                self.view.stop(&rows);
                self.focus = Focus::Detail;
                self.show_detail();
            }
            Action::Close if self.detail.is_some() => {
                self.detail = None;
                self.focus = Focus::List;
            }
            Action::Close => self.view.follow(&rows),
            Action::Focus => {
                self.focus = match self.focus {
                    Focus::List if self.detail.is_some() => Focus::Detail,
                    _ => Focus::List,
                };
            }
            _ => {}
        }
    }

    fn show_detail(&mut self) {
        let row = self.view.selected();
        self.detail = Some(Detail::new(row, self.store.get(row).as_ref()));
    }
}
