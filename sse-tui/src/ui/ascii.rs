//! The screen in ASCII: after everything is drawn, so that nothing is forgotten.
//!
//! What the program draws has a character of its own that looks alike. What a
//! server sent beyond ASCII becomes `?` in each of its columns, in the style of
//! what cannot be shown; control characters at the end of a line are written as
//! in C. Columns stay where they were.

use ratatui::buffer::Buffer;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use crate::sanitize::{control_shown, escape};

/// Stands for what ASCII has nothing for.
const UNKNOWN: &str = "?";

/// Symbols of one column, and what they look like.
const ALIKE: [(&str, &str); 25] = [
    ("╭╮╰╯┌┐└┘├┤┬┴┼", "+"),
    ("─━", "-"),
    ("│┊┃", "|"),
    ("▌▶▸", ">"),
    ("▾▼↓", "v"),
    ("▲↑", "^"),
    ("→⟩", ">"),
    ("←⟨", "<"),
    ("●♥", "*"),
    ("○", "o"),
    ("◉", "@"),
    ("◌", "~"),
    ("■", "#"),
    ("✕", "x"),
    ("◆", "+"),
    ("‖", "="),
    ("·–", "-"),
    ("µ", "u"),
    ("§", "#"),
    ("▁", "_"),
    ("▂", "."),
    ("▃▄", "-"),
    ("▅", "="),
    ("▆", "+"),
    ("▇█", "#"),
];

/// Leaves nothing but ASCII on the screen. `mark` is the style of what cannot be
/// shown.
pub(super) fn convert(buffer: &mut Buffer, mark: Style) {
    for y in buffer.area.top()..buffer.area.bottom() {
        convert_line(buffer, y, mark);
    }
}

fn convert_line(buffer: &mut Buffer, y: u16, mark: Style) {
    let (start, end) = (buffer.area.left(), buffer.area.right());
    for x in start..end {
        let symbol = buffer[(x, y)].symbol().to_owned();
        if symbol.is_ascii() {
            continue;
        }
        if symbol == "…" {
            draw_ellipsis(buffer, x, y);
        } else if control_of(&symbol).is_some() {
            draw_controls(buffer, x, y, mark);
        } else if let Some(dots) = braille(&symbol) {
            put(buffer, x, y, dots_alike(dots), None);
        } else if let Some((_, alike)) = ALIKE.iter().find(|(known, _)| known.contains(&symbol)) {
            put(buffer, x, y, alike, None);
        } else {
            let columns = (symbol.width().max(1) as u16).min(end - x);
            for column in x..x + columns {
                put(buffer, column, y, UNKNOWN, Some(mark));
            }
        }
    }
}

fn put(buffer: &mut Buffer, x: u16, y: u16, symbol: &str, style: Option<Style>) {
    if let Some(cell) = buffer.cell_mut((x, y)) {
        cell.set_symbol(symbol);
        if let Some(style) = style {
            cell.set_style(style);
        }
    }
}

fn control_of(symbol: &str) -> Option<u8> {
    symbol.chars().next().and_then(control_shown)
}

/// Three dots: over the last characters of a text that was cut, or the first of
/// one that was cut at its beginning.
fn draw_ellipsis(buffer: &mut Buffer, x: u16, y: u16) {
    let is_text = |x: u16| {
        let cell = buffer.cell((x, y));
        cell.is_some_and(|cell| cell.symbol().trim() != "" && !"│─╭╮".contains(cell.symbol()))
    };
    let before = |by: u16| x.checked_sub(by).is_some_and(is_text);
    let places = if before(1) && before(2) {
        [x - 2, x - 1, x]
    } else if !before(1) && is_text(x + 1) && is_text(x + 2) {
        [x, x + 1, x + 2]
    } else {
        [x; 3]
    };
    let style = buffer[(x, y)].style();
    for place in places {
        put(buffer, place, y, ".", Some(style));
    }
}

/// Writes the control characters from here on over the blank columns behind
/// them, if that is enough room.
fn draw_controls(buffer: &mut Buffer, x: u16, y: u16, mark: Style) {
    let right = buffer.area.right();
    let symbol = |x: u16| buffer.cell((x, y)).map_or("", |cell| cell.symbol());
    let codes: Vec<_> = (x..right).map_while(|x| control_of(symbol(x))).collect();
    let behind = x + codes.len() as u16;
    let blank = (behind..right).take_while(|x| symbol(*x) == " ").count();
    let text: String = codes.iter().map(|code| escape(*code)).collect();
    if text.len() > codes.len() + blank {
        for column in x..behind {
            put(buffer, column, y, UNKNOWN, Some(mark));
        }
        return;
    }
    for (column, character) in (x..).zip(text.chars()) {
        put(buffer, column, y, &character.to_string(), Some(mark));
    }
}

/// The dots of a character of Braille, as Unicode counts them.
fn braille(symbol: &str) -> Option<u8> {
    let code = u32::from(symbol.chars().next()?);
    u8::try_from(code.checked_sub(0x2800)?).ok()
}

/// By the height of the dots.
fn dots_alike(dots: u8) -> &'static str {
    let rows = [0b0000_1001, 0b0001_0010, 0b0010_0100, 0b1100_0000].map(|row| dots & row != 0);
    match rows {
        [false, false, false, false] => " ",
        [_, false, false, false] => "'",
        [false, _, _, false] => "-",
        [false, false, false, _] => "_",
        [true, true, false, false] => "'",
        [false, false, true, true] => ".",
        [true, true, true, true] => "|",
        _ => ":",
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;

    use super::*;

    fn converted(line: &str) -> String {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 20, 1));
        buffer.set_string(0, 0, line, Style::new());
        convert(&mut buffer, Style::new());
        let cells = buffer.content().iter().map(ratatui::buffer::Cell::symbol);
        cells.collect::<String>().trim_end().to_owned()
    }

    #[test]
    fn what_is_drawn_looks_alike_and_stays_in_its_columns() {
        for (line, ascii) in [
            ("╭ types 3 ─╮ │", "+ types 3 -+ |"),
            ("● tick ▁▂▄▆▇ 12µs", "* tick _.-+# 12us"),
            ("⠁⠤⡇ ⣀|", "'-| _|"),
            ("日本é👩‍👩‍👧|", "???????|"),
            ("e\u{301}|", "?|"),
        ] {
            assert_eq!(converted(line), ascii);
        }
    }

    #[test]
    fn an_ellipsis_has_three_dots_where_there_is_text_for_them() {
        assert_eq!(converted("abcdefgh…│"), "abcdef...|");
        assert_eq!(converted("id …c-17"), "id ...17");
        assert_eq!(converted("a …"), "a .");
    }

    #[test]
    fn control_characters_are_written_out_at_the_end_of_a_line() {
        assert_eq!(converted("data␍␊"), "data\\r\\n");
        assert_eq!(converted("␛[2J␛"), "?[2J\\x1b");
        assert_eq!(converted("12345678901234567␍␊"), "12345678901234567??");
    }
}
