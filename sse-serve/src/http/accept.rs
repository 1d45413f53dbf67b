//! Content negotiation (RFC 9110 §12.5.1).

use http::HeaderMap;
use http::header::ACCEPT;
use mime::Mime;

/// Whether `Accept` lets an event stream pass: absent or empty, or by its most
/// specific media range that matches with a weight above 0.
pub(super) fn allows_event_stream(headers: &HeaderMap) -> bool {
    let ranges: Vec<&str> = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|range| !range.is_empty())
        .collect();
    ranges.is_empty()
        || ranges
            .iter()
            .filter_map(|range| weigh(range))
            .max_by_key(|(specificity, _)| *specificity)
            .is_some_and(|(_, weight)| weight > 0.0)
}

/// How specifically a range matches, and its weight; `None` if it does not.
fn weigh(range: &str) -> Option<(u8, f32)> {
    let range: Mime = range.parse().ok()?;
    let specificity = match (range.type_().as_str(), range.subtype().as_str()) {
        ("text", "event-stream") => 2,
        ("text", "*") => 1,
        ("*", "*") => 0,
        _ => return None,
    };
    let weight = match range.get_param("q") {
        Some(weight) => weight.as_str().parse().ok()?,
        None => 1.0,
    };
    Some((specificity, weight))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_accept_headers() {
        #[rustfmt::skip]
        let table: &[(&[&str], bool)] = &[
            (&[], true),
            (&[""], true),
            (&["*/*"], true),
            (&["text/event-stream"], true),
            (&["TEXT/Event-Stream"], true),
            (&["text/event-stream;charset=utf-8"], true),
            (&["text/*"], true),
            (&["text/html"], false),
            (&["text/html, text/event-stream;q=0.1"], true),
            (&["text/html", "text/event-stream"], true),
            (&["text/html,application/xhtml+xml,*/*;q=0.8"], true),
            (&["text/event-stream;q=0"], false),
            (&["*/*, text/event-stream;q=0"], false),
            (&["text/event-stream, */*;q=0"], true),
            (&["application/json"], false),
            (&["nonsense"], false),
        ];
        for (values, allowed) in table {
            let mut headers = HeaderMap::new();
            for value in *values {
                headers.append(ACCEPT, value.parse().unwrap());
            }
            assert_eq!(allows_event_stream(&headers), *allowed, "{values:?}");
        }
    }
}
