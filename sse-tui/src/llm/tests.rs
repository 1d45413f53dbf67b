//! Payloads in the shapes that the public APIs document.

use super::*;

fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(1_773_500_966_000 + milliseconds).unwrap()
}

/// An event every 20 ms.
fn document(events: &[&str]) -> Document {
    let mut document = Document::new(None);
    feed(&mut document, events);
    document
}

fn feed(document: &mut Document, events: &[&str]) {
    for event in events {
        let row = document.events.0;
        document.event(row, at(20 * row.cast_signed()), event);
    }
}

fn parts(document: &Document) -> Vec<(Kind, u32, &str)> {
    let part = |part: &'_ Part| (part.kind, part.choice);
    document
        .parts
        .iter()
        .map(|p| (part(p).0, part(p).1, p.text.as_str()))
        .collect()
}

const CHAT: [&str; 6] = [
    r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1694268190,"model":"gpt-4o-mini","system_fingerprint":"fp_44709d6fcb","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]}"#,
    r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1694268190,"model":"gpt-4o-mini","choices":[{"index":0,"delta":{"content":"Hel"},"logprobs":null,"finish_reason":null}]}"#,
    r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1694268190,"model":"gpt-4o-mini","choices":[{"index":0,"delta":{"content":"lo é"},"logprobs":null,"finish_reason":null}]}"#,
    r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1694268190,"model":"gpt-4o-mini","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]}"#,
    r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1694268190,"model":"gpt-4o-mini","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":12,"total_tokens":21}}"#,
    "[DONE]",
];

#[test]
fn chat_completions_are_joined_with_usage_and_reason() {
    let document = document(&CHAT);
    assert_eq!(document.format, Some(Format::Chat));
    assert_eq!(parts(&document), [(Kind::Text, 0, "Hello é")]);
    assert_eq!(document.model.as_deref(), Some("gpt-4o-mini"));
    assert_eq!(document.finish, [(0, "stop".to_owned())]);
    let usage = (document.usage.input, document.usage.output);
    assert_eq!(usage, (Some(9), Some(12)));
    assert_eq!(document.state(), &State::Complete);
    assert_eq!((document.delta_count(), document.characters), (2, 7));
    assert_eq!(document.events, (6, 0));
}

#[test]
fn choices_and_tool_calls_of_chat_completions_are_kept_apart() {
    let document = document(&[
        r#"{"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"a"}},{"index":1,"delta":{"content":"b"}}]}"#,
        r#"{"object":"chat.completion.chunk","choices":[{"index":1,"delta":{"content":"B"}}]}"#,
        r#"{"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"reasoning_content":"hm"}}]}"#,
        r#"{"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"get_weather","arguments":""}}]}}]}"#,
        r#"{"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"city\":"}},{"index":1,"function":{"name":"other","arguments":"{}"}}]}}]}"#,
        r#"{"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\"Rome\"}"}}]}}]}"#,
        r#"{"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"refusal":"no"}}]}"#,
    ]);
    assert_eq!(
        parts(&document),
        [
            (Kind::Text, 0, "a"),
            (Kind::Text, 1, "bB"),
            (Kind::Thinking, 0, "hm"),
            (Kind::ToolCall, 0, r#"{"city":"Rome"}"#),
            (Kind::ToolCall, 0, "{}"),
            (Kind::Refusal, 0, "no"),
        ]
    );
    assert_eq!(document.parts[3].name.as_deref(), Some("get_weather"));
    assert_eq!(document.parts[4].name.as_deref(), Some("other"));
}

#[test]
fn responses_are_joined_by_item_and_part() {
    let document = document(&[
        r#"{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","status":"in_progress","model":"gpt-4.1","output":[],"usage":null}}"#,
        r#"{"type":"response.output_item.added","output_index":0,"item":{"id":"rs_1","type":"reasoning","summary":[]}}"#,
        r#"{"type":"response.reasoning_summary_text.delta","item_id":"rs_1","output_index":0,"summary_index":0,"delta":"think"}"#,
        r#"{"type":"response.output_item.added","output_index":1,"item":{"id":"msg_1","type":"message","status":"in_progress","role":"assistant","content":[]}}"#,
        r#"{"type":"response.content_part.added","item_id":"msg_1","output_index":1,"content_index":0,"part":{"type":"output_text","text":"","annotations":[]}}"#,
        r#"{"type":"response.output_text.delta","item_id":"msg_1","output_index":1,"content_index":0,"delta":"Hi"}"#,
        r#"{"type":"response.output_text.delta","item_id":"msg_1","output_index":1,"content_index":0,"delta":" there"}"#,
        r#"{"type":"response.output_text.done","item_id":"msg_1","output_index":1,"content_index":0,"text":"Hi there"}"#,
        r#"{"type":"response.output_item.added","output_index":2,"item":{"id":"fc_1","type":"function_call","call_id":"call_1","name":"get_weather","arguments":""}}"#,
        r#"{"type":"response.function_call_arguments.delta","item_id":"fc_1","output_index":2,"delta":"{\"city\":\"Rome\"}"}"#,
        r#"{"type":"response.completed","response":{"id":"resp_1","status":"completed","model":"gpt-4.1-2025","usage":{"input_tokens":36,"output_tokens":87,"total_tokens":123}}}"#,
    ]);
    assert_eq!(document.format, Some(Format::Responses));
    assert_eq!(
        parts(&document),
        [
            (Kind::Thinking, 0, "think"),
            (Kind::Text, 0, "Hi there"),
            (Kind::ToolCall, 0, r#"{"city":"Rome"}"#),
        ]
    );
    assert_eq!(document.parts[2].name.as_deref(), Some("get_weather"));
    assert_eq!(document.usage.output, Some(87));
    assert_eq!(document.model.as_deref(), Some("gpt-4.1-2025"));
    assert_eq!(document.state(), &State::Complete);
}

#[test]
fn a_failed_response_says_why() {
    let document = document(&[
        r#"{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"Hi"}"#,
        r#"{"type":"response.failed","response":{"status":"failed","error":{"code":"server_error","message":"The model failed."}}}"#,
    ]);
    assert_eq!(document.error.as_deref(), Some("The model failed."));
    assert_eq!(document.finish, [(0, "failed".to_owned())]);
}

const MESSAGES: [&str; 13] = [
    r#"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","content":[],"model":"claude-sonnet-4","stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":25,"output_tokens":1}}}"#,
    r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Let me see."}}"#,
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"EqQB"}}"#,
    r#"{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}"#,
    r#"{"type":"ping"}"#,
    r#"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Hello"}}"#,
    r#"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"!"}}"#,
    r#"{"type":"content_block_stop","index":1}"#,
    r#"{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"toolu_1","name":"get_weather","input":{}}}"#,
    r#"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"location\": \"Rome\"}"}}"#,
    r#"{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":89}}"#,
    r#"{"type":"message_stop"}"#,
];

#[test]
fn messages_are_joined_by_content_block() {
    let document = document(&MESSAGES);
    assert_eq!(document.format, Some(Format::Anthropic));
    assert_eq!(
        parts(&document),
        [
            (Kind::Thinking, 0, "Let me see."),
            (Kind::Text, 0, "Hello!"),
            (Kind::ToolCall, 0, r#"{"location": "Rome"}"#),
        ]
    );
    assert_eq!(document.parts[2].name.as_deref(), Some("get_weather"));
    assert_eq!(document.finish, [(0, "tool_use".to_owned())]);
    let usage = (document.usage.input, document.usage.output);
    assert_eq!(usage, (Some(25), Some(89)));
    assert_eq!(document.state(), &State::Complete);
}

#[test]
fn an_error_inside_the_stream_is_told_in_every_format() {
    let overloaded =
        r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    let of_messages = document(&[MESSAGES[0], overloaded]);
    assert_eq!(of_messages.error.as_deref(), Some("Overloaded"));
    let of_chat = document(&[CHAT[0], r#"{"error":{"message":"Too much","code":500}}"#]);
    assert_eq!(of_chat.error.as_deref(), Some("Too much"));
    let of_responses = document(&[
        r#"{"type":"response.created","response":{"model":"m"}}"#,
        r#"{"type":"error","code":"ERR","message":"Broken","param":null}"#,
    ]);
    assert_eq!(of_responses.error.as_deref(), Some("Broken"));
}

#[test]
fn an_answer_without_its_end_marker_is_cut_and_says_how() {
    for events in [&CHAT[..5], &MESSAGES[..12]] {
        let mut document = document(events);
        assert_eq!(document.state(), &State::Open);
        document.close("the server ended the stream");
        let cut = State::Cut("the server ended the stream".to_owned());
        assert_eq!(document.state(), &cut);
    }
    let mut complete = document(&CHAT);
    complete.close("the server ended the stream");
    assert_eq!(complete.state(), &State::Complete);
    let mut nothing = document(&["{}"]);
    nothing.close("the server ended the stream");
    assert_eq!(nothing.state(), &State::Open);
}

#[test]
fn every_character_knows_its_event() {
    let document = document(&CHAT);
    let part = &document.parts[0];
    let row = |offset| part.delta(offset).unwrap().row;
    // "Hel" came with event 1, "lo é" with event 2.
    assert_eq!([0, 2, 3, 6, 99].map(row), [1, 1, 2, 2, 2]);
    let second = part.delta(3).unwrap();
    assert_eq!((part.start(second), second.end), (3, 8));
}

#[test]
fn a_stall_is_long_by_the_clock_and_by_the_streams_own_pace() {
    let mut document = Document::new(Some("/t"));
    let mut now = 0;
    // An event each 400 ms: after a second nobody would call it stalled.
    for gap in [0, 400, 400, 400, 1_500, 400, 2_500, 400] {
        now += gap;
        document.event(0, at(now), r#"{"t":"x"}"#);
    }
    let part = &document.parts[0];
    assert_eq!(part.stalls, [(6, 2_500_000_000)]);
    assert_eq!(document.timing.stalls(), 1);
    assert_eq!(document.timing.longest(), 2_500_000_000);
    let p50 = document.timing.gap_us(0.5).unwrap();
    assert!((396_000..404_000).contains(&p50), "{p50}");
}

#[test]
fn time_to_first_content_counts_from_the_request() {
    let mut document = Document::new(None);
    document.timing.request(at(-480));
    feed(&mut document, &CHAT);
    let first = document.timing.to_first().unwrap();
    assert_eq!(first.as_millis(), 500);
}

#[test]
fn any_stream_can_be_read_at_a_pointer() {
    let mut document = Document::new(Some("/a/0/text"));
    feed(
        &mut document,
        &[
            r#"{"a":[{"text":"one "}]}"#,
            r#"{"a":[{"text":2}]}"#,
            r#"{"a":[{"text":null}]}"#,
            r#"{"a":{}}"#,
            "no JSON",
        ],
    );
    assert_eq!(parts(&document), [(Kind::Text, 0, "one 2")]);
    assert_eq!(document.events, (5, 3));
    document.close("the server ended the stream");
    assert_eq!(document.state(), &State::Ended);

    let mut whole = Document::new(Some(""));
    feed(&mut whole, &["plain ", r#""quo\nted""#, r#"{"a":1}"#]);
    assert_eq!(parts(&whole), [(Kind::Text, 0, "plain quo\nted{\"a\":1}")]);
}

#[test]
fn another_answer_begins_after_the_end_of_one() {
    let twice = [&CHAT[..], &CHAT[..]].concat();
    let document = document(&twice);
    let turns: Vec<_> = document.parts.iter().map(|p| (p.turn, &*p.text)).collect();
    assert_eq!(turns, [(0, "Hello é"), (1, "Hello é")]);
    assert_eq!(document.state(), &State::Complete);
}

#[test]
fn wrong_types_and_strange_values_are_no_text_and_no_harm() {
    let strange = [
        r#"{"choices":7}"#,
        r#"{"choices":[null,7,[],{"index":-1,"delta":[]},{"index":"x","delta":{"content":7,"tool_calls":{}}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[null,{"index":18446744073709551615,"function":7}]}}],"usage":[]}"#,
        r#"{"type":"content_block_delta","index":18446744073709551615,"delta":{"text":[]}}"#,
        r#"{"type":"response.output_text.delta","output_index":18446744073709551615,"content_index":18446744073709551615,"delta":7}"#,
        r#"{"type":"response.output_text.delta","output_index":18446744073709551615,"content_index":18446744073709551615,"delta":"x"}"#,
        r#"{"type":"error","error":null}"#,
        "[]",
        "null",
        "\"choices\"",
        "",
        "[DONE]",
    ];
    for first in strange {
        let mut document = document(&[first]);
        feed(&mut document, &strange);
        feed(&mut document, &CHAT);
        feed(&mut document, &MESSAGES);
    }
}

#[test]
fn other_streams_are_not_taken_for_an_answer() {
    let document = document(&[
        r#"{"type":"ping"}"#,
        r#"{"seq":1,"symbol":"DEMO","price":99.5}"#,
        "plain",
    ]);
    assert_eq!((document.format, document.events), (None, (3, 2)));
}

#[test]
fn text_beyond_the_cap_is_counted() {
    let mut document = Document::new(Some(""));
    let large = "x".repeat(MAX_EVENT);
    for row in 0..6 {
        document.event(row, at(0), &large);
    }
    document.event(6, at(0), &format!("{large}x"));
    assert_eq!(document.parts[0].text.len(), MAX_TEXT);
    assert_eq!(document.left_out.text, 2 * MAX_EVENT as u64);
    assert_eq!(document.left_out.large, 1);
    assert_eq!(document.characters, 6 * MAX_EVENT as u64);
}

#[test]
fn parts_beyond_the_cap_are_counted() {
    let mut document = Document::new(None);
    for index in 0..MAX_PARTS + 3 {
        let chunk = format!(r#"{{"choices":[{{"index":{index},"delta":{{"content":"x"}}}}]}}"#);
        document.event(0, at(0), &chunk);
    }
    assert_eq!(document.parts.len(), MAX_PARTS);
    assert_eq!(document.left_out.parts, 3);
}

#[test]
fn deltas_beyond_the_cap_are_counted() {
    let mut document = Document::new(Some(""));
    for _ in 0..MAX_DELTAS + 5 {
        document.event(0, at(0), "x");
    }
    assert_eq!(document.parts[0].deltas.len(), MAX_DELTAS);
    assert_eq!(document.left_out.text, 5);
}
