//! The metrics of `verify`.

use super::metric::Better::{Less, More, Neither};
use super::metric::{Table, latency, number};
use super::{InvalidThreshold, Threshold};

/// Where each stands in the report.
pub static METRICS: Table = Table(&[
    latency("connect", "/latency/connect"),
    latency("open", "/latency/open"),
    latency("reconnect", "/latency/reconnect"),
    latency("delivery", "/latency/delivery"),
    latency("replay", "/latency/replay"),
    latency("skew", "/latency/skew"),
    latency("read_lag", "/tool/read_lag"),
    number("expected", "/integrity/expected", Neither),
    number("received", "/integrity/received", Neither),
    number("unkeyed", "/integrity/unkeyed", Neither),
    number("missing", "/integrity/missing", Less),
    number("gap", "/integrity/gap", Less),
    number("cursor_past_hole", "/integrity/cursor_past_hole", Less),
    number(
        "lost_after_reconnect",
        "/integrity/lost_after_reconnect",
        Less,
    ),
    number("declared_gap", "/integrity/declared_gap", Less),
    number("duplicate", "/integrity/duplicate", Less),
    number("replay_overlap", "/integrity/replay_overlap", Less),
    number("reorder", "/integrity/reorder", Less),
    number("id_conflict", "/integrity/id_conflict", Less),
    number("stall", "/integrity/stall", Less),
    number("opened", "/connections/opened", More),
    number("never_opened", "/connections/never_opened", Less),
    number("reconnects", "/reconnects/total", Neither),
    number("errors", "/errors/total", Less),
    number("events", "/deliveries/total", Neither),
    number(
        "reads_per_delivery",
        "/deliveries/reads_per_delivery",
        Neither,
    ),
]);

/// Reads a threshold of `verify`.
pub fn parse(text: &str) -> Result<Threshold, InvalidThreshold> {
    Threshold::parse(text, &METRICS)
}
