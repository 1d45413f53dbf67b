//! Where a recording is played, and how fast. Time is an argument.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

/// How fast.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Speed {
    /// So many seconds of the recording a second.
    Times(f64),
    /// As fast as it can be read.
    Max,
    /// Stands still until asked for the next record.
    Step,
}

/// What the keys go through.
const LADDER: [f64; 11] = [
    0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 1000.0,
];

impl Speed {
    fn faster(self) -> Self {
        match self {
            Self::Times(times) => LADDER
                .into_iter()
                .find(|step| *step > times * 1.001)
                .map_or(Self::Max, Self::Times),
            Self::Max => Self::Max,
            Self::Step => Self::Times(1.0),
        }
    }

    fn slower(self) -> Self {
        let times = match self {
            Self::Times(times) => times,
            Self::Max => f64::INFINITY,
            Self::Step => return Self::Step,
        };
        let slower = LADDER.into_iter().rev().find(|step| *step < times * 0.999);
        Self::Times(slower.unwrap_or(LADDER[0]))
    }
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "max" => return Ok(Self::Max),
            "step" => return Ok(Self::Step),
            _ => {}
        }
        match text.strip_suffix('x').unwrap_or(text).parse() {
            Ok(times) if (0.001..=1e6).contains(&times) => Ok(Self::Times(times)),
            _ => Err("a speed is written as 1, 10, 0.5, max or step".to_owned()),
        }
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Times(times) => write!(f, "{times}x"),
            Self::Max => f.write_str("max"),
            Self::Step => f.write_str("step"),
        }
    }
}

/// When a record is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// It is.
    Now,
    /// After this time, unless something changes.
    In(Duration),
    /// Not before something changes.
    WhenAsked,
}

/// A place in a recording that moves.
#[derive(Debug, Clone)]
pub struct Playhead {
    speed: Speed,
    paused: bool,
    /// Records to be played while it stands still.
    steps: u32,
    /// Where it was at the anchor.
    time: Timestamp,
    anchor: Instant,
    /// The record to be played next: the place does not run ahead of it.
    next: Option<Timestamp>,
    ended: bool,
}

impl Playhead {
    /// At the start.
    pub fn new(start: Timestamp, speed: Speed, now: Instant) -> Self {
        Self {
            speed,
            paused: false,
            steps: 0,
            time: start,
            anchor: now,
            next: None,
            ended: false,
        }
    }

    /// Whether the record of this time is due; if it is, it counts as played.
    pub fn due(&mut self, at: Timestamp, now: Instant) -> Due {
        self.next = Some(at);
        if at <= self.position(now) || (self.speed == Speed::Max && !self.paused) {
            self.move_to(self.position(now).max(at), now);
            self.next = None;
            return Due::Now;
        }
        if self.steps > 0 {
            self.steps -= 1;
            self.move_to(at, now);
            self.next = None;
            return Due::Now;
        }
        match self.speed {
            Speed::Times(times) if !self.paused => {
                let left = at.duration_since(self.position(now)).as_secs_f64() / times;
                let left = left.clamp(0.000_001, 3600.0);
                Due::In(Duration::from_secs_f64(left))
            }
            _ => Due::WhenAsked,
        }
    }

    /// The time in the recording.
    pub fn position(&self, now: Instant) -> Timestamp {
        let Speed::Times(times) = self.speed else {
            return self.time;
        };
        if self.paused || self.ended {
            return self.time;
        }
        let gone = now.saturating_duration_since(self.anchor).as_secs_f64() * times;
        let gone = SignedDuration::from_secs_f64(gone.min(1e9));
        let position = self.time.saturating_add(gone).unwrap_or(self.time);
        match self.next {
            Some(next) => position.min(next.max(self.time)),
            None => position,
        }
    }

    /// Stands still, or goes on.
    pub fn toggle_pause(&mut self, now: Instant) {
        self.move_to(self.position(now), now);
        if self.speed == Speed::Step {
            self.speed = Speed::Times(1.0);
            self.paused = false;
            return;
        }
        self.paused = !self.paused;
    }

    /// Stands still and plays one record.
    pub fn step(&mut self, now: Instant) {
        self.move_to(self.position(now), now);
        self.paused = true;
        self.steps = self.steps.saturating_add(1);
    }

    /// The next speed up.
    pub fn faster(&mut self, now: Instant) {
        self.set_speed(self.speed.faster(), now);
    }

    /// The next speed down.
    pub fn slower(&mut self, now: Instant) {
        self.set_speed(self.speed.slower(), now);
    }

    /// Goes on at another speed.
    pub fn set_speed(&mut self, speed: Speed, now: Instant) {
        self.move_to(self.position(now), now);
        self.speed = speed;
    }

    /// Jumps ahead; what lies between is played at once.
    pub fn jump(&mut self, to: Timestamp, now: Instant) {
        // What comes next does not hold a jump back.
        self.next = None;
        self.move_to(self.position(now).max(to), now);
    }

    /// The last record was played.
    pub fn end(&mut self, at: Timestamp) {
        self.time = at;
        self.next = None;
        self.ended = true;
    }

    /// How fast.
    pub fn speed(&self) -> Speed {
        self.speed
    }

    /// Whether it stands still until asked.
    pub fn paused(&self) -> bool {
        self.paused || self.speed == Speed::Step
    }

    /// Whether all was played.
    pub fn ended(&self) -> bool {
        self.ended
    }

    fn move_to(&mut self, time: Timestamp, now: Instant) {
        self.time = time;
        self.anchor = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(seconds: f64) -> Timestamp {
        Timestamp::from_nanosecond((seconds * 1e9) as i128).unwrap()
    }

    fn playhead(speed: Speed) -> (Playhead, Instant) {
        let now = Instant::now();
        (Playhead::new(at(100.0), speed, now), now)
    }

    #[test]
    fn a_record_is_due_after_its_time_divided_by_the_speed() {
        for (speed, left) in [(1.0, 20.0), (10.0, 2.0), (0.5, 40.0)] {
            let (mut playhead, now) = playhead(Speed::Times(speed));
            let due = playhead.due(at(120.0), now);
            assert_eq!(due, Due::In(Duration::from_secs_f64(left)));
            let then = now + Duration::from_secs_f64(left);
            assert_eq!(playhead.position(then), at(120.0));
            assert_eq!(playhead.due(at(120.0), then), Due::Now);
        }
    }

    #[test]
    fn a_change_of_speed_begins_where_it_is() {
        let (mut playhead, now) = playhead(Speed::Times(1.0));
        playhead.due(at(200.0), now);
        playhead.set_speed(Speed::Times(10.0), now + SECOND);
        assert_eq!(playhead.position(now + 2 * SECOND), at(111.0));
    }

    #[test]
    fn a_pause_stands_still_and_a_step_plays_one_record() {
        let (mut playhead, now) = playhead(Speed::Times(1.0));
        playhead.due(at(200.0), now);
        playhead.toggle_pause(now + SECOND);
        assert_eq!(playhead.position(now + 50 * SECOND), at(101.0));
        assert_eq!(playhead.due(at(200.0), now + 500 * SECOND), Due::WhenAsked);
        playhead.step(now + 500 * SECOND);
        assert_eq!(playhead.due(at(200.0), now + 500 * SECOND), Due::Now);
        assert_eq!(playhead.due(at(201.0), now + 501 * SECOND), Due::WhenAsked);
        assert_eq!(playhead.position(now + 501 * SECOND), at(200.0));
        playhead.toggle_pause(now + 501 * SECOND);
        let due = playhead.due(at(201.0), now + 501 * SECOND);
        assert_eq!(due, Due::In(SECOND));
    }

    #[test]
    fn at_most_speed_nothing_waits_and_the_time_is_the_records() {
        let (mut playhead, now) = playhead(Speed::Max);
        assert_eq!(playhead.due(at(5_000.0), now), Due::Now);
        assert_eq!(playhead.position(now + SECOND), at(5_000.0));
        playhead.toggle_pause(now);
        assert_eq!(playhead.due(at(5_001.0), now), Due::WhenAsked);
    }

    #[test]
    fn a_jump_makes_all_due_that_lies_before_it() {
        let (mut playhead, now) = playhead(Speed::Times(1.0));
        playhead.due(at(200.0), now);
        playhead.jump(at(300.0), now);
        assert_eq!(playhead.due(at(200.0), now), Due::Now);
        assert_eq!(playhead.due(at(299.0), now), Due::Now);
        assert_eq!(playhead.position(now), at(300.0));
    }

    #[test]
    fn the_clock_waits_for_a_record_that_is_late() {
        let (mut playhead, now) = playhead(Speed::Times(1.0));
        playhead.due(at(101.0), now);
        assert_eq!(playhead.position(now + 60 * SECOND), at(101.0));
        playhead.end(at(101.0));
        assert_eq!(playhead.position(now + 90 * SECOND), at(101.0));
    }

    #[test]
    fn the_keys_go_through_the_speeds_up_to_the_most() {
        let (mut playhead, now) = playhead(Speed::Step);
        let mut seen = Vec::new();
        for _ in 0..9 {
            playhead.faster(now);
            seen.push(playhead.speed().to_string());
        }
        assert_eq!(
            seen,
            [
                "1x", "2x", "5x", "10x", "25x", "50x", "100x", "1000x", "max"
            ]
        );
        playhead.slower(now);
        assert_eq!(playhead.speed(), Speed::Times(1000.0));
    }

    #[test]
    fn a_speed_is_a_number_or_a_word() {
        assert_eq!("10x".parse(), Ok(Speed::Times(10.0)));
        assert_eq!("0.5".parse(), Ok(Speed::Times(0.5)));
        assert_eq!("max".parse(), Ok(Speed::Max));
        for wrong in ["0", "-1", "nan", "inf", "fast", ""] {
            assert!(wrong.parse::<Speed>().is_err(), "{wrong}");
        }
    }
}
