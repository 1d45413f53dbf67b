//! One thread: its runtime, its share of the slots, and what they have in
//! common. Nothing here is shared with another thread but counters.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::{Semaphore, SemaphorePermit, mpsc, watch};
use tokio::time::MissedTickBehavior;

use crate::connect::Connector;
use crate::connection::Slot;
use crate::exchange::{EVENT_INTERVAL, READ_BUFFER, Wire};
use crate::lag;
use crate::live::Live;
use crate::plan::{Plan, share};
use crate::publish::{Board, Tally};
use crate::series::Recorder;
use crate::slow;
use crate::stats::{DeliveryMeter, Stats};
use crate::storm::watch::Watch;
use crate::transport::Transport;

/// How often own events are judged.
const SETTLE_INTERVAL: Duration = Duration::from_millis(200);
/// How often it is looked whether all that is owed has come.
const DRAIN_TICK: Duration = Duration::from_millis(10);

/// What a thread tells the one that started it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    /// Each of its slots was opened, refused, or failed once.
    Settled,
    /// Each of its slots is over for good.
    Ended,
    /// The wanted number of events was received.
    EventsReached,
    /// It has stopped, told to or not.
    Left,
}

/// Says so when the thread ends, however that comes about.
struct Leaving(mpsc::UnboundedSender<Message>);

impl Drop for Leaving {
    fn drop(&mut self) {
        let _ = self.0.send(Message::Left);
    }
}

/// What a thread is given.
#[derive(Debug)]
pub struct Assignment {
    /// The plan of the run.
    pub plan: Arc<Plan>,
    /// Which of the threads of the plan this is.
    pub number: u32,
    /// Where it counts.
    pub live: Arc<Live>,
    /// The addresses of the target.
    pub addresses: Vec<SocketAddr>,
    /// Where it tells how far it is.
    pub messages: mpsc::UnboundedSender<Message>,
    /// Changes when it is to stop.
    pub stop: watch::Receiver<bool>,
    /// Start of the run.
    pub start: Instant,
    /// Where it hands over what it measured, each second.
    pub recorder: Arc<Recorder>,
    /// What is known of own events, where deliveries of them are counted.
    pub board: Option<Arc<Board>>,
    /// Events still wanted, where that is limited.
    pub events_left: Option<Arc<AtomicU64>>,
    /// Receives the time at which each datagram was sent, in nanoseconds since
    /// the start. They show how long what is ready to read waits for this thread.
    pub lag_probe: Option<UdpSocket>,
    /// Its part in a storm.
    pub watch: Option<Watch>,
}

/// What the slots of one thread have in common.
#[derive(Debug)]
pub struct Worker {
    pub(crate) plan: Arc<Plan>,
    pub(crate) live: Arc<Live>,
    pub(crate) connector: Connector,
    /// Of slots that read slowly, which share no connection with others.
    pub(crate) slow_connector: Option<Connector>,
    pub(crate) stats: RefCell<Stats>,
    pub(crate) meter: RefCell<Option<DeliveryMeter>>,
    /// Deliveries of own events.
    pub(crate) tally: RefCell<Option<Tally>>,
    pub(crate) wants_wall_clock: bool,
    pub(crate) watch: Option<Watch>,
    /// Never held across a read: one for all slots.
    pub(crate) buffer: RefCell<Box<[u8]>>,
    connecting: Semaphore,
    events_left: Option<Arc<AtomicU64>>,
    unsettled: Cell<u64>,
    running: Cell<u64>,
    messages: mpsc::UnboundedSender<Message>,
}

impl Worker {
    /// For the reads of this thread.
    pub(crate) fn wire(&self) -> Wire<'_> {
        Wire {
            live: &self.live,
            buffer: &self.buffer,
            wall_clock: self.wants_wall_clock,
        }
    }

    /// Waits until another connection may be underway.
    pub(crate) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.connecting.acquire().await.ok()
    }

    /// Whether one more event is wanted.
    pub(crate) fn claim_event(&self) -> bool {
        let Some(left) = &self.events_left else {
            return true;
        };
        let take = |left: u64| left.checked_sub(1);
        let before = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        if before == Ok(1) {
            self.tell(Message::EventsReached);
        }
        before.is_ok()
    }

    pub(crate) fn slot_settled(&self) {
        self.live.settled.add(1);
        self.unsettled.set(self.unsettled.get() - 1);
        if self.unsettled.get() == 0 {
            self.tell(Message::Settled);
        }
    }

    pub(crate) fn slot_ended(&self) {
        self.live.ended.add(1);
        self.running.set(self.running.get() - 1);
        if self.running.get() == 0 {
            self.tell(Message::Ended);
        }
    }

    fn tell(&self, message: Message) {
        // Nobody listens any more once the run is over.
        let _ = self.messages.send(message);
    }
}

/// Runs the thread's slots until told to stop.
pub fn run(assignment: Assignment) -> io::Result<Stats> {
    let _leaving = Leaving(assignment.messages.clone());
    let runtime = Builder::new_current_thread()
        .enable_all()
        .event_interval(EVENT_INTERVAL)
        .build_local(LocalOptions::default())?;
    let Assignment {
        plan,
        number,
        live,
        addresses,
        messages,
        mut stop,
        start,
        recorder,
        board,
        events_left,
        lag_probe,
        watch,
    } = assignment;
    let slots = share(plan.connections, plan.threads, number).count() as u64;
    let turns = plan.connect_concurrency.div_ceil(plan.threads) as usize;
    let connector =
        |transport: &Transport| Connector::new(transport, &plan.target.url, addresses.clone());
    let worker = Rc::new(Worker {
        live,
        connector: connector(&plan.target.transport),
        slow_connector: (!plan.cohorts.slow().is_empty()).then(|| {
            connector(
                &plan
                    .target
                    .transport
                    .with_receive_buffer(slow::RECEIVE_BUFFER),
            )
        }),
        stats: RefCell::new(plan.stats()),
        meter: RefCell::new(plan.delivery_meter()),
        tally: RefCell::new(
            plan.publishing
                .as_ref()
                .zip(board)
                .map(|(publishing, board)| Tally::new(publishing, board)),
        ),
        watch,
        wants_wall_clock: plan.timestamp_pointer.is_some(),
        buffer: RefCell::new(vec![0; READ_BUFFER].into()),
        connecting: Semaphore::new(turns.clamp(1, Semaphore::MAX_PERMITS)),
        events_left,
        unsettled: Cell::new(slots),
        running: Cell::new(slots),
        messages,
        plan,
    });
    runtime.block_on(async {
        tokio::task::spawn_local(ramp(Rc::clone(&worker), number, start));
        if let Some(socket) = lag_probe {
            let worker = Rc::clone(&worker);
            tokio::task::spawn_local(async move {
                lag::measure(socket, start, &worker.live, &worker.stats).await;
            });
        }
        tokio::task::spawn_local(hand_over(Rc::clone(&worker), number, Arc::clone(&recorder)));
        tokio::task::spawn_local(settle(Rc::clone(&worker)));
        // An error means that the run was given up: stop as well.
        let given_up = stop.wait_for(|stop| *stop).await.is_err();
        while !given_up && is_waiting(&worker) {
            tokio::time::sleep(DRAIN_TICK).await;
        }
        io::Result::Ok(())
    })?;
    let mut stats = worker.stats.take();
    if let Some(tally) = worker.tally.take() {
        stats.own = tally.finish(Instant::now());
    }
    recorder.hand_over(Instant::now(), stats.turn());
    stats.sharing = worker.connector.sharing();
    if let Some(slow) = &worker.slow_connector {
        stats.sharing.merge(slow.sharing());
    }
    drop(runtime);
    Ok(stats)
}

/// Whether a delivery that is owed may still come.
fn is_waiting(worker: &Worker) -> bool {
    let tally = worker.tally.borrow();
    let now = Instant::now();
    tally.as_ref().is_some_and(|tally| tally.is_waiting(now))
}

/// Judges deliveries of own events as their time is over.
async fn settle(worker: Rc<Worker>) {
    let mut tick = tokio::time::interval(SETTLE_INTERVAL);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tick.tick().await;
        match &mut *worker.tally.borrow_mut() {
            Some(tally) => tally.settle(Instant::now()),
            None => return,
        }
    }
}

/// Hands over the latencies of each second.
async fn hand_over(worker: Rc<Worker>, number: u32, recorder: Arc<Recorder>) {
    let turn = || worker.stats.borrow_mut().turn();
    let pulse = || worker.stats.borrow().pulse();
    recorder.collect(number, turn, pulse).await;
}

/// Starts each slot when it is due, however the others fare.
async fn ramp(worker: Rc<Worker>, number: u32, start: Instant) {
    let plan = Arc::clone(&worker.plan);
    for slot in share(plan.connections, plan.threads, number) {
        let due = start + plan.due(slot);
        tokio::time::sleep_until(due.into()).await;
        tokio::task::spawn_local(Slot::new(Rc::clone(&worker), slot, due).run());
    }
}
