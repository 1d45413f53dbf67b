//! What each key does.

use super::{App, Focus, Tone};
use crate::curl;
use crate::format;
use crate::keymap::{Action, Context};
use crate::prompt::PromptKind;
use crate::screens::{Done, Screen};
use crate::store::RowKind;

/// Terminals take no more through OSC 52: 74,994 bytes are 100,000 in base64.
const LARGEST_COPY: usize = 74_994;

impl App {
    /// Does what a key asks for, in the pane that has the keys.
    pub(super) fn act(&mut self, action: Action, context: Context) {
        if self.act_on_screens(action, context) {
            return;
        }
        let taken = match context {
            Context::Detail => self.act_in_detail(action),
            Context::Types => self.act_in_types(action),
            Context::Streams => self.act_in_streams(action),
            Context::Help => self.act_in_help(action),
            Context::Lints => self.act_in_lints(action),
            Context::Audit => self.act_in_audit(action),
            _ => false,
        };
        if !taken {
            self.act_on_list(action);
        }
    }

    /// Whether the other screens, recording or replay took the key.
    fn act_on_screens(&mut self, action: Action, context: Context) -> bool {
        let row = self.selected_row();
        let selected = row.and_then(|row| self.store.get(row));
        let chosen = row.filter(|_| !self.view.following());
        match self.screens.act(action, context, selected.as_ref(), chosen) {
            Done::All => {}
            Done::Nothing => return false,
            Done::Show(row) if self.listing.row(self.listing.place(row)) != Some(row) => {
                let key = self.keymap.how(Context::Main, Action::ListAll);
                let text = format!("the event is not listed: {key} lists all");
                self.say(Tone::Refused, text);
            }
            Done::Show(row) => {
                self.screens.show_row();
                self.go_to(row);
                self.focus = Focus::Detail;
                self.show_detail();
            }
        }
        true
    }

    fn act_on_list(&mut self, action: Action) {
        let places = self.places();
        match action {
            Action::Quit => self.exit = Some(Ok(())),
            Action::Help => {
                self.help = match self.help {
                    Some(_) => None,
                    None => Some(0),
                }
            }
            Action::Mouse => self.toggle_mouse(),
            Action::Pause => {
                self.view.toggle_pause(&places);
                self.frozen_row = self.view.paused().then(|| self.store.range().end);
            }
            Action::Up | Action::Previous => self.view.step(-1, &places),
            Action::Down | Action::Next => self.view.step(1, &places),
            Action::PageUp => self.view.page(-1, &places),
            Action::PageDown => self.view.page(1, &places),
            Action::First => self.view.first(&places),
            Action::Last => self.view.follow(&places),
            Action::Open if places.is_empty() => {}
            Action::Open => {
                self.view.stop(&places);
                self.moved();
                self.focus = Focus::Detail;
                self.show_detail();
            }
            Action::Close if self.detail.is_some() => {
                self.detail = None;
                self.focus = Focus::List;
                // The text showed the detail; lints and audit a row.
                if self.screens.back == Some(Screen::Text) {
                    self.screens.go_back();
                }
            }
            Action::Close if self.screens.go_back() => {}
            Action::Close => self.view.follow(&places),
            Action::Focus => self.focus = self.next_focus(),
            Action::Filter => self.open_prompt(PromptKind::Filter),
            Action::Find => self.open_prompt(PromptKind::Find),
            Action::FindNext => self.find_next(false),
            Action::FindPrevious => self.find_next(true),
            Action::Accept => self.accept_prompt(),
            Action::Cancel => self.cancel_prompt(),
            Action::Recall => self.recall(true),
            Action::RecallNewer => self.recall(false),
            Action::ListAll => self.list_all(),
            Action::Mute => self.mute(),
            Action::Solo => self.solo(),
            Action::MoreContext => self.context_lines(1),
            Action::LessContext => self.context_lines(-1),
            Action::FilterValue => self.filter_type(),
            Action::Bookmark => self.bookmark(),
            Action::NextBookmark => self.next_bookmark(),
            Action::NextGap => self.next_gap(true),
            Action::PreviousGap => self.next_gap(false),
            Action::Copy => self.copy(),
            Action::CopyCurl => self.copy_as_curl(),
            Action::SideBySide => self.toggle_side_by_side(),
            Action::Reconnect => self.reconnect(),
            Action::EndStream => self.close_stream(),
            Action::AddStream => self.open_prompt(PromptKind::Open),
            Action::Export => self.open_prompt(PromptKind::Export),
            // What is left has its meaning in other panes and on other screens.
            _ => {}
        }
        let moves = matches!(
            action,
            Action::Up
                | Action::Down
                | Action::Previous
                | Action::Next
                | Action::PageUp
                | Action::PageDown
                | Action::First
        );
        if moves {
            self.moved();
        }
    }

    /// Whether the key means something of its own in the detail.
    fn act_in_detail(&mut self, action: Action) -> bool {
        let Some(detail) = &mut self.detail else {
            return false;
        };
        match action {
            Action::Up => detail.move_by(-1),
            Action::Down => detail.move_by(1),
            Action::PageUp => detail.page(-1),
            Action::PageDown => detail.page(1),
            Action::First => detail.move_by(isize::MIN),
            Action::Last => detail.move_by(isize::MAX),
            Action::Wire => detail.toggle_wire(&self.store),
            Action::Fold => detail.fold(),
            Action::Unfold => detail.unfold(),
            Action::Toggle => detail.toggle(),
            Action::FoldAll => detail.fold_all(),
            Action::Copy => match detail.value() {
                Some(value) => self.put_on_clipboard(value, "the value"),
                None => self.copy(),
            },
            Action::FilterValue => match detail.term() {
                Some(term) => self.narrow(&term),
                None => self.filter_type(),
            },
            _ => return false,
        }
        true
    }

    fn act_in_types(&mut self, action: Action) -> bool {
        let last = (self.stats.lanes.len() as u16).saturating_sub(1);
        match action {
            Action::Up => self.lane = self.lane.saturating_sub(1).min(last),
            Action::Down => self.lane = (self.lane + 1).min(last),
            Action::First => self.lane = 0,
            Action::Last => self.lane = last,
            Action::Close => self.focus = Focus::List,
            _ => return false,
        }
        true
    }

    fn act_in_streams(&mut self, action: Action) -> bool {
        let last = self.connections.len().saturating_sub(1);
        match action {
            Action::Up => self.stream = self.stream.saturating_sub(1).min(last),
            Action::Down => self.stream = (self.stream + 1).min(last),
            Action::First => self.stream = 0,
            Action::Last => self.stream = last,
            Action::Close => self.focus = Focus::List,
            _ => return false,
        }
        true
    }

    fn act_in_help(&mut self, action: Action) -> bool {
        let Some(scroll) = &mut self.help else {
            return false;
        };
        *scroll = match action {
            Action::Up => scroll.saturating_sub(1),
            Action::Down => scroll.saturating_add(1),
            Action::PageUp => scroll.saturating_sub(10),
            Action::PageDown => scroll.saturating_add(10),
            Action::Close => {
                self.help = None;
                return true;
            }
            _ => return false,
        };
        true
    }

    /// Remembers the selected row, whatever is listed later.
    pub(super) fn moved(&mut self) {
        if let Some(row) = self.selected_row() {
            self.at_row = row;
        }
    }

    fn next_focus(&self) -> Focus {
        match self.focus {
            Focus::List if self.detail.is_some() => Focus::Detail,
            Focus::List | Focus::Detail if !self.stats.lanes.is_empty() => Focus::Types,
            Focus::List | Focus::Detail | Focus::Types if self.connections.len() > 1 => {
                Focus::Streams
            }
            _ => Focus::List,
        }
    }

    pub(super) fn go_to(&mut self, row: u64) {
        let places = self.places();
        self.view.select(self.listing.place(row), &places);
        self.moved();
    }

    fn filter_type(&mut self) {
        let Some(row) = self.selected().filter(|row| row.kind.is_event()) else {
            return;
        };
        let term = crate::filter::type_term(row.event_type);
        self.narrow(&term);
    }

    fn bookmark(&mut self) {
        let Some(row) = self.selected_row() else {
            return;
        };
        self.view.stop(&self.places());
        self.moved();
        if !self.bookmarks.remove(&row) {
            self.bookmarks.insert(row);
        }
    }

    fn next_bookmark(&mut self) {
        let here = self.selected_row().unwrap_or_default();
        let next = self.bookmarks.range(here + 1..).next();
        match next.or(self.bookmarks.first()).copied() {
            Some(row) => self.go_to(row),
            None => {
                let key = self.keymap.how(Context::List, Action::Bookmark);
                let text = format!("no bookmark: {key} sets one on the selected row");
                self.say(Tone::Refused, text);
            }
        }
    }

    fn next_gap(&mut self, forward: bool) {
        let here = self.selected_row().unwrap_or_default();
        let after = self.gaps.partition_point(|row| *row <= here);
        let before = self.gaps.partition_point(|row| *row < here);
        let index = if forward {
            Some(after)
        } else {
            before.checked_sub(1)
        };
        match index.and_then(|index| self.gaps.get(index)).copied() {
            Some(row) => self.go_to(row),
            None if self.gaps.is_empty() => self.say(Tone::Refused, "no gap and no outage so far"),
            None if forward => self.say(Tone::Refused, "no gap or outage after this"),
            None => self.say(Tone::Refused, "no gap or outage before this"),
        }
    }

    fn copy(&mut self) {
        match self.selected().map(|row| row.data.to_owned()) {
            Some(data) => self.put_on_clipboard(data, "the data"),
            None => self.say(Tone::Refused, "nothing is selected"),
        }
    }

    fn copy_as_curl(&mut self) {
        let Some(row) = self.selected() else {
            return self.say(Tone::Refused, "nothing is selected");
        };
        let request = self
            .requests
            .get(usize::from(row.source))
            .and_then(Option::as_ref);
        let Some(request) = request else {
            return self.say(Tone::Refused, "this stream came through no request");
        };
        let id = match row.kind {
            RowKind::Event | RowKind::Gap => row.id,
            _ => "",
        };
        let text = curl::command(request, id, &self.transport);
        self.put_on_clipboard(text, "a curl command with all headers");
    }

    fn put_on_clipboard(&mut self, text: String, what: &str) {
        let size = format::bytes(text.len() as f64);
        if text.len() > LARGEST_COPY {
            let most = format::bytes(LARGEST_COPY as f64);
            return self.say(
                Tone::Refused,
                format!("not copied: {what} has {size}, a terminal's clipboard takes {most}"),
            );
        }
        self.say(Tone::Done, format!("copied {what} ({size})"));
        self.clipboard = Some(text);
    }

    fn toggle_side_by_side(&mut self) {
        if self.connections.len() < 2 {
            return self.say(Tone::Refused, "there is only one stream");
        }
        self.side_by_side = !self.side_by_side;
    }
}
