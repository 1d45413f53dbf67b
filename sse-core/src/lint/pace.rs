//! The rhythm of a stream: silence, and what comes in clumps.

use std::time::Duration;

use super::report::{Report, words};
use super::{LintKind, Moment, Severity, Sighting};

/// Silence from which on some proxies close.
const SILENCE: Duration = Duration::from_secs(30);
/// And from which on most do.
const LONG_SILENCE: Duration = Duration::from_secs(50);
/// After how many seconds without a byte they close by default, as they document it.
/// Google Cloud's load balancers are none of them: theirs limits the whole answer.
const TIMEOUTS: [(u64, &str); 6] = [
    (30, "Gcore's CDN servers"),
    (55, "Heroku's routers"),
    (60, "nginx and AWS application load balancers"),
    (120, "Cloudflare's servers"),
    (240, "Azure load balancers"),
    (350, "AWS network load balancers"),
];

/// Reads closer than this are one clump.
const PAUSE: Duration = Duration::from_millis(500);
/// A pause before a clump is measured by the reader's clock, its stamps by another.
const SLACK: Duration = Duration::from_secs(1);
/// Events of a clump whose stamps are looked at.
const STAMPED: u32 = 64;
/// So many of them prove something.
const LEAST: u32 = 3;
/// So many clumps are no accident.
const CLUMPS: u32 = 3;
/// Without stamps it takes more.
const REGULAR: u32 = 5;

/// A head later than this waits for something.
const LATE: Duration = Duration::from_secs(3);
/// Bytes that come so soon after the head came with it.
const TOGETHER: Duration = Duration::from_millis(50);

/// Of one connection, but for what it takes to be sure.
#[derive(Debug, Default)]
pub(super) struct Pace {
    requested_at: Option<Duration>,
    /// How late the head was, until the first read.
    late: Option<(Moment, Duration)>,
    /// The last sign of life; none while there is no connection.
    last: Option<Moment>,
    /// This silence was seen, and so was a longer one.
    silent: bool,
    longest: Duration,
    mid_line: bool,
    clump: Option<Clump>,
    cut: u32,
    stamped: u32,
    regular: u32,
    rhythm: Duration,
}

/// Reads without a pause between them.
#[derive(Debug, Default)]
struct Clump {
    start: Moment,
    /// Before it; none for the first of a connection, which may be a replay.
    silence: Option<Duration>,
    events: u32,
    stamps: Stamps,
}

/// Times that events of a clump carry.
#[derive(Debug, Default)]
struct Stamps {
    distinct: u32,
    last: Option<Duration>,
    oldest: Duration,
    newest: Duration,
}

impl Pace {
    pub(super) fn request(&mut self, at: Duration) {
        self.requested_at = Some(at);
        self.last = None;
    }

    pub(super) fn open(&mut self, moment: Moment) {
        self.open_plain();
        let took = |at| moment.at.saturating_sub(at);
        let took = self.requested_at.take().map(took);
        self.late = took.filter(|took| *took >= LATE).map(|took| (moment, took));
        self.last = Some(moment);
    }

    pub(super) fn open_plain(&mut self) {
        self.last = None;
        self.late = None;
        self.silent = false;
        self.mid_line = false;
        self.clump = None;
    }

    pub(super) fn read(&mut self, moment: Moment, bytes: &[u8], report: &mut Report) {
        let (Some(before), Some(last)) = (self.last, bytes.last()) else {
            return;
        };
        self.time(moment, report);
        self.silent = false;
        if let Some((opened, took)) = self.late.take()
            && moment.at.saturating_sub(opened.at) <= TOGETHER
        {
            report.see(LintKind::LateHead, Severity::Note, || {
                format!("{} after the request", words(took))
            });
        }
        let pause = moment.at.saturating_sub(before.at);
        if self.clump.is_none() || pause >= PAUSE {
            let first = self.clump.is_none();
            self.finish(pause, report);
            self.clump = Some(Clump {
                start: moment,
                silence: (!first).then_some(pause),
                ..Clump::default()
            });
        }
        self.mid_line = !matches!(last, b'\r' | b'\n');
        self.last = Some(moment);
    }

    #[inline]
    pub(super) fn event(&mut self, data: &str) {
        let Some(clump) = &mut self.clump else {
            return;
        };
        clump.events = clump.events.saturating_add(1);
        if clump.silence.is_some()
            && clump.events <= STAMPED
            && let Some(stamp) = stamp(data, clump.start.at)
        {
            clump.stamps.add(stamp);
        }
    }

    pub(super) fn time(&mut self, now: Moment, report: &mut Report) {
        let Some(last) = self.last else {
            return;
        };
        let silence = now.at.saturating_sub(last.at);
        if silence < SILENCE {
            return;
        }
        let severity = if silence < LONG_SILENCE {
            Severity::Note
        } else {
            Severity::Warning
        };
        if !std::mem::replace(&mut self.silent, true) {
            let leg = report.leg;
            let sighting = Sighting { moment: last, leg };
            report.see_at(LintKind::NoHeartbeat, severity, sighting, String::new);
        }
        if silence.as_secs() > self.longest.as_secs() {
            self.longest = silence;
            report.worsen(LintKind::NoHeartbeat, severity, || {
                let closes = TIMEOUTS
                    .iter()
                    .rfind(|(seconds, _)| silence.as_secs() >= *seconds)
                    .map(|(seconds, who)| format!("; {who} close after {seconds} s"));
                format!(
                    "nothing came for {}{}",
                    words(silence),
                    closes.unwrap_or_default()
                )
            });
        }
    }

    pub(super) fn away(&mut self, now: Moment) {
        if let Some(last) = &mut self.last {
            last.at = now.at;
        }
        self.late = None;
        self.clump = None;
    }

    pub(super) fn end(&mut self, now: Moment, report: &mut Report) {
        self.time(now, report);
        self.last = None;
        self.clump = None;
        self.requested_at = None;
    }

    /// A pause follows a clump: what it shows.
    fn finish(&mut self, pause: Duration, report: &mut Report) {
        let Some(clump) = self.clump.take() else {
            return;
        };
        let Some(silence) = clump.silence else {
            return;
        };
        let (moment, leg) = (clump.start, report.leg);
        let sighting = Sighting { moment, leg };
        let events = clump.events;
        if self.mid_line && events > 0 {
            self.cut += 1;
            if self.cut >= CLUMPS {
                report.see_at(LintKind::Buffering, Severity::Warning, sighting, || {
                    format!(
                        "the stream stands still within a line, here for {} after {events} events, as when a buffer filled up",
                        words(pause)
                    )
                });
            }
        }
        let spread = clump.stamps.spread();
        if spread.is_some_and(|spread| (PAUSE..=silence + SLACK).contains(&spread)) {
            self.stamped += 1;
            if self.stamped >= CLUMPS {
                report.see_at(LintKind::Buffering, Severity::Warning, sighting, || {
                    format!(
                        "{events} events came at once after {} of silence; the times in their data are {} apart",
                        words(silence),
                        words(spread.unwrap_or_default())
                    )
                });
            }
        }
        self.count_regular(silence, events, spread);
        if self.regular >= REGULAR {
            let times = self.regular;
            report.see_at(LintKind::Buffering, Severity::Note, sighting, || {
                format!(
                    "{times} times in a row events came several at once, {events} the last time, after about {} of silence each; the publisher may send them so",
                    words(silence)
                )
            });
        }
    }

    /// Clumps of several events, after silences of one length.
    fn count_regular(&mut self, silence: Duration, events: u32, spread: Option<Duration>) {
        let published_so = spread.is_some_and(|spread| spread < PAUSE);
        if events < LEAST || published_so {
            self.regular = 0;
            return;
        }
        if self.rhythm.abs_diff(silence) <= self.rhythm / 5 {
            self.regular += 1;
        } else {
            self.regular = 1;
            self.rhythm = silence;
        }
    }
}

impl Stamps {
    fn add(&mut self, stamp: Duration) {
        if self.last.replace(stamp) == Some(stamp) {
            return;
        }
        if self.distinct == 0 {
            (self.oldest, self.newest) = (stamp, stamp);
        }
        self.distinct += 1;
        self.oldest = self.oldest.min(stamp);
        self.newest = self.newest.max(stamp);
    }

    /// Between the oldest and the newest, if there are enough to tell.
    fn spread(&self) -> Option<Duration> {
        (self.distinct >= LEAST).then(|| self.newest.saturating_sub(self.oldest))
    }
}

/// Bytes of data that are searched for a time.
const SEARCHED: usize = 512;
/// How far a sender's clock may be off.
const SKEW: Duration = Duration::from_secs(3600);

/// A time in the data: seconds, milliseconds, microseconds or nanoseconds since
/// the Unix epoch, near `now`; or the time of day of an RFC 3339 date.
fn stamp(data: &str, now: Duration) -> Option<Duration> {
    let bytes = &data.as_bytes()[..data.len().min(SEARCHED)];
    let mut at = 0;
    while at < bytes.len() {
        let digits = bytes[at..]
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count();
        let number = &bytes[at..at + digits];
        let found = match digits {
            10 => epoch(number, 1_000_000_000, now),
            13 => epoch(number, 1_000_000, now),
            16 => epoch(number, 1_000, now),
            19 => epoch(number, 1, now),
            4 => time_of_day(&bytes[at..]),
            _ => None,
        };
        if found.is_some() {
            return found;
        }
        at += digits.max(1);
    }
    None
}

fn epoch(digits: &[u8], nanos: u64, now: Duration) -> Option<Duration> {
    let time = Duration::from_nanos(decimal(digits)?.checked_mul(nanos)?);
    (time.abs_diff(now) <= SKEW).then_some(time)
}

/// `2026-03-14T15:09:26.535`
fn time_of_day(text: &[u8]) -> Option<Duration> {
    let pattern = b"dddd-dd-ddTdd:dd:dd";
    let date = text.get(..pattern.len())?;
    let fits = date.iter().zip(pattern).all(|(byte, wanted)| match wanted {
        b'd' => byte.is_ascii_digit(),
        b'T' => matches!(byte, b'T' | b't' | b' '),
        _ => byte == wanted,
    });
    if !fits {
        return None;
    }
    let part = |start: usize| decimal(&date[start..start + 2]);
    let seconds = part(11)? * 3600 + part(14)? * 60 + part(17)?;
    let mut nanos = 0;
    if let Some((b'.', fraction)) = text[pattern.len()..].split_first() {
        let digits = fraction.iter().take(9).take_while(|b| b.is_ascii_digit());
        let digits = digits.count();
        nanos = decimal(&fraction[..digits]).unwrap_or(0) * 10_u64.pow(9 - digits as u32);
    }
    Some(Duration::from_secs(seconds) + Duration::from_nanos(nanos))
}

fn decimal(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_in_data() {
        let now = Duration::from_millis(1_773_500_966_535);
        for (data, expected) in [
            ("{\"at\":1773500966535000000}", Some(now)),
            ("{\"seq\":7,\"ts\":1773500966535}", Some(now)),
            ("1773500966", Some(Duration::from_secs(1_773_500_966))),
            ("{\"id\":1234567890123}", None),
            ("17735009665350", None),
            ("99999999999999999999999", None),
            (
                "{\"t\":\"2026-03-14T00:01:02.5Z\"}",
                Some(Duration::from_millis(62_500)),
            ),
            ("2026-03-14T00:01:02", Some(Duration::from_secs(62))),
            ("2026-03-14T00:01:02.", Some(Duration::from_secs(62))),
            ("2026-03-14T00:0", None),
            ("", None),
        ] {
            assert_eq!(stamp(data, now), expected, "{data}");
        }
    }
}
