//! How late this program itself read: what it charges a server with after some
//! time, it charges after so much more.

use super::Micros;

/// The resolution at first.
const SPAN: Micros = 1_000_000;
/// Spans at most; when there are so many, each two become one.
const MOST_SPANS: usize = 8192;

/// The lag of the readers, over time.
#[derive(Debug, Clone)]
pub(super) struct Lags {
    span: Micros,
    /// By span: the longest lag that reaches into it.
    longest: Vec<Micros>,
    /// By reader: all that was ready then has been read.
    looked: Vec<Micros>,
}

impl Default for Lags {
    fn default() -> Self {
        Self {
            span: SPAN,
            longest: Vec::new(),
            looked: Vec::new(),
        }
    }
}

impl Lags {
    /// What was ready at `since` was read by `at`, and not before.
    pub(super) fn looked(&mut self, reader: usize, since: Micros, at: Micros) {
        if self.looked.len() <= reader {
            self.looked.resize(reader + 1, since);
        }
        let looked = &mut self.looked[reader];
        *looked = since.max(*looked);
        while at / self.span >= MOST_SPANS as Micros {
            let pairs = self.longest.chunks(2);
            self.longest = pairs
                .map(|pair| pair[0].max(*pair.last().unwrap_or(&0)))
                .collect();
            self.span *= 2;
        }
        let (first, last) = ((since / self.span) as usize, (at / self.span) as usize);
        if self.longest.len() <= last {
            self.longest.resize(last + 1, 0);
        }
        for longest in &mut self.longest[first..=last] {
            *longest = at.saturating_sub(since).max(*longest);
        }
    }

    /// The longest that anything ready to be read in this time waited, as far as that
    /// is known; what was not looked for since waits still.
    pub(super) fn longest(&self, from: Micros, to: Micros) -> Micros {
        let spans = self.longest.iter().skip((from / self.span) as usize);
        let upto = (to / self.span).saturating_sub(from / self.span) as usize + 1;
        let known = spans.take(upto).max().copied();
        let waits = self.looked.iter().map(|looked| to.saturating_sub(*looked));
        known.into_iter().chain(waits).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_wait_that_reaches_into_a_time_counts() {
        let mut lags = Lags::default();
        assert_eq!(lags.longest(0, 9_000_000), 0);
        lags.looked(0, 100_000, 101_000);
        lags.looked(0, 3_500_000, 6_500_000);
        lags.looked(0, 9_000_000, 9_002_000);
        assert_eq!(lags.longest(0, 2_000_000), 1_000);
        assert_eq!(lags.longest(0, 4_000_000), 3_000_000);
        assert_eq!(lags.longest(5_000_000, 5_500_000), 3_000_000);
        assert_eq!(lags.longest(7_000_000, 9_000_000), 2_000);
    }

    #[test]
    fn a_day_takes_no_more_room_than_an_hour() {
        let mut lags = Lags::default();
        for second in 0..86_400 {
            let lag = if second == 50_000 { 300_000 } else { 1000 };
            let since = second * 1_000_000;
            lags.looked(0, since, since + lag);
        }
        assert!(lags.longest.len() <= MOST_SPANS);
        assert_eq!(lags.longest(49_990_000_000, 50_010_000_000), 300_000);
        assert_eq!(lags.longest(60_000_000_000, 60_010_000_000), 1000);
    }

    #[test]
    fn what_no_reader_has_looked_for_yet_waits() {
        let mut lags = Lags::default();
        lags.looked(0, 8_000_000, 8_000_000);
        lags.looked(1, 2_000_000, 2_000_000);
        assert_eq!(lags.longest(8_000_000, 9_000_000), 7_000_000);
    }
}
