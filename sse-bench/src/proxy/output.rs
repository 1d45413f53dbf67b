//! The body on its way to the client: held, compressed, framed, split, paced.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, sleep, sleep_until};

/// Pieces that a second's worth of bandwidth is sent in.
const PIECES_PER_SECOND: u64 = 20;

/// How the end of a body is told (RFC 9112 §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    Chunked,
    /// By a length in the head, or by the end of the connection.
    Plain,
    /// The answer to HEAD, 204, 304: there is none.
    None,
}

/// How the socket is written to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Pace {
    /// The most bytes of one chunk and one write, and the pause after each.
    pub(super) split: Option<(usize, Duration)>,
    pub(super) bytes_per_second: Option<u64>,
}

/// The client's end of a response.
#[derive(Debug)]
pub(super) struct Output<'a, W> {
    writer: W,
    framing: Framing,
    /// Framed bytes that the socket has not taken: writes may be broken off at
    /// any await and gone on with.
    wire: BytesMut,
    gzip: Option<Gzip>,
    /// When the bandwidth allows the next piece.
    free_at: Instant,
    /// Counts the bytes of the body that the socket has taken or is about to.
    sent: &'a AtomicU64,
}

#[derive(Debug)]
struct Gzip {
    encoder: GzEncoder<Vec<u8>>,
    flush: bool,
}

impl<'a, W: AsyncWrite + Unpin> Output<'a, W> {
    pub(super) fn new(writer: W, sent: &'a AtomicU64) -> Self {
        Self {
            writer,
            framing: Framing::None,
            wire: BytesMut::new(),
            gzip: None,
            free_at: Instant::now(),
            sent,
        }
    }

    /// Sends the head; the body follows as `framing` says.
    pub(super) async fn head(&mut self, head: &[u8], framing: Framing) -> io::Result<()> {
        self.framing = framing;
        self.wire.extend_from_slice(head);
        self.drain().await
    }

    /// Compresses what follows. With `flush` a reader can decode at once what
    /// was sent; without, when the encoder's block is full.
    pub(super) fn compress(&mut self, flush: bool) {
        let encoder = GzEncoder::new(Vec::new(), Compression::default());
        self.gzip = Some(Gzip { encoder, flush });
    }

    /// Sends bytes of the body.
    pub(super) async fn send(&mut self, bytes: &[u8], pace: Pace) -> io::Result<()> {
        let Some(gzip) = &mut self.gzip else {
            return self.frame(bytes, pace).await;
        };
        gzip.encoder.write_all(bytes)?;
        if gzip.flush {
            gzip.encoder.flush()?;
        }
        let compressed = std::mem::take(gzip.encoder.get_mut());
        self.frame(&compressed, pace).await
    }

    /// Ends the body.
    pub(super) async fn finish(&mut self) -> io::Result<()> {
        if let Some(gzip) = self.gzip.take() {
            let rest = gzip.encoder.finish()?;
            self.frame(&rest, Pace::default()).await?;
        }
        if self.framing == Framing::Chunked {
            self.wire.extend_from_slice(b"0\r\n\r\n");
        }
        self.drain().await
    }

    async fn frame(&mut self, bytes: &[u8], pace: Pace) -> io::Result<()> {
        if self.framing == Framing::None {
            return Ok(());
        }
        let paced = pace.bytes_per_second.map_or(usize::MAX, |rate| {
            (rate / PIECES_PER_SECOND).max(1) as usize
        });
        let split = pace.split.map_or(usize::MAX, |(bytes, _)| bytes);
        for piece in bytes.chunks(paced.min(split)) {
            if pace.bytes_per_second.is_some() {
                sleep_until(self.free_at).await;
            }
            self.sent.fetch_add(piece.len() as u64, Ordering::Relaxed);
            if self.framing == Framing::Chunked {
                let size = format!("{:x}\r\n", piece.len());
                self.wire.extend_from_slice(size.as_bytes());
                self.wire.extend_from_slice(piece);
                self.wire.extend_from_slice(b"\r\n");
            } else {
                self.wire.extend_from_slice(piece);
            }
            self.drain().await?;
            if let Some(rate) = pace.bytes_per_second {
                let took = Duration::from_secs_f64(piece.len() as f64 / rate as f64);
                self.free_at = self.free_at.max(Instant::now()) + took;
            }
            match pace.split {
                Some((_, pause)) if !pause.is_zero() => sleep(pause).await,
                _ => {}
            }
        }
        Ok(())
    }

    async fn drain(&mut self) -> io::Result<()> {
        while self.wire.has_remaining() {
            self.writer.write_buf(&mut self.wire).await?;
        }
        self.writer.flush().await
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    async fn written(pace: Pace, compress: Option<bool>) -> (Vec<u8>, u64) {
        let mut wire = Vec::new();
        let counter = AtomicU64::new(0);
        let mut output = Output::new(&mut wire, &counter);
        output.head(b"HEAD", Framing::Chunked).await.unwrap();
        if let Some(flush) = compress {
            output.compress(flush);
        }
        output.send(b"abc", pace).await.unwrap();
        let sent = counter.load(Ordering::Relaxed);
        output.finish().await.unwrap();
        (wire, sent)
    }

    #[tokio::test]
    async fn each_piece_is_a_chunk_of_its_own() {
        let (wire, _) = written(Pace::default(), None).await;
        assert_eq!(wire, b"HEAD3\r\nabc\r\n0\r\n\r\n");
        let split = Some((2, Duration::ZERO));
        let pace = Pace {
            split,
            ..Pace::default()
        };
        let (wire, _) = written(pace, None).await;
        assert_eq!(wire, b"HEAD2\r\nab\r\n1\r\nc\r\n0\r\n\r\n");
    }

    #[tokio::test]
    async fn only_a_flush_lets_compressed_bytes_out() {
        let (_, at_once) = written(Pace::default(), Some(true)).await;
        let (_, held) = written(Pace::default(), Some(false)).await;
        // The header of gzip is written by the first byte of the body.
        assert!(at_once > 10 && held <= 10, "{at_once} {held}");

        let counter = AtomicU64::new(0);
        let mut body = Vec::new();
        let mut output = Output::new(&mut body, &counter);
        output.head(b"", Framing::Plain).await.unwrap();
        output.compress(false);
        output.send(b"abc", Pace::default()).await.unwrap();
        output.finish().await.unwrap();
        let mut text = String::new();
        flate2::read::GzDecoder::new(body.as_slice())
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, "abc");
    }
}
