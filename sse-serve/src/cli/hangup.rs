//! SIGHUP: the certificate was renewed, or the terminal is gone.

use std::io::IsTerminal;

use crate::http::Tls;
use crate::sys::Hangups;

/// Reads the certificate again, if there is one, on each SIGHUP. Returns once the
/// terminal that the program was started in is gone, which sends one too: nobody
/// is left to stop it. A server without a terminal is never ended by it.
pub(super) async fn handle(mut hangups: Hangups, tls: Option<Tls>) {
    let had_terminal = has_terminal();
    loop {
        hangups.next().await;
        if had_terminal && !has_terminal() {
            tracing::info!("the terminal is gone");
            return;
        }
        match tls.as_ref().map(|tls| (tls.certificate(), tls.reload())) {
            None => tracing::info!("SIGHUP: there is no certificate to read again, going on"),
            Some((file, Ok(()))) => {
                tracing::info!(file = %file.display(), "certificate read again");
            }
            Some((_, Err(error))) => tracing::error!(%error, "the certificate stays as it was"),
        }
    }
}

/// A terminal that was closed is none any more.
fn has_terminal() -> bool {
    std::io::stdin().is_terminal()
        || std::io::stdout().is_terminal()
        || std::io::stderr().is_terminal()
}
