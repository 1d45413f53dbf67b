//! Answers of language models, which say when they are complete.

use memchr::memmem;

use super::report::Report;
use super::{LintKind, Severity};
use crate::event::EventRef;
use crate::source::Cause;

/// The first events tell what a stream is.
const LOOKED_AT: u32 = 8;
/// And of those so many bytes.
const SEARCHED: usize = 512;

/// The answer on one connection, or none.
#[derive(Debug, Default)]
pub(super) struct Answer {
    looked_at: u32,
    format: Option<Format>,
    complete: bool,
}

#[derive(Debug, Clone, Copy)]
enum Format {
    Chat,
    Responses,
    Anthropic,
}

impl Answer {
    pub(super) fn is_known(&self) -> bool {
        self.format.is_some()
    }

    #[inline]
    pub(super) fn event(&mut self, event: &EventRef<'_>) {
        if self.format.is_none() && self.looked_at < LOOKED_AT {
            self.looked_at += 1;
            self.format = Format::of(event);
        }
        if let Some(format) = self.format {
            // Another answer may follow on the connection.
            self.complete = format.ends_with(event);
        }
    }

    pub(super) fn end(&mut self, cause: &Cause, report: &mut Report) {
        let Some(format) = self.format.take() else {
            return;
        };
        let asked_for = matches!(cause, Cause::Requested | Cause::Closed);
        if !self.complete && !asked_for {
            report.see(LintKind::NoEndMarker, Severity::Error, || {
                let (name, marker) = format.words();
                format!("{name} without {marker}: {cause}")
            });
        }
    }
}

impl Format {
    fn of(event: &EventRef<'_>) -> Option<Self> {
        let data = event.data.as_bytes();
        let data = &data[..data.len().min(SEARCHED)];
        let holds = |word: &str| memmem::find(data, word.as_bytes()).is_some();
        match event.event_type {
            "message_start" if holds("\"message\"") => Some(Self::Anthropic),
            "response.created" => Some(Self::Responses),
            "message" if holds("\"chat.completion.chunk\"") => Some(Self::Chat),
            _ => None,
        }
    }

    fn ends_with(self, event: &EventRef<'_>) -> bool {
        match self {
            Self::Chat => event.data.trim() == "[DONE]",
            Self::Responses => matches!(
                event.event_type,
                "response.completed" | "response.failed" | "response.incomplete" | "error"
            ),
            Self::Anthropic => matches!(event.event_type, "message_stop" | "error"),
        }
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Chat => ("a chat completion", "[DONE]"),
            Self::Responses => ("a response", "response.completed"),
            Self::Anthropic => ("a message", "message_stop"),
        }
    }
}
