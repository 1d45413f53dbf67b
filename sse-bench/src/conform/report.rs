//! The report: for people, as JSON, as `JUnit` XML.

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

/// What was found, and what of it was expected.
#[derive(Debug)]
pub(crate) struct Report {
    command: String,
    findings: Vec<(Finding, Known)>,
    interrupted: bool,
}

/// What `--expected-failures` makes of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// It is not named.
    No,
    /// Named, and failed.
    Expected,
    /// Named, and did not fail.
    Stale,
}

impl Report {
    pub(crate) fn new(
        command: &[String],
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
            command: command.join(" "),
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
        }
    }

    fn count(&self, grade: Grade) -> usize {
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

    fn text(&self) -> String {
        let mut text = String::new();
        let verdict = match self.exit() {
            Exit::Interrupted => "INTERRUPTED",
            Exit::NeverReached => "NEVER REACHED: the client made no request",
            Exit::Violated => "FAIL",
            _ => "PASS",
        };
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
            "client: {}\n",
            crate::failure::printable(&self.command)
        );
        for (finding, known) in &self.findings {
            let known = match known {
                Known::No => "",
                Known::Expected => " (expected)",
                Known::Stale => " (stale: --expected-failures names it)",
            };
            let grade = finding.verdict.grade;
            let _ = writeln!(
                text,
                "{grade:<15}{:<32}{}{known}",
                finding.name, finding.about
            );
            if !finding.verdict.seen.is_empty() {
                let _ = writeln!(text, "{:<15}{:<32}  {}", "", "", finding.verdict.seen);
            }
        }
        text
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
            "client": self.command,
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
        let suite = writer.create_element("testsuite").with_attributes([
            ("name", "sse-bench conform client"),
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
                    .with_attributes([("classname", "conform.client"), ("name", name.as_str())]);
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

fn key(grade: Grade) -> String {
    grade.to_string().replace([' ', '-'], "_")
}
