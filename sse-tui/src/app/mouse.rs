//! What the mouse does.

use std::time::Instant;

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

use super::{App, Focus, Tone};
use crate::keymap::{Action, Context};
use crate::mouse::{NOTCH, Target};

impl App {
    pub(super) fn mouse(&mut self, event: MouseEvent, at: Instant) {
        self.find_places();
        let (column, row) = (event.column, event.row);
        match event.kind {
            MouseEventKind::Down(MouseButton::Left) => {
                if let Some(target) = self.zones.at(column, row) {
                    self.notice = None;
                    let double = self.zones.is_double(target, at);
                    self.click(target, double);
                }
            }
            MouseEventKind::ScrollUp => self.scroll(column, row, Action::Up),
            MouseEventKind::ScrollDown => self.scroll(column, row, Action::Down),
            _ => {}
        }
    }

    /// Switches the mouse on or off.
    pub(super) fn toggle_mouse(&mut self) {
        self.mouse = !self.mouse;
        let key = self.keymap.how(Context::Everywhere, Action::Mouse);
        let text = if self.mouse {
            format!("the mouse works here; {key} leaves it to the terminal")
        } else {
            format!("the mouse selects text, as the terminal does; {key} takes it back")
        };
        self.say(Tone::Done, text);
    }

    fn click(&mut self, target: Target, double: bool) {
        // What is typed stays until it is taken or not.
        if self.prompt.is_some() {
            return;
        }
        match target {
            Target::Key(key) => self.key(&key.event()),
            Target::Pane(context) => self.focus_on(context),
            Target::Row(place) => {
                self.focus = Focus::List;
                let places = self.places();
                self.view.select(place, &places);
                self.moved();
                if double {
                    self.act(Action::Open, Context::List);
                }
            }
            Target::Line(line) => {
                self.focus = Focus::Detail;
                if let Some(detail) = &mut self.detail {
                    detail.move_to_line(line);
                }
                if double {
                    self.act(Action::Toggle, Context::Detail);
                }
            }
            // The first click of two did it already.
            Target::Lane(_) if double => {}
            Target::Lane(lane) => {
                self.focus = Focus::Types;
                self.lane = lane;
                self.act(Action::Solo, Context::Types);
            }
            Target::Stream(stream) => {
                self.focus = Focus::Streams;
                self.stream = stream;
            }
            Target::Finding(place) => {
                self.select_finding(place);
                if double && let Some(context) = self.screens.context() {
                    self.act(Action::Open, context);
                }
            }
            Target::Panel(panel) => {
                let charts = &mut self.screens.charts;
                let by = panel.cast_signed() - charts.selected_index().cast_signed();
                charts.select_by(by);
                if double {
                    self.act(Action::Open, Context::Charts);
                }
            }
        }
    }

    fn focus_on(&mut self, context: Context) {
        self.focus = match context {
            Context::List => Focus::List,
            Context::Detail => Focus::Detail,
            Context::Types => Focus::Types,
            Context::Streams => Focus::Streams,
            _ => return,
        }
    }

    /// Scrolls what is under the mouse; the keys stay where they are.
    fn scroll(&mut self, column: u16, row: u16, action: Action) {
        let Some(context) = self.zones.pane_at(column, row) else {
            return;
        };
        for _ in 0..NOTCH {
            self.act(action, context);
        }
    }
}
