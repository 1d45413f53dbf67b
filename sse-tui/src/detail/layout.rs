//! What stands on the lines of a detail, and how long ones are cut.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::format;
use crate::json::{self, Kind, Token};
use crate::sanitize::{Piece, pieces, prefix};
use crate::store::Row;
use crate::wire::LONGEST;

/// Of larger data only this much is laid out.
pub(super) const MAX_BYTES: usize = 1 << 20;

pub(super) fn gone() -> Vec<json::Line> {
    note("This event is no longer kept: newer ones took its memory (see --buffer).")
}

/// The end of bytes that are not all of the block.
pub(super) fn cut() -> Vec<json::Line> {
    let most = format::bytes(LONGEST as f64);
    note(&format!(
        "… cut here: of a block that comes in several reads the first {most} are kept as bytes"
    ))
}

pub(super) fn note(text: &str) -> Vec<json::Line> {
    vec![plain(vec![(Kind::Note, text.to_owned())])]
}

/// A line with no place in a structure.
pub(super) fn plain(tokens: Vec<Token>) -> json::Line {
    json::Line {
        tokens,
        ..json::Line::default()
    }
}

/// Formatted if it is JSON, else line by line as it came.
pub(super) fn lines(row: &Row<'_>) -> Vec<json::Line> {
    if row.kind.is_event()
        && row.data.len() <= MAX_BYTES
        && let Some(mut lines) = json::pretty(row.data)
    {
        for line in &mut lines {
            line.tokens = safe(&line.tokens);
        }
        return lines;
    }
    let shown = prefix(row.data, MAX_BYTES);
    let mut lines: Vec<_> = shown
        .split('\n')
        .map(|line| plain(safe(&[(Kind::Text, line.to_owned())])))
        .collect();
    if shown.len() < row.data.len() {
        let all = format::bytes(row.data.len() as f64);
        let text = format!("… the first 1.0 MiB of {all}");
        lines.push(plain(vec![(Kind::Note, text)]));
    }
    lines
}

/// Sanitises each token; what stands for something else becomes a mark.
pub(super) fn safe(line: &[Token]) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(line.len());
    for (kind, text) in line {
        for piece in pieces(text) {
            tokens.push(match piece {
                Piece::Text(text) => (*kind, text.to_owned()),
                Piece::Mark(mark) => (Kind::Mark, mark.into_owned()),
            });
        }
    }
    tokens
}

/// Cuts a line into rows of at most `width` columns, between grapheme clusters.
pub(super) fn wrap(line: &[Token], width: usize) -> Vec<Vec<Token>> {
    let width = width.max(1);
    let mut rows = vec![Vec::new()];
    let mut used = 0;
    for (kind, text) in line {
        let mut start = 0;
        for (position, grapheme) in text.grapheme_indices(true) {
            let columns = grapheme.width();
            if used + columns > width && used > 0 {
                if let Some(row) = rows.last_mut() {
                    row.push((*kind, text[start..position].to_owned()));
                }
                rows.push(Vec::new());
                start = position;
                used = 0;
            }
            used += columns;
        }
        if let Some(row) = rows.last_mut() {
            row.push((*kind, text[start..].to_owned()));
        }
    }
    rows
}
