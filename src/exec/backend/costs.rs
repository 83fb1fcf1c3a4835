//! Measured costs: constants of a hand-over for each backend, and a moving average per row of each
//! work.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::config::BackendType;

/// Handing a task to a pool thread and receiving its answer, in nanoseconds.
const THREAD_NANOS: f64 = 12_000.0;
/// The same through a blocking thread of tokio's.
const ASYNC_NANOS: f64 = 14_000.0;
/// The same through rayon.
const JOBLIB_NANOS: f64 = 13_000.0;
/// The same through a running worker process, with a small row.
const PROCESS_NANOS: f64 = 150_000.0;
/// Stealing and joining the pieces, as a share of the work.
const JOBLIB_SHARE: f64 = 0.03;
/// Bounded work up to this time may run on the calling thread.
pub(super) const AT_ONCE_NANOS: f64 = 50_000.0;
/// Target time of a piece of rows in `joblib`: long compared with splitting, stealing and joining,
/// short compared with the time a thread would idle at the end.
pub(super) const PIECE_NANOS: f64 = 250_000.0;
/// Assumed number of rows where it is unknown.
pub(super) const MANY_ROWS: usize = 1_000_000;

/// Estimated nanoseconds of work that takes `serial` nanoseconds on one thread.
pub(super) fn estimate(backend: Option<BackendType>, serial: f64, workers: usize) -> f64 {
    match backend {
        None => serial,
        Some(BackendType::Async) => ASYNC_NANOS + serial,
        Some(BackendType::Joblib) => {
            let pieces = (serial / PIECE_NANOS).floor().max(1.0);
            let share = if pieces > 1.0 { JOBLIB_SHARE } else { 0.0 };
            JOBLIB_NANOS + serial * (1.0 + share) / pieces.min(workers as f64)
        }
        Some(BackendType::Process) => PROCESS_NANOS + serial,
        Some(_) => THREAD_NANOS + serial,
    }
}

/// Nanoseconds per row of one work, as a moving average over the last few pieces.
#[derive(Debug, Default)]
pub(super) struct RowCost(AtomicU64);

/// Weight of the newest piece.
const NEWEST: f64 = 0.3;

impl RowCost {
    /// Records that `rows` rows took `elapsed`.
    pub(super) fn observe(&self, rows: usize, elapsed: Duration) {
        if rows == 0 {
            return;
        }
        let new = (elapsed.as_nanos() as f64 / rows as f64).max(1.0);
        let known = self.nanos().map_or(new, |old| old + NEWEST * (new - old));
        // Two threads may write concurrently; either average is acceptable.
        self.0.store(known.to_bits(), Ordering::Relaxed);
    }

    /// The average; `None` before the first piece.
    pub(super) fn nanos(&self) -> Option<f64> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            bits => Some(f64::from_bits(bits)),
        }
    }
}

/// The [`RowCost`] of each work, by name.
#[derive(Debug, Default)]
pub(super) struct RowCosts(Mutex<HashMap<String, Arc<RowCost>>>);

impl RowCosts {
    pub(super) fn of(&self, work: &str) -> Arc<RowCost> {
        let mut costs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cost) = costs.get(work) {
            return Arc::clone(cost);
        }
        Arc::clone(costs.entry(work.to_owned()).or_default())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_average_follows_rows_that_become_dearer() {
        let cost = RowCost::default();
        assert_eq!(cost.nanos(), None);
        cost.observe(10, Duration::from_nanos(1000));
        assert_eq!(cost.nanos(), Some(100.0));
        for _ in 0..20 {
            cost.observe(1, Duration::from_micros(10));
        }
        assert!((9_000.0..=10_000.0).contains(&cost.nanos().unwrap()), "{:?}", cost.nanos());
        cost.observe(0, Duration::from_secs(1));
        assert!(cost.nanos().unwrap() < 10_001.0);
    }
}
