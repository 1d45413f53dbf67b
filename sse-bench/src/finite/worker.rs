//! One thread: its runtime and its share of the slots.

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::FinitePlan;
use super::slot::Slot;
use super::tally::Tally;
use super::tickets::{Ticket, Tickets};
use crate::connect::Connector;
use crate::crew::Post;
use crate::exchange::{READ_BUFFER, Wire};
use crate::lag;
use crate::live::Live;
use crate::plan::share;

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Requests begin.
    Running,
    /// Only those that were due before this moment yet begin.
    Draining(Instant),
    /// What is under way is given up.
    Stopped,
}

/// What a thread is given.
#[derive(Debug)]
pub(super) struct Assignment {
    pub(super) post: Post,
    pub(super) plan: Arc<FinitePlan>,
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) tickets: Arc<Tickets>,
    pub(super) phase: watch::Receiver<Phase>,
}

/// What the slots of one thread have in common.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) plan: Arc<FinitePlan>,
    pub(super) live: Arc<Live>,
    pub(super) connector: Connector,
    /// Never held across a wait.
    pub(super) tally: RefCell<Tally>,
    buffer: RefCell<Box<[u8]>>,
    tickets: Arc<Tickets>,
    phase: watch::Receiver<Phase>,
}

impl Worker {
    pub(super) fn wire(&self) -> Wire<'_> {
        Wire {
            live: &self.live,
            buffer: &self.buffer,
            wall_clock: false,
        }
    }

    /// The next request, when it is due; `None` once there is none to make. It
    /// waited where it was due before the slot was free, at `free_since`.
    pub(super) async fn next_ticket(&self, free_since: Option<Instant>) -> Option<Ticket> {
        if *self.phase.borrow() != Phase::Running {
            return None;
        }
        let ticket = self.tickets.take()?;
        let Some(due) = ticket.due else {
            return Some(ticket);
        };
        if free_since.is_some_and(|free| free > due) {
            let mut tally = self.tally.borrow_mut();
            tally.counts.waited += 1;
            tally.waited.record(due.elapsed());
            return Some(ticket);
        }
        let over = async {
            let mut phase = self.phase.clone();
            let is_over = |phase: &Phase| match *phase {
                Phase::Running => false,
                Phase::Draining(end) => due >= end,
                Phase::Stopped => true,
            };
            // An error means that the run was given up.
            let _ = phase.wait_for(is_over).await;
        };
        tokio::select! {
            biased;
            () = over => None,
            () = tokio::time::sleep_until(due.into()) => Some(ticket),
        }
    }

    /// Returns once no more requests are to begin.
    pub(super) async fn drained(&self) {
        let mut phase = self.phase.clone();
        let _ = phase.wait_for(|phase| *phase != Phase::Running).await;
    }

    /// Returns once what is under way is to be given up.
    pub(super) async fn stopped(&self) {
        let mut phase = self.phase.clone();
        let _ = phase.wait_for(|phase| *phase == Phase::Stopped).await;
    }
}

/// Makes the thread's share of the requests, until there are no more to make.
pub(super) fn run(assignment: Assignment) -> io::Result<Tally> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())?;
    let Assignment {
        post,
        plan,
        addresses,
        tickets,
        phase,
    } = assignment;
    let Post {
        number,
        live,
        recorder,
        start,
        lag_probe,
    } = post;
    let worker = Rc::new(Worker {
        tally: RefCell::new(Tally {
            goodput: plan.goodput.clone(),
            has_content_rules: !plan.rules.content.is_empty(),
            ..Tally::default()
        }),
        connector: Connector::new(&plan.target.transport, &plan.target.url, addresses),
        plan,
        live,
        buffer: RefCell::new(vec![0; READ_BUFFER].into()),
        tickets,
        phase,
    });
    runtime.block_on(async {
        if let Some(socket) = lag_probe {
            let probed = Rc::clone(&worker);
            tokio::task::spawn_local(async move {
                let record = |lag, events| {
                    let mut tally = probed.tally.borrow_mut();
                    tally.read_lag.record_times(lag, events);
                };
                lag::record_each(socket, start, &probed.live, record).await;
            });
        }
        let (measuring, collector) = (Rc::clone(&worker), Arc::clone(&recorder));
        tokio::task::spawn_local(async move {
            let turn = || measuring.tally.borrow_mut().turn();
            let pulse = || measuring.tally.borrow().pulse();
            collector.collect(number, turn, pulse).await;
        });
        let mut slots = JoinSet::new();
        for slot in share(worker.plan.connections, worker.plan.threads, number) {
            slots.spawn_local(begin(Rc::clone(&worker), slot, start));
        }
        while slots.join_next().await.is_some() {}
    });
    let mut tally = worker.tally.take();
    recorder.hand_over(Instant::now(), tally.turn());
    tally.sharing = worker.connector.sharing();
    drop(runtime);
    Ok(tally)
}

/// In a closed loop the first requests are spread; in an open loop each has its
/// own time.
async fn begin(worker: Rc<Worker>, slot: u32, start: Instant) {
    if worker.plan.rate.is_none() {
        let after = f64::from(slot) / f64::from(worker.plan.connect_rate);
        let due = start + Duration::from_secs_f64(after);
        tokio::select! {
            () = tokio::time::sleep_until(due.into()) => {}
            () = worker.drained() => return,
        }
    }
    worker.live.settled.add(1);
    Slot::new(Rc::clone(&worker), slot).run().await;
    worker.live.ended.add(1);
}
