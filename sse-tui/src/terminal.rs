//! The terminal: raw mode and alternate screen, given back whatever happens.

use std::io::{self, IsTerminal, stdout};

use anyhow::Context;
use crossterm::clipboard::CopyToClipboard;
use crossterm::execute;
use ratatui::DefaultTerminal;

/// Holds the terminal until it is dropped; a panic gives it back before it is
/// printed.
#[derive(Debug)]
pub(crate) struct Screen {
    terminal: DefaultTerminal,
}

impl Screen {
    /// Enters raw mode and the alternate screen.
    ///
    /// # Errors
    /// There is no terminal, or it refuses; with what to do instead.
    pub(crate) fn take() -> anyhow::Result<Self> {
        if !stdout().is_terminal() {
            anyhow::bail!("the dashboard needs a terminal; use --output ndjson, text or raw");
        }
        let terminal =
            ratatui::try_init().context("cannot prepare the terminal; use --output text")?;
        Ok(Self { terminal })
    }

    /// Draws one frame; ratatui writes only the cells that changed.
    pub(crate) fn draw(&mut self, draw: impl FnOnce(&mut ratatui::Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(draw)?;
        Ok(())
    }

    /// Puts text on the clipboard of whoever sits at the terminal (OSC 52), if it
    /// lets programs do that.
    pub(crate) fn copy(&mut self, text: &str) -> io::Result<()> {
        execute!(
            self.terminal.backend_mut(),
            CopyToClipboard::to_clipboard_from(text)
        )
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        ratatui::restore();
    }
}
