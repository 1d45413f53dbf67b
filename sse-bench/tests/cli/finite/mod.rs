//! `load --until-done`: streams that end.

mod ends;
mod mcp;
mod pace;
mod requests;

use std::net::TcpStream;

use serde_json::Value;

use crate::schema::validate;
use crate::support::{Run, SSE_HEAD, Server, chunk, chunked, each, run, send};

const DELTA: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n";
const STOP: &str = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
const DONE: &str = "data: [DONE]\n\n";

/// `sse-bench load URL --until-done --output-format json` and more.
fn until_done(server: &Server, arguments: &[&str]) -> Run {
    let url = server.url();
    let mut all = vec!["load", &url, "--until-done", "--output-format", "json"];
    all.extend(arguments);
    run(&all)
}

fn report(run: &Run) -> Value {
    let report = run.json();
    validate(&report);
    report
}

/// A server that answers each request with these events, whole.
fn answering(events: &'static [&'static str]) -> Server {
    Server::start(move |_, request, stream| {
        each(request, stream, |_, stream| send(stream, chunked(events)));
    })
}

/// The head of a stream and its first events; more may follow.
fn begin(stream: &mut TcpStream, events: &[&str]) {
    send(
        stream,
        format!("{SSE_HEAD}Transfer-Encoding: chunked\r\n\r\n"),
    );
    for event in events {
        send(stream, chunk(event));
    }
}

fn end(stream: &mut TcpStream, events: &[&str]) {
    for event in events {
        send(stream, chunk(event));
    }
    send(stream, "0\r\n\r\n");
}
