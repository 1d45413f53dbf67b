//! The publish body: a JSON object, an array of them, or one on each line.

use std::collections::BTreeMap;
use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::http::problem::Problem;
use crate::hub::Publication;

/// The most events of one body.
const EVENTS_MAX: usize = 10_000;

const FIELDS: &str = "data, event, topic, session, connection, format, ttl, retry, key";

/// All events of a body, or why it holds one that cannot be published, as for
/// more than `max` bytes of data.
pub(super) fn parse(body: &[u8], ndjson: bool, max: usize) -> Result<Vec<Publication>, Problem> {
    let body = body.trim_ascii();
    if ndjson {
        let lines = body.split(|&byte| byte == b'\n').enumerate();
        let lines = lines.filter(|(_, line)| !line.trim_ascii().is_empty());
        return collect(lines.map(|(index, line)| {
            object(line, max).map_err(|problem| problem.within(&format!("line {}", index + 1)))
        }));
    }
    if !body.starts_with(b"[") {
        return Ok(vec![object(body, max)?]);
    }
    let items: Vec<&RawValue> = serde_json::from_slice(body).map_err(|error| malformed(&error))?;
    collect(items.iter().enumerate().map(|(index, item)| {
        let event = object(item.get().as_bytes(), max);
        event.map_err(|problem| problem.within(&format!("event {}", index + 1)))
    }))
}

fn collect(
    events: impl Iterator<Item = Result<Publication, Problem>>,
) -> Result<Vec<Publication>, Problem> {
    let mut all = Vec::new();
    for event in events {
        if all.len() == EVENTS_MAX {
            return Err(Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("more than {EVENTS_MAX} events; publish in several requests"),
            ));
        }
        all.push(event?);
    }
    Ok(all)
}

fn object(json: &[u8], max: usize) -> Result<Publication, Problem> {
    if json.is_empty() {
        return Err(Problem::bad_request(
            r#"the body is empty; send a JSON object such as {"event":"note","data":"hello"}"#,
        ));
    }
    let fields: BTreeMap<String, &RawValue> =
        serde_json::from_slice(json).map_err(|error| malformed(&error))?;
    let mut fields = Fields(fields);
    // The names that other servers use for the same things.
    let event_type = fields.either(&["event", "eventName"])?;
    let session = fields.either(&["session", "sessionId"])?;
    let data = fields.either(&["data", "payload", "message"])?;
    let topic = fields.either(&["topic"])?;
    let connection = fields.either(&["connection"])?;
    let format = fields.either(&["format"])?;
    let time_to_live = fields.either(&["ttl"])?;
    let retry = fields.either(&["retry"])?;
    let key = fields.either(&["key"])?;
    fields.refuse_others()?;

    let data =
        data.ok_or_else(|| Problem::bad_request("`data` is missing; give any JSON value"))?;
    let data = data_text(data, format.map(text).transpose()?.as_deref())?;
    if data.len() > max {
        return Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("`data` is {} bytes long; shorten it to {max}", data.len()),
        ));
    }
    let mut event = Publication::new(data);
    if let Some(name) = event_type {
        event = event
            .with_type(&text(name)?)
            .map_err(|error| invalid(&error))?;
    }
    if let Some(topic) = topic {
        event = event
            .with_topic(&text(topic)?)
            .map_err(|error| invalid(&error))?;
    }
    if let Some(session) = session {
        event = event
            .with_session(&text(session)?)
            .map_err(|error| invalid(&error))?;
    }
    if let Some(connection) = connection {
        event = event
            .with_connection(&text(connection)?)
            .map_err(|error| invalid(&error))?;
    }
    if let Some(field) = time_to_live {
        event = event.with_time_to_live(seconds(field)?);
    }
    if let Some(field) = retry {
        event = event.with_retry(Duration::from_millis(milliseconds(field)?));
    }
    if let Some(key) = key {
        event = event
            .with_key(&text(key)?)
            .map_err(|error| invalid(&error))?;
    }
    Ok(event)
}

type Field<'a> = (&'static str, &'a RawValue);

struct Fields<'a>(BTreeMap<String, &'a RawValue>);

impl<'a> Fields<'a> {
    /// The field under one of its names; `null` is as good as absent, but for
    /// data, where it is a value.
    fn either(&mut self, names: &[&'static str]) -> Result<Option<Field<'a>>, Problem> {
        let mut found: Option<Field<'a>> = None;
        for &name in names {
            let Some(value) = self.0.remove(name) else {
                continue;
            };
            if let Some((other, _)) = found {
                return Err(Problem::bad_request(format!(
                    "`{other}` and `{name}` mean the same; give one of them"
                )));
            }
            found = Some((name, value));
        }
        let is_data = names[0] == "data";
        Ok(found.filter(|(_, value)| is_data || value.get() != "null"))
    }

    fn refuse_others(&self) -> Result<(), Problem> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => Err(Problem::bad_request(format!(
                "`{}` is not a field of an event; the fields are {FIELDS}",
                name.escape_debug()
            ))),
        }
    }
}

fn data_text(field: Field<'_>, format: Option<&str>) -> Result<String, Problem> {
    let (name, value) = field;
    let is_string = value.get().starts_with('"');
    match (format.unwrap_or("auto"), is_string) {
        ("auto" | "string", true) => text(field),
        ("auto" | "json", false) => Ok(compact(value.get())),
        ("string", false) => Err(Problem::bad_request(format!(
            "`{name}` is not a string, which `format` asks for; quote it, or leave out `format`"
        ))),
        ("json", true) => {
            let text = text(field)?;
            match serde_json::from_str::<&RawValue>(&text) {
                Ok(_) => Ok(text),
                Err(error) => Err(Problem::bad_request(format!(
                    "`{name}` is not valid JSON, which `format` asks for: {error}; correct it, or \
                     leave out `format`"
                ))),
            }
        }
        _ => Err(Problem::bad_request(
            "`format` must be `auto`, `json` or `string`",
        )),
    }
}

fn text((name, value): Field<'_>) -> Result<String, Problem> {
    String::deserialize(value)
        .map_err(|_| Problem::bad_request(format!("`{name}` must be a string; quote it")))
}

fn seconds((name, value): Field<'_>) -> Result<Duration, Problem> {
    f64::deserialize(value)
        .ok()
        .filter(|seconds| *seconds > 0.0)
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| {
            Problem::bad_request(format!("`{name}` must be a number of seconds above 0"))
        })
}

fn milliseconds((name, value): Field<'_>) -> Result<u64, Problem> {
    u64::deserialize(value).map_err(|_| {
        Problem::bad_request(format!("`{name}` must be a whole number of milliseconds"))
    })
}

/// Valid JSON without the white space between its tokens; numbers stay as they
/// were written.
fn compact(json: &str) -> String {
    let mut in_string = false;
    let mut escaped = false;
    json.chars()
        .filter(|&character| {
            if in_string {
                in_string = escaped || character != '"';
                escaped = !escaped && character == '\\';
                return true;
            }
            in_string = character == '"';
            !matches!(character, ' ' | '\t' | '\n' | '\r')
        })
        .collect()
}

fn malformed(error: &serde_json::Error) -> Problem {
    let detail = match error.classify() {
        serde_json::error::Category::Data => {
            format!("an event must be a JSON object such as {{\"data\":\"hello\"}}: {error}")
        }
        _ => format!("the body is not valid JSON: {error}; correct it there"),
    };
    Problem::bad_request(detail)
}

fn invalid(error: &crate::hub::InvalidPublication) -> Problem {
    Problem::bad_request(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT_MAX: usize = 1 << 20;

    fn data(json: &str) -> String {
        parse(json.as_bytes(), false, EVENT_MAX).unwrap()[0]
            .data()
            .to_owned()
    }

    fn refusal(json: &str) -> String {
        parse(json.as_bytes(), false, EVENT_MAX)
            .unwrap_err()
            .detail()
            .to_owned()
    }

    #[test]
    fn the_table_of_data() {
        for (json, expected) in [
            (r#"{"data":"a\nb"}"#, "a\nb"),
            (r#"{"data":""}"#, ""),
            (r#"{"data":null}"#, "null"),
            (r#"{"data":1.0e5}"#, "1.0e5"),
            (r#"{"data":123456789012345678901}"#, "123456789012345678901"),
            (
                r#"{"data":{ "b" : [ 1, 2 ],"a":"x \" y"}}"#,
                r#"{"b":[1,2],"a":"x \" y"}"#,
            ),
            (r#"{"data":["\\", 1]}"#, r#"["\\",1]"#),
            (r#"{"payload":true}"#, "true"),
            (r#"{"message":"hi"}"#, "hi"),
            (
                r#"{"data":"{ \"a\": 1 }","format":"json"}"#,
                r#"{ "a": 1 }"#,
            ),
            (r#"{"data":"plain","format":"string"}"#, "plain"),
            (r#"  {"data":"x","event":null} "#, "x"),
        ] {
            assert_eq!(data(json), expected, "{json}");
        }
    }

    #[test]
    fn a_refusal_names_the_field() {
        for (json, needle) in [
            ("", "empty"),
            ("{", "not valid JSON"),
            ("7", "JSON object"),
            (r#""text""#, "JSON object"),
            ("{}", "`data` is missing"),
            (r#"{"data":1,"topc":"a"}"#, "`topc`"),
            (r#"{"data":1,"event":"a\nb"}"#, "`event`"),
            (r#"{"data":1,"event":"a\u0000b"}"#, "`event`"),
            (r#"{"data":1,"event":"gap"}"#, "`event` may not be `gap`"),
            (r#"{"data":1,"eventName":"connected"}"#, "`connected`"),
            (r#"{"data":1,"event":5}"#, "`event` must be a string"),
            (r#"{"data":1,"topic":""}"#, "`topic` may not be empty"),
            (r#"{"data":1,"topic":"a.*"}"#, "`topic`"),
            (r#"{"data":1,"session":"a\rb"}"#, "`session`"),
            (r#"{"data":1,"ttl":-1}"#, "`ttl`"),
            (r#"{"data":1,"retry":"soon"}"#, "`retry`"),
            (r#"{"data":1,"key":7}"#, "`key` must be a string"),
            (r#"{"data":1,"key":""}"#, "`key` may not be empty"),
            (r#"{"data":1,"format":"xml"}"#, "`format`"),
            (
                r#"{"data":"{","format":"json"}"#,
                "`data` is not valid JSON",
            ),
            (r#"{"data":1,"format":"string"}"#, "`data` is not a string"),
            (r#"{"data":1,"payload":2}"#, "`data` and `payload`"),
            (r#"[{"data":1},{"data":1,"event":7}]"#, "event 2: `event`"),
        ] {
            let detail = refusal(json);
            assert!(detail.contains(needle), "{json}: {detail}");
        }
        let long = format!(r#"{{"data":1,"event":"{}"}}"#, "x".repeat(257));
        assert!(refusal(&long).contains("`event` is 257 bytes"));
        let large = format!(r#"{{"data":"{}"}}"#, "x".repeat(EVENT_MAX + 1));
        assert!(refusal(&large).contains("`data` is 1048577 bytes"));
    }

    #[test]
    fn many_come_as_an_array_or_as_lines() {
        assert_eq!(
            parse(br#"[{"data":1},{"data":2}]"#, false, EVENT_MAX)
                .unwrap()
                .len(),
            2
        );
        assert_eq!(parse(b"[]", false, EVENT_MAX).unwrap().len(), 0);
        let lines = b"{\"data\":1}\r\n\n{\"data\":2}\n";
        assert_eq!(parse(lines, true, EVENT_MAX).unwrap().len(), 2);
        let problem = parse(b"{\"data\":1}\n\n{", true, EVENT_MAX).unwrap_err();
        assert!(
            problem.detail().starts_with("line 3: "),
            "{}",
            problem.detail()
        );
        let many = format!("[{}{{\"data\":1}}]", "{\"data\":1},".repeat(EVENTS_MAX));
        assert_eq!(
            parse(many.as_bytes(), false, EVENT_MAX)
                .unwrap_err()
                .status(),
            StatusCode::PAYLOAD_TOO_LARGE
        );
    }
}
