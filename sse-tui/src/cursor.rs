//! A window over rows that come and go, with one of them selected.

/// Remembers the selected row by what it is, whatever its place is by now.
#[derive(Debug, Clone, Copy)]
pub struct Cursor<K> {
    /// None: the first row, or the last.
    selected: Option<K>,
    from_end: bool,
    top: usize,
    height: usize,
}

impl<K: Copy + PartialEq> Cursor<K> {
    /// On the first row until it is moved.
    pub fn at_first() -> Self {
        Self {
            selected: None,
            from_end: false,
            top: 0,
            height: 1,
        }
    }

    /// On the last row, whichever that is, until it is moved.
    pub fn at_last() -> Self {
        Self {
            from_end: true,
            ..Self::at_first()
        }
    }

    /// The place of the selected row.
    pub fn index(&self, rows: &[K]) -> usize {
        let last = rows.len().saturating_sub(1);
        match self.selected {
            Some(key) => rows.iter().position(|row| *row == key).unwrap_or(last),
            None if self.from_end => last,
            None => 0,
        }
    }

    /// The selected row.
    pub fn selected(&self, rows: &[K]) -> Option<K> {
        rows.get(self.index(rows)).copied()
    }

    /// Selects the row at a place, or the last.
    pub fn select(&mut self, place: usize, rows: &[K]) {
        let by = place.cast_signed() - self.index(rows).cast_signed();
        self.move_by(by, rows);
    }

    /// Selects a row so many places further, as far as there are any. Whoever
    /// goes to the last row stays with the last.
    pub fn move_by(&mut self, by: isize, rows: &[K]) {
        let last = rows.len().saturating_sub(1);
        let to = self.index(rows).saturating_add_signed(by).min(last);
        self.selected = rows
            .get(to)
            .copied()
            .filter(|_| !(self.from_end && to == last));
    }

    /// Selects a row one page further.
    pub fn page(&mut self, pages: isize, rows: &[K]) {
        let page = self.height.saturating_sub(1).max(1);
        self.move_by(pages.saturating_mul(page.cast_signed()), rows);
    }

    /// Fits the window to the room it has; returns its first row.
    pub fn fit(&mut self, height: usize, rows: &[K]) -> usize {
        self.height = height.max(1);
        let index = self.index(rows);
        let last_top = rows.len().saturating_sub(self.height);
        self.top = self
            .top
            .min(last_top)
            .min(index)
            .max((index + 1).saturating_sub(self.height));
        self.top
    }

    /// The first row of the window, as it was fitted last.
    pub fn top(&self) -> usize {
        self.top
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_selected_row_stays_selected_wherever_it_goes() {
        let mut cursor = Cursor::at_first();
        cursor.move_by(2, &[1, 2, 3, 4]);
        assert_eq!(cursor.selected(&[9, 3, 8]), Some(3));
        // One that is gone leaves the last.
        assert_eq!(cursor.selected(&[9, 8]), Some(8));
        assert_eq!(cursor.selected(&[]), None);
    }

    #[test]
    fn the_last_row_is_followed_until_the_cursor_moves_up() {
        let mut cursor = Cursor::at_last();
        assert_eq!(cursor.selected(&[1, 2]), Some(2));
        assert_eq!(cursor.selected(&[1, 2, 3]), Some(3));
        cursor.move_by(-1, &[1, 2, 3]);
        assert_eq!(cursor.selected(&[1, 2, 3, 4]), Some(2));
        cursor.move_by(isize::MAX, &[1, 2, 3, 4]);
        assert_eq!(cursor.selected(&[1, 2, 3, 4, 5]), Some(5));
    }

    #[test]
    fn the_window_holds_the_selected_row() {
        let rows: Vec<_> = (0..100).collect();
        let mut cursor = Cursor::at_last();
        assert_eq!(cursor.fit(10, &rows), 90);
        cursor.page(-2, &rows);
        assert_eq!(
            (cursor.selected(&rows), cursor.fit(10, &rows)),
            (Some(81), 81)
        );
        assert_eq!(cursor.fit(0, &rows), 81);
        assert_eq!(cursor.fit(10, &rows[..3]), 0);
    }
}
