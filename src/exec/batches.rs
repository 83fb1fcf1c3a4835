//! Runs one work on a stream of batches.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::{Schema, SchemaRef};
use futures::Stream;
use futures::stream::{BoxStream, StreamExt, TryStreamExt};

use super::backend::{Backend, Task};
use super::inputs::{check_inputs, columns_read};
use super::outcome::{RowsOutcome, finish_rows};
use super::{Work, WorkEnv, WorkKind, outcome_fields};
use crate::cancel::{CancelOnDrop, CancelToken, stopped};
use crate::config::ParallelConfig;
use crate::error::{Error, ErrorCode, Result};

/// Options of [`run_batches`].
#[derive(Debug, Clone, PartialEq)]
pub struct BatchOptions {
    /// Rows of a task for kernels; media and I/O work has one row per task. Default: 1000.
    pub chunk_size: usize,
    /// Whether rows keep their order; else they come as they finish. Default: true.
    pub ordered: bool,
    /// Time limit of one task; `None`: no limit. Default: none.
    pub timeout: Option<Duration>,
    /// Largest number of tasks in flight, including those waiting for a worker; 0: two per worker.
    /// Default: 0.
    pub in_flight: usize,
}

impl Default for BatchOptions {
    fn default() -> Self {
        Self { chunk_size: 1000, ordered: true, timeout: None, in_flight: 0 }
    }
}

impl From<&ParallelConfig> for BatchOptions {
    fn from(config: &ParallelConfig) -> Self {
        let timeout = Duration::try_from_secs_f64(config.timeout).ok().filter(|t| !t.is_zero());
        Self { chunk_size: config.chunk_size.max(1), timeout, ..Self::default() }
    }
}

/// The output schema for rows of `input`: its columns, those of the work, and [`outcome_fields`].
pub fn batches_schema(input: &Schema, work: &dyn Work) -> SchemaRef {
    let mut fields: Vec<_> = input.fields().iter().cloned().collect();
    fields.extend(work.output_fields().into_iter().chain(outcome_fields()).map(Arc::new));
    Arc::new(Schema::new(fields))
}

/// Runs `work`, which needs no source, on every row of `input` and returns the rows with the columns of
/// the work and the outcome columns (see [`batches_schema`]).
///
/// Rows are regrouped into chunks, one task each. A chunk that fails (by an error, a panic, a crash or a
/// timeout) is halved until only the row at fault has the error and all others have their results.
/// `attempts` counts the runs of a row; `elapsed` is its share of the seconds of its last chunk,
/// including the wait for a worker.
///
/// `input` is read no further ahead than [`BatchOptions::in_flight`] tasks and one chunk. Dropping the
/// stream cancels the work.
///
/// # Errors
/// The stream ends with the first error of `input`; with `cancelled` once `cancel` is cancelled, never
/// silently with fewer rows; with `config.invalid` if the backend cannot run this work; with
/// `input.column` if the rows lack a column that the work reads or already have one that it adds; with
/// `internal` if the work needs a source.
pub fn run_batches<S>(
    backend: Arc<dyn Backend>,
    work: Arc<dyn Work>,
    env: Arc<WorkEnv>,
    input: S,
    options: BatchOptions,
    cancel: &CancelToken,
) -> BoxStream<'static, Result<RecordBatch>>
where
    S: Stream<Item = Result<RecordBatch>> + Send + 'static,
{
    let size = match work.kind() {
        WorkKind::Cpu => options.chunk_size.max(1),
        WorkKind::Io | WorkKind::Media => 1,
    };
    let in_flight = match options.in_flight {
        0 => 2 * backend.choice(work.as_ref(), None).workers,
        n => n,
    };
    let cancel = CancelOnDrop(cancel.child());
    let token = cancel.0.clone();
    let run = Arc::new(BatchRun { backend, work, env, timeout: options.timeout, cancel });
    let tasks = rechunk(input, size).map_ok(move |chunk| Arc::clone(&run).chunk(chunk));
    let answers = if options.ordered {
        tasks.try_buffered(in_flight).boxed()
    } else {
        tasks.try_buffer_unordered(in_flight).boxed()
    };
    until_cancelled(answers, token)
}

/// The state shared by all chunks.
#[derive(Debug)]
struct BatchRun {
    backend: Arc<dyn Backend>,
    work: Arc<dyn Work>,
    env: Arc<WorkEnv>,
    timeout: Option<Duration>,
    cancel: CancelOnDrop,
}

impl BatchRun {
    async fn chunk(self: Arc<Self>, chunk: RecordBatch) -> Result<RecordBatch> {
        let schema = self.schema(&chunk)?;
        // A stack, with the number of earlier runs of each part.
        let mut todo = vec![(chunk, 0)];
        let mut done = vec![];
        while let Some((rows, before)) = todo.pop() {
            let attempts = before + 1;
            let started = Instant::now();
            let result = self.backend.run(self.task(&rows)?).await;
            let elapsed = started.elapsed().as_secs_f64();
            if let Err(e) = result.as_ref() {
                self.cancel.0.check()?;
                let count = rows.num_rows();
                if e.code() == ErrorCode::ConfigInvalid {
                    return result.map(|_| rows);
                }
                if count > 1 {
                    todo.push((rows.slice(count / 2, count - count / 2), attempts));
                    todo.push((rows.slice(0, count / 2), attempts));
                    continue;
                }
            }
            let outcome = RowsOutcome { result, attempts, elapsed };
            let columns = finish_rows(self.work.as_ref(), &rows, outcome)?;
            done.push(RecordBatch::try_new(Arc::clone(&schema), columns).map_err(unfit)?);
        }
        match done.len() {
            1 => done.pop().map_or_else(|| Ok(RecordBatch::new_empty(schema)), Ok),
            _ => concat_batches(&schema, &done).map_err(unfit),
        }
    }

    /// A task for `rows`, reduced to the columns that the work reads.
    fn task(&self, rows: &RecordBatch) -> Result<Task> {
        let rows = columns_read(self.work.as_ref(), rows)?;
        let (work, env) = (Arc::clone(&self.work), Arc::clone(&self.env));
        Ok(Task::new(work, rows, env, self.cancel.0.clone()).with_timeout(self.timeout))
    }

    fn schema(&self, chunk: &RecordBatch) -> Result<SchemaRef> {
        if self.work.needs_source() {
            return Err(Error::new(
                ErrorCode::Internal,
                format!("the work {} needs sources; run it on a MediaRuntime", self.work.name()),
            ));
        }
        let who = format!("the work {}", self.work.name());
        check_inputs(&who, self.work.as_ref(), chunk.schema_ref())?;
        let schema = batches_schema(chunk.schema_ref(), self.work.as_ref());
        let mut names: Vec<_> = schema.fields().iter().map(|f| f.name().as_str()).collect();
        names.sort_unstable();
        let twice =
            names.windows(2).find_map(|w| (w.first() == w.last()).then(|| w.first())).flatten();
        match twice {
            Some(name) => Err(Error::new(
                ErrorCode::InputColumn,
                format!(
                    "the rows already have a column {name}, which {} adds; rename it",
                    self.work.name()
                ),
            )),
            None => Ok(schema),
        }
    }
}

/// The stream, ended with an error once `cancel` is cancelled.
fn until_cancelled(
    answers: BoxStream<'static, Result<RecordBatch>>,
    cancel: CancelToken,
) -> BoxStream<'static, Result<RecordBatch>> {
    // `None` after an error, which ends the stream.
    let state = Some((answers, cancel));
    futures::stream::unfold(state, |state| async {
        let (mut answers, cancel) = state?;
        let next = tokio::select! {
            biased;
            () = cancel.cancelled() => Some(Err(stopped())),
            next = answers.next() => next,
        };
        match next? {
            Ok(batch) => Some((Ok(batch), Some((answers, cancel)))),
            Err(e) => Some((Err(e), None)),
        }
    })
    .boxed()
}

/// Regroups into batches of exactly `size` rows except for the last: slices of one batch, or copies
/// from several.
fn rechunk<S>(input: S, size: usize) -> impl Stream<Item = Result<RecordBatch>> + Send
where
    S: Stream<Item = Result<RecordBatch>> + Send + 'static,
{
    let state = Some(ChunkBuffer { input: input.boxed(), size, parts: vec![], rows: 0 });
    futures::stream::unfold(state, |state| async {
        let mut chunks = state?;
        match chunks.next().await {
            Ok(Some(chunk)) => Some((Ok(chunk), Some(chunks))),
            Ok(None) => None,
            Err(e) => Some((Err(e), None)),
        }
    })
}

/// Rows on their way from the input into chunks.
struct ChunkBuffer {
    input: BoxStream<'static, Result<RecordBatch>>,
    size: usize,
    /// Batches that are read but not emitted.
    parts: Vec<RecordBatch>,
    rows: usize,
}

impl ChunkBuffer {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        while self.rows < self.size {
            match self.input.try_next().await? {
                Some(batch) => {
                    self.rows += batch.num_rows();
                    if batch.num_rows() > 0 {
                        self.parts.push(batch);
                    }
                }
                None if self.rows == 0 => return Ok(None),
                None => break,
            }
        }
        self.take().map(Some)
    }

    /// Takes the first `size` rows, or all.
    fn take(&mut self) -> Result<RecordBatch> {
        let mut wanted = self.size.min(self.rows);
        self.rows -= wanted;
        let mut taken = vec![];
        let mut left = vec![];
        for part in self.parts.drain(..) {
            let count = part.num_rows().min(wanted);
            wanted -= count;
            if count > 0 {
                taken.push(part.slice(0, count));
            }
            if count < part.num_rows() {
                left.push(part.slice(count, part.num_rows() - count));
            }
        }
        self.parts = left;
        match taken.as_slice() {
            [one] => Ok(one.clone()),
            [] => Err(Error::new(ErrorCode::Internal, "a chunk without rows")),
            [first, ..] => concat_batches(first.schema_ref(), &taken).map_err(unfit),
        }
    }
}

fn unfit(cause: arrow::error::ArrowError) -> Error {
    Error::new(
        ErrorCode::Internal,
        format!("the batches do not fit together ({cause}); use one schema for all"),
    )
    .with_source(cause)
}
