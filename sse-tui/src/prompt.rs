//! One line that is being typed.

use crossterm::event::{Event, KeyEvent};
use tui_input::backend::crossterm::EventHandler;
use tui_input::{Input, InputRequest};

use crate::filter::Problem;
use crate::find::Find;
use crate::listing::Selection;

/// Lines remembered for each kind of prompt.
const REMEMBERED: usize = 50;
/// Longer lines are not taken.
const LONGEST: usize = 4096;

/// What the line is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptKind {
    /// Which events are listed.
    Filter,
    /// What to go to.
    Find,
    /// The URL of one more stream.
    Open,
    /// The file that the events listed are written to.
    Export,
}

/// A line being typed, and what was before.
#[derive(Debug)]
pub struct Prompt {
    /// What it is for.
    pub kind: PromptKind,
    /// What is wrong with it.
    pub problem: Option<Problem>,
    input: Input,
    /// How many lines back in the history.
    back: usize,
    /// What to go back to.
    pub(crate) before: Before,
}

/// The state when the prompt was opened.
#[derive(Debug)]
pub(crate) struct Before {
    pub(crate) selection: Selection,
    pub(crate) find: Option<Find>,
    pub(crate) row: u64,
    pub(crate) following: bool,
}

impl Prompt {
    pub(crate) fn new(kind: PromptKind, text: &str, before: Before) -> Self {
        Self {
            kind,
            problem: None,
            input: Input::new(text.to_owned()),
            back: 0,
            before,
        }
    }

    /// What stands there.
    pub fn text(&self) -> &str {
        self.input.value()
    }

    /// What stands before the cursor, the rest, and with how many columns the
    /// line is wider than the room if the cursor is to be seen.
    pub fn parts(&self) -> (&str, &str) {
        let at = self.input.value().char_indices().nth(self.input.cursor());
        let at = at.map_or(self.input.value().len(), |(at, _)| at);
        self.input.value().split_at(at)
    }

    /// Takes a key; whether the text is another one now.
    pub(crate) fn key(&mut self, key: &KeyEvent) -> bool {
        if self.input.value().len() >= LONGEST
            && matches!(key.code, crossterm::event::KeyCode::Char(_))
        {
            return false;
        }
        let changed = self.input.handle_event(&Event::Key(*key));
        changed.is_some_and(|changed| changed.value)
    }

    /// Takes text at the cursor, as one line and without controls; whether the text
    /// is another one now.
    pub(crate) fn paste(&mut self, text: &str) -> bool {
        let mut changed = false;
        let mut room = LONGEST.saturating_sub(self.input.value().len());
        let text = text.trim_matches(['\r', '\n']);
        for character in text.chars() {
            let character = match character {
                '\r' | '\n' | '\t' => ' ',
                other if other.is_control() => continue,
                other => other,
            };
            if character.len_utf8() > room {
                break;
            }
            room -= character.len_utf8();
            let request = InputRequest::InsertChar(character);
            changed |= self.input.handle(request).is_some();
        }
        changed
    }

    /// Goes through what was typed before.
    pub(crate) fn recall(&mut self, history: &History, back: bool) {
        let lines = history.of(self.kind);
        self.back = if back {
            (self.back + 1).min(lines.len())
        } else {
            self.back.saturating_sub(1)
        };
        let line = match self.back {
            0 => "",
            back => &lines[lines.len() - back],
        };
        self.input = Input::new(line.to_owned());
    }
}

/// What was typed before.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// By kind of prompt.
    lines: [Vec<String>; 4],
}

impl History {
    pub(crate) fn remember(&mut self, kind: PromptKind, line: &str) {
        let lines = &mut self.lines[kind as usize];
        lines.retain(|known| known != line);
        if !line.is_empty() {
            lines.push(line.to_owned());
        }
        if lines.len() > REMEMBERED {
            lines.remove(0);
        }
    }

    fn of(&self, kind: PromptKind) -> &[String] {
        &self.lines[kind as usize]
    }
}
