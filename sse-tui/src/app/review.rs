//! What keys do on the screens of lints and of the audit.

use super::{App, Focus, Tone};
use crate::audit;
use crate::keymap::{Action, Context};
use crate::screens::Screen;

impl App {
    /// Whether the key means something of its own among the lints.
    pub(super) fn act_in_lints(&mut self, action: Action) -> bool {
        let keys = self.screens.lints.keys();
        let cursor = &mut self.screens.lints.cursor;
        match action {
            Action::Up => cursor.move_by(-1, &keys),
            Action::Down => cursor.move_by(1, &keys),
            Action::PageUp => cursor.page(-1, &keys),
            Action::PageDown => cursor.page(1, &keys),
            Action::First => cursor.move_by(isize::MIN, &keys),
            Action::Last => cursor.move_by(isize::MAX, &keys),
            Action::Open | Action::Previous => {
                let sighting = self.screens.lints.selected().map(|(_, lint)| match action {
                    Action::Open => lint.last,
                    _ => lint.first,
                });
                match sighting {
                    Some(sighting) => self.show_in_list(sighting.moment.place),
                    None => self.say(Tone::Refused, "no lint so far"),
                }
            }
            _ => return false,
        }
        true
    }

    /// Whether the key means something of its own in the audit.
    pub(super) fn act_in_audit(&mut self, action: Action) -> bool {
        let reconnects = audit::reconnects(self);
        let keys = audit::keys(&reconnects);
        let selected = reconnects.get(self.screens.audit.index(&keys));
        let selected = selected.map(audit::Reconnect::row);
        let cursor = &mut self.screens.audit;
        match action {
            Action::Up => cursor.move_by(-1, &keys),
            Action::Down => cursor.move_by(1, &keys),
            Action::PageUp => cursor.page(-1, &keys),
            Action::PageDown => cursor.page(1, &keys),
            Action::First => cursor.move_by(isize::MIN, &keys),
            Action::Last => cursor.move_by(isize::MAX, &keys),
            Action::Open => match selected {
                Some(Some(row)) => self.show_in_list(row),
                Some(None) => self.say(Tone::Refused, "there is no connection yet"),
                None => self.say(Tone::Refused, "no reconnect so far"),
            },
            _ => return false,
        }
        true
    }

    /// Selects a lint or a reconnect, whichever are shown.
    pub(super) fn select_finding(&mut self, place: usize) {
        let reconnects = audit::keys(&audit::reconnects(self));
        let lints = &mut self.screens.lints;
        match self.screens.current {
            Screen::Lints => {
                let keys = lints.keys();
                lints.cursor.select(place, &keys);
            }
            Screen::Audit => self.screens.audit.select(place, &reconnects),
            _ => {}
        }
    }

    /// Goes to the list and selects a row, or the first one after it that was kept.
    fn show_in_list(&mut self, row: u64) {
        let held = self.store.range();
        if held.is_empty() || row < held.start {
            return self.say(
                Tone::Refused,
                "the row is no longer kept: it was evicted for the byte budget",
            );
        }
        let row = row.min(held.end - 1);
        if self.listing.row(self.listing.place(row)) != Some(row) {
            let key = self.keymap.how(Context::Main, Action::ListAll);
            let text = format!("the row is not listed: {key} lists all");
            return self.say(Tone::Refused, text);
        }
        self.screens.show_row();
        self.detail = None;
        self.focus = Focus::List;
        self.go_to(row);
    }
}
