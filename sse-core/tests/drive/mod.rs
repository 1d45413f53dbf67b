//! Runs the parser and writes down what it said, in the words of the model.

use sse_core::{Ignored, Item, Limit, LimitExceeded, Limits, Parser, Unfinished};

use crate::model::{Cap, Caps, CutOff, Outcome, Seen};

/// Reads one response that arrives in these chunks.
pub(crate) fn read(chunks: &[&[u8]], caps: Caps) -> Outcome {
    read_with(&mut parser(caps), chunks)
}

/// A parser with these caps.
pub(crate) fn parser(caps: Caps) -> Parser {
    Parser::with_limits(
        Limits::default()
            .line(caps.line)
            .field(caps.field)
            .event(caps.event),
    )
}

/// Reads one response with a parser that may have read others before.
pub(crate) fn read_with(parser: &mut Parser, chunks: &[&[u8]]) -> Outcome {
    let mut outcome = Outcome::default();
    let mut offset = 0;
    for chunk in chunks {
        let mut items = parser.feed(chunk);
        loop {
            match items.next() {
                Ok(None) => {
                    assert_eq!(items.position(), chunk.len(), "all of a chunk is read");
                    break;
                }
                Ok(Some(item)) => {
                    outcome.seen.push(own(&item));
                    outcome.ends.push(offset + items.position());
                }
                Err(error) => {
                    if let Some(first) = outcome.error {
                        assert_eq!(first, cap(error), "an error stays the same");
                    }
                    outcome.error = Some(cap(error));
                    assert_eq!(items.next(), Err(error), "an error is final");
                    break;
                }
            }
        }
        offset += chunk.len();
    }
    let unfinished = parser.finish();
    if outcome.error.is_none() {
        outcome.cut_off = cut_off(unfinished);
    }
    parser
        .last_event_id()
        .clone_into(&mut outcome.last_event_id);
    outcome
}

/// Asserts that the parser said what the model said. A CRLF may count as
/// read after either of its bytes.
pub(crate) fn assert_same(input: &[u8], model: &Outcome, parser: &Outcome) {
    for (index, (expected, seen)) in model.seen.iter().zip(&parser.seen).enumerate() {
        assert_eq!(expected, seen, "item {index}");
    }
    assert_eq!(model.seen.len(), parser.seen.len(), "number of items");
    for (index, (&expected, &end)) in model.ends.iter().zip(&parser.ends).enumerate() {
        let after_crlf = input[..end].ends_with(b"\r\n") && expected + 1 == end;
        assert!(
            expected == end || after_crlf,
            "item {index} ends at {expected}, not {end}"
        );
    }
    assert_eq!(model.error, parser.error, "error");
    assert_eq!(model.cut_off, parser.cut_off, "cut off by the end");
    assert_eq!(model.last_event_id, parser.last_event_id, "last event ID");
}

/// Cuts `input` into chunks of these sizes, over and over. Zeros give empty
/// chunks; sizes that are all zero leave it whole.
pub(crate) fn cut<'a>(input: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    if sizes.iter().all(|&size| size == 0) {
        return vec![input];
    }
    let mut chunks = Vec::new();
    let mut rest = input;
    for &size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (chunk, after) = rest.split_at(size.min(rest.len()));
        chunks.push(chunk);
        rest = after;
    }
    chunks
}

/// An item in the words of the model.
pub(crate) fn own(item: &Item<'_>) -> Seen {
    match *item {
        Item::Event(event) => Seen::Event {
            event_type: event.event_type.to_owned(),
            data: event.data.to_owned(),
            last_event_id: event.last_event_id.to_owned(),
            has_id: event.has_id(),
        },
        Item::Comment(text) => Seen::Comment(text.to_owned()),
        Item::Retry(time) => Seen::Retry(time),
        Item::Ignored(Ignored::UnknownField { name }) => Seen::UnknownField(name.to_owned()),
        Item::Ignored(Ignored::InvalidRetry { value }) => Seen::InvalidRetry(value.to_owned()),
        Item::Ignored(Ignored::NulInId) => Seen::NulInId,
        Item::Ignored(Ignored::NoData(block)) => {
            assert_eq!(block.data, "");
            Seen::NoData {
                event_type: block.event_type.to_owned(),
                has_id: block.has_id(),
                last_event_id: block.last_event_id.to_owned(),
            }
        }
        other => panic!("an item that the model does not know: {other:?}"),
    }
}

/// What the end cut off, in the words of the model.
pub(crate) fn cut_off(unfinished: Option<Unfinished>) -> Option<CutOff> {
    unfinished.map(|cut| CutOff {
        line: cut.line,
        data: cut.data,
        has_data: cut.has_data,
    })
}

/// The cap that an error names.
pub(crate) fn cap(error: LimitExceeded) -> Cap {
    match error.limit {
        Limit::Line => Cap::Line,
        Limit::Field => Cap::Field,
        Limit::Event => Cap::Event,
        other => panic!("a limit that the model does not know: {other:?}"),
    }
}
