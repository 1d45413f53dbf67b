//! The loop of one writer thread.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};
use slab::Slab;
use tokio::sync::watch;

use crate::hub::{Audience, Hub, Portions};
use crate::writer::group::{Group, Woken};
use crate::writer::inbox::{Inbox, Left, WAKER};
use crate::writer::socket::{Outcome, Socket, gone};
use crate::writer::{Handover, Options};

/// Events of one wait.
const EVENTS: usize = 1024;

/// After the system refused to wait.
const ERROR_PAUSE: Duration = Duration::from_millis(5);

/// Writes between two looks at the clock.
const STRIDE: u32 = 16;

#[derive(Debug)]
pub(super) struct Writer {
    poll: Poll,
    inbox: Arc<Inbox>,
    left: Left,
    pub(super) hub: Hub,
    pub(super) options: Options,
    open: Arc<watch::Sender<usize>>,
    pub(super) sockets: Slab<Socket>,
    groups: Slab<Group>,
    /// Groups by their selection.
    of_selection: HashMap<usize, usize>,
    pub(super) portions: Portions,
    /// Sockets that have more to do at once.
    queue: Vec<usize>,
    pub(super) next_sweep: Instant,
}

impl Writer {
    pub(super) fn new(
        poll: Poll,
        inbox: Arc<Inbox>,
        hub: Hub,
        options: Options,
        open: Arc<watch::Sender<usize>>,
    ) -> Self {
        Self {
            poll,
            inbox,
            left: Left::default(),
            hub,
            options,
            open,
            sockets: Slab::new(),
            groups: Slab::new(),
            of_selection: HashMap::new(),
            portions: Portions::default(),
            queue: Vec::new(),
            next_sweep: Instant::now(),
        }
    }

    /// Until it is told to stop.
    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS);
        loop {
            if let Err(error) = self.wait(&mut events) {
                tracing::error!(%error, "a writer thread cannot wait for events");
                std::thread::sleep(ERROR_PAUSE);
            }
            for event in &events {
                if event.token() != WAKER {
                    let hears = event.is_readable() || event.is_read_closed() || event.is_error();
                    self.ready(event.token().0, hears, event.is_writable());
                }
            }
            for key in std::mem::take(&mut self.queue) {
                if let Some(socket) = self.sockets.get_mut(key) {
                    socket.is_queued = false;
                    self.ready(key, true, true);
                }
            }
            if self.answer() {
                return;
            }
            let now = Instant::now();
            if now >= self.next_sweep {
                self.sweep(now);
            }
        }
    }

    fn wait(&mut self, events: &mut Events) -> io::Result<()> {
        let timeout = if !self.queue.is_empty() || !self.inbox.will_sleep() {
            Some(Duration::ZERO)
        } else if self.sockets.is_empty() {
            None
        } else {
            Some(self.next_sweep.saturating_duration_since(Instant::now()))
        };
        let waited = self.poll.poll(events, timeout);
        self.inbox.is_awake();
        match waited {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
            _ => Ok(()),
        }
    }

    /// What the system says of a socket.
    fn ready(&mut self, key: usize, hears: bool, writes: bool) {
        let Some(socket) = self.sockets.get_mut(key) else {
            return;
        };
        if hears {
            let outcome = socket.discard_input();
            self.settle(key, outcome);
        }
        if writes {
            self.advance(key, Instant::now());
        }
    }

    /// Does what others left; whether it was to stop.
    pub(super) fn answer(&mut self) -> bool {
        let mut left = std::mem::take(&mut self.left);
        self.inbox.swap(&mut left);
        let stop = left.stop;
        for handover in left.handovers.drain(..) {
            self.take(handover);
        }
        let mut has_written = false;
        for token in left.tokens.drain(..) {
            match Woken::of(token) {
                Woken::Group(key) => {
                    self.call(key);
                    has_written = true;
                }
                Woken::Socket(key) => {
                    if let Some(socket) = self.sockets.get(key) {
                        socket.cursor.tail().take_wake();
                        self.advance(key, Instant::now());
                    }
                }
            }
        }
        self.left = left;
        self.hasten_sweep();
        if has_written && !self.options.flush_interval.is_zero() && !self.hub.is_draining() {
            std::thread::sleep(self.options.flush_interval);
        }
        stop
    }

    fn take(&mut self, handover: Handover) {
        let Handover {
            stream,
            head,
            framing,
            subscription,
            open,
        } = handover;
        let mut stream = mio::net::TcpStream::from_std(stream);
        let cursor = subscription.into_cursor();
        let entry = self.sockets.vacant_entry();
        let key = entry.key();
        let interests = Interest::READABLE | Interest::WRITABLE;
        let registry = self.poll.registry();
        if let Err(error) = registry.register(&mut stream, Token(key), interests) {
            tracing::warn!(%error, "cannot wait for a connection's socket; it is closed");
            self.open.send_modify(|open| *open -= 1);
            return;
        }
        cursor
            .tail()
            .wake_into(Arc::clone(&self.inbox) as _, Woken::Socket(key).token());
        entry.insert(Socket::new(stream, cursor, framing, head, open));
        self.join(key);
        let outcome = self.sockets[key].begin(Instant::now(), &mut self.portions);
        self.settle(key, outcome);
    }

    /// Puts a socket among those of its selection.
    fn join(&mut self, key: usize) {
        let socket = &mut self.sockets[key];
        let selection = Audience::key(&socket.cursor);
        let group = *self.of_selection.entry(selection).or_insert_with(|| {
            let entry = self.groups.vacant_entry();
            let token = Woken::Group(entry.key()).token();
            let inbox = Arc::clone(&self.inbox);
            let audience = Audience::open(&socket.cursor, inbox, token);
            let at = entry.key();
            entry.insert(Group {
                audience,
                selection,
                members: Vec::new(),
            });
            at
        });
        let members = &mut self.groups[group].members;
        socket.group = group as u32;
        socket.place = members.len() as u32;
        members.push(key as u32);
        self.groups[group].audience.join(&socket.cursor);
    }

    /// Writes what was published for a selection to all of its sockets.
    fn call(&mut self, key: usize) {
        let Some(group) = self.groups.get_mut(key) else {
            return;
        };
        let mut now = Instant::now();
        let Some(call) = group.audience.call(now, &mut self.portions) else {
            return;
        };
        let members = std::mem::take(&mut group.members);
        let mut closed = Vec::new();
        let mut untimed = 0;
        for (&member, turn) in members.iter().zip(1_u32..) {
            let Some(socket) = self.sockets.get_mut(member as usize) else {
                continue;
            };
            let is_clear = socket.is_clear();
            let heard = socket.cursor.hear(&call, is_clear, now);
            let outcome = match heard.and_then(|delivery| delivery.portion) {
                Some(portion) => match socket.share(&portion) {
                    Ok(at_once) => {
                        untimed += u32::from(at_once);
                        if call.has_more() {
                            Outcome::Again
                        } else {
                            Outcome::Waits
                        }
                    }
                    Err(error) => gone(&error),
                },
                None if is_clear => socket.advance(now, &mut self.portions),
                None => Outcome::Waits,
            };
            match outcome {
                Outcome::Waits => {}
                Outcome::Again => queue(&mut self.queue, socket, member as usize),
                Outcome::Ended | Outcome::Gone(_) => closed.push((member as usize, outcome)),
            }
            if turn.is_multiple_of(STRIDE) {
                now = Instant::now();
                self.groups[key].audience.observe(&call, untimed, now);
                untimed = 0;
            }
        }
        let group = &mut self.groups[key];
        group.audience.observe(&call, untimed, Instant::now());
        group.members = members;
        for (member, outcome) in closed {
            self.settle(member, outcome);
        }
    }

    pub(super) fn advance(&mut self, key: usize, now: Instant) {
        if let Some(socket) = self.sockets.get_mut(key) {
            let outcome = socket.advance(now, &mut self.portions);
            self.settle(key, outcome);
        }
    }

    pub(super) fn settle(&mut self, key: usize, outcome: Outcome) {
        match outcome {
            Outcome::Waits => {}
            Outcome::Again => {
                if let Some(socket) = self.sockets.get_mut(key) {
                    queue(&mut self.queue, socket, key);
                }
            }
            Outcome::Ended => {
                if let Some(socket) = self.remove(key) {
                    socket.end();
                }
            }
            Outcome::Gone(cause) => {
                if cause == Some(io::ErrorKind::TimedOut) {
                    self.hub.metrics().write_timeouts.inc();
                }
                tracing::debug!(?cause, "connection ended");
                drop(self.remove(key));
            }
        }
    }

    fn remove(&mut self, key: usize) -> Option<Socket> {
        let socket = self.sockets.try_remove(key)?;
        let (group, place) = (socket.group as usize, socket.place);
        let members = &mut self.groups[group].members;
        members.swap_remove(place as usize);
        if let Some(&moved) = members.get(place as usize) {
            self.sockets[moved as usize].place = place;
        }
        if members.is_empty() {
            let group = self.groups.remove(group);
            self.of_selection.remove(&group.selection);
        }
        if self.sockets.is_empty() {
            // What a crowd needed, the next few do not.
            self.sockets = Slab::new();
            self.groups = Slab::new();
            self.portions.clear();
        }
        self.open.send_modify(|open| *open -= 1);
        Some(socket)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.open
            .send_modify(|open| *open = open.saturating_sub(self.sockets.len()));
    }
}

fn queue(queue: &mut Vec<usize>, socket: &mut Socket, key: usize) {
    if !socket.is_queued {
        socket.is_queued = true;
        queue.push(key);
    }
}
