//! The threads of a run, from the one that directs it: started, probed, counted, joined.

use std::io;
use std::net::UdpSocket;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use crate::lag;
use crate::live::{Live, Snapshot};
use crate::series::{Recorder, Series};

/// What each thread is given.
#[derive(Debug)]
pub struct Post {
    /// Which of the threads this is.
    pub number: u32,
    /// Where it counts.
    pub live: Arc<Live>,
    /// Where it hands over what it measured, each second.
    pub recorder: Arc<Recorder>,
    /// Start of the run.
    pub start: Instant,
    /// Receives the time at which each datagram was sent, in nanoseconds since the start.
    pub lag_probe: Option<UdpSocket>,
}

/// Running threads, each of which measures a `T`.
#[derive(Debug)]
pub struct Crew<T> {
    start: Instant,
    recorder: Arc<Recorder>,
    lives: Vec<Arc<Live>>,
    threads: Vec<JoinHandle<io::Result<T>>>,
    probes: Vec<UdpSocket>,
}

impl<T: Send + 'static> Crew<T> {
    /// Without any thread.
    pub fn new(start: Instant, recorder: Recorder) -> Self {
        Self {
            start,
            recorder: Arc::new(recorder),
            lives: Vec::new(),
            threads: Vec::new(),
            probes: Vec::new(),
        }
    }

    /// Starts one more.
    pub fn add(
        &mut self,
        name: &str,
        work: impl FnOnce(Post) -> io::Result<T> + Send + 'static,
    ) -> io::Result<()> {
        let live = Arc::new(Live::default());
        let (probe, lag_probe) = lag::pair().unzip();
        let number = self.threads.len() as u32;
        let post = Post {
            number,
            live: Arc::clone(&live),
            recorder: Arc::clone(&self.recorder),
            start: self.start,
            lag_probe,
        };
        let thread = std::thread::Builder::new().name(format!("{name}-{number}"));
        self.threads.push(thread.spawn(move || work(post))?);
        self.lives.push(live);
        self.probes.extend(probe);
        Ok(())
    }

    /// How many there are.
    pub fn size(&self) -> usize {
        self.threads.len()
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

    /// Takes a sample of the run where one is due; `sums` are those of the recorder.
    pub fn observe(&self, sums: impl FnOnce(&Snapshot) -> Vec<u64>) {
        self.recorder.observe(Instant::now(), || {
            let now = self.snapshot();
            (now, sums(&now))
        });
    }

    /// Waits for the threads, which were told to stop: what each measured.
    pub fn join(&mut self) -> io::Result<Vec<T>> {
        let threads = std::mem::take(&mut self.threads).into_iter();
        let measured = threads.map(|thread| {
            let measured = thread.join();
            measured.map_err(|_| io::Error::other("a thread of the run failed"))?
        });
        measured.collect()
    }

    /// The run over time, to its end.
    pub fn series(&self, end: Instant, sums: impl FnOnce(&Snapshot) -> Vec<u64>) -> Series {
        let last = self.snapshot();
        self.recorder.finish(end, last, sums(&last))
    }
}
