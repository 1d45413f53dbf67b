//! The subscriptions that are open now.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet, hash_map};
use std::net::{IpAddr, SocketAddr};
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::hub::{Filter, Refused};
use crate::log::{ConnectionId, Scope, Selection, Tail};
use crate::metrics::Closed;

/// How many subscriptions may be open; `None` is without limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) all: usize,
    pub(super) per_peer: Option<usize>,
    pub(super) per_session: Option<usize>,
}

/// Connections that were replaced and linger may go beyond the limits by so many:
/// fewer than the open files that are left for others than subscribers.
const LINGERING_MAX: usize = 128;

/// One open subscription, as others see it. Its own cursor keeps it up to date.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) since: jiff::Timestamp,
    id: ConnectionId,
    selection: Arc<Selection>,
    /// Its own.
    tail: Arc<Tail>,
    /// That of all of its selection, where they are served together.
    audience: OnceLock<Arc<Tail>>,
    /// Everything up to here was delivered, or was for others.
    cursor: AtomicU64,
    /// Nothing was due when it last looked.
    at_head: AtomicBool,
    pub(crate) events: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) gaps: AtomicU64,
    /// Its cursor has a position.
    begun: AtomicBool,
    kicked: OnceLock<Closed>,
}

impl Connection {
    pub(crate) fn id(&self) -> &str {
        self.id.as_str()
    }

    pub(crate) fn filter(&self) -> &Filter {
        self.selection.filter()
    }

    pub(super) fn own_id(&self) -> &ConnectionId {
        &self.id
    }

    pub(super) fn selection(&self) -> &Arc<Selection> {
        &self.selection
    }

    /// All that it is to read.
    pub(super) fn scope(&self) -> Scope<'_> {
        Scope {
            selection: &self.selection,
            connection: Some(&self.id),
        }
    }

    /// How far it is, where `head` is that of the log. It is not woken for what
    /// is not for it, and has then seen all the same.
    pub(crate) fn position(&self, head: u64) -> u64 {
        let cursor = self.cursor.load(Ordering::Relaxed);
        if !self.at_head.load(Ordering::Relaxed) {
            return cursor;
        }
        self.unseen().map_or(head, |first| first - 1).max(cursor)
    }

    /// The first event for it that it has not looked for yet.
    pub(super) fn unseen(&self) -> Option<u64> {
        let own = self.tail.pending();
        let shared = self.audience.get().and_then(|audience| audience.pending());
        own.into_iter().chain(shared).min()
    }

    /// To be told of what is for its selection along with others.
    pub(super) fn join(&self, audience: &Arc<Tail>) {
        if self.audience.set(Arc::clone(audience)).is_ok() {
            audience.add_readers(1);
        }
    }

    pub(super) fn leave(&self) {
        if let Some(audience) = self.audience.get() {
            audience.remove_reader();
        }
    }

    /// Changes under the lock of the registry.
    fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed)
    }

    /// Lets others see how far it is.
    pub(super) fn show(&self, cursor: u64, at_head: bool) {
        self.cursor.store(cursor, Ordering::Relaxed);
        self.at_head.store(at_head, Ordering::Relaxed);
    }

    /// Only its own cursor counts, so that none of this waits for others.
    pub(super) fn count(&self, events: u64, bytes: u64) {
        let add = |counter: &AtomicU64, count: u64| {
            counter.store(counter.load(Ordering::Relaxed) + count, Ordering::Relaxed);
        };
        add(&self.bytes, bytes);
        add(&self.events, events);
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
    connections: BTreeMap<ConnectionId, Arc<Connection>>,
    /// How many of them have begun.
    begun: usize,
    /// Places: of all connections but those that were replaced.
    taken: usize,
    /// Of each filter one, and how many connections have it.
    selections: HashMap<Filter, (Arc<Selection>, usize)>,
    /// Kept only where their limit is set.
    of_peer: HashMap<IpAddr, usize>,
    of_session: HashMap<String, usize>,
    /// Those that gave their places to others and have not ended yet.
    replaced: HashSet<ConnectionId>,
}

impl Registry {
    pub(super) fn new(places: Places) -> Self {
        Self {
            open: Mutex::default(),
            places,
        }
    }

    /// Takes a place under a fresh id, with the tail that is opened for it. If
    /// it takes that of another connection, this is free before it is counted.
    pub(super) fn open(
        &self,
        peer: Option<SocketAddr>,
        filter: Filter,
        replaces: Option<&str>,
        tail: impl FnOnce(Arc<Selection>, ConnectionId) -> Arc<Tail>,
    ) -> Result<Arc<Connection>, Refused> {
        let mut open = self.lock();
        let replaced = replaces.and_then(|id| open.replaceable(id));
        if let Some(replaced) = &replaced {
            self.vacate(&mut open, replaced);
        }
        let address = self.counted_peer(peer);
        let session = self.counted_session(&filter);
        if let Err(refused) = self.find_room(&open, address, session) {
            if let Some(replaced) = &replaced {
                self.occupy(&mut open, replaced.peer, replaced.filter());
            }
            return Err(refused);
        }
        self.occupy(&mut open, peer, &filter);
        if let Some(replaced) = replaced {
            open.replaced.insert(replaced.id);
        }
        let selection = open.select(filter);
        loop {
            let id = ConnectionId::random();
            if let Entry::Vacant(place) = open.connections.entry(id) {
                let connection = Arc::new(Connection {
                    peer,
                    since: jiff::Timestamp::now(),
                    id,
                    tail: tail(Arc::clone(&selection), id),
                    selection,
                    audience: OnceLock::new(),
                    cursor: AtomicU64::new(0),
                    at_head: AtomicBool::new(false),
                    events: AtomicU64::new(0),
                    bytes: AtomicU64::new(0),
                    gaps: AtomicU64::new(0),
                    begun: AtomicBool::new(false),
                    kicked: OnceLock::new(),
                });
                return Ok(Arc::clone(place.insert(connection)));
            }
        }
    }

    /// From now on it is counted and listed: what is published after someone saw
    /// it there is after the position that it began at.
    pub(super) fn begin(&self, connection: &Connection) {
        let mut open = self.lock();
        if !connection.begun.swap(true, Ordering::Relaxed) {
            open.begun += 1;
        }
    }

    pub(super) fn close(&self, connection: &Connection) {
        let mut open = self.lock();
        open.connections.remove(&connection.id);
        if connection.has_begun() {
            open.begun -= 1;
        }
        open.deselect(connection.filter());
        if !open.replaced.remove(&connection.id) {
            self.vacate(&mut open, connection);
        }
    }

    pub(super) fn find(&self, id: &str) -> Option<Arc<Connection>> {
        let id = ConnectionId::parse(id)?;
        self.lock().connections.get(&id).cloned()
    }

    pub(super) fn contains(&self, id: &str) -> bool {
        ConnectionId::parse(id).is_some_and(|id| self.lock().connections.contains_key(&id))
    }

    pub(super) fn len(&self) -> usize {
        self.lock().begun
    }

    /// At most `limit`, in the order of their ids, after this one.
    pub(super) fn page(&self, after: Option<&str>, limit: usize) -> Vec<Arc<Connection>> {
        let from = after.map_or(Bound::Unbounded, |after| {
            Bound::Excluded(ConnectionId::near(after))
        });
        let open = self.lock();
        let page = open.connections.range((from, Bound::Unbounded));
        page.filter(|(_, connection)| connection.has_begun())
            .take(limit)
            .map(|(_, connection)| Arc::clone(connection))
            .collect()
    }

    /// How far the slowest is behind `head`, and all together.
    pub(super) fn lag(&self, head: u64) -> (u64, u64) {
        let open = self.lock();
        let lags = open
            .connections
            .values()
            .filter(|connection| connection.has_begun())
            .map(|connection| head.saturating_sub(connection.position(head)));
        lags.fold((0, 0), |(max, sum), lag| (lag.max(max), lag + sum))
    }

    fn find_room(
        &self,
        open: &Open,
        address: Option<IpAddr>,
        session: Option<&String>,
    ) -> Result<(), Refused> {
        if open.taken >= self.places.all {
            return Err(Refused::Full);
        }
        if is_full(&open.of_peer, address.as_ref(), self.places.per_peer) {
            return Err(Refused::PeerFull);
        }
        if is_full(&open.of_session, session, self.places.per_session) {
            return Err(Refused::SessionFull);
        }
        Ok(())
    }

    fn occupy(&self, open: &mut Open, peer: Option<SocketAddr>, filter: &Filter) {
        open.taken += 1;
        if let Some(address) = self.counted_peer(peer) {
            *open.of_peer.entry(address).or_default() += 1;
        }
        if let Some(session) = self.counted_session(filter) {
            *open.of_session.entry(session.clone()).or_default() += 1;
        }
    }

    fn vacate(&self, open: &mut Open, connection: &Connection) {
        open.taken -= 1;
        if let Some(address) = self.counted_peer(connection.peer) {
            leave(&mut open.of_peer, &address);
        }
        if let Some(session) = self.counted_session(connection.filter()) {
            leave(&mut open.of_session, session);
        }
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

impl Open {
    /// This connection, if it has a place that another may take.
    fn replaceable(&self, id: &str) -> Option<Arc<Connection>> {
        let id = ConnectionId::parse(id)?;
        let is_due = !self.replaced.contains(&id) && self.replaced.len() < LINGERING_MAX;
        is_due.then(|| self.connections.get(&id).cloned())?
    }

    /// That of the others of this filter.
    fn select(&mut self, filter: Filter) -> Arc<Selection> {
        let place = self.selections.entry(filter);
        let (selection, count) = match place {
            hash_map::Entry::Occupied(place) => place.into_mut(),
            hash_map::Entry::Vacant(place) => {
                let selection = Arc::new(Selection::new(place.key().clone()));
                place.insert((selection, 0))
            }
        };
        *count += 1;
        Arc::clone(selection)
    }

    fn deselect(&mut self, filter: &Filter) {
        if let Some((_, count)) = self.selections.get_mut(filter) {
            *count -= 1;
            if *count == 0 {
                self.selections.remove(filter);
            }
        }
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
        registry.open(peer, filter, None, |selection, id| {
            log.history().tail(selection, Some(id))
        })
    }

    fn replace(
        registry: &Registry,
        before: &Connection,
        filter: Filter,
    ) -> Result<Arc<Connection>, Refused> {
        let log = MemoryLog::new(Retention::default(), &[]);
        registry.open(before.peer, filter, Some(before.id()), |selection, id| {
            log.history().tail(selection, Some(id))
        })
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
    fn a_place_that_is_taken_over_is_counted_once_and_only_once_given() {
        let registry = registry(Some(1), Some(1));
        let peer = Some("10.0.0.1:1".parse().unwrap());
        let alice = || of(Some("alice"));
        let first = open(&registry, peer, alice()).unwrap();
        let second = replace(&registry, &first, alice()).unwrap();
        registry.begin(&first);
        registry.begin(&second);
        // Both are open; the first has no place to give any more.
        assert_eq!(registry.len(), 2);
        let refused = replace(&registry, &first, alice()).unwrap_err();
        assert_eq!(refused, Refused::PeerFull);
        let third = replace(&registry, &second, alice()).unwrap();
        registry.close(&first);
        registry.close(&second);
        assert_eq!(
            open(&registry, peer, alice()).unwrap_err(),
            Refused::PeerFull
        );
        // Whoever is refused leaves all as it was.
        let other = open(&registry, None, of(Some("bob"))).unwrap();
        let refused = replace(&registry, &third, of(Some("bob"))).unwrap_err();
        assert_eq!(refused, Refused::SessionFull);
        registry.close(&third);
        registry.close(&other);
        let open = registry.lock();
        assert_eq!((open.taken, open.replaced.len()), (0, 0));
        assert!(open.of_peer.is_empty() && open.of_session.is_empty());
    }

    #[test]
    fn those_that_linger_are_bounded() {
        let registry = registry(None, Some(1));
        let mut last = open(&registry, None, of(Some("a"))).unwrap();
        for _ in 0..LINGERING_MAX {
            last = replace(&registry, &last, of(Some("a"))).unwrap();
        }
        let refused = replace(&registry, &last, of(Some("a"))).unwrap_err();
        assert_eq!(refused, Refused::SessionFull);
    }

    #[test]
    fn pages_meet_everyone_once() {
        let registry = registry(None, None);
        for _ in 0..4 {
            registry.begin(&open(&registry, None, of(None)).unwrap());
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
            registry.begin(&connection);
        }
        assert_eq!(registry.lag(10), (8, 11));
    }

    #[test]
    fn what_has_no_position_yet_takes_a_place_and_is_not_shown() {
        let registry = registry(None, Some(1));
        let connection = open(&registry, None, of(Some("a"))).unwrap();
        let refused = open(&registry, None, of(Some("a"))).unwrap_err();
        assert_eq!(refused, Refused::SessionFull);
        assert_eq!((registry.len(), registry.page(None, 9).len()), (0, 0));
        assert_eq!(registry.lag(10), (0, 0));
        registry.begin(&connection);
        assert_eq!((registry.len(), registry.page(None, 9).len()), (1, 1));
        registry.close(&connection);
        assert_eq!((registry.len(), registry.page(None, 9).len()), (0, 0));
    }
}
