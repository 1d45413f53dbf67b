//! The binaries together, as their users run them.

mod browser;
mod conform;
mod llm;
mod pipes;
mod programs;
mod proxy;
mod secure;
