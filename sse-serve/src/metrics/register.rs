//! Each kind of metric, registered under its name.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use crate::metrics::Latency;

pub(super) fn counter(registry: &mut Registry, name: &str, help: &str) -> Counter {
    let counter = Counter::default();
    registry.register(name, help, counter.clone());
    counter
}

pub(super) fn bytes(registry: &mut Registry, name: &str, help: &str) -> Counter {
    let counter = Counter::default();
    registry.register_with_unit(name, help, Unit::Bytes, counter.clone());
    counter
}

pub(super) fn gauge(registry: &mut Registry, name: &str, help: &str) -> Gauge {
    let gauge = Gauge::default();
    registry.register(name, help, gauge.clone());
    gauge
}

pub(super) fn unit_gauge(registry: &mut Registry, name: &str, help: &str, unit: Unit) -> Gauge {
    let gauge = Gauge::default();
    registry.register_with_unit(name, help, unit, gauge.clone());
    gauge
}

pub(super) fn latency(registry: &mut Registry, name: &str, help: &str) -> Latency {
    let latency = Latency::default();
    registry.register_with_unit(name, help, Unit::Seconds, latency.clone());
    latency
}

pub(super) fn family<S>(registry: &mut Registry, name: &str, help: &str) -> Family<S, Counter>
where
    S: EncodeLabelSet + Clone + std::hash::Hash + Eq + std::fmt::Debug + Send + Sync + 'static,
{
    let family = Family::default();
    registry.register(name, help, family.clone());
    family
}
