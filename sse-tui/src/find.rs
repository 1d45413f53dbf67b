//! What is looked for in the list, and how far the search has come.

use crate::filter::Pattern;
use crate::listing::Listing;
use crate::store::{Row, Store};

/// Bytes looked at in one slice, about.
const SLICE_BYTES: usize = 1 << 20;
/// Rows looked at in one slice.
const SLICE_ROWS: usize = 4096;

/// A pattern, as it was typed.
#[derive(Debug, Clone)]
pub struct Find {
    /// As it was typed.
    pub text: String,
    /// What it means.
    pub pattern: Pattern,
}

impl Find {
    /// Whether a row holds it: in data, type or id.
    pub fn is_in(&self, row: &Row<'_>) -> bool {
        self.pattern.is_in(row.data)
            || self.pattern.is_in(row.event_type)
            || self.pattern.is_in(row.id)
    }
}

/// A search that goes on in slices, once around.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seek {
    at: u64,
    forward: bool,
    left: u64,
    /// It went on at the other end.
    pub(crate) wrapped: bool,
}

/// What a slice came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// The place of a match.
    At(u64),
    /// Nothing so far.
    NotYet,
    /// Nothing at all.
    Nowhere,
}

impl Seek {
    /// From a place on, which itself is looked at last, or first if `here`.
    pub(crate) fn new(from: u64, forward: bool, here: bool, left: u64) -> Self {
        let at = match (here, forward) {
            (true, true) => from.wrapping_sub(1),
            (true, false) => from + 1,
            (false, _) => from,
        };
        Self {
            at,
            forward,
            left,
            wrapped: false,
        }
    }

    /// Looks at the next rows.
    pub(crate) fn go_on(&mut self, find: &Find, listing: &Listing, store: &Store) -> Found {
        let places = listing.range(store);
        let mut bytes = 0;
        for _ in 0..SLICE_ROWS {
            if self.left == 0 || places.is_empty() {
                return Found::Nowhere;
            }
            if bytes > SLICE_BYTES {
                break;
            }
            self.left -= 1;
            let next = if self.forward {
                self.at.wrapping_add(1)
            } else {
                self.at.wrapping_sub(1)
            };
            self.at = if places.contains(&next) {
                next
            } else {
                self.wrapped = true;
                if self.forward {
                    places.start
                } else {
                    places.end - 1
                }
            };
            let row = listing.row(self.at).and_then(|row| store.get(row));
            if let Some(row) = row {
                bytes += row.data.len();
                if find.is_in(&row) {
                    return Found::At(self.at);
                }
            }
        }
        Found::NotYet
    }
}
