//! A stream cut into its blocks, no byte changed.
//!
//! sse-core's parser reads along and says where each block ends
//! ([`Items::position`](sse_core::Items::position)); what is passed on are the
//! bytes that arrived, comments, line ends, byte order mark and all. Only where
//! a fault needs whole events are bytes held until their block has ended. The LF of
//! a CR LF that arrives after the block has ended at the CR goes before the next
//! block, where it is an empty line at most.

use sse_core::{Ignored, Item, LimitExceeded, Limits, Parser};

const BOM: &[u8] = "\u{feff}".as_bytes();

/// Some bytes of a stream, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) bytes: Vec<u8>,
    pub(super) end: End,
    /// Whether `bytes` is the block from its first byte on.
    pub(super) whole: bool,
}

/// What ends with a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// Nothing that would matter.
    Nothing,
    /// A block that dispatches nothing but sets the last event ID or a type.
    Block,
    /// An event.
    Event(EventInfo),
}

/// What faults ask about an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EventInfo {
    pub(super) event_type: String,
    pub(super) last_event_id: String,
}

/// Cuts one stream.
#[derive(Debug)]
pub(super) struct Segmenter {
    parser: Parser,
    /// Bytes since the last block ended, where they are held.
    held: Vec<u8>,
    /// The first bytes of the block that is underway were passed on already.
    torn: bool,
    /// Nothing but a part of a byte order mark was read.
    at_start: bool,
    /// The parser gave up; all further bytes pass unread.
    unread: bool,
}

impl Segmenter {
    pub(super) fn new(max_event_size: usize) -> Self {
        let limits = Limits::default().line(max_event_size).event(max_event_size);
        Self {
            parser: Parser::with_limits(limits),
            held: Vec::new(),
            torn: false,
            at_start: true,
            unread: false,
        }
    }

    /// Cuts what arrived. With `hold`, blocks come whole. The error comes once,
    /// after which nothing is held and no event recognised any more.
    pub(super) fn feed(
        &mut self,
        chunk: &[u8],
        hold: bool,
    ) -> (Vec<Segment>, Option<LimitExceeded>) {
        let mut out = Vec::new();
        if self.unread {
            self.pass(chunk, &mut out);
            return (out, None);
        }
        let mut start = 0;
        let mut parser = std::mem::take(&mut self.parser);
        let mut items = parser.feed(chunk);
        let error = loop {
            let end = match items.next() {
                Ok(None) => break None,
                Err(error) => break Some(error),
                Ok(Some(Item::Event(event))) => End::Event(EventInfo {
                    event_type: event.event_type.to_owned(),
                    last_event_id: event.last_event_id.to_owned(),
                }),
                Ok(Some(Item::Ignored(Ignored::NoData(_)))) => End::Block,
                Ok(Some(_)) => continue,
            };
            let position = items.position();
            self.end_block(&chunk[start..position], end, &mut out);
            start = position;
        };
        drop(items);
        self.parser = parser;
        let rest = &chunk[start..];
        if error.is_some() {
            self.unread = true;
        }
        if hold && !self.unread && !self.torn {
            self.hold(rest, &mut out);
        } else {
            self.pass(rest, &mut out);
        }
        (out, error)
    }

    /// What is held at the end of the stream, or of the need to hold.
    pub(super) fn release(&mut self) -> Option<Segment> {
        let bytes = std::mem::take(&mut self.held);
        (!bytes.is_empty()).then(|| {
            self.torn = true;
            between(bytes)
        })
    }

    fn end_block(&mut self, bytes: &[u8], end: End, out: &mut Vec<Segment>) {
        let mut block = std::mem::take(&mut self.held);
        block.extend_from_slice(bytes);
        // A copy, or an event that comes later, must not carry the mark along.
        if self.at_start && !self.torn && block.starts_with(BOM) {
            let rest = block.split_off(BOM.len());
            out.push(between(std::mem::replace(&mut block, rest)));
        }
        self.at_start = false;
        out.push(Segment {
            bytes: block,
            end,
            whole: !std::mem::take(&mut self.torn),
        });
    }

    fn hold(&mut self, bytes: &[u8], out: &mut Vec<Segment>) {
        self.held.extend_from_slice(bytes);
        if self.at_start && self.held.len() >= BOM.len() {
            self.at_start = false;
            if self.held.starts_with(BOM) {
                let rest = self.held.split_off(BOM.len());
                out.push(between(std::mem::replace(&mut self.held, rest)));
            }
        }
        // Heartbeats belong to no event: they must not wait for the next one.
        if !self.at_start && !self.held.is_empty() && only_comments(&self.held) {
            out.push(between(std::mem::take(&mut self.held)));
        }
    }

    fn pass(&mut self, bytes: &[u8], out: &mut Vec<Segment>) {
        let mut passed = std::mem::take(&mut self.held);
        passed.extend_from_slice(bytes);
        if !passed.is_empty() {
            self.torn |= !only_comments(&passed);
            out.push(between(passed));
        }
    }
}

fn between(bytes: Vec<u8>) -> Segment {
    Segment {
        bytes,
        end: End::Nothing,
        whole: false,
    }
}

/// Lines with their ends.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let end = match rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
            Some(end) if rest[end..].starts_with(b"\r\n") => end + 2,
            Some(end) => end + 1,
            None => rest.len(),
        };
        let (line, after) = rest.split_at(end);
        rest = after;
        (!line.is_empty()).then_some(line)
    })
}

/// Whether there is nothing but whole comment lines and blank lines. A CR at the
/// end may have an LF to come, which is a blank line more.
fn only_comments(bytes: &[u8]) -> bool {
    lines(bytes).all(|line| {
        matches!(line.last(), Some(b'\r' | b'\n')) && matches!(line[0], b':' | b'\r' | b'\n')
    })
}

/// A block without its `id` lines; `None` if it has none.
pub(super) fn without_ids(block: &[u8]) -> Option<Vec<u8>> {
    let is_id = |line: &[u8]| {
        line.strip_prefix(b"id")
            .is_some_and(|rest| matches!(rest.first(), Some(b':' | b'\r' | b'\n')))
    };
    let kept: Vec<u8> = lines(block)
        .filter(|line| !is_id(line))
        .flatten()
        .copied()
        .collect();
    (kept.len() < block.len()).then_some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIRE: &[u8] =
        "\u{feff}: hi\n\nretry: 5\rid: 1\rdata: a\r\rid: 2\r\ndata: b\r\n\r\n:ping\n\n\n\
        event: x\n\nid\n\nda\u{e9}ta: c\ndata\n\ndata: unfinished"
            .as_bytes();

    fn cut(wire: &[u8], pieces: &[&[u8]], hold: bool) -> Vec<Segment> {
        let mut segmenter = Segmenter::new(1 << 20);
        let mut out = Vec::new();
        for piece in pieces {
            let (segments, error) = segmenter.feed(piece, hold);
            assert_eq!(error, None);
            out.extend(segments);
        }
        out.extend(segmenter.release());
        let bytes: Vec<u8> = out
            .iter()
            .flat_map(|segment| segment.bytes.clone())
            .collect();
        assert_eq!(bytes, wire, "every byte passes, in order");
        out
    }

    fn blocks(segments: &[Segment]) -> Vec<(&[u8], bool)> {
        segments
            .iter()
            .filter(|segment| segment.end != End::Nothing)
            .map(|segment| {
                assert!(segment.whole);
                let event = matches!(segment.end, End::Event(_));
                (segment.bytes.as_slice(), event)
            })
            .collect()
    }

    #[test]
    fn blocks_are_the_same_wherever_the_stream_is_cut() {
        for first in 0..=WIRE.len() {
            for second in first..=WIRE.len() {
                let pieces = [&WIRE[..first], &WIRE[first..second], &WIRE[second..]];
                let segments = cut(WIRE, &pieces, true);
                let mut blocks = blocks(&segments);
                for (bytes, _) in &mut blocks {
                    // Blank lines and heartbeats stand before a block or by themselves, and
                    // the LF of a CR LF that was torn apart comes after its block.
                    *bytes = bytes.strip_suffix(b"\r\n\r\n").unwrap_or(bytes);
                    *bytes = bytes.strip_suffix(b"\r\n\r").unwrap_or(bytes);
                    while let [b'\n', rest @ ..] = *bytes {
                        *bytes = rest;
                    }
                    for heartbeat in [": hi\n\n", ":ping\n\n\n"] {
                        *bytes = bytes.strip_prefix(heartbeat.as_bytes()).unwrap_or(bytes);
                    }
                }
                assert_eq!(
                    blocks,
                    [
                        (b"retry: 5\rid: 1\rdata: a\r\r".as_slice(), true),
                        (b"id: 2\r\ndata: b", true),
                        (b"event: x\n\n", false),
                        (b"id\n\n", false),
                        ("da\u{e9}ta: c\ndata\n\n".as_bytes(), true),
                    ],
                    "cut at {first} and {second}"
                );
            }
        }
    }

    #[test]
    fn without_holding_every_byte_passes_at_once() {
        let mut segmenter = Segmenter::new(1 << 20);
        for byte in WIRE {
            let (segments, _) = segmenter.feed(&[*byte], false);
            let bytes: Vec<u8> = segments.iter().flat_map(|one| one.bytes.clone()).collect();
            assert_eq!(bytes, [*byte]);
        }
        assert_eq!(segmenter.release(), None);
    }

    #[test]
    fn a_block_whose_start_has_passed_is_not_whole() {
        let mut segmenter = Segmenter::new(1 << 20);
        segmenter.feed(b"id: 1\nda", false);
        let (segments, _) = segmenter.feed(b"ta: a\n\ndata: b\n\n", true);
        let whole: Vec<bool> = segments.iter().map(|segment| segment.whole).collect();
        assert_eq!(whole, [false, true]);
    }

    #[test]
    fn a_heartbeat_does_not_wait_for_an_event() {
        let mut segmenter = Segmenter::new(1 << 20);
        let (segments, _) = segmenter.feed(b":ping\n\n", true);
        assert_eq!(segments, [between(b":ping\n\n".to_vec())]);
    }

    #[test]
    fn what_is_longer_than_the_limit_passes_unread() {
        let mut segmenter = Segmenter::new(8);
        let (held, error) = segmenter.feed(b"data: a\nda", true);
        assert_eq!((held.len(), error), (0, None));
        let (segments, error) = segmenter.feed(b"ta: much too long\n\n", true);
        assert!(error.is_some());
        let bytes: Vec<u8> = segments.into_iter().flat_map(|one| one.bytes).collect();
        assert_eq!(bytes, b"data: a\ndata: much too long\n\n");
        let (segments, error) = segmenter.feed(b"data: b\n\n", true);
        assert_eq!(
            (segments, error),
            (vec![between(b"data: b\n\n".to_vec())], None)
        );
    }

    #[test]
    fn id_lines_are_taken_out_and_nothing_else() {
        let block = b"identity: 1\nid: 7\r\nid\r: id\ndata: id: 7\n ID: 8\nid:9\n\n";
        let expected = b"identity: 1\n: id\ndata: id: 7\n ID: 8\n\n";
        assert_eq!(without_ids(block).as_deref(), Some(expected.as_slice()));
        assert_eq!(without_ids(b"data: a\n\n"), None);
    }
}
