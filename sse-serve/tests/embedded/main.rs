//! The hub in another program, which serves it.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

mod example;
mod router;
