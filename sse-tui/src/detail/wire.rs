//! The bytes of a block, laid out line by line.

use super::layout::{plain, safe};
use crate::json::{self, Kind, Token};

/// The mark before the first byte of a read.
const READ: &str = "┊";

/// Bytes with their line ends as marks, and where each read began.
pub(super) fn lines(bytes: &[u8], reads: &[u32]) -> Vec<json::Line> {
    let mut lines = Vec::new();
    let mut tokens: Vec<Token> = Vec::new();
    let mut at = 0;
    let mut reads = reads.iter().map(|read| *read as usize).peekable();
    while at < bytes.len() {
        if reads.next_if(|read| *read <= at).is_some() {
            tokens.push((Kind::Note, READ.to_owned()));
            continue;
        }
        let until = reads
            .peek()
            .copied()
            .unwrap_or(bytes.len())
            .min(bytes.len());
        let part = &bytes[at..until];
        let length = memchr::memchr2(b'\r', b'\n', part).unwrap_or(part.len());
        tokens.extend(text(&part[..length]));
        at += length;
        // CRLF may be split over two reads.
        let (end, mark) = match (bytes.get(at), bytes.get(at + 1)) {
            _ if at == until => continue,
            (Some(b'\r'), Some(b'\n')) if at + 1 < until => (2, "␍␊"),
            (Some(b'\r'), Some(b'\n')) => {
                tokens.push((Kind::Mark, "␍".to_owned()));
                at += 1;
                continue;
            }
            (Some(b'\r'), _) => (1, "␍"),
            _ => (1, "␊"),
        };
        tokens.push((Kind::Mark, mark.to_owned()));
        at += end;
        lines.push(plain(std::mem::take(&mut tokens)));
    }
    if !tokens.is_empty() {
        lines.push(plain(tokens));
    }
    lines
}

/// Field names in the style of keys; bytes that are no UTF-8 as marks.
fn text(bytes: &[u8]) -> Vec<Token> {
    let mut tokens = Vec::new();
    for chunk in bytes.utf8_chunks() {
        let text = chunk.valid();
        let (name, value) = match text.split_once(':') {
            Some((name, _)) if tokens.is_empty() => text.split_at(name.len() + 1),
            _ => ("", text),
        };
        tokens.push((Kind::Key, name.to_owned()));
        tokens.push((Kind::Text, value.to_owned()));
        for byte in chunk.invalid() {
            tokens.push((Kind::Mark, format!("⟨{byte:02X}⟩")));
        }
    }
    safe(&tokens)
}
