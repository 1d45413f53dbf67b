//! What `doctor` judges too: by the same lints.

use sse_core::Parser;
use sse_core::lint::{Lint, LintKind, Linter, Moment, Severity};

use super::leg::Leg;
use crate::conform::grade::{Grade, Verdict};

/// The worst that the lints say of these kinds; ok where they say nothing.
pub(super) fn judge(leg: &Leg, kinds: &[LintKind]) -> Verdict {
    let found = lints(leg).into_iter();
    let found = found.filter(|lint| kinds.contains(&lint.kind));
    match found.max_by_key(|lint| lint.severity) {
        Some(lint) => Verdict::new(grade(&lint), &lint.evidence),
        None => Verdict::ok(),
    }
}

/// A lint tells what is lost; a grade, whether a rule was broken.
fn grade(lint: &Lint) -> Grade {
    match (lint.kind, lint.severity) {
        (LintKind::ContentType | LintKind::InvalidUtf8, _) => Grade::Failed,
        (_, Severity::Note) => Grade::Informational,
        _ => Grade::NonStrict,
    }
}

fn lints(leg: &Leg) -> Vec<Lint> {
    let mut linter = Linter::new();
    let moment = Moment::default();
    linter.open(moment, 1, &leg.headers);
    linter.read(moment, &leg.body);
    let mut parser = Parser::new();
    let mut items = parser.feed(&leg.body);
    // What came before a line that is too long counts.
    while let Ok(Some(item)) = items.next() {
        linter.item(moment, &item);
    }
    linter.lints().to_vec()
}
