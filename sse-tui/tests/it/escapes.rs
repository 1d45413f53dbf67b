//! What a terminal makes of the bytes that the program writes to it.

use crossterm::event::KeyCode;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};
use sse_tui::ui;

use crate::screens::{Fixture, HOSTILE};

const SIZE: (u16, u16) = (120, 36);

/// A terminal that notes what it is asked to do besides showing text.
#[derive(Default)]
pub(crate) struct Asked(pub(crate) Vec<String>);

impl vt100::Callbacks for Asked {
    fn audible_bell(&mut self, _: &mut vt100::Screen) {
        self.0.push("bell".to_owned());
    }

    fn set_window_title(&mut self, _: &mut vt100::Screen, title: &[u8]) {
        self.0.push(format!("title {title:?}"));
    }

    fn copy_to_clipboard(&mut self, _: &mut vt100::Screen, _: &[u8], data: &[u8]) {
        self.0.push(format!("clipboard {data:?}"));
    }
}

/// The screen after these frames, one drawn over the other as the program does.
fn shown(fixture: &mut Fixture, frames: &[&[KeyCode]]) -> vt100::Parser<Asked> {
    let (columns, rows) = SIZE;
    let viewport = Viewport::Fixed(Rect::new(0, 0, columns, rows));
    let mut bytes = Vec::new();
    {
        let backend = CrosstermBackend::new(&mut bytes);
        let mut terminal = Terminal::with_options(backend, TerminalOptions { viewport }).unwrap();
        for keys in frames {
            fixture.press(keys);
            terminal
                .draw(|frame| ui::draw(frame, &mut fixture.app, &fixture.theme))
                .unwrap();
        }
    }
    let mut parser = vt100::Parser::new_with_callbacks(
        rows.try_into().unwrap(),
        columns.try_into().unwrap(),
        0,
        Asked::default(),
    );
    parser.process(&bytes);
    parser
}

const FRAMES: [&[KeyCode]; 6] = [
    &[],
    &[KeyCode::Up, KeyCode::Enter],
    &[KeyCode::Char('w')],
    &[KeyCode::Char('?')],
    &[KeyCode::Esc],
    &[KeyCode::Char('&'), KeyCode::Char('1')],
];

#[test]
fn the_terminal_shows_what_was_drawn() {
    for count in 1..=FRAMES.len() {
        let mut fixture = Fixture::busy();
        let parser = shown(&mut fixture, &FRAMES[..count]);
        let drawn = fixture.draw(SIZE);
        let cells = drawn.backend().buffer().content();
        for (row, line) in parser.screen().rows(0, SIZE.0).enumerate() {
            let start = row * usize::from(SIZE.0);
            let cells = &cells[start..start + usize::from(SIZE.0)];
            let expected: String = cells.iter().map(ratatui::buffer::Cell::symbol).collect();
            assert_eq!(line.trim_end(), expected.trim_end(), "frame {count}");
        }
    }
}

#[test]
fn nothing_that_a_server_sends_makes_the_terminal_do_anything() {
    let mut fixture = Fixture::busy();
    fixture.feed(41.0, HOSTILE);
    fixture.feed(42.0, "event: \u{1b}]0;owned\u{7}\ndata: \u{1b}]52;c;b3duZWQ=\u{7}\u{9b}2J\u{1b}c\u{1b}[?1049l\n\n");
    let mut frames = FRAMES.to_vec();
    let filter = [KeyCode::Esc, KeyCode::Char('f')];
    frames.push(&filter);
    let parser = shown(&mut fixture, &frames);
    assert_eq!(parser.callbacks().0, Vec::<String>::new());
    let text = parser.screen().contents();
    assert!(
        text.contains(" sse-tui ") && text.contains("␛]0;owned␇"),
        "{text}"
    );
    assert!(!parser.screen().contents().contains('\u{fffd}'));
}
