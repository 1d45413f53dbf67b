//! Tickets: credentials for an `EventSource`, which cannot set headers, in the
//! URL of its stream. None survives the process.

use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BinaryHeap, HashMap};
use std::fmt::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ring::digest;
use ring::rand::{SecureRandom, SystemRandom};

use crate::config::TicketLimits;
use crate::http::auth::access::{Access, Grant};

/// Random bytes of a ticket.
const RANDOM: usize = 32;

/// Beyond it a time could not be reckoned with.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// What a ticket or a token is known by: its SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Digest([u8; 32]);

impl Digest {
    pub(crate) fn of(text: &str) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
        Self(bytes)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

/// The tickets that are good, or will be found not to be.
#[derive(Debug)]
pub(crate) struct Tickets {
    limits: TicketLimits,
    random: SystemRandom,
    given: Mutex<Given>,
}

#[derive(Debug, Default)]
struct Given {
    tickets: HashMap<Digest, Ticket>,
    /// When to look at each again: at the time it had to open its stream by,
    /// then at its end.
    due: BinaryHeap<Reverse<(Instant, Digest)>>,
    /// How many each holder has; none of them 0.
    held: HashMap<Digest, usize>,
}

#[derive(Debug)]
struct Ticket {
    access: Arc<Access>,
    /// Until it has opened its stream, the time to do so by; then its end.
    deadline: Instant,
    expires: Instant,
    holder: Digest,
    connection: Option<String>,
}

/// Why no ticket was given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoTicket {
    /// There are as many as there may be; the next is gone at this time at
    /// the latest.
    Full(Instant),
    /// This holder has as many as are left for all others, until this time at
    /// least.
    Share(Instant),
    /// The system has no random numbers.
    Random,
}

impl Tickets {
    pub(super) fn new(limits: TicketLimits) -> Self {
        Self {
            limits: TicketLimits {
                open_within: limits.open_within.min(LONGEST),
                lifetime: limits.lifetime.min(LONGEST),
                ..limits
            },
            random: SystemRandom::new(),
            given: Mutex::default(),
        }
    }

    /// A ticket for what this credential may subscribe to, and its end.
    ///
    /// A holder may have as many as are left for all others: half of all alone,
    /// and some are left whoever takes what he can.
    pub(crate) fn give(&self, grant: &Grant, now: Instant) -> Result<(String, Instant), NoTicket> {
        let ticket = self.random_text().ok_or(NoTicket::Random)?;
        let digest = Digest::of(&ticket);
        let end = now + self.limits.lifetime;
        let expires = grant.expires.map_or(end, |expires| expires.min(end));
        let deadline = expires.min(now + self.limits.open_within);
        let mut given = self.lock();
        given.forget(now);
        let left = self.limits.max.saturating_sub(given.tickets.len());
        let held = given.held.get(&grant.holder).copied().unwrap_or(0);
        if held >= left {
            let next = given.due.peek().map_or(now, |Reverse((due, _))| *due);
            return Err(match left {
                0 => NoTicket::Full(next),
                _ => NoTicket::Share(next),
            });
        }
        *given.held.entry(grant.holder).or_default() += 1;
        given.due.push(Reverse((deadline, digest)));
        let access = Arc::new(grant.access.for_ticket());
        let ticket_of = Ticket {
            access,
            deadline,
            expires,
            holder: grant.holder,
            connection: None,
        };
        given.tickets.insert(digest, ticket_of);
        Ok((ticket, expires))
    }

    /// What a ticket permits, if it is good now.
    pub(super) fn look_up(&self, ticket: &str, now: Instant) -> Option<Grant> {
        let digest = Digest::of(ticket);
        let given = self.lock();
        let ticket = given.tickets.get(&digest)?;
        (now < ticket.deadline).then(|| Grant {
            access: Arc::clone(&ticket.access),
            expires: Some(ticket.expires),
            holder: ticket.holder,
            ticket: Some(digest),
        })
    }

    /// The connection that it has opened last, which may have ended.
    pub(crate) fn connection(&self, ticket: Digest) -> Option<String> {
        self.lock().tickets.get(&ticket)?.connection.clone()
    }

    /// Its stream is open: it may open it again until its end. Returns the
    /// connection that it had opened before.
    pub(crate) fn opened(&self, ticket: Digest, connection: &str) -> Option<String> {
        let mut given = self.lock();
        let ticket = given.tickets.get_mut(&ticket)?;
        ticket.deadline = ticket.expires;
        ticket.connection.replace(connection.to_owned())
    }

    fn random_text(&self) -> Option<String> {
        let mut bytes = [0; RANDOM];
        self.random.fill(&mut bytes).ok()?;
        let mut text = String::with_capacity(2 * RANDOM);
        for byte in bytes {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        Some(text)
    }

    fn lock(&self) -> MutexGuard<'_, Given> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Given {
    /// Drops what is over by now.
    fn forget(&mut self, now: Instant) {
        while let Some(&Reverse((due, digest))) = self.due.peek() {
            if due > now {
                return;
            }
            self.due.pop();
            match self.tickets.get(&digest).map(|ticket| ticket.deadline) {
                Some(deadline) if deadline > now => self.due.push(Reverse((deadline, digest))),
                _ => self.remove(digest),
            }
        }
    }

    fn remove(&mut self, digest: Digest) {
        let Some(ticket) = self.tickets.remove(&digest) else {
            return;
        };
        if let Entry::Occupied(mut held) = self.held.entry(ticket.holder) {
            *held.get_mut() -= 1;
            if *held.get() == 0 {
                held.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tickets(max: usize) -> Tickets {
        Tickets::new(TicketLimits {
            max,
            ..TicketLimits::default()
        })
    }

    fn grant(expires: Option<Instant>) -> Grant {
        Grant {
            access: Arc::default(),
            expires,
            holder: Digest::of("somebody"),
            ticket: None,
        }
    }

    fn of(holder: &str) -> Grant {
        Grant {
            holder: Digest::of(holder),
            ..grant(None)
        }
    }

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn a_ticket_must_open_its_stream_in_time_and_may_then_again_until_its_end() {
        let (tickets, start) = (tickets(9), Instant::now());
        let (late, _) = tickets.give(&grant(None), start).unwrap();
        assert!(tickets.look_up(&late, start + seconds(29)).is_some());
        assert!(tickets.look_up(&late, start + seconds(30)).is_none());
        let (good, expires) = tickets.give(&grant(None), start).unwrap();
        assert_eq!(expires, start + seconds(12 * 3600));
        let found = tickets.look_up(&good, start).unwrap();
        assert_eq!(found.expires, Some(expires));
        assert_eq!(tickets.opened(found.ticket.unwrap(), "one"), None);
        let late = start + seconds(12 * 3600 - 1);
        let again = tickets.look_up(&good, late).unwrap();
        let before = tickets.opened(again.ticket.unwrap(), "two");
        assert_eq!(before.as_deref(), Some("one"));
        assert!(tickets.look_up(&good, expires).is_none());
        assert!(tickets.look_up("anything else", start).is_none());
    }

    #[test]
    fn a_ticket_ends_with_the_credential_it_was_given_for() {
        let (tickets, start) = (tickets(9), Instant::now());
        let credential = grant(Some(start + seconds(100)));
        let (ticket, expires) = tickets.give(&credential, start).unwrap();
        assert_eq!(expires, start + seconds(100));
        let found = tickets.look_up(&ticket, start).unwrap();
        tickets.opened(found.ticket.unwrap(), "one");
        assert!(tickets.look_up(&ticket, start + seconds(99)).is_some());
        assert!(tickets.look_up(&ticket, start + seconds(100)).is_none());
    }

    #[test]
    fn their_number_is_bounded_and_those_that_are_over_make_room() {
        let (tickets, start) = (tickets(2), Instant::now());
        let (opened, _) = tickets.give(&of("one"), start).unwrap();
        let digest = tickets.look_up(&opened, start).unwrap().ticket.unwrap();
        tickets.opened(digest, "one");
        tickets.give(&of("other"), start + seconds(1)).unwrap();
        let full = tickets.give(&of("third"), start + seconds(2)).unwrap_err();
        assert!(matches!(full, NoTicket::Full(_)));
        tickets.give(&of("third"), start + seconds(31)).unwrap();
        assert!(tickets.look_up(&opened, start + seconds(31)).is_some());
        assert!(tickets.give(&of("other"), start + seconds(32)).is_err());
        let given = tickets.lock();
        let lengths = (given.tickets.len(), given.due.len(), given.held.len());
        assert_eq!(lengths, (2, 2, 2));
    }

    #[test]
    fn who_takes_all_he_can_leaves_some_for_others() {
        let (tickets, start) = (tickets(100), Instant::now());
        let take = |name: &str| {
            let mut taken = 0;
            while tickets.give(&of(name), start).is_ok() {
                taken += 1;
            }
            taken
        };
        assert_eq!((take("greedy"), take("as greedy")), (50, 25));
        let refused = tickets.give(&of("greedy"), start).unwrap_err();
        assert!(matches!(refused, NoTicket::Share(_)));
        assert!(tickets.give(&of("modest"), start).is_ok());
        assert!(tickets.give(&of("greedy"), start + seconds(30)).is_ok());
    }

    #[test]
    fn no_two_are_alike_and_none_is_kept_as_it_is() {
        let (tickets, now) = (tickets(9), Instant::now());
        let (one, _) = tickets.give(&grant(None), now).unwrap();
        let (other, _) = tickets.give(&grant(None), now).unwrap();
        assert_ne!(one, other);
        assert_eq!(one.len(), 2 * RANDOM);
        assert!(!format!("{tickets:?}").contains(&one));
    }
}
