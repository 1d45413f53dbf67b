//! The threads of a run, from the one that directs it.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread::JoinHandle;
use std::time::Instant;

use tokio::sync::{mpsc, watch};

use crate::lag;
use crate::live::{Live, Snapshot};
use crate::plan::Plan;
use crate::publish::Board;
use crate::series::Recorder;
use crate::stats::Stats;
use crate::storm::watch::{Storm, Watch};
use crate::worker::{self, Assignment, Message};

/// The running threads. They stop when this is dropped.
#[derive(Debug)]
pub struct Team {
    start: Instant,
    recorder: Arc<Recorder>,
    board: Option<Arc<Board>>,
    lives: Vec<Arc<Live>>,
    threads: Vec<JoinHandle<io::Result<Stats>>>,
    probes: Vec<UdpSocket>,
    messages: mpsc::UnboundedReceiver<Message>,
    stop: watch::Sender<bool>,
}

impl Team {
    /// Starts the threads of the plan; the ramp counts from `start`. Their slots
    /// tell `storm`, if there is one, what becomes of them.
    pub fn start(
        plan: &Arc<Plan>,
        addresses: &[SocketAddr],
        start: Instant,
        storm: Option<&Arc<Storm>>,
    ) -> io::Result<Self> {
        let (told, messages) = mpsc::unbounded_channel();
        let (stop, stopped) = watch::channel(false);
        let events_left = plan.events.map(|events| Arc::new(AtomicU64::new(events)));
        let mut team = Self {
            start,
            recorder: Arc::new(Recorder::new(start, plan.connections.into(), &[])),
            board: plan.board(start),
            lives: Vec::new(),
            threads: Vec::new(),
            probes: Vec::new(),
            messages,
            stop,
        };
        for number in 0..plan.threads {
            let live = Arc::new(Live::default());
            team.lives.push(Arc::clone(&live));
            let (probe, lag_probe) = lag::pair().unzip();
            team.probes.extend(probe);
            let assignment = Assignment {
                plan: Arc::clone(plan),
                number,
                live,
                addresses: addresses.to_vec(),
                messages: told.clone(),
                stop: stopped.clone(),
                start,
                recorder: Arc::clone(&team.recorder),
                board: team.board.clone(),
                events_left: events_left.clone(),
                lag_probe,
                watch: storm.map(|storm| Watch::new(storm, number)),
            };
            let thread = std::thread::Builder::new().name(format!("slots-{number}"));
            team.threads.push(thread.spawn(|| worker::run(assignment))?);
        }
        Ok(team)
    }

    /// The next message; `None` once no thread is left.
    pub async fn message(&mut self) -> Option<Message> {
        self.messages.recv().await
    }

    /// Sends each thread a datagram that shows how far behind it is.
    pub fn probe_lag(&self) {
        for socket in &self.probes {
            lag::probe(socket, self.start);
        }
    }

    /// The counters of all threads.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of(self.lives.iter().map(|live| &**live))
    }

    /// The run over time, so far; also beyond the end of the threads.
    pub fn recorder(&self) -> &Arc<Recorder> {
        &self.recorder
    }

    /// What is known of own events; `None` where none are counted.
    pub fn board(&self) -> Option<&Arc<Board>> {
        self.board.as_ref()
    }

    /// Takes a sample of the run where one is due.
    pub fn observe(&self) {
        self.recorder
            .observe(Instant::now(), || (self.snapshot(), Vec::new()));
    }

    /// Tells the threads to end once all that is owed has come or its time is over,
    /// and waits for that.
    pub async fn drain(&mut self) {
        let _ = self.stop.send(true);
        let mut left = 0;
        while left < self.threads.len()
            && let Some(message) = self.message().await
        {
            left += usize::from(message == Message::Left);
        }
    }

    /// Stops the threads: their last counters and what they measured.
    pub fn stop(mut self) -> io::Result<(Snapshot, Stats)> {
        let _ = self.stop.send(true);
        let mut sum = Stats::default();
        for thread in std::mem::take(&mut self.threads) {
            let stats = thread.join();
            sum.merge(stats.map_err(|_| io::Error::other("a thread of the run failed"))??);
        }
        Ok((self.snapshot(), sum))
    }
}
