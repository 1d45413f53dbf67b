//! What is put before the checker, and what it must find.

use super::fault::{Fault, Ids};

/// A count that the report must show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    Exactly(u64),
    AtLeast(u64),
}

use Count::{AtLeast, Exactly};

/// A server, a command line, and the findings.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) fault: Fault,
    pub(super) ids: Ids,
    /// Beside those of all scenarios.
    pub(super) arguments: &'static [&'static str],
    pub(super) exit: i32,
    /// JSON pointers into the report; counts of anomalies that are not named
    /// must be 0.
    pub(super) counts: &'static [(&'static str, Count)],
    /// The properties that fail, and no others.
    pub(super) fails: &'static [&'static str],
}

/// Arguments of all scenarios. The long timeouts are for slow machines.
pub(super) const ARGUMENTS: &[&str] = &[
    "-c",
    "10",
    "-z",
    "9s",
    "--drain",
    "1500ms",
    "--delivery-timeout",
    "3s",
    "--stall",
    "3s",
    "--cut-interval",
    "1s",
    "--output-format",
    "json",
];

const UNCUT: &[&str] = &["--cut", "none"];
/// Each leg lives long enough to show what its replay was.
const CUT_ONCE: &[&str] = &["--cut-at", "frame,mid-frame", "--outage", "retry"];
const COMPLETE: &str = "complete_while_connected";
const REPLAY: &str = "replay_complete";

const fn scenario(name: &'static str, fault: Fault) -> Scenario {
    Scenario {
        name,
        fault,
        ids: Ids::Numbers,
        arguments: &[],
        exit: 0,
        counts: &[],
        fails: &[],
    }
}

/// All scenarios.
pub(super) const ALL: &[Scenario] = &[
    Scenario {
        counts: &[
            ("/reconnects/resumed", AtLeast(1)),
            ("/reconnects/rejected", Exactly(0)),
        ],
        ..scenario("honest", Fault::None)
    },
    Scenario {
        arguments: &["--cut", "fin,rst,half-open"],
        counts: &[("/reconnects/resumed", AtLeast(1))],
        ..scenario("honest, cut in every manner", Fault::None)
    },
    Scenario {
        arguments: &["--sequence", "^\\d+$"],
        counts: &[("/reconnects/resumed", AtLeast(1))],
        ..scenario("honest, declared sequence", Fault::None)
    },
    Scenario {
        counts: &[
            ("/connections/clean_ends", AtLeast(10)),
            ("/reconnects/resumed", AtLeast(1)),
        ],
        ..scenario(
            "honest, closes every stream after 2 s",
            Fault::ClosesEvery2s,
        )
    },
    Scenario {
        ids: Ids::Opaque,
        counts: &[("/reconnects/resumed", AtLeast(1))],
        ..scenario("honest, opaque ids", Fault::None)
    },
    Scenario {
        ids: Ids::Holes { every: 7, by: 3 },
        counts: &[("/reconnects/resumed", AtLeast(1))],
        ..scenario("honest, holes in its numbers", Fault::None)
    },
    Scenario {
        counts: &[("/identity/greetings/hello", AtLeast(10))],
        ..scenario("honest, greets each connection", Fault::Greets)
    },
    Scenario {
        ids: Ids::None,
        arguments: UNCUT,
        ..scenario("honest, no ids", Fault::None)
    },
    Scenario {
        exit: 3,
        ..scenario(
            "a stream of its own for each connection",
            Fault::CountsPerConnection,
        )
    },
    Scenario {
        arguments: UNCUT,
        exit: 1,
        counts: &[
            ("/integrity/missing", Exactly(1)),
            ("/integrity/gap", Exactly(1)),
            ("/integrity/cursor_past_hole", Exactly(1)),
        ],
        fails: &[COMPLETE],
        ..scenario("missing while connected", Fault::Drops)
    },
    Scenario {
        ids: Ids::None,
        arguments: UNCUT,
        exit: 1,
        counts: &[
            ("/integrity/missing", Exactly(1)),
            ("/integrity/gap", Exactly(1)),
        ],
        fails: &[COMPLETE],
        ..scenario("missing while connected, no ids", Fault::Drops)
    },
    Scenario {
        // One number is left out after the thousandth event.
        ids: Ids::Holes { every: 1000, by: 1 },
        arguments: &["--cut", "none", "--sequence", "^\\d+$", "-z", "7s"],
        exit: 1,
        counts: &[
            ("/integrity/missing", Exactly(10)),
            ("/integrity/gap", Exactly(10)),
            ("/integrity/cursor_past_hole", Exactly(10)),
        ],
        fails: &[COMPLETE],
        ..scenario("missing everywhere, declared sequence", Fault::None)
    },
    Scenario {
        arguments: CUT_ONCE,
        exit: 1,
        counts: &[
            ("/integrity/missing", Exactly(2)),
            ("/integrity/lost_after_reconnect", Exactly(1)),
            ("/reconnects/incomplete", Exactly(1)),
        ],
        fails: &[REPLAY],
        ..scenario("lost after a reconnect", Fault::LosesOnReconnect)
    },
    Scenario {
        arguments: CUT_ONCE,
        counts: &[("/integrity/declared_gap", Exactly(1))],
        ..scenario("declared gap", Fault::Declares { announced: 3 })
    },
    Scenario {
        arguments: &[
            "--cut-at",
            "frame,mid-frame",
            "--outage",
            "retry",
            "--strict",
        ],
        exit: 1,
        counts: &[("/integrity/declared_gap", Exactly(1))],
        fails: &[REPLAY],
        ..scenario("declared gap, strict", Fault::Declares { announced: 3 })
    },
    Scenario {
        arguments: CUT_ONCE,
        exit: 1,
        counts: &[
            ("/integrity/declared_gap", Exactly(1)),
            ("/integrity/missing", Exactly(2)),
            ("/integrity/lost_after_reconnect", Exactly(1)),
            ("/reconnects/incomplete", Exactly(1)),
        ],
        fails: &[REPLAY],
        ..scenario("declared gap, too small", Fault::Declares { announced: 1 })
    },
    Scenario {
        arguments: UNCUT,
        exit: 1,
        counts: &[("/integrity/duplicate", Exactly(1))],
        fails: &["no_duplicate"],
        ..scenario("duplicate", Fault::Repeats)
    },
    Scenario {
        arguments: &["--cut", "none", "--allow-duplicates"],
        counts: &[("/integrity/duplicate", Exactly(1))],
        ..scenario("duplicate, allowed", Fault::Repeats)
    },
    Scenario {
        arguments: CUT_ONCE,
        exit: 1,
        counts: &[
            ("/integrity/duplicate", Exactly(2)),
            ("/integrity/replay_overlap", Exactly(2)),
        ],
        fails: &["no_duplicate"],
        ..scenario("replay overlap", Fault::Overlaps)
    },
    Scenario {
        arguments: UNCUT,
        exit: 1,
        counts: &[("/integrity/reorder", Exactly(1))],
        fails: &["order"],
        ..scenario("reorder", Fault::Swaps)
    },
    Scenario {
        arguments: UNCUT,
        exit: 1,
        counts: &[("/integrity/id_conflict", Exactly(1))],
        fails: &["no_id_conflict"],
        ..scenario("id conflict", Fault::IdConflict)
    },
    Scenario {
        arguments: UNCUT,
        exit: 1,
        counts: &[("/integrity/stall", Exactly(1))],
        fails: &["no_stall"],
        ..scenario("stall", Fault::Stalls)
    },
    Scenario {
        arguments: &["--stall", "8s"],
        exit: 1,
        counts: &[("/reconnects/incomplete", AtLeast(1))],
        fails: &[REPLAY],
        ..scenario("replay too late", Fault::SlowReplay)
    },
    Scenario {
        exit: 1,
        counts: &[
            ("/integrity/missing", AtLeast(1)),
            ("/integrity/lost_after_reconnect", AtLeast(1)),
            ("/reconnects/live_only", AtLeast(1)),
            ("/reconnects/resumed", Exactly(0)),
            ("/reconnects/incomplete", AtLeast(1)),
        ],
        fails: &[REPLAY],
        ..scenario("live only after a reconnect", Fault::LiveOnly)
    },
    Scenario {
        exit: 1,
        counts: &[
            ("/integrity/duplicate", AtLeast(1)),
            ("/integrity/replay_overlap", AtLeast(1)),
            ("/reconnects/full_replay", AtLeast(1)),
        ],
        fails: &["no_duplicate"],
        ..scenario("full replay after a reconnect", Fault::FullReplay)
    },
    Scenario {
        arguments: CUT_ONCE,
        exit: 1,
        counts: &[("/reconnects/rejected", Exactly(1))],
        fails: &[REPLAY],
        ..scenario("refused reconnect", Fault::Rejects)
    },
];
