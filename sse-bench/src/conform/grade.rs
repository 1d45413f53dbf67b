//! Grades, and what was found.

use std::fmt;

/// How a check went, from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grade {
    Ok,
    NonStrict,
    Informational,
    NotApplicable,
    Failed,
}

impl Grade {
    pub(crate) const ALL: [Self; 5] = [
        Self::Ok,
        Self::NonStrict,
        Self::Informational,
        Self::NotApplicable,
        Self::Failed,
    ];
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::NonStrict => "non-strict",
            Self::Informational => "informational",
            Self::NotApplicable => "not applicable",
            Self::Failed => "failed",
        })
    }
}

/// A grade and its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) grade: Grade,
    /// What was seen; empty where all was as it should be.
    pub(crate) seen: String,
}

/// `Err` where a check could not be carried through to its end.
pub(crate) type Outcome = Result<Verdict, Verdict>;

impl Verdict {
    pub(crate) fn new(grade: Grade, seen: impl fmt::Display) -> Self {
        let seen = crate::failure::printable(&seen.to_string());
        Self { grade, seen }
    }

    pub(crate) fn ok() -> Self {
        Self::new(Grade::Ok, "")
    }

    pub(crate) fn failed(seen: impl fmt::Display) -> Self {
        Self::new(Grade::Failed, seen)
    }

    pub(crate) fn non_strict(seen: impl fmt::Display) -> Self {
        Self::new(Grade::NonStrict, seen)
    }

    pub(crate) fn informational(seen: impl fmt::Display) -> Self {
        Self::new(Grade::Informational, seen)
    }

    pub(crate) fn not_applicable(why: impl fmt::Display) -> Self {
        Self::new(Grade::NotApplicable, why)
    }
}

/// A check that was made.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    /// `C04/205`, `vector/pub-bom`.
    pub(crate) name: String,
    /// What must be seen.
    pub(crate) about: String,
    /// Where that is from: a section of a standard, or practice.
    pub(crate) rule: String,
    pub(crate) verdict: Verdict,
    /// Whether the other side spoke HTTP.
    pub(crate) reached: bool,
}
