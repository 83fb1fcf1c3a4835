//! Live counters of media work.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

/// Live counters of media work.
#[derive(Debug, Default)]
pub struct MediaCounters {
    rows_started: AtomicU64,
    rows_done: AtomicU64,
    rows_failed: AtomicU64,
    milliseconds_of_video: AtomicU64,
}

/// Values of [`MediaCounters`] at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct MediaCounts {
    /// Rows handed to a worker.
    pub rows_started: u64,
    /// Rows that came back, failed ones included.
    pub rows_done: u64,
    /// Rows that came back with an error code.
    pub rows_failed: u64,
    /// Seconds of video gone through.
    pub seconds_of_video: f64,
}

impl MediaCounters {
    /// A row was handed to a worker.
    pub fn started(&self) {
        self.rows_started.fetch_add(1, Ordering::Relaxed);
    }

    /// A row came back.
    pub fn finished(&self, failed: bool) {
        self.rows_done.fetch_add(1, Ordering::Relaxed);
        self.rows_failed.fetch_add(u64::from(failed), Ordering::Relaxed);
    }

    /// A worker went through `seconds` of video.
    pub fn advanced(&self, seconds: f64) {
        self.milliseconds_of_video.fetch_add((seconds.max(0.0) * 1000.0) as u64, Ordering::Relaxed);
    }

    /// All counters.
    pub fn get(&self) -> MediaCounts {
        MediaCounts {
            rows_started: self.rows_started.load(Ordering::Relaxed),
            rows_done: self.rows_done.load(Ordering::Relaxed),
            rows_failed: self.rows_failed.load(Ordering::Relaxed),
            seconds_of_video: self.milliseconds_of_video.load(Ordering::Relaxed) as f64 / 1000.0,
        }
    }
}
