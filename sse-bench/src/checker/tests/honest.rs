//! Honest servers of all habits, at all rates, whose streams end at all times:
//! none of them may be blamed for anything.

use fastrand::Rng;

use super::super::{
    Arrival, Checker, Findings, Integrity, LegEnd, Micros, Sequence, Settings, Sighter, Undecided,
};

/// What happens to one slot, in time.
#[derive(Debug, Clone)]
pub(super) enum Happening {
    Open {
        asked: Micros,
        cursor: String,
    },
    Close(LegEnd),
    Receive {
        event_type: &'static str,
        id: Option<String>,
        data: String,
    },
}

struct World {
    random: Rng,
    /// When each event is published.
    events: Vec<Micros>,
    end: Micros,
    types: usize,
    /// Of what a client without an id is sent: so many of the last events.
    fresh: usize,
    greeting: usize,
    lifetime: Micros,
    outage: Micros,
    latency: Micros,
}

impl World {
    fn new(seed: u64, end: Micros) -> Self {
        let mut random = Rng::with_seed(seed);
        let mean = *random
            .choice(&[30_000, 100_000, 400_000, 1_000_000, 3_000_000, 7_000_000])
            .unwrap();
        let mut events = Vec::new();
        let mut at = random.u64(0..mean);
        while at < end {
            events.push(at);
            // Bursts too.
            at += if random.u8(..) < 40 {
                10
            } else {
                random.u64(mean / 2..mean * 3 / 2)
            };
        }
        Self {
            events,
            end,
            types: random.usize(1..=3),
            fresh: *random.choice(&[0, 0, 1, 5, usize::MAX]).unwrap(),
            greeting: random.usize(0..5),
            lifetime: random.u64(200_000..20_000_000),
            outage: *random.choice(&[50_000, 500_000, 3_500_000]).unwrap(),
            latency: *random.choice(&[1, 1_000, 30_000]).unwrap(),
            random,
        }
    }

    fn slot(&mut self, opens: Micros, cut: bool) -> Vec<(Micros, Happening)> {
        let mut all = Vec::new();
        let (mut opened, mut cursor) = (opens, None);
        while opened < self.end {
            let lives = if cut {
                self.random.u64(self.lifetime / 2..self.lifetime * 3 / 2)
            } else {
                self.end
            };
            let closes = opened + lives;
            all.push((
                opened,
                Happening::Open {
                    asked: opened,
                    cursor: cursor.map_or_else(String::new, |event| format!("{event}")),
                },
            ));
            self.greet(opened, cursor, &mut all);
            let head = self.events.partition_point(|at| *at <= opened);
            let from = cursor.map_or(head.saturating_sub(self.fresh), |cursor: usize| cursor + 1);
            let mut last = opened;
            for event in from..self.events.len() {
                let at = self.events[event].max(opened) + self.random.u64(0..self.latency);
                last = last.max(at);
                if last >= closes || last >= self.end {
                    break;
                }
                let event_type = ["tick", "status", "note"][event % self.types];
                let id = event.to_string();
                all.push((
                    last,
                    Happening::Receive {
                        event_type,
                        data: id.clone(),
                        id: Some(id),
                    },
                ));
                cursor = Some(event);
            }
            if closes >= self.end {
                break;
            }
            all.push((closes, Happening::Close(LegEnd::Server)));
            opened = closes + self.random.u64(self.outage / 2..self.outage);
        }
        all
    }

    /// None, of its own kind without an id, with its own, with that of the
    /// position, or without an id on some connections only.
    fn greet(&mut self, at: Micros, cursor: Option<usize>, all: &mut Vec<(Micros, Happening)>) {
        let head = self.events.partition_point(|event| *event <= at);
        let position = cursor.or(head.checked_sub(1));
        let id = match self.greeting {
            0 => return,
            1 => None,
            2 => Some(format!("hello-{:x}", self.random.u64(..))),
            // An id that moves the cursor must be one that the server resumes from.
            3 if self.fresh == 0 || cursor.is_some() => position.map(|event| event.to_string()),
            3 => None,
            _ if self.random.bool() => None,
            _ => return,
        };
        let (event_type, data) = ("hello", "welcome".to_owned());
        all.push((
            at,
            Happening::Receive {
                event_type,
                id,
                data,
            },
        ));
    }
}

/// A run of an honest server until `end`.
pub(super) struct Run {
    pub(super) settings: Settings,
    pub(super) slots: usize,
    pub(super) all: Vec<(Micros, usize, Happening)>,
    pub(super) end: Micros,
    /// What was ready by the first of these times was read by the second.
    pub(super) looked: Vec<(Micros, Micros)>,
    habits: String,
}

pub(super) fn run(seed: u64, end: Micros) -> Run {
    let mut world = World::new(seed, end);
    let slots = world.random.usize(3..9);
    let sequence = world
        .random
        .bool()
        .then(|| Sequence::Id(regex::Regex::new("^\\d+$").unwrap()));
    let settings = Settings {
        sequence,
        ..Settings::default()
    };
    let mut all = Vec::new();
    for slot in 0..slots {
        let opens = slot as u64 * 700_000;
        let happenings = world.slot(opens, slot % 4 > 0 || seed.is_multiple_of(2));
        all.extend(
            happenings
                .into_iter()
                .map(|(at, happening)| (at, slot, happening)),
        );
    }
    all.sort_by_key(|(at, slot, _)| (*at, *slot));
    let habits = format!(
        "greeting {} fresh {} lifetime {}",
        world.greeting, world.fresh, world.lifetime
    );
    Run {
        settings,
        slots,
        all,
        end,
        looked: Vec::new(),
        habits,
    }
}

impl Run {
    /// What a checker finds, and the events it knew at the end.
    pub(super) fn judge(&self, settings: Settings) -> (Findings, u32) {
        let mut sighter = Sighter::new(settings.clone());
        let mut checker = Checker::new(settings);
        for _ in 0..self.slots {
            checker.add_slot();
        }
        let mut looked = self.looked.iter().peekable();
        for (at, slot, happening) in &self.all {
            while let Some((since, read)) = looked.next_if(|(_, read)| read < at) {
                checker.looked(0, *since, *read);
            }
            match happening {
                Happening::Open { asked, cursor } => {
                    checker.asked(*slot, *asked);
                    checker.opened(*slot, *at, cursor);
                }
                Happening::Close(end) => checker.closed(*slot, *at, *end),
                Happening::Receive {
                    event_type,
                    id,
                    data,
                } => {
                    let arrival = Arrival {
                        event_type,
                        data,
                        id: id.as_deref(),
                    };
                    checker.sighted(*slot, *at, &sighter.sight(&arrival));
                }
            }
        }
        for (since, read) in looked {
            checker.looked(0, *since, *read);
        }
        let known = checker.table.len();
        (checker.judge(self.end), known)
    }
}

fn judge(seed: u64) -> (Integrity, u64, Vec<Undecided>, String) {
    let run = run(seed, 30_000_000);
    let (findings, _) = run.judge(run.settings.clone());
    let text = format!(
        "{:?} of {} {} {:#?}",
        findings.greetings, findings.deliveries, run.habits, findings.anomalies
    );
    (
        findings.integrity,
        findings.reconnects.incomplete,
        findings.undecided,
        text,
    )
}

#[test]
fn no_honest_server_is_blamed() {
    for seed in 0..1500 {
        let (found, incomplete, undecided, anomalies) = judge(seed);
        let blameless = Integrity {
            expected: found.expected,
            received: found.expected,
            unkeyed: found.unkeyed,
            ..Integrity::default()
        };
        assert_eq!(found, blameless, "seed {seed}: {anomalies}");
        assert_eq!(incomplete, 0, "seed {seed}: {anomalies}");
        let shared = |undecided: &Undecided| {
            !matches!(undecided, Undecided::NotShared(_) | Undecided::Unshared(_))
        };
        assert!(undecided.iter().all(shared), "seed {seed}: {undecided:?}");
    }
}
