//! The time series as CSV (RFC 4180): a header line, then a line for each sample.

use std::fmt::Write;

use super::head::us;
use crate::series::{Distribution, Sample, Series};

const COLUMNS: [&str; 12] = [
    "elapsed_us",
    "interval_us",
    "open",
    "away",
    "unopened",
    "ended",
    "deliveries",
    "deliveries_per_second",
    "bytes",
    "bytes_per_second",
    "reconnects",
    "errors",
];
const NUMBERS: [&str; 4] = ["count", "p50_us", "p99_us", "max_us"];

/// Slots by state are those at the end of an interval, `deliveries`, `bytes`,
/// `reconnects` and `errors` what came in it; the columns at the end are sums
/// since the start. A latency that was not measured is an empty field.
pub fn write(series: &Series) -> String {
    let latencies = series.columns.latencies.iter().flat_map(|name| {
        let numbers = NUMBERS.iter();
        numbers.map(move |number| format!("{name}_{number}"))
    });
    let columns = COLUMNS.map(str::to_owned).into_iter().chain(latencies);
    let sums = series
        .columns
        .sums
        .iter()
        .map(|name| format!("{name}_so_far"));
    let header: Vec<_> = columns.chain(sums).collect();
    let mut csv = header.join(",") + "\r\n";
    for sample in series.samples() {
        // Writing to a string cannot fail.
        let _ = line(sample, series.columns.latencies, &mut csv);
    }
    csv
}

fn line(sample: &Sample, names: &[&str], out: &mut String) -> std::fmt::Result {
    let Sample {
        at,
        length,
        open,
        away,
        unopened,
        ended,
        deliveries,
        bytes,
        reconnects,
        errors,
        sums,
        latencies,
    } = sample;
    let (at, length) = (us(*at), us(*length));
    write!(out, "{at},{length},{open},{away},{unopened},{ended}")?;
    let rate = |amount| format!("{:.1}", sample.per_second(amount));
    write!(out, ",{deliveries},{}", rate(*deliveries))?;
    write!(out, ",{bytes},{}", rate(*bytes))?;
    write!(out, ",{reconnects},{errors}")?;
    for name in names {
        let distribution = latencies.of(name);
        write!(out, ",{}", distribution.map_or(0, Distribution::count))?;
        for value in distribution.map_or([None; 3], numbers) {
            let text = value.map_or_else(String::new, |value| value.to_string());
            write!(out, ",{text}")?;
        }
    }
    for sum in sums {
        write!(out, ",{sum}")?;
    }
    out.write_str("\r\n")
}

fn numbers(distribution: &Distribution) -> [Option<u64>; 3] {
    [
        distribution.quantile_us(0.5),
        distribution.quantile_us(0.99),
        distribution.max_us(),
    ]
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::live::Snapshot;
    use crate::series::{Latencies, Recorder};

    #[test]
    fn a_line_for_each_sample_under_its_header() {
        let start = Instant::now();
        let recorder = Recorder::new(start, 4, &["cuts"]);
        let snapshot = Snapshot {
            settled: 3,
            open: 2,
            ended: 1,
            deliveries: 30,
            bytes: 3000,
            reconnects: 5,
            failures: 6,
            ..Snapshot::default()
        };
        let second = start + Duration::from_secs(1);
        let delivery = Distribution::new([(100, 99), (120, 1)], 120);
        let latencies = Latencies::from_iter([("delivery", delivery)]);
        recorder.hand_over(second, latencies);
        recorder.observe(second, || (snapshot, vec![7]));
        let end = start + Duration::from_millis(1500);
        let series = recorder.finish(end, snapshot, vec![8]);
        let expected = "\
            elapsed_us,interval_us,open,away,unopened,ended,deliveries,deliveries_per_second,bytes,\
            bytes_per_second,reconnects,errors,delivery_count,delivery_p50_us,delivery_p99_us,\
            delivery_max_us,reconnect_count,reconnect_p50_us,reconnect_p99_us,reconnect_max_us,\
            cuts_so_far\r\n\
            1000000,1000000,2,0,1,1,30,30.0,3000,3000.0,5,6,100,100,100,120,0,,,,7\r\n\
            1500000,500000,2,0,1,1,0,0.0,0,0.0,0,0,0,,,,0,,,,8\r\n";
        assert_eq!(write(&series), expected);
    }
}
