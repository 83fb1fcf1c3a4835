//! What all rows of media work share, and how one row is run.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, new_null_array};
use tokio::sync::Semaphore;

use super::Work;
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::location::redacted;
use crate::media::{CancelToken, MediaTools};
use crate::source::Sources;
use crate::telemetry::{Counters, Event, Observer};

/// What a [`MediaRuntime`] is made of.
#[derive(Debug)]
pub struct MediaRuntimeConfig {
    /// ffmpeg and ffprobe.
    pub tools: MediaTools,
    /// Where sources come from.
    pub sources: Sources,
    /// Folder rendered files go to.
    pub media_dir: PathBuf,
    /// Rows of media work at a time, at least 1.
    pub workers: usize,
    /// Who is told about events.
    pub observer: Arc<dyn Observer>,
}

/// Shared by every `MediaExec` of a session, so that its limit holds for all of them together.
#[derive(Debug)]
pub struct MediaRuntime {
    /// ffmpeg and ffprobe.
    pub tools: MediaTools,
    /// Where sources come from.
    pub sources: Sources,
    /// Folder rendered files go to.
    pub media_dir: PathBuf,
    /// Who is told about events.
    pub observer: Arc<dyn Observer>,
    /// Live counters.
    pub counters: Counters,
    tokens: Mutex<Vec<CancelToken>>,
    workers: usize,
    slots: Arc<Semaphore>,
}

impl MediaRuntime {
    /// A runtime with all its slots free.
    pub fn new(config: MediaRuntimeConfig) -> Self {
        let workers = config.workers.max(1);
        Self {
            tools: config.tools,
            sources: config.sources,
            media_dir: config.media_dir,
            observer: config.observer,
            counters: Counters::default(),
            tokens: Mutex::default(),
            workers,
            slots: Arc::new(Semaphore::new(workers)),
        }
    }

    /// Rows of media work at a time.
    pub fn workers(&self) -> usize {
        self.workers
    }

    /// A token for the work of one stream; [`MediaRuntime::cancel`] throws it too.
    pub fn token(&self) -> CancelToken {
        let token = CancelToken::new();
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.retain(|t| !t.is_cancelled());
        tokens.push(token.clone());
        token
    }

    /// End all work of this runtime.
    pub fn cancel(&self) {
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.iter().for_each(CancelToken::cancel);
    }

    /// Tell the observer and the counters that a row went through `seconds` of video.
    pub fn progress(&self, stage: &'static str, seconds: f64) {
        self.counters.advanced(seconds);
        self.observer.event(&Event::Progress { stage, seconds });
    }

    /// Run one row (a batch of one row) as [`MediaRuntime::run_work`] does. Whatever happens, the
    /// answer is that row with the work's columns and the outcome columns: an error of the work
    /// becomes its code.
    ///
    /// # Errors
    /// Only when the work broke its contract (wrong columns).
    pub async fn run_row(
        self: Arc<Self>,
        work: Arc<dyn Work>,
        row: RecordBatch,
        cancel: CancelToken,
    ) -> Result<Vec<ArrayRef>> {
        let (result, elapsed) = self.timed(Arc::clone(&work), row.clone(), cancel).await;
        finish_row(work.as_ref(), &row, result, elapsed)
    }

    /// The columns that `work` adds to one row (a batch of one row), computed on a blocking thread
    /// once a slot is free.
    ///
    /// # Errors
    /// The work's own; `internal` if it panicked.
    pub async fn run_work(
        self: Arc<Self>,
        work: Arc<dyn Work>,
        row: RecordBatch,
        cancel: CancelToken,
    ) -> Result<Vec<ArrayRef>> {
        self.timed(work, row, cancel).await.0
    }

    /// The work's columns and the seconds it took, without the wait for a slot.
    async fn timed(
        self: Arc<Self>,
        work: Arc<dyn Work>,
        row: RecordBatch,
        cancel: CancelToken,
    ) -> (Result<Vec<ArrayRef>>, f64) {
        let slot = Arc::clone(&self.slots).acquire_owned().await;
        self.counters.started();
        let started = Instant::now();
        let (runtime, task_work, task_row) = (Arc::clone(&self), Arc::clone(&work), row.clone());
        let joined = tokio::task::spawn_blocking(move || {
            let _slot = slot;
            cancel.check()?;
            task_work.run(&task_row, &runtime, &cancel)
        })
        .await;
        let result = joined.unwrap_or_else(|e| Err(panicked(&e)));
        self.report(work.as_ref(), &row, result.as_ref().err());
        (result, started.elapsed().as_secs_f64())
    }

    fn report(&self, work: &dyn Work, row: &RecordBatch, error: Option<&Error>) {
        self.counters.finished(error.is_some());
        let location = redacted(&text_at(row, "location").unwrap_or_default());
        if let Some(error) = error {
            tracing::warn!(stage = work.name(), location, code = %error.code(), "{error}");
        } else {
            tracing::info!(stage = work.name(), location, "row done");
        }
        let error = error.map(Error::code);
        self.observer.event(&Event::RowFinished { stage: work.name(), location: &location, error });
    }
}

/// The text in the first row of a column, if there is one.
pub(super) fn text_at(row: &RecordBatch, column: &str) -> Option<String> {
    let array =
        arrow::compute::cast(row.column_by_name(column)?, &arrow::datatypes::DataType::Utf8)
            .ok()?;
    let texts = array.as_any().downcast_ref::<StringArray>()?;
    texts.iter().next().flatten().map(str::to_owned)
}

fn finish_row(
    work: &dyn Work,
    row: &RecordBatch,
    result: Result<Vec<ArrayRef>>,
    elapsed: f64,
) -> Result<Vec<ArrayRef>> {
    let fields = work.output_fields();
    let (added, code, message) = match result {
        Ok(added) => (added, None, None),
        Err(e) => {
            let nulls = fields.iter().map(|f| new_null_array(f.data_type(), 1)).collect();
            (nulls, Some(e.code().as_str()), Some(e.message().to_owned()))
        }
    };
    if added.len() != fields.len() || added.iter().any(|a| a.len() != 1) {
        return Err(Error::new(
            ErrorCode::Internal,
            format!(
                "the work {} gave {} columns where {} were promised",
                work.name(),
                added.len(),
                fields.len()
            ),
        ));
    }
    let mut columns = row.columns().to_vec();
    columns.extend(added);
    columns.push(Arc::new(StringArray::from(vec![code])));
    columns.push(Arc::new(StringArray::from(vec![message])));
    columns.push(Arc::new(Int64Array::from(vec![1])));
    columns.push(Arc::new(Float64Array::from(vec![elapsed])));
    Ok(columns)
}

fn panicked(error: &tokio::task::JoinError) -> Error {
    tracing::error!("media work panicked: {error}");
    Error::new(
        ErrorCode::Internal,
        "clipflow failed on this row through a fault of its own; please report it with the log",
    )
}
