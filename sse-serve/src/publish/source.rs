//! Where the data of events comes from, and when each is due.

use std::io::Read;
use std::time::Duration;

use anyhow::Context;
use thiserror::Error;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, BufReader};
use tokio::time::{Instant, sleep_until};

/// The most bytes of one event: what a hub takes at most, and one more.
const DATA_MAX: usize = (8 << 20) + 1;

/// Data, piece by piece.
pub(super) struct Source {
    input: Input,
    left: Option<u64>,
    repeats: bool,
    pace: Option<Pace>,
    /// Read, and waiting for its time.
    next: Option<String>,
}

enum Input {
    Lines(Lines),
    Repeat(String),
}

#[derive(Debug, Error)]
pub(super) enum BadLine {
    #[error("line {0} is not UTF-8; publish text")]
    NotText(u64),
    #[error("line {0} is over 8 MiB; publish less at once")]
    TooLong(u64),
    #[error("cannot read line {0}: {1}")]
    Unreadable(u64, std::io::Error),
}

impl Source {
    /// The lines of stdin (`-`), of `@FILE`, or of the text itself.
    pub(super) async fn lines(
        data: &str,
        count: Option<u64>,
        rate: Option<f64>,
    ) -> anyhow::Result<Self> {
        let input: Box<dyn AsyncBufRead + Send + Unpin> = if data == "-" {
            Box::new(BufReader::new(tokio::io::stdin()))
        } else if let Some(path) = data.strip_prefix('@') {
            let file = tokio::fs::File::open(path).await;
            let file = file.with_context(|| format!("cannot read the data from {path}"))?;
            Box::new(BufReader::new(file))
        } else {
            Box::new(std::io::Cursor::new(data.to_owned()))
        };
        Ok(Self::new(Input::Lines(Lines::new(input)), count, rate))
    }

    /// The same again and again; without `count` it does not end.
    pub(super) fn repeat(data: String, count: Option<u64>, rate: Option<f64>) -> Self {
        Self::new(Input::Repeat(data), count, rate)
    }

    fn new(input: Input, left: Option<u64>, rate: Option<f64>) -> Self {
        Self {
            input,
            left,
            repeats: left != Some(1),
            pace: rate.map(Pace::new),
            next: None,
        }
    }

    /// What its pieces are called with a number; `None` if there is only one.
    pub(super) fn noun(&self) -> Option<&'static str> {
        match self.input {
            Input::Lines(_) => Some("line"),
            Input::Repeat(_) => self.repeats.then_some("event"),
        }
    }

    /// Whether nothing but the user ends it.
    pub(super) fn is_endless(&self) -> bool {
        matches!(self.input, Input::Repeat(_)) && self.left.is_none()
    }

    /// The next piece once it is due; `None` at the end. Nothing is lost if this
    /// is dropped while it waits.
    pub(super) async fn next(&mut self) -> Result<Option<String>, BadLine> {
        if self.left == Some(0) {
            return Ok(None);
        }
        if self.next.is_none() {
            self.next = match &mut self.input {
                Input::Repeat(data) => Some(data.clone()),
                Input::Lines(lines) => {
                    let asked = Instant::now();
                    let line = lines.next().await?;
                    if let Some(pace) = &mut self.pace {
                        pace.waited(asked, Instant::now());
                    }
                    line
                }
            };
        }
        if self.next.is_some()
            && let Some(pace) = &mut self.pace
        {
            sleep_until(pace.due()).await;
            pace.given += 1;
        }
        if let Some(left) = &mut self.left {
            *left -= 1;
        }
        Ok(self.next.take())
    }
}

/// When each piece is due: the first at once, and no drift after it.
struct Pace {
    per_second: f64,
    start: Instant,
    given: u64,
}

impl Pace {
    fn new(per_second: f64) -> Self {
        Self {
            per_second,
            start: Instant::now(),
            given: 0,
        }
    }

    fn due(&self) -> Instant {
        let after = Duration::try_from_secs_f64(self.given as f64 / self.per_second);
        self.start + after.unwrap_or(Duration::MAX / 2)
    }

    /// What the input lets wait for is not made up for, as what a hub lets wait
    /// for is.
    fn waited(&mut self, asked: Instant, came: Instant) {
        let due = self.due();
        if asked <= due && came > due {
            self.start = came;
            self.given = 0;
        }
    }
}

/// Lines, ended by LF or CRLF, the last one perhaps by nothing.
struct Lines {
    input: Box<dyn AsyncBufRead + Send + Unpin>,
    line: Vec<u8>,
    /// That of the line that is being read, from 1.
    number: u64,
}

impl Lines {
    fn new(input: Box<dyn AsyncBufRead + Send + Unpin>) -> Self {
        Self {
            input,
            line: Vec::new(),
            number: 1,
        }
    }

    async fn next(&mut self) -> Result<Option<String>, BadLine> {
        loop {
            let buffer = self.input.fill_buf().await;
            let buffer = buffer.map_err(|error| BadLine::Unreadable(self.number, error))?;
            if buffer.is_empty() {
                let is_end = self.line.is_empty();
                return if is_end { Ok(None) } else { self.finish() };
            }
            let end = buffer.iter().position(|&byte| byte == b'\n');
            let length = end.unwrap_or(buffer.len());
            self.line.extend_from_slice(&buffer[..length]);
            self.input.consume(end.map_or(length, |end| end + 1));
            if self.line.len() > DATA_MAX {
                return Err(BadLine::TooLong(self.number));
            }
            if end.is_some() {
                return self.finish();
            }
        }
    }

    fn finish(&mut self) -> Result<Option<String>, BadLine> {
        let mut line = std::mem::take(&mut self.line);
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        let line = String::from_utf8(line).map_err(|_| BadLine::NotText(self.number))?;
        self.number += 1;
        Ok(Some(line))
    }
}

/// All of stdin (`-`) or of `@FILE` without its last line end, or the text itself.
pub(super) fn read(data: &str) -> anyhow::Result<String> {
    let mut text = String::new();
    if data == "-" {
        std::io::stdin()
            .take(DATA_MAX as u64)
            .read_to_string(&mut text)
            .context("cannot read the data from stdin")?;
    } else if let Some(path) = data.strip_prefix('@') {
        std::fs::File::open(path)
            .and_then(|file| file.take(DATA_MAX as u64).read_to_string(&mut text))
            .with_context(|| format!("cannot read the data from {path}"))?;
    } else {
        return Ok(data.to_owned());
    }
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn all(input: &'static [u8]) -> Result<Vec<String>, BadLine> {
        let mut lines = Lines::new(Box::new(input));
        let mut found = Vec::new();
        while let Some(line) = lines.next().await? {
            found.push(line);
        }
        Ok(found)
    }

    #[tokio::test]
    async fn a_line_ends_with_lf_or_crlf_and_the_last_one_with_the_input() {
        assert_eq!(all(b"a\nb\r\n\nc").await.unwrap(), ["a", "b", "", "c"]);
        assert_eq!(all(b"a\n").await.unwrap(), ["a"]);
        assert!(all(b"").await.unwrap().is_empty());
        let refused = all(b"a\n\xff\n").await.unwrap_err();
        assert!(matches!(refused, BadLine::NotText(2)));
    }

    #[test]
    fn what_a_hub_delays_is_made_up_for_and_what_the_input_delays_is_not() {
        let second = Duration::from_secs(1);
        let mut pace = Pace::new(10.0);
        let start = pace.start;
        pace.given = 5;
        // Asked for too late, because the hub took a second.
        pace.waited(start + second, start + second);
        assert_eq!(pace.due(), start + second / 2);
        // Asked for in time, and come late.
        pace.waited(start, start + second);
        assert_eq!(pace.due(), start + second);
    }
}
