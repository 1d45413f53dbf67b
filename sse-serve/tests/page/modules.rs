//! The modules of the page, run by the browser that is to run them.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::browser::Page;
use crate::server::Server;

/// Runs a case in one piece, byte by byte and at each two-way split, and
/// returns what differs.
const RUN: &str = r#"
async cases => {
    const { Parser } = await import("/page/parser.js");
    const run = pieces => {
        const events = [];
        let retry = null;
        const parser = new Parser("", {
            event: ({ type, data, id }) => events.push({ event: type, data, id }),
            // The vectors hold what fits an unsigned integer of 64 bits.
            retry: value => retry = Math.min(value, 2 ** 64),
            comment: () => {},
        });
        for (const piece of pieces) parser.push(piece);
        return JSON.stringify([events, retry, parser.lastEventId]);
    };
    const wrong = [];
    for (const { name, input, expected, expected_retry, final_last_event_id } of cases) {
        const bytes = Uint8Array.from(atob(input), character => character.charCodeAt(0));
        const wanted = JSON.stringify([expected, expected_retry, final_last_event_id]);
        const ways = [[bytes], Array.from(bytes, byte => Uint8Array.of(byte))];
        for (let at = 0; at <= Math.min(bytes.length, 2000); at++) ways.push([bytes.subarray(0, at), bytes.subarray(at)]);
        const bad = ways.map(run).find(seen => seen !== wanted);
        if (bad) wrong.push(`${name}: ${bad.slice(0, 300)} is not ${wanted.slice(0, 300)}`);
    }
    return wrong;
}"#;

#[test]
fn the_parser_passes_the_vectors_however_they_are_cut() {
    let server = Server::quiet();
    let Some(mut page) = Page::open(&server.url()) else {
        return;
    };
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sse-core/tests/vectors");
    for file in ["public.json", "own.json"] {
        let cases: Value =
            serde_json::from_str(&fs::read_to_string(vectors.join(file)).unwrap()).unwrap();
        assert!(cases.as_array().unwrap().len() > 10);
        let wrong = page.value(&format!("({RUN})({cases})"));
        assert_eq!(wrong, json!([]), "{file}");
    }
}

#[test]
fn what_is_too_long_fails_for_good_instead_of_filling_the_memory() {
    let server = Server::quiet();
    let Some(mut page) = Page::open(&server.url()) else {
        return;
    };
    let seen = page.value(
        r#"(async () => {
            const { Source } = await import("/page/source.js");
            const { fetch } = window;
            const line = new TextEncoder().encode("data: " + "x".repeat(1 << 20) + "\n");
            let pulled = 0;
            const run = end => new Promise(done => {
                const body = new ReadableStream({ pull(controller) { pulled++; controller.enqueue(line.subarray(0, end)); } });
                window.fetch = async () => new Response(body, { headers: { "content-type": "text/event-stream" } });
                new Source("x", "", { event() {}, comment() {}, bytes() {}, state({ name, reason }) {
                    if (name === "failed" || name === "waiting") done([name, reason]);
                } });
            });
            const reports = [await run(line.length), await run(line.length - 1)];
            window.fetch = fetch;
            return [reports, pulled < 60];
        })()"#,
    );
    let report = |what| {
        json!([
            "failed",
            format!("{what} is longer than 16777216 characters")
        ])
    };
    assert_eq!(seen, json!([[report("an event"), report("a line")], true]));
}

#[test]
fn json_is_shown_with_every_digit_it_came_with() {
    let server = Server::quiet();
    let Some(mut page) = Page::open(&server.url()) else {
        return;
    };
    let data = r#"{"at":1795218085365992391,"n":[1.0,-2E+5,{}],"s":"a\"{b","e":[]}"#;
    let shown = page.value(&format!(
        "import('/page/json.js').then(({{ pretty }}) => pretty({}).fragment.textContent)",
        json!(data)
    ));
    let expected = "{\n  \"at\": 1795218085365992391,\n  \"n\": [\n    1.0,\n    -2E+5,\n    {}\n  ],\n  \"s\": \"a\\\"{b\",\n  \"e\": []\n}";
    assert_eq!(shown, expected);
}

#[test]
fn data_of_any_size_and_depth_is_drawn_within_bounds() {
    let server = Server::quiet();
    let Some(mut page) = Page::open(&server.url()) else {
        return;
    };
    let sizes = page.value(
        "import('/page/json.js').then(({ pretty }) => [
            '['.repeat(5000) + ']'.repeat(5000),
            JSON.stringify('x'.repeat(1e6)),
            JSON.stringify(Array(1e5).fill(0)),
            'y'.repeat(1e6),
        ].map(data => { const { fragment, note } = pretty(data); return [fragment.textContent.length < 5e5, fragment.childNodes.length < 2e4, note !== ''] }))",
    );
    for seen in sizes.as_array().unwrap() {
        assert_eq!(*seen, json!([true, true, true]), "{sizes}");
    }
}

#[test]
fn delays_double_with_failures_and_keep_within_their_bounds() {
    let server = Server::quiet();
    let Some(mut page) = Page::open(&server.url()) else {
        return;
    };
    // A clock and a network of the test's own: what is asked for, and when.
    let delays = page.value(
        r#"(async () => {
            const { Source } = await import("/page/source.js");
            const { fetch, setTimeout } = window;
            const block = text => new Response(text, { headers: { "content-type": "text/event-stream" } });
            const answers = [() => block("retry: 700\nid: ✓\n\n"), ...Array(9).fill(null), () => block("retry: 0\n\n"), () => block("retry: 99999999999999999999\n\n")];
            const asked = [], delays = [];
            return await new Promise(done => {
                window.fetch = async (url, { headers }) => {
                    asked.push(headers["Last-Event-ID"] ?? null);
                    const answer = answers.shift();
                    if (answer === undefined) return new Response(null, { status: 204 });
                    if (answer === null) throw new TypeError("refused");
                    return answer();
                };
                window.setTimeout = act => setTimeout(act, 0);
                const on = { event() {}, comment() {}, bytes() {}, state(state) {
                    if (state.name === "waiting") delays.push(state.delay);
                    if (state.name === "failed") { Object.assign(window, { fetch, setTimeout }); done([delays, asked]); }
                } };
                new Source("x", "", on);
            });
        })()"#,
    );
    let (seen, asked) = (&delays[0], &delays[1]);
    let least = [
        700.0,
        700.0,
        1_400.0,
        2_800.0,
        5_600.0,
        11_200.0,
        22_400.0,
        44_800.0,
        60_000.0,
        60_000.0,
        100.0,
        3_600_000.0,
    ];
    assert_eq!(seen.as_array().unwrap().len(), least.len(), "{seen}");
    for (seen, least) in seen.as_array().unwrap().iter().zip(least) {
        let delay = seen.as_f64().unwrap();
        assert!(
            (least..=least * 1.25).contains(&delay),
            "{delay} for {least}"
        );
    }
    assert_eq!(asked[0], Value::Null);
    // UTF-8, each byte as a character of the header.
    assert_eq!(asked[1], "\u{e2}\u{9c}\u{93}");
    assert_eq!(asked[12], "\u{e2}\u{9c}\u{93}");
}
