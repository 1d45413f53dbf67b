//! What came of one storm.

use std::time::Duration;

use super::record::{Fate, Phase};
use super::recovery::Recovery;
use super::tally::Tally;
use crate::failure::{Failure, Failures};
use crate::histogram::Latency;

/// The shares of connections whose time is told, in percent.
pub const SHARES: [u32; 4] = [50, 90, 99, 100];
/// What stands in a distribution for a connection that never came back: longer
/// than any storm is watched.
pub const NEVER: Duration = Duration::from_secs(24 * 3600);

/// How far slots are said to have caught up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaughtUp {
    /// By ids: an event that the slot had not had before, as new as the newest
    /// that anybody had when its connection opened again.
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
    /// Slots that read slowly, are open again and have not caught up: nobody waits for them.
    pub slow_behind: u32,
    /// Over for good by a failure.
    pub given_up: u32,
    /// Told by a 204 to stop.
    pub stopped: u32,
    /// Without a connection, and not due to try for one: their wait was not over.
    pub still_waiting: u32,
    /// What catching up was.
    pub definition: CaughtUp,
    /// How the lost came back.
    pub back: Back,
    /// The same of each cohort: those that read as fast as they can, and the slow ones.
    pub cohorts: Vec<Back>,
    /// From each slot's own loss to the opening that lasted; [`NEVER`] for none.
    /// Without the slow ones.
    pub reopen: Latency,
    /// The same to where it had caught up.
    pub catch_up: Latency,
    /// The way there, step by step.
    pub recovery: Recovery,
    /// What was counted.
    pub tally: Tally,
    /// Why the command that restarts the server failed.
    pub command: Option<Failure>,
}

/// How some connections came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Back {
    /// Slots that lost their connection.
    pub lost: u32,
    /// Of them, open at the end.
    pub reopened: u32,
    /// Of them, caught up.
    pub caught_up: u32,
    /// When shares of the lost were open again.
    pub reopening: Milestones,
    /// When they had caught up.
    pub catching_up: Milestones,
}

impl Back {
    fn new(fates: &[Fate], cohort: Option<usize>, first_loss: Duration) -> Self {
        let lost = || {
            let chosen = move |fate: &&Fate| cohort.is_none_or(|cohort| cohort == fate.cohort);
            let chosen = fates.iter().filter(chosen);
            chosen.filter(|fate| fate.lost_at.is_some())
        };
        let all = lost().count();
        let moments = |moment: fn(&Fate) -> Option<Duration>| -> Vec<_> {
            let moments = lost().filter_map(moment);
            moments.map(|at| at.saturating_sub(first_loss)).collect()
        };
        let opened = moments(|fate| fate.opened_at);
        let caught_up = moments(|fate| fate.caught_up_at);
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Self {
            lost: count(all),
            reopened: count(opened.len()),
            caught_up: count(caught_up.len()),
            reopening: milestones(opened, all),
            catching_up: milestones(caught_up, all),
        }
    }
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
        let in_phase = |phase| count(fates.iter().filter(|fate| fate.phase == phase));
        let losses = || fates.iter().filter_map(|fate| fate.lost_at);
        let first = end.first_loss.or_else(|| losses().min());
        let back = |cohort| Back::new(fates, cohort, first.unwrap_or_default());
        let cohorts = fates.iter().map(|fate| fate.cohort + 1).max();
        let distribution = |moment: fn(&Fate) -> Option<Duration>| {
            let mut latency = Latency::default();
            // How long those that are not back would have taken, nobody knows yet.
            let knows_never = end.watched != Watched::Interrupted;
            for fate in fates.iter().filter(|fate| fate.cohort == 0) {
                match (fate.lost_at, moment(fate)) {
                    (Some(lost), Some(at)) => latency.record(at.saturating_sub(lost)),
                    (Some(_), None) if knows_never => latency.record(NEVER),
                    _ => {}
                }
            }
            latency
        };
        let [opened, caught_up] = [
            |fate: &Fate| fate.opened_at,
            |fate: &Fate| fate.caught_up_at,
        ];
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
            back: back(None),
            cohorts: (0..cohorts.unwrap_or(0))
                .map(|number| back(Some(number)))
                .collect(),
            slow_behind: in_phase(Phase::OpenSlow),
            given_up: in_phase(Phase::GivenUp),
            stopped: in_phase(Phase::Stopped),
            still_waiting: count(fates.iter().filter(|fate| fate.is_waiting())),
            definition: end.definition,
            reopen: distribution(opened),
            catch_up: match end.definition {
                CaughtUp::Nothing => Latency::default(),
                _ => distribution(caught_up),
            },
            recovery: Recovery::new(fates, first, end.ended, &tally),
            tally,
            command: end.command,
        }
    }

    /// Slots that lost their connection and have none.
    pub fn not_reopened(&self) -> u32 {
        self.back.lost - self.back.reopened
    }

    /// Slots that are open again and not known to have caught up, without the slow ones.
    pub fn not_caught_up(&self) -> u32 {
        match self.definition {
            CaughtUp::Nothing => 0,
            _ => self.back.reopened - self.slow_behind - self.back.caught_up,
        }
    }
}

/// Attempts that opened no stream, in all storms.
pub fn failures(rounds: &[Round]) -> Failures {
    let mut sum = Failures::default();
    for round in rounds {
        sum.merge(round.tally.failures.clone());
    }
    sum
}

fn count<'a>(fates: impl Iterator<Item = &'a Fate>) -> u32 {
    u32::try_from(fates.count()).unwrap_or(u32::MAX)
}

/// When 50, 90, 99 and 100 % of `of` had got there.
fn milestones(mut moments: Vec<Duration>, of: usize) -> Milestones {
    moments.sort_unstable();
    SHARES.map(|share| {
        let needed = (of * share as usize).div_ceil(100);
        needed
            .checked_sub(1)
            .and_then(|last| moments.get(last).copied())
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
            tried: true,
            phase: Phase::CaughtUp,
            cohort: 0,
            lost_at: Some(seconds(10)),
            opened_at: Some(seconds(10 + number)),
            caught_up_at: Some(seconds(11 + number)),
        };
        let mut fates: Vec<_> = (1..=100).rev().map(fate).collect();
        fates[0] = Fate {
            tried: true,
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
        assert_eq!(round.back.reopening, [times[0], times[1], times[2], None]);
        assert_eq!(round.back.catching_up[0], Some(seconds(51)));
        assert_eq!(
            (round.first_loss, round.loss_spread),
            (Some(seconds(1)), seconds(2))
        );
        let back = round.back;
        assert_eq!((back.lost, back.reopened, round.given_up), (100, 99, 1));
        assert_eq!(round.cohorts, [back]);
        assert_eq!((round.not_reopened(), round.not_caught_up()), (1, 0));
    }

    #[test]
    fn a_connection_that_never_came_back_is_the_slowest_of_all() {
        let round = Round::new(end(Watched::Over), &fates(), Tally::default());
        let reopen = round.reopen.summary().unwrap();
        assert_eq!((reopen.count, reopen.p50_us / 1_000_000), (100, 50));
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
