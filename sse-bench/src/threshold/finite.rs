//! The metrics of `load --until-done`: those of finite streams.

use super::metric::Better::{Less, More, Neither};
use super::metric::{Table, latency, number};

/// Where each stands in the report.
pub static METRICS: Table = Table(&[
    latency("connect", "/latency/connect"),
    latency("open", "/latency/open"),
    latency("ttfe", "/latency/ttfe"),
    latency("ttfc", "/latency/ttfc"),
    latency("gap", "/latency/gap"),
    latency("duration", "/latency/duration"),
    latency("waited", "/latency/waited"),
    latency("read_lag", "/tool/read_lag"),
    number("requests", "/requests/started", Neither),
    number("completed", "/requests/completed", More),
    number("failed", "/requests/failed", Less),
    number("cut_short", "/requests/cut_short", Less),
    number("errors_in_stream", "/requests/errors_in_stream", Less),
    number("refused", "/requests/refused", Less),
    number("not_answered", "/requests/not_answered", Less),
    number("timed_out", "/requests/timed_out", Less),
    number("unfinished", "/requests/unfinished", Less),
    number("never_started", "/requests/never_started", Less),
    number("without_content", "/requests/without_content", Less),
    number("stalls", "/streams/stalls", Less),
    number("goodput", "/goodput/share", More),
    number("goodput_per_second", "/goodput/per_second", More),
    number("requests_per_second", "/requests/per_second", More),
    number("events", "/deliveries/total", Neither),
    number("events_per_second", "/deliveries/per_second", More),
    number("bytes_per_second", "/bytes/per_second", More),
    number("errors", "/errors/total", Less),
]);
