//! What a report says of HTTP/2 connections.

use std::fmt::Write;

use serde::Serialize;

use crate::failure::{Failures, Kind};
use crate::http2::Sharing;
use crate::transport::Transport;
use crate::units::thousands;

/// Connections that event streams shared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Http2Report {
    pub connections: u64,
    /// Streams on one connection, as asked for.
    pub streams: u32,
    /// The fewest concurrent streams that the server allowed; `null` without a limit.
    pub max_concurrent_streams: Option<u32>,
    /// Connections that the server ended by GOAWAY.
    pub go_away: u64,
    /// Streams refused before their request was looked at (`REFUSED_STREAM`).
    pub streams_refused: u64,
    /// Streams that the server reset otherwise.
    pub streams_reset: u64,
}

impl Http2Report {
    /// `None` over HTTP/1.1.
    pub fn of(transport: &Transport, sharing: &Sharing, failures: &Failures) -> Option<Self> {
        let count = |kind| failures.count(kind);
        Some(Self {
            connections: sharing.connections,
            streams: transport.http2?,
            max_concurrent_streams: sharing.fewest_streams.filter(|most| *most < u32::MAX),
            go_away: sharing.go_aways,
            streams_refused: count(Kind::StreamRefused),
            streams_reset: count(Kind::StreamReset),
        })
    }

    /// A line of a text report.
    pub fn write_text(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "  HTTP/2       {}", self.in_words())
    }

    /// For people.
    pub fn in_words(&self) -> String {
        let mut words = format!(
            "{} connections of up to {} streams",
            thousands(self.connections),
            thousands(self.streams.into()),
        );
        if let Some(most) = self.max_concurrent_streams
            && most < self.streams
        {
            words += ", of which the server allowed ";
            words += &thousands(most.into());
        }
        for (count, what) in [
            (self.go_away, "ended by GOAWAY"),
            (self.streams_refused, "streams refused"),
            (self.streams_reset, "streams reset"),
        ] {
            if count > 0 {
                words.extend([", ", &thousands(count), " ", what]);
            }
        }
        words
    }
}
