//! The worker's side: what a program does that was started as a worker.

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
use crate::media::render::{Share, Turns};

/// Whether this program can be started as a worker: it has called [`run_if_worker`].
static CALLED: AtomicBool = AtomicBool::new(false);
/// Progress is told no more often than this.
const PROGRESS_EVERY: Duration = Duration::from_millis(50);

/// Call this first in `main` of a program that uses the process backend: the backend starts that
/// same program again as its workers.
///
/// In a process that was started as a worker it serves until the coordinator is done and then ends
/// the process; in any other it returns at once. Works of your own are registered before it with
/// [`crate::exec::register_work`]. Start no threads before it.
pub fn run_if_worker() {
    CALLED.store(true, Ordering::Release);
    let Some((parent, nonce)) = called_as() else { return };
    // Ended by whoever started us, in the moment it took to get here: there is nobody to serve.
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

/// The coordinator's process id and its nonce, if this process is a worker. A program that a worker
/// starts inherits the variable, but does not lead a process group.
fn called_as() -> Option<(i32, String)> {
    let value = std::env::var(VARIABLE).ok()?;
    let mut parts = value.splitn(3, ':');
    let (_protocol, parent, nonce) = (parts.next()?, parts.next()?, parts.next()?);
    (getpgrp() == getpid()).then_some((parent.parse().ok()?, nonce.to_owned()))
}

/// Lets the kernel end this process with the thread that started it.
fn die_with(parent: i32) -> std::io::Result<()> {
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)?;
    if getppid().as_raw() == parent {
        Ok(())
    } else {
        Err(std::io::Error::other("the coordinator is gone"))
    }
}

/// The pipes of the protocol, moved away from standard input and output: what work prints goes to
/// standard error, and what it reads is empty.
fn pipes() -> std::io::Result<(File, File)> {
    let input = std::io::stdin().as_fd().try_clone_to_owned()?;
    let output = std::io::stdout().as_fd().try_clone_to_owned()?;
    dup2_stdin(File::open("/dev/null")?)?;
    dup2_stdout(std::io::stderr())?;
    Ok((input.into(), output.into()))
}

/// Where answers go; shared by the thread that works and its progress.
#[derive(Debug)]
struct Out(Mutex<File>);

impl Out {
    fn send(&self, message: &FromWorker, body: &[u8]) {
        let mut pipe = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A pipe that nobody reads is noticed by the thread that reads the other one.
        if let Err(cause) = frame::write(&mut *pipe, message, body) {
            tracing::debug!("nobody reads the worker's answers: {cause}");
        }
    }
}

fn serve(nonce: String) -> std::io::Result<()> {
    let (input, output) = pipes()?;
    init_logging();
    let (mut input, out) = (BufReader::new(input), Arc::new(Out(Mutex::new(output))));
    out.send(&FromWorker::Hello { protocol: PROTOCOL, version: VERSION.to_owned(), nonce }, &[]);
    let (jobs, inbox) = channel::<Job>();
    let (done, ended) = channel::<()>();
    let mouth = Arc::clone(&out);
    // Media processes end with the thread that started them: one thread does all the work.
    let worker = std::thread::Builder::new().name("clipflow-work".into());
    worker.spawn(move || {
        work(&inbox, &mouth);
        drop(done);
    })?;
    let current = listen(&mut input, &jobs);
    // The coordinator is done with us, or gone. What still runs gets the time to clear up.
    if let Some((_, token)) = current {
        token.cancel();
    }
    drop(jobs);
    match ended.recv_timeout(GRACE) {
        Ok(()) | Err(RecvTimeoutError::Disconnected) => Ok(()),
        Err(RecvTimeoutError::Timeout) => Err(std::io::Error::other("work did not end")),
    }
}

struct Job {
    id: u64,
    work: WorkSpec,
    tools: Option<MediaTools>,
    media_dir: PathBuf,
    rows: Vec<u8>,
    cancel: CancelToken,
    turns: Turns,
}

/// Takes messages until the pipe ends; the task that came last.
fn listen(input: &mut impl Read, jobs: &Sender<Job>) -> Option<(u64, CancelToken)> {
    let mut current: Option<(u64, CancelToken)> = None;
    let mut turns = Turns::default();
    loop {
        match frame::read::<ToWorker>(input) {
            Ok(Some((ToWorker::Setup { memory_bytes, workers }, _))) => {
                limit_memory(memory_bytes);
                turns = Turns::new(Share::one_of(workers));
            }
            Ok(Some((ToWorker::Task { id, work, tools, media_dir }, rows))) => {
                let cancel = CancelToken::new();
                current = Some((id, cancel.clone()));
                let turns = turns.clone();
                if jobs.send(Job { id, work, tools, media_dir, rows, cancel, turns }).is_err() {
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
                tracing::debug!("the coordinator went away: {cause}");
                return current;
            }
        }
    }
}

/// Does one job after the other.
fn work(inbox: &Receiver<Job>, out: &Arc<Out>) {
    while let Ok(job) = inbox.recv() {
        let id = job.id;
        out.send(&FromWorker::Started { id }, &[]);
        let progress = Arc::new(Told { id, out: Arc::clone(out), untold: Mutex::default() });
        let answer = answer(job, Arc::clone(&progress));
        progress.flush();
        match answer {
            Ok(body) => out.send(&FromWorker::Answer { id, error: None }, &body),
            Err(e) => out.send(&FromWorker::Answer { id, error: Some((&e).into()) }, &[]),
        }
    }
}

fn answer(job: Job, progress: Arc<Told>) -> Result<Vec<u8>> {
    let rows = decode(&job.rows)?;
    drop(job.rows);
    let env = WorkEnv { tools: job.tools, media_dir: job.media_dir, progress, turns: job.turns };
    let task = Task::new(job.work.build()?, rows, Arc::new(env), job.cancel);
    let columns: Vec<ArrayRef> =
        contained(&task, |task| task.work.run(&task.rows, &task.env, &task.cancel))?;
    encode_answer(task.work.as_ref(), task.rows.num_rows(), columns)
}

/// Progress goes up the pipe, a little at a time.
#[derive(Debug)]
struct Told {
    id: u64,
    out: Arc<Out>,
    untold: Mutex<(f64, Option<Instant>)>,
}

impl Told {
    fn flush(&self) {
        let mut untold = self.untold.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = std::mem::take(&mut untold.0);
        if seconds > 0.0 {
            untold.1 = Some(Instant::now());
            self.out.send(&FromWorker::Progress { id: self.id, seconds }, &[]);
        }
    }
}

impl Progress for Told {
    fn advanced(&self, _: &'static str, seconds: f64) {
        let mut untold = self.untold.lock().unwrap_or_else(PoisonError::into_inner);
        untold.0 += seconds;
        let due = untold.1.is_none_or(|last| last.elapsed() >= PROGRESS_EVERY);
        drop(untold);
        if due {
            self.flush();
        }
    }
}

/// Lets this process take `bytes` more address space than it has now. Only the soft limit: media
/// processes set their own.
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

/// The coordinator passes each line on with its own time and level. Without the command, the program sets
/// up the logging of its workers itself.
fn init_logging() {
    #[cfg(feature = "cli")]
    {
        let filter = tracing_subscriber::EnvFilter::try_from_env("CLIPFLOW_LOG")
            .unwrap_or_else(|_| "clipflow=warn".into());
        let builder =
            tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
        // A program that has set up its own keeps it.
        let _ = builder.compact().without_time().with_ansi(false).try_init();
    }
}
