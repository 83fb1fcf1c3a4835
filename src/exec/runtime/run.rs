//! Runs one row: waits for slots, prepares the source, runs the work, retries, reports.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, RecordBatch};
use tokio::sync::watch;
use tracing::Instrument;

use super::MediaRuntime;
use super::measure::{RowFigures, RowMeter};
use crate::cancel::{CancelToken, stopped};
use crate::error::{Error, Result};
use crate::exec::Work;
use crate::exec::backend::{RemoteFigures, Task};
use crate::exec::inputs::columns_read;
use crate::exec::outcome::{RowsOutcome, finish_rows};
use crate::exec::prefetch::acquire;
use crate::exec::row::{text_at, with_source};
use crate::exec::work_cache::{CacheLookup, CacheMiss, WorkCache};
use crate::location::redacted;
use crate::resilience::HostKey;
use crate::source::LocalCopy;
use crate::telemetry::Event;

impl MediaRuntime {
    /// Runs one row (a batch of one row) as [`MediaRuntime::run_work`] does, and returns that row with the
    /// work's columns and the outcome columns: an error of the work becomes its code.
    ///
    /// # Errors
    /// `cancelled` once this runtime is cancelled. While it is drained, the same for rows that have not
    /// started, as soon as those that have are done. `internal` if the work returned wrong columns.
    pub async fn run_row(
        self: Arc<Self>,
        work: Arc<dyn Work>,
        row: RecordBatch,
        cancel: CancelToken,
    ) -> Result<Vec<ArrayRef>> {
        self.run_measured_row(work, row, cancel).await.map(|(columns, _)| columns)
    }

    /// As [`MediaRuntime::run_row`], with what the row took and used.
    ///
    /// # Errors
    /// As [`MediaRuntime::run_row`].
    pub async fn run_measured_row(
        self: Arc<Self>,
        work: Arc<dyn Work>,
        row: RecordBatch,
        cancel: CancelToken,
    ) -> Result<(Vec<ArrayRef>, RowFigures)> {
        let RowRun { result, figures, .. } = self.unless_stopped(&work, &row, &cancel).await?;
        let (attempts, elapsed) = (i64::from(figures.attempts), figures.seconds);
        let outcome = RowsOutcome { result, attempts, elapsed };
        Ok((finish_rows(work.as_ref(), &row, outcome)?, figures))
    }

    /// The columns that `work` adds to one row (a batch of one row), computed by the backend once the
    /// source of the row is fetched.
    ///
    /// # Errors
    /// Those of the work and of its source; `input.column` if the row lacks a column that it reads.
    pub async fn run_work(
        self: Arc<Self>,
        work: Arc<dyn Work>,
        row: RecordBatch,
        cancel: CancelToken,
    ) -> Result<Vec<ArrayRef>> {
        self.unless_stopped(&work, &row, &cancel).await?.result
    }

    /// [`MediaRuntime::run`], unless the row is cancelled or drained before it starts.
    pub(super) async fn unless_stopped(
        &self,
        work: &Arc<dyn Work>,
        row: &RecordBatch,
        cancel: &CancelToken,
    ) -> Result<RowRun> {
        let cancel = cancel.child();
        let in_flight = InFlight::new(&self.rows);
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
                return ran;
            }
        }
        drop(in_flight);
        // An error ends the stream of all rows: those in flight finish first.
        let _ = self.rows.subscribe().wait_for(|rows| *rows == 0).await;
        Err(stopped())
    }

    /// Tries until the row succeeds or cannot. Between two attempts a row holds no slot.
    async fn run(
        &self,
        work: &Arc<dyn Work>,
        row: &RecordBatch,
        cancel: &CancelToken,
    ) -> Result<RowRun> {
        self.counters.started();
        let location = text_at(row, "location").unwrap_or_default();
        let host = HostKey::of(&location).filter(|_| work.needs_source());
        let mut meter = RowMeter::start(self, work.as_ref(), &location, host.as_ref());
        let span = meter.log_span();
        let place = (location.as_str(), host.as_ref());
        match self.backend.remote(work.as_ref()) {
            Some(remote) => {
                self.run_elsewhere(remote, work, row, place, cancel, &mut meter)
                    .instrument(span)
                    .await
            }
            None => {
                Ok(self.run_attempts(work, row, place, cancel, &mut meter).instrument(span).await)
            }
        }
    }

    async fn run_attempts(
        &self,
        work: &Arc<dyn Work>,
        row: &RecordBatch,
        (location, host): (&str, Option<&HostKey>),
        cancel: &CancelToken,
        meter: &mut RowMeter<'_>,
    ) -> RowRun {
        let (mut attempts, mut elapsed) = (0, Duration::ZERO);
        let result = loop {
            let tried = self.attempt(work, row, (location, host), cancel, (meter, &mut elapsed));
            let result = tried.await;
            let retry = attempts;
            attempts += 1;
            let Err(error) = &result else { break result };
            let wait = self.resilience.wait_before_retry(retry, error, host);
            let Some(wait) = wait.filter(|_| !cancel.is_draining()) else { break result };
            meter.retries(error);
            let (location, code) = (redacted(location), error.code());
            tracing::debug!(location, %code, ?wait, "retrying: {error}");
            let slept = async {
                self.resilience.clock.sleep(wait).await;
                Ok(())
            };
            if let Err(stopped) = unless_cancelled(cancel, slept).await {
                break Err(stopped);
            }
        };
        let (figures, details) = meter.end(result.as_ref().err(), attempts, elapsed);
        self.report(work.as_ref(), location, result.as_ref().err(), &figures);
        RowRun { result, figures, details }
    }

    /// Prepares the source, then runs the work. The time this takes, without waiting for slots, is added
    /// to `elapsed`.
    async fn attempt(
        &self,
        work: &Arc<dyn Work>,
        row: &RecordBatch,
        (location, host): (&str, Option<&HostKey>),
        cancel: &CancelToken,
        (meter, elapsed): (&mut RowMeter<'_>, &mut Duration),
    ) -> Result<Vec<ArrayRef>> {
        cancel.check()?;
        let prefetch_slot = match work.needs_source() {
            true => Some(unless_cancelled(cancel, self.prefetch.enter(self.hosts(), host)).await?),
            false => None,
        };
        let mut watch = Stopwatch::start(elapsed);
        let (mut miss, copy) =
            match unless_cancelled(cancel, self.prepare(work, row, location, meter)).await? {
                Preparation::Cached(columns) => return Ok(columns),
                Preparation::Source(miss, copy) => (miss, copy),
            };
        if let Some(copy) = &copy
            && let Some(columns) =
                unless_cancelled(cancel, async { Ok(miss.look_up_fetched(&copy.validator).await) })
                    .await?
        {
            meter.looked_up(true);
            return Ok(columns);
        }
        let rows = columns_read(work.as_ref(), row)?;
        let rows = match &copy {
            Some(copy) => with_source(&rows, copy)?,
            None => rows,
        };
        watch.pause();
        let _slot = unless_cancelled(cancel, acquire(&self.slots)).await?;
        watch.resume();
        drop(prefetch_slot);
        if let Some(copy) = &copy {
            copy.started();
        }
        let env = Arc::new(self.env.for_row(meter.processes(), meter.progress()));
        let task = Task::new(Arc::clone(work), rows, env, cancel.clone());
        let running = meter.running(copy.as_ref());
        let result = self.backend.run(task.with_timeout(self.resilience.timeout)).await;
        drop(running);
        if let (Ok(columns), Some(copy)) = (&result, &copy) {
            miss.store(&copy.validator, columns).await;
        }
        result
    }

    /// The cached columns, or the source.
    async fn prepare<'a>(
        &'a self,
        work: &Arc<dyn Work>,
        row: &RecordBatch,
        location: &str,
        meter: &mut RowMeter<'_>,
    ) -> Result<Preparation<'a>> {
        let miss = match WorkCache::look_up(self.cache.as_deref(), &self.sources, work, row).await {
            CacheLookup::Hit(columns) => {
                meter.looked_up(true);
                return Ok(Preparation::Cached(columns));
            }
            CacheLookup::Miss(miss) => miss,
        };
        if miss.is_cacheable() {
            meter.looked_up(false);
        }
        let copy = match work.needs_source() {
            true => {
                let since = Instant::now();
                let opened = self.sources.open(location).await;
                meter.opened(&opened, since);
                Some(opened?)
            }
            false => None,
        };
        Ok(Preparation::Source(miss, copy))
    }

    pub(super) fn report(
        &self,
        work: &dyn Work,
        location: &str,
        error: Option<&Error>,
        figures: &RowFigures,
    ) {
        self.counters.finished(error.is_some());
        let location = redacted(location);
        if let Some(error) = error {
            tracing::warn!(stage = work.name(), location, code = %error.code(), "{error}");
        } else {
            tracing::info!(stage = work.name(), location, "row done");
        }
        let error = error.map(Error::code);
        let (cached, seconds) = (figures.cached, figures.seconds);
        let stage = work.name();
        let location = &location;
        self.observer.event(&Event::RowFinished { stage, location, error, cached, seconds });
    }
}

/// Counts a row as in flight while it lives.
struct InFlight<'a>(&'a watch::Sender<usize>);

impl<'a> InFlight<'a> {
    fn new(rows: &'a watch::Sender<usize>) -> Self {
        rows.send_modify(|rows| *rows += 1);
        Self(rows)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|rows| *rows -= 1);
    }
}

/// Result of all attempts at a row.
pub(super) struct RowRun {
    pub(super) result: Result<Vec<ArrayRef>>,
    pub(super) figures: RowFigures,
    /// The same for another machine.
    #[cfg_attr(not(feature = "distributed"), allow(dead_code, reason = "executors send it"))]
    pub(super) details: RemoteFigures,
}

/// What [`MediaRuntime::prepare`] returns.
#[allow(clippy::large_enum_variant, reason = "there is one for each row under way")]
enum Preparation<'a> {
    /// The columns are cached.
    Cached(Vec<ArrayRef>),
    /// The work must run on the source, if it needs one.
    Source(CacheMiss<'a>, Option<LocalCopy>),
}

/// Adds the time it runs to a total.
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

    fn resume(&mut self) {
        self.since = Some(Instant::now());
    }
}

impl Drop for Stopwatch<'_> {
    fn drop(&mut self) {
        self.pause();
    }
}

/// The result of `work`, or `cancelled` if that happens first.
pub(super) async fn unless_cancelled<T>(
    cancel: &CancelToken,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(stopped()),
        result = work => result,
    }
}
