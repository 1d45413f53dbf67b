//! The command `sse-serve`.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Fails only where a provider is installed already, which will do as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    sse_serve::cli::run()
}
