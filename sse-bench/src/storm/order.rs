//! The ids of a stream in the order in which any connection first received
//! them.
//!
//! Ids are opaque: what tells an older event from a newer one is that somebody
//! had it before. Of the newest 65,536 ids the place is known; an older one that
//! is replayed counts as new, so a server that replays more than that may seem to
//! have caught up too early.

use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasher;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::quality::RandomState;

/// Ids whose place is remembered.
const MOST_IDS: usize = 1 << 16;

/// A place in the order, counted from 1.
pub type Place = u64;

/// The order, shared by all threads.
#[derive(Debug, Default)]
pub struct Order {
    hasher: RandomState,
    newest: AtomicU64,
    places: Mutex<Places>,
}

impl Order {
    /// The place of the newest id; 0 if there was none.
    pub fn newest(&self) -> Place {
        self.newest.load(Ordering::Acquire)
    }

    fn place_of(&self, hash: u64) -> Place {
        let mut places = super::lock(&self.places);
        if let Some(place) = places.known.get(&hash) {
            return *place;
        }
        let place = self.newest() + 1;
        places.insert(hash, place);
        self.newest.store(place, Ordering::Release);
        place
    }
}

/// What one thread has seen of the order, so that it asks the others only once
/// for each event.
#[derive(Debug, Default)]
pub struct Known {
    places: Places,
    /// Most connections receive what the one before them received.
    last: Option<(u64, Place)>,
}

impl Known {
    /// The place of an id, which is the newest if nobody had it yet.
    pub fn place_of(&mut self, id: &str, order: &Order) -> Place {
        let hash = order.hasher.hash_one(id);
        if let Some((last, place)) = self.last
            && last == hash
        {
            return place;
        }
        let known = self.places.known.get(&hash).copied();
        let place = known.unwrap_or_else(|| {
            let place = order.place_of(hash);
            self.places.insert(hash, place);
            place
        });
        self.last = Some((hash, place));
        place
    }
}

#[derive(Debug, Default)]
struct Places {
    known: HashMap<u64, Place, foldhash::fast::RandomState>,
    oldest_first: VecDeque<u64>,
}

impl Places {
    fn insert(&mut self, hash: u64, place: Place) {
        if self.oldest_first.len() == MOST_IDS
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.known.remove(&oldest);
        }
        self.oldest_first.push_back(hash);
        self.known.insert(hash, place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_place_whichever_thread_sees_it() {
        let order = Order::default();
        let (mut one, mut two) = (Known::default(), Known::default());
        assert_eq!(order.newest(), 0);
        assert_eq!(one.place_of("a", &order), 1);
        assert_eq!(two.place_of("b", &order), 2);
        assert_eq!(two.place_of("a", &order), 1);
        assert_eq!(one.place_of("b", &order), 2);
        assert_eq!(one.place_of("a", &order), 1);
        assert_eq!(order.newest(), 2);
    }

    #[test]
    fn memory_is_bounded_and_the_newest_ids_are_kept() {
        let order = Order::default();
        let mut known = Known::default();
        let ids = MOST_IDS as u64 + 10;
        for id in 1..=ids {
            assert_eq!(known.place_of(&id.to_string(), &order), id);
        }
        assert_eq!(known.places.known.len(), MOST_IDS);
        assert_eq!(super::super::lock(&order.places).known.len(), MOST_IDS);
        assert_eq!(known.place_of("11", &order), 11);
    }
}
