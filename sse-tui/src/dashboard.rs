//! The dashboard on a terminal: keys and updates in, frames out.

mod awake;
mod session;

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use crossterm::event::{Event, EventStream};
use futures_util::StreamExt;
use jiff::Timestamp;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::app::{App, Setup};
use crate::charts::Charts;
use crate::export::Export;
use crate::format;
use crate::ingest::{self, Received, Streams};
use crate::message::{Change, Message};
use crate::options::{Options, Source};
use crate::record::{self, Tap};
use crate::replay::Control;
use crate::screens::Request;
use crate::sys::{self, JobControl, Signals, Told};
use crate::terminal::Screen;
use crate::theme::Theme;
use crate::timings::Timings;
use crate::ui;

use awake::Awake;
use session::Session;

/// How often the screen is looked at for what time alone changes.
const BEAT: Duration = Duration::from_millis(100);
/// Updates taken in between two looks at the keyboard.
const BURST: usize = 32;

const NO_SHELL: &str = "there is no shell here to go back to";

/// The state for these options before anything was received.
pub(crate) fn app(options: &Options, streams: &Streams) -> App {
    let control = streams.control();
    let now = control.map_or_else(Timestamp::now, |control| control.position());
    let request = |source: &Source| match source {
        Source::Request(request) => Some((**request).clone()),
        Source::Stdin => None,
    };
    let sources = match options.replay {
        Some(_) => &[],
        None => &options.sources[..],
    };
    let mut app = App::new(Setup {
        sources: streams.names(),
        requests: sources.iter().map(request).collect(),
        transport: options.client.transport.clone(),
        event_types: options.event_types.clone(),
        events: options.events,
        buffer: options.buffer,
        sequence: options.sequence.clone(),
        time_zone: options.time_zone.clone(),
        columns: options.columns.clone(),
        follow: options.follow,
        mouse: options.mouse && options.screenshot.is_none(),
        keymap: options.keymap.clone(),
        now,
    });
    app.screens.charts = Charts::new(options.charts.clone());
    app.screens.text_pointer.clone_from(&options.text_pointer);
    for source in streams.open_from_the_start() {
        let how = "standard input".to_owned();
        let change = Change::Open {
            at: now,
            leg: 1,
            how,
            head: None,
        };
        app.update(Message::Stream { source, change });
    }
    app
}

/// Passes an update of a stream on to the state.
pub(crate) fn apply(app: &mut App, mut received: Received) {
    let source = received.source;
    let _taken = std::mem::take(&mut received.taken);
    if let Some(change) = ingest::change(received) {
        app.update(Message::Stream { source, change });
    }
}

/// Tells the state the time, and how recording and replay are going.
pub(crate) fn show_side(app: &mut App, tap: &Tap, control: Option<&Control>) {
    app.update(Message::Recording(tap.status()));
    match control {
        None => app.update(Message::Clock(Timestamp::now())),
        Some(control) => {
            let status = control.status();
            app.update(Message::Clock(status.position));
            app.update(Message::Replay(Box::new(status)));
        }
    }
}

/// Shows the streams until the user quits, or nothing is left to show.
///
/// # Errors
/// The terminal cannot be used. It is given back before this returns.
pub async fn run(options: &Options, streams: Streams) -> anyhow::Result<ExitCode> {
    if streams.read_stdin() && std::io::stdin().is_terminal() {
        anyhow::bail!(
            "standard input is the terminal, which the keys come from; pipe a stream into it, as in: curl -N URL | sse-tui -"
        );
    }
    let mut app = app(options, &streams);
    let mut tap = Tap::new(streams.facts(), options.record_limit);
    if let Some(path) = &options.record {
        tap.start(path, Timestamp::now())?;
    }
    let mut timings = options.timings.then(Timings::default);
    let code = {
        let mut signals = Signals::new()?;
        let mut screen = Screen::take()?;
        let session = Session::new(options, streams, &mut tap);
        show(
            &mut app,
            &mut screen,
            &mut signals,
            session,
            timings.as_mut(),
        )
        .await?
    };
    if let Some(timings) = timings {
        timings.report().lines().for_each(sys::complain);
    }
    if let Some(status) = tap.stop() {
        crate::print::complain_of(&status);
    }
    match (code, app.exit()) {
        (Some(code), _) => Ok(code),
        (None, Some(Err(failure))) => {
            sys::complain(failure);
            Ok(ExitCode::FAILURE)
        }
        (None, _) => Ok(ExitCode::SUCCESS),
    }
}

/// Ends with the code that a signal asks for, or `None` when the state says so.
async fn show(
    app: &mut App,
    screen: &mut Screen,
    signals: &mut Signals,
    mut session: Session<'_>,
    mut timings: Option<&mut Timings>,
) -> anyhow::Result<Option<ExitCode>> {
    let options = session.options;
    let ascii = options.ascii.unwrap_or_else(|| !sys::takes_utf8());
    let theme = Theme::new(options.theme).with_ascii(ascii);
    let mut awake = Awake::new()?;
    screen
        .set_mouse(app.mouse)
        .context("cannot write to the terminal")?;
    let mut keys = EventStream::new();
    let mut beat = interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut updates = Vec::with_capacity(BURST);
    let mut next_frame = Instant::now();
    let mut shown_second = 0;
    let mut dirty = true;
    let frame = Duration::from_secs(1) / u32::from(options.fps.max(1));
    while app.exit().is_none() {
        tokio::select! {
            biased;
            code = signals.received() => return Ok(Some(code)),
            event = keys.next() => {
                let event = event.context("the terminal has gone")?.context("cannot read the keyboard")?;
                let at = std::time::Instant::now();
                if let Some(timings) = &mut timings {
                    timings.key(at);
                }
                match event {
                    Event::Key(key) => app.update(Message::Key(key)),
                    Event::Paste(text) => app.update(Message::Paste(text)),
                    Event::Mouse(event) => app.update(Message::Mouse { event, at }),
                    _ => {}
                }
                screen.set_mouse(app.mouse).context("cannot write to the terminal")?;
                if let Some(text) = app.take_clipboard() {
                    screen.copy(&text).context("cannot write to the terminal")?;
                }
                while let Some(request) = app.screens.take_request() {
                    match request {
                        Request::Suspend if JobControl::can_stop() => {
                            JobControl::ask_all().context("cannot be suspended")?;
                        }
                        Request::Suspend => app.update(Message::Notice(NO_SHELL.to_owned())),
                        request => session.carry_out(app, request)?,
                    }
                }
                dirty = true;
            }
            told = awake.told() => {
                let away = match told {
                    Told::GoOn => awake.go_on(app, screen)?,
                    Told::Stop => awake.stop(app, screen).await?,
                };
                if told == Told::Stop && away.is_none() {
                    app.update(Message::Notice(NO_SHELL.to_owned()));
                }
                session.catch_up(app, away, timings.as_deref_mut());
                dirty = true;
            }
            () = sleep_until(next_frame), if dirty => {
                show_side(app, session.tap, session.control.as_ref());
                shown_second = Timestamp::now().as_second();
                let begun = Instant::now();
                screen.draw(|frame| ui::draw(frame, app, &theme)).context("cannot draw")?;
                let written = Instant::now();
                if let Some(timings) = &mut timings {
                    timings.drawn(begun.into(), written.into());
                }
                // A slow terminal has about half of the time, but one that stood still
                // is not waited for as long again.
                next_frame = (begun + frame).max(written + (written - begun).min(BEAT));
                dirty = false;
            }
            _ = beat.tick() => {
                if let Some(away) = awake.look(app, screen).await? {
                    session.catch_up(app, Some(away), timings.as_deref_mut());
                    dirty = true;
                }
                dirty |= app.counting_down() || Timestamp::now().as_second() != shown_second;
                if let Some(export) = &mut session.export {
                    export.wake();
                }
                if session.tap.status().is_some_and(|status| status.failure.is_some())
                    && let Some(status) = session.tap.stop()
                {
                    app.update(Message::Notice(ended_text(&status)));
                    dirty = true;
                }
            }
            count = session.ingest.next_many(&mut updates, BURST),
                if !session.all_ended && session.tap.has_room(BURST) =>
            {
                session.all_ended = count == 0;
                let away = awake.look(app, screen).await?;
                session.take_in(app, &mut updates, away, timings.as_deref_mut());
                // A flood of events must not hold up a filter, nor an export.
                app.work();
                session.go_on(app);
                dirty = true;
            }
            () = std::future::ready(()), if app.has_work() || exports(&session) => {
                app.work();
                session.go_on(app);
                dirty = true;
                // Keys and streams have to get their turn.
                tokio::task::yield_now().await;
            }
        }
    }
    Ok(None)
}

/// Whether an export can go on.
fn exports(session: &Session<'_>) -> bool {
    session.export.as_ref().is_some_and(Export::ready)
}

fn ended_text(status: &record::Status) -> String {
    let (path, bytes) = (&status.path, format::bytes(status.bytes as f64));
    match &status.failure {
        None => format!("recorded {bytes} to {path}; play it with sse-tui --replay {path}"),
        Some(failure) => format!("recording to {path} ended after {bytes}: {failure}"),
    }
}

/// A state at the start of the recording, and the recording wound to a place in it.
fn back_to(app: &mut App, options: &Options, to: Timestamp) -> anyhow::Result<Streams> {
    let streams = ingest::open(options)?;
    let mut fresh = self::app(options, &streams);
    if let Some(control) = streams.control() {
        let status = app.screens.replay.clone();
        control.change(|playhead, now| {
            if let Some(status) = status {
                playhead.set_speed(status.speed, now);
                if status.paused && !playhead.paused() {
                    playhead.toggle_pause(now);
                }
            }
            playhead.jump(to.max(playhead.position(now)), now);
        });
    }
    fresh.screens.go_on_from(&app.screens);
    let selection = app.listing.selection().clone();
    fresh.listing.select(selection, &fresh.store);
    fresh.find.clone_from(&app.find);
    fresh.side_by_side = app.side_by_side;
    fresh.mouse = app.mouse;
    *app = fresh;
    Ok(streams)
}
