//! What the doctor has to say about one thing.

use serde::Serialize;
use sse_core::lint::{Lint, LintKind, Severity};

/// How bad it is; the later the worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// As it should be.
    Ok,
    /// Good to know.
    Note,
    /// It works here, and will not work somewhere else or some day.
    Warning,
    /// Something is lost or ignored, or there is no event stream.
    Problem,
}

impl Grade {
    /// One word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

/// What a finding is about, in the order of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Area {
    /// Status, type, end.
    Answer,
    /// What caches may do.
    Cache,
    /// Whether events wait on the way.
    Flush,
    /// Content codings.
    Compression,
    /// What fills silence.
    Heartbeat,
    /// Ids of events.
    Ids,
    /// The reconnection time.
    Retry,
    /// What a reconnect gets.
    Resume,
    /// What a reconnect gets that comes too late.
    Expired,
    /// Fields and characters.
    Text,
    /// Pages of other origins.
    Cors,
    /// Versions of HTTP.
    Http,
}

impl Area {
    /// One word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Cache => "cache",
            Self::Flush => "flush",
            Self::Compression => "compression",
            Self::Heartbeat => "heartbeat",
            Self::Ids => "ids",
            Self::Retry => "retry",
            Self::Resume => "resume",
            Self::Expired => "expired id",
            Self::Text => "text",
            Self::Cors => "cors",
            Self::Http => "http",
        }
    }

    fn of(kind: LintKind) -> Self {
        use LintKind as K;
        match kind {
            K::Cacheable | K::FromCache => Self::Cache,
            K::NginxBuffering | K::LateHead | K::Buffering => Self::Flush,
            K::Compressed => Self::Compression,
            K::NoHeartbeat => Self::Heartbeat,
            K::NoIds
            | K::IdRepeated
            | K::IdBackwards
            | K::IdSpaces
            | K::IdLong
            | K::IdUnsendable
            | K::IdNotAscii
            | K::IdNul
            | K::IdReset => Self::Ids,
            K::NoRetry | K::RetryShort | K::RetryLong | K::RetryInvalid => Self::Retry,
            K::UnknownField
            | K::Bom
            | K::InvalidUtf8
            | K::BareCr
            | K::MixedLineEnds
            | K::NoData
            | K::TypeSpaces => Self::Text,
            _ => Self::Answer,
        }
    }
}

/// One finding, with its evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad.
    pub grade: Grade,
    /// About what.
    pub area: Area,
    /// The name of the lint, where it is one.
    pub lint: Option<&'static str>,
    /// In a few words.
    pub what: String,
    /// What was seen.
    pub evidence: String,
    /// What mends it.
    pub mend: Option<&'static str>,
    /// Where the rule is said.
    pub source: Option<&'static str>,
}

impl Finding {
    /// A finding without a mend: nothing is to be done.
    pub fn new(grade: Grade, area: Area, what: &str, evidence: impl Into<String>) -> Self {
        Self {
            grade,
            area,
            lint: None,
            what: printable(what.to_owned()),
            evidence: printable(evidence.into()),
            mend: None,
            source: None,
        }
    }

    /// With what mends it, and where the rule is said.
    #[must_use]
    pub fn mend(mut self, mend: &'static str, source: &'static str) -> Self {
        (self.mend, self.source) = (Some(mend), Some(source));
        self
    }
}

/// Without what a terminal would obey.
fn printable(text: String) -> String {
    if text.contains(char::is_control) {
        text.replace(char::is_control, "\u{fffd}")
    } else {
        text
    }
}

impl From<&Lint> for Finding {
    fn from(lint: &Lint) -> Self {
        let evidence = match lint.count {
            0 | 1 => lint.evidence.clone(),
            count => format!("{} ({count} times)", lint.evidence),
        };
        Self {
            grade: match lint.severity {
                Severity::Note => Grade::Note,
                Severity::Warning => Grade::Warning,
                Severity::Error => Grade::Problem,
            },
            area: Area::of(lint.kind),
            lint: Some(lint.kind.name()),
            what: lint.kind.title().to_owned(),
            evidence,
            mend: Some(lint.kind.mend()),
            source: Some(lint.kind.source()),
        }
    }
}
