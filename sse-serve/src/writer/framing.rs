//! How a stream stands in the body of a response.

use bytes::{BufMut, Bytes, BytesMut};

use crate::hub::{Delivery, Portion, Wire};

/// Blocks up to here are copied into one piece with their frame: cheaper than to
/// hand the system three.
const COPIED_MAX: usize = 64 << 10;

const CRLF: Bytes = Bytes::from_static(b"\r\n");

/// The message body of RFC 9112 §6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Of chunks (§7.1).
    Chunked,
    /// Up to the close of the connection, for HTTP/1.0 (§6.3).
    Close,
}

impl Framing {
    /// What is to be written, in pieces; a portion's are made once for all who
    /// write it.
    pub(super) fn put(self, delivery: &Delivery, out: &mut Vec<Bytes>) {
        let mut put = |wire: &Wire| out.extend(wire.iter().filter(|p| !p.is_empty()).cloned());
        put(&self.frame(&delivery.before));
        if let Some(portion) = &delivery.portion {
            put(&self.of_portion(portion));
        }
        put(&self.frame(&delivery.after));
    }

    pub(super) fn of_portion(self, portion: &Portion) -> Wire {
        match self {
            Self::Chunked => portion.wire(chunk).clone(),
            Self::Close => self.frame(portion.blocks()),
        }
    }

    /// What ends the body.
    pub(super) fn end(self) -> Bytes {
        match self {
            Self::Chunked => Bytes::from_static(b"0\r\n\r\n"),
            Self::Close => Bytes::new(),
        }
    }

    fn frame(self, blocks: &Bytes) -> Wire {
        match self {
            Self::Chunked => chunk(blocks),
            Self::Close => [blocks.clone(), Bytes::new(), Bytes::new()],
        }
    }
}

/// A chunk of RFC 9112 §7.1; nothing at all for no blocks, as an empty chunk is
/// the last.
fn chunk(blocks: &Bytes) -> Wire {
    if blocks.is_empty() {
        return Wire::default();
    }
    let size = format!("{:x}\r\n", blocks.len());
    if blocks.len() > COPIED_MAX {
        return [size.into(), blocks.clone(), CRLF];
    }
    let mut framed = BytesMut::with_capacity(size.len() + blocks.len() + CRLF.len());
    framed.put_slice(size.as_bytes());
    framed.put_slice(blocks);
    framed.put_slice(&CRLF);
    [framed.freeze(), Bytes::new(), Bytes::new()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_is_the_same_in_one_piece_and_in_three() {
        for (length, size) in [
            (1, "1"),
            (15, "f"),
            (COPIED_MAX, "10000"),
            (COPIED_MAX + 1, "10001"),
        ] {
            let blocks = Bytes::from(vec![b'x'; length]);
            let expected = [size.as_bytes(), b"\r\n", &blocks, b"\r\n"].concat();
            assert_eq!(chunk(&blocks).concat(), expected);
        }
        assert_eq!(chunk(&Bytes::new()).concat(), b"");
    }
}
