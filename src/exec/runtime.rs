//! What all rows of media work share, and how one row is run.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use tokio::sync::{Semaphore, watch};

use super::ahead::{Ahead, acquire};
use super::backend::{AsyncBackend, Backend, Task};
use super::kept::{Asked, Keeper, Pending};
use super::outcome::{Outcome, finish_rows};
use super::work::{PATH_COLUMN, Progress, VALIDATOR_COLUMN};
use super::{Work, WorkEnv};
use crate::config::ParallelConfig;
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::location::redacted;
use crate::media::cancel::stopped;
use crate::media::{CancelToken, MediaTools};
use crate::resilience::{HostKey, Hosts, Resilience};
use crate::source::{LocalCopy, Sources};
use crate::telemetry::{Counters, Event, Observer, Silent};

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
    /// How faults are dealt with; its hosts are those of `sources`.
    pub resilience: Resilience,
    /// Who is told about events.
    pub observer: Arc<dyn Observer>,
}

/// Rows of one stream that are under way at the most: those that wait, for a host or for their next
/// try, cost little and must not keep the rows of other hosts out.
const ROWS_AHEAD: usize = 1024;

/// Shared by every `MediaExec` of a session, so that its limit holds for all of them together.
#[derive(Debug)]
pub struct MediaRuntime {
    /// ffmpeg and ffprobe.
    pub tools: MediaTools,
    /// Where sources come from.
    pub sources: Arc<Sources>,
    /// Who is told about events.
    pub observer: Arc<dyn Observer>,
    /// Live counters.
    pub counters: Arc<Counters>,
    env: Arc<WorkEnv>,
    token: CancelToken,
    backend: Arc<dyn Backend>,
    /// One for each worker: a row that has one does not wait in the backend.
    slots: Arc<Semaphore>,
    ahead: Arc<Ahead>,
    resilience: Resilience,
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

/// How a row went.
struct Ran {
    result: Result<Vec<ArrayRef>>,
    attempts: u32,
    elapsed: Duration,
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
    /// A runtime for looking at files that somebody named: a path that they typed is one they may read, so
    /// every file is allowed.
    ///
    /// # Errors
    /// `setup.missing_program` without ffmpeg.
    pub fn for_reading() -> Result<Self> {
        let config = ParallelConfig::default();
        let resilience = Resilience::new(&config);
        Ok(Self::new(MediaRuntimeConfig {
            tools: MediaTools::find()?,
            sources: Sources::standard([PathBuf::from("/")], &config, &resilience.hosts),
            media_dir: std::env::temp_dir(),
            backend: Arc::new(AsyncBackend::new(1)),
            resilience,
            observer: Arc::new(Silent),
        }))
    }

    /// A runtime at rest.
    pub fn new(config: MediaRuntimeConfig) -> Self {
        let MediaRuntimeConfig { tools, sources, media_dir, backend, resilience, observer } =
            config;
        let counters = Arc::new(Counters::default());
        let progress = Told { counters: Arc::clone(&counters), observer: Arc::clone(&observer) };
        let env = WorkEnv {
            tools: Some(tools.clone()),
            media_dir,
            progress: Arc::new(progress),
            ..WorkEnv::bare()
        };
        let token = CancelToken::new();
        let (env, workers) = (Arc::new(env), backend.workers());
        let slots = Arc::new(Semaphore::new(workers));
        let ahead = Arc::new(Ahead::new(workers, resilience.hosts.limits()));
        Self {
            tools,
            sources: Arc::new(sources),
            observer,
            counters,
            env,
            token,
            backend,
            slots,
            ahead,
            resilience,
            keeper: None,
            rows: watch::Sender::new(0),
        }
    }

    /// One for another run, which shares workers, sources, hosts, counters and kept results with this
    /// one and is stopped by itself.
    #[must_use]
    pub fn for_run(&self, media_dir: PathBuf) -> Self {
        let env = WorkEnv { media_dir, ..WorkEnv::clone(&self.env) };
        Self {
            tools: self.tools.clone(),
            sources: Arc::clone(&self.sources),
            observer: Arc::clone(&self.observer),
            counters: Arc::clone(&self.counters),
            env: Arc::new(env),
            token: CancelToken::new(),
            backend: Arc::clone(&self.backend),
            slots: Arc::clone(&self.slots),
            ahead: Arc::clone(&self.ahead),
            resilience: self.resilience.clone(),
            keeper: self.keeper.clone(),
            rows: watch::Sender::new(0),
        }
    }

    /// The same on another backend.
    #[must_use]
    pub fn with_backend(&self, backend: Arc<dyn Backend>) -> Self {
        let workers = backend.workers();
        Self {
            slots: Arc::new(Semaphore::new(workers)),
            ahead: Arc::new(Ahead::new(workers, self.resilience.hosts.limits())),
            backend,
            ..self.for_run(self.env.media_dir.clone())
        }
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

    /// The hosts sources come from, and how they are doing.
    pub fn hosts(&self) -> &Hosts {
        &self.resilience.hosts
    }

    /// Rows of one stream under way at a time, of which few are fetched and fewer worked on.
    pub fn rows_ahead(&self) -> usize {
        ROWS_AHEAD
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
        let Ran { result, attempts, elapsed } = self.unless_stopped(&work, &row, &cancel).await?;
        let (attempts, elapsed) = (i64::from(attempts), elapsed.as_secs_f64());
        finish_rows(work.as_ref(), &row, Outcome { result, attempts, elapsed })
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
        self.unless_stopped(&work, &row, &cancel).await?.result
    }

    /// [`MediaRuntime::run`], if the row may begin and is not cancelled.
    async fn unless_stopped(
        &self,
        work: &Arc<dyn Work>,
        row: &RecordBatch,
        cancel: &CancelToken,
    ) -> Result<Ran> {
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
            ran = self.run(work, row, &cancel) => {
                self.token.check()?;
                return Ok(ran);
            }
        }
        drop(under_way);
        // An error ends the stream that the others are in: they are let go first.
        let _ = self.rows.subscribe().wait_for(|rows| *rows == 0).await;
        Err(stopped())
    }

    /// Try until it is done or cannot be. Between two tries a row holds nothing.
    async fn run(&self, work: &Arc<dyn Work>, row: &RecordBatch, cancel: &CancelToken) -> Ran {
        self.counters.started();
        let location = text_at(row, "location").unwrap_or_default();
        let host = HostKey::of(&location).filter(|_| work.needs_source());
        let (mut attempts, mut elapsed) = (0, Duration::ZERO);
        let result = loop {
            let tried = self.attempt(work, row, (&location, host.as_ref()), cancel, &mut elapsed);
            let result = tried.await;
            let retry = attempts;
            attempts += 1;
            let Err(error) = &result else { break result };
            let wait = self.resilience.wait_before_retry(retry, error, host.as_ref());
            let Some(wait) = wait.filter(|_| !cancel.is_draining()) else { break result };
            let (location, code) = (redacted(&location), error.code());
            tracing::debug!(location, %code, ?wait, "trying again: {error}");
            let slept = async {
                self.resilience.clock.sleep(wait).await;
                Ok(())
            };
            if let Err(stopped) = unless_cancelled(cancel, slept).await {
                break Err(stopped);
            }
        };
        self.report(work.as_ref(), row, result.as_ref().err());
        Ran { result, attempts, elapsed }
    }

    /// Get the source, then do the work. What that takes, without waiting for a turn, is added to
    /// `elapsed`.
    async fn attempt(
        &self,
        work: &Arc<dyn Work>,
        row: &RecordBatch,
        (location, host): (&str, Option<&HostKey>),
        cancel: &CancelToken,
        elapsed: &mut Duration,
    ) -> Result<Vec<ArrayRef>> {
        cancel.check()?;
        let place = match work.needs_source() {
            true => Some(unless_cancelled(cancel, self.ahead.enter(self.hosts(), host)).await?),
            false => None,
        };
        let mut watch = Stopwatch::start(elapsed);
        let (mut pending, copy) =
            match unless_cancelled(cancel, self.at_hand(work, row, location)).await? {
                AtHand::Done(columns) => return Ok(columns),
                AtHand::Source(pending, copy) => (pending, copy),
            };
        if let Some(copy) = &copy
            && let Some(columns) =
                unless_cancelled(cancel, async { Ok(pending.fetched(&copy.validator).await) })
                    .await?
        {
            return Ok(columns);
        }
        let rows = match &copy {
            Some(copy) => with_source(row, copy)?,
            None => row.clone(),
        };
        watch.pause();
        let _slot = unless_cancelled(cancel, acquire(&self.slots)).await?;
        watch.go_on();
        drop(place);
        if let Some(copy) = &copy {
            copy.started();
        }
        let task = Task::new(Arc::clone(work), rows, Arc::clone(&self.env), cancel.clone());
        let result = self.backend.run(task.with_timeout(self.resilience.timeout)).await;
        if let (Ok(columns), Some(copy)) = (&result, &copy) {
            pending.done(&copy.validator, columns).await;
        }
        result
    }

    /// What was kept of an earlier time, or the source.
    async fn at_hand<'a>(
        &'a self,
        work: &Arc<dyn Work>,
        row: &RecordBatch,
        location: &str,
    ) -> Result<AtHand<'a>> {
        let pending = match Keeper::ask(self.keeper.as_deref(), &self.sources, work, row).await {
            Asked::Hit(columns) => return Ok(AtHand::Done(columns)),
            Asked::Miss(pending) => pending,
        };
        let copy = match work.needs_source() {
            true => Some(self.sources.open(location).await?),
            false => None,
        };
        Ok(AtHand::Source(pending, copy))
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

/// What there is before work.
enum AtHand<'a> {
    Done(Vec<ArrayRef>),
    Source(Pending<'a>, Option<LocalCopy>),
}

/// Adds the time it runs to another's.
struct Stopwatch<'a> {
    total: &'a mut Duration,
    since: Option<Instant>,
}

impl<'a> Stopwatch<'a> {
    fn start(total: &'a mut Duration) -> Self {
        Self { total, since: Some(Instant::now()) }
    }

    fn pause(&mut self) {
        *self.total += self.since.take().map_or(Duration::ZERO, |since| since.elapsed());
    }

    fn go_on(&mut self) {
        self.since = Some(Instant::now());
    }
}

impl Drop for Stopwatch<'_> {
    fn drop(&mut self) {
        self.pause();
    }
}

/// `work`, unless it is cancelled before it is done.
async fn unless_cancelled<T>(
    cancel: &CancelToken,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(stopped()),
        result = work => result,
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
