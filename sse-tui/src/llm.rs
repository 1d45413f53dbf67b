//! The text that a model streams, put together from events.
//!
//! Pure: events in, a [`Document`] out. Knows the streams of `OpenAI`'s chat
//! completions and responses, of Anthropic's messages, and any other whose text
//! stands at a JSON pointer (RFC 6901). Everything is bounded, and what a bound
//! leaves out is counted.

mod anthropic;
mod chat;
mod piece;
mod pointer;
mod responses;
mod timing;

use jiff::Timestamp;

use piece::{Key, Piece};
pub use piece::{Kind, Usage};
pub use timing::Timing;

/// Bytes of text kept of one document.
pub const MAX_TEXT: usize = 4 << 20;
/// Deltas kept of one document.
pub const MAX_DELTAS: usize = 1 << 18;
/// Parts of one document: answers, tool calls, stretches of thinking.
pub const MAX_PARTS: usize = 256;
/// Larger events are not read.
pub const MAX_EVENT: usize = 1 << 20;
/// Bytes kept of a name, a reason, an error.
const MAX_WORDS: usize = 256;

/// What the events are written in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// `OpenAI` chat completions, and the many servers that speak them.
    Chat,
    /// `OpenAI` responses.
    Responses,
    /// Anthropic messages.
    Anthropic,
    /// Text at a JSON pointer.
    Pointer(String),
}

impl Format {
    /// For people.
    pub fn name(&self) -> String {
        match self {
            Self::Chat => "OpenAI chat completions".to_owned(),
            Self::Responses => "OpenAI responses".to_owned(),
            Self::Anthropic => "Anthropic messages".to_owned(),
            Self::Pointer(pointer) if pointer.is_empty() => "the data itself".to_owned(),
            Self::Pointer(pointer) => format!("text at {pointer}"),
        }
    }

    /// What ends an answer, by its name on the wire; `None` if nothing does.
    pub fn end_marker(&self) -> Option<&'static str> {
        match self {
            Self::Chat => Some("[DONE]"),
            Self::Responses => Some("response.completed"),
            Self::Anthropic => Some("message_stop"),
            Self::Pointer(_) => None,
        }
    }
}

/// A piece of text and the event that brought it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delta {
    /// Where its text ends in that of its part, in bytes. It begins where the
    /// one before ends.
    pub end: usize,
    /// Number of the event, as given to [`Document::event`].
    pub row: u64,
    /// When it was received.
    pub at: Timestamp,
    /// Nanoseconds since the delta before, of any part; `None` for the first.
    pub gap: Option<i64>,
    /// Whether that was a stall: see [`Timing`].
    pub stalled: bool,
}

/// A stretch of text of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What it is.
    pub kind: Kind,
    /// Which answer in the stream, from 0: a new one begins after an end marker.
    pub turn: u32,
    /// Which of several choices.
    pub choice: u32,
    /// Of the tool that is called.
    pub name: Option<String>,
    /// The deltas joined.
    pub text: String,
    /// The deltas, in order.
    pub deltas: Vec<Delta>,
    /// Where the text of a delta that came after a stall begins, and how long
    /// that was in nanoseconds.
    pub stalls: Vec<(usize, i64)>,
    key: Key,
}

impl Part {
    /// The delta that a byte of the text came with.
    pub fn delta(&self, offset: usize) -> Option<&Delta> {
        let index = self.deltas.partition_point(|delta| delta.end <= offset);
        self.deltas.get(index).or(self.deltas.last())
    }

    /// Where the text of a delta begins.
    pub fn start(&self, delta: &Delta) -> usize {
        let index = self.deltas.partition_point(|other| other.end < delta.end);
        index
            .checked_sub(1)
            .map_or(0, |before| self.deltas[before].end)
    }
}

/// Whether the answer is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// More may come.
    Open,
    /// The end marker came.
    Complete,
    /// The connection ended before the end marker did; why it ended.
    Cut(String),
    /// The connection ended, and nothing marks the end in this format.
    Ended,
}

/// What was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LeftOut {
    /// Bytes of text beyond [`MAX_TEXT`] or [`MAX_DELTAS`].
    pub text: u64,
    /// Pieces of parts beyond [`MAX_PARTS`].
    pub parts: u64,
    /// Events larger than [`MAX_EVENT`].
    pub large: u64,
}

/// Text put together from events.
#[derive(Debug, Clone)]
pub struct Document {
    /// What the events are written in, once one was recognised.
    pub format: Option<Format>,
    /// In the order in which they began.
    pub parts: Vec<Part>,
    /// As the server calls it.
    pub model: Option<String>,
    /// As the server reports it.
    pub usage: Usage,
    /// Why each choice ended, in the server's words.
    pub finish: Vec<(u32, String)>,
    /// What the server reported as an error.
    pub error: Option<String>,
    /// Events looked at, and those of them that are of no known format.
    pub events: (u64, u64),
    /// Characters of text.
    pub characters: u64,
    /// When things came.
    pub timing: Timing,
    /// What was left out.
    pub left_out: LeftOut,
    state: State,
    turn: u32,
    bytes: usize,
    deltas: usize,
}

impl Document {
    /// An empty document. `pointer`: where the text stands; `None`: in one of
    /// the known formats.
    pub fn new(pointer: Option<&str>) -> Self {
        Self {
            format: pointer.map(|pointer| Format::Pointer(pointer.to_owned())),
            parts: Vec::new(),
            model: None,
            usage: Usage::default(),
            finish: Vec::new(),
            error: None,
            events: (0, 0),
            characters: 0,
            timing: Timing::default(),
            left_out: LeftOut::default(),
            state: State::Open,
            turn: 0,
            bytes: 0,
            deltas: 0,
        }
    }

    /// Takes in an event.
    pub fn event(&mut self, row: u64, at: Timestamp, data: &str) {
        self.events.0 += 1;
        if data.len() > MAX_EVENT {
            self.left_out.large += 1;
            return;
        }
        let Some(pieces) = self.read(data) else {
            self.events.1 += 1;
            return;
        };
        for piece in pieces {
            self.piece(row, at, piece);
        }
    }

    /// The connection ended.
    pub fn close(&mut self, how: &str) {
        if self.state == State::Open && self.format.is_some() {
            self.state = match self.format.as_ref().and_then(Format::end_marker) {
                Some(_) => State::Cut(how.to_owned()),
                None => State::Ended,
            };
        }
    }

    /// Whether the answer is whole.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Pieces of text so far, those left out included.
    pub fn delta_count(&self) -> u64 {
        self.timing.deltas()
    }

    fn read(&mut self, data: &str) -> Option<Vec<Piece>> {
        if let Some(Format::Pointer(pointer)) = &self.format {
            return pointer::read(data, pointer);
        }
        let json = || serde_json::from_str::<serde_json::Value>(data).ok();
        match &self.format {
            Some(Format::Chat) if data.trim() == chat::DONE => Some(vec![Piece::End]),
            Some(Format::Chat) => chat::read(&json()?),
            Some(Format::Responses) => responses::read(&json()?),
            Some(Format::Anthropic) => anthropic::read(&json()?),
            _ => {
                let json = json()?;
                let (format, pieces) = None
                    .or_else(|| Some((Format::Responses, responses::read(&json)?)))
                    .or_else(|| Some((Format::Anthropic, anthropic::read(&json)?)))
                    .or_else(|| Some((Format::Chat, chat::read(&json)?)))?;
                // Others too send `{"type":"ping"}`.
                if !pieces.is_empty() {
                    self.format = Some(format);
                }
                Some(pieces)
            }
        }
    }

    fn piece(&mut self, row: u64, at: Timestamp, piece: Piece) {
        if self.state == State::Complete && piece.begins() {
            self.turn += 1;
            self.state = State::Open;
        }
        match piece {
            Piece::Text { key, text } => self.text(row, at, key, &text),
            Piece::Name { key, name } => {
                if let Some(part) = self.part(key) {
                    part.name.get_or_insert_with(|| words(&name));
                }
            }
            Piece::Model(model) => self.model = Some(words(&model)),
            Piece::Usage(usage) => self.usage.update(usage),
            Piece::Finish { choice, reason } => {
                self.finish.retain(|(other, _)| *other != choice);
                if self.finish.len() < MAX_PARTS {
                    self.finish.push((choice, words(&reason)));
                }
            }
            Piece::Error(text) => self.error = Some(words(&text)),
            Piece::End => self.state = State::Complete,
        }
    }

    fn text(&mut self, row: u64, at: Timestamp, key: Key, text: &str) {
        if text.is_empty() {
            return;
        }
        self.characters += text.chars().count() as u64;
        let (gap, stalled) = self.timing.delta(at);
        let full = self.bytes + text.len() > MAX_TEXT || self.deltas >= MAX_DELTAS;
        if full {
            self.left_out.text += text.len() as u64;
            return;
        }
        let Some(part) = self.part(key) else {
            return;
        };
        if let Some(gap) = gap.filter(|_| stalled) {
            part.stalls.push((part.text.len(), gap));
        }
        part.text.push_str(text);
        let end = part.text.len();
        part.deltas.push(Delta {
            end,
            row,
            at,
            gap,
            stalled,
        });
        self.bytes += text.len();
        self.deltas += 1;
    }

    fn part(&mut self, key: Key) -> Option<&mut Part> {
        let turn = self.turn;
        // Text goes where text went last, but for streams of several choices.
        let found = self
            .parts
            .iter()
            .rposition(|part| part.turn == turn && part.key == key);
        let index = match found {
            Some(index) => index,
            None if self.parts.len() >= MAX_PARTS => {
                self.left_out.parts += 1;
                return None;
            }
            None => {
                self.parts.push(Part {
                    kind: key.kind,
                    turn,
                    choice: key.choice,
                    name: None,
                    text: String::new(),
                    deltas: Vec::new(),
                    stalls: Vec::new(),
                    key,
                });
                self.parts.len() - 1
            }
        };
        self.parts.get_mut(index)
    }
}

/// The first of some words: they are shown on one line.
fn words(text: &str) -> String {
    crate::sanitize::prefix(text, MAX_WORDS).to_owned()
}

#[cfg(test)]
mod tests;
