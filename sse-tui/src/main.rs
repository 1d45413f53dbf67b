//! `sse-tui`: a terminal dashboard for Server-Sent Events streams.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Fails only if a provider is installed already, which then serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    sse_tui::main()
}
