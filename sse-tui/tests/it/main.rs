//! The program as its users meet it: screens, pipes, a terminal.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod ascii;
mod charts;
mod config;
mod connect;
mod control;
mod escapes;
mod inspect;
mod losses;
mod misbehaving;
mod mouse;
mod print;
mod recording;
mod review;
mod screens;
mod server;
mod terminal;
mod text;
