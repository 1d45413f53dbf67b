//! Notices that the program did not run for a while: it was stopped by job
//! control, or the machine slept.

use std::time::Duration;

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use tokio::time::timeout;

use crate::app::App;
use crate::message::Away;
use crate::sys::{JobControl, Told};
use crate::terminal::Screen;

/// Looks are a tenth of a second apart, or a busy moment.
const SHORT: SignedDuration = SignedDuration::from_millis(500);
/// Nothing keeps the program busy for so long.
const LONG: SignedDuration = SignedDuration::from_secs(10);
/// SIGCONT may be heard of after the clock.
const SOON: Duration = Duration::from_millis(50);

/// When the program last ran, and what can stop it.
#[derive(Debug)]
pub(super) struct Awake {
    last: Timestamp,
    job: JobControl,
}

impl Awake {
    pub(super) fn new() -> anyhow::Result<Self> {
        Ok(Self {
            last: Timestamp::now(),
            job: JobControl::new()?,
        })
    }

    /// Job control asks for something. Cancel-safe.
    pub(super) async fn told(&mut self) -> Told {
        self.job.told().await
    }

    /// To be called several times a second, and before anything is taken in that
    /// may have waited. Takes the terminal again where others had it.
    pub(super) async fn look(
        &mut self,
        app: &App,
        screen: &mut Screen,
    ) -> anyhow::Result<Option<Away>> {
        let Some(away) = self.gap() else {
            return Ok(None);
        };
        let suspended = timeout(SOON, self.job.resumed()).await.is_ok();
        if suspended {
            take_again(app, screen)?;
        }
        let long = away.until.duration_since(away.since) >= LONG;
        Ok((suspended || long).then_some(Away { suspended, ..away }))
    }

    /// After others stopped the program and let it go on, the terminal is theirs.
    pub(super) fn go_on(&mut self, app: &App, screen: &mut Screen) -> anyhow::Result<Option<Away>> {
        take_again(app, screen)?;
        let away = self.gap();
        Ok(away.map(|away| Away {
            suspended: true,
            ..away
        }))
    }

    /// Gives the terminal to the shell until it lets the program go on. Nothing
    /// is read meanwhile: what the system holds comes after, and a stream that
    /// the server ended for it is resumed. `None`: there is no such shell.
    pub(super) async fn stop(
        &mut self,
        app: &App,
        screen: &mut Screen,
    ) -> anyhow::Result<Option<Away>> {
        if !JobControl::can_stop() {
            return Ok(None);
        }
        let since = Timestamp::now();
        screen.leave();
        self.job.stop().await.context("cannot be suspended")?;
        take_again(app, screen)?;
        self.last = Timestamp::now();
        Ok(Some(Away {
            since,
            until: self.last,
            suspended: true,
        }))
    }

    fn gap(&mut self) -> Option<Away> {
        let until = Timestamp::now();
        let since = std::mem::replace(&mut self.last, until);
        (until.duration_since(since) >= SHORT).then_some(Away {
            since,
            until,
            suspended: false,
        })
    }
}

fn take_again(app: &App, screen: &mut Screen) -> anyhow::Result<()> {
    screen
        .take_again()
        .context("cannot take the terminal again")?;
    screen
        .set_mouse(app.mouse)
        .context("cannot write to the terminal")
}
