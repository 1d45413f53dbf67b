//! The recovery of each storm as CSV (RFC 4180): a header line, then a line for each step.

use std::fmt::Write;

use super::round::Round;
use super::tally::STEP;
use crate::report::head::us;

const HEADER: &str = "storm,since_first_loss_us,lost,open,caught_up,begun,opened,refused,failed";

/// `lost`, `open` and `caught_up` are how many were so by the end of a step, the rest is what
/// happened in it.
pub(super) fn write(rounds: &[Round]) -> String {
    let mut csv = format!("{HEADER}\r\n");
    for (number, round) in (1..).zip(rounds) {
        let recovery = &round.recovery;
        for (index, end) in (0..recovery.steps()).zip(1_u32..) {
            let values = [
                &recovery.lost,
                &recovery.open,
                &recovery.caught_up,
                &recovery.begun,
                &recovery.opened,
                &recovery.refused,
                &recovery.failed,
            ];
            // Writing to a string cannot fail.
            let _ = write!(csv, "{number},{}", us(STEP * end));
            for values in values {
                let _ = write!(csv, ",{}", values[index]);
            }
            csv.push_str("\r\n");
        }
    }
    csv
}
