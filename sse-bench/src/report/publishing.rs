//! What came of own publishing, in the reports of `load`.

use std::fmt::Write;

use serde::Serialize;

use super::head::{Errors, us};
use super::invocation::shown_url;
use crate::histogram::Summary;
use crate::load::Outcome;
use crate::plan::Plan;
use crate::units::{micros, thousands};

/// Own publishing, and what became of what was acknowledged.
#[derive(Debug, Serialize)]
pub struct PublishingReport<'a> {
    /// Without secrets.
    pub url: String,
    /// Events each second.
    pub rate: u32,
    pub delivery_timeout_us: u64,
    /// Requests sent.
    pub sent: u64,
    /// Those of them that were answered with 2xx.
    pub acknowledged: u64,
    /// Acknowledged so late that they are owed to nobody: later than the delivery
    /// timeout and the connect timeout together, from the intended time.
    pub acknowledged_late: u64,
    /// The longest that an event was sent later than intended.
    pub late_us: u64,
    /// Events that waited because 64 requests were underway.
    pub waited: u64,
    /// The longest such wait.
    pub longest_wait_us: u64,
    /// From the sending of a request to the head of its answer.
    pub acknowledge: Option<Summary>,
    /// Deliveries of acknowledged events, one for each connection that was open when the
    /// event was due and stayed so; `null` if none was owed or none can be told.
    pub owed: Option<u64>,
    pub delivered: Option<u64>,
    pub undelivered: Option<u64>,
    /// Deliveries that had not come when the run ended before their time was up.
    pub unjudged: u64,
    pub errors: Errors<'a>,
}

impl<'a> PublishingReport<'a> {
    /// `None` where nothing was to be published.
    pub fn of(plan: &'a Plan, outcome: &'a Outcome) -> Option<Self> {
        let publishing = plan.publishing.as_ref()?;
        let (published, own) = (&outcome.published, outcome.stats.own);
        let owed = Some(own.owed).filter(|owed| *owed > 0);
        Some(Self {
            url: shown_url(&publishing.target.url),
            rate: publishing.rate,
            delivery_timeout_us: us(plan.delivery_timeout),
            sent: published.sent,
            acknowledged: published.acknowledged,
            acknowledged_late: outcome.acknowledged_late,
            late_us: us(published.late),
            waited: published.waited,
            longest_wait_us: us(published.longest_wait),
            acknowledge: published.acknowledge.summary(),
            owed,
            delivered: owed.map(|_| own.delivered),
            undelivered: owed.map(|_| own.undelivered()),
            unjudged: own.unjudged,
            errors: Errors::of(&published.failures),
        })
    }

    /// What part of what was owed did not come, for a sentence.
    pub fn loss(&self) -> Option<String> {
        let (owed, undelivered) = self.owed.zip(self.undelivered)?;
        (undelivered > 0).then(|| {
            format!(
                "{} of {} deliveries owed did not come ({})",
                thousands(undelivered),
                thousands(owed),
                percent(undelivered, owed)
            )
        })
    }

    pub(super) fn write_text(&self, out: &mut String) -> std::fmt::Result {
        write!(
            out,
            "  Published    {} at {}/s, {} acknowledged, sent up to {} late",
            thousands(self.sent),
            thousands(self.rate.into()),
            thousands(self.acknowledged),
            micros(self.late_us)
        )?;
        if self.waited > 0 {
            write!(
                out,
                "; {} waited up to {} for a free request",
                thousands(self.waited),
                micros(self.longest_wait_us)
            )?;
        }
        if let Some(answer) = self.acknowledge {
            write!(
                out,
                "\n               answers took p50 {}",
                micros(answer.p50_us)
            )?;
            write!(out, ", p99 {}", micros(answer.p99_us))?;
        }
        writeln!(out)?;
        for (kind, failed) in &self.errors.by_kind {
            let (count, example) = (thousands(failed.count), failed.example);
            writeln!(out, "    {kind:<15} {count:>9}  {example}")?;
        }
        match (self.owed, self.delivered) {
            (Some(owed), Some(delivered)) => {
                write!(
                    out,
                    "  Delivered    {} of {} owed",
                    thousands(delivered),
                    thousands(owed)
                )?;
                if let Some(undelivered) = self.undelivered.filter(|count| *count > 0) {
                    let part = percent(undelivered, owed);
                    write!(out, "; {} undelivered ({part})", thousands(undelivered))?;
                }
            }
            _ => write!(out, "  Delivered    nothing was owed that could be counted")?,
        }
        if self.unjudged > 0 {
            let count = thousands(self.unjudged);
            write!(out, "; the run ended too early for {count} more")?;
        }
        if self.acknowledged_late > 0 {
            let count = thousands(self.acknowledged_late);
            write!(out, "; {count} events acknowledged too late to be owed")?;
        }
        writeln!(out)
    }

    /// What undelivered events make of the distribution of deliveries.
    pub(super) fn write_latency_words(&self, out: &mut String) -> std::fmt::Result {
        let Some((owed, undelivered)) = self.owed.zip(self.undelivered) else {
            return Ok(());
        };
        if undelivered == 0 {
            return Ok(());
        }
        let part = percent(undelivered, owed);
        writeln!(
            out,
            "  Of what was owed {part} was not delivered: it is the slowest part of delivery, shown as \"never\"."
        )
    }
}

fn percent(part: u64, whole: u64) -> String {
    let percent = 100.0 * part as f64 / whole.max(1) as f64;
    let digits = if percent < 0.1 { 4 } else { 1 };
    format!("{percent:.digits$} %")
}
