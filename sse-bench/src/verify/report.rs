//! The report for people: the verdict first, all on one screen.

use std::fmt::Write;

use maud::Markup;
use serde::Serialize;

use super::Outcome;
use super::json::{RunReport, Stratum};
use super::plan::VerifyPlan;
use super::verdict::{self, Judgement, Property, Verdict};
use crate::checker::Level;
use crate::exit::Exit;
use crate::failure::printable;
use crate::report::check::CheckResult;
use crate::report::text::{
    write_head, write_kinds, write_latency_table, write_limits, write_timestamps,
};
use crate::report::{Check, Formats, Head, Invocation, csv, head};
use crate::units::{micros, seconds, thousands};

/// Anomalies listed.
const LISTED: usize = 10;
/// Greetings and kinds of error listed.
const NAMED: usize = 4;

/// A finished verification, judged.
#[derive(Debug)]
pub struct VerifyReport<'a> {
    /// What was to be done.
    pub plan: &'a VerifyPlan,
    /// What was seen.
    pub outcome: &'a Outcome,
    /// The same as the report has it.
    pub run: RunReport<'a>,
    /// What all reports have in common.
    pub head: Head,
    /// What follows from it.
    pub judgement: Judgement,
}

impl Property {
    /// Seen broken.
    pub fn failed(&self) -> bool {
        self.verdict == Verdict::Fail
    }
}

impl Formats for VerifyReport<'_> {
    fn head(&self) -> &Head {
        &self.head
    }

    fn run(&self) -> &impl Serialize {
        &self.run
    }

    fn checks(&self) -> Vec<Check> {
        self.all_checks()
    }

    fn write_text(&self, out: &mut String) -> std::fmt::Result {
        self.write(&self.run, out)
    }

    fn csv(&self) -> String {
        csv::write(&self.outcome.series)
    }

    fn page(&self) -> Markup {
        super::html::render(self)
    }
}

/// What events were told apart by.
pub(super) fn level(outcome: &Outcome) -> &'static str {
    outcome.findings.level.unwrap_or(Level::None).name()
}

/// Where what is owed comes from.
pub(super) fn owed(plan: &VerifyPlan, outcome: &Outcome) -> &'static str {
    match outcome.findings.level {
        _ if plan.publishing.is_some() => "published",
        Some(Level::Sequence) => "sequence",
        _ => "union",
    }
}

impl<'a> VerifyReport<'a> {
    /// Judges a run.
    pub fn new(
        invocation: &Invocation,
        plan: &'a VerifyPlan,
        outcome: &'a Outcome,
    ) -> serde_json::Result<Self> {
        let properties = verdict::properties(plan, &outcome.findings);
        let run = RunReport::new(plan, outcome, &properties);
        let measured = serde_json::to_value(&run)?;
        let thresholds = plan.thresholds.iter();
        let thresholds = thresholds
            .map(|threshold| threshold.check(&measured))
            .collect();
        let comparison = plan
            .baseline
            .as_ref()
            .map(|baseline| baseline.compare(&measured));
        let (judgement, reason) =
            Judgement::new(plan, outcome, properties, thresholds, comparison.as_ref());
        let result = head::Result {
            command: "verify",
            exit: judgement.exit,
            reason: &reason,
            ending: outcome.ending.name(),
            elapsed: outcome.elapsed,
            thresholds: &judgement.thresholds,
        };
        let mut head = Head {
            comparison,
            ..Head::new(invocation, &result)
        };
        if judgement.exit == Exit::Interrupted && judgement.properties.iter().any(Property::failed)
        {
            head.verdict = "fail";
        }
        Ok(Self {
            plan,
            outcome,
            run,
            head,
            judgement,
        })
    }

    fn all_checks(&self) -> Vec<Check> {
        let properties = self.judgement.properties.iter().map(|property| {
            let (held, of, unit) = property.coverage;
            let coverage = format!("{} of {} {unit}", thousands(held), thousands(of));
            Check {
                group: "property",
                name: property.name.to_owned(),
                result: match property.verdict {
                    Verdict::Pass => CheckResult::Held,
                    Verdict::Fail => CheckResult::Failed,
                    Verdict::Inconclusive => CheckResult::Undecided,
                    Verdict::NotApplicable => CheckResult::NotApplicable,
                },
                seen: if property.note.is_empty() {
                    coverage
                } else {
                    format!("{}; {coverage}", property.note)
                },
            }
        });
        let thresholds = Check::of_thresholds(&self.judgement.thresholds);
        let limits = Check::of_comparison(&self.head);
        let mut checks: Vec<_> = properties.chain(thresholds).chain(limits).collect();
        checks.push(Check::of_run(&self.head, &checks));
        checks
    }

    fn write(&self, json: &RunReport<'_>, out: &mut String) -> std::fmt::Result {
        write_head(&self.head, json.plan.method, &json.plan.url, out)?;
        writeln!(out)?;
        if json.connections.opened > 0 {
            self.write_watched(json, out)?;
            if let Some(http2) = &json.http2 {
                http2.write_text(out)?;
            }
            self.write_properties(out)?;
            write_reconnects(json, out)?;
            write_anomalies(json, out)?;
            write_latencies(json, out)?;
        }
        write_limits(&self.judgement.thresholds, &self.head, out)?;
        write_errors(json, out)
    }

    fn write_watched(&self, json: &RunReport<'_>, out: &mut String) -> std::fmt::Result {
        let connections = &json.connections;
        write!(
            out,
            "\n  Connections  {} of {} opened, {} of them never cut",
            thousands(connections.opened),
            thousands(connections.requested),
            thousands(json.plan.witnesses.into()),
        )?;
        for (count, what) in [
            (connections.cuts, "cuts"),
            (
                connections.restarts,
                match connections.restarts {
                    1 => "restart of the server",
                    _ => "restarts of the server",
                },
            ),
            (connections.clean_ends, "streams ended by the server"),
            (connections.stopped, "stopped by a 204"),
        ] {
            if count > 0 {
                write!(out, ", {} {what}", thousands(count))?;
            }
        }
        let by = match self.outcome.findings.level.unwrap_or(Level::None) {
            Level::Sequence => "their number",
            Level::Id => "their id",
            Level::Pointer => "the value at --key-pointer",
            Level::Content => "their content",
            Level::None => "nothing",
        };
        let owed = match json.identity.owed {
            "published" => "what was published and acknowledged",
            "sequence" => "every number of the sequence",
            _ => "what two connections received",
        };
        writeln!(
            out,
            "\n  Events       {} received in {}; {} told apart by {by}; owed is {owed}",
            thousands(json.deliveries.total),
            seconds(self.outcome.elapsed),
            thousands(json.identity.events),
        )?;
        if let Some(publishing) = &json.publishing {
            writeln!(
                out,
                "  Published    {}, {} acknowledged",
                thousands(publishing.sent),
                thousands(publishing.acknowledged)
            )?;
        }
        for (name, count) in json.identity.greetings.iter().take(NAMED) {
            writeln!(
                out,
                "  Greeting     \"{}\" opens {} connections and is no part of the stream",
                printable(name),
                thousands(*count)
            )?;
        }
        if json.integrity.unkeyed > 0 {
            writeln!(
                out,
                "  Unkeyed      {} events that nothing tells apart: owed to nobody",
                thousands(json.integrity.unkeyed)
            )?;
        }
        Ok(())
    }

    fn write_properties(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out)?;
        for property in &self.judgement.properties {
            let name = property_name(property.name);
            let (held, of, unit) = property.coverage;
            let verdict = match property.verdict {
                Verdict::NotApplicable => "not applicable",
                other => other.name(),
            };
            write!(out, "  {name:<25} {verdict:<14}")?;
            if property.verdict != Verdict::NotApplicable {
                write!(out, " {} of {} {unit}", thousands(held), thousands(of))?;
            }
            writeln!(out)?;
        }
        Ok(())
    }
}

/// A property as people call it.
pub(super) fn property_name(name: &str) -> &str {
    match name {
        "complete_while_connected" => "Complete while connected",
        "replay_complete" => "Replay complete",
        "no_duplicate" => "No duplicate",
        "order" => "Order",
        "no_stall" => "No stall",
        "no_id_conflict" => "No id conflict",
        other => other,
    }
}

fn write_reconnects(json: &RunReport<'_>, out: &mut String) -> std::fmt::Result {
    let reconnects = &json.reconnects;
    if reconnects.total == 0 {
        return Ok(());
    }
    write!(out, "\n  Reconnects   {}", thousands(reconnects.total))?;
    for (count, what) in [
        (reconnects.resumed, "resumed"),
        (reconnects.full_replay, "replayed from the start"),
        (reconnects.live_only, "went on live only"),
        (reconnects.rejected, "refused"),
        (reconnects.vacuous, "had nothing to replay"),
        (reconnects.undecided, "over too soon to tell"),
        (
            reconnects.last_event_id_unsendable,
            "requests without a last event ID that no header can carry",
        ),
    ] {
        if count > 0 {
            write!(out, ", {} {what}", thousands(count))?;
        }
    }
    writeln!(out)?;
    for (title, part) in [
        ("cut", (|stratum| &stratum.cut) as fn(&Stratum) -> &String),
        ("at", |stratum| &stratum.at),
        ("outage", |stratum| &stratum.outage),
    ] {
        write_strata(title, part, &json.strata, out)?;
    }
    Ok(())
}

/// Complete of what was put to the test, for each value of one dimension.
fn write_strata(
    title: &str,
    part: fn(&Stratum) -> &String,
    strata: &[Stratum],
    out: &mut String,
) -> std::fmt::Result {
    let mut sums: Vec<(&str, u64, u64)> = Vec::new();
    for stratum in strata.iter().filter(|stratum| !part(stratum).is_empty()) {
        let name = part(stratum).as_str();
        let tested = stratum.complete + stratum.incomplete;
        match sums.iter_mut().find(|(known, ..)| *known == name) {
            Some((_, complete, all)) => {
                *complete += stratum.complete;
                *all += tested;
            }
            None => sums.push((name, stratum.complete, tested)),
        }
    }
    if sums.is_empty() {
        return Ok(());
    }
    let texts: Vec<String> = sums
        .iter()
        .map(|(name, complete, all)| format!("{name} {}/{}", thousands(*complete), thousands(*all)))
        .collect();
    writeln!(out, "    complete by {title:<7} {}", texts.join(", "))
}

fn write_anomalies(json: &RunReport<'_>, out: &mut String) -> std::fmt::Result {
    if json.anomalies.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n  First anomalies")?;
    for anomaly in json.anomalies.iter().take(LISTED) {
        write!(
            out,
            "    {:>9}  slot {}, leg {}: {}",
            micros(anomaly.at_us),
            anomaly.slot,
            anomaly.leg,
            anomaly.kind.replace('_', " "),
        )?;
        if anomaly.count > 1 {
            write!(out, " of {}", thousands(anomaly.count))?;
        }
        match (anomaly.first, anomaly.last) {
            (Some(first), Some(last)) if first != last => {
                write!(out, ", {} to {}", short(first), short(last))?;
            }
            (Some(first), _) => write!(out, ", {}", short(first))?,
            _ => {}
        }
        writeln!(out)?;
    }
    let more = json.anomalies.len().saturating_sub(LISTED);
    if more > 0 {
        writeln!(out, "    {more} more are in the JSON report")?;
    }
    if let Some(log) = &json.anomaly_log {
        let lines = thousands(log.lines as u64);
        write!(out, "    {lines} are in the anomaly log")?;
        if log.left_out > 0 {
            let left_out = thousands(log.left_out);
            write!(out, ", {left_out} have no room in it: --max-anomalies")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn write_latencies(json: &RunReport<'_>, out: &mut String) -> std::fmt::Result {
    let latency = &json.latency;
    let rows = [
        ("delivery", latency.delivery),
        ("replay", latency.replay),
        ("skew", latency.skew),
        ("own read lag", json.tool.read_lag),
    ];
    if !write_latency_table(&rows, out)? {
        return Ok(());
    }
    if json.timestamps.is_some() && json.integrity.missing > 0 {
        let missing = thousands(json.integrity.missing);
        writeln!(
            out,
            "  {missing} deliveries that never came are the slowest: \"never\"."
        )?;
    }
    let lag = json.tool.read_lag;
    write_timestamps(json.timestamps.as_ref(), latency.delivery, lag, out)?;
    let reads = json.deliveries.reads_per_delivery.unwrap_or_default();
    let whose = "Skew is against the first connection to receive an event";
    writeln!(out, "  {whose}; {reads:.2} reads a delivery.")
}

fn short(id: &str) -> String {
    let mut text: String = id.chars().take(60).collect();
    if text.len() < id.len() {
        text.push_str("...");
    }
    printable(&text)
}

fn write_errors(json: &RunReport<'_>, out: &mut String) -> std::fmt::Result {
    if json.errors.total == 0 {
        return Ok(());
    }
    writeln!(out, "\n  Errors       {}", thousands(json.errors.total))?;
    write_kinds(&json.errors, NAMED, out)
}
