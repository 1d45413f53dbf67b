//! The lints seen so far, and words for them.

use std::time::Duration;

use super::{Lint, LintKind, Moment, Severity, Sighting};

/// The most characters of a server's words in one piece of evidence.
const MOST_QUOTED: usize = 80;

/// One lint for each kind at most.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) lints: Vec<Lint>,
    pub(super) leg: u64,
    /// The time never goes back.
    pub(super) moment: Moment,
    pub(super) version: u64,
}

impl Report {
    #[inline]
    pub(super) fn now(&mut self, moment: Moment) -> Moment {
        self.moment = Moment {
            at: moment.at.max(self.moment.at),
            place: moment.place,
        };
        self.moment
    }

    /// Something that happens, once more.
    pub(super) fn see(
        &mut self,
        kind: LintKind,
        severity: Severity,
        evidence: impl FnOnce() -> String,
    ) {
        let (moment, leg) = (self.moment, self.leg);
        self.see_at(kind, severity, Sighting { moment, leg }, evidence);
    }

    /// Something that happened a little earlier.
    pub(super) fn see_at(
        &mut self,
        kind: LintKind,
        severity: Severity,
        sighting: Sighting,
        evidence: impl FnOnce() -> String,
    ) {
        let Some(lint) = self.find(kind) else {
            self.add(kind, severity, sighting, evidence());
            return;
        };
        lint.count += 1;
        lint.last = sighting;
        if severity > lint.severity {
            lint.severity = severity;
            lint.evidence = evidence();
        }
    }

    /// Something that lasts: it is so `count` times by now.
    pub(super) fn state(
        &mut self,
        kind: LintKind,
        severity: Severity,
        count: u64,
        evidence: impl FnOnce() -> String,
    ) {
        let (moment, leg) = (self.moment, self.leg);
        let sighting = Sighting { moment, leg };
        match self.find(kind) {
            Some(lint) => {
                lint.count = count;
                lint.last = sighting;
            }
            None => {
                self.add(kind, severity, sighting, evidence());
                if let Some(lint) = self.lints.last_mut() {
                    lint.count = count;
                }
            }
        }
    }

    /// What was seen last is the worst: its words replace those before.
    pub(super) fn worsen(
        &mut self,
        kind: LintKind,
        severity: Severity,
        evidence: impl FnOnce() -> String,
    ) {
        if let Some(lint) = self.find(kind) {
            lint.evidence = evidence();
            lint.severity = lint.severity.max(severity);
        }
    }

    /// It is so no longer.
    pub(super) fn withdraw(&mut self, kind: LintKind) {
        let before = self.lints.len();
        self.lints.retain(|lint| lint.kind != kind);
        self.version += u64::from(self.lints.len() < before);
    }

    fn find(&mut self, kind: LintKind) -> Option<&mut Lint> {
        self.lints.iter_mut().find(|lint| lint.kind == kind)
    }

    fn add(&mut self, kind: LintKind, severity: Severity, sighting: Sighting, evidence: String) {
        self.version += 1;
        self.lints.push(Lint {
            kind,
            severity,
            evidence,
            first: sighting,
            last: sighting,
            count: 1,
        });
    }
}

/// Words of a server in quotes, short and harmless.
pub(super) fn quoted(text: &str) -> String {
    let mut shown = String::from("\"");
    for character in text.chars().take(MOST_QUOTED) {
        match character {
            '\'' => shown.push('\''),
            other => shown.extend(other.escape_debug()),
        }
        if shown.len() > 3 * MOST_QUOTED {
            break;
        }
    }
    if text.chars().nth(MOST_QUOTED).is_some() {
        shown.push('…');
    }
    shown.push('"');
    shown
}

/// `12 ms`, `1.2 s`, `62 s`
pub(super) fn words(time: Duration) -> String {
    match time.as_millis() {
        millis @ 0..=999 => format!("{millis} ms"),
        1_000..=9_999 => format!("{:.1} s", (time.as_secs_f64() * 10.0).floor() / 10.0),
        _ => format!("{} s", time.as_secs()),
    }
}
