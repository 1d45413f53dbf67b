//! The screens besides the main one, and what they share: which is shown, what
//! is recorded and replayed, what is to be told.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use url::Url;

use crate::audit;
use crate::charts::Charts;
use crate::cursor::Cursor;
use crate::keymap::{Action, Context};
use crate::lints::Lints;
use crate::record;
use crate::replay::{self, Playhead};
use crate::store::{Row, Store};
use crate::transcript::Transcript;

/// Which screen is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Screen {
    /// The list of events.
    #[default]
    Main,
    /// The text of a stream.
    Text,
    /// Live panels.
    Charts,
    /// What a person should know about the streams.
    Lints,
    /// What became of each reconnect.
    Audit,
}

/// What a key asks of those who do I/O.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Begin or end a recording.
    Recording,
    /// Play on in another way.
    Replay(Play),
    /// Play again from so much earlier.
    Back(SignedDuration),
    /// Connect a stream now, or open it again if it has ended.
    Reconnect(usize),
    /// End a stream for good.
    Close(usize),
    /// Read one more stream.
    Open(Url),
    /// Give the terminal back to the shell.
    Suspend,
    /// Write the events listed to this file.
    Export(PathBuf),
}

/// A change of how a recording is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Play {
    /// Stand still or go on.
    Pause,
    /// One record.
    Step,
    /// The next speed up.
    Faster,
    /// The next speed down.
    Slower,
    /// So much later.
    Ahead(SignedDuration),
}

impl Play {
    /// Makes the change.
    pub fn apply(self, playhead: &mut Playhead, now: Instant) {
        match self {
            Self::Pause => playhead.toggle_pause(now),
            Self::Step => playhead.step(now),
            Self::Faster => playhead.faster(now),
            Self::Slower => playhead.slower(now),
            Self::Ahead(by) => {
                let to = playhead.position(now).saturating_add(by);
                playhead.jump(to.unwrap_or(Timestamp::MAX), now);
            }
        }
    }
}

/// How far the seek keys go.
const SEEK: SignedDuration = SignedDuration::from_secs(10);
/// Requests of which the time is remembered.
const MAX_REQUESTED: usize = 256;

/// What a key did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// All of it.
    All,
    /// Nothing: it is not for these screens.
    Nothing,
    /// It asks for an event in detail.
    Show(u64),
}

/// See the module.
#[derive(Debug)]
pub struct Screens {
    /// Which screen is shown.
    pub current: Screen,
    /// The text screen, once it was opened.
    pub transcript: Option<Transcript>,
    /// The live panels, fed from the start.
    pub charts: Charts,
    /// The lints, seen from the start.
    pub lints: Lints,
    /// Which reconnect is selected.
    pub audit: Cursor<audit::Key>,
    /// The recording that is made.
    pub recording: Option<record::Status>,
    /// How the recording that is shown is played.
    pub replay: Option<replay::Status>,
    /// Where the text stands in the data.
    pub text_pointer: Option<String>,
    /// The screen that a row of the list was shown from.
    pub back: Option<Screen>,
    requests: VecDeque<Request>,
    /// Stream, connection, time of the request.
    requested: VecDeque<(usize, u64, Timestamp)>,
}

impl Default for Screens {
    fn default() -> Self {
        Self {
            current: Screen::default(),
            transcript: None,
            charts: Charts::default(),
            lints: Lints::default(),
            audit: Cursor::at_last(),
            recording: None,
            replay: None,
            text_pointer: None,
            back: None,
            requests: VecDeque::new(),
            requested: VecDeque::new(),
        }
    }
}

impl Screens {
    /// What the keys asked for of those who do I/O.
    pub fn take_request(&mut self) -> Option<Request> {
        self.requests.pop_front()
    }

    /// Asks for something that is I/O.
    pub fn ask(&mut self, request: Request) {
        self.requests.push_back(request);
    }

    /// Goes to the main screen to show a row there.
    pub fn show_row(&mut self) {
        if self.current != Screen::Main {
            self.back = Some(std::mem::take(&mut self.current));
        }
    }

    /// Goes back to the screen that a row was shown from; false if there is none.
    pub fn go_back(&mut self) -> bool {
        match self.back.take() {
            Some(screen) => {
                self.current = screen;
                true
            }
            None => false,
        }
    }

    /// A stream sent a request.
    pub fn requested(&mut self, source: usize, leg: u64, at: Timestamp) {
        if let Some(text) = &mut self.transcript
            && (text.source, text.leg) == (source, leg)
        {
            text.document.timing.request(at);
        }
        if self.requested.len() == MAX_REQUESTED {
            self.requested.pop_front();
        }
        self.requested.push_back((source, leg, at));
    }

    /// Where the keys go, if not to the main screen.
    pub fn context(&self) -> Option<Context> {
        match self.current {
            Screen::Main => None,
            Screen::Text => Some(Context::Text),
            Screen::Charts => Some(Context::Charts),
            Screen::Lints => Some(Context::Lints),
            Screen::Audit => Some(Context::Audit),
        }
    }

    /// Whether the screen changes though nothing arrives.
    pub fn moving(&self) -> bool {
        let playing = |replay: &replay::Status| !replay.ended && !replay.paused;
        self.replay.as_ref().is_some_and(playing) || self.recording.is_some() || self.behind()
    }

    /// Whether what is shown lacks events that the store has.
    pub fn behind(&self) -> bool {
        let behind = self.transcript.as_ref().is_some_and(Transcript::behind);
        self.current == Screen::Text && behind
    }

    /// Keeps what a reader chose, when all else begins anew.
    pub fn go_on_from(&mut self, before: &Self) {
        self.current = before.current;
        self.replay.clone_from(&before.replay);
        self.charts = Charts::new(before.charts.wanted().to_vec());
        if let Some(transcript) = &before.transcript {
            self.open_text(transcript.source, transcript.leg);
        }
    }

    /// Whether the text that is shown can go on with rows up to a number.
    pub fn can_read(&self, store: &Store, until: u64) -> bool {
        let text = self.transcript.as_ref();
        self.current == Screen::Text && text.is_some_and(|text| text.lags(store, until))
    }

    /// Lets it go on for a few milliseconds.
    pub fn read(&mut self, store: &Store, until: u64) {
        if let Some(transcript) = &mut self.transcript {
            transcript.read(store, until);
        }
    }

    /// Lets what is shown look at the rows up to a number before it is drawn.
    pub fn look(&mut self, store: &Store, until: u64, now: Timestamp, paused: bool) {
        if self.current == Screen::Charts {
            self.charts.refresh(store, now, paused);
        }
        if let (Screen::Text, Some(transcript)) = (self.current, &mut self.transcript) {
            transcript.look(store, until);
        }
    }

    /// Does what a key asks for. `selected`: the row that is selected in the
    /// list; `chosen`: its number, if a reader chose it.
    pub fn act(
        &mut self,
        action: Action,
        context: Context,
        selected: Option<&Row<'_>>,
        chosen: Option<u64>,
    ) -> Done {
        let goes_on = [
            Action::Text,
            Action::Charts,
            Action::Lints,
            Action::Audit,
            Action::Last,
        ];
        if self.current == Screen::Main && goes_on.contains(&action) {
            self.back = None;
        }
        match (context, action) {
            (_, Action::Suspend) => self.requests.push_back(Request::Suspend),
            (_, Action::Record) => self.requests.push_back(Request::Recording),
            (_, Action::PlayPause) => self.requests.push_back(Request::Replay(Play::Pause)),
            (_, Action::PlayStep) => self.requests.push_back(Request::Replay(Play::Step)),
            (_, Action::PlayFaster) => self.requests.push_back(Request::Replay(Play::Faster)),
            (_, Action::PlaySlower) => self.requests.push_back(Request::Replay(Play::Slower)),
            (_, Action::PlayAhead) => self.requests.push_back(Request::Replay(Play::Ahead(SEEK))),
            (_, Action::PlayBack) => self.requests.push_back(Request::Back(SEEK)),
            (Context::Text, Action::Text | Action::Close) => self.current = Screen::Main,
            (_, Action::Text) => self.enter_text(selected, chosen),
            (Context::Charts, Action::Close) if self.charts.zoomed() => self.charts.zoom(false),
            (Context::Charts, Action::Charts | Action::Close) => self.current = Screen::Main,
            (_, Action::Charts) => self.current = Screen::Charts,
            (Context::Lints, Action::Lints | Action::Close)
            | (Context::Audit, Action::Audit | Action::Close) => self.current = Screen::Main,
            (_, Action::Lints) => self.current = Screen::Lints,
            (_, Action::Audit) => self.current = Screen::Audit,
            (Context::Charts, action) => return self.act_on_charts(action),
            (Context::Text, action) => return self.act_on_text(action),
            _ => return Done::Nothing,
        }
        Done::All
    }

    /// The text that the selected event belongs to, with the cursor on it.
    fn enter_text(&mut self, selected: Option<&Row<'_>>, go_to: Option<u64>) {
        let (source, leg) = selected.map_or((0, 1), |row| (usize::from(row.source), row.leg));
        let same = |text: &Transcript| (text.source, text.leg) == (source, leg);
        if !self.transcript.as_ref().is_some_and(same) {
            self.open_text(source, leg);
        }
        if let (Some(row), Some(text)) = (go_to, &mut self.transcript) {
            text.go_to_row(row);
        }
        self.current = Screen::Text;
    }

    fn open_text(&mut self, source: usize, leg: u64) {
        let found = self
            .requested
            .iter()
            .find(|(s, l, _)| (*s, *l) == (source, leg));
        let requested = found.map(|(_, _, at)| *at);
        let pointer = self.text_pointer.as_deref();
        self.transcript = Some(Transcript::new(source, leg, pointer, requested));
    }

    fn act_on_charts(&mut self, action: Action) -> Done {
        let charts = &mut self.charts;
        match action {
            Action::Left => charts.select_by(-1),
            Action::Right => charts.select_by(1),
            Action::Up => charts.move_by(-1),
            Action::Down => charts.move_by(1),
            Action::NextField => charts.field(1),
            Action::PreviousField => charts.field(-1),
            Action::Open => charts.zoom(!charts.zoomed()),
            _ => return Done::Nothing,
        }
        Done::All
    }

    fn act_on_text(&mut self, action: Action) -> Done {
        let Some(text) = &mut self.transcript else {
            return Done::All;
        };
        match action {
            Action::Left => text.step(false),
            Action::Right => text.step(true),
            Action::Up => text.move_by(-1),
            Action::Down => text.move_by(1),
            Action::PageUp => text.page(-1),
            Action::PageDown => text.page(1),
            Action::First => text.first(),
            Action::Last => text.follow(),
            Action::NextStall => text.stall(true),
            Action::PreviousStall => text.stall(false),
            Action::Fold => text.fold(),
            Action::Next | Action::Previous => {
                let by = if action == Action::Next { 1 } else { -1 };
                let leg = text.leg.saturating_add_signed(by).max(1);
                let source = text.source;
                let known = |(s, l, _): &(usize, u64, Timestamp)| (*s, *l) == (source, leg);
                if leg < text.leg || self.requested.iter().any(known) {
                    self.open_text(source, leg);
                }
            }
            Action::Open => {
                if let Some(delta) = text.delta() {
                    return Done::Show(delta.row);
                }
            }
            _ => return Done::Nothing,
        }
        Done::All
    }
}
