//! From findings to a verdict on each property, and on all.

use std::collections::HashSet;

use super::Outcome;
use super::plan::VerifyPlan;
use crate::checker::{Findings, Level, Strangers, Undecided};
use crate::compare::Comparison;
use crate::exit::Exit;
use crate::load::Ending;
use crate::report::{breaches, unmeasured};
use crate::threshold::Checked;
use crate::units::{micros, thousands};

/// What is known of a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It held wherever it was exercised.
    Pass,
    /// It was seen broken.
    Fail,
    /// It was exercised and could not be decided.
    Inconclusive,
    /// It was switched off, or nothing exercised it.
    NotApplicable,
}

impl Verdict {
    /// The name that a report uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
            Self::NotApplicable => "not_applicable",
        }
    }
}

/// One property and what was seen of it.
#[derive(Debug, Clone)]
pub struct Property {
    /// The key of the report.
    pub name: &'static str,
    /// What is known of it.
    pub verdict: Verdict,
    /// How much was checked and held, of how much, and of what.
    pub coverage: (u64, u64, &'static str),
    /// Why it is not simply pass.
    pub note: String,
}

/// The verdict on a run.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// All properties.
    pub properties: Vec<Property>,
    /// The thresholds of the plan, and what came of each.
    pub thresholds: Vec<Checked>,
    /// The result.
    pub exit: Exit,
}

impl Judgement {
    /// Fail if a property fails; else inconclusive if one that was exercised
    /// could not be decided; else pass. Also the result in a sentence.
    pub fn new(
        plan: &VerifyPlan,
        outcome: &Outcome,
        properties: Vec<Property>,
        thresholds: Vec<Checked>,
        comparison: Option<&Comparison>,
    ) -> (Self, String) {
        let opened = outcome.totals.opened;
        let never_opened = u64::from(plan.connections) - opened;
        let of = |verdict| {
            let mut notes = properties
                .iter()
                .filter(|property| property.verdict == verdict)
                .map(|property| property.note.clone())
                .collect::<Vec<_>>();
            let mut told = HashSet::new();
            notes.retain(|note| told.insert(note.clone()));
            notes
        };
        let (failed, undecided) = (of(Verdict::Fail), of(Verdict::Inconclusive));
        let mut findings = vec![];
        if outcome.ending == Ending::Interrupted {
            findings.push(Exit::Interrupted);
        }
        if opened == 0 {
            findings.push(Exit::NeverReached);
        }
        if !failed.is_empty() {
            findings.push(Exit::Violated);
        }
        if !undecided.is_empty() || never_opened > 0 {
            findings.push(Exit::Inconclusive);
        }
        findings.extend(thresholds.iter().filter_map(Checked::finding));
        findings.extend(comparison.and_then(Comparison::finding));
        let exit = Exit::of(&findings);
        let reason = match exit {
            Exit::Interrupted if failed.is_empty() => "this is the report so far".to_owned(),
            Exit::Interrupted => format!("the report so far: {}", failed.join("; ")),
            Exit::NeverReached => never_reached(outcome),
            Exit::Violated => failed.join("; "),
            Exit::Threshold => breaches(&thresholds, comparison),
            Exit::Inconclusive if undecided.is_empty() && never_opened == 0 => {
                unmeasured(&thresholds)
            }
            Exit::Inconclusive if undecided.is_empty() => format!(
                "{} of {} connections were never opened",
                thousands(never_opened),
                thousands(plan.connections.into())
            ),
            Exit::Inconclusive => {
                let came_back = outcome.findings.reconnects.total > 0 || !plan.cuts();
                let nothing = outcome.findings.deliveries == 0 || !came_back;
                let why = commonest(outcome).filter(|_| nothing);
                undecided
                    .into_iter()
                    .chain(why)
                    .collect::<Vec<_>>()
                    .join("; ")
            }
            _ => passed(&outcome.findings),
        };
        let judgement = Self {
            properties,
            thresholds,
            exit,
        };
        (judgement, reason)
    }
}

/// What is known of each property.
pub fn properties(plan: &VerifyPlan, findings: &Findings) -> Vec<Property> {
    let integrity = &findings.integrity;
    let mut all = vec![
        complete(plan, findings),
        replay(plan, findings),
        property(
            "no_duplicate",
            (integrity.received, integrity.received + integrity.duplicate, "receptions"),
            (integrity.duplicate > 0 && !plan.allow_duplicates)
                .then(|| counted(integrity.duplicate, "event was received again", "events were received again")),
            plan.allow_duplicates,
            (findings.ambiguous > 0).then(|| {
                "events without ids repeat, and nothing tells whether they are the same: name a unique value with --key-pointer, or leave them out with --ignore-event".to_owned()
            }).or_else(|| blocked(findings, false)),
        ),
        property(
            "order",
            (integrity.received, integrity.received, "receptions"),
            (integrity.reorder > 0)
                .then(|| counted(integrity.reorder, "event was out of order", "events were out of order")),
            false,
            blocked(findings, false),
        ),
        property(
            "no_stall",
            (findings.stall_checked - integrity.stall, findings.slots, "connections"),
            (integrity.stall > 0)
                .then(|| counted(integrity.stall, "connection stalled", "connections stalled")),
            findings.stall_checked == 0,
            blocked(findings, false),
        ),
        property(
            "no_id_conflict",
            (findings.shared - integrity.id_conflict.min(findings.shared), findings.shared, "ids"),
            (integrity.id_conflict > 0)
                .then(|| counted(integrity.id_conflict, "id had more than one content", "ids had more than one content")),
            matches!(findings.level, Some(Level::Content | Level::Pointer)),
            blocked(findings, false),
        ),
    ];
    if let Some(reason) = no_evidence(findings) {
        for property in &mut all {
            let refused = property.name == "replay_complete" && findings.reconnects.rejected > 0;
            if property.verdict != Verdict::NotApplicable && !refused {
                property.verdict = Verdict::Inconclusive;
                property.note.clone_from(&reason);
            }
        }
    }
    all
}

fn property(
    name: &'static str,
    coverage: (u64, u64, &'static str),
    failure: Option<String>,
    not_applicable: bool,
    undecided: Option<String>,
) -> Property {
    let (verdict, note) = match (failure, undecided) {
        (Some(failure), _) => (Verdict::Fail, failure),
        _ if not_applicable => (Verdict::NotApplicable, String::new()),
        (None, Some(reason)) => (Verdict::Inconclusive, reason),
        (None, None) => (Verdict::Pass, String::new()),
    };
    Property {
        name,
        verdict,
        coverage,
        note,
    }
}

fn complete(plan: &VerifyPlan, findings: &Findings) -> Property {
    let integrity = &findings.integrity;
    let lost = findings.missing_connected;
    let failure = if lost > 0 {
        Some(counted(
            lost,
            "event was lost while connected",
            "events were lost while connected",
        ))
    } else if plan.strict && findings.declared_connected > 0 {
        Some("events were lost while connected, as the server announced".to_owned())
    } else {
        None
    };
    let coverage = (integrity.received, integrity.received + lost, "events");
    let undecided = blocked(findings, true);
    property(
        "complete_while_connected",
        coverage,
        failure,
        false,
        undecided,
    )
}

fn replay(plan: &VerifyPlan, findings: &Findings) -> Property {
    let reconnects = &findings.reconnects;
    let declared = findings.integrity.declared_gap - findings.declared_connected;
    let mut failures = vec![];
    if findings.missing_between > 0 {
        failures.push(counted(
            findings.missing_between,
            "event was lost in a reconnect",
            "events were lost in reconnects",
        ));
    } else if reconnects.incomplete > 0 {
        failures.push(counted(
            reconnects.incomplete,
            "replay was not complete in time",
            "replays were not complete in time",
        ));
    }
    if reconnects.rejected > 0 {
        failures.push(counted(
            reconnects.rejected,
            "reconnect was refused",
            "reconnects were refused",
        ));
    }
    if plan.strict && declared > 0 {
        failures.push("events were lost in reconnects, as the server announced".to_owned());
    }
    let failure = (!failures.is_empty()).then(|| failures.join(", "));
    let undecided = if reconnects.complete == 0 && reconnects.incomplete == 0 {
        Some(if reconnects.total == 0 && findings.lost > 0 {
            "no connection that was lost came back".to_owned()
        } else if reconnects.total == 0 {
            "no connection was cut: make the run longer, or --cut-interval shorter".to_owned()
        } else {
            "nothing was published while connections were away: no replay was put to the test"
                .to_owned()
        })
    } else {
        blocked(findings, true)
    };
    property(
        "replay_complete",
        (
            reconnects.complete,
            reconnects.total - reconnects.vacuous,
            "reconnects",
        ),
        failure,
        !plan.cuts() && reconnects.total == 0,
        undecided,
    )
}

/// What makes all that was counted worthless.
fn no_evidence(findings: &Findings) -> Option<String> {
    if findings.deliveries == 0 && findings.integrity.expected == 0 {
        return Some("no event arrived".to_owned());
    }
    findings.undecided.iter().find_map(|undecided| match undecided {
        Undecided::NoIdentity if findings.deliveries == 0 => None,
        Undecided::NoIdentity => Some("nothing tells the events apart: they have no ids, and their contents repeat; name a unique value with --key-pointer or --sequence-pointer".to_owned()),
        Undecided::NotShared(how) => Some(strangers(*how)),
        _ => None,
    })
}

fn strangers(how: Strangers) -> String {
    match how {
        Strangers::BeginAnew => "the stream is not shared: each connection receives events of its own, from the first one on, so none can be held against another".to_owned(),
        Strangers::Disagree(ids, of) => format!(
            "the stream is not shared: {} of {} ids came to different connections with different contents; if the data holds a value that names an event, tell them apart by it (--key-pointer)",
            thousands(ids),
            thousands(of)
        ),
        Strangers::Private(events, of) => format!(
            "the stream is not shared: {} of {} events came to one connection only, so none can be held against another",
            thousands(events),
            thousands(of)
        ),
    }
}

/// Why something that did not fail is not proved either.
fn blocked(findings: &Findings, whole: bool) -> Option<String> {
    findings.undecided.iter().find_map(|undecided| match undecided {
        Undecided::Truncated(at) => Some(format!("the bound of --max-records was reached after {}", micros(*at))),
        Undecided::NothingOwed => Some("no event was owed to anybody: too few arrived, or at one connection only".to_owned()),
        Undecided::Forgotten(count) => Some(format!("{count} events came in replays only, and may be repeats of events from long before: name more with --remember")),
        Undecided::NoSequence if whole => Some("the declared sequence does not hold: ids or data lack the number, or it has more holes than numbers".to_owned()),
        Undecided::Unverifiable(alone) if whole => Some(format!(
            "for {} fewer than two connections were open, and what was published then is not known: declare a --sequence, publish with --publish-url, or use more connections", micros(*alone)
        )),
        Undecided::Unshared(count) if whole => Some(format!(
            "{} came to one connection only: if such events are no part of the stream, leave them out with --ignore-event",
            counted(*count, "event", "events")
        )),
        _ => None,
    })
}

fn passed(findings: &Findings) -> String {
    let reconnects = &findings.reconnects;
    let mut parts = vec![format!(
        "all {} owed events arrived, once and in order",
        thousands(findings.integrity.received)
    )];
    if reconnects.complete > 0 {
        parts.push(format!("over {} reconnects", thousands(reconnects.total)));
    }
    if findings.integrity.declared_gap > 0 {
        parts.push(format!(
            "but for {} that the server announced",
            counted(findings.integrity.declared_gap, "loss", "losses")
        ));
    }
    parts.join(", ")
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!(
        "{} {}",
        thousands(count),
        if count == 1 { one } else { many }
    )
}

/// The commonest error.
fn commonest(outcome: &Outcome) -> Option<String> {
    let failures = outcome.failures.iter();
    let commonest = failures.max_by_key(|(_, counted)| counted.count);
    commonest.map(|(_, counted)| counted.example.clone())
}

fn never_reached(outcome: &Outcome) -> String {
    match commonest(outcome) {
        Some(example) => format!("no event stream was opened: {example}"),
        None if outcome.stats.stopped > 0 => {
            "no event stream was opened: the server answered 204 No Content, which tells clients to stop".to_owned()
        }
        None => "no event stream was opened in the time given".to_owned(),
    }
}
