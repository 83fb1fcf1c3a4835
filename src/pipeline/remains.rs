//! What a run that is stopped has done and what remains of it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, ErrorCode, Result};
use crate::telemetry::{Event, Observer};

/// Counts the rows of each stage on their way to the observer of the run.
#[derive(Debug, Clone)]
pub(super) struct Remains {
    observer: Arc<dyn Observer>,
    stages: Arc<Mutex<Vec<StageCount>>>,
}

/// A stage that has begun.
#[derive(Debug)]
struct StageCount {
    name: String,
    rows: u64,
    done: u64,
}

impl Remains {
    /// Counts what is told to `observer`.
    pub(super) fn of(observer: Arc<dyn Observer>) -> Self {
        Self { observer, stages: Arc::default() }
    }

    /// The observer to give to the run.
    pub(super) fn observer(&self) -> Arc<dyn Observer> {
        Arc::new(self.clone())
    }

    /// `result`, where a stopped run says what it has done and what remains.
    pub(super) fn named<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|error| match error.code() {
            ErrorCode::Cancelled => {
                let message = format!(
                    "the run was stopped: {self}; nothing of it is visible yet; run it again, and it goes on from there"
                );
                Error::new(ErrorCode::Cancelled, message).with_source(error)
            }
            _ => error,
        })
    }

    fn stages(&self) -> MutexGuard<'_, Vec<StageCount>> {
        self.stages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `3 of 10 sources analysed, 7 remain`.
impl fmt::Display for Remains {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stages = self.stages();
        if stages.is_empty() {
            return f.write_str("no source was analysed yet");
        }
        for (number, StageCount { name, rows, done }) in stages.iter().enumerate() {
            let comma = if number > 0 { ", " } else { "" };
            let did = match name.as_str() {
                "render" => "rendered",
                "transcribe" => "transcribed",
                "track_faces" => "searched for faces",
                _ => "analysed",
            };
            let sources = if *rows == 1 { "source" } else { "sources" };
            write!(f, "{comma}{done} of {rows} {sources} {did}")?;
            if done < rows {
                write!(f, " ({} remain)", rows - done)?;
            }
        }
        match stages.iter().any(|stage| stage.name == "render") {
            true => Ok(()),
            false => f.write_str(", none rendered"),
        }
    }
}

impl Observer for Remains {
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::StageStarted { stage, rows, .. } => {
                let stage = StageCount { name: (*stage).to_owned(), rows: *rows, done: 0 };
                self.stages().push(stage);
            }
            // A row that was cancelled is not done.
            Event::RowFinished { error: Some(ErrorCode::Cancelled), .. } => {}
            Event::RowFinished { stage, .. } => {
                // Work of an embedding program may have a name of its own: it belongs to the stage under way.
                let mut stages = self.stages();
                let named = stages.iter().rposition(|s| s.name == *stage);
                let at = named.or(stages.len().checked_sub(1));
                if let Some(stage) = at.and_then(|at| stages.get_mut(at)) {
                    stage.done = stage.rows.min(stage.done + 1);
                }
            }
            _ => {}
        }
        self.observer.event(event);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::cancel::stopped;
    use crate::telemetry::Silent;

    #[test]
    fn a_stopped_run_says_what_remains() {
        let remains = Remains::of(Arc::new(Silent));
        let said = || remains.named::<()>(Err(stopped())).unwrap_err().to_string();
        assert!(
            said().starts_with("the run was stopped: no source was analysed yet; "),
            "{}",
            said()
        );
        let observer = remains.observer();
        let start =
            |stage, rows| observer.event(&Event::StageStarted { stage, rows, seconds: 0.0 });
        let finish = |stage, error| {
            let (location, cached, seconds) = ("a.mp4", false, 1.0);
            observer.event(&Event::RowFinished { stage, location, error, cached, seconds });
        };
        start("analyze", 3);
        finish("analyze", None);
        finish("own work", Some(ErrorCode::MediaCorrupt));
        finish("analyze", Some(ErrorCode::Cancelled));
        assert!(
            said().contains("2 of 3 sources analysed (1 remain), none rendered; "),
            "{}",
            said()
        );
        finish("analyze", None);
        start("render", 1);
        assert!(
            said().contains("3 of 3 sources analysed, 0 of 1 source rendered (1 remain); "),
            "{}",
            said()
        );
        let other = Error::new(ErrorCode::StoreWrite, "the disk is full; free space");
        assert_eq!(remains.named::<()>(Err(other)).unwrap_err().code(), ErrorCode::StoreWrite);
    }
}
