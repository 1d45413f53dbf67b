//! Event streams of known shape, the same in every run.

use std::fmt::Write as _;

use bytes::Bytes;

/// An event stream and where its events end.
pub struct Corpus {
    pub name: &'static str,
    pub bytes: Bytes,
    event_ends: Vec<usize>,
}

/// How a stream is handed to a parser.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Chunking {
    /// Reads of this many bytes.
    Bytes(usize),
    /// All at once.
    Whole,
    /// One event per read, as a live stream arrives.
    Event,
}

impl Corpus {
    pub fn events(&self) -> usize {
        self.event_ends.len()
    }

    pub fn chunks(&self, chunking: Chunking) -> Vec<Bytes> {
        match chunking {
            Chunking::Whole => vec![self.bytes.clone()],
            Chunking::Bytes(size) => (0..self.bytes.len())
                .step_by(size)
                .map(|start| self.bytes.slice(start..self.bytes.len().min(start + size)))
                .collect(),
            Chunking::Event => {
                let starts = std::iter::once(0).chain(self.event_ends.iter().copied());
                starts.zip(&self.event_ends).map(|(start, end)| self.bytes.slice(start..*end)).collect()
            }
        }
    }

    fn build(name: &'static str, size: usize, mut event: impl FnMut(usize, &mut String)) -> Self {
        let mut text = String::with_capacity(size + 128 * 1024);
        let mut event_ends = Vec::new();
        while text.len() < size {
            event(event_ends.len(), &mut text);
            event_ends.push(text.len());
        }
        Self { name, bytes: text.into(), event_ends }
    }
}

/// About 60 bytes: type, id, one short data line.
pub fn ticks(size: usize) -> Corpus {
    Corpus::build("ticks", size, |n, text| {
        let n = n + 1_000_000;
        let _ = write!(text, "event: tick\nid: {n}\ndata: {{\"seq\":{n},\"p\":101.25}}\n\n");
    })
}

/// About 270 bytes: one data line, as a chat completion streams it.
pub fn llm(size: usize) -> Corpus {
    Corpus::build("LLM deltas", size, |n, text| {
        let _ = write!(
            text,
            "data: {{\"id\":\"chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG\",\"object\":\"chat.completion.chunk\",\
             \"created\":1741570283,\"model\":\"model-2026-01-01\",\"service_tier\":\"default\",\
             \"system_fingerprint\":\"fp_44709d6fcb\",\"choices\":[{{\"index\":0,\
             \"delta\":{{\"content\":\" w{:05}\"}},\"finish_reason\":null}}]}}\n\n",
            n % 100_000
        );
    })
}

/// 64 data lines of 1 KiB.
pub fn multi_line(size: usize) -> Corpus {
    Corpus::build("multi-line", size, |n, text| {
        for line in 0..64 {
            let _ = writeln!(text, "data: {:1017}", n * 64 + line);
        }
        text.push('\n');
    })
}

/// Ticks with data of 0 to 63 bytes more, so that no line end can be foreseen.
pub fn random_ticks(name: &'static str, line_end: &'static str, size: usize) -> Corpus {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    Corpus::build(name, size, move |n, text| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let pad = &"abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz01"[..(state % 64) as usize];
        let _ = write!(
            text,
            "event: tick{line_end}id: {n}{line_end}data: {{\"seq\":{n},\"pad\":\"{pad}\"}}{line_end}{line_end}"
        );
    })
}
