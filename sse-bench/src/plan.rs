//! What a run is to do: a command line that was found sound.

use std::num::NonZeroU32;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use percent_encoding::percent_decode_str;
use sse_core::{EventId, Limits};
use url::Url;

use crate::cli::{LoadArgs, RequestArgs};
use crate::connect::Tls;
use crate::stats::DeliveryMeter;
use crate::threshold::Threshold;
use crate::timestamp::Pointer;
use crate::{sys, tls};

/// Open files that a run needs beside its connections, and for each thread.
const OTHER_FILES: u64 = 32;
const FILES_OF_A_THREAD: u64 = 8;
/// The largest integer that every reader of JSON holds exactly (RFC 8259 §6).
const LARGEST_SEED: u64 = (1 << 53) - 1;
/// How long to hold connections where neither -z nor -n says.
const DEFAULT_DURATION: Duration = Duration::from_secs(10);

/// The plan of a load run.
#[derive(Debug)]
pub struct Plan {
    /// Where to, without user information.
    pub url: Url,
    /// How to ask.
    pub method: Method,
    /// Header fields that the user gave.
    pub headers: HeaderMap,
    /// Request body.
    pub body: Option<Vec<u8>>,
    /// Where the stream starts, if not at its beginning.
    pub last_event_id: EventId,
    /// TLS settings.
    pub tls: Tls,
    /// Slots.
    pub connections: u32,
    /// How long to hold, counted from when each slot was opened or refused.
    pub duration: Option<Duration>,
    /// Events after which to stop, over all slots.
    pub events: Option<u64>,
    /// Slots to start each second.
    pub connect_rate: u32,
    /// Connections underway at once, over all threads.
    pub connect_concurrency: u32,
    /// From the start of a connection to the head of the response.
    pub connect_timeout: Duration,
    /// Whether to reconnect; `None` leaves it to the method.
    pub reconnect: Option<bool>,
    /// Threads.
    pub threads: u32,
    /// Seed of the jitter.
    pub seed: u64,
    /// Caps on lines and events.
    pub limits: Limits,
    /// Where the publish time stands.
    pub timestamp_pointer: Option<Pointer>,
    /// In events of which types; all if none.
    pub timestamp_events: Vec<String>,
    /// What the run must keep to.
    pub thresholds: Vec<Threshold>,
}

impl Plan {
    /// # Errors
    /// One line that says what is wrong with the arguments, and how to mend it.
    pub fn new(args: LoadArgs) -> Result<Self> {
        let mut url = parse_url(&args.url)?;
        let mut headers = parse_headers(&args.request)?;
        if let Some(credentials) = credentials(&args.request, &url)? {
            headers.entry(AUTHORIZATION).or_insert(credentials);
        }
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_fragment(None);
        let body = body(&args.request)?;
        let tls = tls::config(args.request.cacert.as_deref(), args.request.insecure);
        if url.scheme() == "https" || args.request.cacert.is_some() {
            tls.as_ref().map_err(|error| anyhow!("{error:#}"))?;
        }
        let last_event_id = args.request.last_event_id.unwrap_or_default();
        let size = args.measure.max_event_size;
        let threads = args.pace.threads.unwrap_or_else(cores);
        let connections = args.connections;
        let plan = Self {
            url,
            method: parse_method(args.request.method.as_deref(), body.is_some())?,
            headers,
            body,
            last_event_id: EventId::new(last_event_id).context("--last-event-id")?,
            tls: tls.map_err(|error| format!("{error:#}")),
            connections,
            duration: match (args.duration, args.events) {
                (None, None) => Some(DEFAULT_DURATION),
                (duration, _) => duration,
            },
            events: args.events,
            connect_rate: args.pace.connect_rate,
            connect_concurrency: args.pace.connect_concurrency,
            connect_timeout: args.pace.connect_timeout,
            reconnect: match (args.pace.reconnect, args.pace.no_reconnect) {
                (true, _) => Some(true),
                (_, true) => Some(false),
                _ => None,
            },
            threads: threads.min(connections),
            seed: args
                .pace
                .seed
                .unwrap_or_else(|| fastrand::u64(..=LARGEST_SEED)),
            limits: Limits::default().line(size).event(size),
            timestamp_pointer: args.measure.timestamp_pointer,
            timestamp_events: args.measure.timestamp_event,
            thresholds: args.measure.threshold,
        };
        Ok(plan)
    }

    /// Raises the limit on open files, and says beforehand what this machine
    /// will not carry.
    pub fn check_machine(&self) -> Result<()> {
        let others = OTHER_FILES + u64::from(self.threads) * FILES_OF_A_THREAD;
        fits_open_files(self.connections, others, sys::raise_open_files())?;
        fits_ports(self.connections, sys::local_ports())
    }

    /// A meter of delivery latency, where one was asked for.
    pub fn delivery_meter(&self) -> Option<DeliveryMeter> {
        let pointer = self.timestamp_pointer.clone()?;
        Some(DeliveryMeter::new(pointer, self.timestamp_events.clone()))
    }
}

fn cores() -> u32 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    u32::try_from(cores).unwrap_or(u32::MAX)
}

fn fits_open_files(connections: u32, others: u64, limit: Option<u64>) -> Result<()> {
    let needed = u64::from(connections) + others;
    let Some(limit) = limit.filter(|limit| *limit < needed) else {
        return Ok(());
    };
    bail!(
        "the limit of {limit} open files will not carry -c {connections}: raise it with \
         `ulimit -n {needed}`, or use at most -c {}",
        limit.saturating_sub(others)
    )
}

fn fits_ports(connections: u32, ports: Option<u64>) -> Result<()> {
    let Some(ports) = ports.filter(|ports| *ports < u64::from(connections)) else {
        return Ok(());
    };
    bail!(
        "the {ports} local ports of this machine will not carry -c {connections} to one address: \
         widen net.ipv4.ip_local_port_range, or use at most -c {ports}"
    )
}

fn parse_url(text: &str) -> Result<Url> {
    let mend = "give one such as http://127.0.0.1:8080/events";
    let url = Url::parse(text).map_err(|error| anyhow!("{text} is no URL ({error}): {mend}"))?;
    let known = matches!(url.scheme(), "http" | "https");
    ensure!(
        known && url.has_host(),
        "{text} is no http:// or https:// URL: {mend}"
    );
    Ok(url)
}

fn parse_method(given: Option<&str>, has_body: bool) -> Result<Method> {
    match given {
        Some(name) => Method::from_bytes(name.as_bytes())
            .map_err(|_| anyhow!("{name:?} is no HTTP method: give one such as GET or POST")),
        None if has_body => Ok(Method::POST),
        None => Ok(Method::GET),
    }
}

fn parse_headers(args: &RequestArgs) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for line in &args.headers {
        let mend = "write it as \"Name: value\"";
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| anyhow!("header {line:?} has no colon: {mend}"))?;
        let name: HeaderName = name
            .trim()
            .parse()
            .map_err(|_| anyhow!("header {line:?} has no valid name: {mend}"))?;
        headers.append(name, header_value(line, value.trim())?);
    }
    if let Some(content_type) = &args.content_type {
        headers.insert(CONTENT_TYPE, header_value("Content-Type", content_type)?);
    }
    Ok(headers)
}

fn header_value(field: &str, value: &str) -> Result<HeaderValue> {
    HeaderValue::from_bytes(value.as_bytes())
        .map_err(|_| anyhow!("header {field:?} holds a control character"))
}

/// From `-a`, else from the URL.
fn credentials(args: &RequestArgs, url: &Url) -> Result<Option<HeaderValue>> {
    let plain = match &args.basic_auth {
        Some(given) => {
            ensure!(
                given.contains(':'),
                "-a has no colon: write it as \"user:password\""
            );
            given.clone().into_bytes()
        }
        None if url.username().is_empty() && url.password().is_none() => return Ok(None),
        None => {
            let password = url.password().unwrap_or_default();
            let text = format!("{}:{password}", url.username());
            percent_decode_str(&text).collect()
        }
    };
    let mut value: HeaderValue = format!("Basic {}", BASE64_STANDARD.encode(plain)).parse()?;
    value.set_sensitive(true);
    Ok(Some(value))
}

fn body(args: &RequestArgs) -> Result<Option<Vec<u8>>> {
    match (&args.body, &args.body_file) {
        (Some(text), _) => Ok(Some(text.clone().into_bytes())),
        (None, Some(path)) => {
            let read = std::fs::read(path);
            read.map(Some)
                .with_context(|| format!("cannot read -D {}", path.display()))
        }
        (None, None) => Ok(None),
    }
}

/// Slots that thread `thread` carries, by number.
pub fn share(connections: u32, threads: u32, thread: u32) -> impl Iterator<Item = u32> {
    let step = NonZeroU32::new(threads).map_or(1, NonZeroU32::get);
    (thread..connections).step_by(step as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser;

    fn plan(arguments: &[&str]) -> Result<Plan> {
        let fixed = ["sse-bench", "load"].iter().chain(arguments);
        match Cli::try_parse_from(fixed)?.command {
            Command::Load(args) => Plan::new(*args),
            _ => bail!("another command"),
        }
    }

    #[test]
    fn a_body_makes_it_a_post_unless_a_method_is_given() {
        assert_eq!(plan(&["http://h"]).unwrap().method, Method::GET);
        assert_eq!(
            plan(&["http://h", "-d", "{}"]).unwrap().method,
            Method::POST
        );
        let put = plan(&["http://h", "-d", "{}", "-X", "PUT"]).unwrap();
        assert_eq!((put.method, put.body), (Method::PUT, Some(b"{}".to_vec())));
    }

    #[test]
    fn credentials_come_from_the_option_or_the_url_and_are_in_no_report() {
        let plan = plan(&["http://al%3Aice:s%20ecret@h/x#y"]).unwrap();
        let expected = format!("Basic {}", BASE64_STANDARD.encode("al:ice:s ecret"));
        assert_eq!(plan.headers[AUTHORIZATION], expected);
        assert_eq!(plan.url.as_str(), "http://h/x");
    }

    #[test]
    fn given_headers_win() {
        let given = [
            "http://h",
            "-a",
            "u:p",
            "-H",
            "authorization: Bearer x",
            "-H",
            "X-A:  b ",
        ];
        let plan = plan(&given).unwrap();
        assert_eq!(plan.headers[AUTHORIZATION], "Bearer x");
        assert_eq!(plan.headers["x-a"], "b");
    }

    #[test]
    fn ten_seconds_are_the_default_where_nothing_else_ends_the_run() {
        let ten = Some(Duration::from_secs(10));
        assert_eq!(plan(&["http://h"]).unwrap().duration, ten);
        assert_eq!(plan(&["http://h", "-n", "5"]).unwrap().duration, None);
        let both = plan(&["http://h", "-n", "5", "-z", "2s"]).unwrap();
        assert_eq!(
            (both.duration, both.events),
            (Some(Duration::from_secs(2)), Some(5))
        );
    }

    #[test]
    fn the_limits_of_the_machine_are_named_with_their_mend() {
        assert!(fits_open_files(5000, 64, Some(5064)).is_ok());
        assert!(fits_open_files(5000, 64, None).is_ok());
        let refused = fits_open_files(5000, 64, Some(1024))
            .unwrap_err()
            .to_string();
        assert!(
            refused.contains("ulimit -n 5064") && refused.contains("-c 960"),
            "{refused}"
        );
        assert!(fits_ports(28_232, Some(28_232)).is_ok());
        assert!(fits_ports(28_233, Some(28_232)).is_err());
    }

    #[test]
    fn threads_share_all_slots_and_none_twice() {
        let mut all: Vec<u32> = (0..3).flat_map(|thread| share(10, 3, thread)).collect();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..10));
    }
}
