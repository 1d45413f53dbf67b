//! How the slots of a thread hear of a storm, and what they tell of it.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use sse_core::EventRef;
use tokio::sync::watch;

use super::lock;
use super::order::{Known, Order, Place};
use super::plan::Manner;
use super::record::{Phase, Record};
use super::tally::is_refusal;
use crate::failure::Failure;
use crate::plan::share;

/// No connection was lost yet.
const NONE: u64 = u64::MAX;

/// What all threads have in common.
#[derive(Debug)]
pub struct Storm {
    start: Instant,
    manner: Manner,
    control_events: Vec<String>,
    on: AtomicBool,
    /// Whether ids tell who has caught up.
    by_id: AtomicBool,
    /// In microseconds since the start.
    first_loss: AtomicU64,
    order: Order,
    /// One for each thread, which alone writes to it while slots run.
    records: Vec<Mutex<Record>>,
    cuts: watch::Sender<u32>,
}

impl Storm {
    /// For slots shared by this many threads.
    pub fn new(
        start: Instant,
        manner: Manner,
        control_events: Vec<String>,
        connections: u32,
        threads: u32,
    ) -> Self {
        let slots = |thread| share(connections, threads, thread).count();
        let records = (0..threads).map(|thread| Mutex::new(Record::new(slots(thread))));
        Self {
            start,
            manner,
            control_events,
            on: AtomicBool::new(false),
            by_id: AtomicBool::new(false),
            first_loss: AtomicU64::new(NONE),
            order: Order::default(),
            records: records.collect(),
            cuts: watch::Sender::new(0),
        }
    }

    /// From now on, losses are those of a storm.
    pub fn begin(&self) {
        self.first_loss.store(NONE, Ordering::Relaxed);
        self.by_id.store(self.order.newest() > 0, Ordering::Relaxed);
        for record in self.records() {
            lock(record).begin();
        }
        self.on.store(true, Ordering::Release);
    }

    /// Cuts all connections.
    pub fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// The storm is over.
    pub fn end(&self) {
        self.on.store(false, Ordering::Release);
    }

    /// The records, one for each thread.
    pub fn records(&self) -> impl Iterator<Item = &Mutex<Record>> {
        self.records.iter()
    }

    /// Whether ids tell who has caught up.
    pub fn by_id(&self) -> bool {
        self.by_id.load(Ordering::Relaxed)
    }

    /// When the first connection was lost, since the start.
    pub fn first_loss(&self) -> Option<Duration> {
        let micros = self.first_loss.load(Ordering::Relaxed);
        (micros != NONE).then(|| Duration::from_micros(micros))
    }

    fn since_start(&self, at: Instant) -> Duration {
        at.saturating_duration_since(self.start)
    }

    fn since_first_loss(&self, at: Instant) -> Option<Duration> {
        self.since_start(at).checked_sub(self.first_loss()?)
    }
}

/// How a connection was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Cut by this side.
    Cut,
    /// Its response ended as it should.
    Ended,
    /// It broke.
    Broken,
}

/// The reconnection time in force when a connection was lost.
#[derive(Debug, Clone, Copy)]
pub struct InForce {
    /// The time.
    pub time: Duration,
    /// Whether a server had set it with `retry`.
    pub told: bool,
}

/// What the events of one read say of where a slot stands.
#[derive(Debug, Clone, Copy, Default)]
pub struct Progress {
    /// Events that are part of the stream.
    pub events: bool,
    /// The place of the newest id.
    pub place: Place,
}

/// One thread's part in a storm.
#[derive(Debug)]
pub struct Watch {
    storm: Arc<Storm>,
    thread: usize,
    known: RefCell<Known>,
    cuts: watch::Receiver<u32>,
}

impl Watch {
    /// The part of this thread.
    pub fn new(storm: &Arc<Storm>, thread: u32) -> Self {
        Self {
            thread: thread as usize,
            known: RefCell::default(),
            cuts: storm.cuts.subscribe(),
            storm: Arc::clone(storm),
        }
    }

    /// Completes with the manner of the next cut.
    pub async fn cut(&self) -> Manner {
        let mut cuts = self.cuts.clone();
        cuts.mark_unchanged();
        match cuts.changed().await {
            Ok(()) => self.storm.manner,
            // Nobody is left to cut.
            Err(_) => std::future::pending().await,
        }
    }

    /// Whether a storm is on.
    pub fn is_on(&self) -> bool {
        self.storm.on.load(Ordering::Acquire)
    }

    /// A connection begins.
    pub fn attempt(&self, slot: u32, at: Instant) {
        if self.is_on() {
            let mut record = self.record();
            record.attempt(self.index(slot), self.storm.since_start(at));
            if let Some(since) = self.storm.since_first_loss(at) {
                record.tally.attempts.count(since);
            }
        }
    }

    /// It has opened.
    pub fn opened(&self, slot: u32, cohort: usize, at: Instant) {
        let newest = self.storm.order.newest();
        let mut record = self.record();
        record.opened(self.index(slot), self.storm.since_start(at), newest, cohort);
        if self.is_on()
            && let Some(since) = self.storm.since_first_loss(at)
        {
            record.tally.openings.count(since);
        }
    }

    /// An open connection was lost, of a slot that had come as far as `place`.
    pub fn lost(&self, slot: u32, place: Place, at: Instant, loss: Loss, in_force: InForce) {
        let at = self.storm.since_start(at);
        let mut record = self.record();
        let counts = record.lost(self.index(slot), at, place, in_force.time);
        if !counts || !self.is_on() {
            return;
        }
        let micros = u64::try_from(at.as_micros()).unwrap_or(NONE);
        self.storm.first_loss.fetch_min(micros, Ordering::Relaxed);
        let tally = &mut record.tally;
        tally.times.add(in_force.time, in_force.told, 1);
        match loss {
            Loss::Cut => tally.losses.cut += 1,
            Loss::Ended => tally.losses.ended += 1,
            Loss::Broken => tally.losses.broken += 1,
        }
    }

    /// An attempt opened no stream.
    pub fn failed(&self, failure: &Failure) {
        let since = self.storm.since_first_loss(Instant::now());
        let mut record = self.record();
        let tally = &mut record.tally;
        tally.failures.add(failure);
        if let Some(since) = since {
            let curve = if is_refusal(failure.kind) {
                &mut tally.refusals
            } else {
                &mut tally.unanswered
            };
            curve.count(since);
        }
    }

    /// A refusal named a time to come back.
    pub fn told_to_wait(&self) {
        if self.is_on() {
            self.record().tally.retry_after += 1;
        }
    }

    /// The slot is over for good.
    pub fn over(&self, slot: u32, phase: Phase) {
        self.record().over(self.index(slot), phase);
    }

    /// Notes one event.
    pub fn note(&self, event: &EventRef<'_>, progress: &mut Progress) {
        let is_control = |name: &String| name == event.event_type;
        if self.storm.control_events.iter().any(is_control) {
            return;
        }
        progress.events = true;
        if event.has_id() && !event.last_event_id.is_empty() {
            let mut known = self.known.borrow_mut();
            let place = known.place_of(event.last_event_id, &self.storm.order);
            progress.place = progress.place.max(place);
        }
    }

    /// One read has brought this.
    pub fn received(&self, slot: u32, at: Instant, progress: Progress) {
        if progress.events && self.is_on() {
            let at = self.storm.since_start(at);
            let by_id = self.storm.by_id();
            let mut record = self.record();
            record.received(self.index(slot), at, progress.place, by_id);
        }
    }

    /// Slots are dealt out to the threads in turn.
    fn index(&self, slot: u32) -> usize {
        slot as usize / self.storm.records.len().max(1)
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        lock(&self.storm.records[self.thread])
    }
}
