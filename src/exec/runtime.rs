//! What all rows of media work share, and how one row is run.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use tokio::sync::watch;

use super::backend::{Backend, Task};
use super::kept::{Asked, Keeper};
use super::outcome::{Outcome, finish_rows};
use super::work::{PATH_COLUMN, Progress, VALIDATOR_COLUMN};
use super::{Work, WorkEnv};
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::location::redacted;
use crate::media::cancel::stopped;
use crate::media::{CancelToken, MediaTools};
use crate::source::{LocalCopy, Sources};
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
    /// How rows are run, and how many at a time.
    pub backend: Arc<dyn Backend>,
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
    /// Who is told about events.
    pub observer: Arc<dyn Observer>,
    /// Live counters.
    pub counters: Arc<Counters>,
    env: Arc<WorkEnv>,
    token: CancelToken,
    backend: Arc<dyn Backend>,
    keeper: Option<Arc<Keeper>>,
    /// Rows that were begun with and are not done.
    rows: watch::Sender<usize>,
}

/// A row that counts as under way as long as this lives.
struct UnderWay<'a>(&'a watch::Sender<usize>);

impl<'a> UnderWay<'a> {
    fn new(rows: &'a watch::Sender<usize>) -> Self {
        rows.send_modify(|rows| *rows += 1);
        Self(rows)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|rows| *rows -= 1);
    }
}

/// Progress of work goes to the counters and the observer.
#[derive(Debug)]
struct Told {
    counters: Arc<Counters>,
    observer: Arc<dyn Observer>,
}

impl Progress for Told {
    fn advanced(&self, stage: &'static str, seconds: f64) {
        self.counters.advanced(seconds);
        self.observer.event(&Event::Progress { stage, seconds });
    }
}

impl MediaRuntime {
    /// A runtime at rest.
    pub fn new(config: MediaRuntimeConfig) -> Self {
        let MediaRuntimeConfig { tools, sources, media_dir, backend, observer } = config;
        let counters = Arc::new(Counters::default());
        let progress = Told { counters: Arc::clone(&counters), observer: Arc::clone(&observer) };
        let env = WorkEnv { tools: Some(tools.clone()), media_dir, progress: Arc::new(progress) };
        let token = CancelToken::new();
        let env = Arc::new(env);
        let rows = watch::Sender::new(0);
        Self { tools, sources, observer, counters, env, token, backend, keeper: None, rows }
    }

    /// The same, drained and cancelled with `stop`.
    #[must_use]
    pub fn with_stop(self, stop: &CancelToken) -> Self {
        Self { token: stop.child(), ..self }
    }

    /// The same with results kept by `keeper`.
    #[must_use]
    pub fn with_keeper(self, keeper: Arc<Keeper>) -> Self {
        Self { keeper: Some(keeper), ..self }
    }

    /// Who keeps results.
    pub fn keeper(&self) -> Option<&Arc<Keeper>> {
        self.keeper.as_ref()
    }

    /// What runs the work.
    pub fn backend(&self) -> &dyn Backend {
        self.backend.as_ref()
    }

    /// Rows under way at a time: those the backend works on, and as many whose sources are fetched
    /// meanwhile.
    pub fn rows_ahead(&self) -> usize {
        2 * self.backend.workers()
    }

    /// A token for the work of one stream; [`MediaRuntime::cancel`] throws it too.
    pub fn token(&self) -> CancelToken {
        self.token.child()
    }

    /// End all work of this runtime.
    pub fn cancel(&self) {
        self.token.cancel();
    }

    /// Run one row (a batch of one row) as [`MediaRuntime::run_work`] does. Whatever happens, the
    /// answer is that row with the work's columns and the outcome columns: an error of the work
    /// becomes its code.
    ///
    /// # Errors
    /// `cancelled` once this runtime is: then there is no answer. While it is drained, the same for
    /// rows that had not begun, as soon as those that had are done. `internal` when the work broke
    /// its contract (wrong columns).
    pub async fn run_row(
        self: Arc<Self>,
        work: Arc<dyn Work>,
        row: RecordBatch,
        cancel: CancelToken,
    ) -> Result<Vec<ArrayRef>> {
        let (result, elapsed) = self.unless_stopped(&work, &row, &cancel).await?;
        finish_rows(work.as_ref(), &row, Outcome { result, attempts: 1, elapsed })
    }

    /// The columns that `work` adds to one row (a batch of one row), computed by the backend once
    /// the row's source is at hand.
    ///
    /// # Errors
    /// The work's own or that of its source; `internal` if it panicked.
    pub async fn run_work(
        self: Arc<Self>,
        work: Arc<dyn Work>,
        row: RecordBatch,
        cancel: CancelToken,
    ) -> Result<Vec<ArrayRef>> {
        self.unless_stopped(&work, &row, &cancel).await?.0
    }

    /// [`MediaRuntime::timed`], if the row may begin and is not cancelled.
    async fn unless_stopped(
        &self,
        work: &Arc<dyn Work>,
        row: &RecordBatch,
        cancel: &CancelToken,
    ) -> Result<(Result<Vec<ArrayRef>>, f64)> {
        let cancel = cancel.child();
        let under_way = UnderWay::new(&self.rows);
        let refused = async {
            self.token.draining().await;
            if !cancel.refuse() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            () = refused => {}
            timed = self.timed(work, row, &cancel) => {
                self.token.check()?;
                return Ok(timed);
            }
        }
        drop(under_way);
        // An error ends the stream that the others are in: they are let go first.
        let _ = self.rows.subscribe().wait_for(|rows| *rows == 0).await;
        Err(stopped())
    }

    /// The work's columns and the seconds it took.
    async fn timed(
        &self,
        work: &Arc<dyn Work>,
        row: &RecordBatch,
        cancel: &CancelToken,
    ) -> (Result<Vec<ArrayRef>>, f64) {
        self.counters.started();
        let started = Instant::now();
        let result = self.attempt(work, row, cancel).await;
        self.report(work.as_ref(), row, result.as_ref().err());
        (result, started.elapsed().as_secs_f64())
    }

    /// Get the source, then do the work.
    async fn attempt(
        &self,
        work: &Arc<dyn Work>,
        row: &RecordBatch,
        cancel: &CancelToken,
    ) -> Result<Vec<ArrayRef>> {
        cancel.check()?;
        let keeper = self.keeper.as_deref();
        let mut pending = match Keeper::ask(keeper, &self.sources, work, row).await {
            Asked::Hit(columns) => return Ok(columns),
            Asked::Miss(pending) => pending,
        };
        let copy = match work.needs_source() {
            true => Some(self.sources.open(&text_at(row, "location").unwrap_or_default()).await?),
            false => None,
        };
        if let Some(copy) = &copy
            && let Some(columns) = pending.fetched(&copy.validator).await
        {
            return Ok(columns);
        }
        let rows = match &copy {
            Some(copy) => with_source(row, copy)?,
            None => row.clone(),
        };
        let (work, env) = (Arc::clone(work), Arc::clone(&self.env));
        let result = self.backend.run(Task::new(work, rows, env, cancel.clone())).await;
        if let (Ok(columns), Some(copy)) = (&result, &copy) {
            pending.done(&copy.validator, columns).await;
        }
        result
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

/// The row with the columns that say where its source lies.
fn with_source(row: &RecordBatch, copy: &LocalCopy) -> Result<RecordBatch> {
    let path = copy.path.to_str().ok_or_else(|| {
        Error::new(
            ErrorCode::SourceUnsupported,
            format!("{} is not a name in UTF-8; rename the file", copy.path.display()),
        )
    })?;
    let mut fields: Vec<_> = row.schema().fields().iter().cloned().collect();
    let mut columns = row.columns().to_vec();
    for (name, value) in [(PATH_COLUMN, path), (VALIDATOR_COLUMN, copy.validator.as_str())] {
        fields.push(Arc::new(Field::new(name, DataType::Utf8, false)));
        columns.push(Arc::new(StringArray::from(vec![value])));
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
        .map_err(|e| Error::new(ErrorCode::Internal, format!("the row cannot be extended: {e}")))
}
