//! The dashboard's figures without a terminal: how long a frame takes whatever
//! the scrollback, how fast a filter is worked out anew, and what an event costs.
//! `scripts/measure-dashboard` measures the whole program on a terminal.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot go on has failed"
)]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use http::HeaderMap;
use jiff::Timestamp;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use sse_core::Limits;
use sse_core::client::{Batch, Update, read_stream};
use sse_tui::app::{App, Setup};
use sse_tui::message::{Change, End, Message};
use sse_tui::theme::{Theme, ThemeName};
use sse_tui::ui;

/// Bytes of one read, as a socket under load gives them.
const CHUNK: usize = 64 << 10;

fn main() {
    println!("draw, 200x50, scrolled to a random place for each frame");
    for rows in [2_000, 200_000, 1_000_000] {
        draw(rows);
    }
    println!("\ndraw, 200x50, budget of 64 MiB full, 1,667 events between two frames");
    for (screen, keys) in [
        ("list", ""),
        ("list, a filter", "&/1[0-9]{2}\\.5.*9$/\n"),
        ("list, scrolled back", "g"),
        ("detail", "\n"),
        ("panels", "D"),
        ("text of an LLM", "t"),
        ("audit, 1,000 reconnects", "a"),
        ("lints", "!"),
        ("help", "?"),
    ] {
        draw_live(screen, keys);
    }
    println!("\nfilter worked out anew over 200,000 rows");
    for filter in [
        "timeout",
        ".price>104",
        "/1[0-9]{2}\\.5.*9$/",
        "type:status gap:>1s",
    ] {
        rescan(filter);
    }
    println!("\ningest: parsed, counted, kept, filtered");
    for filter in ["", "/1[0-9]{2}\\.5.*9$/", ".price>104"] {
        ingest(filter);
    }
}

/// Ticks as `sse-serve demo` sends them.
fn ticks(count: u32) -> Vec<u8> {
    let mut wire = String::new();
    for seq in 0..count {
        let price = 95 + seq % 11;
        let data = format!(
            "{{\"seq\":{seq},\"symbol\":\"DEMO\",\"price\":{price}.5,\"at\":17952228565180{seq:05}}}"
        );
        let _ = write!(wire, "id: k3x9a1bc-{seq}\nevent: tick\ndata: {data}\n\n");
    }
    wire.into_bytes()
}

fn batches(wire: &[u8]) -> Vec<Batch> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let mut batches = Vec::new();
    let mut stream = read_stream(wire, Limits::default());
    while let Some(update) = runtime.block_on(stream.next()) {
        if let Update::Batch(batch) = update {
            batches.push(batch);
        }
    }
    batches
}

fn app(buffer: usize) -> App {
    App::new(Setup {
        buffer,
        ..Setup::new(vec!["http://127.0.0.1:8080/events".to_owned()], start())
    })
}

/// Takes a batch in, each a millisecond after the one before.
fn feed(app: &mut App, batch: &Batch, number: usize) {
    let at = start() + Duration::from_millis(number as u64);
    let change = Change::Batch {
        at,
        batch: batch.clone(),
    };
    app.update(Message::Stream { source: 0, change });
}

fn filled(rows: u32) -> App {
    let mut app = app(1 << 30);
    for (number, batch) in batches(&ticks(rows)).iter().enumerate() {
        feed(&mut app, batch, number);
    }
    app
}

fn type_text(app: &mut App, text: &str) {
    for character in text.chars() {
        let code = if character == '\n' {
            KeyCode::Enter
        } else {
            KeyCode::Char(character)
        };
        let key = KeyEvent::new(code, KeyModifiers::NONE);
        app.update(Message::Key(key));
    }
}

fn draw(rows: u32) {
    let mut app = filled(rows);
    let theme = Theme::new(ThemeName::Dark);
    let mut terminal = Terminal::new(TestBackend::new(200, 50)).unwrap();
    let mut times = Vec::new();
    let mut place = 1_u64;
    for _ in 0..3_000 {
        place = place
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let places = app.places();
        let row = places.start + (place >> 33) % (places.end - places.start);
        app.view.select(row, &places);
        let start = Instant::now();
        terminal
            .draw(|frame| ui::draw(frame, &mut app, &theme))
            .unwrap();
        times.push(start.elapsed());
    }
    println!("  {rows:>9} rows: {}", quantiles(&mut times));
}

/// A stream at 50,000 events a second, after 1,000 reconnects; each frame takes
/// in what came since the last.
fn draw_live(screen: &str, keys: &str) {
    let mut app = app(64 << 20);
    app.update(Message::Clock(start()));
    for leg in 1..=1_001 {
        reconnect(&mut app, leg);
    }
    let (ticks, deltas) = (batches(&ticks(1_667)), batches(&deltas(1_667)));
    let between = if keys == "t" { &deltas } else { &ticks };
    let mut number = 0;
    let mut feed = |app: &mut App| {
        for mut batch in between.iter().cloned() {
            batch.leg = 1_001;
            feed(app, &batch, number);
            number += 1;
        }
    };
    while app.store.evicted() == 0 {
        feed(&mut app);
    }
    type_text(&mut app, keys);
    let theme = Theme::new(ThemeName::Dark);
    let mut terminal = Terminal::new(TestBackend::new(200, 50)).unwrap();
    let mut times = Vec::new();
    for frame in 0..2_000 {
        feed(&mut app);
        while app.has_work() {
            app.work();
        }
        app.update(Message::Clock(start() + Duration::from_millis(frame * 33)));
        let begun = Instant::now();
        terminal
            .draw(|frame| ui::draw(frame, &mut app, &theme))
            .unwrap();
        times.push(begun.elapsed());
    }
    println!("  {screen:<24} {}", quantiles(&mut times));
}

fn reconnect(app: &mut App, leg: u64) {
    let at = start();
    let mut change = |change| app.update(Message::Stream { source: 0, change });
    if leg > 1 {
        change(Change::Lost {
            at,
            leg: leg - 1,
            cause: "the server ended the stream".to_owned(),
            retry_at: at,
            end: End::default(),
        });
    }
    change(Change::Connecting {
        at,
        leg,
        last_event_id: format!("k3x9a1bc-{leg}"),
        unsendable: false,
    });
    change(Change::Open {
        at,
        leg,
        how: "HTTP/1.1 200".to_owned(),
        head: Some(HeaderMap::new()),
    });
}

/// Pieces of an answer as `OpenAI` sends them.
fn deltas(count: u32) -> Vec<u8> {
    let mut wire = String::new();
    for number in 0..count {
        let _ = write!(
            wire,
            "data: {{\"object\":\"chat.completion.chunk\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"word {number} \"}}}}]}}\n\n"
        );
    }
    wire.into_bytes()
}

fn start() -> Timestamp {
    "2026-03-14T15:09:26Z".parse().unwrap()
}

fn quantiles(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let at = |share: usize| times[times.len() * share / 1000];
    format!(
        "p50 {:>7.1?}, p99 {:>7.1?}, p99.9 {:>7.1?}",
        at(500),
        at(990),
        at(999)
    )
}

fn rescan(filter: &str) {
    let mut app = filled(200_000);
    type_text(&mut app, "&");
    // All at once, so that nothing but the whole is worked out.
    type_text(&mut app, filter);
    let (mut longest, mut slices) = (Duration::ZERO, 0);
    let all = Instant::now();
    while app.has_work() {
        let start = Instant::now();
        app.work();
        longest = longest.max(start.elapsed());
        slices += 1;
    }
    let all = all.elapsed();
    println!(
        "  {filter:<22} {all:>7.1?} in {slices} slices, the longest {longest:>7.1?}; {} match",
        app.listing.hits()
    );
}

fn ingest(filter: &str) {
    let wire = ticks(500_000);
    let mut app = app(64 << 20);
    if !filter.is_empty() {
        type_text(&mut app, &format!("&{filter}\n"));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let start = Instant::now();
    let mut stream = read_stream(wire.as_slice(), Limits::default());
    let mut number = 0;
    while let Some(update) = runtime.block_on(stream.next()) {
        if let Update::Batch(batch) = update {
            feed(&mut app, black_box(&batch), number);
            number += 1;
        }
    }
    let each = start.elapsed() / 500_000;
    let share = each.as_secs_f64() * 50_000.0 * 100.0;
    let name = if filter.is_empty() {
        "no filter"
    } else {
        filter
    };
    println!(
        "  {name:<22} {each:>7.1?} an event: {share:.1} % of a core at 50,000 events/s; \
         {} kept, {} evicted, {} dropped; reads of {} KiB",
        app.store.kept(),
        app.store.evicted(),
        app.dropped(),
        (wire.len() / number.max(1)).min(CHUNK) >> 10,
    );
}
