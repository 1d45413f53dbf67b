//! The dashboard on a terminal: keys and updates in, frames out.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use crossterm::event::{Event, EventStream};
use futures_util::StreamExt;
use jiff::Timestamp;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::app::{App, Setup};
use crate::ingest::{self, Ingest, Received, Stream};
use crate::message::{Change, Message};
use crate::options::{Options, Source};
use crate::sys::{self, Signals};
use crate::terminal::Screen;
use crate::theme::Theme;
use crate::ui;

/// At most thirty frames a second.
const FRAME: Duration = Duration::from_millis(33);
/// How often the screen is looked at for what time alone changes.
const BEAT: Duration = Duration::from_millis(100);
/// Updates taken in between two looks at the keyboard.
const BURST: usize = 32;

/// The state for these options before anything was received.
pub(crate) fn app(options: &Options, streams: &[Stream]) -> App {
    let now = Timestamp::now();
    let request = |source: &Source| match source {
        Source::Request(request) => Some((**request).clone()),
        Source::Stdin => None,
    };
    let mut app = App::new(Setup {
        sources: streams.iter().map(|stream| stream.name.clone()).collect(),
        requests: options.sources.iter().map(request).collect(),
        event_types: options.event_types.clone(),
        events: options.events,
        buffer: options.buffer,
        sequence: options.sequence.clone(),
        time_zone: options.time_zone.clone(),
        now,
    });
    for (source, _) in streams
        .iter()
        .enumerate()
        .filter(|(_, stream)| stream.is_local())
    {
        let how = "standard input".to_owned();
        let change = Change::Open {
            at: now,
            leg: 1,
            how,
        };
        app.update(Message::Stream { source, change });
    }
    app
}

/// Passes an update of a stream on to the state.
pub(crate) fn apply(app: &mut App, received: Received) {
    let source = received.source;
    if let Some(change) = ingest::change(received) {
        app.update(Message::Stream { source, change });
    }
}

/// Shows the streams until the user quits, or nothing is left to show.
///
/// # Errors
/// The terminal cannot be used. It is given back before this returns.
pub async fn run(options: &Options, streams: Vec<Stream>) -> anyhow::Result<ExitCode> {
    if streams.iter().any(Stream::is_local) && std::io::stdin().is_terminal() {
        anyhow::bail!(
            "standard input is the terminal, which the keys come from; pipe a stream into it, as in: curl -N URL | sse-tui -"
        );
    }
    let mut app = app(options, &streams);
    let code = {
        let mut signals = Signals::new()?;
        let mut screen = Screen::take()?;
        let ingest = Ingest::start(streams);
        show(&mut app, options, &mut screen, &mut signals, ingest).await?
    };
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
    options: &Options,
    screen: &mut Screen,
    signals: &mut Signals,
    mut ingest: Ingest,
) -> anyhow::Result<Option<ExitCode>> {
    let theme = Theme::new(options.theme);
    let mut keys = EventStream::new();
    let mut beat = interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut updates = Vec::with_capacity(BURST);
    let mut all_ended = false;
    let mut next_frame = Instant::now();
    let mut shown_second = 0;
    let mut dirty = true;
    while app.exit().is_none() {
        tokio::select! {
            biased;
            code = signals.received() => return Ok(Some(code)),
            event = keys.next() => {
                let event = event.context("the terminal has gone")?.context("cannot read the keyboard")?;
                if let Event::Key(key) = event {
                    app.update(Message::Key(key));
                }
                if let Some(text) = app.take_clipboard() {
                    screen.copy(&text).context("cannot write to the terminal")?;
                }
                dirty = true;
            }
            () = sleep_until(next_frame), if dirty => {
                let now = Timestamp::now();
                app.update(Message::Clock(now));
                shown_second = now.as_second();
                screen.draw(|frame| ui::draw(frame, app, &theme)).context("cannot draw")?;
                next_frame = Instant::now() + FRAME;
                dirty = false;
            }
            _ = beat.tick() => {
                dirty |= app.counting_down() || Timestamp::now().as_second() != shown_second;
            }
            count = ingest.next_many(&mut updates, BURST), if !all_ended => {
                all_ended = count == 0;
                for received in updates.drain(..) {
                    apply(app, received);
                }
                // A flood of events must not hold up a filter.
                app.work();
                dirty = true;
            }
            () = std::future::ready(()), if app.has_work() => {
                app.work();
                dirty = true;
                // Keys and streams have to get their turn.
                tokio::task::yield_now().await;
            }
        }
    }
    Ok(None)
}
