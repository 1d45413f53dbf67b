//! Allocations per event of every parser, and those of a second pass of ours.
//!
//! `cargo run --release --manifest-path sse-core/benches/peers/Cargo.toml --bin allocations`

use peers::corpus::{self, Chunking};
use peers::parsers::{OURS, PEERS, ours_with};

fn main() {
    const SIZE: usize = 4 << 20;
    for corpus in [corpus::ticks(SIZE), corpus::llm(SIZE), corpus::multi_line(SIZE)] {
        println!("{} in 16 KiB chunks, allocations per event", corpus.name);
        let chunks = corpus.chunks(Chunking::Bytes(16 << 10));
        for parser in [&OURS].into_iter().chain(&PEERS) {
            let count = allocation_counter::measure(|| {
                (parser.run)(&chunks);
            });
            println!("  {:<24}{:>8.2}", parser.name, count.count_total as f64 / corpus.events() as f64);
        }
        let mut parser = sse_core::Parser::new();
        ours_with(&mut parser, &chunks);
        let second = allocation_counter::measure(|| {
            ours_with(&mut parser, &chunks);
        });
        println!("  sse-core, second pass: {} allocations in all\n", second.count_total);
    }
}
