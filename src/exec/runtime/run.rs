//! How one row is run: it waits for its turns, is tried until it is done or cannot be, and is told of.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, RecordBatch};
use tokio::sync::watch;

use super::MediaRuntime;
use crate::cancel::CancelToken;
use crate::cancel::stopped;
use crate::error::{Error, Result};
use crate::exec::Work;
use crate::exec::ahead::acquire;
use crate::exec::backend::Task;
use crate::exec::kept::{Asked, Keeper, Pending};
use crate::exec::outcome::{Outcome, finish_rows};
use crate::exec::row::{text_at, with_source};
use crate::location::redacted;
use crate::resilience::HostKey;
use crate::source::LocalCopy;
use crate::telemetry::Event;

impl MediaRuntime {
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
