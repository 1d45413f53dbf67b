//! Where a response body ends (RFC 9112 §6), byte by byte.

use thiserror::Error;

/// A chunk size line or trailer section longer than this is refused. Bytes.
const LONGEST_OVERHEAD: u32 = 16 << 10;

/// The framing of a body, and the place in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body(Framing);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Framing {
    Chunked(Chunked, u32),
    Length(u64),
    UntilClose,
    Ended,
}

/// What a decoder of the chunked coding (RFC 9112 §7.1) expects next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chunked {
    Size { digits: u8, size: u64 },
    Extension { size: u64 },
    Data { left: u64 },
    DataEnd,
    TrailerStart,
    Trailer,
    LastLineFeed,
}

/// What the front of the input is.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Bytes of the body.
    Data(&'a [u8]),
    /// The input is used up.
    NeedMore,
    /// The body has ended.
    End,
}

/// Why a body cannot be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BodyError {
    /// A chunk size that is no hexadecimal number, or beyond 64 bits.
    #[error("the chunked coding is broken: {0:?} where a chunk size should stand")]
    ChunkSize(char),
    /// A chunk that is longer than its size said.
    #[error("the chunked coding is broken: {0:?} where a chunk should end")]
    ChunkEnd(char),
    /// Chunk extensions or trailers without end.
    #[error("a chunk size line or trailer section is longer than {LONGEST_OVERHEAD} bytes")]
    TooLong,
}

impl Body {
    /// A body in the chunked coding.
    pub const fn chunked() -> Self {
        let size = Chunked::Size { digits: 0, size: 0 };
        Self(Framing::Chunked(size, 0))
    }

    /// A body of `Content-Length` bytes.
    pub const fn length(bytes: u64) -> Self {
        Self(Framing::Length(bytes))
    }

    /// A body that ends with the connection.
    pub const fn until_close() -> Self {
        Self(Framing::UntilClose)
    }

    /// Takes the next piece off the front of `input`.
    pub fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<Piece<'a>, BodyError> {
        match &mut self.0 {
            Framing::Ended => Ok(Piece::End),
            Framing::Length(0) => {
                self.0 = Framing::Ended;
                Ok(Piece::End)
            }
            Framing::Length(left) => Ok(take(input, left)),
            Framing::UntilClose => Ok(take(input, &mut u64::MAX.clone())),
            Framing::Chunked(Chunked::Data { left }, _) if *left > 0 => Ok(take(input, left)),
            Framing::Chunked(state, overhead) => {
                while let Some((&byte, rest)) = input.split_first() {
                    *input = rest;
                    *overhead += 1;
                    if *overhead > LONGEST_OVERHEAD {
                        return Err(BodyError::TooLong);
                    }
                    let Some(next) = state.step(byte)? else {
                        self.0 = Framing::Ended;
                        return Ok(Piece::End);
                    };
                    *state = next;
                    if let Chunked::Data { left } = state {
                        *overhead = 0;
                        return Ok(take(input, left));
                    }
                }
                Ok(Piece::NeedMore)
            }
        }
    }

    /// Whether all of the body was read, and the connection goes on after it.
    pub const fn has_ended(&self) -> bool {
        matches!(self.0, Framing::Ended | Framing::Length(0))
    }

    /// Whether the body is whole if the connection closes here.
    pub const fn may_end_here(&self) -> bool {
        matches!(
            self.0,
            Framing::UntilClose | Framing::Ended | Framing::Length(0)
        )
    }
}

fn take<'a>(input: &mut &'a [u8], left: &mut u64) -> Piece<'a> {
    if input.is_empty() {
        return Piece::NeedMore;
    }
    let length = usize::try_from(*left).map_or(input.len(), |left| left.min(input.len()));
    let (data, rest) = input.split_at(length);
    *input = rest;
    *left -= length as u64;
    Piece::Data(data)
}

impl Chunked {
    /// What to expect after `byte`; `None` after the last one. A bare LF is
    /// taken for CRLF, as RFC 9112 §2.2 allows.
    fn step(self, byte: u8) -> Result<Option<Self>, BodyError> {
        Ok(Some(match (self, byte) {
            (Self::Size { digits, size }, _) if byte.is_ascii_hexdigit() => {
                if size >> 60 != 0 {
                    return Err(BodyError::ChunkSize(char::from(byte)));
                }
                let digit = char::from(byte).to_digit(16).unwrap_or_default();
                Self::Size {
                    digits: digits.saturating_add(1),
                    size: size << 4 | u64::from(digit),
                }
            }
            (Self::Size { digits: 1.., size } | Self::Extension { size }, b'\n') => match size {
                0 => Self::TrailerStart,
                left => Self::Data { left },
            },
            (Self::Size { digits: 1.., size }, b'\r' | b';' | b' ' | b'\t')
            | (Self::Extension { size }, _) => Self::Extension { size },
            (Self::Size { .. }, _) => return Err(BodyError::ChunkSize(char::from(byte))),
            (Self::Data { .. }, b'\r') => Self::DataEnd,
            (Self::Data { .. } | Self::DataEnd, b'\n') => Self::Size { digits: 0, size: 0 },
            (Self::Data { .. } | Self::DataEnd, _) => {
                return Err(BodyError::ChunkEnd(char::from(byte)));
            }
            (Self::TrailerStart, b'\r') => Self::LastLineFeed,
            (Self::TrailerStart | Self::LastLineFeed, b'\n') => return Ok(None),
            (Self::Trailer, b'\n') => Self::TrailerStart,
            (Self::TrailerStart | Self::Trailer | Self::LastLineFeed, _) => Self::Trailer,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds the wire in pieces; the body, whether it ended, and what was left over.
    fn read(mut body: Body, pieces: &[&[u8]]) -> Result<(Vec<u8>, bool, usize), BodyError> {
        let mut data = Vec::new();
        for mut piece in pieces.iter().copied() {
            loop {
                match body.next(&mut piece)? {
                    Piece::Data(bytes) => data.extend_from_slice(bytes),
                    Piece::NeedMore => break,
                    Piece::End => return Ok((data, true, piece.len())),
                }
            }
        }
        Ok((data, body.may_end_here(), 0))
    }

    #[test]
    fn chunks_split_at_every_byte_pair_read_the_same() {
        let wire = b"5\r\ndata:\r\n00C;ext=\"a b\"\r\n hello\n\ndata\r\n1 \r\n:\r\n0\r\nX-T: 1\r\n\r\nREST";
        let expected = Ok((b"data: hello\n\ndata:".to_vec(), true));
        for first in 0..wire.len() {
            for second in first..wire.len() {
                let pieces = [&wire[..first], &wire[first..second], &wire[second..]];
                let read = read(Body::chunked(), &pieces).map(|(data, end, _)| (data, end));
                assert_eq!(read, expected, "split at {first} and {second}");
            }
        }
        assert_eq!(read(Body::chunked(), &[wire]).unwrap().2, 4);
    }

    #[test]
    fn a_chunked_body_without_its_last_chunk_is_cut() {
        for wire in [
            "",
            "5",
            "5\r\nab",
            "2\r\nab",
            "2\r\nab\r\n",
            "0\r\n",
            "0\r\n\r",
        ] {
            let (_, whole, _) = read(Body::chunked(), &[wire.as_bytes()]).unwrap();
            assert!(!whole, "{wire:?}");
        }
    }

    #[test]
    fn broken_chunks_are_errors() {
        for (wire, error) in [
            ("x\r\n", BodyError::ChunkSize('x')),
            ("\r\n", BodyError::ChunkSize('\r')),
            ("-1\r\n", BodyError::ChunkSize('-')),
            ("11111111111111111\r\n", BodyError::ChunkSize('1')),
            ("2\r\nabc", BodyError::ChunkEnd('c')),
        ] {
            assert_eq!(
                read(Body::chunked(), &[wire.as_bytes()]),
                Err(error),
                "{wire:?}"
            );
        }
        let endless = format!("1;{}", "x".repeat(LONGEST_OVERHEAD as usize));
        assert_eq!(
            read(Body::chunked(), &[endless.as_bytes()]),
            Err(BodyError::TooLong)
        );
    }

    #[test]
    fn a_content_length_ends_the_body_and_leaves_the_rest() {
        let whole = read(Body::length(4), &[b"ab", b"cdef"]).unwrap();
        assert_eq!(whole, (b"abcd".to_vec(), true, 2));
        assert!(!read(Body::length(4), &[b"abc"]).unwrap().1);
        assert_eq!(read(Body::length(0), &[b""]).unwrap(), (vec![], true, 0));
    }

    #[test]
    fn a_close_delimited_body_is_all_there_is() {
        let read = read(Body::until_close(), &[b"ab", b"", b"c"]).unwrap();
        assert_eq!(read, (b"abc".to_vec(), true, 0));
    }
}
