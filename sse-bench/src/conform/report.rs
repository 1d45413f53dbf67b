//! The report: for people, as JSON, as `JUnit` XML; [`page`](super::page) is the one
//! for browsers.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io;

use anyhow::Result;
use quick_xml::Writer;
use quick_xml::events::BytesText;
use serde_json::{Map, Value, json};

use super::args::Format;
use super::expected::Expected;
use super::grade::{Finding, Grade};
use crate::exit::Exit;

/// So many checks that cannot be made for one reason are one line for people.
const MANY_ALIKE: usize = 10;

/// What was found, and what of it was expected.
#[derive(Debug)]
pub(crate) struct Report {
    pub(super) side: Side,
    pub(super) findings: Vec<(Finding, Known)>,
    interrupted: bool,
}

/// Who was checked.
#[derive(Debug)]
pub(crate) enum Side {
    /// The command of a client.
    Client(String),
    /// The URL of a server.
    Server(String),
}

impl Side {
    /// What it is, in lower case.
    pub(super) const fn what(&self) -> &'static str {
        match self {
            Self::Client(_) => "client",
            Self::Server(_) => "server",
        }
    }

    pub(super) fn name(&self) -> &str {
        let (Self::Client(name) | Self::Server(name)) = self;
        name
    }

    const fn never_reached(&self) -> &'static str {
        match self {
            Self::Client(_) => "NEVER REACHED: the client made no request",
            Self::Server(_) => "NEVER REACHED: the server never answered",
        }
    }
}

/// What `--expected-failures` makes of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// It is not named.
    No,
    /// Named, and failed.
    Expected,
    /// Named, and did not fail.
    Stale,
}

impl Known {
    /// What a person is told of it.
    pub(super) const fn note(self) -> &'static str {
        match self {
            Self::No => "",
            Self::Expected => " (expected)",
            Self::Stale => " (stale: --expected-failures names it)",
        }
    }
}

impl Report {
    pub(crate) fn new(
        side: Side,
        findings: Vec<Finding>,
        expected: &Expected,
        interrupted: bool,
    ) -> Self {
        let findings = findings.into_iter().map(|finding| {
            let known = match finding.verdict.grade {
                _ if !expected.holds(&finding.name) => Known::No,
                Grade::Failed => Known::Expected,
                _ => Known::Stale,
            };
            (finding, known)
        });
        Self {
            side,
            findings: findings.collect(),
            interrupted,
        }
    }

    pub(crate) fn exit(&self) -> Exit {
        let bad = self
            .findings
            .iter()
            .any(|(finding, known)| is_bad(finding, *known));
        let reached = self.findings.iter().any(|(finding, _)| finding.reached);
        if self.interrupted {
            Exit::Interrupted
        } else if !reached {
            Exit::NeverReached
        } else if bad {
            Exit::Violated
        } else {
            Exit::Pass
        }
    }

    pub(crate) fn render(&self, format: Format) -> Result<String> {
        match format {
            Format::Text => Ok(self.text()),
            Format::Json => Ok(format!("{:#}\n", self.json())),
            Format::Junit => Ok(self.junit()?),
            Format::Html => Ok(super::page::render(self)),
        }
    }

    pub(super) fn count(&self, grade: Grade) -> usize {
        let graded = self.findings.iter();
        graded
            .filter(|(finding, _)| finding.verdict.grade == grade)
            .count()
    }

    fn known(&self, wanted: Known) -> usize {
        self.findings
            .iter()
            .filter(|(_, known)| *known == wanted)
            .count()
    }

    /// In capitals.
    pub(super) fn verdict(&self) -> &'static str {
        match self.exit() {
            Exit::Interrupted => "INTERRUPTED",
            Exit::NeverReached => self.side.never_reached(),
            Exit::Violated => "FAIL",
            _ => "PASS",
        }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        let verdict = self.verdict();
        let counts: Vec<_> = Grade::ALL
            .iter()
            .map(|grade| format!("{} {grade}", self.count(*grade)))
            .collect();
        let _ = writeln!(text, "{verdict}  {}", counts.join(", "));
        let (expected, stale) = (self.known(Known::Expected), self.known(Known::Stale));
        if expected + stale > 0 {
            let _ = writeln!(text, "expected failures: {expected}, stale: {stale}");
        }
        let _ = writeln!(
            text,
            "{}: {}\n",
            self.side.what(),
            crate::failure::printable(self.side.name())
        );
        let names = self.findings.iter().map(|(finding, _)| finding.name.len());
        let width = names.max().unwrap_or_default() + 2;
        let mut told = BTreeSet::new();
        for (finding, known) in &self.findings {
            let (grade, seen) = (finding.verdict.grade, &finding.verdict.seen);
            let alike = self.alike(finding);
            if alike >= MANY_ALIKE && *known == Known::No {
                if told.insert(seen) {
                    let _ = writeln!(text, "{grade:<15}{alike} checks: {seen}");
                }
                continue;
            }
            let known = known.note();
            let (name, about) = (&finding.name, &finding.about);
            let _ = writeln!(text, "{grade:<15}{name:<width$}{about}{known}");
            if !seen.is_empty() {
                let _ = writeln!(text, "{:<15}{:<width$}  {seen}", "", "");
            }
            if matches!(grade, Grade::Failed | Grade::NonStrict) {
                let _ = writeln!(text, "{:<15}{:<width$}  rule: {}", "", "", finding.rule);
            }
        }
        text
    }

    /// How many checks cannot be made for the same reason.
    fn alike(&self, finding: &Finding) -> usize {
        if finding.verdict.grade != Grade::NotApplicable {
            return 0;
        }
        let all = self.findings.iter();
        all.filter(|(other, known)| *known == Known::No && other.verdict == finding.verdict)
            .count()
    }

    fn json(&self) -> Value {
        let counts: Map<String, Value> = Grade::ALL
            .iter()
            .map(|grade| (key(*grade), json!(self.count(*grade))))
            .collect();
        let checks: Vec<Value> = self
            .findings
            .iter()
            .map(|(finding, known)| {
                json!({
                    "name": finding.name,
                    "about": finding.about,
                    "rule": finding.rule,
                    "grade": key(finding.verdict.grade),
                    "seen": finding.verdict.seen,
                    "expected_failure": *known != Known::No,
                    "stale": *known == Known::Stale,
                })
            })
            .collect();
        json!({
            "schema": 1,
            "verdict": self.exit().verdict(),
            "exit_code": self.exit().code(),
            (self.side.what()): self.side.name(),
            "counts": counts,
            "checks": checks,
        })
    }

    fn junit(&self) -> io::Result<String> {
        let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
        let failures = self
            .findings
            .iter()
            .filter(|(finding, known)| is_bad(finding, *known))
            .count();
        let what = self.side.what();
        let (suite_name, class) = (
            format!("sse-bench conform {what}"),
            format!("conform.{what}"),
        );
        let suite = writer.create_element("testsuite").with_attributes([
            ("name", suite_name.as_str()),
            ("tests", self.findings.len().to_string().as_str()),
            ("failures", failures.to_string().as_str()),
            (
                "skipped",
                self.count(Grade::NotApplicable).to_string().as_str(),
            ),
        ]);
        suite.write_inner_content(|writer| {
            for (finding, known) in &self.findings {
                let name = format!("{}: {}", finding.name, finding.about);
                let case = writer
                    .create_element("testcase")
                    .with_attributes([("classname", class.as_str()), ("name", name.as_str())]);
                let grade = finding.verdict.grade.to_string();
                let seen = finding.verdict.seen.as_str();
                case.write_inner_content(|writer| {
                    let element = if *known == Known::Stale {
                        let message = "named by --expected-failures, but it did not fail";
                        let element = writer.create_element("failure");
                        element.with_attribute(("message", message))
                    } else if is_bad(finding, *known) {
                        let element = writer.create_element("failure");
                        element.with_attribute(("message", seen))
                    } else if finding.verdict.grade == Grade::NotApplicable {
                        let element = writer.create_element("skipped");
                        element.with_attribute(("message", seen))
                    } else {
                        let text = format!("{grade} {seen}");
                        let element = writer.create_element("system-out");
                        element.write_text_content(BytesText::new(text.trim()))?;
                        return Ok(());
                    };
                    element.write_empty()?;
                    Ok(())
                })?;
            }
            Ok(())
        })?;
        let body = String::from_utf8_lossy(&writer.into_inner()).into_owned();
        Ok(format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{body}\n"
        ))
    }
}

fn is_bad(finding: &Finding, known: Known) -> bool {
    known == Known::Stale || (known == Known::No && finding.verdict.grade == Grade::Failed)
}

pub(super) fn key(grade: Grade) -> String {
    grade.to_string().replace([' ', '-'], "_")
}
