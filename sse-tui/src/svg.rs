//! A screen as an SVG picture that looks the same with every font.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr;

const WIDTH: f64 = 8.4;
const HEIGHT: f64 = 18.0;
const FONT: f64 = 14.0;
const MARGIN: f64 = 14.0;

/// Draws every cell. Bars and lines are drawn as shapes, so that they meet; text
/// is held to its columns.
pub(crate) fn render(buffer: &Buffer, light: bool) -> String {
    let area = buffer.area;
    let width = f64::from(area.width) * WIDTH + 2.0 * MARGIN;
    let height = f64::from(area.height) * HEIGHT + 2.0 * MARGIN;
    let (paper, ink) = if light {
        ("#fafafa", "#303030")
    } else {
        ("#14161b", "#d0d0d0")
    };
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.1} {height:.1}\" \
         font-family=\"ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace\" \
         font-size=\"{FONT}\">\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{paper}\"/>\n"
    );
    for y in 0..area.height {
        let mut x = 0;
        while x < area.width {
            let cell = &buffer[(area.x + x, area.y + y)];
            let shape = shape(cell.symbol()).is_some();
            let mut end = x;
            let mut text = String::new();
            while end < area.width {
                let next = &buffer[(area.x + end, area.y + y)];
                let wide = next.symbol().width() > 1;
                if end > x
                    && (!alike(cell, next) || shape || wide || self::shape(next.symbol()).is_some())
                {
                    break;
                }
                text.push_str(next.symbol());
                end += next.symbol().width().max(1) as u16;
                if wide || shape {
                    break;
                }
            }
            let place = Place {
                x: MARGIN + f64::from(x) * WIDTH,
                y: MARGIN + f64::from(y) * HEIGHT,
                width: f64::from(end - x) * WIDTH,
            };
            draw(&mut svg, cell, &text, &place, (paper, ink));
            x = end;
        }
    }
    svg.push_str("</svg>\n");
    svg
}

struct Place {
    x: f64,
    y: f64,
    width: f64,
}

fn draw(svg: &mut String, cell: &Cell, text: &str, place: &Place, (paper, ink): (&str, &str)) {
    let Place { x, y, width } = place;
    let reversed = cell.modifier.contains(Modifier::REVERSED);
    let (mut front, mut back) = (colour(cell.fg), colour(cell.bg));
    if reversed {
        (front, back) = (
            back.or(Some(paper.to_owned())),
            front.or(Some(ink.to_owned())),
        );
    }
    if let Some(back) = back {
        let _ = writeln!(
            svg,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{HEIGHT}\" fill=\"{back}\" shape-rendering=\"crispEdges\"/>"
        );
    }
    let front = front.unwrap_or_else(|| ink.to_owned());
    match shape(text) {
        Some(Shape::Bar {
            left,
            top,
            right,
            bottom,
        }) => {
            let _ = writeln!(
                svg,
                "<rect x=\"{:.2}\" y=\"{:.2}\" width=\"{:.2}\" height=\"{:.2}\" fill=\"{front}\"/>",
                x + left * WIDTH,
                y + top * HEIGHT,
                (right - left) * WIDTH,
                (bottom - top) * HEIGHT
            );
        }
        Some(Shape::Line(path)) => {
            let _ = writeln!(
                svg,
                "<path transform=\"translate({x:.1} {y:.1})\" d=\"{path}\" fill=\"none\" stroke=\"{front}\"/>"
            );
        }
        Some(Shape::Dots(dots)) => {
            let mut path = String::new();
            for (number, (column, row)) in DOTS.iter().enumerate() {
                if dots >> number & 1 == 1 {
                    let (x, y) = (
                        x + WIDTH * (0.25 + 0.5 * column),
                        y + HEIGHT * (row + 0.5) / 4.0,
                    );
                    let _ = write!(path, "M{x:.1} {y:.1}h0");
                }
            }
            let _ = writeln!(
                svg,
                "<path d=\"{path}\" fill=\"none\" stroke=\"{front}\" stroke-width=\"2.4\" stroke-linecap=\"round\"/>"
            );
        }
        None if text.trim().is_empty() => {}
        None => {
            let start = text.len() - text.trim_start().len();
            let x = x + text[..start].width() as f64 * WIDTH;
            let text = text.trim();
            let weight = if cell.modifier.contains(Modifier::BOLD) {
                " font-weight=\"bold\""
            } else {
                ""
            };
            let faint = if cell.modifier.contains(Modifier::DIM) {
                " opacity=\"0.6\""
            } else {
                ""
            };
            let _ = writeln!(
                svg,
                "<text x=\"{x:.1}\" y=\"{:.1}\" textLength=\"{:.1}\" lengthAdjust=\"spacingAndGlyphs\" fill=\"{front}\"{weight}{faint} xml:space=\"preserve\">{}</text>",
                y + 13.5,
                text.width() as f64 * WIDTH,
                escape(text)
            );
        }
    }
}

/// Whether two cells can share one text element.
fn alike(one: &Cell, other: &Cell) -> bool {
    (one.fg, one.bg, one.modifier) == (other.fg, other.bg, other.modifier)
}

/// Column and row of each dot of a Braille pattern (U+2800, dots 1 to 8).
const DOTS: [(f64, f64); 8] = [
    (0.0, 0.0),
    (0.0, 1.0),
    (0.0, 2.0),
    (1.0, 0.0),
    (1.0, 1.0),
    (1.0, 2.0),
    (0.0, 3.0),
    (1.0, 3.0),
];

enum Shape {
    /// In fractions of a cell.
    Bar {
        left: f64,
        top: f64,
        right: f64,
        bottom: f64,
    },
    Line(&'static str),
    /// The dots of a Braille pattern, as Unicode numbers them.
    Dots(u8),
}

/// Bars and box drawing characters as geometry; fonts disagree on them.
fn shape(symbol: &str) -> Option<Shape> {
    let eighths = "▁▂▃▄▅▆▇█".chars().position(|bar| symbol.chars().eq([bar]));
    if let Some(eighths) = eighths {
        return Some(Shape::Bar {
            left: 0.0,
            top: 1.0 - (eighths + 1) as f64 / 8.0,
            right: 0.86,
            bottom: 1.0,
        });
    }
    let mut characters = symbol.chars();
    if let (Some(braille @ '\u{2801}'..='\u{28FF}'), None) = (characters.next(), characters.next())
    {
        return Some(Shape::Dots((u32::from(braille) - 0x2800) as u8));
    }
    Some(match symbol {
        "▌" => Shape::Bar {
            left: 0.0,
            top: 0.0,
            right: 0.4,
            bottom: 1.0,
        },
        "─" => Shape::Line("M0 9H8.4"),
        "━" => Shape::Line("M0 8.5H8.4M0 9.5H8.4"),
        "│" => Shape::Line("M4.2 0V18"),
        "╭" => Shape::Line("M4.2 18V13Q4.2 9 8.4 9"),
        "╮" => Shape::Line("M0 9Q4.2 9 4.2 13V18"),
        "╰" => Shape::Line("M4.2 0V5Q4.2 9 8.4 9"),
        "╯" => Shape::Line("M4.2 0V5Q4.2 9 0 9"),
        _ => return None,
    })
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// xterm's colours. `None` is the terminal's own.
fn colour(colour: Color) -> Option<String> {
    match colour {
        Color::Rgb(red, green, blue) => Some(hex([red, green, blue])),
        Color::Indexed(index @ 16..=231) => {
            let index = index - 16;
            let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
            Some(hex([
                level(index / 36),
                level(index / 6 % 6),
                level(index % 6),
            ]))
        }
        Color::Indexed(index @ 232..) => Some(hex([8 + 10 * (index - 232); 3])),
        _ => None,
    }
}

fn hex([red, green, blue]: [u8; 3]) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    #[test]
    fn text_is_escaped_placed_and_coloured() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 10, 2));
        buffer.set_string(
            2,
            1,
            "<a&b>",
            Style::new().fg(Color::Indexed(80)).bg(Color::Indexed(237)),
        );
        let svg = render(&buffer, false);
        assert!(svg.contains(">&lt;a&amp;b&gt;</text>"), "{svg}");
        assert!(
            svg.contains("x=\"30.8\" y=\"45.5\" textLength=\"42.0\""),
            "{svg}"
        );
        assert!(
            svg.contains("fill=\"#5fd7d7\"") && svg.contains("fill=\"#3a3a3a\""),
            "{svg}"
        );
    }

    #[test]
    fn braille_is_drawn_as_dots() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 2, 1));
        buffer.set_string(0, 0, "⠁⢀", Style::new());
        let svg = render(&buffer, false);
        // The first dot of the first cell, the eighth of the second.
        assert!(svg.contains("d=\"M16.1 16.2h0\""), "{svg}");
        assert!(svg.contains("d=\"M28.7 29.8h0\""), "{svg}");
        assert!(!svg.contains("<text"), "{svg}");
    }

    #[test]
    fn wide_characters_take_two_columns_and_stand_alone() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 8, 1));
        buffer.set_string(0, 0, "a日b", Style::new());
        let svg = render(&buffer, false);
        assert!(
            svg.contains("x=\"22.4\" y=\"27.5\" textLength=\"16.8\""),
            "{svg}"
        );
        assert!(svg.contains("x=\"39.2\""), "{svg}");
    }
}
