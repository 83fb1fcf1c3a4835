//! Work stealing over cores, in pieces of adaptive size.
//!
//! The rows of a kernel are halved until a piece takes about [`PIECE_NANOS`]; the halves lie in the
//! thread's own queue, from which idle threads steal the largest. The cost of a row is measured while
//! rows run, so that neither the overhead of many cheap rows nor a few expensive ones leave threads
//! idle. Media work is one task per row.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::compute::concat;
use async_trait::async_trait;
use rayon::{ThreadPool, ThreadPoolBuilder};
use tokio::sync::Semaphore;

use super::costs::{PIECE_NANOS, RowCost, RowCosts};
use super::ticket::hand_over;
use super::{Backend, Task};
use crate::config::BackendType;
use crate::error::{Error, ErrorCode, Result};
use crate::exec::WorkKind;
use crate::exec::outcome::check_columns;

/// Rows of the first piece of work that has not been measured.
const FIRST_PIECE: usize = 32;

/// A dedicated rayon pool, created with the first task.
#[derive(Debug)]
pub struct JoblibBackend {
    workers: usize,
    slots: Arc<Semaphore>,
    pool: OnceLock<std::result::Result<ThreadPool, String>>,
    costs: Arc<RowCosts>,
}

impl JoblibBackend {
    /// A pool of `workers` threads.
    pub fn new(workers: usize) -> Self {
        Self::with_costs(workers, Arc::default())
    }

    /// The same, recording the cost of rows in `costs`.
    pub(super) fn with_costs(workers: usize, costs: Arc<RowCosts>) -> Self {
        let workers = workers.max(1);
        // As many tasks again wait in the pool, so that a thread continues without waiting for a caller.
        let slots = Arc::new(Semaphore::new(2 * workers));
        Self { workers, slots, pool: OnceLock::new(), costs }
    }

    fn pool(&self) -> Result<&ThreadPool> {
        let made = self.pool.get_or_init(|| {
            ThreadPoolBuilder::new()
                .num_threads(self.workers)
                .thread_name(|i| format!("clipflow-rayon-{i}"))
                .build()
                .map_err(|e| e.to_string())
        });
        made.as_ref().map_err(|cause| {
            Error::new(
                ErrorCode::Internal,
                format!("no threads can be started ({cause}); use fewer workers"),
            )
        })
    }
}

#[async_trait]
impl Backend for JoblibBackend {
    fn backend_type(&self) -> BackendType {
        BackendType::Joblib
    }

    fn workers(&self) -> usize {
        self.workers
    }

    async fn run(&self, task: Task) -> Result<Vec<ArrayRef>> {
        let pool = self.pool()?;
        let cost = self.costs.of(task.work.name());
        hand_over(&self.slots, task, |ticket| {
            pool.spawn(move || match ticket.kind() {
                WorkKind::Cpu => ticket.run_with(|task| run_in_pieces(task, &cost)),
                WorkKind::Io | WorkKind::Media => ticket.run(),
            });
        })
        .await
    }
}

/// Runs the work on all rows of a task, spread over the threads of the current pool.
fn run_in_pieces(task: &Task, cost: &RowCost) -> Result<Vec<ArrayRef>> {
    let pieces = Pieces { task, cost, stop: AtomicBool::new(false), error: Mutex::new(None) };
    let done = pieces.run(task.rows.clone());
    if let Some(error) = pieces.error.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    join(done)
}

/// The run of one task in pieces.
struct Pieces<'a> {
    task: &'a Task,
    cost: &'a RowCost,
    /// Set when a piece has failed, so that no further piece starts.
    stop: AtomicBool,
    error: Mutex<Option<Error>>,
}

impl Pieces<'_> {
    /// The columns of each piece of `rows`, in order.
    fn run(&self, rows: RecordBatch) -> Vec<Vec<ArrayRef>> {
        let count = rows.num_rows();
        if count <= self.rows_of_a_piece() {
            return self.piece(&rows).into_iter().collect();
        }
        let (left, right) = (rows.slice(0, count / 2), rows.slice(count / 2, count - count / 2));
        let (mut left, right) = rayon::join(|| self.run(left), || self.run(right));
        left.extend(right);
        left
    }

    fn rows_of_a_piece(&self) -> usize {
        self.cost.nanos().map_or(FIRST_PIECE, |nanos| (PIECE_NANOS / nanos) as usize).max(1)
    }

    fn piece(&self, rows: &RecordBatch) -> Option<Vec<ArrayRef>> {
        if self.stop.load(Ordering::Relaxed) {
            return None;
        }
        let Task { work, env, cancel, .. } = self.task;
        let started = Instant::now();
        let columns = cancel.check().and_then(|()| {
            let columns = work.run(rows, env, cancel)?;
            check_columns(work.as_ref(), rows.num_rows(), &columns)?;
            Ok(columns)
        });
        match columns {
            Ok(columns) => {
                self.cost.observe(rows.num_rows(), started.elapsed());
                Some(columns)
            }
            Err(error) => {
                self.stop.store(true, Ordering::Relaxed);
                let mut first = self.error.lock().unwrap_or_else(PoisonError::into_inner);
                first.get_or_insert(error);
                None
            }
        }
    }
}

/// Concatenates the columns of the pieces.
fn join(mut pieces: Vec<Vec<ArrayRef>>) -> Result<Vec<ArrayRef>> {
    if pieces.len() <= 1 {
        return Ok(pieces.pop().unwrap_or_default());
    }
    let width = pieces.first().map_or(0, Vec::len);
    let column = |i: usize| {
        let parts: Vec<&dyn Array> =
            pieces.iter().filter_map(|p| p.get(i).map(AsRef::as_ref)).collect();
        concat(&parts).map_err(|e| {
            Error::new(
                ErrorCode::Internal,
                format!("the columns of pieces do not fit together: {e}"),
            )
        })
    };
    (0..width).map(column).collect()
}
