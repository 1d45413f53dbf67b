//! The binaries together, as their users run them.

mod browser;
mod pipes;
mod programs;
mod proxy;
