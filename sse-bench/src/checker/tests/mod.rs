//! Every count, on receptions made by hand; and all of them against a slow
//! model on receptions made at random.

mod honest;
mod logged;
mod model;
mod pruned;
mod slow;
mod terms;

use super::{Arrival, Checker, Findings, LegEnd, Micros, Reception, Settings, Sighter};

impl Checker {
    /// The open leg of the slot received an event.
    fn received(&mut self, slot: usize, at: Micros, arrival: &Arrival<'_>) -> Reception {
        let mut sighter = Sighter::new(self.settings.clone());
        self.sighted(slot, at, &sighter.sight(arrival))
    }
}

/// Feeds a checker; time goes on by 10 ms with each call.
struct Script {
    checker: Checker,
    now: Micros,
}

const STEP: Micros = 10_000;

impl Script {
    fn new(slots: usize) -> Self {
        Self::with(slots, Settings::default())
    }

    /// All slots open at once.
    fn with(slots: usize, settings: Settings) -> Self {
        let mut checker = Checker::new(settings);
        for _ in 0..slots {
            let slot = checker.add_slot();
            checker.opened(slot, 0, "");
        }
        Self { checker, now: STEP }
    }

    fn wait(&mut self, time: Micros) -> &mut Self {
        self.now += time;
        self
    }

    fn receive(
        &mut self,
        slot: usize,
        event_type: &str,
        id: Option<&str>,
        data: &str,
    ) -> &mut Self {
        let arrival = Arrival {
            event_type,
            data,
            id,
        };
        self.checker.received(slot, self.now, &arrival);
        self
    }

    /// Each of these slots receives events of these ids, one after the other.
    fn ids(&mut self, slots: &[usize], ids: &[u32]) -> &mut Self {
        for id in ids {
            for slot in slots {
                let id = id.to_string();
                self.receive(*slot, "message", Some(&id), &id);
            }
            self.now += STEP;
        }
        self
    }

    fn gap(&mut self, slot: usize, data: &str) -> &mut Self {
        self.receive(slot, "gap", None, data)
    }

    fn cut(&mut self, slot: usize) -> &mut Self {
        self.checker.closed(slot, self.now, LegEnd::Cut(0));
        self.wait(STEP)
    }

    fn open(&mut self, slot: usize, cursor: &str) -> &mut Self {
        self.checker.opened(slot, self.now, cursor);
        self.wait(STEP)
    }

    /// Judges at a time when all that was received is owed.
    fn judge(self) -> Findings {
        let end = self.now + self.checker.settings.drain;
        self.checker.judge(end)
    }
}
