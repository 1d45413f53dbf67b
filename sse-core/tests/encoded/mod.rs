//! What a client sees of an encoded event.

use std::time::Duration;

use sse_core::{Event, EventType};

use crate::model::Seen;

/// All that a client may see of the event, and the last event ID after it.
pub(crate) fn seen(event: &Event, last_event_id: &mut String) -> Vec<Seen> {
    let mut seen = Vec::new();
    if let Some(comment) = event.comment() {
        let lines = normalised(comment);
        seen.extend(lines.split('\n').map(|line| Seen::Comment(line.to_owned())));
    }
    if let Some(id) = event.id() {
        id.as_str().clone_into(last_event_id);
    }
    if let Some(retry) = event.retry() {
        let millis = u64::try_from(retry.as_millis()).unwrap_or(u64::MAX);
        seen.push(Seen::Retry(Duration::from_millis(millis)));
    }
    let name = event.event_type().map_or("", EventType::as_str);
    let event_type = if name.is_empty() { "message" } else { name }.to_owned();
    if let Some(data) = event.data() {
        seen.push(Seen::Event {
            event_type,
            data: normalised(data),
            last_event_id: last_event_id.clone(),
            has_id: event.id().is_some(),
        });
    } else if event.id().is_some() || !name.is_empty() {
        seen.push(Seen::NoData {
            event_type,
            has_id: event.id().is_some(),
            last_event_id: last_event_id.clone(),
        });
    }
    seen
}

/// CR, LF and CRLF are line ends, and a client receives each as LF.
fn normalised(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}
