//! The state, and what each message makes of it. Knows no terminal.

mod act;
mod mouse;
mod review;
mod select;
mod stream;
mod streams;

use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;

use clap::ValueEnum;
use crossterm::event::{KeyEvent, KeyEventKind};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use regex::Regex;
use sse_core::client::{Request, TransportOptions};

use crate::connection::{Connection, Link};
use crate::continuity::Contiguity;
use crate::detail::Detail;
use crate::find::{Find, Seek};
use crate::keymap::{Context, Keymap};
use crate::listing::Listing;
use crate::message::Message;
use crate::mouse::Zones;
use crate::options::Column;
use crate::prompt::{History, Prompt};
use crate::screens::Screens;
use crate::stats::Stats;
use crate::store::{Row, Store};
use crate::view::View;

pub use stream::DeclaredGap;
pub use streams::MAX_STREAMS;

/// Which pane has the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Focus {
    /// The list of events.
    List,
    /// The event types.
    Types,
    /// The streams, where there are several.
    Streams,
    /// The detail of one event.
    Detail,
}

/// What an [`App`] is made of.
#[derive(Debug)]
pub struct Setup {
    /// Names of the streams.
    pub sources: Vec<String>,
    /// How each of them is asked for, as far as it is; for copies as curl.
    pub requests: Vec<Option<Request>>,
    /// How connections are made; likewise.
    pub transport: TransportOptions,
    /// Only these event types are listed; empty for all.
    pub event_types: Vec<String>,
    /// Leave after so many listed events.
    pub events: Option<u64>,
    /// Memory for events, in bytes.
    pub buffer: usize,
    /// Event ids count without holes: this finds the number in one.
    pub sequence: Option<Regex>,
    /// Where times are shown.
    pub time_zone: TimeZone,
    /// Columns of the list before the data.
    pub columns: Vec<Column>,
    /// Whether the list begins at the newest event and stays there.
    pub follow: bool,
    /// Whether the mouse works here.
    pub mouse: bool,
    /// What the keys do.
    pub keymap: Keymap,
    /// The time at the start.
    pub now: Timestamp,
}

impl Setup {
    /// These streams, everything else by default.
    pub fn new(sources: Vec<String>, now: Timestamp) -> Self {
        Self {
            sources,
            requests: Vec::new(),
            transport: TransportOptions::default(),
            event_types: Vec::new(),
            events: None,
            buffer: 64 << 20,
            sequence: None,
            time_zone: TimeZone::UTC,
            columns: Column::value_variants().to_vec(),
            follow: true,
            mouse: false,
            keymap: Keymap::default(),
            now,
        }
    }
}

/// How a word to the user is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// It was done.
    Done,
    /// It was not.
    Refused,
}

/// A word to the user, for a few seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The words.
    pub text: String,
    /// How they are meant.
    pub tone: Tone,
    until: Timestamp,
}

/// How long a notice stays.
const NOTICE: SignedDuration = SignedDuration::from_secs(4);

/// Everything that the screen shows.
#[derive(Debug)]
pub struct App {
    /// The streams, in the order of the command line.
    pub connections: Vec<Connection>,
    /// The rows.
    pub store: Store,
    /// The figures.
    pub stats: Stats,
    /// Which rows are listed.
    pub listing: Listing,
    /// The window over the rows listed.
    pub view: View,
    /// The open detail.
    pub detail: Option<Detail>,
    /// What is being typed.
    pub prompt: Option<Prompt>,
    /// What is looked for.
    pub find: Option<Find>,
    /// Rows with a bookmark.
    pub bookmarks: BTreeSet<u64>,
    /// The event type selected in its pane.
    pub lane: u16,
    /// Columns of the list before the data.
    pub columns: Vec<Column>,
    /// The stream selected in its pane.
    pub stream: usize,
    /// Each stream has a column of its own in the list.
    pub side_by_side: bool,
    /// Which pane has the keys.
    pub focus: Focus,
    /// Whether the list of keys is open, and how far it is scrolled.
    pub help: Option<usize>,
    /// Whether the mouse works here, and what it can point at.
    pub mouse: bool,
    pub(crate) zones: Zones,
    /// What the keys do.
    pub keymap: Keymap,
    /// Where times are shown.
    pub time_zone: TimeZone,
    /// The time, as last told.
    pub now: Timestamp,
    /// Events not listed because of their type, and not kept.
    pub hidden: u64,
    /// The other screens, recording and replay.
    pub screens: Screens,
    notice: Option<Notice>,
    requests: Vec<Option<Request>>,
    transport: TransportOptions,
    history: History,
    seek: Option<Seek>,
    /// Rows at which something came or went, or is missing.
    gaps: VecDeque<u64>,
    /// The selected row, whatever its place in the listing is.
    at_row: u64,
    /// While paused: the first row not shown.
    frozen_row: Option<u64>,
    clipboard: Option<String>,
    listed: u64,
    event_types: Vec<String>,
    events: Option<u64>,
    sequence: Option<Regex>,
    /// The user told a stream to do something.
    asked: bool,
    exit: Option<Result<(), String>>,
}

impl App {
    /// The state before anything happened.
    pub fn new(setup: Setup) -> Self {
        let connection = |name: &String| {
            let contiguity = match &setup.sequence {
                Some(regex) => Contiguity::Declared(regex.clone()),
                None => Contiguity::of_url(name),
            };
            Connection::new(name.clone(), contiguity)
        };
        let mut view = View::default();
        if !setup.follow {
            view.first(&(0..0));
        }
        Self {
            connections: setup.sources.iter().map(connection).collect(),
            store: Store::new(setup.buffer),
            stats: Stats::new(setup.now),
            listing: Listing::new(setup.sources),
            view,
            detail: None,
            prompt: None,
            find: None,
            bookmarks: BTreeSet::new(),
            lane: 0,
            columns: setup.columns,
            stream: 0,
            side_by_side: false,
            focus: Focus::List,
            help: None,
            mouse: setup.mouse,
            zones: Zones::default(),
            keymap: setup.keymap,
            time_zone: setup.time_zone,
            now: setup.now,
            hidden: 0,
            screens: Screens::default(),
            notice: None,
            requests: setup.requests,
            transport: setup.transport,
            history: History::default(),
            seek: None,
            gaps: VecDeque::new(),
            at_row: 0,
            frozen_row: None,
            clipboard: None,
            listed: 0,
            event_types: setup.event_types,
            events: setup.events,
            sequence: setup.sequence,
            asked: false,
            exit: None,
        }
    }

    /// Takes in one message.
    pub fn update(&mut self, message: Message) {
        match message {
            Message::Clock(now) => {
                self.now = now;
                self.screens.lints.time(now);
                self.notice.take_if(|notice| notice.until < now);
            }
            Message::Key(key) => self.key(&key),
            Message::Paste(text) => self.paste(&text),
            Message::Mouse { event, at } => self.mouse(event, at),
            Message::Stream { source, change } => self.stream(source, change),
            Message::Away(away) => self.away(away),
            Message::Recording(status) => self.screens.recording = status,
            Message::Replay(status) => self.screens.replay = Some(*status),
            Message::Notice(text) => self.tell(Tone::Refused, text),
            Message::Done(text) => self.tell(Tone::Done, text),
        }
    }

    fn tell(&mut self, tone: Tone, text: String) {
        let until = Timestamp::MAX;
        self.notice = Some(Notice { text, tone, until });
    }

    /// Whether to leave, and with what word of failure.
    pub fn exit(&self) -> Option<&Result<(), String>> {
        self.exit.as_ref()
    }

    /// The places of the rows that are listed.
    pub fn places(&self) -> Range<u64> {
        self.listing.range(&self.store)
    }

    /// The number of the selected row.
    pub fn selected_row(&self) -> Option<u64> {
        self.listing.row(self.view.selected())
    }

    /// The selected row.
    pub fn selected(&self) -> Option<Row<'_>> {
        self.store.get(self.selected_row()?)
    }

    /// What there is to say to the user now.
    pub fn notice(&self) -> Option<&Notice> {
        self.notice.as_ref()
    }

    /// What is to be put on the clipboard, once.
    pub fn take_clipboard(&mut self) -> Option<String> {
        self.clipboard.take()
    }

    /// Events that arrived and are neither kept nor evicted nor hidden by
    /// `--event`: none, as the streams wait for the program.
    pub fn dropped(&self) -> u64 {
        let known = self.store.kept() + self.store.evicted() + self.hidden;
        self.stats.events.count.saturating_sub(known)
    }

    /// Events known to be lost before they arrived.
    pub fn lost(&self) -> u64 {
        self.connections.iter().map(Connection::lost).sum()
    }

    /// Whether more is lost than that, by what servers say.
    pub fn lost_more(&self) -> bool {
        let mut connections = self.connections.iter();
        connections.any(|connection| connection.lost_more)
    }

    /// Numbers that are missing and may be events that are lost.
    pub fn maybe_lost(&self) -> u64 {
        self.connections.iter().map(Connection::maybe_lost).sum()
    }

    /// The context in which a key has its meaning now.
    pub fn context(&self) -> Context {
        if self.prompt.is_some() {
            return Context::Prompt;
        }
        if self.help.is_some() {
            return Context::Help;
        }
        if let Some(context) = self.screens.context() {
            return context;
        }
        match self.focus {
            Focus::Detail if self.detail.is_some() => Context::Detail,
            Focus::Types => Context::Types,
            Focus::Streams => Context::Streams,
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

    /// Whether there is something to go on with while nothing happens.
    pub fn has_work(&self) -> bool {
        self.listing.progress(&self.store).is_some()
            || self.seek.is_some()
            || self.screens.can_read(&self.store, self.until())
    }

    /// Goes on with it for a few milliseconds.
    pub fn work(&mut self) {
        if self.listing.progress(&self.store).is_some() {
            self.listing.scan(&self.store);
        } else if self.seek.is_some() {
            self.go_on_seeking();
        } else {
            let until = self.until();
            if self.screens.can_read(&self.store, until) {
                self.screens.read(&self.store, until);
            }
        }
    }

    /// Rows from here on are not shown.
    fn until(&self) -> u64 {
        self.frozen_row.unwrap_or(u64::MAX)
    }

    /// Fits list and detail to the room they have, before they are drawn.
    pub fn fit(&mut self, list_height: usize, detail: Option<(usize, usize)>) {
        self.find_places();
        self.view.fit(list_height, &self.places());
        let until = self.until();
        let paused = self.view.paused();
        self.screens.look(&self.store, until, self.now, paused);
        let selected = self.selected_row().unwrap_or_default();
        if let Some(detail) = &self.detail
            && detail.row() != selected
        {
            self.show_detail();
        }
        if let (Some(open), Some((width, height))) = (&mut self.detail, detail) {
            open.fit(width, height);
        }
    }

    /// The rows that the view is about may have other places by now.
    fn find_places(&mut self) {
        if let Some(frozen) = self.frozen_row {
            self.view.refreeze(self.listing.place(frozen));
        }
        if !self.view.following() {
            self.view.renumber(self.listing.place(self.at_row));
        }
        self.view.refit(&self.places());
    }

    fn key(&mut self, key: &KeyEvent) {
        if key.kind == KeyEventKind::Release {
            return;
        }
        self.notice = None;
        self.find_places();
        let context = self.context();
        let replay = self.screens.replay.is_some();
        if let Some(action) = self.keymap.action(context, replay, key) {
            self.act(action, context);
        } else if context == Context::Prompt {
            self.type_key(key);
        }
    }

    fn say(&mut self, tone: Tone, text: impl Into<String>) {
        let until = self.now.saturating_add(NOTICE).unwrap_or(self.now);
        let text = text.into();
        self.notice = Some(Notice { text, tone, until });
    }

    fn show_detail(&mut self) {
        let Some(row) = self.selected_row() else {
            return;
        };
        let wire = self.detail.as_ref().is_some_and(Detail::shows_wire);
        let mut detail = Detail::new(row, self.store.get(row).as_ref());
        if wire {
            detail.toggle_wire(&self.store);
        }
        self.detail = Some(detail);
    }
}
