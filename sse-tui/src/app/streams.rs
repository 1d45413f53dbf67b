//! Streams told to do something, one more stream, and the events written to a file.

use std::path::{Path, PathBuf};

use sse_core::client::Request as HttpRequest;

use super::{App, Focus, Tone};
use crate::cli::parse_url;
use crate::connection::{Connection, Link};
use crate::continuity::Contiguity;
use crate::export::{Format, Rows};
use crate::filter::Problem;
use crate::message::Ending;
use crate::prompt::{Prompt, PromptKind};
use crate::screens::Request;

/// Streams that can be read at once.
pub const MAX_STREAMS: usize = 256;

impl App {
    /// The stream that the keys mean: that of the selected row, or in its own pane.
    /// None of several while the selection follows whatever comes.
    fn stream_meant(&mut self) -> Option<usize> {
        let last = self.connections.len().saturating_sub(1);
        let meant = match self.focus {
            Focus::Streams => self.stream,
            _ if last > 0 && self.view.following() => {
                let text = "which stream? select one of its rows first";
                self.say(Tone::Refused, text);
                return None;
            }
            _ => self.selected().map_or(0, |row| usize::from(row.source)),
        };
        Some(meant.min(last))
    }

    pub(super) fn reconnect(&mut self) {
        self.asked = true;
        if let Some(stream) = self.stream_meant() {
            self.screens.ask(Request::Reconnect(stream));
        }
    }

    pub(super) fn close_stream(&mut self) {
        self.asked = true;
        let Some(stream) = self.stream_meant() else {
            return;
        };
        let ended = |connection: &Connection| matches!(connection.link, Link::Closed(_));
        match self.connections.get(stream) {
            Some(connection) if ended(connection) => {
                let text = format!("{} has ended already", connection.name);
                self.say(Tone::Refused, text);
            }
            _ => self.screens.ask(Request::Close(stream)),
        }
    }

    /// A line was typed that asks for I/O.
    pub(super) fn accept_request(&mut self, mut prompt: Prompt, text: &str) {
        let request = match prompt.kind {
            _ if text.is_empty() => return,
            PromptKind::Open => parse_url(text).map(Request::Open),
            _ => Format::of(Path::new(text)).map(|_| Request::Export(PathBuf::from(text))),
        };
        match request {
            Ok(request) => {
                self.history.remember(prompt.kind, text);
                self.screens.ask(request);
            }
            Err(reason) => {
                prompt.problem = Some(Problem { at: 0, reason });
                self.prompt = Some(prompt);
            }
        }
    }

    /// One more stream; its index. `None`: there are too many.
    pub fn add_stream(&mut self, name: &str, request: HttpRequest) -> Option<usize> {
        if self.connections.len() >= MAX_STREAMS {
            return None;
        }
        self.asked = true;
        let contiguity = match &self.sequence {
            Some(regex) => Contiguity::Declared(regex.clone()),
            None => Contiguity::of_url(name),
        };
        let connection = Connection::new(name.to_owned(), contiguity);
        self.connections.push(connection);
        self.listing.add_name(name.to_owned());
        self.requests.resize(self.connections.len() - 1, None);
        self.requests.push(Some(request));
        Some(self.connections.len() - 1)
    }

    /// The name of a stream as far as it tells it from the others.
    pub fn short_name(&self, stream: usize) -> &str {
        let Some(connection) = self.connections.get(stream) else {
            return "";
        };
        let name = connection.name.as_str();
        let others = self.connections.iter().map(|other| other.name.as_str());
        let others = others.filter(|other| *other != name);
        let alike = |other: &str| {
            let pairs = name.char_indices().zip(other.chars());
            let differ = pairs.into_iter().find(|((_, one), other)| one != other);
            differ.map_or(name.len().min(other.len()), |((at, _), _)| at)
        };
        let common = others.map(alike).min().unwrap_or(0);
        // A name begins where a part of the URL does.
        let start = name[..common].rfind(['/', ':', '?', '&', '=']);
        &name[start.map_or(0, |at| at + 1)..]
    }

    /// How a stream is asked for, if it is over HTTP.
    pub fn request_of(&self, stream: usize) -> Option<&HttpRequest> {
        self.requests.get(stream)?.as_ref()
    }

    /// The requests of all streams that are read over HTTP.
    pub fn requests(&self) -> impl Iterator<Item = &HttpRequest> {
        self.requests.iter().flatten()
    }

    /// Whether a stream ended for good.
    pub fn has_ended(&self, stream: usize) -> bool {
        let connection = self.connections.get(stream);
        connection.is_some_and(|connection| matches!(connection.link, Link::Closed(_)))
    }

    /// The rows that are listed now, for an export.
    pub fn rows(&self) -> Rows {
        let until = self.frozen_row.unwrap_or(u64::MAX);
        if self.listing.selection().is_all() {
            let held = self.store.range();
            return Rows::All(held.start..held.end.min(until));
        }
        let listed = self.places().filter_map(|place| {
            let row = self.listing.row(place)?;
            (row < until && !self.listing.is_context(place)).then_some(row)
        });
        Rows::Some(listed.collect::<Vec<_>>().into_iter())
    }

    /// A file that there is hardly yet.
    pub(super) fn export_name(&self) -> String {
        let time = self.now.strftime("%Y%m%dT%H%M%SZ");
        format!("events-{time}.ndjson")
    }

    /// When every stream ended and there is nothing to look at, there is no
    /// reason to stay; with events on the screen, or where the user has ended a
    /// stream, only the user leaves.
    pub(super) fn leave_if_nothing_is_left(&mut self) {
        if self.exit.is_some() || self.asked || self.stats.events.count > 0 {
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
}
