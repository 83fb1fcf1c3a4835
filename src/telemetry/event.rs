//! Events of a run, and who receives them.

use std::fmt::Debug;

use serde::Serialize;

use crate::error::ErrorCode;

/// Progress of media work, or a note about the requests. As JSON it has its name in snake case as `event`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
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
    /// A row is worked on.
    RowStarted {
        /// `analyze` or `render`.
        stage: &'a str,
        /// The source.
        location: &'a str,
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
        /// Whether its result was found in a cache, as after a run that was stopped.
        cached: bool,
        /// Seconds that fetching and working on it took, without waiting for a worker.
        seconds: f64,
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
