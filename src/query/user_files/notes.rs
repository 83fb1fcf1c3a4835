//! What reading has found that is no error, to be said once.

use std::sync::{Mutex, PoisonError};

/// Times after the moment that the events are read as of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StrayTimes {
    /// Rows with such a time.
    pub rows: u64,
    /// The last of them, in microseconds since 1970.
    pub latest: i64,
}

/// What reading has found. An extension of a session's configuration: who wants to know adds one and looks
/// at it when the query is done.
#[derive(Debug, Default)]
pub struct EventNotes(Mutex<Found>);

#[derive(Debug, Default)]
struct Found {
    stray: StrayTimes,
    unmeasured: u64,
    untimed: u64,
    skipped: u64,
    bad_cells: Vec<String>,
}

impl EventNotes {
    /// Times after the moment that the events are read as of.
    pub fn stray(&self) -> StrayTimes {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).stray
    }

    /// Events `watch_seconds` without a value, as often as they were read.
    pub fn unmeasured(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).unmeasured
    }

    /// Rows without a time or a day, as far as they were looked at.
    pub fn untimed(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).untimed
    }

    /// Rows that were left out because a cell does not fit its column.
    pub fn skipped(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).skipped
    }

    /// Sentences about the first of those cells, with file, column and row.
    pub fn bad_cells(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).bad_cells.clone()
    }

    /// A sentence about the rows that were left out for a cell; none if all were read.
    pub fn about_skipped(&self) -> Option<String> {
        let (rows, cells) = (self.skipped(), self.bad_cells());
        let more = if rows > cells.len() as u64 { "; and so on" } else { "" };
        (rows > 0).then(|| {
            format!(
                "{rows} rows have a cell that does not fit its column and are left out: {}{more}",
                cells.join("; ")
            )
        })
    }

    /// As [`EventNotes::note_untimed`].
    pub(super) fn note_skipped(&self, rows: u64) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.skipped = inner.skipped.max(rows);
    }

    /// Note sentences about bad cells, if there are none yet.
    pub(super) fn note_bad_cells(&self, cells: Vec<String>) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.bad_cells.is_empty() {
            inner.bad_cells = cells;
        }
    }

    /// Note what one reading of the files has found so far: a further reading finds the same again.
    pub(super) fn note_untimed(&self, rows: u64) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.untimed = inner.untimed.max(rows);
    }

    /// As [`EventNotes::note_untimed`].
    pub(super) fn note_stray(&self, found: StrayTimes) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.stray.rows = inner.stray.rows.max(found.rows);
        inner.stray.latest = inner.stray.latest.max(found.latest);
    }

    /// Note events `watch_seconds` without a value.
    pub(in crate::query) fn note_unmeasured(&self, rows: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).unmeasured += rows;
    }
}
