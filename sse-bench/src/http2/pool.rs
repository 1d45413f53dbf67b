//! Which connection carries the next stream.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};

use tokio::sync::OnceCell;
use url::Origin;

use super::connection::Connection;
use crate::failure::{Failure, Kind};
use crate::stream::Stream;

/// Connections that turn out to be over before one is given up to look for.
const MOST_TRIES: u32 = 64;

/// The connections of one thread.
#[derive(Debug)]
pub struct Pool {
    /// Streams on one connection, at most.
    streams: u32,
    origins: RefCell<HashMap<Origin, Rc<Shelf>>>,
    sharing: Rc<Cell<Sharing>>,
}

/// What became of the connections.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sharing {
    /// Connections that spoke HTTP/2.
    pub connections: u64,
    /// Those that the server ended by GOAWAY.
    pub go_aways: u64,
    /// The fewest concurrent streams that a server allowed on one.
    pub fewest_streams: Option<u32>,
}

impl Sharing {
    /// Adds what another thread saw.
    pub fn merge(&mut self, other: Self) {
        self.connections += other.connections;
        self.go_aways += other.go_aways;
        let both = self.fewest_streams.into_iter().chain(other.fewest_streams);
        self.fewest_streams = both.min();
    }
}

/// The connections of one origin that may have room.
#[derive(Debug, Default)]
struct Shelf(RefCell<Vec<Rc<Shared>>>);

/// A connection, made or in the making, and how many streams it was promised to.
#[derive(Debug)]
struct Shared {
    connection: OnceCell<Connection>,
    /// Streams that it is to carry, at most.
    streams: u32,
    leases: Cell<u32>,
    is_over: Cell<bool>,
    on_shelf: Cell<bool>,
    shelf: Weak<Shelf>,
}

impl Shared {
    fn has_room(&self) -> bool {
        let limit = self.connection.get().map_or(u32::MAX, Connection::limit);
        !self.is_over.get() && self.leases.get() < limit.min(self.streams)
    }
}

/// The right to one stream of a connection. It ends when this is dropped.
#[derive(Debug)]
pub struct Lease(Rc<Shared>);

impl Lease {
    pub(super) fn connection(&self) -> Option<&Connection> {
        self.0.connection.get()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let shared = &self.0;
        shared.leases.set(shared.leases.get() - 1);
        if let Some(shelf) = shared.shelf.upgrade()
            && shared.has_room()
            && !shared.on_shelf.replace(true)
        {
            shelf.0.borrow_mut().push(Rc::clone(shared));
        }
    }
}

impl Pool {
    /// No connections yet; each is to carry so many streams.
    pub fn new(streams: u32) -> Self {
        Self {
            streams,
            origins: RefCell::default(),
            sharing: Rc::default(),
        }
    }

    /// What became of the connections so far.
    pub fn sharing(&self) -> Sharing {
        self.sharing.get()
    }

    /// Room for a stream, on a connection that `dial` makes where none has any.
    pub async fn lease<F>(&self, origin: &Origin, dial: impl Fn() -> F) -> Result<Lease, Failure>
    where
        F: Future<Output = Result<Stream, Failure>>,
    {
        let shelf = Rc::clone(self.origins.borrow_mut().entry(origin.clone()).or_default());
        for _ in 0..MOST_TRIES {
            let lease = self.reserve(&shelf);
            let shared = &lease.0;
            let open = async || {
                let sharing = Rc::clone(&self.sharing);
                Connection::open(dial().await?, self.streams, sharing).await
            };
            let connection = shared.connection.get_or_try_init(open).await?;
            if connection.is_over().await {
                shared.is_over.set(true);
            } else if shared.leases.get() <= connection.limit() {
                return Ok(lease);
            }
            // Else the server allows fewer streams than wait for this connection.
        }
        let detail = "the server ends each HTTP/2 connection before it can be used";
        Err(Failure::new(Kind::GoAway, detail))
    }

    fn reserve(&self, shelf: &Rc<Shelf>) -> Lease {
        let mut with_room = shelf.0.borrow_mut();
        while with_room.last().is_some_and(|shared| !shared.has_room()) {
            if let Some(shared) = with_room.pop() {
                shared.on_shelf.set(false);
            }
        }
        if let Some(shared) = with_room.last() {
            shared.leases.set(shared.leases.get() + 1);
            return Lease(Rc::clone(shared));
        }
        let shared = Rc::new(Shared {
            connection: OnceCell::new(),
            streams: self.streams,
            leases: Cell::new(1),
            is_over: Cell::new(false),
            on_shelf: Cell::new(true),
            shelf: Rc::downgrade(shelf),
        });
        with_room.push(Rc::clone(&shared));
        Lease(shared)
    }
}
