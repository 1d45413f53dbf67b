//! A set of numbers that is nearly a range.

/// Why a hole is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    LostConnected,
    LostAfterReconnect,
    Declared,
    /// Between an event older than the start and the start: nobody owes it.
    Unowed,
}

/// Numbers that are not in the set, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hole {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) kind: Kind,
}

impl Hole {
    pub(super) fn len(&self) -> u64 {
        (self.last - self.first).saturating_add(1)
    }
}

/// What a number was to the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Insert {
    Next,
    Jump(Hole),
    Late(Kind),
    Below,
    Repeat,
    Unknown,
}

/// All from `start` to `frontier` but the holes.
#[derive(Debug, Clone, Default)]
pub(super) struct Span {
    /// `start` is `frontier + 1` where nothing is in the set yet.
    bounds: Option<(u64, u64)>,
    /// In ascending order, neither empty nor adjacent.
    holes: Vec<Hole>,
    /// From the first to the last number of the forgotten holes. Open holes in
    /// it are known all the same.
    forgotten: Option<(u64, u64)>,
}

impl Span {
    /// All numbers up to `last` are in the set.
    pub(super) fn up_to(last: u64) -> Self {
        Self {
            bounds: Some((0, last)),
            ..Self::default()
        }
    }

    /// Nothing is in the set, and `last + 1` is next.
    pub(super) fn after(last: u64) -> Self {
        Self {
            bounds: Some((last.saturating_add(1), last)),
            ..Self::default()
        }
    }

    /// Adds a number. Of a jump the numbers between become a hole of `kind`.
    pub(super) fn insert(&mut self, number: u64, kind: Kind) -> Insert {
        let Some((start, frontier)) = self.bounds else {
            self.bounds = Some((number, number));
            return Insert::Next;
        };
        if number > frontier {
            self.bounds = Some((start, number));
            if number - frontier == 1 {
                return Insert::Next;
            }
            let hole = Hole {
                first: frontier + 1,
                last: number - 1,
                kind,
            };
            self.holes.push(hole);
            return Insert::Jump(hole);
        }
        if number < start {
            self.bounds = Some((number, frontier));
            if start - number > 1 {
                let hole = Hole {
                    first: number + 1,
                    last: start - 1,
                    kind: Kind::Unowed,
                };
                self.holes.insert(0, hole);
            }
            return Insert::Below;
        }
        let above = self.holes.partition_point(|hole| hole.last < number);
        match self.holes.get(above) {
            Some(hole) if hole.first <= number => Insert::Late(self.fill(above, number)),
            _ if self
                .forgotten
                .is_some_and(|(first, last)| first <= number && number <= last) =>
            {
                Insert::Unknown
            }
            _ => Insert::Repeat,
        }
    }

    /// Makes a hole of `kind` of the numbers after the frontier up to `last`.
    pub(super) fn skip_to(&mut self, last: u64, kind: Kind) {
        if let Some((start, frontier)) = self.bounds
            && last > frontier
        {
            self.holes.push(Hole {
                first: frontier + 1,
                last,
                kind,
            });
            self.bounds = Some((start, last));
        }
    }

    /// Forgets the lowest hole if there are more than `max`.
    pub(super) fn forget(&mut self, max: usize) -> Option<Hole> {
        if self.holes.len() <= max {
            return None;
        }
        let hole = self.holes.remove(0);
        let (first, last) = self.forgotten.unwrap_or((hole.first, hole.last));
        self.forgotten = Some((first.min(hole.first), last.max(hole.last)));
        Some(hole)
    }

    /// The end of the set, whether or not that number is in a hole.
    pub(super) fn frontier(&self) -> Option<u64> {
        self.bounds.map(|(_, frontier)| frontier)
    }

    /// The highest number in the set.
    pub(super) fn highest(&self) -> Option<u64> {
        let (start, mut highest) = self.bounds?;
        for hole in self.holes.iter().rev() {
            if hole.last == highest {
                highest = hole.first.checked_sub(1)?;
            }
        }
        (highest >= start).then_some(highest)
    }

    pub(super) fn holes(&self) -> &[Hole] {
        &self.holes
    }

    /// Takes a number out of a hole.
    fn fill(&mut self, index: usize, number: u64) -> Kind {
        let Hole { first, last, kind } = self.holes[index];
        if first == last {
            self.holes.remove(index);
        } else if number == first {
            self.holes[index].first += 1;
        } else if number == last {
            self.holes[index].last -= 1;
        } else {
            self.holes[index].last = number - 1;
            self.holes.insert(
                index + 1,
                Hole {
                    first: number + 1,
                    last,
                    kind,
                },
            );
        }
        kind
    }
}
