//! The web client in a real browser, and the files it is made of.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

#[cfg(unix)]
mod browser;
#[cfg(unix)]
mod client;
mod files;
#[cfg(unix)]
mod modules;
#[cfg(unix)]
mod pictures;
#[cfg(unix)]
mod secure;
mod server;
#[cfg(unix)]
mod token;
