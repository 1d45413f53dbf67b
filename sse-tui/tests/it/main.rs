//! The program as its users meet it: screens, pipes, a terminal.

mod print;
mod screens;
mod server;
mod terminal;
