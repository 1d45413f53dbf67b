//! The event stream interpretation of the HTML Living Standard §9.2.6, written
//! out step by step over the whole input. Slow on purpose: it is what the
//! parser is measured against, so it must be right by reading it.

use std::time::Duration;

/// One thing that a stream says, owned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    Event {
        event_type: String,
        data: String,
        last_event_id: String,
        has_id: bool,
    },
    Comment(String),
    Retry(Duration),
    UnknownField(String),
    InvalidRetry(String),
    NulInId,
    NoData {
        event_type: String,
        has_id: bool,
        last_event_id: String,
    },
}

/// Which cap a stream exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cap {
    Line,
    Field,
    Event,
}

/// The caps of a reader, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caps {
    pub(crate) line: usize,
    pub(crate) field: usize,
    pub(crate) event: usize,
}

impl Caps {
    pub(crate) const NONE: Self = Self {
        line: usize::MAX,
        field: usize::MAX,
        event: usize::MAX,
    };
}

/// What the end of the stream cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CutOff {
    pub(crate) line: usize,
    pub(crate) data: usize,
    pub(crate) has_data: bool,
}

/// All that one response says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Outcome {
    pub(crate) seen: Vec<Seen>,
    /// For each of `seen`, the offset after its line end (after the CR of a CRLF).
    pub(crate) ends: Vec<usize>,
    pub(crate) error: Option<Cap>,
    /// `None` too where there was an error.
    pub(crate) cut_off: Option<CutOff>,
    pub(crate) last_event_id: String,
}

/// Reads one whole response of a client without a last event ID.
pub(crate) fn read(input: &[u8], caps: Caps) -> Outcome {
    resume(input, caps, "")
}

/// Reads one whole response of a client that has a last event ID.
pub(crate) fn resume(input: &[u8], caps: Caps, last_event_id: &str) -> Outcome {
    let start = if input.starts_with(&[0xEF, 0xBB, 0xBF]) {
        3
    } else {
        0
    };
    let characters = decode(input, start);
    let mut reader = Reader::default();
    last_event_id.clone_into(&mut reader.last_event_id_buffer);
    last_event_id.clone_into(&mut reader.outcome.last_event_id);
    let mut line = String::new();
    let mut line_start = start;
    let mut index = 0;
    while let Some(character) = characters.get(index) {
        index += 1;
        if character.value != '\r' && character.value != '\n' {
            line.push(character.value);
            continue;
        }
        if character.start - line_start > caps.line {
            reader.outcome.error = Some(Cap::Line);
        } else {
            reader.line(&line, character.end, caps);
        }
        if reader.outcome.error.is_some() {
            return reader.outcome;
        }
        line.clear();
        line_start = character.end;
        if character.value == '\r'
            && let Some(next) = characters.get(index)
            && next.value == '\n'
        {
            index += 1;
            line_start = next.end;
        }
    }
    let rest = input.len() - line_start;
    // The first bytes of a BOM are not yet part of a line.
    let may_be_bom = input == [0xEF] || input == [0xEF, 0xBB];
    if rest > caps.line && !may_be_bom {
        reader.outcome.error = Some(Cap::Line);
        return reader.outcome;
    }
    reader.end(rest)
}

struct Character {
    value: char,
    start: usize,
    end: usize,
}

/// The UTF-8 decoder of the Encoding Standard, §8.1.1, with its own names.
fn decode(input: &[u8], from: usize) -> Vec<Character> {
    let mut output = Vec::new();
    let mut start = from;
    let mut code_point: u32 = 0;
    let mut seen = 0;
    let mut needed = 0;
    let mut lower = 0x80;
    let mut upper = 0xBF;
    let mut index = from;
    while index < input.len() {
        let byte = input[index];
        if needed == 0 {
            start = index;
            index += 1;
            match byte {
                0x00..=0x7F => output.push(Character {
                    value: char::from(byte),
                    start,
                    end: index,
                }),
                0xC2..=0xDF => {
                    needed = 1;
                    code_point = u32::from(byte & 0x1F);
                }
                0xE0..=0xEF => {
                    if byte == 0xE0 {
                        lower = 0xA0;
                    }
                    if byte == 0xED {
                        upper = 0x9F;
                    }
                    needed = 2;
                    code_point = u32::from(byte & 0x0F);
                }
                0xF0..=0xF4 => {
                    if byte == 0xF0 {
                        lower = 0x90;
                    }
                    if byte == 0xF4 {
                        upper = 0x8F;
                    }
                    needed = 3;
                    code_point = u32::from(byte & 0x07);
                }
                _ => output.push(Character {
                    value: '\u{FFFD}',
                    start,
                    end: index,
                }),
            }
            continue;
        }
        let in_range = lower <= byte && byte <= upper;
        lower = 0x80;
        upper = 0xBF;
        if !in_range {
            // The byte is not consumed: it is looked at again as a first byte.
            needed = 0;
            seen = 0;
            output.push(Character {
                value: '\u{FFFD}',
                start,
                end: index,
            });
            continue;
        }
        index += 1;
        code_point = (code_point << 6) | u32::from(byte & 0x3F);
        seen += 1;
        if seen == needed {
            needed = 0;
            seen = 0;
            output.push(Character {
                value: char::from_u32(code_point).expect("the ranges admit scalar values only"),
                start,
                end: index,
            });
        }
    }
    if needed != 0 {
        output.push(Character {
            value: '\u{FFFD}',
            start,
            end: input.len(),
        });
    }
    output
}

/// The buffers of §9.2.6, by its names.
#[derive(Default)]
struct Reader {
    data: String,
    event_type: String,
    last_event_id_buffer: String,
    /// Whether the block appended to the data buffer.
    has_data: bool,
    /// Whether the block set the last event ID buffer.
    has_id: bool,
    outcome: Outcome,
}

impl Reader {
    fn line(&mut self, line: &str, end: usize, caps: Caps) {
        let before = self.outcome.seen.len();
        if line.is_empty() {
            self.dispatch();
        } else if let Some(comment) = line.strip_prefix(':') {
            self.outcome.seen.push(Seen::Comment(comment.to_owned()));
        } else if let Some((name, value)) = line.split_once(':') {
            self.field(name, value.strip_prefix(' ').unwrap_or(value), caps);
        } else {
            self.field(line, "", caps);
        }
        if self.outcome.seen.len() > before {
            self.outcome.ends.push(end);
        }
    }

    fn field(&mut self, name: &str, value: &str, caps: Caps) {
        match name {
            "event" | "id" if value.len() > caps.field => self.outcome.error = Some(Cap::Field),
            "event" => value.clone_into(&mut self.event_type),
            "data" if self.data.len() + value.len() > caps.event => {
                self.outcome.error = Some(Cap::Event);
            }
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
                self.has_data = true;
            }
            "id" if value.contains('\0') => self.outcome.seen.push(Seen::NulInId),
            "id" => {
                value.clone_into(&mut self.last_event_id_buffer);
                self.has_id = true;
            }
            "retry" => self.outcome.seen.push(reconnection_time(value)),
            _ => self.outcome.seen.push(Seen::UnknownField(name.to_owned())),
        }
    }

    fn dispatch(&mut self) {
        self.outcome
            .last_event_id
            .clone_from(&self.last_event_id_buffer);
        if !self.data.is_empty() {
            let mut data = self.data.clone();
            assert_eq!(data.pop(), Some('\n'));
            self.outcome.seen.push(Seen::Event {
                event_type: if self.event_type.is_empty() {
                    "message".to_owned()
                } else {
                    self.event_type.clone()
                },
                data,
                last_event_id: self.outcome.last_event_id.clone(),
                has_id: self.has_id,
            });
        } else if self.has_id || !self.event_type.is_empty() {
            let event_type = if self.event_type.is_empty() {
                "message"
            } else {
                &self.event_type
            };
            self.outcome.seen.push(Seen::NoData {
                event_type: event_type.to_owned(),
                has_id: self.has_id,
                last_event_id: self.outcome.last_event_id.clone(),
            });
        }
        self.data.clear();
        self.event_type.clear();
        self.has_data = false;
        self.has_id = false;
    }

    fn end(mut self, line: usize) -> Outcome {
        let pending = line > 0 || self.has_data || self.has_id || !self.event_type.is_empty();
        self.outcome.cut_off = pending.then_some(CutOff {
            line,
            data: self.data.len().saturating_sub(1),
            has_data: self.has_data,
        });
        self.outcome
    }
}

fn reconnection_time(value: &str) -> Seen {
    if value.is_empty() || !value.chars().all(|digit| digit.is_ascii_digit()) {
        return Seen::InvalidRetry(value.to_owned());
    }
    // All digits, so the only possible failure is overflow.
    Seen::Retry(Duration::from_millis(value.parse().unwrap_or(u64::MAX)))
}
