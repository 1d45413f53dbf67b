//! Which events are listed, and the search among them.

use crossterm::event::KeyEvent;

use super::{App, Focus, Tone};
use crate::filter::{Filter, Pattern};
use crate::find::{Find, Found, Seek};
use crate::format;
use crate::keymap::{Action, Context};
use crate::listing::Selection;
use crate::prompt::{Before, Prompt, PromptKind};

/// More rows around a match are not listed.
const MOST_CONTEXT: u64 = 10;

impl App {
    pub(super) fn open_prompt(&mut self, kind: PromptKind) {
        let selection = self.listing.selection().clone();
        let text = match kind {
            PromptKind::Filter => selection
                .filter
                .as_ref()
                .map_or("", Filter::text)
                .to_owned(),
            PromptKind::Export => self.export_name(),
            PromptKind::Find | PromptKind::Open => String::new(),
        };
        // Whoever follows is at the newest row.
        if self.view.following() {
            self.moved();
        }
        let before = Before {
            selection,
            find: self.find.clone(),
            row: self.at_row,
            following: self.view.following(),
        };
        self.prompt = Some(Prompt::new(kind, &text, before));
    }

    /// A key that is text. What it makes of the line shows at once.
    pub(super) fn type_key(&mut self, key: &KeyEvent) {
        if self.prompt.as_mut().is_some_and(|prompt| prompt.key(key)) {
            self.typed();
        }
    }

    /// Puts pasted text into the line that is being typed. Where there is none, it
    /// is not taken for keys.
    pub(super) fn paste(&mut self, text: &str) {
        self.notice = None;
        self.find_places();
        match &mut self.prompt {
            Some(prompt) => {
                if prompt.paste(text) {
                    self.typed();
                }
            }
            None => {
                let [filter, find] = [Action::Filter, Action::Find]
                    .map(|action| self.keymap.how(Context::Main, action));
                let text =
                    format!("nothing takes pasted text here: {filter} filters, {find} finds");
                self.say(Tone::Refused, text);
            }
        }
    }

    pub(super) fn recall(&mut self, back: bool) {
        if let Some(prompt) = &mut self.prompt {
            prompt.recall(&self.history, back);
            self.typed();
        }
    }

    fn typed(&mut self) {
        let Some(prompt) = &mut self.prompt else {
            return;
        };
        let text = prompt.text().to_owned();
        match prompt.kind {
            PromptKind::Filter => match Filter::parse(&text) {
                Ok(filter) => {
                    prompt.problem = None;
                    let selection = Selection {
                        filter,
                        ..self.listing.selection().clone()
                    };
                    self.select(selection);
                }
                Err(problem) => {
                    prompt.problem = Some(problem);
                    self.select_what_is_whole(&text);
                }
            },
            PromptKind::Find => match Pattern::typed(&text) {
                Ok(pattern) => {
                    prompt.problem = None;
                    let row = prompt.before.row;
                    self.find = (!text.is_empty()).then_some(Find { text, pattern });
                    self.seek_from(self.listing.place(row), false, true);
                }
                Err(reason) => prompt.problem = Some(crate::filter::Problem { at: 0, reason }),
            },
            // Judged when they are taken.
            PromptKind::Open | PromptKind::Export => prompt.problem = None,
        }
    }

    /// While the last term is not understood, those before it count.
    fn select_what_is_whole(&mut self, text: &str) {
        let before = text.trim_end().rsplit_once(char::is_whitespace);
        if let Some((before, _)) = before
            && let Ok(filter) = Filter::parse(before)
        {
            self.select(Selection {
                filter,
                ..self.listing.selection().clone()
            });
        }
    }

    pub(super) fn accept_prompt(&mut self) {
        let Some(prompt) = self.prompt.take() else {
            return;
        };
        if let Some(problem) = &prompt.problem {
            self.say(Tone::Refused, problem.reason.clone());
            self.prompt = Some(prompt);
            return;
        }
        let text = prompt.text().trim().to_owned();
        match prompt.kind {
            PromptKind::Open | PromptKind::Export => {
                return self.accept_request(prompt, &text);
            }
            PromptKind::Filter | PromptKind::Find => {}
        }
        self.history.remember(prompt.kind, &text);
        if prompt.kind == PromptKind::Find && self.find.is_some() && self.seek.is_none() {
            let here = self.listing.place(self.at_row);
            self.seek_from(here, false, true);
        }
    }

    /// Leaves all as it was before.
    pub(super) fn cancel_prompt(&mut self) {
        let Some(prompt) = self.prompt.take() else {
            return;
        };
        self.find = prompt.before.find;
        self.seek = None;
        self.select(prompt.before.selection);
        if prompt.before.following {
            let places = self.places();
            self.view.follow(&places);
        } else {
            self.at_row = prompt.before.row;
        }
    }

    /// Lists other rows; the selected one stays selected if it is among them.
    pub(super) fn select(&mut self, selection: Selection) {
        if *self.listing.selection() == selection {
            return;
        }
        self.listing.select(selection, &self.store);
        self.seek = None;
        let places = self.places();
        self.view.restart(&places);
    }

    /// One more term, which all events listed from now on meet.
    pub(super) fn narrow(&mut self, term: &str) {
        let before = self.listing.selection().clone();
        let text = Filter::with_term(before.filter.as_ref(), term);
        match Filter::parse(&text) {
            Ok(filter) => {
                self.history.remember(PromptKind::Filter, &text);
                self.select(Selection { filter, ..before });
                self.say(Tone::Done, format!("filter: {text}"));
            }
            Err(problem) => self.say(Tone::Refused, problem.reason),
        }
    }

    pub(super) fn list_all(&mut self) {
        let context = self.listing.selection().context;
        self.select(Selection {
            context,
            ..Selection::default()
        });
    }

    pub(super) fn mute(&mut self) {
        let Some(lane) = self.lane_meant() else {
            return;
        };
        let mut selection = self.listing.selection().clone();
        let before = selection.muted.len();
        selection.muted.retain(|muted| *muted != lane);
        if selection.muted.len() == before {
            selection.muted.push(lane);
        }
        self.select(selection);
    }

    pub(super) fn solo(&mut self) {
        let Some(lane) = self.lane_meant() else {
            return;
        };
        let mut selection = self.listing.selection().clone();
        selection.solo = (selection.solo != Some(lane)).then_some(lane);
        self.select(selection);
    }

    pub(super) fn context_lines(&mut self, by: i64) {
        let mut selection = self.listing.selection().clone();
        if selection.is_all() {
            self.say(Tone::Refused, "all rows are listed; filter first");
            return;
        }
        selection.context = selection
            .context
            .saturating_add_signed(by)
            .min(MOST_CONTEXT);
        let context = selection.context;
        self.select(selection);
        let lines = if context == 1 { "row" } else { "rows" };
        self.say(Tone::Done, format!("{context} {lines} around each match"));
    }

    /// The type that has the keys: that of the selected row, or in its own pane.
    fn lane_meant(&self) -> Option<u16> {
        if self.focus == Focus::Types {
            return (usize::from(self.lane) < self.stats.lanes.len()).then_some(self.lane);
        }
        self.selected()
            .filter(|row| row.kind.is_event())
            .map(|row| row.lane)
    }

    /// Goes to the next row that holds what is looked for, up the list as the
    /// first search does, or down.
    pub(super) fn find_next(&mut self, forward: bool) {
        if self.find.is_none() {
            let key = self.keymap.how(Context::Main, Action::Find);
            let text = format!("nothing to find yet: {key} looks for something");
            self.say(Tone::Refused, text);
            return;
        }
        self.seek_from(self.view.selected(), forward, false);
    }

    fn seek_from(&mut self, place: u64, forward: bool, here: bool) {
        let places = self.places();
        self.seek = None;
        if self.find.is_some() && !places.is_empty() {
            let place = place.clamp(places.start, places.end - 1);
            let left = places.end - places.start;
            self.seek = Some(Seek::new(place, forward, here, left));
        }
    }

    pub(super) fn go_on_seeking(&mut self) {
        let (Some(seek), Some(find)) = (&mut self.seek, &self.find) else {
            self.seek = None;
            return;
        };
        match seek.go_on(find, &self.listing, &self.store) {
            Found::NotYet => {}
            Found::At(place) => {
                let wrapped = seek.wrapped && self.prompt.is_none();
                self.seek = None;
                let places = self.places();
                self.view.select(place, &places);
                self.moved();
                if wrapped {
                    self.say(Tone::Done, "went on at the other end");
                }
            }
            Found::Nowhere => {
                let text = find.text.clone();
                self.seek = None;
                self.say(Tone::Refused, format!("nowhere: {text}"));
            }
        }
    }

    /// The words for what is listed, while that is not everything.
    pub fn selection_text(&self) -> Option<String> {
        let selection = self.listing.selection();
        if selection.is_all() {
            return None;
        }
        let name = |lane: u16| {
            let lane = self.stats.lanes.get(usize::from(lane));
            lane.map_or("", |lane| lane.name.as_str())
        };
        let mut parts = Vec::new();
        if let Some(filter) = &selection.filter {
            parts.push(filter.text().to_owned());
        }
        match (selection.solo, selection.muted.len()) {
            (Some(solo), _) => parts.push(format!("only {}", name(solo))),
            (None, 0) => {}
            (None, 1) => parts.push(format!("without {}", name(selection.muted[0]))),
            (None, number) => parts.push(format!("without {number} types")),
        }
        Some(parts.join(" · "))
    }

    /// How many events match, of how many, and how much is still to be read.
    pub fn match_text(&self) -> String {
        let hits = format::count(self.listing.hits());
        let kept = format::count(self.store.kept());
        match self.listing.progress(&self.store) {
            None => format!("{hits} of {kept}"),
            Some(share) => format!("{hits} of {kept} · {:.0} %", (share * 100.0).floor()),
        }
    }
}
