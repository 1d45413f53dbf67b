//! What the keys ask of files and of the network.

use std::path::Path;

use jiff::Timestamp;
use sse_core::EventId;
use sse_core::client::{Request as HttpRequest, Update};
use url::Url;

use super::{BURST, apply, back_to, ended_text};
use crate::app::{App, MAX_STREAMS};
use crate::export::Export;
use crate::ingest::{self, Ingest, Order, Received, Streams};
use crate::keymap::{Action, Context};
use crate::message::{Away, Message};
use crate::options::Options;
use crate::record::{self, Tap};
use crate::replay::Control;
use crate::screens::Request;
use crate::timings::Timings;

const RECORDING: &str = "this is a recording, not a live stream";

/// Everything outside of the state.
pub(super) struct Session<'a> {
    pub options: &'a Options,
    pub ingest: Ingest,
    /// Of the recording that is played.
    pub control: Option<Control>,
    pub tap: &'a mut Tap,
    pub export: Option<Export>,
    /// No stream is read any more.
    pub all_ended: bool,
}

impl<'a> Session<'a> {
    pub(super) fn new(options: &'a Options, streams: Streams, tap: &'a mut Tap) -> Self {
        Self {
            options,
            control: streams.control(),
            ingest: Ingest::start(streams),
            tap,
            export: None,
            all_ended: false,
        }
    }

    /// Takes in updates; where the program was away meanwhile, it is said between
    /// those of before and those of after.
    pub(super) fn take_in(
        &mut self,
        app: &mut App,
        updates: &mut Vec<Received>,
        mut away: Option<Away>,
        mut timings: Option<&mut Timings>,
    ) {
        for received in updates.drain(..) {
            if let Some(away) = away.take_if(|away| away.since < received.at) {
                app.update(Message::Away(away));
            }
            if let (Some(timings), Update::Batch(batch)) = (&mut timings, &received.update) {
                timings.received(batch.received_at.instant);
            }
            self.tap.observe(&received);
            apply(app, received);
        }
        if let Some(away) = away {
            app.update(Message::Away(away));
        }
    }

    /// The same of what waits now.
    pub(super) fn catch_up(
        &mut self,
        app: &mut App,
        away: Option<Away>,
        timings: Option<&mut Timings>,
    ) {
        let mut updates = Vec::new();
        if self.tap.has_room(BURST) {
            self.ingest.take_waiting(&mut updates, BURST);
        }
        self.take_in(app, &mut updates, away, timings);
    }

    /// Does what the keys asked for.
    ///
    /// # Errors
    /// The recording that is played cannot be read again.
    pub(super) fn carry_out(&mut self, app: &mut App, request: Request) -> anyhow::Result<()> {
        match (request, &self.control) {
            (Request::Recording, None) => self.toggle_recording(app),
            (Request::Recording, Some(_)) => {
                let key = app.keymap.how(Context::Everywhere, Action::Record);
                let text = format!("this is a recording already; {key} records live streams");
                refuse(app, &text);
            }
            (Request::Replay(change), Some(playing)) => {
                playing.change(|playhead, now| change.apply(playhead, now));
            }
            (Request::Back(by), Some(playing)) => {
                let to = playing.position().saturating_sub(by);
                let streams = back_to(app, self.options, to.unwrap_or(Timestamp::MIN))?;
                self.control = streams.control();
                self.ingest = Ingest::start(streams);
                self.all_ended = false;
            }
            // The terminal is not of the session.
            (Request::Replay(_) | Request::Back(_), None) | (Request::Suspend, _) => {}
            (Request::Reconnect(stream), _) => self.reconnect(app, stream),
            (Request::Close(stream), _) => {
                if !self.ingest.is_live() {
                    refuse(app, RECORDING);
                } else if !self.ingest.tell(stream, Order::Close) {
                    refuse(app, "the stream has ended already");
                }
            }
            (Request::Open(url), _) => self.open(app, url),
            (Request::Export(path), _) => self.export(app, &path),
        }
        Ok(())
    }

    /// Goes on with the export.
    pub(super) fn go_on(&mut self, app: &mut App) {
        if let Some(export) = &mut self.export
            && let Some(text) = export.go_on(&app.store)
        {
            self.export = None;
            app.update(Message::Done(text));
        }
    }

    /// Begins a recording in a new file named by the time, or ends the one that is made.
    fn toggle_recording(&mut self, app: &mut App) {
        let text = if let Some(status) = self.tap.stop() {
            ended_text(&status)
        } else {
            let now = Timestamp::now();
            let path = record::file_name(now);
            match self.tap.start(&path, now) {
                Ok(()) => format!("recording to {}", path.display()),
                Err(error) => format!("{error:#}"),
            }
        };
        refuse(app, &text);
    }

    fn reconnect(&mut self, app: &mut App, stream: usize) {
        if !self.ingest.is_live() {
            return refuse(app, RECORDING);
        }
        if !app.has_ended(stream) && self.ingest.tell(stream, Order::Reconnect) {
            return;
        }
        let (Some(request), Some(connection)) =
            (app.request_of(stream).cloned(), app.connections.get(stream))
        else {
            return refuse(app, "standard input cannot be read again");
        };
        let after = EventId::new(connection.last_event_id.clone()).ok();
        let legs = connection.leg;
        if let Err(error) = self.ingest.open(stream, request, after, legs) {
            return refuse(app, &format!("{error:#}"));
        }
        self.all_ended = false;
    }

    fn open(&mut self, app: &mut App, url: Url) {
        if !self.ingest.is_live() {
            return refuse(app, RECORDING);
        }
        if self.tap.status().is_some() {
            let key = app.keymap.how(Context::Everywhere, Action::Record);
            let text = format!("a recording names its streams at its start: end it first ({key})");
            return refuse(app, &text);
        }
        let request = request_for(url, app);
        let facts = ingest::facts(&request);
        let source = app.connections.len();
        if source >= MAX_STREAMS {
            return refuse(app, &format!("no more than {MAX_STREAMS} streams at once"));
        }
        if let Err(error) = self.ingest.open(source, request.clone(), None, 0) {
            return refuse(app, &format!("{error:#}"));
        }
        app.add_stream(&facts.name, request);
        self.tap.add_stream(facts);
        self.all_ended = false;
    }

    fn export(&mut self, app: &mut App, path: &Path) {
        if self.export.is_some() {
            return refuse(app, "an export is still being written");
        }
        let names = app.listing.names().to_vec();
        match Export::start(path, app.rows(), names) {
            Ok(export) => self.export = Some(export),
            Err(error) => refuse(app, &format!("{error:#}")),
        }
    }
}

fn refuse(app: &mut App, text: &str) {
    app.update(Message::Notice(text.to_owned()));
}

/// A GET. Header fields and credentials of the command line go only where they
/// went before: to an origin that a stream of it has.
fn request_for(url: Url, app: &App) -> HttpRequest {
    let same = app
        .requests()
        .find(|known| known.url.origin() == url.origin());
    let mut request = HttpRequest::get(url);
    if let Some(known) = same {
        request.headers.clone_from(&known.headers);
        request.headers.remove(http::header::CONTENT_TYPE);
        request.auth.clone_from(&known.auth);
    }
    request
}
