//! For each check a server that it grades down, and what is said of it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::Ordering;
use std::thread::sleep;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::world::{
    CHUNKED, HEAD, World, dies, flow, flow_with, honest, id, method, numbered, refuse,
};
use crate::support::{Request, chunk, hold, send};

pub(super) struct Wrong {
    pub(super) check: &'static str,
    pub(super) grade: &'static str,
    /// A part of the evidence.
    pub(super) seen: &'static str,
    pub(super) server: fn(&World, &Request, &mut TcpStream),
    pub(super) options: &'static [&'static str],
    pub(super) publishes: bool,
}

type Script = fn(&World, &Request, &mut TcpStream);

const fn wrong(
    check: &'static str,
    grade: &'static str,
    seen: &'static str,
    server: Script,
) -> Wrong {
    Wrong {
        check,
        grade,
        seen,
        server,
        options: &[],
        publishes: false,
    }
}

const fn publishes(
    check: &'static str,
    grade: &'static str,
    seen: &'static str,
    server: Script,
) -> Wrong {
    let mut wrong = wrong(check, grade, seen, server);
    wrong.publishes = true;
    wrong
}

const fn with(options: &'static [&'static str], mut wrong: Wrong) -> Wrong {
    wrong.options = options;
    wrong
}

const FAILED: &str = "failed";
const LAX: &str = "non_strict";
const TOLD: &str = "informational";

pub(super) static TABLE: &[Wrong] = &[
    wrong("V01/status", FAILED, "404 Not Found", |_, _, s| {
        refuse(s, "404 Not Found", "");
    }),
    wrong("V01/status", FAILED, "204 No Content", |_, _, s| {
        refuse(s, "204 No Content", "");
    }),
    wrong("V01/type", FAILED, "text/plain", |w, r, s| {
        with_head(w, r, s, "text/event-stream", "text/plain");
    }),
    wrong("V01/type", FAILED, "2 Content-Type fields", |w, r, s| {
        let again = "no-store\r\nContent-Type: text/event-stream";
        with_head(w, r, s, "no-store", again);
    }),
    wrong("V01/type", LAX, "charset=\"latin1\"", |w, r, s| {
        with_head(
            w,
            r,
            s,
            "text/event-stream",
            "text/event-stream; charset=latin1",
        );
    }),
    wrong(
        "V01/redirects",
        TOLD,
        "307 Temporary Redirect to",
        |w, r, s| {
            if r.line.contains("/events") {
                refuse(s, "307 Temporary Redirect", "Location: /elsewhere\r\n");
            } else {
                honest(w, r, s);
            }
        },
    ),
    wrong("V02/store", LAX, "max-age=60", |w, r, s| {
        with_head(w, r, s, "no-store", "max-age=60");
    }),
    wrong("V02/length", LAX, "Content-Length: 999", |w, r, s| {
        with_head(w, r, s, "no-store", "no-store\r\nContent-Length: 99999999");
    }),
    wrong(
        "V02/length",
        FAILED,
        "beside Transfer-Encoding",
        |_, _, s| {
            send(
                s,
                format!("{HEAD}Content-Length: 9\r\n{CHUNKED}\r\n{}", chunk(":\n\n")),
            );
            hold(s);
        },
    ),
    wrong("V02/proxies", TOLD, "no X-Accel", |w, r, s| {
        with_head(w, r, s, "X-Accel-Buffering", "X");
    }),
    wrong("V02/date", LAX, "no Date", |w, r, s| {
        with_head(w, r, s, "Date", "X-Date");
    }),
    wrong("V03/absent", LAX, "406", |w, r, s| {
        match r.header("accept") {
            None => refuse(s, "406 Not Acceptable", ""),
            Some(_) => honest(w, r, s),
        }
    }),
    wrong("V03/any", LAX, "406", |w, r, s| match r.header("accept") {
        Some("*/*") => refuse(s, "406 Not Acceptable", ""),
        _ => honest(w, r, s),
    }),
    wrong("V04", TOLD, "disregarded", |w, r, s| {
        flow(w, r, s, HEAD, numbered);
    }),
    wrong("V04", LAX, "500", |w, r, s| match r.header("accept") {
        Some("text/html") => refuse(s, "500 Internal Server Error", ""),
        _ => honest(w, r, s),
    }),
    wrong("V05", LAX, "the head came after 1", |w, r, s| {
        sleep(Duration::from_millis(1200));
        honest(w, r, s);
    }),
    wrong("V06/whole", LAX, "\"data: ha\"", |_, _, s| {
        send(s, format!("{HEAD}{CHUNKED}\r\n{}", chunk("data: ha")));
        sleep(Duration::from_millis(1500));
        send(s, chunk("lf\n\n"));
        hold(s);
    }),
    publishes(
        "V06/published",
        LAX,
        "not received",
        |w, r, s| match method(r) {
            "POST" => refuse(s, "202 Accepted", ""),
            _ => honest(w, r, s),
        },
    ),
    wrong("V07/head", FAILED, "does not end in CRLF", |_, _, s| {
        send(
            s,
            format!("{HEAD}{CHUNKED}\r\n").replace("no-store\r\n", "no-store\n"),
        );
        hold(s);
    }),
    wrong("V07/chunks", FAILED, "'z' where a chunk size", |_, _, s| {
        send(s, format!("{HEAD}{CHUNKED}\r\nzz\r\n"));
        hold(s);
    }),
    wrong("V07/chunks", FAILED, "bare LF", |_, _, s| {
        send(
            s,
            format!(
                "{HEAD}{CHUNKED}\r\n{}",
                chunk(":\n\n").replace("\r\n", "\n")
            ),
        );
        hold(s);
    }),
    wrong(
        "V07/chunks",
        LAX,
        "neither chunks nor a length",
        |_, _, s| {
            send(s, format!("{HEAD}\r\n:\n\n"));
            hold(s);
        },
    ),
    wrong("V07/end", LAX, "in the middle of its framing", |_, _, s| {
        send(s, format!("{HEAD}{CHUNKED}\r\n{}", chunk("data: x\n\n")));
    }),
    wrong("V08", FAILED, "Transfer-Encoding: chunked", |w, r, s| {
        let mut request = r.clone();
        request.line = request.line.replace("1.0", "1.1");
        honest(w, &request, s);
    }),
    wrong(
        "V09/content",
        FAILED,
        "after the head",
        |w, r, s| match method(r) {
            "HEAD" => flow(w, r, s, HEAD, numbered),
            _ => honest(w, r, s),
        },
    ),
    wrong("V09/fields", LAX, "405", |w, r, s| match method(r) {
        "HEAD" => refuse(s, "405 Method Not Allowed", "Allow: GET\r\n"),
        _ => honest(w, r, s),
    }),
    wrong("V10", FAILED, "405 without Allow", |w, r, s| {
        match method(r) {
            "PROPFIND" => refuse(s, "405 Method Not Allowed", ""),
            _ => honest(w, r, s),
        }
    }),
    wrong("V10", LAX, "200 OK", |w, r, s| {
        flow(w, r, s, HEAD, numbered);
    }),
    wrong("V11", LAX, "the preflight: 405", |w, r, s| {
        match method(r) {
            "OPTIONS" => refuse(s, "405 Method Not Allowed", "Allow: GET\r\n"),
            _ => allow(w, r, s, "*", ""),
        }
    }),
    wrong(
        "V12/origin",
        FAILED,
        "https://a.example, https://b.example",
        |w, r, s| {
            allow(w, r, s, "https://a.example, https://b.example", "");
        },
    ),
    wrong("V12/vary", LAX, "echoed without Vary", |w, r, s| {
        let head = HEAD.replace("no-store", "no-cache");
        let head = head + "Access-Control-Allow-Origin: https://page.invalid\r\n";
        flow(w, r, s, &head, numbered);
    }),
    wrong("V13", LAX, "any origin is echoed", |w, r, s| {
        let origin = r.header("origin").unwrap_or("*").to_owned();
        allow(
            w,
            r,
            s,
            &origin,
            "Access-Control-Allow-Credentials: true\r\n",
        );
    }),
    wrong("V13", LAX, "browsers refuse *", |w, r, s| {
        allow(w, r, s, "*", "Access-Control-Allow-Credentials: true\r\n");
    }),
    publishes("V14", FAILED, "arrived as", naive),
    publishes("V15/cr", FAILED, "can forge events", naive),
    publishes("V15/crlf", FAILED, "can forge events", naive),
    publishes("V15/lf", FAILED, "can forge events", naive),
    publishes("V16", FAILED, "can forge events", naive),
    publishes("V18/space", LAX, "arrived as", naive),
    publishes("V18/feed", LAX, "arrived as", naive),
    publishes("V42/published", FAILED, "arrived as", naive),
    wrong("V17", LAX, "after event 1", |_, _, s| {
        once(s, "id: 1\ndata: x\n\nid: a\0b\ndata: x\n\n");
    }),
    wrong("V19", TOLD, "no id", |_, _, s| once(s, "data: x\n\n")),
    wrong("V19", TOLD, "1 of 2 events", |_, _, s| {
        once(s, "data: x\n\nid: 1\ndata: x\n\n");
    }),
    wrong("V20", FAILED, "it ends with", |_, _, s| {
        once(s, "data: x\n\ndata: lost\n");
    }),
    wrong("V20", FAILED, "it ends with", |_, _, s| {
        once(s, "data: x\n\ndata: lost");
    }),
    wrong("V20", LAX, "it ends with", |_, _, s| {
        send(s, format!("{HEAD}{CHUNKED}\r\n{}", chunk("data: lost\n")));
    }),
    with(
        &["--silence", "1s"],
        wrong("V21", LAX, "silent for", |_, _, s| {
            send(s, format!("{HEAD}{CHUNKED}\r\n{}", chunk("data: x\n\n")));
            hold(s);
        }),
    ),
    wrong("V22", LAX, "was not sent again", |w, r, s| {
        let mut request = r.clone();
        request.headers.retain(|(name, _)| name != "last-event-id");
        honest(w, &request, s);
    }),
    wrong("V22", LAX, "at or before it", |w, r, s| {
        let mut request = r.clone();
        for (name, value) in &mut request.headers {
            if name == "last-event-id"
                && let Ok(id) = value.parse::<usize>()
            {
                *value = (id - 1).to_string();
            }
        }
        honest(w, &request, s);
    }),
    wrong("V22", LAX, "503", |w, r, s| match id(r) {
        Some(_) => refuse(s, "503 Service Unavailable", ""),
        None => honest(w, r, s),
    }),
    wrong("V23", LAX, "instead of", |w, r, s| {
        let live = w.head();
        flow(w, r, s, HEAD, |number| match id(r) {
            Some(_) if number >= live && number < live + 3 => String::new(),
            _ => numbered(number),
        });
    }),
    wrong("V24", TOLD, "without a word", |w, r, s| {
        let mut request = r.clone();
        request.headers.retain(|(name, _)| name != "last-event-id");
        honest(w, &request, s);
    }),
    wrong("V24", LAX, "410", |w, r, s| match id(r) {
        Some(_) => refuse(s, "410 Gone", ""),
        None => honest(w, r, s),
    }),
    wrong("V25/utf8", LAX, "500", |w, r, s| {
        odd(w, r, s, "500 Internal Server Error");
    }),
    // Its text is not even read: the connection is dropped, and all after it.
    wrong("V25/invalid", FAILED, "not answered", |w, r, s| {
        match w.visitors.fetch_add(1, Ordering::SeqCst) {
            0 | 1 => honest(w, r, s),
            _ => dies(w),
        }
    }),
    wrong("V26/empty", LAX, "400", |w, r, s| {
        odd(w, r, s, "400 Bad Request");
    }),
    wrong("V26/long", LAX, "500", |w, r, s| {
        odd(w, r, s, "500 Internal Server Error");
    }),
    wrong("V26/folded", LAX, "500", |w, r, s| {
        odd(w, r, s, "500 Internal Server Error");
    }),
    wrong(
        "V26/control",
        FAILED,
        "came back as a line",
        |w, r, s| match id(r) {
            Some(id) => once(s, &format!("data: resumed after {id}\r\r")),
            None => honest(w, r, s),
        },
    ),
    wrong("V26/control", FAILED, "not answered", |w, r, s| {
        match id(r) {
            Some(_) => dies(w),
            None => honest(w, r, s),
        }
    }),
    wrong("V27", LAX, "not the same", |w, r, s| match id(r) {
        Some(_) if w.visitors.fetch_add(1, Ordering::SeqCst) % 2 == 0 => {
            refuse(s, "400 Bad Request", "");
        }
        _ => flow(w, r, s, HEAD, numbered),
    }),
    wrong("V27", TOLD, "answered with 200", |w, r, s| {
        flow(w, r, s, HEAD, numbered);
    }),
    wrong("V28/digits", LAX, "retry: \"5s\"", |_, _, s| {
        once(s, "retry: 5s\n\n");
    }),
    wrong("V28/sane", LAX, "retry: 0", |_, _, s| {
        once(s, "retry: 0\n\n");
    }),
    wrong("V28/sane", LAX, "retry: 86400000", |_, _, s| {
        once(s, "retry: 86400000\n\n");
    }),
    wrong("V28/sane", TOLD, "none is set", |_, _, s| {
        once(s, "data: x\n\n");
    }),
    wrong("V29", TOLD, "gets 200 OK", |_, _, s| once(s, "data: x\n\n")),
    wrong("V31", LAX, "429 Too Many Requests", |w, r, s| {
        match w.visitors.fetch_add(1, Ordering::SeqCst) {
            12.. => refuse(s, "429 Too Many Requests", ""),
            _ => honest(w, r, s),
        }
    }),
    wrong("V31", FAILED, "not answered", |w, r, s| {
        match w.visitors.fetch_add(1, Ordering::SeqCst) {
            12.. => dies(w),
            _ => honest(w, r, s),
        }
    }),
    wrong("V32/garbage", FAILED, "not answered", |w, _, s| {
        send(s, format!("{HEAD}{CHUNKED}\r\n"));
        if s.read(&mut [0; 64]).is_ok_and(|length| length > 0) {
            dies(w);
        }
    }),
    wrong("V37", TOLD, "no limit", |w, r, s| {
        flow(w, r, s, HEAD, numbered);
    }),
    wrong("V37", LAX, "500", |w, r, s| match r.headers.len() {
        50.. => refuse(s, "500 Internal Server Error", ""),
        _ => honest(w, r, s),
    }),
    wrong("V38/unasked", LAX, "Content-Encoding: br", |w, r, s| {
        with_head(w, r, s, "no-store", "no-store\r\nContent-Encoding: br");
    }),
    wrong(
        "V38/gzip",
        LAX,
        "which was not accepted",
        |w, r, s| match r.header("accept-encoding") {
            Some(_) => with_head(w, r, s, "no-store", "no-store\r\nContent-Encoding: br"),
            None => honest(w, r, s),
        },
    ),
    wrong("V38/gzip", LAX, "while one came plain", |w, r, s| {
        match r.header("accept-encoding") {
            Some(_) => {
                send(s, format!("{HEAD}Content-Encoding: gzip\r\n\r\n"));
                let mut encoder = GzEncoder::new(s, Compression::default());
                // In the compressor they stay.
                let _ = encoder.write_all(b"data: x\n\n");
                sleep(Duration::from_secs(4));
            }
            None => honest(w, r, s),
        }
    }),
    wrong("V40", LAX, "to one and", |w, r, s| {
        let name = w.visitors.fetch_add(1, Ordering::SeqCst);
        flow(w, r, s, HEAD, |number| {
            format!("id: {number}\ndata: {name}\n\n")
        });
    }),
    wrong("V42/utf8", FAILED, "FF at byte 6", |_, _, s| {
        send(s, format!("{HEAD}\r\n"));
        send(s, b"data: \xff\n\n");
    }),
    wrong("V42/mark", LAX, "before \"data\"", |_, _, s| {
        once(s, "data: x\n\n\u{feff}data: y\n\n");
    }),
    wrong("V42/mark", LAX, "before \"data\"", |_, _, s| {
        once(s, "\u{feff}\u{feff}data: y\n\n");
    }),
    wrong("V42/fields", LAX, "\"Data\"", |_, _, s| {
        once(s, "Data: x\n\n");
    }),
    wrong("V42/fields", LAX, "\"meta\"", |_, _, s| {
        once(s, "meta: x\ndata: x\n\n");
    }),
    wrong("V42/data", TOLD, "\"ping\"", |_, _, s| {
        once(s, "event: ping\n\n");
    }),
    wrong("V42/data", LAX, "\"order\"", |_, _, s| {
        once(s, "event: order\n\n");
    }),
    wrong("V44/absent", LAX, "opens without", |w, r, s| {
        honest(w, r, s);
    }),
    wrong("V44/absent", FAILED, "401 without", |w, r, s| {
        guarded(w, r, s, "");
    }),
    wrong("V44/wrong", FAILED, "401 without", |w, r, s| {
        guarded(w, r, s, "");
    }),
    wrong("V44/wrong", LAX, "opens without", |w, r, s| {
        match r.header("authorization") {
            Some(_) => honest(w, r, s),
            None => refuse(s, "401 Unauthorized", "WWW-Authenticate: Basic\r\n"),
        }
    }),
];

/// The stream with something else in its head.
fn with_head(world: &World, request: &Request, stream: &mut TcpStream, part: &str, instead: &str) {
    flow(
        world,
        request,
        stream,
        &HEAD.replace(part, instead),
        numbered,
    );
}

/// One body that ends as its framing says.
fn once(stream: &mut TcpStream, body: &str) {
    let body = chunk(body);
    send(stream, format!("{HEAD}{CHUNKED}\r\n{body}0\r\n\r\n"));
}

fn allow(world: &World, request: &Request, stream: &mut TcpStream, origin: &str, more: &str) {
    let head = format!("{HEAD}Vary: Origin\r\nAccess-Control-Allow-Origin: {origin}\r\n{more}");
    flow(world, request, stream, &head, numbered);
}

fn odd(world: &World, request: &Request, stream: &mut TcpStream, status: &str) {
    if id(request).is_some() {
        refuse(stream, status, "");
    } else {
        honest(world, request, stream);
    }
}

fn guarded(world: &World, request: &Request, stream: &mut TcpStream, challenge: &str) {
    match request.header("authorization") {
        Some(value) if value.starts_with("Basic") => honest(world, request, stream),
        _ => refuse(stream, "401 Unauthorized", challenge),
    }
}

/// It writes what it is given between its own words, and knows ASCII alone.
fn naive(world: &World, request: &Request, stream: &mut TcpStream) {
    if method(request) == "POST" {
        return honest(world, request, stream);
    }
    flow_with(world, request, stream, HEAD, numbered, |(event, data)| {
        let text = format!("event: {event}\ndata:{data}\n\n");
        text.replace(|character: char| !character.is_ascii(), "?")
    });
}
