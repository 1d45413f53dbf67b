//! The metrics of `storm`, over all storms of a run. Of a connection that never
//! came back, a latency is 24 h.

use super::metric::Better::{Less, More, Neither};
use super::metric::{Table, latency, number};
use super::{InvalidThreshold, Threshold};

/// Where each stands in the report.
pub static METRICS: Table = Table(&[
    latency("reopen", "/latency/reopen"),
    latency("caught_up", "/latency/caught_up"),
    latency("first_attempt", "/latency/first_attempt"),
    latency("connect", "/latency/connect"),
    latency("open", "/latency/open"),
    latency("read_lag", "/tool/read_lag"),
    number("lost", "/totals/lost", Neither),
    number("reopened", "/totals/reopened", More),
    number("not_reopened", "/totals/not_reopened", Less),
    number("not_caught_up", "/totals/not_caught_up", Less),
    number("given_up", "/totals/given_up", Less),
    number("stopped", "/totals/stopped", Less),
    number("lost_again", "/totals/lost_again", Less),
    number("refused", "/totals/refused", Less),
    number("failed", "/totals/failed", Less),
    number("attempts", "/totals/attempts", Less),
    number(
        "peak_attempts_per_second",
        "/totals/peak_attempts_per_second",
        Less,
    ),
    number("opened", "/connections/opened", More),
    number("never_opened", "/connections/never_opened", Less),
    number("errors", "/errors/total", Less),
    number("events", "/deliveries/total", Neither),
]);

/// Reads a threshold of `storm`.
pub fn parse(text: &str) -> Result<Threshold, InvalidThreshold> {
    Threshold::parse(text, &METRICS)
}
