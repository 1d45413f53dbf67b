//! What the view shows of a storm while it is on.

use std::time::Duration;

use super::record::{Phase, Phases};
use super::tally::Tally;
use crate::tui::StormNow;

/// Points of the curve; where there are so many, every other one is let go.
const MOST_POINTS: usize = 600;

impl StormNow {
    /// Another one is on.
    pub(super) fn begin(&mut self) {
        *self = Self {
            number: self.number,
            of: self.of,
            is_on: true,
            so_far: std::mem::take(&mut self.so_far),
            ..Self::default()
        };
    }

    /// It stands so, this long since the first loss.
    pub(super) fn stands(&mut self, since: Option<Duration>, phases: &Phases, tally: &Tally) {
        let sum = |all: &[Phase]| all.iter().map(|phase| phases.of(*phase)).sum();
        self.since = since;
        self.open = sum(&[Phase::Open, Phase::OpenSlow, Phase::CaughtUp]);
        self.caught_up = phases.of(Phase::CaughtUp);
        self.given_up = phases.of(Phase::GivenUp);
        self.stopped = phases.of(Phase::Stopped);
        self.lost = self.open + self.given_up + self.stopped + phases.of(Phase::Lost);
        self.attempts = tally.attempts.total();
        self.peak = tally.attempts.peak_per_second();
        self.refused = tally.refusals.total();
        self.failed = tally.unanswered.total();
        self.lost_again = tally.lost_again;
        self.failures.clone_from(&tally.failures);
        let Some(since) = since else {
            return;
        };
        if self.curve.len() >= MOST_POINTS {
            let mut number = 0;
            self.curve.retain(|_| {
                number += 1;
                number % 2 == 1
            });
        }
        self.curve
            .push((since.as_secs_f64(), self.open, self.caught_up));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_storm_has_a_curve_of_bounded_length_from_its_beginning_to_now() {
        let mut now = StormNow::default();
        now.begin();
        for second in 0..100_000 {
            let since = Some(Duration::from_secs(second));
            now.stands(since, &Phases::default(), &Tally::default());
            assert!(now.curve.len() <= MOST_POINTS);
        }
        let ends = [now.curve.first().unwrap().0, now.curve.last().unwrap().0];
        assert_eq!(ends.map(|end| end as u64), [0, 99_999]);
        now.begin();
        assert!(now.is_on && now.curve.is_empty());
    }
}
