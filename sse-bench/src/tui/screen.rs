//! The thread that draws, reads keys, and judges what it is given.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::terminal::Screen;
use super::theme::Theme;
use super::view::{Judged, Title, View};
use super::{Judging, Shared, draw, lock};
use crate::series::Recorder;
use crate::sys;

/// A run that is over within this is not shown: its report is all.
const SHOWN_AFTER: Duration = Duration::from_millis(300);
/// How long the end of a run may wait for this thread.
const SLICE: Duration = Duration::from_millis(40);
/// How often the series and what threads measured are looked at.
const REFRESH: Duration = Duration::from_millis(250);
/// The part of its time that this thread spends on judging, at most.
const JUDGING_PART: u32 = 20;

pub(super) fn run(title: &Title, frame: Duration, shared: &Shared, recorder: &Recorder) {
    let start = Instant::now();
    while start.elapsed() < SHOWN_AFTER {
        if shared.stop.load(Ordering::Relaxed) {
            return;
        }
        std::thread::sleep(SLICE);
    }
    let Ok(mut screen) = Screen::take() else {
        return;
    };
    let theme = Theme::of_environment();
    let mut judge = Judge::default();
    let mut view = View::default();
    let mut ending = false;
    let (mut refreshed, mut next): (Option<Instant>, Instant) = (None, Instant::now());
    while !shared.stop.load(Ordering::Relaxed) {
        let wait = next.saturating_duration_since(Instant::now()).min(SLICE);
        match asks(wait) {
            Asked::End => {
                ending = true;
                sys::ask_to_end();
            }
            Asked::Redraw => next = Instant::now(),
            Asked::Nothing => {}
        }
        if Instant::now() < next {
            continue;
        }
        next = Instant::now() + frame;
        judge.work(shared);
        if refreshed.is_none_or(|at| at.elapsed() >= REFRESH) {
            refreshed = Some(Instant::now());
            let (pulse, judged) = (recorder.board.sum(), judge.judged.as_ref());
            view = recorder.read(|series| View::new(title, series, pulse, judged));
        }
        view.at(lock(&shared.feed).clone());
        view.ending = ending;
        // A terminal that is gone ends the run by its own signal.
        let _ = screen.draw(|frame| draw::draw(frame, &view, theme));
    }
}

enum Asked {
    Nothing,
    Redraw,
    End,
}

/// What the user asks for, within this time.
fn asks(wait: Duration) -> Asked {
    match event::poll(wait) {
        Ok(true) => match event::read() {
            Ok(Event::Key(key)) if ends(key) => Asked::End,
            Ok(Event::Resize(..)) => Asked::Redraw,
            _ => Asked::Nothing,
        },
        Ok(false) => Asked::Nothing,
        Err(_) => {
            std::thread::sleep(wait);
            Asked::Nothing
        }
    }
}

fn ends(key: KeyEvent) -> bool {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let pressed = key.kind == KeyEventKind::Press;
    let keys = match key.code {
        KeyCode::Char('q' | 'Q') => !control,
        KeyCode::Char('c') => control,
        KeyCode::Esc => true,
        _ => false,
    };
    pressed && keys
}

#[derive(Default)]
struct Judge {
    judged: Option<Judged>,
    rest_until: Option<Instant>,
}

impl Judge {
    /// Judges what was handed over, if anything was, and asks for more once it
    /// has rested.
    fn work(&mut self, shared: &Shared) {
        let taken = std::mem::replace(&mut *lock(&shared.judging), Judging::Underway);
        let (judging, began) = match taken {
            Judging::Ready(checker, at) => {
                let began = Instant::now();
                self.judged = Some(Judged {
                    at,
                    findings: checker.judge(at),
                    given_up: None,
                });
                (Judging::Underway, Some(began))
            }
            Judging::TooLarge(at) => {
                let judged = self.judged.get_or_insert_default();
                judged.given_up.get_or_insert(at);
                (Judging::Underway, Some(Instant::now()))
            }
            other => (other, None),
        };
        if let Some(began) = began {
            self.rest_until = Some(Instant::now() + began.elapsed() * JUDGING_PART);
        }
        let rested = self.rest_until.is_none_or(|until| Instant::now() >= until);
        *lock(&shared.judging) = match judging {
            Judging::Underway if rested => Judging::Wanted,
            other => other,
        };
    }
}
