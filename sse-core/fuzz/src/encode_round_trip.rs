//! What is encoded is what is parsed, and nothing else is.

use std::time::Duration;

use arbitrary::{Result, Unstructured};
use sse_core::{Event, EventId, EventType};

use crate::model::Caps;
use crate::{drive, encoded};

/// Reads chunk sizes and events from `bytes`.
pub(crate) fn run(bytes: &[u8]) -> Result<()> {
    let mut input = Unstructured::new(bytes);
    let sizes = input.arbitrary::<[u8; 3]>()?.map(usize::from);
    let mut wire = Vec::new();
    let mut expected = Vec::new();
    let mut last_event_id = String::new();
    while !input.is_empty() {
        let event = event(&mut input)?;
        event.encode(&mut wire);
        expected.extend(encoded::seen(&event, &mut last_event_id));
    }
    for chunks in [vec![&wire[..]], drive::cut(&wire, &sizes)] {
        let outcome = drive::read(&chunks, Caps::NONE);
        assert_eq!(outcome.seen, expected);
        assert_eq!(outcome.last_event_id, last_event_id);
        assert_eq!(outcome.cut_off, None);
    }
    Ok(())
}

fn event(input: &mut Unstructured<'_>) -> Result<Event> {
    let parts: u8 = input.arbitrary()?;
    let mut event = Event::default();
    if parts & 1 != 0 {
        event = event.with_data(input.arbitrary::<String>()?);
    }
    if parts & 2 != 0
        && let Ok(id) = EventId::new(input.arbitrary::<String>()?)
    {
        event = event.with_id(id);
    }
    if parts & 4 != 0
        && let Ok(event_type) = EventType::new(input.arbitrary::<String>()?)
    {
        event = event.with_type(event_type);
    }
    if parts & 8 != 0 {
        event = event.with_comment(input.arbitrary::<String>()?);
    }
    if parts & 16 != 0 {
        event = event.with_retry(input.arbitrary::<Duration>()?);
    }
    Ok(event)
}
