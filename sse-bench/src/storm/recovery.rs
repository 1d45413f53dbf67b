//! How the lost connections came back, step by step.

use std::time::Duration;

use super::record::Fate;
use super::tally::{STEP, Tally};

/// What had happened by the end of each [`STEP`] since the first loss, and what happened in
/// it. All have the same length.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Slots that had lost their connection.
    pub lost: Vec<u32>,
    /// Of them, those whose connection was open that was still open in the end.
    pub open: Vec<u32>,
    /// Of those, how many had caught up.
    pub caught_up: Vec<u32>,
    /// Connections begun in the step.
    pub begun: Vec<u32>,
    /// Connections opened in it.
    pub opened: Vec<u32>,
    /// Attempts that were answered in it, but not with a stream.
    pub refused: Vec<u32>,
    /// Attempts that came to their end in it without an answer.
    pub failed: Vec<u32>,
}

impl Recovery {
    /// Of a storm whose first loss was `first`, watched until `ended`.
    pub(super) fn new(
        fates: &[Fate],
        first: Option<Duration>,
        ended: Duration,
        tally: &Tally,
    ) -> Self {
        let Some(first) = first else {
            return Self::default();
        };
        let watched = ended.saturating_sub(first);
        let mut steps = (watched.as_millis() / STEP.as_millis()) as usize + 1;
        let curves = [
            &tally.attempts,
            &tally.openings,
            &tally.refusals,
            &tally.unanswered,
        ];
        // What a thread counted just as the storm was declared over.
        steps = curves
            .map(|curve| curve.steps().len())
            .into_iter()
            .fold(steps, usize::max);
        let [begun, opened, refused, failed] = curves.map(|curve| {
            let mut steps_of = curve.steps().to_vec();
            steps_of.resize(steps, 0);
            steps_of
        });
        let reached = |moment: fn(&Fate) -> Option<Duration>| {
            let mut counts = vec![0_u32; steps];
            let lost = fates.iter().filter(|fate| fate.lost_at.is_some());
            for at in lost.filter_map(moment) {
                let since = at.saturating_sub(first).as_millis() / STEP.as_millis();
                counts[(since as usize).min(steps - 1)] += 1;
            }
            let mut sum = 0;
            for count in &mut counts {
                sum += *count;
                *count = sum;
            }
            counts
        };
        Self {
            lost: reached(|fate| fate.lost_at),
            open: reached(|fate| fate.opened_at),
            caught_up: reached(|fate| fate.caught_up_at),
            begun,
            opened,
            refused,
            failed,
        }
    }

    /// How many steps there are.
    pub fn steps(&self) -> usize {
        self.lost.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storm::record::Phase;

    #[test]
    fn a_step_knows_who_was_back_by_its_end() {
        let millis = Duration::from_millis;
        let fate = |lost, opened, caught_up| Fate {
            phase: Phase::CaughtUp,
            lost_at: Some(millis(lost)),
            opened_at: Some(millis(opened)),
            caught_up_at: caught_up,
            ..Fate::default()
        };
        let fates = [
            fate(1000, 1099, Some(millis(1350))),
            fate(1120, 1200, None),
            Fate::default(),
        ];
        let mut tally = Tally::default();
        tally.refusals.count(millis(410));
        let recovery = Recovery::new(&fates, Some(millis(1000)), millis(1301), &tally);
        assert_eq!(recovery.lost, [1, 2, 2, 2, 2]);
        assert_eq!(recovery.open, [1, 1, 2, 2, 2]);
        assert_eq!(recovery.caught_up, [0, 0, 0, 1, 1]);
        assert_eq!(recovery.refused, [0, 0, 0, 0, 1]);
        assert_eq!(recovery.begun, [0; 5]);
        let none = Recovery::new(&fates, None, millis(1301), &tally);
        assert_eq!(none.steps(), 0);
    }
}
