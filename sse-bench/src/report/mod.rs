//! What a run found, in each format.
//!
//! A run becomes a [`Judged`] one, whose report is a [`Head`] and the keys of its
//! command, and which has all [`Formats`].

pub mod check;
pub mod cohorts;
pub mod csv;
pub mod head;
pub mod html;
pub(crate) mod http2;
pub mod invocation;
pub(crate) mod json;
pub mod judged;
pub mod junit;
pub mod load;
mod output;
pub mod publishing;
#[cfg(test)]
mod tests;
pub(crate) mod text;

use std::io;

use maud::Markup;
use serde::Serialize;

pub use check::Check;
pub use head::Head;
pub use http2::Http2Report;
pub use invocation::Invocation;
pub use json::{Document, RunReport};
pub use judged::{Finished, Judged};
pub(crate) use judged::{breaches, unmeasured};
pub use load::Report;
pub use output::{Format, Output, Writer};
pub use publishing::PublishingReport;

/// What can be written in each format.
pub trait Render {
    /// The formats that it has, text and JSON among them.
    const FORMATS: &'static [Format];

    /// For people.
    fn text(&self) -> String;
    /// For programs.
    fn json(&self) -> serde_json::Result<String>;

    /// Over time: [`csv::write`].
    fn csv(&self) -> Option<String> {
        None
    }

    /// For CI: [`junit::write`].
    fn junit(&self) -> Option<io::Result<String>> {
        None
    }

    /// A page with charts.
    fn html(&self) -> Option<String> {
        None
    }
}

/// The report of a run, which has all formats.
pub trait Formats {
    /// What all reports have in common.
    fn head(&self) -> &Head;
    /// What the command has beside it.
    fn run(&self) -> &impl Serialize;
    /// What was checked.
    fn checks(&self) -> Vec<Check>;
    /// For people: the verdict first, all on one screen.
    fn write_text(&self, out: &mut String) -> std::fmt::Result;
    /// Over time.
    fn csv(&self) -> String;
    /// What stands on the page.
    fn page(&self) -> Markup;
}

impl<R: Formats> Render for R {
    const FORMATS: &'static [Format] = &Format::ALL;

    fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = self.write_text(&mut out);
        out
    }

    fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(&Document {
            head: self.head(),
            run: self.run(),
        })
    }

    fn csv(&self) -> Option<String> {
        Some(Formats::csv(self))
    }

    fn junit(&self) -> Option<io::Result<String>> {
        Some(junit::write(self.head(), &self.checks()))
    }

    fn html(&self) -> Option<String> {
        let head = self.head();
        let title = format!("sse-bench {}: {}", head.command, head.verdict);
        Some(html::page(&title, &self.page()))
    }
}
