//! A linter stays small and shows nothing that a terminal obeys, whatever it is told.

use std::time::Duration;

use arbitrary::{Result, Unstructured};
use http::{HeaderMap, HeaderName, HeaderValue};
use sse_core::lint::{LintKind, Linter, Moment};
use sse_core::{Cause, Parser};

const NAMES: [&str; 5] = [
    "content-type",
    "cache-control",
    "content-encoding",
    "server",
    "age",
];

/// Reads what happens, and when, from `bytes`; what is left is one last read.
pub(crate) fn run(bytes: &[u8]) -> Result<()> {
    let mut input = Unstructured::new(bytes);
    let (mut linter, mut parser) = (Linter::new(), Parser::new());
    let mut moment = Moment::default();
    for _ in 0..input.arbitrary::<u8>()? {
        moment.at += Duration::from_millis(input.arbitrary::<u16>()?.into());
        moment.place += 1;
        match input.arbitrary::<u8>()? % 6 {
            0 => linter.request(moment),
            1 => {
                let mut headers = HeaderMap::new();
                for name in NAMES {
                    let length = usize::from(input.arbitrary::<u8>()? % 32);
                    if let Ok(value) = HeaderValue::from_bytes(input.bytes(length)?) {
                        headers.insert(HeaderName::from_static(name), value);
                    }
                }
                linter.open(moment, 1, &headers);
            }
            2 => linter.open_plain(moment, 2),
            3 => linter.time(moment.at),
            4 => linter.end(moment, &Cause::EndOfStream, parser.finish()),
            _ => {
                let length = input.arbitrary::<u8>()?.into();
                read(&mut linter, &mut parser, moment, input.bytes(length)?);
            }
        }
    }
    read(&mut linter, &mut parser, moment, input.take_rest());
    assert!(linter.lints().len() <= LintKind::ALL.len());
    for lint in linter.lints() {
        assert!(lint.evidence.chars().count() <= 400, "{lint:?}");
        assert!(!lint.evidence.chars().any(char::is_control), "{lint:?}");
        assert!(lint.count > 0 && lint.first.moment.at <= lint.last.moment.at);
    }
    Ok(())
}

fn read(linter: &mut Linter, parser: &mut Parser, moment: Moment, bytes: &[u8]) {
    linter.read(moment, bytes);
    let mut items = parser.feed(bytes);
    while let Ok(Some(item)) = items.next() {
        linter.item(moment, &item);
    }
}
