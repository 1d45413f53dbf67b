//! What came of one storm.

use std::time::Duration;

use super::record::{Fate, Phase};
use super::tally::Tally;
use crate::failure::Failure;
use crate::histogram::Latency;

/// The shares of connections whose time is told, in percent.
pub const SHARES: [u32; 4] = [50, 90, 99, 100];
/// What stands in a distribution for a connection that never came back: longer
/// than any storm is watched.
pub const NEVER: Duration = Duration::from_secs(24 * 3600);

/// How far slots are said to have caught up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaughtUp {
    /// By ids: an event that nobody had before the loss, as new as the newest
    /// that anybody had when the connection opened again.
    Id,
    /// The first event after the connection opened again.
    Event,
    /// No event had been received before the storm: nothing to catch up with.
    Nothing,
}

impl CaughtUp {
    /// The name in the report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Event => "event",
            Self::Nothing => "nothing",
        }
    }
}

/// Why a storm was watched no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watched {
    /// All that were lost had come back, or were over for good.
    Over,
    /// The time was over.
    TimeOut,
    /// The user asked for it.
    Interrupted,
}

/// When shares of the connections were there, since the first loss; `None` if
/// they never were.
pub type Milestones = [Option<Duration>; SHARES.len()];

/// One storm.
#[derive(Debug)]
pub struct Round {
    /// When it began, since the start of the run.
    pub began: Duration,
    /// From there to the first loss.
    pub first_loss: Option<Duration>,
    /// From the first loss to the last slot's.
    pub loss_spread: Duration,
    /// How long it was watched.
    pub length: Duration,
    /// Why no longer.
    pub watched: Watched,
    /// Slots that were open when it began.
    pub open_before: u32,
    /// Slots that lost their connection.
    pub lost: u32,
    /// Of them, open at the end.
    pub reopened: u32,
    /// Of them, caught up.
    pub caught_up: u32,
    /// Over for good by a failure.
    pub given_up: u32,
    /// Told by a 204 to stop.
    pub stopped: u32,
    /// What catching up was.
    pub definition: CaughtUp,
    /// When shares of the lost were open again.
    pub reopening: Milestones,
    /// When they had caught up.
    pub catching_up: Milestones,
    /// From each slot's own loss to the opening that lasted; [`NEVER`] for none.
    pub reopen: Latency,
    /// The same to where it had caught up.
    pub catch_up: Latency,
    /// What was counted.
    pub tally: Tally,
    /// Why the command that restarts the server failed.
    pub command: Option<Failure>,
}

/// The end of a storm, as the one who directs it knows it.
#[derive(Debug)]
pub(super) struct End {
    pub began: Duration,
    pub first_loss: Option<Duration>,
    pub ended: Duration,
    pub watched: Watched,
    pub definition: CaughtUp,
    pub command: Option<Failure>,
}

impl Round {
    pub(super) fn new(end: End, fates: &[Fate], tally: Tally) -> Self {
        let in_phase = |phase| {
            let count = fates.iter().filter(|fate| fate.phase == phase).count();
            u32::try_from(count).unwrap_or(u32::MAX)
        };
        let losses = || fates.iter().filter_map(|fate| fate.lost_at);
        let first = end.first_loss.or_else(|| losses().min());
        let lost = losses().count();
        let milestones = |moment: fn(&Fate) -> Option<Duration>| {
            let moments = fates.iter().filter_map(moment);
            let since = moments.map(|at| at.saturating_sub(first.unwrap_or_default()));
            milestones(since.collect(), lost)
        };
        let distribution = |moment: fn(&Fate) -> Option<Duration>| {
            let mut latency = Latency::default();
            // How long those that are not back would have taken, nobody knows yet.
            let knows_never = end.watched != Watched::Interrupted;
            for fate in fates {
                match (fate.lost_at, moment(fate)) {
                    (Some(lost), Some(at)) => latency.record(at.saturating_sub(lost)),
                    (Some(_), None) if knows_never => latency.record(NEVER),
                    _ => {}
                }
            }
            latency
        };
        let [opened, caught_up] =
            [|fate: &Fate| fate.opened_at, |fate: &Fate| fate.caught_up_at];
        Self {
            began: end.began,
            first_loss: first.map(|first| first.saturating_sub(end.began)),
            loss_spread: losses()
                .max()
                .zip(first)
                .map_or(Duration::ZERO, |(last, first)| last.saturating_sub(first)),
            length: end.ended.saturating_sub(end.began),
            watched: end.watched,
            open_before: u32::try_from(fates.len()).unwrap_or(u32::MAX),
            lost: u32::try_from(lost).unwrap_or(u32::MAX),
            reopened: in_phase(Phase::Open) + in_phase(Phase::CaughtUp),
            caught_up: in_phase(Phase::CaughtUp),
            given_up: in_phase(Phase::GivenUp),
            stopped: in_phase(Phase::Stopped),
            definition: end.definition,
            reopening: milestones(opened),
            catching_up: milestones(caught_up),
            reopen: distribution(opened),
            catch_up: match end.definition {
                CaughtUp::Nothing => Latency::default(),
                _ => distribution(caught_up),
            },
            tally,
            command: end.command,
        }
    }

    /// Slots that lost their connection and have none.
    pub fn not_reopened(&self) -> u32 {
        self.lost - self.reopened
    }

    /// Slots that are open again and not known to have caught up.
    pub fn not_caught_up(&self) -> u32 {
        match self.definition {
            CaughtUp::Nothing => 0,
            _ => self.reopened - self.caught_up,
        }
    }
}

/// When 50, 90, 99 and 100 % of `of` had got there.
fn milestones(mut moments: Vec<Duration>, of: usize) -> Milestones {
    moments.sort_unstable();
    SHARES.map(|share| {
        let needed = (of * share as usize).div_ceil(100);
        needed.checked_sub(1).and_then(|last| moments.get(last).copied())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(number: u64) -> Duration {
        Duration::from_secs(number)
    }

    fn end(watched: Watched) -> End {
        End {
            began: seconds(9),
            first_loss: Some(seconds(10)),
            ended: seconds(200),
            watched,
            definition: CaughtUp::Id,
            command: None,
        }
    }

    /// A hundred slots lost at 10 s, back one by one each second, the last never.
    fn fates() -> Vec<Fate> {
        let fate = |number: u64| Fate {
            phase: Phase::CaughtUp,
            lost_at: Some(seconds(10)),
            opened_at: Some(seconds(10 + number)),
            caught_up_at: Some(seconds(11 + number)),
        };
        let mut fates: Vec<_> = (1..=100).rev().map(fate).collect();
        fates[0] = Fate {
            phase: Phase::GivenUp,
            lost_at: Some(seconds(12)),
            ..Fate::default()
        };
        fates
    }

    #[test]
    fn the_time_of_a_share_is_when_so_many_of_all_that_were_lost_are_back() {
        let round = Round::new(end(Watched::TimeOut), &fates(), Tally::default());
        let times = [50, 90, 99].map(|number| Some(seconds(number)));
        assert_eq!(round.reopening, [times[0], times[1], times[2], None]);
        assert_eq!(round.catching_up[0], Some(seconds(51)));
        assert_eq!((round.first_loss, round.loss_spread), (Some(seconds(1)), seconds(2)));
        assert_eq!((round.lost, round.reopened, round.given_up), (100, 99, 1));
        assert_eq!((round.not_reopened(), round.not_caught_up()), (1, 0));
    }

    #[test]
    fn a_connection_that_never_came_back_is_the_slowest_of_all() {
        let round = Round::new(end(Watched::Over), &fates(), Tally::default());
        let reopen = round.reopen.summary().unwrap();
        assert_eq!((reopen.count, reopen.p50_us), (100, 50_036_735));
        assert_eq!(Duration::from_micros(reopen.max_us), NEVER);
        let so_far = Round::new(end(Watched::Interrupted), &fates(), Tally::default());
        assert_eq!(so_far.reopen.summary().unwrap().count, 99);
    }

    #[test]
    fn small_groups_need_all_of_them() {
        assert_eq!(milestones(vec![], 0), [None; 4]);
        let two = milestones(vec![seconds(2), seconds(1)], 2);
        assert_eq!(two, [1, 2, 2, 2].map(|number| Some(seconds(number))));
        assert_eq!(milestones(vec![seconds(1)], 2)[0], Some(seconds(1)));
        assert_eq!(milestones(vec![seconds(1)], 2)[1], None);
    }
}
