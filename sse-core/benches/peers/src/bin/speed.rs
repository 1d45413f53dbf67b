//! MB/s of every parser and ratios to ours, measured interleaved in one run.
//!
//! `cargo run --release --manifest-path sse-core/benches/peers/Cargo.toml --bin speed`

use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::Bytes;
use clap::Parser as _;
use peers::corpus::{self, Chunking, Corpus};
use peers::parsers::{LINE_SCAN, OURS, PEERS, Parser};

#[derive(clap::Parser)]
struct Options {
    /// Size of each corpus in MiB.
    #[arg(long, default_value_t = 64)]
    mib: usize,
    /// Interleaved rounds; the median counts.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Only sse-core, crates.io's sse-core and the line scan.
    #[arg(long)]
    quick: bool,
    /// Only rows whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
}

struct Row {
    corpus: Corpus,
    chunking: Chunking,
    label: &'static str,
    /// Passes over the corpus in one measurement.
    passes: usize,
}

fn main() {
    let options = Options::parse();
    let size = options.mib << 20;
    let kib16 = Chunking::Bytes(16 << 10);
    let row = |corpus, chunking, label| Row { corpus, chunking, label, passes: 1 };
    let rows: Vec<Box<dyn Fn() -> Row>> = vec![
        Box::new(|| row(corpus::ticks(size), kib16, "16 KiB")),
        Box::new(|| row(corpus::llm(size), kib16, "16 KiB")),
        Box::new(|| row(corpus::multi_line(size), kib16, "16 KiB")),
        Box::new(|| row(corpus::ticks(size), Chunking::Whole, "whole")),
        Box::new(|| row(corpus::llm(size), Chunking::Whole, "whole")),
        Box::new(|| row(corpus::multi_line(size), Chunking::Whole, "whole")),
        Box::new(|| row(corpus::random_ticks("random ticks LF", "\n", size), kib16, "16 KiB")),
        Box::new(|| row(corpus::random_ticks("random ticks CRLF", "\r\n", size), kib16, "16 KiB")),
        Box::new(|| row(corpus::ticks(size), Chunking::Event, "per event")),
        Box::new(|| row(corpus::llm(size), Chunking::Event, "per event")),
        Box::new(|| Row { passes: options.mib * 4, ..row(corpus::ticks(256 << 10), kib16, "in cache") }),
    ];
    println!("MB/s, median of {} interleaved rounds; in brackets how many times as fast sse-core is", options.rounds);
    for build in rows {
        let row = build();
        if format!("{}, {}", row.corpus.name, row.label).contains(&options.only) {
            measure(&row, &options);
        }
    }
}

fn measure(row: &Row, options: &Options) {
    let chunks = row.corpus.chunks(row.chunking);
    let peers = PEERS.iter().filter(|peer| {
        (!options.quick || peer.name.starts_with("crates.io")) && !(peer.quadratic && row.chunking == Chunking::Whole)
    });
    let parsers: Vec<&Parser> = [&OURS, &LINE_SCAN].into_iter().chain(peers).collect();
    let expected = (OURS.run)(&chunks);
    assert_eq!(expected.0, row.corpus.events());
    let mut times = vec![Vec::new(); parsers.len()];
    for _ in 0..options.rounds {
        for (parser, times) in parsers.iter().zip(&mut times) {
            let (time, tally) = time(parser, &chunks, row.passes);
            assert!(parser.name == LINE_SCAN.name || tally == expected, "{} reads something else: {tally:?}", parser.name);
            times.push(time);
        }
    }
    let bytes = (row.corpus.bytes.len() * row.passes) as f64;
    println!("\n{}, {} ({} B an event)", row.corpus.name, row.label, row.corpus.bytes.len() / row.corpus.events());
    let ours = median(&mut times[0]);
    for (parser, times) in parsers.iter().zip(&mut times) {
        let time = median(times);
        let rate = bytes / time.as_secs_f64() / 1e6;
        println!("  {:<24}{rate:>9.0}  ({:.2})", parser.name, time.as_secs_f64() / ours.as_secs_f64());
    }
}

fn time(parser: &Parser, chunks: &[Bytes], passes: usize) -> (Duration, peers::parsers::Tally) {
    let start = Instant::now();
    let mut tally = (0, 0);
    for _ in 0..passes {
        tally = black_box((parser.run)(black_box(chunks)));
    }
    (start.elapsed(), tally)
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
