//! An endpoint that streams made-up answers as the APIs of language models do:
//! `OpenAI` chat completions, `OpenAI` responses, Anthropic messages.

mod answer;
mod anthropic;
mod chat;
mod pace;
mod responses;

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use clap::{Parser, ValueEnum};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use answer::Answer;
use pace::Pace;

/// Stream made-up answers as the APIs of language models do
#[derive(Debug, Clone, Parser)]
#[command(
    version,
    after_help = "POST a body with \"stream\": true to
  /v1/chat/completions   OpenAI chat completions; honours n, tools, stream_options.include_usage
  /v1/responses          OpenAI responses; honours tools
  /v1/messages           Anthropic messages; honours tools

Example:
  cargo run -p demos --bin llm -- --listen 127.0.0.1:8081
  sse-tui -d '{\"stream\":true}' http://127.0.0.1:8081/v1/messages     then press t"
)]
struct Args {
    /// Address and port; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Tokens of an answer
    #[arg(long, value_name = "N", default_value_t = 180, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    tokens: u32,
    /// Time before the first token
    #[arg(long, value_name = "DURATION", default_value = "400ms", value_parser = humantime::parse_duration)]
    first: Duration,
    /// Mean time between two tokens
    #[arg(long, value_name = "DURATION", default_value = "25ms", value_parser = humantime::parse_duration)]
    pace: Duration,
    /// Think before answering
    #[arg(long)]
    thinking: bool,
    /// Stall after this many events; repeatable
    #[arg(long, value_name = "EVENTS")]
    stall_after: Vec<u64>,
    /// How long to stall
    #[arg(long, value_name = "DURATION", default_value = "3s", value_parser = humantime::parse_duration)]
    stall: Duration,
    /// End the stream after this many events, without its end marker
    #[arg(long, value_name = "EVENTS")]
    cut_after: Option<u64>,
    /// How to end it
    #[arg(
        long,
        value_name = "HOW",
        default_value = "clean",
        requires = "cut_after"
    )]
    cut: Cut,
    /// Report an error after this many events, as an overloaded server does
    #[arg(long, value_name = "EVENTS")]
    error_after: Option<u64>,
    /// Seed of the times and words
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

/// How a stream is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Cut {
    /// The response ends as if it were complete
    Clean,
    /// The connection breaks inside the response
    Reset,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.into()),
    };
    match runtime.block_on(serve(args)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn fail(error: &anyhow::Error) -> ExitCode {
    // A closed standard error leaves nobody to tell.
    let _ = writeln!(io::stderr(), "llm: {error:#}");
    ExitCode::FAILURE
}

async fn serve(args: Args) -> anyhow::Result<()> {
    let address = args.listen;
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}; choose another --listen"))?;
    let address = listener.local_addr().context("the address it listens on")?;
    writeln!(io::stdout(), "listening on http://{address}").context("cannot write to stdout")?;
    let router = Router::new()
        .route("/v1/chat/completions", post(chat_completions))
        .route("/v1/responses", post(responses_endpoint))
        .route("/v1/messages", post(messages))
        .with_state(args);
    let stop = async {
        // Without a handler the process ends by itself.
        let _ = tokio::signal::ctrl_c().await;
    };
    tokio::select! {
        served = axum::serve(listener, router) => served.context("cannot serve"),
        () = stop => Ok(()),
    }
}

async fn chat_completions(State(args): State<Args>, Json(request): Json<Value>) -> Response {
    respond(&args, &request, chat::script)
}

async fn responses_endpoint(State(args): State<Args>, Json(request): Json<Value>) -> Response {
    respond(&args, &request, responses::script)
}

async fn messages(State(args): State<Args>, Json(request): Json<Value>) -> Response {
    respond(&args, &request, anthropic::script)
}

/// An event and whether time passes before it.
type Step = (bool, sse_core::Event);

fn respond(
    args: &Args,
    request: &Value,
    script: fn(&Value, &Answer, Option<u64>) -> Vec<Step>,
) -> Response {
    if request["stream"] != Value::Bool(true) {
        let message = "this endpoint only streams: set \"stream\": true";
        let error = json!({"error": {"type": "invalid_request_error", "message": message}});
        return (StatusCode::BAD_REQUEST, Json(error)).into_response();
    }
    let answer = Answer::new(args.tokens, args.thinking, request, args.seed);
    let steps = script(request, &answer, args.error_after);
    let body = Body::from_stream(Pace::of(args).play(steps));
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, body).into_response()
}

/// What the request asks for by name, or a made-up model.
fn model(request: &Value) -> Value {
    json!(request["model"].as_str().unwrap_or("demo-1"))
}

fn event(event_type: Option<&str>, data: &Value) -> sse_core::Event {
    let event = sse_core::Event::new(data.to_string());
    match event_type.map(sse_core::EventType::new) {
        Some(Ok(event_type)) => event.with_type(event_type),
        _ => event,
    }
}
