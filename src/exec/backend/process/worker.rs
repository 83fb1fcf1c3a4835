//! The worker's side: the main loop of a program that was started as a worker.

use std::fs::File;
use std::io::{BufReader, Read};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arrow::array::ArrayRef;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::{dup2_stdin, dup2_stdout, getpgrp, getpid, getppid};

use super::super::Task;
use super::super::ticket::{GRACE, contained};
use super::frame;
use super::protocol::{FromWorker, PROTOCOL, ToWorker, VARIABLE, VERSION, decode, encode_answer};
use crate::cancel::CancelToken;
use crate::error::Result;
use crate::exec::{Progress, WorkEnv, WorkSpec};
use crate::media::MediaTools;
use crate::media::render::{MemoryShare, RenderScheduler};
use crate::telemetry::ProcessLog;

/// Whether this program has called [`run_if_worker`] and so can be started as a worker.
static CALLED: AtomicBool = AtomicBool::new(false);
/// Shortest time between two progress messages.
const PROGRESS_EVERY: Duration = Duration::from_millis(50);

/// Call this first in `main` of a program that uses the process backend, which starts the same program
/// again as its workers.
///
/// In a process that was started as a worker, it serves tasks until the coordinator is done and then
/// exits the process; in any other it returns at once. Register your own work before it with
/// [`crate::exec::register_work`]. Start no threads before it.
pub fn run_if_worker() {
    CALLED.store(true, Ordering::Release);
    let Some((parent, nonce)) = called_as() else { return };
    // Fails if the coordinator has ended in the meantime.
    let served = die_with(parent).and_then(|()| serve(nonce));
    let code = served.map_or_else(|e| report(&e), |()| 0);
    std::process::exit(code);
}

/// Whether [`run_if_worker`] was called in this process.
pub(super) fn can_be_worker() -> bool {
    CALLED.load(Ordering::Acquire)
}

fn report(error: &std::io::Error) -> i32 {
    tracing::error!("worker: {error}");
    1
}

/// The coordinator's process id and nonce, if this process is a worker. A program that a worker starts
/// inherits the variable but does not lead a process group.
fn called_as() -> Option<(i32, String)> {
    let value = std::env::var(VARIABLE).ok()?;
    let mut parts = value.splitn(3, ':');
    let (_protocol, parent, nonce) = (parts.next()?, parts.next()?, parts.next()?);
    (getpgrp() == getpid()).then_some((parent.parse().ok()?, nonce.to_owned()))
}

/// Makes the kernel kill this process when the thread that started it ends.
fn die_with(parent: i32) -> std::io::Result<()> {
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)?;
    if getppid().as_raw() == parent {
        Ok(())
    } else {
        Err(std::io::Error::other("the coordinator is gone"))
    }
}

/// The pipes of the protocol, moved away from standard input and output: output of work goes to
/// standard error, and its input is empty.
fn pipes() -> std::io::Result<(File, File)> {
    let input = std::io::stdin().as_fd().try_clone_to_owned()?;
    let output = std::io::stdout().as_fd().try_clone_to_owned()?;
    dup2_stdin(File::open("/dev/null")?)?;
    dup2_stdout(std::io::stderr())?;
    Ok((input.into(), output.into()))
}

/// The pipe to the coordinator, shared by the worker thread and its progress.
#[derive(Debug)]
struct AnswerPipe(Mutex<File>);

impl AnswerPipe {
    fn send(&self, message: &FromWorker, body: &[u8]) {
        let mut pipe = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // If the coordinator is gone, the thread that reads the other pipe notices.
        if let Err(cause) = frame::write(&mut *pipe, message, body) {
            tracing::debug!("the coordinator does not read answers: {cause}");
        }
    }
}

fn serve(nonce: String) -> std::io::Result<()> {
    let (input, output) = pipes()?;
    init_logging();
    let (mut input, out) = (BufReader::new(input), Arc::new(AnswerPipe(Mutex::new(output))));
    out.send(&FromWorker::Hello { protocol: PROTOCOL, version: VERSION.to_owned(), nonce }, &[]);
    let (tasks, inbox) = channel::<ReceivedTask>();
    let (done, ended) = channel::<()>();
    let answers = Arc::clone(&out);
    // Media processes end with the thread that started them, so one thread does all the work.
    let worker = std::thread::Builder::new().name("clipflow-work".into());
    worker.spawn(move || {
        work(&inbox, &answers);
        drop(done);
    })?;
    let current = listen(&mut input, &tasks);
    // The coordinator is done or gone. Work that still runs gets time to clean up.
    if let Some((_, token)) = current {
        token.cancel();
    }
    drop(tasks);
    match ended.recv_timeout(GRACE) {
        Ok(()) | Err(RecvTimeoutError::Disconnected) => Ok(()),
        Err(RecvTimeoutError::Timeout) => Err(std::io::Error::other("work did not end")),
    }
}

/// A task as it was received.
struct ReceivedTask {
    id: u64,
    work: WorkSpec,
    tools: Option<MediaTools>,
    media_dir: PathBuf,
    rows: Vec<u8>,
    cancel: CancelToken,
    scheduler: RenderScheduler,
}

/// Receives messages until the pipe ends; returns the last task.
fn listen(input: &mut impl Read, tasks: &Sender<ReceivedTask>) -> Option<(u64, CancelToken)> {
    let mut current: Option<(u64, CancelToken)> = None;
    let mut scheduler = RenderScheduler::default();
    loop {
        match frame::read::<ToWorker>(input) {
            Ok(Some((ToWorker::Setup { memory_bytes, workers }, _))) => {
                limit_memory(memory_bytes);
                scheduler = RenderScheduler::new(MemoryShare::one_of(workers));
            }
            Ok(Some((ToWorker::Task { id, work, tools, media_dir }, rows))) => {
                let cancel = CancelToken::new();
                current = Some((id, cancel.clone()));
                let scheduler = scheduler.clone();
                let work = *work;
                let task = ReceivedTask { id, work, tools, media_dir, rows, cancel, scheduler };
                if tasks.send(task).is_err() {
                    return current;
                }
            }
            Ok(Some((ToWorker::Cancel { id }, _))) => {
                if let Some((_, token)) = current.as_ref().filter(|(running, _)| *running == id) {
                    token.cancel();
                }
            }
            Ok(None) => return current,
            Err(cause) => {
                tracing::debug!("the coordinator is gone: {cause}");
                return current;
            }
        }
    }
}

/// Runs tasks one after the other.
fn work(inbox: &Receiver<ReceivedTask>, out: &Arc<AnswerPipe>) {
    while let Ok(task) = inbox.recv() {
        let id = task.id;
        out.send(&FromWorker::Started { id }, &[]);
        let progress =
            Arc::new(PipeProgress { id, out: Arc::clone(out), pending: Mutex::default() });
        let log = ProcessLog::default();
        let answer = answer(task, Arc::clone(&progress), &log);
        progress.flush();
        let error = answer.as_ref().err().map(Into::into);
        let end = FromWorker::Answer { id, error, processes: log.take() };
        out.send(&end, answer.as_deref().unwrap_or_default());
    }
}

fn answer(
    received: ReceivedTask,
    progress: Arc<PipeProgress>,
    log: &ProcessLog,
) -> Result<Vec<u8>> {
    let rows = decode(&received.rows)?;
    drop(received.rows);
    let env = WorkEnv {
        tools: received.tools.map(|tools| tools.recorded_in(log)),
        media_dir: received.media_dir,
        progress,
        scheduler: received.scheduler,
    };
    let task = Task::new(received.work.build()?, rows, Arc::new(env), received.cancel);
    let columns: Vec<ArrayRef> =
        contained(&task, |task| task.work.run(&task.rows, &task.env, &task.cancel))?;
    encode_answer(task.work.as_ref(), task.rows.num_rows(), columns)
}

/// Sends progress to the coordinator, at most every [`PROGRESS_EVERY`].
#[derive(Debug)]
struct PipeProgress {
    id: u64,
    out: Arc<AnswerPipe>,
    pending: Mutex<(f64, Option<Instant>)>,
}

impl PipeProgress {
    fn flush(&self) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = std::mem::take(&mut pending.0);
        if seconds > 0.0 {
            pending.1 = Some(Instant::now());
            self.out.send(&FromWorker::Progress { id: self.id, seconds }, &[]);
        }
    }
}

impl Progress for PipeProgress {
    fn expected(&self, _: &str, seconds: f64) {
        self.out.send(&FromWorker::Expected { id: self.id, seconds }, &[]);
    }

    fn advanced(&self, _: &str, seconds: f64) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.0 += seconds;
        let due = pending.1.is_none_or(|last| last.elapsed() >= PROGRESS_EVERY);
        drop(pending);
        if due {
            self.flush();
        }
    }
}

/// Limits the address space of this process to `bytes` more than it uses now. Sets only the soft limit:
/// media processes set their own.
fn limit_memory(bytes: u64) {
    if bytes == 0 {
        return;
    }
    let set = address_space().and_then(|now| {
        let (_, hard) = getrlimit(Resource::RLIMIT_AS).ok()?;
        setrlimit(Resource::RLIMIT_AS, now.saturating_add(bytes).min(hard), hard).ok()
    });
    if set.is_none() {
        tracing::warn!("this worker's memory could not be limited");
    }
}

/// Address space of this process in bytes.
fn address_space() -> Option<u64> {
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = pages.split_whitespace().next()?.parse().ok()?;
    let size = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).ok()??;
    pages.checked_mul(u64::try_from(size).ok()?)
}

/// Sets up logging to standard error; the coordinator adds time and level to each line. Without the
/// feature `cli`, the program sets up the logging of its workers itself.
fn init_logging() {
    #[cfg(feature = "cli")]
    {
        let filter = tracing_subscriber::EnvFilter::try_from_env("CLIPFLOW_LOG")
            .unwrap_or_else(|_| "clipflow=warn".into());
        let builder =
            tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
        // Fails if the program has set up its own logging, which then stays.
        let _ = builder.compact().without_time().with_ansi(false).try_init();
    }
}
