//! `JUnit` XML for CI: a test case for each property and threshold, one for the run.
//!
//! What failed is a `failure`. What could not be decided is an `error` and not
//! `skipped`, which CI shows as green: an inconclusive run proves nothing, and
//! its exit code is not 0 either. What does not apply is `skipped`.

use std::io;

use quick_xml::Writer;
use quick_xml::events::BytesText;

use super::check::{Check, CheckResult};
use super::head::Head;
use crate::failure::printable;

/// The suite of a run.
///
/// # Errors
/// None that memory does not have: the writer of XML has a result for files.
pub fn write(head: &Head, checks: &[Check]) -> io::Result<String> {
    let of = |result| checks.iter().filter(|check| check.result == result).count();
    let count = |result| of(result).to_string();
    let time = format!("{:.3}", head.elapsed_us as f64 / 1e6);
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    let suite = writer.create_element("testsuite").with_attributes([
        ("name", format!("sse-bench {}", head.command).as_str()),
        ("tests", checks.len().to_string().as_str()),
        ("failures", count(CheckResult::Failed).as_str()),
        ("errors", count(CheckResult::Undecided).as_str()),
        ("skipped", count(CheckResult::NotApplicable).as_str()),
        ("time", time.as_str()),
        ("timestamp", head.started_at.as_str()),
    ]);
    suite.write_inner_content(|writer| {
        checks
            .iter()
            .try_for_each(|check| case(writer, head, check))
    })?;
    let body = String::from_utf8_lossy(&writer.into_inner()).into_owned();
    Ok(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{body}\n"
    ))
}

fn case(writer: &mut Writer<Vec<u8>>, head: &Head, check: &Check) -> io::Result<()> {
    let class = format!("sse-bench.{}.{}", head.command, check.group);
    let (name, seen) = (allowed(&check.name), allowed(&check.seen));
    let case = writer
        .create_element("testcase")
        .with_attributes([("classname", class.as_str()), ("name", name.as_str())]);
    let element = match check.result {
        CheckResult::Held => "system-out",
        CheckResult::Failed => "failure",
        CheckResult::Undecided => "error",
        CheckResult::NotApplicable => "skipped",
    };
    case.write_inner_content(|writer| {
        let element = writer.create_element(element);
        match check.result {
            CheckResult::Held => element.write_text_content(BytesText::new(&seen)),
            _ => element
                .with_attribute(("message", seen.as_str()))
                .write_empty(),
        }?;
        Ok(())
    })?;
    Ok(())
}

/// Without what no XML may hold (XML 1.0 §2.2).
fn allowed(text: &str) -> String {
    let text = printable(text);
    text.replace(['\u{FFFE}', '\u{FFFF}'], "\u{FFFD}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;
    use crate::report::{Invocation, head};

    #[test]
    fn each_check_is_a_case_and_hostile_text_stays_text() {
        let result = head::Result {
            command: "verify",
            exit: Exit::Violated,
            reason: "lost",
            ending: "duration",
            elapsed: std::time::Duration::from_millis(1500),
            thresholds: &[],
        };
        let head = Head::new(&Invocation::now(), &result);
        let check = |name: &str, result, seen: &str| Check {
            group: "property",
            name: name.to_owned(),
            result,
            seen: seen.to_owned(),
        };
        let checks = [
            check("order", CheckResult::Held, "3 of 3"),
            check("a<b>&\"'", CheckResult::Failed, "\u{0}\u{FFFF}]]><x/>"),
            check("no_stall", CheckResult::Undecided, "why"),
            check("replay", CheckResult::NotApplicable, ""),
        ];
        let xml = write(&head, &checks).unwrap();
        assert!(
            xml.contains(r#"tests="4" failures="1" errors="1" skipped="1" time="1.500""#),
            "{xml}"
        );
        let mut reader = quick_xml::Reader::from_str(&xml);
        let mut elements = vec![];
        loop {
            use quick_xml::events::Event;
            match reader.read_event().unwrap() {
                Event::Start(tag) | Event::Empty(tag) => {
                    elements.push(tag.name().as_ref().to_owned());
                }
                Event::Eof => break,
                _ => {}
            }
        }
        let expected = [
            "testsuite",
            "testcase",
            "system-out",
            "testcase",
            "failure",
            "testcase",
            "error",
            "testcase",
            "skipped",
        ];
        assert_eq!(elements, expected);
    }
}
