//! `sse-bench`: see `sse-bench --help`.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    // Fails only where a provider is installed already, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    sse_bench::run(sse_bench::Cli::parse())
}
