//! The terminal of standard error, in raw mode and on the alternate screen,
//! given back whatever happens. Standard output is left to the report.

use std::io::{self, IsTerminal, Stderr, stderr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use crossterm::cursor::Show;
use crossterm::execute;
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::backend::CrosstermBackend;
use ratatui::{Frame, Terminal};

use crate::sys;

/// Whether this process has the terminal. Held while something is written to
/// it: a thread that panics must not find it taken again.
static TAKEN: Mutex<()> = Mutex::new(());
static HELD: AtomicBool = AtomicBool::new(false);

/// Holds the terminal until it is dropped; a panic of any thread gives it back
/// before it is printed, and nothing is drawn from then on.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<Stderr>>,
}

/// Whether there is a terminal that can be drawn on.
pub(crate) fn is_there() -> bool {
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    stderr().is_terminal() && !dumb && sys::has_foreground()
}

impl Screen {
    pub(super) fn take() -> io::Result<Self> {
        give_back_on_panic();
        let _taken = taken();
        enable_raw_mode()?;
        HELD.store(true, Ordering::Relaxed);
        let entered = execute!(stderr(), EnterAlternateScreen);
        let terminal = entered.and_then(|()| Terminal::new(CrosstermBackend::new(stderr())));
        match terminal {
            Ok(terminal) => Ok(Self { terminal }),
            Err(error) => {
                give_back();
                Err(error)
            }
        }
    }

    /// Draws one frame; only the cells that changed are written.
    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        let _taken = taken();
        if HELD.load(Ordering::Relaxed) {
            self.terminal.draw(draw)?;
        }
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _taken = taken();
        give_back();
    }
}

/// As far as it can be done: the terminal may have gone.
fn give_back() {
    if HELD.swap(false, Ordering::Relaxed) {
        let _ = execute!(stderr(), Show, LeaveAlternateScreen);
        let _ = disable_raw_mode();
    }
}

fn taken() -> MutexGuard<'static, ()> {
    TAKEN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn give_back_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            // The thread that draws holds the lock itself.
            let draws = std::thread::current().name() == Some(super::THREAD);
            let _taken = (!draws).then(taken);
            give_back();
            print(panic);
        }));
    });
}
