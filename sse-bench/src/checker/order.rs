//! The reference order: the merge of what all connections received, or the
//! declared sequence.
//!
//! Where all connections agree it is the order of first receptions. Elsewhere
//! each connection votes for "this before that" with each pair it received in
//! a row; votes are accepted, the most frequent first, unless they contradict
//! those accepted before.

use std::collections::{BTreeSet, HashMap};

use super::Micros;
use super::intervals::Piece;
use super::table::{Key, Number};

/// The position of events that are no part of the order.
pub(super) const NOWHERE: u32 = u32::MAX;
/// Numbers of a declared sequence that nobody received, at most.
const MOST_PHANTOMS: u64 = 1_000_000;

/// A number of the declared sequence that nobody received.
#[derive(Debug, Clone, Copy)]
pub(super) struct Phantom {
    pub(super) number: Number,
    /// When its successor was first received.
    pub(super) first_at: Micros,
}

/// Steps of the merge, at most; some seconds of work.
const MOST_STEPS: usize = 20_000_000;
/// Before no event, but after all.
const AT_END: u32 = u32::MAX;

/// By index: the first of the phantoms that stand before it, and the one after
/// the last.
type Before = HashMap<u32, (u32, u32)>;

/// Positions of events, and the other way round.
#[derive(Debug, Default)]
pub(super) struct Order {
    /// By index.
    pub(super) position: Vec<u32>,
    /// By position: an index, or the number of events plus that of a phantom.
    pub(super) key_at: Vec<u32>,
    pub(super) phantoms: Vec<Phantom>,
    /// Indexes whose successor does not have the next position.
    jumps: Vec<u32>,
    /// The declared sequence has more holes than events.
    pub(super) no_sequence: bool,
}

impl Order {
    /// `excluded` by index. Of the numbers that nobody received all are owed, or
    /// those `acknowledged`.
    pub(super) fn new(
        keys: &[Key],
        excluded: impl Fn(u32) -> bool,
        slots: &[Vec<Piece>],
        acknowledged: Option<&HashMap<u64, Micros>>,
    ) -> Self {
        let mut line: Vec<u32> = (0..keys.len() as u32).collect();
        let mut forced = by_number(keys, &excluded);
        if acknowledged.is_some() {
            // Publishes overlap: the server is free to accept them in another order.
            forced.disorder.clear();
        }
        if !forced.disorder.is_empty() || slots.iter().any(|pieces| has_descent(pieces)) {
            line = merge(keys.len() as u32, slots, &forced.disorder);
        }
        let mut order = Self::default();
        let phantoms_before = match acknowledged {
            Some(numbers) => order.find_published(&forced.sorted, numbers),
            None => order.find_phantoms(keys, &forced.sorted),
        };
        let at_end = phantoms_before.get(&AT_END).copied();
        order.position = vec![NOWHERE; keys.len()];
        for index in line {
            if excluded(index) {
                continue;
            }
            if let Some((first, last)) = phantoms_before.get(&index) {
                let phantoms = (*first..*last).map(|phantom| keys.len() as u32 + phantom);
                order.key_at.extend(phantoms);
            }
            order.position[index as usize] = order.key_at.len() as u32;
            order.key_at.push(index);
        }
        if let Some((first, last)) = at_end {
            let phantoms = (first..last).map(|phantom| keys.len() as u32 + phantom);
            order.key_at.extend(phantoms);
        }
        order.jumps = order
            .position
            .windows(2)
            .zip(0..)
            .filter(|(pair, _)| pair[0].wrapping_add(1) != pair[1] || pair[0] == NOWHERE)
            .map(|(_, index)| index)
            .collect();
        order
    }

    /// Which phantoms stand before which event: the numbers between those received.
    fn find_phantoms(&mut self, keys: &[Key], sorted: &[(Number, u32)]) -> Before {
        let mut before = Before::new();
        let holes = sorted.windows(2).filter_map(|pair| {
            let ((low, _), (high, index)) = (pair[0], pair[1]);
            let hole = low.series == high.series && high.number > low.number.saturating_add(1);
            hole.then_some((low, high, index))
        });
        let mut total = 0_u64;
        for (low, high, _) in holes.clone() {
            total = total.saturating_add(high.number - low.number - 1);
        }
        if total > MOST_PHANTOMS {
            self.no_sequence = true;
            return before;
        }
        for (low, high, index) in holes {
            let series = low.series;
            let first_at = keys[index as usize].first_at;
            for number in (low.number + 1)..high.number {
                let number = Number { series, number };
                self.add_phantom(&mut before, index, Phantom { number, first_at });
            }
        }
        before
    }

    /// The same for numbers that were published.
    fn find_published(
        &mut self,
        sorted: &[(Number, u32)],
        numbers: &HashMap<u64, Micros>,
    ) -> Before {
        let mut before = Before::new();
        let received = |number| {
            let at = sorted.partition_point(|(known, _)| known.number < number);
            let next = sorted.get(at);
            (next.is_some_and(|(known, _)| known.number == number), next)
        };
        let mut numbers: Vec<_> = numbers.iter().collect();
        numbers.sort_unstable();
        for (&number, &first_at) in numbers {
            if let (false, next) = received(number) {
                let index = next.map_or(AT_END, |(_, index)| *index);
                let number = Number { series: 0, number };
                self.add_phantom(&mut before, index, Phantom { number, first_at });
            }
        }
        before
    }

    fn add_phantom(&mut self, before: &mut Before, index: u32, phantom: Phantom) {
        let next = self.phantoms.len() as u32;
        before.entry(index).or_insert((next, next)).1 += 1;
        self.phantoms.push(phantom);
    }

    /// The parts of `start..start + length` whose positions follow one another:
    /// offset, position, length.
    pub(super) fn split(&self, start: u32, length: u32, mut part: impl FnMut(u32, u32, u32)) {
        let end = start + length;
        let mut at = start;
        let first = self.jumps.partition_point(|jump| *jump < start);
        let jumps = self.jumps[first..].iter().map(|jump| jump + 1);
        for cut in jumps.take_while(|cut| *cut < end).chain([end]) {
            let position = self.position[at as usize];
            if position != NOWHERE {
                part(at - start, position, cut - at);
            }
            at = cut;
        }
    }
}

fn has_descent(pieces: &[Piece]) -> bool {
    let new: Vec<_> = pieces.iter().filter(|piece| piece.new).collect();
    new.windows(2)
        .any(|pair| pair[0].leg == pair[1].leg && pair[0].start > pair[1].start)
}

/// Numbered events by number, and those that must follow one another though
/// they did not arrive so.
struct ByNumber {
    sorted: Vec<(Number, u32)>,
    disorder: Vec<(u32, u32)>,
}

fn by_number(keys: &[Key], excluded: impl Fn(u32) -> bool) -> ByNumber {
    let numbered = keys.iter().zip(0..).filter(|(_, index)| !excluded(*index));
    let mut sorted: Vec<(Number, u32)> = numbered
        .filter_map(|(key, index)| Some((key.number?, index)))
        .collect();
    sorted.sort_unstable();
    let mut disorder = Vec::new();
    for (at, pair) in sorted.windows(2).enumerate() {
        if pair[0].0.series == pair[1].0.series && pair[0].1 > pair[1].1 {
            // The neighbours too, so that the pair stays between them.
            for at in at.saturating_sub(1)..(at + 2).min(sorted.len() - 1) {
                if sorted[at].0.series == sorted[at + 1].0.series {
                    disorder.push((sorted[at].1, sorted[at + 1].1));
                }
            }
        }
    }
    disorder.sort_unstable();
    disorder.dedup();
    ByNumber { sorted, disorder }
}

/// All indexes in the order that the votes make.
fn merge(count: u32, slots: &[Vec<Piece>], forced: &[(u32, u32)]) -> Vec<u32> {
    let mut cuts = BTreeSet::from([0, count]);
    for piece in slots.iter().flatten().filter(|piece| piece.new) {
        cuts.extend([piece.start, piece.start + piece.length]);
    }
    for (first, second) in forced {
        cuts.extend([*first, first + 1, *second, second + 1]);
    }
    let cuts: Vec<u32> = cuts.into_iter().collect();
    let atom = |index: u32| cuts.partition_point(|cut| *cut <= index) as u32 - 1;
    let mut votes: HashMap<(u32, u32), (u32, usize)> = HashMap::new();
    for (slot, pieces) in slots.iter().enumerate() {
        let mut last: Option<(u32, u32)> = None;
        for piece in pieces.iter().filter(|piece| piece.new) {
            for next in atom(piece.start)..=atom(piece.start + piece.length - 1) {
                if let Some((leg, before)) = last
                    && leg == piece.leg
                {
                    let (count, voter) = votes.entry((before, next)).or_insert((0, usize::MAX));
                    if *voter != slot {
                        (*count, *voter) = (*count + 1, slot);
                    }
                }
                last = Some((piece.leg, next));
            }
        }
    }
    for (first, second) in forced {
        votes.insert((atom(*first), atom(*second)), (u32::MAX, 0));
    }
    let mut votes: Vec<_> = votes
        .into_iter()
        .map(|((before, after), (count, _))| (count, before, after))
        .collect();
    votes.sort_unstable_by_key(|&(count, before, after)| {
        (std::cmp::Reverse(count), before > after, before, after)
    });
    let mut ranking = Ranking::new(cuts.len() - 1);
    for (_, before, after) in votes {
        ranking.accept(before as usize, after as usize);
    }
    let mut atoms: Vec<usize> = (0..cuts.len() - 1).collect();
    atoms.sort_unstable_by_key(|atom| ranking.rank[*atom]);
    atoms
        .into_iter()
        .flat_map(|atom| cuts[atom]..cuts[atom + 1])
        .collect()
}

/// A topological order kept while edges are added (Pearce and Kelly, "A dynamic
/// topological sort algorithm for directed acyclic graphs", 2006).
struct Ranking {
    /// Steps that may yet be taken to put something elsewhere. Streams without
    /// any order in common would take for ever.
    steps: usize,
    rank: Vec<usize>,
    after: Vec<Vec<usize>>,
    before: Vec<Vec<usize>>,
}

impl Ranking {
    fn new(nodes: usize) -> Self {
        Self {
            steps: MOST_STEPS,
            rank: (0..nodes).collect(),
            after: vec![Vec::new(); nodes],
            before: vec![Vec::new(); nodes],
        }
    }

    /// Puts one before the other, unless that is known to be the other way round.
    fn accept(&mut self, first: usize, second: usize) {
        let (low, high) = (self.rank[second], self.rank[first]);
        if low < high {
            let span = high - low + 1;
            if span > self.steps {
                return;
            }
            self.steps -= span;
            let Some(later) = self.reach(second, &self.after, |rank| rank <= high, first) else {
                return;
            };
            let Some(earlier) = self.reach(first, &self.before, |rank| rank >= low, second) else {
                return;
            };
            self.reorder(earlier, later);
        }
        self.after[first].push(second);
        self.before[second].push(first);
    }

    /// Nodes that `from` leads to within bounds; `None` if `to` is among them.
    fn reach(
        &self,
        from: usize,
        edges: &[Vec<usize>],
        within: impl Fn(usize) -> bool,
        to: usize,
    ) -> Option<Vec<usize>> {
        let mut found = BTreeSet::from([from]);
        let mut todo = vec![from];
        while let Some(node) = todo.pop() {
            if node == to {
                return None;
            }
            for &next in &edges[node] {
                if within(self.rank[next]) && found.insert(next) {
                    todo.push(next);
                }
            }
        }
        Some(found.into_iter().collect())
    }

    fn reorder(&mut self, mut earlier: Vec<usize>, mut later: Vec<usize>) {
        earlier.sort_unstable_by_key(|node| self.rank[*node]);
        later.sort_unstable_by_key(|node| self.rank[*node]);
        let nodes: Vec<usize> = earlier.into_iter().chain(later).collect();
        let mut ranks: Vec<usize> = nodes.iter().map(|node| self.rank[*node]).collect();
        ranks.sort_unstable();
        for (node, rank) in nodes.into_iter().zip(ranks) {
            self.rank[node] = rank;
        }
    }
}
