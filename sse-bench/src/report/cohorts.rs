//! Connections that read slowly, and what became of the others beside them.

use std::fmt::Write;

use serde::Serialize;

use crate::histogram::Summary;
use crate::plan::Plan;
use crate::stats::Stats;
use crate::units::{bytes, micros, rate, thousands};

/// One cohort of connections.
#[derive(Debug, Clone, Serialize)]
pub struct Cohort {
    /// `healthy`, or as `--slow` was given.
    pub name: String,
    pub connections: u64,
    /// Open at least once.
    pub opened: u64,
    /// What each reads in a second, at most; `null` where that is not limited.
    pub bytes_per_second: Option<u64>,
    pub deliveries: u64,
    pub deliveries_per_connection: Option<f64>,
    /// Of response bodies.
    pub bytes: u64,
    /// Open connections that the server ended, and those that broke. Those that
    /// storm cut are not among them.
    pub ended_by_server: u64,
    pub cut_by_server: u64,
    /// As `latency.delivery`, which is that of the healthy ones.
    pub delivery: Option<Summary>,
}

/// The name of a cohort.
pub fn name_of(plan: &Plan, number: usize) -> String {
    let slow = number.checked_sub(1);
    let slow = slow.and_then(|index| plan.cohorts.slow().get(index));
    slow.map_or_else(|| "healthy".to_owned(), |slow| format!("slow {slow}"))
}

/// The cohorts of a run; none where all read as fast as they can.
pub fn cohorts(plan: &Plan, stats: &Stats) -> Vec<Cohort> {
    let slow = plan.cohorts.slow();
    let of = |(number, counted): (usize, &crate::stats::CohortStats)| {
        let slow = number.checked_sub(1).and_then(|index| slow.get(index));
        let opened = counted.opened;
        let delivery = match slow {
            Some(_) => &counted.delivery,
            None => &stats.delivery,
        };
        Cohort {
            name: name_of(plan, number),
            connections: plan.cohorts.size(number),
            opened,
            bytes_per_second: slow.map(|slow| slow.rate() as u64),
            deliveries: counted.deliveries,
            deliveries_per_connection: (opened > 0)
                .then(|| super::head::round(counted.deliveries as f64 / opened as f64)),
            bytes: counted.bytes,
            ended_by_server: counted.ended,
            cut_by_server: counted.cut,
            delivery: delivery.live.summary(),
        }
    };
    stats.cohorts.iter().enumerate().map(of).collect()
}

/// A line for each cohort.
pub fn write(cohorts: &[Cohort], out: &mut String) -> std::fmt::Result {
    if cohorts.iter().all(|cohort| cohort.opened == 0) {
        return Ok(());
    }
    writeln!(
        out,
        "\n  {:<18} {:>8} {:>11} {:>10} {:>10}  delivery",
        "Cohort", "opened", "events each", "received", "ended/cut"
    )?;
    for cohort in cohorts {
        let lost = format!(
            "{}/{}",
            thousands(cohort.ended_by_server),
            thousands(cohort.cut_by_server)
        );
        let each = cohort
            .deliveries_per_connection
            .map_or_else(String::new, rate);
        write!(
            out,
            "  {:<18} {:>8} {each:>11} {:>10} {lost:>10}",
            cohort.name,
            thousands(cohort.opened),
            bytes(cohort.bytes as f64),
        )?;
        if let Some(delivery) = cohort.delivery {
            write!(
                out,
                "  p50 {:>9}  p99 {:>9}",
                micros(delivery.p50_us),
                micros(delivery.p99_us)
            )?;
        }
        writeln!(out)?;
    }
    writeln!(
        out,
        "  Ended or cut: by the server. The latencies of events above are the healthy ones'."
    )
}
