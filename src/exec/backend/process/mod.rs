//! A pool of worker processes of this program's binary: a crash affects at most the row that was
//! running.
//!
//! Each worker belongs to one thread of this process, which starts it, writes rows to its standard
//! input and reads answers from its standard output (Arrow IPC). The kernel kills a worker when that
//! thread ends, and a worker's media processes with the worker, so that no process is left behind. A
//! worker that dies with a row is replaced and the row is tried once more; a row that kills two
//! workers fails with `worker_crashed`.

mod child;
mod frame;
mod protocol;
mod watch;
pub mod worker;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arrow::array::ArrayRef;
use async_trait::async_trait;
use tokio::sync::Semaphore;

use self::child::{TaskEnd, TaskRequest, WorkerProcess};
use super::pool::{NextTicket, TicketQueue, WorkerPool};
use super::ticket::hand_over;
use super::{Backend, Task};
use crate::config::BackendType;
use crate::error::{Error, ErrorCode, Result};

/// Number, program and limits of worker processes.
#[derive(Debug, Clone, PartialEq)]
pub struct ProcessConfig {
    /// Number of processes.
    pub workers: usize,
    /// A program whose `main` begins with [`worker::run_if_worker`]; `None`: the running program.
    pub program: Option<PathBuf>,
    /// Address space in bytes that work may use in each process, in addition to what the program uses at
    /// its start; 0: no limit. Media processes have limits of their own.
    pub memory_bytes: u64,
    /// Time without work after which a process is ended.
    pub idle: Duration,
    /// Time within which a program must identify itself as a worker.
    pub hello: Duration,
}

impl Default for ProcessConfig {
    fn default() -> Self {
        Self {
            workers: 1,
            program: None,
            memory_bytes: 0,
            idle: Duration::from_secs(30),
            hello: Duration::from_secs(20),
        }
    }
}

/// Runs tasks in worker processes; see the module.
#[derive(Debug)]
pub struct ProcessBackend {
    workers: usize,
    slots: Arc<Semaphore>,
    pool: WorkerPool,
    registry: Arc<WorkerRegistry>,
}

/// The running worker processes, and how many have died.
#[derive(Debug, Default)]
struct WorkerRegistry {
    running: Mutex<Vec<u32>>,
    deaths: AtomicU64,
}

impl WorkerRegistry {
    fn running(&self) -> MutexGuard<'_, Vec<u32>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ProcessBackend {
    /// A pool whose processes are started when work arrives.
    ///
    /// # Errors
    /// `config.invalid` if no program is given and this one has not called [`worker::run_if_worker`].
    pub fn new(config: ProcessConfig) -> Result<Self> {
        let program = match &config.program {
            Some(program) => program.clone(),
            None if worker::can_be_worker() => this_program()?,
            None => return Err(not_a_worker()),
        };
        let workers = config.workers.max(1);
        let registry = Arc::new(WorkerRegistry::default());
        let thread = WorkerThread { program, config, registry: Arc::clone(&registry) };
        // As in ThreadBackend, as many tasks wait in the queue as run.
        let slots = Arc::new(Semaphore::new(2 * workers));
        let pool = WorkerPool::new(workers, "clipflow-worker", move |queue| thread.serve(queue));
        Ok(Self { workers, slots, pool, registry })
    }

    /// Number of worker processes that have died with a task.
    pub fn deaths(&self) -> u64 {
        self.registry.deaths.load(Ordering::Relaxed)
    }

    /// The ids of the running worker processes.
    pub fn process_ids(&self) -> Vec<u32> {
        self.registry.running().clone()
    }
}

#[async_trait]
impl Backend for ProcessBackend {
    fn backend_type(&self) -> BackendType {
        BackendType::Process
    }

    fn workers(&self) -> usize {
        self.workers
    }

    async fn run(&self, task: Task) -> Result<Vec<ArrayRef>> {
        hand_over(&self.slots, task, |ticket| self.pool.push(ticket)).await
    }
}

/// Worker deaths after which a task fails.
const MAX_DEATHS: u32 = 2;
/// Consecutive workers that may die before they start a task. The task is not the cause then.
const MAX_EARLY_DEATHS: u32 = 5;

/// The loop of each pool thread, which owns one worker process.
struct WorkerThread {
    program: PathBuf,
    config: ProcessConfig,
    registry: Arc<WorkerRegistry>,
}

impl WorkerThread {
    fn serve(&self, queue: &TicketQueue) {
        // A worker is idle between tasks: dropping it kills it at once.
        let mut worker: Option<WorkerProcess> = None;
        loop {
            match queue.next(worker.as_ref().map(|_| self.config.idle)) {
                NextTicket::Ready(ticket) => ticket.run_with(|task| self.answer(&mut worker, task)),
                NextTicket::Idle => worker = None,
                NextTicket::Closed => return,
            }
        }
    }

    fn answer(&self, worker: &mut Option<WorkerProcess>, task: &Task) -> Result<Vec<ArrayRef>> {
        let request = TaskRequest::new(task)?;
        let (mut deaths, mut early_deaths) = (0, 0);
        loop {
            task.cancel.check()?;
            let mut current = match worker.take() {
                Some(worker) => worker,
                None => {
                    match WorkerProcess::start(
                        &self.program,
                        &self.config,
                        &self.registry,
                        &task.cancel,
                    )? {
                        Some(worker) => worker,
                        None => {
                            early_deaths = count_early_death(early_deaths)?;
                            continue;
                        }
                    }
                }
            };
            match current.run(&request, task)? {
                TaskEnd::Answered(answer) => {
                    *worker = Some(current);
                    return answer;
                }
                TaskEnd::Died { started } => {
                    let how = current.reap();
                    task.cancel.check()?;
                    tracing::warn!(
                        work = task.work.name(),
                        started,
                        "a worker process died: {how}"
                    );
                    if !started {
                        early_deaths = count_early_death(early_deaths)?;
                        continue;
                    }
                    self.registry.deaths.fetch_add(1, Ordering::Relaxed);
                    (deaths, early_deaths) = (deaths + 1, 0);
                    if deaths == MAX_DEATHS {
                        return Err(crashed(task.rows.num_rows(), &how));
                    }
                }
            }
        }
    }
}

fn count_early_death(early_deaths: u32) -> Result<u32> {
    if early_deaths + 1 < MAX_EARLY_DEATHS {
        return Ok(early_deaths + 1);
    }
    Err(Error::new(
        ErrorCode::Internal,
        "worker processes die before they start a task; see the log and the available memory",
    ))
}

fn crashed(rows: usize, how: &str) -> Error {
    let what = if rows == 1 { "this row" } else { "these rows" };
    Error::new(
        ErrorCode::WorkerCrashed,
        format!(
            "two worker processes died on {what} ({how}); see the log, then remove it or give workers more memory"
        ),
    )
}

/// The running program, even if its file has been replaced.
fn this_program() -> Result<PathBuf> {
    let this = Path::new("/proc/self/exe");
    if this.exists() {
        return Ok(this.to_owned());
    }
    std::env::current_exe().map_err(|e| {
        Error::new(
            ErrorCode::ConfigInvalid,
            format!("the file of this program cannot be found ({e}); set worker_program"),
        )
    })
}

fn not_a_worker() -> Error {
    Error::new(
        ErrorCode::ConfigInvalid,
        "the process backend starts this program again as its workers, but its main has not called \
         clipflow::worker::run_if_worker(); call it first in main, or set worker_program to a program that does",
    )
}
