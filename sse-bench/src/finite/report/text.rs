//! The report for people: the verdict first, all on one screen.

use std::fmt::{Result, Write};
use std::time::Duration;

use super::FiniteReport;
use crate::failure::printable;
use crate::report::text::{
    write_errors, write_head, write_latency_table, write_limits, write_tool,
};
use crate::units::{bytes, micros, rate, seconds, thousands};

/// Reasons listed by name.
const LISTED_REASONS: usize = 8;

impl FiniteReport<'_> {
    pub(super) fn write(&self, out: &mut String) -> Result {
        let (plan, run) = (&self.run.plan, &self.run);
        write_head(&self.head, plan.method, &plan.url, out)?;
        match plan.preset {
            Some(preset) => writeln!(out, " ({preset})")?,
            None => writeln!(out)?,
        }
        self.write_requests(out)?;
        self.write_goodput(out)?;
        self.write_streams(out)?;
        write_tool(plan.threads, &run.tool, self.outcome.elapsed, out)?;
        if write_latency_table(&run.latencies(), out)? && plan.rate.is_some() {
            writeln!(
                out,
                "  First event, first content and end count from the intended start of a request."
            )?;
        }
        write_errors(&run.errors, out)?;
        write_limits(&self.thresholds, &self.head, out)
    }

    fn write_requests(&self, out: &mut String) -> Result {
        let (plan, requests) = (&self.run.plan, &self.run.requests);
        let window = seconds(Duration::from_micros(requests.window_us));
        writeln!(
            out,
            "\n  Requests     {} done, {}/s over {window}",
            thousands(requests.completed),
            rate(requests.per_second),
        )?;
        let connections = thousands(plan.connections.into());
        match plan.rate {
            Some(intended) => writeln!(
                out,
                "               open loop: {}/s intended, at most {connections} under way",
                rate(intended)
            )?,
            None => writeln!(out, "               closed loop: {connections} at once")?,
        }
        if requests.failed > 0 {
            let (count, reasons) = (thousands(requests.failed), listed(&requests.failures()));
            writeln!(out, "               {count} failed: {reasons}")?;
        }
        let others = listed(&requests.others());
        if !others.is_empty() {
            writeln!(out, "               {others}")?;
        }
        if let Some(longest) = requests.retry_after.longest_us {
            let (count, longest) = (thousands(requests.retry_after.count), micros(longest));
            writeln!(
                out,
                "               {count} with Retry-After, {longest} at most"
            )?;
        }
        let reasons = self.outcome.tally.finishes.by_count();
        if !reasons.is_empty() {
            let shown: Vec<_> = reasons
                .iter()
                .take(LISTED_REASONS)
                .map(|(reason, count)| format!("{} {}", printable(reason), thousands(*count)))
                .collect();
            writeln!(out, "  Ended by     {}", shown.join(", "))?;
        }
        Ok(())
    }

    fn write_goodput(&self, out: &mut String) -> Result {
        let Some(goodput) = &self.run.goodput else {
            return Ok(());
        };
        let limits = printable(&goodput.limits);
        match (goodput.share, goodput.per_second) {
            (Some(share), Some(per_second)) => writeln!(
                out,
                "  Goodput      {:.1} % ({} of {}), {}/s kept {limits}",
                100.0 * share,
                thousands(goodput.good),
                thousands(goodput.judged),
                rate(per_second),
            ),
            _ => writeln!(out, "  Goodput      no request to judge by {limits}"),
        }
    }

    fn write_streams(&self, out: &mut String) -> Result {
        let (run, streams) = (&self.run, &self.run.streams);
        write!(
            out,
            "  Events       {}, {}/s",
            thousands(run.deliveries.total),
            rate(run.deliveries.per_second),
        )?;
        if let Some(events) = &streams.events {
            let (p50, p99) = (thousands(events.p50), thousands(events.p99));
            write!(out, "; of a stream p50 {p50}, p99 {p99}")?;
        }
        write!(
            out,
            "\n  Received     {}, {}/s",
            bytes(run.bytes.total as f64),
            bytes(run.bytes.per_second),
        )?;
        if let Some(sizes) = &streams.bytes {
            let (p50, p99) = (bytes(sizes.p50 as f64), bytes(sizes.p99 as f64));
            write!(out, "; of a stream p50 {p50}, p99 {p99}")?;
        }
        writeln!(
            out,
            "\n  Stalls       {} longer than {}",
            thousands(streams.stalls),
            micros(run.plan.stall_us)
        )?;
        writeln!(
            out,
            "  Connections  {} opened, {} requests on one that was kept",
            thousands(run.connections.opened),
            thousands(run.connections.reused),
        )?;
        if let Some(http2) = &run.http2 {
            http2.write_text(out)?;
        }
        let Some(mcp) = &run.mcp else {
            return Ok(());
        };
        writeln!(
            out,
            "  MCP          {} sessions, {} JSON answers, {} messages of the server, {} resumed",
            thousands(mcp.sessions),
            thousands(mcp.json_answers),
            thousands(mcp.server_messages),
            thousands(mcp.resumed),
        )
    }
}

fn listed(counts: &[(u64, &str)]) -> String {
    let counted = counts.iter().filter(|(count, _)| *count > 0);
    let shown: Vec<_> = counted
        .map(|(count, what)| format!("{} {what}", thousands(*count)))
        .collect();
    shown.join(", ")
}
