//! The metrics of `load`: those of endless streams.

use super::metric::Better::{Less, More, Neither};
use super::metric::{Table, duration, latency, number};
use super::{InvalidThreshold, Threshold};

/// Where each stands in the report.
pub static METRICS: Table = Table(&[
    latency("connect", "/latency/connect"),
    latency("open", "/latency/open"),
    latency("first_event", "/latency/first_event"),
    latency("reconnect", "/latency/reconnect"),
    latency("delivery", "/latency/delivery"),
    latency("replay", "/latency/replay"),
    latency("read_lag", "/tool/read_lag"),
    number("opened", "/connections/opened", More),
    number("never_opened", "/connections/never_opened", Less),
    number("given_up", "/connections/given_up", Less),
    number("reconnects", "/reconnects/total", Neither),
    number("errors", "/errors/total", Less),
    number("events", "/deliveries/total", Neither),
    latency("acknowledge", "/publishing/acknowledge"),
    duration("publish_late", "/publishing/late_us"),
    number("published", "/publishing/acknowledged", Neither),
    number("publish_errors", "/publishing/errors/total", Less),
    number("undelivered", "/publishing/undelivered", Less),
    number("events_per_second", "/deliveries/per_second", More),
    number("reads_per_delivery", "/reads/per_delivery", Neither),
    number("bytes_per_second", "/bytes/per_second", More),
]);

/// Reads a threshold of `load`, of endless or of [finite](super::finite) streams.
pub fn parse(text: &str) -> Result<Threshold, InvalidThreshold> {
    match Threshold::parse(text, &METRICS) {
        Err(InvalidThreshold::Metric(name, help)) => {
            match Threshold::parse(text, &super::finite::METRICS) {
                Err(InvalidThreshold::Metric(..)) => Err(InvalidThreshold::Metric(name, help)),
                other => other,
            }
        }
        other => other,
    }
}
