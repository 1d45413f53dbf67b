//! Which events are owed at all.

use super::Micros;
use super::lag::Lags;
use super::order::Order;
use super::table::{Key, Table};

/// Where events stand, when they were first seen, and which are owed.
#[derive(Debug)]
pub(super) struct Map<'a> {
    pub(super) table: &'a Table,
    pub(super) order: Order,
    pub(super) lags: &'a Lags,
    /// Own publishing says what is owed.
    published: bool,
    /// By position: owed events before it.
    owed_before: Vec<u32>,
    /// Indexes by the time of their first reception.
    pub(super) by_time: Vec<u32>,
    /// By index: the last position of it and those before it.
    last_position: Vec<u32>,
}

impl<'a> Map<'a> {
    /// `owed` by position.
    pub(super) fn new(
        table: &'a Table,
        order: Order,
        lags: &'a Lags,
        owed: &[bool],
        published: bool,
    ) -> Self {
        let mut owed_before = Vec::with_capacity(owed.len() + 1);
        let mut count = 0;
        owed_before.push(0);
        for owed in owed {
            count += u32::from(*owed);
            owed_before.push(count);
        }
        let mut by_time: Vec<u32> = (0..table.len()).collect();
        by_time.sort_by_key(|index| table.keys[*index as usize].first_at);
        let mut last = 0;
        let last_position = order
            .position
            .iter()
            .map(|position| {
                if *position != super::order::NOWHERE {
                    last = last.max(*position);
                }
                last
            })
            .collect();
        Self {
            table,
            order,
            lags,
            published,
            owed_before,
            by_time,
            last_position,
        }
    }

    /// Positions.
    pub(super) fn len(&self) -> u32 {
        self.order.key_at.len() as u32
    }

    /// Owed events in `start..end`.
    pub(super) fn owed(&self, start: u32, end: u32) -> u32 {
        if start >= end {
            return 0;
        }
        self.owed_before[end as usize] - self.owed_before[start as usize]
    }

    pub(super) fn is_owed(&self, position: u32) -> bool {
        self.owed(position, position + 1) > 0
    }

    /// The first and the last owed position in `start..end`.
    pub(super) fn owed_bounds(&self, start: u32, end: u32) -> Option<(u32, u32)> {
        let first = (start..end).find(|position| self.is_owed(*position))?;
        let last = (first..end)
            .rev()
            .find(|position| self.is_owed(*position))?;
        Some((first, last))
    }

    /// `None` for what nobody received.
    pub(super) fn key_at(&self, position: u32) -> Option<&Key> {
        let index = self.order.key_at[position as usize];
        self.table.keys.get(index as usize)
    }

    pub(super) fn first_at(&self, position: u32) -> Micros {
        let index = self.order.key_at[position as usize];
        match self.table.keys.get(index as usize) {
            Some(key) => key.first_at,
            None => self.order.phantoms[index as usize - self.table.keys.len()].first_at,
        }
    }

    /// The position of an event; `None` if it is no part of the order.
    pub(super) fn position(&self, index: u32) -> Option<u32> {
        let position = self.order.position.get(index as usize).copied();
        position.filter(|position| *position != super::order::NOWHERE)
    }

    /// The last position of the first `count` events known.
    pub(super) fn last_position(&self, count: u32) -> Option<u32> {
        self.last_position
            .get(count.checked_sub(1)? as usize)
            .copied()
    }

    /// The first position that was published in this time and that nobody received.
    pub(super) fn published_between(&self, from: Micros, to: Micros) -> Option<u32> {
        if !self.published {
            return None;
        }
        let phantom = |position: &u32| self.key_at(*position).is_none();
        let at = |position: &u32| (from..to).contains(&self.first_at(*position));
        (0..self.len()).find(|position| phantom(position) && at(position))
    }

    /// Indexes of events first received after `from` and not after `to`, in this order.
    pub(super) fn between(&self, from: Micros, to: Micros) -> impl Iterator<Item = u32> + '_ {
        let at = |index: &u32| self.table.keys[*index as usize].first_at;
        let first = self.by_time.partition_point(|index| at(index) <= from);
        self.by_time[first..]
            .iter()
            .take_while(move |index| at(index) <= to)
            .copied()
    }
}
