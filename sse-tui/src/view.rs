//! Which places of the listing are in sight, and which one is selected.

use std::ops::Range;

/// A window over numbered rows. It follows the newest row until someone scrolls.
#[derive(Debug)]
pub struct View {
    selected: u64,
    top: u64,
    height: u64,
    following: bool,
    /// While paused: the end of what is shown.
    frozen: Option<u64>,
    /// Rows that existed when the view stopped showing new ones.
    seen: u64,
}

impl Default for View {
    fn default() -> Self {
        Self {
            selected: 0,
            top: 0,
            height: 1,
            following: true,
            frozen: None,
            seen: 0,
        }
    }
}

impl View {
    /// Fits the window to a height and to the rows that exist now.
    pub fn fit(&mut self, height: usize, rows: &Range<u64>) {
        self.height = (height as u64).max(1);
        let rows = self.shown(rows);
        let last = rows.end.saturating_sub(1).max(rows.start);
        if self.following {
            self.selected = last;
            self.top = rows.end.saturating_sub(self.height).max(rows.start);
            return;
        }
        self.selected = self.selected.clamp(rows.start, last);
        let lowest_top = rows.end.saturating_sub(self.height).max(rows.start);
        self.top = self
            .top
            .clamp(rows.start, lowest_top)
            .min(self.selected)
            .max((self.selected + 1).saturating_sub(self.height));
    }

    /// Selects a row some steps away and stops following.
    pub fn step(&mut self, by: i64, rows: &Range<u64>) {
        self.stop(rows);
        self.selected = self.selected.saturating_add_signed(by);
        self.refit(rows);
    }

    /// Moves a page; a negative one is up.
    pub fn page(&mut self, pages: i64, rows: &Range<u64>) {
        let rows_per_page = self.height.saturating_sub(1).max(1).cast_signed();
        self.stop(rows);
        self.top = self.top.saturating_add_signed(pages * rows_per_page);
        self.step(pages * rows_per_page, rows);
    }

    /// Selects the oldest row.
    pub fn first(&mut self, rows: &Range<u64>) {
        self.stop(rows);
        self.selected = rows.start;
        self.refit(rows);
    }

    /// Selects the newest row and follows.
    pub fn follow(&mut self, rows: &Range<u64>) {
        self.following = true;
        self.refit(rows);
    }

    /// Stops following where the view is.
    pub fn stop(&mut self, rows: &Range<u64>) {
        if self.following {
            self.refit(rows);
            self.following = false;
            self.seen = self.shown(rows).end;
        }
    }

    /// Freezes the view on the rows that exist, or lets it go on.
    pub fn toggle_pause(&mut self, rows: &Range<u64>) {
        if self.frozen.take().is_none() {
            self.frozen = Some(rows.end);
            if self.following {
                self.seen = rows.end;
            }
        }
        self.refit(rows);
    }

    /// Selects a row by its number.
    pub fn select(&mut self, row: u64, rows: &Range<u64>) {
        self.stop(rows);
        self.selected = row;
        self.refit(rows);
    }

    /// The selected row has another number now; it stays where it is on the screen.
    pub fn renumber(&mut self, selected: u64) {
        let offset = self.selected.saturating_sub(self.top);
        self.selected = selected;
        self.top = selected.saturating_sub(offset);
    }

    /// Other rows are listed from now on; none of them counts as unseen.
    pub fn restart(&mut self, rows: &Range<u64>) {
        self.seen = rows.end;
    }

    /// While paused: the end of what is shown has another number now.
    pub fn refreeze(&mut self, end: u64) {
        if let Some(frozen) = &mut self.frozen {
            *frozen = end;
        }
    }

    /// The rows in sight, oldest first.
    pub fn visible(&self, rows: &Range<u64>) -> Range<u64> {
        let shown = self.shown(rows);
        self.top..(self.top + self.height).min(shown.end).max(self.top)
    }

    /// Rows that arrived since the view stopped showing new ones.
    pub fn unseen(&self, rows: &Range<u64>) -> u64 {
        if self.following && self.frozen.is_none() {
            return 0;
        }
        rows.end.saturating_sub(self.seen)
    }

    /// The selected row.
    pub fn selected(&self) -> u64 {
        self.selected
    }

    /// The first row in sight.
    pub fn top(&self) -> u64 {
        self.top
    }

    /// Whether new rows come into sight by themselves.
    pub fn following(&self) -> bool {
        self.following
    }

    /// Whether the display is paused.
    pub fn paused(&self) -> bool {
        self.frozen.is_some()
    }

    /// The rows that may be shown: those held, up to the freeze.
    pub fn shown(&self, rows: &Range<u64>) -> Range<u64> {
        let end = self.frozen.map_or(rows.end, |end| end.min(rows.end));
        rows.start.min(end)..end
    }

    /// Fits the window to the rows that exist now.
    pub fn refit(&mut self, rows: &Range<u64>) {
        self.fit(self.height as usize, rows);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(height: usize, rows: &Range<u64>) -> View {
        let mut view = View::default();
        view.fit(height, rows);
        view
    }

    #[test]
    fn it_follows_the_newest_row() {
        let mut view = view(10, &(0..3));
        assert_eq!((view.visible(&(0..3)), view.selected()), (0..3, 2));
        view.fit(10, &(0..100));
        assert_eq!((view.visible(&(0..100)), view.selected()), (90..100, 99));
        assert_eq!(view.unseen(&(0..100)), 0);
    }

    #[test]
    fn scrolling_stops_following_and_counts_what_is_new() {
        let mut view = view(10, &(0..100));
        view.step(-1, &(0..100));
        view.fit(10, &(0..107));
        assert!(!view.following());
        assert_eq!((view.visible(&(0..107)), view.selected()), (90..100, 98));
        assert_eq!(view.unseen(&(0..107)), 7);
        view.follow(&(0..107));
        assert_eq!(
            (view.visible(&(0..107)), view.unseen(&(0..107))),
            (97..107, 0)
        );
    }

    #[test]
    fn the_selection_stays_in_sight_at_both_ends() {
        let mut view = view(10, &(0..100));
        view.first(&(0..100));
        assert_eq!((view.visible(&(0..100)), view.selected()), (0..10, 0));
        view.step(-5, &(0..100));
        assert_eq!(view.selected(), 0);
        view.page(1, &(0..100));
        assert_eq!((view.visible(&(0..100)), view.selected()), (9..19, 9));
        view.step(1_000, &(0..100));
        assert_eq!((view.visible(&(0..100)), view.selected()), (90..100, 99));
    }

    #[test]
    fn a_pause_freezes_the_rows_and_scrolling_stays_within_it() {
        let mut view = view(10, &(0..50));
        view.toggle_pause(&(0..50));
        view.fit(10, &(0..80));
        assert_eq!(view.visible(&(0..80)), 40..50);
        assert_eq!(view.unseen(&(0..80)), 30);
        view.step(5, &(0..80));
        assert_eq!(view.selected(), 49);
        view.follow(&(0..80));
        assert_eq!(view.visible(&(0..80)), 40..50);
        view.toggle_pause(&(0..80));
        assert_eq!((view.visible(&(0..80)), view.unseen(&(0..80))), (70..80, 0));
    }

    #[test]
    fn eviction_pushes_the_window_forward() {
        let mut view = view(10, &(0..100));
        view.first(&(0..100));
        view.fit(10, &(60..160));
        assert_eq!((view.visible(&(60..160)), view.selected()), (60..70, 60));
        view.toggle_pause(&(60..160));
        view.fit(10, &(500..600));
        assert!(view.visible(&(500..600)).is_empty());
    }

    #[test]
    fn an_empty_store_and_no_height_are_fine() {
        let mut view = view(0, &(0..0));
        view.page(1, &(0..0));
        view.step(-1, &(0..0));
        view.first(&(0..0));
        assert!(view.visible(&(0..0)).is_empty());
    }
}
