//! One receiving thread of a verification: its runtime and its share of the slots.

use std::cell::RefCell;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use super::feed::{Feed, What};
use super::group::Group;
use super::plan::{VerifyPlan, micros};
use super::slot::Slot;
use crate::checker::Micros;
use crate::connect::Connector;
use crate::exchange::{EVENT_INTERVAL, READ_BUFFER};
use crate::failure::Failures;
use crate::lag;
use crate::live::Live;
use crate::plan::share;
use crate::series::Recorder;
use crate::stats::Stats;

/// How often the checker is told what was received.
const TURN: Duration = Duration::from_millis(10);

/// What a thread is given.
#[derive(Debug)]
pub(super) struct Assignment {
    pub(super) plan: Arc<VerifyPlan>,
    pub(super) number: u32,
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) live: Arc<Live>,
    pub(super) feed: Feed,
    pub(super) start: Instant,
    pub(super) recorder: Arc<Recorder>,
    /// Receives the time at which each datagram was sent; see [`lag`].
    pub(super) lag_probe: Option<UdpSocket>,
    /// Changes when it is to stop.
    pub(super) stop: watch::Receiver<bool>,
}

/// Runs the thread's slots until told to stop: what it measured, and what went wrong.
pub(super) fn run(assignment: Assignment) -> io::Result<(Stats, Failures)> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .event_interval(EVENT_INTERVAL)
        .build_local(LocalOptions::default())?;
    let Assignment {
        plan,
        number,
        addresses,
        live,
        feed,
        start,
        recorder,
        lag_probe,
        mut stop,
    } = assignment;
    let (transport, url) = (&plan.target.transport, &plan.target.url);
    let group = Rc::new(Group {
        start,
        connector: Connector::new(transport, url, addresses),
        live,
        buffer: RefCell::new(vec![0; READ_BUFFER].into()),
        failures: RefCell::default(),
        stats: RefCell::default(),
        meter: RefCell::new(plan.delivery_meter()),
        feed: RefCell::new(feed),
        wants_frames: plan.anomalies.is_some(),
        plan: Arc::clone(&plan),
    });
    runtime.block_on(async {
        for number in share(plan.connections, plan.threads, number) {
            let slot = Slot::new(Rc::clone(&group), number);
            let due = start + plan.opens(number);
            tokio::task::spawn_local(async move {
                tokio::time::sleep_until(due.into()).await;
                slot.run().await;
            });
        }
        if let Some(socket) = lag_probe {
            tokio::task::spawn_local(measure_lag(Rc::clone(&group), socket));
        }
        tokio::task::spawn_local(tell(Rc::clone(&group), number, Arc::clone(&recorder)));
        // An error means that the run was given up: stop as well.
        let _ = stop.wait_for(|stop| *stop).await;
    });
    group.feed.borrow_mut().hand_over(Micros::MAX);
    recorder.hand_over(Instant::now(), group.stats.borrow_mut().turn());
    let mut stats = group.stats.take();
    stats.sharing = group.connector.sharing();
    let failures = group.failures.take();
    // Slots give up their connections, and tell nobody.
    drop(runtime);
    Ok((stats, failures))
}

/// Tells the checker how late this thread reads.
async fn measure_lag(group: Rc<Group>, socket: UdpSocket) {
    let record = |lag, events| {
        let at = group.since_start(Instant::now());
        let since = at.saturating_sub(micros(lag));
        group.feed.borrow_mut().add(0, at, What::Looked(since));
        group.stats.borrow_mut().read_lag.record_times(lag, events);
    };
    lag::record_each(socket, group.start, &group.live, record).await;
}

/// Hands over to the checker, and once a second to those who look.
async fn tell(group: Rc<Group>, number: u32, recorder: Arc<Recorder>) {
    let mut tick = tokio::time::interval(TURN);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut shown = Instant::now();
    loop {
        tick.tick().await;
        let now = Instant::now();
        let at = group.since_start(now);
        group.feed.borrow_mut().hand_over(at);
        if now - shown >= Duration::from_secs(1) {
            shown = now;
            group.hand_over(number, &recorder);
        }
    }
}
