//! Text that grows, wrapped to a width: only its end is wrapped again.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::format;
use crate::sanitize::sanitize;

/// Where the lines of a text begin and end, in bytes.
#[derive(Debug, Default)]
pub struct Lines {
    lines: Vec<(usize, usize)>,
    wrapped: usize,
}

/// What stands in the text before what came after a stall, unless that would
/// take most of a line.
pub fn stall_mark(nanoseconds: i64, width: usize) -> Option<String> {
    let time = std::time::Duration::from_nanos(nanoseconds.unsigned_abs());
    let mark = format!("⟨{} stall⟩", format::duration(time));
    (2 * mark.width() <= width).then_some(mark)
}

/// Columns of a grapheme cluster as it is shown.
fn columns(grapheme: &str) -> usize {
    if grapheme.bytes().all(|byte| (0x20..0x7F).contains(&byte)) {
        grapheme.len()
    } else {
        sanitize(grapheme).width()
    }
}

impl Lines {
    /// Wraps what the text got since. Breaks lines at spaces where it can. A
    /// mark takes room before each stall.
    pub fn extend(&mut self, text: &str, stalls: &[(usize, i64)], width: usize) {
        if self.wrapped == text.len() && !self.lines.is_empty() {
            return;
        }
        let width = width.max(1);
        // The last line goes on, and a CR at its start may get its LF.
        self.lines.pop();
        let mut start = self.lines.pop().map_or(0, |(start, _)| start);
        let base = start;
        let mut used = 0;
        // Where the line may end, and the columns up to there.
        let mut space: Option<(usize, usize)> = None;
        let mut stalls = stalls[stalls.partition_point(|(offset, _)| *offset < start)..]
            .iter()
            .peekable();
        for (offset, grapheme) in text[base..].grapheme_indices(true) {
            let offset = base + offset;
            if let Some((_, gap)) = stalls.next_if(|(stall, _)| *stall <= offset) {
                let mark = stall_mark(*gap, width).map_or(0, |mark| mark.width());
                if used + mark > width && used > 0 {
                    self.lines.push((start, offset));
                    (start, used, space) = (offset, 0, None);
                }
                used += mark;
            }
            if matches!(grapheme, "\n" | "\r\n" | "\r") {
                self.lines.push((start, offset));
                (start, used, space) = (offset + grapheme.len(), 0, None);
                continue;
            }
            if grapheme == " " && used == width {
                self.lines.push((start, offset + 1));
                (start, used, space) = (offset + 1, 0, None);
                continue;
            }
            let columns = columns(grapheme);
            while used + columns > width && used > 0 {
                match space.take() {
                    Some((end, columns)) => {
                        self.lines.push((start, end));
                        start = end;
                        used -= columns;
                    }
                    None => {
                        self.lines.push((start, offset));
                        (start, used) = (offset, 0);
                    }
                }
            }
            used += columns;
            if grapheme == " " {
                space = Some((offset + 1, used));
            }
        }
        self.lines.push((start, text.len()));
        self.wrapped = text.len();
    }

    /// How many lines.
    #[expect(clippy::len_without_is_empty, reason = "there is always a line")]
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// A line's first byte, and the byte after its last.
    pub fn get(&self, line: usize) -> (usize, usize) {
        self.lines.get(line).copied().unwrap_or_default()
    }

    /// The line that a byte stands on.
    pub fn line_of(&self, offset: usize) -> usize {
        self.lines
            .partition_point(|(start, _)| *start <= offset)
            .saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wrapped(text: &str, stalls: &[(usize, i64)], width: usize) -> Vec<String> {
        let mut lines = Lines::default();
        lines.extend(text, stalls, width);
        lines
            .lines
            .iter()
            .map(|(start, end)| text[*start..*end].to_owned())
            .collect()
    }

    #[test]
    fn lines_break_at_spaces_and_at_line_ends_and_within_long_words() {
        assert_eq!(
            wrapped("the quick brown fox\n\njumps\r\noverexceedingly", &[], 9),
            [
                "the quick ",
                "brown fox",
                "",
                "jumps",
                "overexcee",
                "dingly"
            ]
        );
        assert_eq!(wrapped("日本語", &[], 4), ["日本", "語"]);
        assert_eq!(wrapped("", &[], 4), [""]);
        assert_eq!(wrapped("a\n", &[], 4), ["a", ""]);
    }

    #[test]
    fn a_stall_takes_room() {
        let stalls = [(14, 2_500_000_000)];
        let mark = stall_mark(2_500_000_000, 30);
        assert_eq!(mark.as_deref(), Some("⟨2.5s stall⟩"));
        let text = "one two three four";
        assert_eq!(wrapped(text, &stalls, 24), ["one two three ", "four"]);
        assert_eq!(wrapped(text, &stalls, 30), ["one two three four"]);
        assert_eq!(stall_mark(2_500_000_000, 18), None);
        assert_eq!(wrapped(text, &stalls, 18), ["one two three four"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn text_that_grows_is_wrapped_as_if_it_came_at_once(
            pieces in proptest::collection::vec("[a-z日é\u{301} \n\r\u{1b}]{0,6}", 1..40),
            width in 1_usize..20,
        ) {
            let mut lines = Lines::default();
            let mut text = String::new();
            for piece in &pieces {
                text.push_str(piece);
                lines.extend(&text, &[], width);
            }
            let mut whole = Lines::default();
            whole.extend(&text, &[], width);
            prop_assert_eq!(&lines.lines, &whole.lines);
            for offset in text.char_indices().map(|(offset, _)| offset) {
                let (start, _) = whole.get(whole.line_of(offset));
                prop_assert!(start <= offset);
            }
        }
    }
}
