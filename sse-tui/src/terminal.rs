//! The terminal: raw mode, alternate screen, mouse and pasting, given back whatever
//! happens.

use std::io::{self, IsTerminal, stdout};
use std::sync::Once;

use anyhow::Context;
use crossterm::clipboard::CopyToClipboard;
use crossterm::cursor::Show;
use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
};
use crossterm::execute;
use crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::DefaultTerminal;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;

/// Holds the terminal until it is dropped; a panic gives it back before it is
/// printed.
#[derive(Debug)]
pub(crate) struct Screen {
    terminal: DefaultTerminal,
    mouse: bool,
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
        give_back_on_panic();
        let refused = "cannot prepare the terminal; use --output text";
        enter().context(refused)?;
        match Terminal::new(CrosstermBackend::new(stdout())) {
            Ok(terminal) => Ok(Self {
                terminal,
                mouse: false,
            }),
            Err(error) => {
                give_back();
                Err(error).context(refused)
            }
        }
    }

    /// Draws one frame; ratatui writes only the cells that changed.
    pub(crate) fn draw(&mut self, draw: impl FnOnce(&mut ratatui::Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(draw)?;
        Ok(())
    }

    /// Has the terminal report the mouse, or select text with it.
    pub(crate) fn set_mouse(&mut self, on: bool) -> io::Result<()> {
        if self.mouse == on {
            return Ok(());
        }
        self.mouse = on;
        if on {
            execute!(stdout(), EnableMouseCapture)
        } else {
            execute!(stdout(), DisableMouseCapture)
        }
    }

    /// Gives the terminal back for a while.
    pub(crate) fn leave(&mut self) {
        self.mouse = false;
        give_back();
    }

    /// Takes it again. The next frame is drawn as if nothing were on it.
    pub(crate) fn take_again(&mut self) -> io::Result<()> {
        // A shell that saw the program stopped by others made the terminal its own,
        // of which crossterm knows nothing.
        disable_raw_mode()?;
        enter()?;
        execute!(stdout(), Clear(ClearType::All))?;
        // A new one knows of nothing on the screen. `Terminal::clear` would ask
        // where the cursor is, and the answer would be taken for keys.
        self.terminal = Terminal::new(CrosstermBackend::new(stdout()))?;
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
        give_back();
    }
}

fn enter() -> io::Result<()> {
    enable_raw_mode()?;
    let entered = execute!(stdout(), EnterAlternateScreen);
    if entered.is_err() {
        give_back();
    }
    // Where a terminal cannot tell, what is pasted is typed.
    let _ = execute!(stdout(), EnableBracketedPaste);
    entered
}

/// As far as it can be done: the terminal may have gone. The line discipline
/// comes last, so that what the mouse still reports is no input of the shell.
fn give_back() {
    let _ = execute!(
        stdout(),
        DisableMouseCapture,
        DisableBracketedPaste,
        Show,
        LeaveAlternateScreen
    );
    let _ = disable_raw_mode();
}

fn give_back_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            give_back();
            print(panic);
        }));
    });
}

#[cfg(all(test, unix))]
mod tests {
    use std::process::Command;

    use super::*;

    /// What the other test runs in a terminal.
    #[test]
    #[ignore = "takes the terminal and panics"]
    fn panics_while_it_has_the_terminal() {
        let mut screen = Screen::take().unwrap();
        screen.set_mouse(true).unwrap();
        panic!("the reason");
    }

    #[test]
    fn a_panic_gives_the_terminal_back_before_it_is_printed() {
        if Command::new("tmux").arg("-V").output().is_err() {
            assert!(std::env::var_os("SSE_TEST_REQUIRE_ALL").is_none());
            eprintln!("left out: tmux is missing");
            return;
        }
        let socket = format!("sse-tui-panic-{}", std::process::id());
        let tmux = |arguments: &[&str]| {
            let mut tmux = Command::new("tmux");
            let tmux = tmux
                .args(["-L", &socket])
                .args(arguments)
                .env_remove("TMUX");
            let output = testing::output(tmux);
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        let program = std::env::current_exe().unwrap();
        let line = format!(
            "s=$(stty -g); RUST_BACKTRACE=0 '{}' --ignored --nocapture panics_while; [ \"$s\" = \"$(stty -g)\" ] && echo modes kept; exec sleep 60",
            program.display()
        );
        tmux(&[
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            "100",
            "-y",
            "30",
            &line,
        ]);
        let end = std::time::Instant::now() + testing::PATIENCE;
        let screen = loop {
            let screen = tmux(&["capture-pane", "-p"]);
            if screen.contains("modes kept") || std::time::Instant::now() > end {
                break screen;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        };
        let flags = tmux(&[
            "display-message",
            "-p",
            "#{alternate_on} #{cursor_flag} #{mouse_any_flag}",
        ]);
        let path = tmux(&["display-message", "-p", "#{socket_path}"]);
        tmux(&["kill-server"]);
        let _ = std::fs::remove_file(path.trim());
        assert!(
            screen.contains("the reason") && screen.contains("modes kept"),
            "{screen}"
        );
        assert_eq!(flags.trim(), "0 1 0");
    }
}
