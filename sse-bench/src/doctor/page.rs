//! The page about an endpoint.

use std::fmt::Write;

use serde::Serialize;

use super::finding::{Finding, Grade};
use crate::exit::Exit;
use crate::report::{Format, Render};

/// Columns of the text.
const WIDTH: usize = 100;
/// Where the words begin.
const INDENT: usize = 23;

/// One endpoint.
#[derive(Debug, Serialize)]
pub struct Page {
    pub schema: u32,
    pub command: &'static str,
    /// `pass` without a problem, `fail` with one, else `inconclusive`.
    pub verdict: &'static str,
    pub reason: String,
    pub exit_code: u8,
    /// Without what may be a secret.
    pub url: String,
    pub method: String,
    pub watched_us: u64,
    pub connect_us: Option<u64>,
    pub head_us: Option<u64>,
    pub first_event_us: Option<u64>,
    pub events: u64,
    pub event_types: Vec<String>,
    pub comments: u64,
    pub longest_silence_us: u64,
    pub findings: Vec<Finding>,
    #[serde(skip)]
    pub exit: Exit,
}

impl Page {
    fn count(&self, grade: Grade) -> usize {
        let findings = self.findings.iter();
        findings.filter(|finding| finding.grade == grade).count()
    }

    /// The findings in a sentence.
    pub(super) fn sum(findings: &[Finding]) -> String {
        let count = |grade| findings.iter().filter(|f| f.grade == grade).count();
        let words = |number: usize, name: &str| match number {
            0 => None,
            1 => Some(format!("1 {name}")),
            number => Some(format!("{number} {name}s")),
        };
        let parts: Vec<_> = [Grade::Problem, Grade::Warning, Grade::Note]
            .into_iter()
            .filter_map(|grade| words(count(grade), grade.name()))
            .collect();
        if parts.is_empty() {
            "nothing to mend".to_owned()
        } else {
            parts.join(", ")
        }
    }
}

impl Render for Page {
    const FORMATS: &'static [Format] = &[Format::Text, Format::Json];

    fn text(&self) -> String {
        let mut out = String::new();
        let _ = writeln!(
            out,
            "{}: {}\n",
            self.exit.verdict().to_uppercase(),
            self.reason
        );
        let _ = writeln!(out, "{} {}\n", self.method, self.url);
        for finding in &self.findings {
            let (grade, area) = (finding.grade.name(), finding.area.name());
            let _ = write!(out, "  {grade:<8} {area:<11} ");
            wrapped(&mut out, &finding.what);
            if !finding.evidence.is_empty() {
                let _ = write!(out, "{:INDENT$}", "");
                wrapped(&mut out, &finding.evidence);
            }
            let mend = finding.mend.filter(|_| finding.grade > Grade::Ok);
            if let Some(mend) = mend {
                let source = finding.source.map(|source| format!(" ({source})"));
                let _ = write!(out, "{:INDENT$}", "");
                wrapped(
                    &mut out,
                    &format!("-> {mend}{}", source.unwrap_or_default()),
                );
            }
        }
        if self.count(Grade::Ok) == self.findings.len() {
            let _ = writeln!(out, "\n  nothing to mend");
        }
        out
    }

    fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self)
    }
}

/// Words from the indent on, in as many lines as they need.
fn wrapped(out: &mut String, text: &str) {
    let mut column = INDENT;
    for (number, word) in text.split(' ').enumerate() {
        let length = word.chars().count();
        if number > 0 && column + 1 + length > WIDTH {
            let _ = write!(out, "\n{:INDENT$}", "");
            column = INDENT;
        } else if number > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out.push('\n');
}
