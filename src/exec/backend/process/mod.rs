//! A pool of worker processes of our own binary: whatever happens to one of them costs the row that
//! was in it, at the most.
//!
//! Each worker belongs to one thread of this process, which starts it, writes rows to its standard
//! input and reads answers from its standard output (Arrow IPC). The kernel ends a worker with that
//! thread, and a worker's media processes with the worker, so that nothing is left behind whoever is
//! killed. A worker that dies with a row is replaced and the row is tried once more; a row that
//! kills two is `worker_crashed`.

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

use self::child::{Ended, Request, Worker};
use super::pool::{Next, Pool, Queue};
use super::ticket::hand_over;
use super::{Backend, Task};
use crate::config::BackendType;
use crate::error::{Error, ErrorCode, Result};

/// How worker processes are started and kept.
#[derive(Debug, Clone, PartialEq)]
pub struct ProcessConfig {
    /// Processes at a time.
    pub workers: usize,
    /// A program whose `main` begins with [`worker::run_if_worker`]; `None`: this one.
    pub program: Option<PathBuf>,
    /// Bytes of address space that work may take in each process, beside what the program has when
    /// it starts; 0: no limit. Media processes have their own.
    pub memory_bytes: u64,
    /// After this long without work a process is ended.
    pub idle: Duration,
    /// A program that has not said that it is a worker after this long is none.
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

/// See the module.
#[derive(Debug)]
pub struct ProcessBackend {
    workers: usize,
    slots: Arc<Semaphore>,
    pool: Pool,
    roster: Arc<Roster>,
}

/// The workers there are, and how many have died.
#[derive(Debug, Default)]
struct Roster {
    running: Mutex<Vec<u32>>,
    deaths: AtomicU64,
}

impl Roster {
    fn running(&self) -> MutexGuard<'_, Vec<u32>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ProcessBackend {
    /// A pool at rest: processes are started as work comes.
    ///
    /// # Errors
    /// `config.invalid` if no program is named and this one has not called [`worker::run_if_worker`].
    pub fn new(config: ProcessConfig) -> Result<Self> {
        let program = match &config.program {
            Some(program) => program.clone(),
            None if worker::can_be_worker() => this_program()?,
            None => return Err(not_a_worker()),
        };
        let workers = config.workers.max(1);
        let roster = Arc::new(Roster::default());
        let keeper = Keeper { program, config, roster: Arc::clone(&roster) };
        // One task waits in the pipe's stead for each that runs: see ThreadBackend.
        let slots = Arc::new(Semaphore::new(2 * workers));
        let pool = Pool::new(workers, "clipflow-worker", move |queue| keeper.keep(queue));
        Ok(Self { workers, slots, pool, roster })
    }

    /// Worker processes that died with a task, so far.
    pub fn deaths(&self) -> u64 {
        self.roster.deaths.load(Ordering::Relaxed)
    }

    /// The ids of the worker processes that run now.
    pub fn process_ids(&self) -> Vec<u32> {
        self.roster.running().clone()
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

/// Deaths of workers that a task may cause.
const DEATHS_OF_A_TASK: u32 = 2;
/// Workers in a row that may die before they begin with a task: that is not the task's fault, and
/// not chance either.
const STILLBIRTHS: u32 = 5;

/// What each thread of the pool does: keeps one worker process.
struct Keeper {
    program: PathBuf,
    config: ProcessConfig,
    roster: Arc<Roster>,
}

impl Keeper {
    fn keep(&self, queue: &Queue) {
        // Nothing is under way in a worker between tasks: dropping it ends it outright.
        let mut worker: Option<Worker> = None;
        loop {
            match queue.next(worker.as_ref().map(|_| self.config.idle)) {
                Next::Ticket(ticket) => ticket.run_with(|task| self.answer(&mut worker, task)),
                Next::Idle => worker = None,
                Next::Closed => return,
            }
        }
    }

    fn answer(&self, worker: &mut Option<Worker>, task: &Task) -> Result<Vec<ArrayRef>> {
        let request = Request::new(task)?;
        let (mut deaths, mut stillbirths) = (0, 0);
        loop {
            task.cancel.check()?;
            let mut current = match worker.take() {
                Some(worker) => worker,
                None => {
                    match Worker::start(&self.program, &self.config, &self.roster, &task.cancel)? {
                        Some(worker) => worker,
                        None => {
                            stillbirths = one_more(stillbirths)?;
                            continue;
                        }
                    }
                }
            };
            match current.run(&request, task)? {
                Ended::Answered(answer) => {
                    *worker = Some(current);
                    return answer;
                }
                Ended::Died { started } => {
                    let how = current.bury();
                    task.cancel.check()?;
                    tracing::warn!(
                        work = task.work.name(),
                        started,
                        "a worker process died: {how}"
                    );
                    if !started {
                        stillbirths = one_more(stillbirths)?;
                        continue;
                    }
                    self.roster.deaths.fetch_add(1, Ordering::Relaxed);
                    (deaths, stillbirths) = (deaths + 1, 0);
                    if deaths == DEATHS_OF_A_TASK {
                        return Err(crashed(task.rows.num_rows(), &how));
                    }
                }
            }
        }
    }
}

fn one_more(stillbirths: u32) -> Result<u32> {
    if stillbirths + 1 < STILLBIRTHS {
        return Ok(stillbirths + 1);
    }
    Err(Error::new(
        ErrorCode::Internal,
        "worker processes die before they begin; see the log, and the memory that is left",
    ))
}

fn crashed(rows: usize, how: &str) -> Error {
    let what = if rows == 1 { "this row" } else { "these rows" };
    Error::new(
        ErrorCode::WorkerCrashed,
        format!(
            "two worker processes died on {what} ({how}); see the log, and leave it out or give workers more memory"
        ),
    )
}

/// The program that runs, also if its file has been replaced since.
fn this_program() -> Result<PathBuf> {
    let this = Path::new("/proc/self/exe");
    if this.exists() {
        return Ok(this.to_owned());
    }
    std::env::current_exe().map_err(|e| {
        Error::new(
            ErrorCode::Config,
            format!("this program's own file cannot be found ({e}); name a worker program"),
        )
    })
}

fn not_a_worker() -> Error {
    Error::new(
        ErrorCode::Config,
        "the process backend would start this program again as its workers, but its main has not called \
         clipflow::worker::run_if_worker(); call it first in main, or name a program that does (worker_program)",
    )
}
