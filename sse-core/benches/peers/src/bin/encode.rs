//! Nanoseconds and allocations to encode one event of about 128 bytes.
//!
//! `cargo run --release --manifest-path sse-core/benches/peers/Cargo.toml --bin encode`

use std::convert::Infallible;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use axum::body::Body;
use axum::response::IntoResponse;
use axum::response::sse::{Event as AxumEvent, Sse};
use futures_util::stream::{self, Stream};
use sse_core::{Event, EventId, EventType};

const EVENTS: usize = 1_000_000;
const ROUNDS: usize = 9;
const DATA: &str = r#"{"seq":1234567,"symbol":"ACME","price":101.25,"at":1741570283000000000,"venue":"XLON"}"#;

fn main() {
    let event = Event::new(DATA)
        .with_id(EventId::new("k3x9a0bz-1234567").expect("valid"))
        .with_type(EventType::new("tick").expect("valid"));
    let mut size = Vec::new();
    event.encode(&mut size);
    println!("{} bytes an event, median of {ROUNDS} interleaved rounds", size.len());

    let mut times = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        times[0].push(time(|| encode_with_sse_core(&event)));
        times[1].push(time(by_hand));
        times[2].push(time(encode_with_axum));
    }
    let allocations = [
        allocation_counter::measure(|| encode_with_sse_core(&event)).count_total,
        allocation_counter::measure(by_hand).count_total,
        allocation_counter::measure(encode_with_axum).count_total,
    ];
    let names = ["sse-core", "by hand, no rule kept", "axum 0.8 Event and Sse"];
    for ((name, times), allocations) in names.iter().zip(&mut times).zip(allocations) {
        times.sort_by(f64::total_cmp);
        let allocations = allocations as f64 / EVENTS as f64;
        println!("  {name:<24}{:>7.1} ns {allocations:>7.2} allocations", times[ROUNDS / 2]);
    }
}

fn time(run: impl Fn()) -> f64 {
    let start = Instant::now();
    run();
    start.elapsed().as_nanos() as f64 / EVENTS as f64
}

fn encode_with_sse_core(event: &Event) {
    let mut out = Vec::with_capacity(256);
    for _ in 0..EVENTS {
        out.clear();
        black_box(event).encode(&mut out);
        black_box(&out);
    }
}

fn by_hand() {
    let mut out = Vec::with_capacity(256);
    for _ in 0..EVENTS {
        out.clear();
        out.extend_from_slice(b"id: ");
        out.extend_from_slice(black_box("k3x9a0bz-1234567").as_bytes());
        out.extend_from_slice(b"\nevent: ");
        out.extend_from_slice(black_box("tick").as_bytes());
        out.extend_from_slice(b"\ndata: ");
        out.extend_from_slice(black_box(DATA).as_bytes());
        out.extend_from_slice(b"\n\n");
        black_box(&out);
    }
}

fn encode_with_axum() {
    let events = stream::iter((0..EVENTS).map(|_| {
        let event = AxumEvent::default().id(black_box("k3x9a0bz-1234567")).event(black_box("tick"));
        Ok::<_, Infallible>(event.data(black_box(DATA)))
    }));
    let body: Body = Sse::new(events).into_response().into_body();
    let mut body = pin!(body.into_data_stream());
    let mut context = Context::from_waker(Waker::noop());
    while let Poll::Ready(Some(frame)) = body.as_mut().poll_next(&mut context) {
        black_box(frame.expect("infallible"));
    }
}
