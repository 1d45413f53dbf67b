//! The threads that carry endless streams.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use tokio::sync::{mpsc, watch};

use crate::crew::{Crew, Post};
use crate::live::Snapshot;
use crate::plan::Plan;
use crate::publish::Board;
use crate::series::{Recorder, Series};
use crate::stats::Stats;
use crate::storm::watch::{Storm, Watch};
use crate::worker::{self, Assignment, Message};

/// The running threads. They stop when this is dropped.
#[derive(Debug)]
pub struct Team {
    crew: Crew<Stats>,
    board: Option<Arc<Board>>,
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
        let recorder = Recorder::new(start, plan.connections.into(), &[]);
        let mut team = Self {
            crew: Crew::new(start, recorder),
            board: plan.board(start),
            messages,
            stop,
        };
        for number in 0..plan.threads {
            let (plan, addresses) = (Arc::clone(plan), addresses.to_vec());
            let (messages, stop) = (told.clone(), stopped.clone());
            let (board, events_left) = (team.board.clone(), events_left.clone());
            let watch = storm.map(|storm| Watch::new(storm, number));
            let work = move |post: Post| {
                worker::run(Assignment {
                    plan,
                    number: post.number,
                    live: post.live,
                    addresses,
                    messages,
                    stop,
                    start: post.start,
                    recorder: post.recorder,
                    board,
                    events_left,
                    lag_probe: post.lag_probe,
                    watch,
                })
            };
            team.crew.add("slots", work)?;
        }
        Ok(team)
    }

    /// The threads themselves.
    pub fn crew(&self) -> &Crew<Stats> {
        &self.crew
    }

    /// The next message; `None` once no thread is left.
    pub async fn message(&mut self) -> Option<Message> {
        self.messages.recv().await
    }

    /// What is known of own events; `None` where none are counted.
    pub fn board(&self) -> Option<&Arc<Board>> {
        self.board.as_ref()
    }

    /// Probes the threads, and takes a sample of the run where one is due.
    pub fn look(&self) {
        self.crew.probe_lag();
        self.crew.observe(|_| Vec::new());
    }

    /// Tells the threads to end once all that is owed has come or its time is over,
    /// and waits for that.
    pub async fn drain(&mut self) {
        let _ = self.stop.send(true);
        let mut left = 0;
        while left < self.crew.size()
            && let Some(message) = self.message().await
        {
            left += usize::from(message == Message::Left);
        }
    }

    /// Stops the threads: their last counters, what they measured, and the run over
    /// time, which ended at `end`.
    pub fn stop(mut self, end: Instant) -> io::Result<(Snapshot, Stats, Series)> {
        let _ = self.stop.send(true);
        let mut sum = Stats::default();
        for stats in self.crew.join()? {
            sum.merge(stats);
        }
        let series = self.crew.series(end, |_| Vec::new());
        Ok((self.crew.snapshot(), sum, series))
    }
}
