//! The binaries together, as their users run them.

mod browser;
mod llm;
mod pipes;
mod programs;
