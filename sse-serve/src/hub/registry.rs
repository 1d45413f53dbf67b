//! The subscriptions that are open now.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::hub::{Filter, Refused};
use crate::log::{Selection, Tail, random_name};
use crate::metrics::Closed;

/// How many subscriptions may be open; `None` is without limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) all: usize,
    pub(super) per_peer: Option<usize>,
    pub(super) per_session: Option<usize>,
}

/// One open subscription, as others see it. Its own cursor keeps it up to date.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) since: jiff::Timestamp,
    tail: Arc<Tail>,
    /// Everything up to here was delivered, or was for others.
    cursor: AtomicU64,
    /// Nothing was due when it last looked.
    at_head: AtomicBool,
    pub(crate) events: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) gaps: AtomicU64,
    kicked: OnceLock<Closed>,
}

impl Connection {
    pub(crate) fn id(&self) -> &str {
        self.tail.selection().connection()
    }

    pub(crate) fn filter(&self) -> &Filter {
        self.tail.selection().filter()
    }

    /// How far it is, where `head` is that of the log. It is not woken for what
    /// is not for it, and has then seen all the same.
    pub(crate) fn position(&self, head: u64) -> u64 {
        let cursor = self.cursor.load(Ordering::Relaxed);
        if !self.at_head.load(Ordering::Relaxed) {
            return cursor;
        }
        let unseen = self.tail.pending();
        unseen.map_or(head, |first| first - 1).max(cursor)
    }

    /// Lets others see how far it is.
    pub(super) fn show(&self, cursor: u64, at_head: bool) {
        self.cursor.store(cursor, Ordering::Relaxed);
        self.at_head.store(at_head, Ordering::Relaxed);
    }

    pub(super) fn tail(&self) -> &Arc<Tail> {
        &self.tail
    }

    /// Ends the stream, for the first cause that is given.
    pub(super) fn kick(&self, cause: Closed) {
        let _ = self.kicked.set(cause);
        self.tail.wake();
    }

    pub(super) fn kicked(&self) -> Option<Closed> {
        self.kicked.get().copied()
    }
}

/// The open subscriptions, and how many places they take.
#[derive(Debug)]
pub(super) struct Registry {
    open: Mutex<Open>,
    places: Places,
}

#[derive(Debug, Default)]
struct Open {
    connections: BTreeMap<String, Arc<Connection>>,
    /// Kept only where their limit is set.
    of_peer: HashMap<IpAddr, usize>,
    of_session: HashMap<String, usize>,
}

impl Registry {
    pub(super) fn new(places: Places) -> Self {
        Self {
            open: Mutex::default(),
            places,
        }
    }

    /// Takes a place under a fresh id, with the tail that is opened for it.
    pub(super) fn open(
        &self,
        peer: Option<SocketAddr>,
        filter: Filter,
        tail: impl FnOnce(Selection) -> Arc<Tail>,
    ) -> Result<Arc<Connection>, Refused> {
        let mut open = self.lock();
        if open.connections.len() >= self.places.all {
            return Err(Refused::Full);
        }
        let address = self.counted_peer(peer);
        let session = self.counted_session(&filter);
        if is_full(&open.of_peer, address.as_ref(), self.places.per_peer) {
            return Err(Refused::PeerFull);
        }
        if is_full(&open.of_session, session, self.places.per_session) {
            return Err(Refused::SessionFull);
        }
        if let Some(address) = address {
            *open.of_peer.entry(address).or_default() += 1;
        }
        if let Some(session) = session {
            *open.of_session.entry(session.clone()).or_default() += 1;
        }
        loop {
            if let Entry::Vacant(place) = open.connections.entry(random_name(16)) {
                let connection = Arc::new(Connection {
                    peer,
                    since: jiff::Timestamp::now(),
                    tail: tail(Selection::new(filter, place.key().clone())),
                    cursor: AtomicU64::new(0),
                    at_head: AtomicBool::new(false),
                    events: AtomicU64::new(0),
                    bytes: AtomicU64::new(0),
                    gaps: AtomicU64::new(0),
                    kicked: OnceLock::new(),
                });
                return Ok(Arc::clone(place.insert(connection)));
            }
        }
    }

    pub(super) fn close(&self, connection: &Connection) {
        let mut open = self.lock();
        open.connections.remove(connection.id());
        if let Some(address) = self.counted_peer(connection.peer) {
            leave(&mut open.of_peer, &address);
        }
        if let Some(session) = self.counted_session(connection.filter()) {
            leave(&mut open.of_session, session);
        }
    }

    pub(super) fn find(&self, id: &str) -> Option<Arc<Connection>> {
        self.lock().connections.get(id).cloned()
    }

    pub(super) fn contains(&self, id: &str) -> bool {
        self.lock().connections.contains_key(id)
    }

    pub(super) fn len(&self) -> usize {
        self.lock().connections.len()
    }

    /// At most `limit`, in the order of their ids, after this one.
    pub(super) fn page(&self, after: Option<&str>, limit: usize) -> Vec<Arc<Connection>> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let open = self.lock();
        let page = open.connections.range::<str, _>((from, Bound::Unbounded));
        page.take(limit)
            .map(|(_, connection)| Arc::clone(connection))
            .collect()
    }

    /// How far the slowest is behind `head`, and all together.
    pub(super) fn lag(&self, head: u64) -> (u64, u64) {
        let open = self.lock();
        let lags = open
            .connections
            .values()
            .map(|connection| head.saturating_sub(connection.position(head)));
        lags.fold((0, 0), |(max, sum), lag| (lag.max(max), lag + sum))
    }

    fn counted_peer(&self, peer: Option<SocketAddr>) -> Option<IpAddr> {
        self.places.per_peer?;
        peer.map(|peer| peer.ip().to_canonical())
    }

    fn counted_session<'a>(&self, filter: &'a Filter) -> Option<&'a String> {
        self.places.per_session?;
        filter.session.as_ref()
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_full<K: std::hash::Hash + Eq>(
    counts: &HashMap<K, usize>,
    key: Option<&K>,
    limit: Option<usize>,
) -> bool {
    let count = key.and_then(|key| counts.get(key)).copied().unwrap_or(0);
    limit.is_some_and(|limit| count >= limit)
}

fn leave<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{EventLog, MemoryLog, Retention};

    /// With a tail of a log of its own.
    fn open(
        registry: &Registry,
        peer: Option<SocketAddr>,
        filter: Filter,
    ) -> Result<Arc<Connection>, Refused> {
        let log = MemoryLog::new(Retention::default(), &[]);
        registry.open(peer, filter, |selection| log.history().tail(selection))
    }

    fn registry(per_peer: Option<usize>, per_session: Option<usize>) -> Registry {
        Registry::new(Places {
            all: 4,
            per_peer,
            per_session,
        })
    }

    fn of(session: Option<&str>) -> Filter {
        Filter {
            session: session.map(Into::into),
            ..Filter::default()
        }
    }

    #[test]
    fn each_limit_refuses_and_a_close_makes_room() {
        let registry = registry(Some(2), Some(1));
        let peer = |text: &str| Some(text.parse().unwrap());
        let refused = |peer, session| open(&registry, peer, of(session)).unwrap_err();
        let first = open(&registry, peer("10.0.0.1:1"), of(Some("a"))).unwrap();
        assert_eq!(refused(peer("10.0.0.2:1"), Some("a")), Refused::SessionFull);
        let mapped = peer("[::ffff:10.0.0.1]:2");
        let _second = open(&registry, mapped, of(None)).unwrap();
        assert_eq!(refused(peer("10.0.0.1:3"), None), Refused::PeerFull);
        let _third = open(&registry, peer("10.0.0.2:1"), of(None)).unwrap();
        let _fourth = open(&registry, None, of(Some("b"))).unwrap();
        assert_eq!(refused(None, None), Refused::Full);
        registry.close(&first);
        let again = open(&registry, peer("10.0.0.1:1"), of(Some("a"))).unwrap();
        registry.close(&again);
        assert_eq!(registry.lock().of_session.len(), 1);
    }

    #[test]
    fn pages_meet_everyone_once() {
        let registry = registry(None, None);
        for _ in 0..4 {
            open(&registry, None, of(None)).unwrap();
        }
        let first = registry.page(None, 3);
        let rest = registry.page(Some(first[2].id()), 3);
        assert_eq!((first.len(), rest.len()), (3, 1));
        assert!(first.iter().all(|seen| seen.id() < rest[0].id()));
    }

    #[test]
    fn the_lag_is_that_of_the_slowest_and_the_sum() {
        let registry = registry(None, None);
        for cursor in [10, 7, 2] {
            let connection = open(&registry, None, of(None)).unwrap();
            connection.show(cursor, false);
        }
        assert_eq!(registry.lag(10), (8, 11));
    }
}
