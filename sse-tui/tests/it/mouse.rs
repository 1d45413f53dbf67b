//! Clicks and the wheel, on what stands where.

use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use sse_tui::app::Focus;
use sse_tui::message::Message;

use crate::charts::market;
use crate::review::{reconnecting, sloppy};
use crate::screens::Fixture;

const SIZE: (u16, u16) = (120, 36);
const CLICK: MouseEventKind = MouseEventKind::Down(MouseButton::Left);

struct Mouse {
    fixture: Fixture,
    now: Instant,
}

impl Mouse {
    fn new(mut fixture: Fixture) -> Self {
        fixture.app.mouse = true;
        fixture.draw(SIZE);
        let now = Instant::now();
        Self { fixture, now }
    }

    /// Does it at the first of these words on the screen.
    fn at(&mut self, words: &str, kind: MouseEventKind) {
        let screen = self.fixture.text(SIZE);
        let place = screen.lines().enumerate().find_map(|(row, line)| {
            let line = line.trim_start_matches('"');
            Some((line[..line.find(words)?].chars().count(), row))
        });
        let (column, row) = place.unwrap_or_else(|| panic!("no {words}:\n{screen}"));
        let event = MouseEvent {
            kind,
            column: column as u16,
            row: row as u16,
            modifiers: KeyModifiers::NONE,
        };
        let at = self.now;
        self.fixture.app.update(Message::Mouse { event, at });
        self.fixture.settle();
    }

    fn screen(&mut self) -> String {
        self.fixture.text(SIZE)
    }

    fn later(&mut self, milliseconds: u64) {
        self.now += Duration::from_millis(milliseconds);
    }
}

#[test]
fn a_click_selects_a_row_and_a_double_click_opens_it() {
    let mut mouse = Mouse::new(Fixture::busy());
    mouse.at("k3x9a1bc-33", CLICK);
    assert_eq!(mouse.fixture.app.selected().unwrap().id, "k3x9a1bc-33");
    assert!(mouse.fixture.app.detail.is_none());
    mouse.later(500);
    mouse.at("k3x9a1bc-33", CLICK);
    assert!(
        mouse.fixture.app.detail.is_none(),
        "two clicks, too far apart"
    );
    mouse.later(300);
    mouse.at("k3x9a1bc-33", CLICK);
    assert!(mouse.screen().contains("\"seq\": 33"));
    assert_eq!(mouse.fixture.app.focus, Focus::Detail);
    mouse.at("k3x9a1bc-30", CLICK);
    assert_eq!(mouse.fixture.app.focus, Focus::List);
    assert!(mouse.screen().contains("\"seq\": 30"), "the detail follows");
    mouse.at("\"symbol\": ", CLICK);
    assert!(
        mouse.screen().contains(".symbol"),
        "the line has the cursor"
    );
}

#[test]
fn the_wheel_scrolls_what_is_under_it_and_leaves_the_keys_where_they_are() {
    let mut mouse = Mouse::new(Fixture::busy());
    mouse.at("k3x9a1bc-33", MouseEventKind::ScrollUp);
    assert!(mouse.screen().contains("not following"));
    assert_eq!(mouse.fixture.app.selected().unwrap().id, "k3x9a1bc-38");
    mouse.fixture.press(&[KeyCode::Tab]);
    mouse.at("k3x9a1bc-33", MouseEventKind::ScrollDown);
    assert_eq!(mouse.fixture.app.focus, Focus::Types);
    mouse.fixture.press(&[KeyCode::Char('?')]);
    let before = mouse.fixture.app.selected_row();
    mouse.at("mem…", MouseEventKind::ScrollUp);
    assert_eq!(
        mouse.fixture.app.selected_row(),
        before,
        "the help is above it"
    );
}

#[test]
fn a_click_on_a_type_lists_only_that_and_another_all_again() {
    for size in [SIZE, (80, 24)] {
        let mut mouse = Mouse::new(Fixture::busy());
        mouse.fixture.draw(size);
        mouse.at("● status", CLICK);
        assert!(mouse.screen().contains("only status"), "{}", mouse.screen());
        mouse.later(100);
        mouse.at("◉ status", CLICK);
        mouse.later(1000);
        mouse.at("◉ status", CLICK);
        assert!(mouse.screen().contains("events 49"), "{}", mouse.screen());
    }
}

#[test]
fn a_click_on_a_word_of_the_footer_does_it() {
    let mut mouse = Mouse::new(Fixture::busy());
    mouse.at("Space pause", CLICK);
    assert!(mouse.screen().contains("PAUSED"));
    mouse.at("panels", CLICK);
    assert!(mouse.screen().contains("╭ tick ─"), "{}", mouse.screen());
    mouse.at("Esc close", CLICK);
    mouse.at("? help", CLICK);
    assert!(mouse.screen().contains("╭ help"));
    mouse.at("Esc close", CLICK);
    assert!(!mouse.screen().contains("╭ help"));
    mouse.at("q quit", CLICK);
    assert!(mouse.fixture.app.exit().is_some());
}

#[test]
fn findings_are_scrolled_selected_and_opened() {
    for (fixture, key, words, row) in [
        (sloppy as fn() -> Fixture, '!', "no heartbeat", "▌▲"),
        (reconnecting, 'a', "live only", "▌15:09:48"),
    ] {
        let mut mouse = Mouse::new(fixture());
        mouse
            .fixture
            .press(&[KeyCode::Char(key), KeyCode::Char('g')]);
        mouse.at(words, MouseEventKind::ScrollDown);
        mouse.at(words, MouseEventKind::ScrollUp);
        mouse.at(words, CLICK);
        let screen = mouse.screen();
        let selected = |line: &str| line.contains(row) && line.contains(words);
        assert!(screen.lines().any(selected), "{screen}");
        mouse.later(100);
        mouse.at(words, CLICK);
        assert!(
            mouse.screen().contains("─ not following"),
            "{}",
            mouse.screen()
        );
    }
}

#[test]
fn the_wheel_moves_the_selection_of_findings() {
    let mut mouse = Mouse::new(sloppy());
    mouse.fixture.press(&[KeyCode::Char('!')]);
    mouse.at("no heartbeat", MouseEventKind::ScrollDown);
    let screen = mouse.screen();
    let selected = screen.lines().find(|line| line.contains("│▌")).unwrap();
    assert!(selected.contains("no heartbeat"), "{screen}");
}

#[test]
fn a_panel_is_selected_and_zoomed() {
    let mut fixture = market();
    fixture.press(&[KeyCode::Char('D')]);
    let mut mouse = Mouse::new(fixture);
    mouse.at("╭ log", CLICK);
    mouse.later(100);
    mouse.at("╭ log", CLICK);
    assert!(mouse.screen().contains("fields"), "{}", mouse.screen());
}

#[test]
fn while_something_is_typed_a_click_changes_nothing() {
    let mut mouse = Mouse::new(Fixture::busy());
    mouse.fixture.write("&price");
    let before = mouse.screen();
    mouse.at("status", CLICK);
    assert_eq!(mouse.screen(), before);
}
