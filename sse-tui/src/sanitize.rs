//! Text from the network made safe for a terminal.
//!
//! Nothing a server sends may move the cursor, change colours, or make text
//! read otherwise than it is. Control characters become their pictures, bidi
//! and invisible characters become a marked name, tabs become spaces.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar;

/// Columns between tab stops.
pub const TAB: usize = 4;
/// Combining characters that one base character may carry.
const MAX_COMBINING: usize = 8;

/// A run of safe text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece<'a> {
    /// As the server sent it.
    Text(&'a str),
    /// Stands for something that cannot be shown.
    Mark(Cow<'static, str>),
}

impl Piece<'_> {
    /// The text to show.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Mark(text) => text,
        }
    }
}

/// Splits text into safe runs, lazily: a caller that has seen enough stops.
pub fn pieces(text: &str) -> Pieces<'_> {
    Pieces {
        rest: text,
        column: 0,
        combining: 0,
    }
}

/// All of a text, safe, in one string.
pub fn sanitize(text: &str) -> Cow<'_, str> {
    let mut pieces = pieces(text);
    match (pieces.next(), pieces.rest) {
        (None, _) => Cow::Borrowed(""),
        (Some(Piece::Text(all)), "") => Cow::Borrowed(all),
        (Some(first), _) => {
            let mut safe = String::with_capacity(text.len() + 16);
            safe.push_str(first.as_str());
            for piece in pieces {
                safe.push_str(piece.as_str());
            }
            Cow::Owned(safe)
        }
    }
}

/// All of a text in ASCII, with escapes for everything else: `\n`, `\x1b`,
/// `\u{e9}`.
pub fn in_ascii(text: &str) -> String {
    let mut ascii = String::with_capacity(text.len());
    for piece in pieces(text) {
        for character in piece.as_str().chars() {
            match control_shown(character) {
                Some(code) => ascii.push_str(&escape(code)),
                None if character.is_ascii() => ascii.push(character),
                None => ascii.extend(character.escape_unicode()),
            }
        }
    }
    ascii
}

/// The control character that a character is the picture of.
pub(crate) fn control_shown(character: char) -> Option<u8> {
    match u32::from(character) {
        code @ 0x2400..=0x241F => u8::try_from(code - 0x2400).ok(),
        0x2421 => Some(0x7F),
        _ => None,
    }
}

/// A control character as C writes it.
pub(crate) fn escape(code: u8) -> String {
    match code {
        b'\r' | b'\n' | b'\t' => char::from(code).escape_default().to_string(),
        code => format!("\\x{code:02x}"),
    }
}

/// The first so many bytes of a text, or a few less, to a character's end.
pub fn prefix(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// See [`pieces`].
#[derive(Debug)]
pub struct Pieces<'a> {
    rest: &'a str,
    /// Columns taken so far.
    column: usize,
    combining: usize,
}

/// A run is cut here at the latest, so that the first piece of a long text is
/// cheap.
const MAX_RUN: usize = 256;

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        for (position, character) in self.rest.char_indices() {
            let width = character.width().unwrap_or(0);
            let combining = if width == 0 { self.combining + 1 } else { 0 };
            let flood = combining > MAX_COMBINING;
            let unsafe_here = flood || mark_needed(character);
            if unsafe_here && position == 0 {
                let mark = self.mark(character, flood);
                self.combining = 0;
                self.column += mark.chars().map(|c| c.width().unwrap_or(0)).sum::<usize>();
                return Some(Piece::Mark(mark));
            }
            if unsafe_here || (position >= MAX_RUN && width > 0) {
                return Some(self.take(position));
            }
            self.combining = combining;
            self.column += width;
        }
        (!self.rest.is_empty()).then(|| self.take(self.rest.len()))
    }
}

impl<'a> Pieces<'a> {
    fn take(&mut self, length: usize) -> Piece<'a> {
        let (text, rest) = self.rest.split_at(length);
        self.rest = rest;
        Piece::Text(text)
    }

    fn mark(&mut self, character: char, flood: bool) -> Cow<'static, str> {
        if flood && !mark_needed(character) {
            let end = self
                .rest
                .find(|c: char| c.width() != Some(0) || mark_needed(c))
                .unwrap_or(self.rest.len());
            self.rest = &self.rest[end..];
            return Cow::Borrowed("⟨combining…⟩");
        }
        self.rest = &self.rest[character.len_utf8()..];
        if character == '\t' {
            return Cow::Borrowed(&"    "[..TAB - self.column % TAB]);
        }
        if let Some(name) = name(character) {
            return Cow::Borrowed(name);
        }
        match u32::from(character) {
            code @ 0..=0x1F => picture(0x2400 + code),
            0x7F => Cow::Borrowed("␡"),
            code => {
                let mut text = String::new();
                let _ = write!(text, "⟨U+{code:04X}⟩");
                Cow::Owned(text)
            }
        }
    }
}

fn picture(code: u32) -> Cow<'static, str> {
    Cow::Owned(char::from_u32(code).unwrap_or('\u{FFFD}').to_string())
}

/// Whether a terminal would obey the character, or a reader be misled by it.
pub(crate) fn mark_needed(character: char) -> bool {
    character.is_control()
        || name(character).is_some()
        || matches!(character, '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}' | '\u{180E}' | '\u{206A}'..='\u{206F}' | '\u{2061}'..='\u{2064}')
}

/// Characters that change how others read, by the names Unicode gives them.
fn name(character: char) -> Option<&'static str> {
    Some(match character {
        '\u{00AD}' => "⟨SHY⟩",
        '\u{061C}' => "⟨ALM⟩",
        '\u{200B}' => "⟨ZWSP⟩",
        '\u{200E}' => "⟨LRM⟩",
        '\u{200F}' => "⟨RLM⟩",
        '\u{2028}' => "⟨LS⟩",
        '\u{2029}' => "⟨PS⟩",
        '\u{202A}' => "⟨LRE⟩",
        '\u{202B}' => "⟨RLE⟩",
        '\u{202C}' => "⟨PDF⟩",
        '\u{202D}' => "⟨LRO⟩",
        '\u{202E}' => "⟨RLO⟩",
        '\u{2060}' => "⟨WJ⟩",
        '\u{2066}' => "⟨LRI⟩",
        '\u{2067}' => "⟨RLI⟩",
        '\u{2068}' => "⟨FSI⟩",
        '\u{2069}' => "⟨PDI⟩",
        '\u{FEFF}' => "⟨BOM⟩",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_borrowed_unchanged() {
        for text in ["", "hello", "日本語 🎉 e\u{301}", "👩‍👩‍👧 ✈️"] {
            assert!(matches!(sanitize(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn terminal_escapes_become_visible() {
        assert_eq!(
            sanitize("\x1b[31mred\x07\x1b]0;title\u{9c}\x7f\0"),
            "␛[31mred␇␛]0;title⟨U+009C⟩␡␀"
        );
    }

    #[test]
    fn line_ends_and_c1_controls_become_visible() {
        assert_eq!(sanitize("a\r\nb\u{85}c\u{2028}"), "a␍␊b⟨U+0085⟩c⟨LS⟩");
    }

    #[test]
    fn text_direction_cannot_be_turned() {
        assert_eq!(
            sanitize("user\u{202E}txt.exe\u{2066}\u{200B}"),
            "user⟨RLO⟩txt.exe⟨LRI⟩⟨ZWSP⟩"
        );
    }

    #[test]
    fn in_ascii_everything_else_is_escaped() {
        assert_eq!(
            in_ascii("é\x1b[2J\r\n日\u{202E}a"),
            r"\u{e9}\x1b[2J\r\n\u{65e5}\u{27e8}RLO\u{27e9}a"
        );
    }

    #[test]
    fn tabs_reach_the_next_stop() {
        assert_eq!(
            sanitize("\ta\tbcd\tabcd\t日\t|"),
            "    a   bcd abcd    日  |"
        );
    }

    #[test]
    fn a_flood_of_combining_characters_is_cut() {
        let flood = format!("a{}b", "\u{301}".repeat(10_000));
        let safe = sanitize(&flood);
        assert!(safe.chars().count() < 40, "{}", safe.chars().count());
        assert!(
            safe.starts_with("a\u{301}") && safe.ends_with('b'),
            "{safe}"
        );
    }

    #[test]
    fn a_long_text_is_read_no_further_than_asked() {
        let long = "x".repeat(16 << 20);
        let first = pieces(&long).next();
        assert!(matches!(first, Some(Piece::Text(text)) if text.len() <= MAX_RUN));
    }

    #[test]
    fn nothing_unsafe_is_left_in_any_character() {
        for character in '\0'..=char::MAX {
            let text = format!("a{character}b");
            let safe = sanitize(&text);
            assert!(
                !safe.chars().any(mark_needed),
                "U+{:04X}",
                u32::from(character)
            );
        }
    }
}
