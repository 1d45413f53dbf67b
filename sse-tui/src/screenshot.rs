//! A picture of the dashboard, drawn without a terminal.

use std::process::ExitCode;

use anyhow::Context;
use jiff::Timestamp;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use tokio::time::{Instant, timeout_at};

use crate::dashboard::{app, apply, show_side};
use crate::ingest::{Ingest, Streams};
use crate::message::Message;
use crate::options::{Options, Screenshot};
use crate::record::Tap;
use crate::theme::Theme;
use crate::{svg, sys, ui};

/// Reads the streams for a while, presses the keys, writes the picture.
///
/// # Errors
/// The file cannot be written.
pub async fn take(
    options: &Options,
    screenshot: &Screenshot,
    streams: Streams,
) -> anyhow::Result<ExitCode> {
    let mut app = app(options, &streams);
    let mut signals = sys::Signals::new()?;
    let mut tap = Tap::new(streams.facts(), options.record_limit);
    if let Some(path) = &options.record {
        tap.start(path, Timestamp::now())?;
    }
    let control = streams.control();
    let mut ingest = Ingest::start(streams);
    let end = Instant::now() + screenshot.after;
    loop {
        tokio::select! {
            biased;
            code = signals.received() => return Ok(code),
            update = timeout_at(end, ingest.next()) => match update {
                Ok(Some(received)) => {
                    tap.room().await;
                    tap.observe(&received);
                    apply(&mut app, received);
                }
                Ok(None) | Err(_) => break,
            }
        }
    }
    let theme = Theme::new(options.theme).with_ascii(options.ascii == Some(true));
    let (columns, rows) = screenshot.size;
    let mut terminal = Terminal::new(TestBackend::new(columns, rows))?;
    show_side(&mut app, &tap, control.as_ref());
    terminal.draw(|frame| ui::draw(frame, &mut app, &theme))?;
    for key in &screenshot.keys {
        app.update(Message::Key(key.event()));
        while app.has_work() {
            app.work();
        }
        terminal.draw(|frame| ui::draw(frame, &mut app, &theme))?;
        while app.screens.behind() {
            app.work();
            terminal.draw(|frame| ui::draw(frame, &mut app, &theme))?;
        }
    }
    if let Some(status) = tap.stop() {
        crate::print::complain_of(&status);
    }
    let light = options.theme == crate::theme::ThemeName::Light;
    let picture = svg::render(terminal.backend().buffer(), light);
    std::fs::write(&screenshot.path, picture)
        .with_context(|| format!("cannot write {}", screenshot.path.display()))?;
    Ok(ExitCode::SUCCESS)
}
