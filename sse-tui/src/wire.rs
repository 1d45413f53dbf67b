//! The bytes of each block, as they came over the wire.

use memchr::memchr2;

/// The bytes of one block.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wire<'a> {
    /// From its first line to the empty line that ended it.
    pub bytes: &'a [u8],
    /// Where in them a read began, in bytes.
    pub reads: &'a [u32],
}

/// Of a block that came in several reads, as much as this is kept.
pub const LONGEST: usize = 1 << 20;
/// And this many of the places where its reads began.
const MOST_READS: usize = 1024;

/// Whether these are all bytes of a block: no line in it is empty but the last.
pub fn is_whole(bytes: &[u8]) -> bool {
    let without_line_end = |bytes: &[u8]| {
        let shorter = bytes.strip_suffix(b"\r\n");
        let shorter = shorter.or_else(|| bytes.strip_suffix(b"\n"));
        let shorter = shorter.or_else(|| bytes.strip_suffix(b"\r"));
        shorter.map(<[u8]>::len)
    };
    without_line_end(bytes).is_some_and(|end| without_line_end(&bytes[..end]).is_some())
}

/// Puts the blocks of one connection together from the chunks they came in.
///
/// A CR that ends a chunk ends its block; an LF that follows it in the next
/// chunk belongs to neither.
#[derive(Debug, Default)]
pub struct Assembler {
    /// Of a block that has not ended, from earlier chunks.
    pending: Vec<u8>,
    reads: Vec<u32>,
    /// Where in the chunk the block begins.
    start: usize,
    /// Something else than the block stands before it: a comment, a field of no
    /// event.
    mixed: bool,
}

impl Assembler {
    /// A connection begins.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// An item that ends no block.
    pub fn other(&mut self) {
        self.mixed = true;
    }

    /// A block ends at `end` of the chunk.
    pub fn block<'a>(&'a mut self, chunk: &'a [u8], end: usize) -> Wire<'a> {
        let start = std::mem::replace(&mut self.start, end);
        let mixed = std::mem::take(&mut self.mixed);
        let part = chunk.get(start..end).unwrap_or_default();
        if start > 0 {
            // It was lent with the block before.
            self.pending.clear();
        }
        if self.pending.is_empty() {
            self.reads.clear();
            let before = blank(part, mixed, true);
            if start == 0 && before == 0 {
                self.reads.push(0);
            }
            return Wire {
                bytes: &part[before..],
                reads: &self.reads,
            };
        }
        self.reads.push(self.pending.len() as u32);
        self.append(part);
        let before = blank(&self.pending, mixed, true);
        shift(&mut self.reads, before);
        Wire {
            bytes: &self.pending[before..],
            reads: &self.reads,
        }
    }

    /// The chunk was read; what is left of it begins the next block.
    pub fn end(&mut self, chunk: &[u8]) {
        let start = std::mem::take(&mut self.start);
        if start > 0 {
            self.pending.clear();
            self.reads.clear();
        }
        if start < chunk.len() {
            if start == 0 {
                self.reads.push(self.pending.len() as u32);
            }
            self.append(&chunk[start..]);
        }
        let before = blank(&self.pending, self.mixed, false);
        if before > 0 {
            self.pending.drain(..before);
            shift(&mut self.reads, before);
        }
    }

    fn append(&mut self, part: &[u8]) {
        let room = LONGEST.saturating_sub(self.pending.len());
        self.pending
            .extend_from_slice(&part[..part.len().min(room)]);
        self.reads.truncate(MOST_READS);
    }
}

/// Bytes before the first line of the block: empty lines and, if something else
/// is before it, all up to the last empty line but the one that ended it.
fn blank(bytes: &[u8], mixed: bool, ended: bool) -> usize {
    let line_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let leading = bytes.iter().take_while(|byte| line_end(byte)).count();
    if !mixed {
        return leading;
    }
    let end = if ended {
        bytes.iter().rposition(|byte| !line_end(byte)).unwrap_or(0)
    } else {
        bytes.len()
    };
    let (mut start, mut line) = (leading, leading);
    while let Some(length) = memchr2(b'\r', b'\n', &bytes[line..end]) {
        let at = line + length;
        let crlf = bytes[at..end].starts_with(b"\r\n");
        line = at + 1 + usize::from(crlf);
        if length == 0 {
            start = line;
        }
    }
    start
}

fn shift(reads: &mut Vec<u32>, by: usize) {
    reads.retain_mut(|offset| match offset.checked_sub(by as u32) {
        Some(less) => {
            *offset = less;
            true
        }
        None => false,
    });
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use sse_core::{Ignored, Item, Parser};

    use super::*;

    /// The blocks that an assembler makes of chunks, where the parser ends them.
    fn blocks(chunks: &[&[u8]]) -> Vec<(Vec<u8>, Vec<u32>)> {
        let (mut parser, mut assembler) = (Parser::new(), Assembler::default());
        let mut blocks = Vec::new();
        for chunk in chunks {
            let mut items = parser.feed(chunk);
            while let Some(item) = items.next().unwrap() {
                if matches!(item, Item::Event(_) | Item::Ignored(Ignored::NoData(_))) {
                    let wire = assembler.block(chunk, items.position());
                    blocks.push((wire.bytes.to_vec(), wire.reads.to_vec()));
                } else {
                    assembler.other();
                }
            }
            assembler.end(chunk);
        }
        blocks
    }

    #[test]
    fn a_block_is_whole_and_knows_where_its_reads_began() {
        assert_eq!(
            blocks(&[
                b"retry: 1\n\n:c\n\n\nid: 1\n:in it\ndata: a\n\ndata",
                b": b\n",
                b"\ndata: c\n\n"
            ]),
            [
                (b"id: 1\n:in it\ndata: a\n\n".to_vec(), vec![]),
                (b"data: b\n\n".to_vec(), vec![4, 8]),
                (b"data: c\n\n".to_vec(), vec![]),
            ]
        );
        let whole: &[u8] = b"data: d\r\n\r\n";
        assert_eq!(blocks(&[whole]), [(whole.to_vec(), vec![0])]);
    }

    #[test]
    fn a_stream_of_comments_leaves_nothing_behind() {
        let (mut parser, mut assembler) = (Parser::new(), Assembler::default());
        for _ in 0..1000 {
            let chunk = b":keepalive\n\n";
            let mut items = parser.feed(chunk);
            while items.next().unwrap().is_some() {
                assembler.other();
            }
            assembler.end(chunk);
        }
        assert!(assembler.pending.is_empty() && assembler.reads.is_empty());
    }

    #[test]
    fn a_huge_block_is_cut() {
        let part = vec![b'x'; 300 << 10];
        let mut chunks: Vec<&[u8]> = vec![b"data: "];
        chunks.extend([part.as_slice(); 6]);
        chunks.push(b"\n\n");
        assert_eq!(blocks(&chunks)[0].0.len(), LONGEST);
    }

    proptest! {
        #[test]
        fn cuts_change_nothing(
            parts in vec(("(:c{0,3}|retry: 1|x)?", "(id: [ab]|data: [ab]{0,9}|data)", 0_usize..3), 1..12),
            end in prop_oneof![Just("\n"), Just("\r\n"), Just("\r")],
            cuts in vec(0_usize..200, 0..12),
        ) {
            let (mut wire, mut expected) = (String::new(), Vec::new());
            for (noise, line, empty) in parts {
                if !noise.is_empty() {
                    wire.extend([noise.as_str(), end, end]);
                }
                wire += &end.repeat(empty);
                let block = format!("{line}{end}{end}");
                wire += &block;
                expected.push(block.trim_end().to_owned());
            }
            let mut cuts: Vec<_> = cuts.into_iter().filter(|cut| *cut < wire.len()).collect();
            cuts.sort_unstable();
            let mut chunks = Vec::new();
            let mut start = 0;
            for cut in cuts {
                chunks.push(&wire.as_bytes()[start..cut]);
                start = cut;
            }
            chunks.push(&wire.as_bytes()[start..]);
            let found: Vec<_> = blocks(&chunks)
                .into_iter()
                .map(|(bytes, _)| String::from_utf8(bytes).unwrap().trim_end().to_owned())
                .collect();
            prop_assert_eq!(found, expected);
        }
    }
}
