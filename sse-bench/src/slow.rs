//! Connections that read slowly: `--slow 5%:1KB/s`.
//!
//! A server feels a slow reader once what lies between the two is full: its own
//! send buffer and this side's receive buffer. The first is the server's affair
//! (Linux lets it grow to megabytes); the second is made small here, before the
//! connection is opened.

use std::fmt;
use std::pin::Pin;
use std::str::FromStr;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::time::Sleep;

use crate::units::parse_size;

/// The receive buffer that a slow connection asks the system for, in bytes;
/// Linux takes twice as much.
pub const RECEIVE_BUFFER: u32 = 4096;
/// The most cohorts of one run.
const MOST: usize = 8;
/// Reads a second, at least, where the rate allows.
const READS_PER_SECOND: usize = 10;

/// A share of the connections that reads slowly.
#[derive(Debug, Clone, PartialEq)]
pub struct Slow {
    text: String,
    share: Share,
    /// Bytes a second.
    rate: usize,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Share {
    Percent(f64),
    Connections(u32),
}

impl FromStr for Slow {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once(':').and_then(|(share, rate)| {
            let share = match share.trim().strip_suffix('%') {
                Some(percent) => percent
                    .trim()
                    .parse()
                    .ok()
                    .filter(|percent| *percent > 0.0 && *percent <= 100.0)
                    .map(Share::Percent),
                None => {
                    let connections = share.trim().parse().ok();
                    connections
                        .filter(|connections| *connections > 0)
                        .map(Share::Connections)
                }
            }?;
            let rate = parse_size(rate.trim().strip_suffix("/s")?).ok()?;
            Some((share, rate))
        });
        let (share, rate) = parsed.ok_or_else(|| {
            "slow readers are a share or a number of the connections and what each reads in a \
             second, such as 5%:1KB/s or 20:512B/s"
                .to_owned()
        })?;
        let text = text.to_owned();
        Ok(Self { text, share, rate })
    }
}

impl fmt::Display for Slow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Slow {
    /// Bytes that each connection reads in a second.
    pub fn rate(&self) -> usize {
        self.rate
    }

    fn connections(&self, of: u32) -> u32 {
        match self.share {
            // A share of a few is still one.
            Share::Percent(percent) => ((f64::from(of) * percent / 100.0).round() as u32).max(1),
            Share::Connections(number) => number,
        }
    }
}

/// Which cohort each slot belongs to: 0 reads as fast as it can, 1 is the first
/// of the slow ones.
#[derive(Debug, Clone, Default)]
pub struct Cohorts {
    slow: Vec<Slow>,
    /// By slot; empty where all read as fast as they can.
    of: Box<[u8]>,
}

impl Cohorts {
    /// Deals the slow ones out at random, so that they are on all threads and
    /// open at all times.
    pub fn new(slow: Vec<Slow>, connections: u32, seed: u64) -> Result<Self> {
        if slow.is_empty() {
            return Ok(Self::default());
        }
        ensure!(
            slow.len() <= MOST,
            "--slow may be given {MOST} times at most"
        );
        let mut of = vec![0; connections as usize];
        let mut next = 0;
        for (cohort, slow) in (1_u8..).zip(&slow) {
            let end = next + slow.connections(connections) as usize;
            ensure!(
                end < of.len(),
                "of {connections} connections --slow leaves none that reads as fast as it can: \
                 use a larger -c or a smaller share"
            );
            of[next..end].fill(cohort);
            next = end;
        }
        fastrand::Rng::with_seed(seed).shuffle(&mut of);
        let of = of.into();
        Ok(Self { slow, of })
    }

    /// The cohort of a slot.
    pub fn of(&self, slot: u32) -> usize {
        self.of.get(slot as usize).copied().unwrap_or(0).into()
    }

    /// How many slots are in a cohort.
    pub fn size(&self, cohort: usize) -> u64 {
        let members = self.of.iter().filter(|&&of| usize::from(of) == cohort);
        members.count() as u64
    }

    /// The slow ones, the first of which is cohort 1.
    pub fn slow(&self) -> &[Slow] {
        &self.slow
    }

    /// How a slot is to read.
    pub fn pace(&self, slot: u32) -> Option<Pace> {
        let slow = self.slow.get(self.of(slot).checked_sub(1)?)?;
        Some(Pace::new(slow.rate))
    }
}

/// Holds reads back, so that so many bytes a second are read.
#[derive(Debug)]
pub struct Pace {
    rate: usize,
    next: Instant,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Pace {
    /// Of this many bytes a second.
    pub fn new(rate: usize) -> Self {
        Self {
            rate,
            next: Instant::now(),
            sleep: None,
        }
    }

    /// Waits for the next read: how many bytes it may take.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<usize> {
        if Instant::now() < self.next {
            let next = self.next;
            let sleep = || Box::pin(tokio::time::sleep_until(next.into()));
            ready!(self.sleep.get_or_insert_with(sleep).as_mut().poll(cx));
        }
        self.sleep = None;
        Poll::Ready((self.rate / READS_PER_SECOND).max(1))
    }

    /// So many bytes were read.
    pub fn took(&mut self, bytes: usize) {
        let time = Duration::from_secs_f64(bytes as f64 / self.rate as f64);
        self.next = self.next.max(Instant::now()) + time;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slow(text: &str) -> Slow {
        text.parse().unwrap()
    }

    #[test]
    fn a_share_or_a_number_and_a_rate() {
        let five = slow("5%:1KB/s");
        assert_eq!((five.connections(2000), five.rate()), (100, 1000));
        assert_eq!(five.connections(3), 1, "a share of a few is still one");
        let some = slow("20:2KiB/s");
        assert_eq!((some.connections(2000), some.rate()), (20, 2048));
        assert_eq!(slow("0.5%:64B/s").connections(2000), 10);
        for bad in [
            "",
            "5%",
            "5%:1KB",
            "0%:1KB/s",
            "101%:1KB/s",
            "x:1KB/s",
            "5%:0/s",
            "0:1B/s",
        ] {
            let refused = bad.parse::<Slow>().unwrap_err();
            assert!(refused.contains("5%:1KB/s"), "{bad}: {refused}");
        }
    }

    #[test]
    fn each_slot_is_in_one_cohort_and_some_are_left_that_are_fast() {
        let given = vec![slow("10%:1KB/s"), slow("5:1B/s")];
        let cohorts = Cohorts::new(given.clone(), 100, 7).unwrap();
        assert_eq!([0, 1, 2].map(|cohort| cohorts.size(cohort)), [85, 10, 5]);
        let dealt = (0..100).filter(|slot| cohorts.of(*slot) == 2).count();
        assert_eq!(dealt, 5);
        assert!(
            (0..15).any(|slot| cohorts.of(slot) == 0),
            "not the first ones alone"
        );
        let refused = Cohorts::new(given, 6, 7).unwrap_err().to_string();
        assert!(refused.contains("larger -c"), "{refused}");
        let none = Cohorts::default();
        assert_eq!((none.of(3), none.pace(3).is_none()), (0, true));
    }

    #[tokio::test]
    async fn what_was_read_is_paid_for_in_time() {
        let mut pace = Pace::new(1000);
        let ready = std::future::poll_fn(|cx| Poll::Ready(pace.poll(cx))).await;
        assert_eq!(ready, Poll::Ready(100), "the first read waits for nothing");
        pace.took(5000);
        let waits = std::future::poll_fn(|cx| Poll::Ready(pace.poll(cx))).await;
        assert!(waits.is_pending());
        let left = pace.next.saturating_duration_since(Instant::now());
        assert!(left > Duration::from_secs(4), "{left:?}");
    }
}
