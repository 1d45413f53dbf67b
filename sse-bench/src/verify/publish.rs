//! Own publishing: numbered events at a steady rate. What the server
//! acknowledges is owed.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};

use super::group::Group;
use crate::checker::KeyPointer;
use crate::cli::RequestArgs;
use crate::cli::verify::PublishArgs;
use crate::connect::Connector;
use crate::exchange::Request;
use crate::failure::{Failure, Kind};
use crate::stats::wall_clock;
use crate::target::Target;
use crate::timestamp::Pointer;

/// Publishing requests underway at once; further ones wait, which is counted.
const MOST_UNDERWAY: usize = 64;

/// What is to be published.
#[derive(Debug)]
pub struct Publishing {
    target: Target,
    rate: u32,
    body: String,
    /// Where the number stands in the data that arrives.
    pub sequence: KeyPointer,
}

/// What came of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Published {
    /// Requests sent.
    pub sent: u64,
    /// Those answered with 2xx.
    pub acknowledged: u64,
    /// The longest that one was sent later than intended.
    pub late: Duration,
}

impl Publishing {
    /// `None` where nothing is to be published.
    pub fn new(args: &PublishArgs, request: &RequestArgs) -> Result<Option<Self>> {
        let Some(url) = &args.publish_url else {
            return Ok(None);
        };
        let mut target = Target::new(url, request.for_publishing())?;
        target.method = Method::POST;
        let json = HeaderValue::from_static("application/json");
        target.headers.entry(CONTENT_TYPE).or_insert(json);
        Ok(Some(Self {
            target,
            rate: args.publish_rate,
            body: args.publish_body.clone(),
            sequence: args.publish_sequence.clone(),
        }))
    }

    /// Where the intended time stands in the data, if the body is the default one.
    pub fn timestamp(&self) -> Option<Pointer> {
        let pointer = (self.body == DEFAULT_BODY).then(|| "/at".parse());
        pointer?.ok()
    }

    /// What all its events contain, if the body names the run.
    pub fn marker(&self, seed: u64) -> Option<String> {
        self.body.contains("{{run}}").then(|| run_name(seed))
    }
}

/// What the body says if nothing else is asked for.
pub const DEFAULT_BODY: &str =
    r#"{"event":"bench","data":{"seq":{{seq}},"at":{{at}},"run":"{{run}}"}}"#;

fn run_name(seed: u64) -> String {
    format!("run-{seed:014x}")
}

/// Publishes until nothing more is owed: events are sent when they are due,
/// however long the answers take.
pub(super) async fn run(group: Rc<Group>) {
    let Some(publishing) = &group.plan.publishing else {
        return;
    };
    let target = &publishing.target;
    let addresses = match target.transport.resolve(&target.url).await {
        Ok(addresses) => addresses,
        Err(failure) => return group.failures.borrow_mut().add(&failure),
    };
    let connector = Rc::new(Connector::new(&target.transport, &target.url, addresses));
    let turns = Arc::new(tokio::sync::Semaphore::new(MOST_UNDERWAY));
    let run = run_name(group.plan.seed);
    let end = group.start + group.plan.duration;
    for number in 1_u64.. {
        let due = group.start + Duration::from_secs(number) / publishing.rate;
        if due >= end {
            return;
        }
        tokio::time::sleep_until(due.into()).await;
        let Ok(turn) = Arc::clone(&turns).acquire_owned().await else {
            return;
        };
        let late = due.elapsed();
        let at = wall_clock().saturating_sub(late.as_nanos() as u64);
        let body = publishing
            .body
            .replace("{{seq}}", &number.to_string())
            .replace("{{at}}", &at.to_string())
            .replace("{{run}}", &run);
        {
            let mut published = group.published.borrow_mut();
            published.sent += 1;
            published.late = published.late.max(late);
        }
        let (group, connector) = (Rc::clone(&group), Rc::clone(&connector));
        tokio::task::spawn_local(async move {
            let _turn = turn;
            match publish(&group, &connector, body).await {
                Ok(()) => {
                    group.published.borrow_mut().acknowledged += 1;
                    let at = group.since_start(Instant::now());
                    group.checker.borrow_mut().acknowledged(number, at);
                }
                Err(failure) => group.failures.borrow_mut().add(&failure),
            }
        });
    }
}

async fn publish(group: &Group, connector: &Connector, body: String) -> Result<(), Failure> {
    let Some(publishing) = &group.plan.publishing else {
        return Ok(());
    };
    let target = &publishing.target;
    let request = Request {
        method: &target.method,
        url: &target.url,
        headers: &target.headers,
        body: Some(body.as_bytes()),
        slot: 0,
    };
    let wire = group.wire(&group.publisher);
    let limit = group.plan.connect_timeout;
    let answer = wire.open(connector, &request, limit, || {}).await?;
    let status = answer.status;
    if status.is_success() {
        return Ok(());
    }
    let detail = format!("{}: publishing was answered with {status}", target.url);
    Err(Failure::new(Kind::Status(status), detail))
}
