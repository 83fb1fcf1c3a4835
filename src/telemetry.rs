//! Events and counters of a run.
//!
//! Reporting never fails the work: an [`Observer`] returns nothing.

use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::ErrorCode;

/// Progress of media work, or a note about the requests.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A stage of the run begins with this many rows of media work.
    StageStarted {
        /// `analyze` or `render`.
        stage: &'a str,
        /// Rows of media work (sources).
        rows: u64,
        /// Seconds of video to go through; 0 where they are not known before the rows begin.
        seconds: f64,
    },
    /// A row of a stage whose seconds were not known has about so many.
    Expected {
        /// `analyze`.
        stage: &'a str,
        /// Seconds of video that the row goes through.
        seconds: f64,
    },
    /// A row made progress.
    Progress {
        /// `analyze` or `render`.
        stage: &'a str,
        /// Seconds of video gone through since the last event of this row.
        seconds: f64,
    },
    /// A row is done.
    RowFinished {
        /// `analyze` or `render`.
        stage: &'a str,
        /// The source.
        location: &'a str,
        /// The code it failed with.
        error: Option<ErrorCode>,
    },
    /// A warning about the requests before their media work begins.
    Note {
        /// The warning, without a full stop.
        sentence: &'a str,
    },
    /// A stage is over.
    StageFinished {
        /// `analyze` or `render`.
        stage: &'a str,
    },
}

/// Receives the events of a run.
pub trait Observer: Debug + Send + Sync {
    /// Called from the threads that do the work; must not block.
    fn event(&self, event: &Event<'_>);
}

/// Ignores all events.
#[derive(Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn event(&self, _: &Event<'_>) {}
}

/// Live counters of media work.
#[derive(Debug, Default)]
pub struct MediaCounters {
    rows_started: AtomicU64,
    rows_done: AtomicU64,
    rows_failed: AtomicU64,
    milliseconds_of_video: AtomicU64,
}

/// Values of [`MediaCounters`] at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
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
