//! Values of flags, each checked where it is read.

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use ipnet::IpNet;

use crate::http::check_path;
use crate::log::TopicRetention;

/// A larger duration than anybody means.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Room for a few events of the largest size.
const SMALLEST_LOG: ByteSize = ByteSize::mib(2);

const OLDEST: Duration = Duration::from_secs(3653 * 24 * 3600);

/// Less would fetch every event of a slow reader one by one.
const SMALLEST_MEMORY: ByteSize = ByteSize::kib(64);

/// 1 ms to 24 h.
pub(super) fn interval(text: &str) -> Result<Duration, String> {
    let duration = pause(text)?;
    if duration < Duration::from_millis(1) {
        return Err("give at least 1ms".to_owned());
    }
    Ok(duration)
}

/// 0 to 24 h.
pub(super) fn pause(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text)
        .map_err(|error| format!("{error}; give a duration such as 500ms, 5s or 2m"))?;
    if duration > LONGEST {
        return Err("give at most 24h".to_owned());
    }
    Ok(duration)
}

/// 0 to 1 s.
pub(super) fn flush_interval(text: &str) -> Result<Duration, String> {
    let duration = pause(text)?;
    if duration > Duration::from_secs(1) {
        return Err("give at most 1s".to_owned());
    }
    Ok(duration)
}

/// 1 to 64.
pub(super) fn threads(text: &str) -> Result<NonZeroUsize, String> {
    let threads = text.parse().ok();
    threads
        .filter(|threads: &NonZeroUsize| threads.get() <= 64)
        .ok_or_else(|| "give a number of threads, 1 to 64".to_owned())
}

/// `ADDRESS:PORT`. Names are resolved when the server starts.
pub(super) fn address(text: &str) -> Result<String, String> {
    let well_formed = text
        .rsplit_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    if well_formed {
        Ok(text.to_owned())
    } else {
        Err("give an address and a port, for example 127.0.0.1:8080".to_owned())
    }
}

pub(super) fn path(text: &str) -> Result<String, &'static str> {
    check_path(text).map(|()| text.to_owned())
}

pub(super) fn count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("give a whole number above 0".to_owned()),
        Ok(count) => Ok(count),
    }
}

pub(crate) fn rate(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|rate: &f64| (0.001..=1_000_000.0).contains(rate))
        .ok_or_else(|| "give a number of events per second, 0.001 to 1000000".to_owned())
}

/// 1 s to 10 years.
pub(super) fn age(text: &str) -> Result<Duration, String> {
    let age = humantime::parse_duration(text)
        .map_err(|error| format!("{error}; give a duration such as 30m, 12h or 7d"))?;
    if (Duration::from_secs(1)..=OLDEST).contains(&age) {
        Ok(age)
    } else {
        Err("give 1s to 10 years".to_owned())
    }
}

/// What `--store` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum StoreKind {
    Memory,
    Sqlite(PathBuf),
}

pub(super) fn store(text: &str) -> Result<StoreKind, String> {
    match text.split_once(':') {
        None if text == "memory" => Ok(StoreKind::Memory),
        Some(("sqlite", path)) if !path.is_empty() => Ok(StoreKind::Sqlite(path.into())),
        _ => Err("give memory, or sqlite:PATH such as sqlite:events.db".to_owned()),
    }
}

pub(super) fn memory_size(text: &str) -> Result<ByteSize, String> {
    let size: ByteSize = text
        .parse()
        .map_err(|_| "give a size such as 64MiB".to_owned())?;
    if size < SMALLEST_MEMORY {
        return Err(format!("give at least {SMALLEST_MEMORY}"));
    }
    Ok(size)
}

pub(super) fn log_size(text: &str) -> Result<ByteSize, String> {
    let size: ByteSize = text
        .parse()
        .map_err(|_| "give a size such as 64MiB".to_owned())?;
    if size < SMALLEST_LOG {
        return Err(format!("give at least {SMALLEST_LOG}"));
    }
    Ok(size)
}

/// A name that is not empty.
pub(super) fn name(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("it may not be empty".to_owned());
    }
    Ok(text.to_owned())
}

/// A cookie-name: a token of RFC 9110 §5.6.2.
pub(super) fn cookie(text: &str) -> Result<String, String> {
    match text.parse::<http::HeaderName>() {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("give the name of a cookie, such as session".to_owned()),
    }
}

/// An address is the network of itself.
pub(super) fn network(text: &str) -> Result<IpNet, String> {
    let address = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse::<IpNet>()
        .or_else(|_| address())
        .map_err(|_| "give an address or a network, such as 10.0.0.7 or 10.0.0.0/8".to_owned())
}

/// 1 byte to 1 GiB.
pub(super) fn size(text: &str) -> Result<ByteSize, String> {
    let size: ByteSize = text
        .parse()
        .map_err(|_| "give a size such as 16KiB or 1MiB".to_owned())?;
    if size < ByteSize::b(1) || size > ByteSize::gib(1) {
        return Err("give 1 byte to 1GiB".to_owned());
    }
    Ok(size)
}

pub(super) fn head_size(text: &str) -> Result<ByteSize, String> {
    let size = size(text)?;
    if !(ByteSize::kib(8)..=ByteSize::mib(1)).contains(&size) {
        return Err("give 8KiB to 1MiB".to_owned());
    }
    Ok(size)
}

/// `PATTERN:events=N,bytes=SIZE,age=DURATION`, at least one of the three.
pub(super) fn topics(text: &str) -> Result<TopicRetention, String> {
    const FORM: &str = "give a pattern and its history, for example orders.*:events=1000,age=24h";
    let (topics, budget) = text.rsplit_once(':').ok_or(FORM)?;
    let mut retention = TopicRetention {
        topics: topics.to_owned(),
        ..TopicRetention::default()
    };
    retention
        .check()
        .map_err(|problem| format!("`{topics}` {problem}; {FORM}"))?;
    for part in budget.split(',') {
        match part.split_once('=') {
            Some(("events", events)) => retention.events = Some(count(events)?),
            Some(("bytes", bytes)) => {
                retention.bytes = usize::try_from(size(bytes)?.as_u64()).ok();
            }
            Some(("age", longest)) => retention.age = Some(age(longest)?),
            _ => return Err(FORM.to_owned()),
        }
    }
    Ok(retention)
}
