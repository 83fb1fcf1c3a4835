//! The coordinator's side of one worker process.

use std::io::BufReader;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

use arrow::array::ArrayRef;
use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;

use super::super::Task;
use super::super::ticket::GRACE;
use super::frame;
use super::protocol::{FromWorker, PROTOCOL, ToWorker, VARIABLE, VERSION, decode, encode_rows};
use super::watch::{self, Watchdog, lock};
use super::{ProcessConfig, WorkerRegistry};
use crate::cancel::CancelToken;
use crate::error::{Error, ErrorCode, Result};

/// A task in its encoded form, reused when it is sent again.
pub(super) struct TaskRequest {
    header: ToWorker,
    id: u64,
    rows: Vec<u8>,
}

impl TaskRequest {
    /// Encodes a task.
    ///
    /// # Errors
    /// `config.invalid` if the work cannot be built by another process.
    pub(super) fn new(task: &Task) -> Result<Self> {
        let work = task.work.spec().ok_or_else(|| no_spec(task.work.name()))?;
        let (id, env) = (fastrand::u64(..), &task.env);
        let (work, tools) = (Box::new(work), env.tools.clone());
        let header = ToWorker::Task { id, work, tools, media_dir: env.media_dir.clone() };
        Ok(Self { header, id, rows: encode_rows(task.work.as_ref(), &task.rows)? })
    }
}

/// How the run of a task in a worker ended.
#[derive(Debug)]
pub(super) enum TaskEnd {
    /// The worker answered.
    Answered(Result<Vec<ArrayRef>>),
    /// The worker died.
    Died {
        /// Whether it had started the task.
        started: bool,
    },
}

/// A running worker process. Dropping it kills it.
#[derive(Debug)]
pub(super) struct WorkerProcess {
    child: Child,
    stdin: Mutex<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    registry: Arc<WorkerRegistry>,
}

type Received = std::io::Result<Option<(FromWorker, Vec<u8>)>>;

impl WorkerProcess {
    /// Starts a worker from the thread that will own it; `None` if it was killed before it was ready.
    ///
    /// # Errors
    /// `config.invalid` if the program is not a worker or has another version, `cancelled`.
    pub(super) fn start(
        program: &Path,
        config: &ProcessConfig,
        registry: &Arc<WorkerRegistry>,
        cancel: &CancelToken,
    ) -> Result<Option<Self>> {
        let nonce = format!("{:016x}", fastrand::u64(..));
        let mut command = Command::new(program);
        command
            .env(VARIABLE, format!("{PROTOCOL}:{}:{nonce}", std::process::id()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        let mut child = command.spawn().map_err(|e| cannot_start(program, e))?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(Error::new(ErrorCode::Internal, "a worker process has no pipes"));
        };
        let id = child.id();
        registry.running().push(id);
        let (stdin, stdout) = (Mutex::new(stdin), BufReader::new(stdout));
        let mut worker = Self { child, stdin, stdout, registry: Arc::clone(registry) };
        watch::forward_stderr(stderr, id)?;
        let watch = Watchdog::new(group(id), cancel).with_patience(config.hello);
        let heard = watch.during(|| frame::read::<FromWorker>(&mut worker.stdout))?;
        if let Ok(Some((FromWorker::Hello { protocol, version, nonce: said }, _))) = &heard
            && said == &nonce
        {
            if *protocol != PROTOCOL || version != VERSION {
                return Err(other_version(program, version));
            }
            let (memory_bytes, workers) = (config.memory_bytes, config.workers);
            let setup = ToWorker::Setup { memory_bytes, workers };
            // If it has died meanwhile, the first task fails to be sent.
            let _ = frame::write(&mut *lock(&worker.stdin), &setup, &[]);
            return Ok(Some(worker));
        }
        cancel.check()?;
        if watch.has_killed() {
            let seconds = config.hello.as_secs_f64();
            return Err(not_a_worker(program, &format!("it sent no greeting within {seconds} s")));
        }
        worker.no_hello(program, &heard).map(|()| None)
    }

    /// `Ok` if the process was killed, else the reason why the program sent no greeting.
    fn no_hello(mut self, program: &Path, heard: &Received) -> Result<()> {
        if !matches!(heard, Ok(None)) {
            return Err(not_a_worker(program, "its first message is not a greeting"));
        }
        // It has closed its output and is about to end.
        let (never, id) = (CancelToken::new(), group(self.child.id()));
        let watch = Watchdog::new(id, &never).with_patience(GRACE);
        watch.during(|| {
            let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
            while waitid(Id::Pid(id), flags) == Err(Errno::EINTR) {}
        })?;
        match self.child.wait() {
            Ok(status) if status.signal().is_some() && !watch.has_killed() => {
                tracing::warn!("a worker process died as it started: {}", how(status));
                Ok(())
            }
            Ok(status) => Err(not_a_worker(program, &format!("it ended with {}", how(status)))),
            Err(e) => Err(not_a_worker(program, &e.to_string())),
        }
    }

    /// Sends a task and waits until it is answered or the worker dies.
    ///
    /// # Errors
    /// `internal` if the watchdog thread cannot be started.
    pub(super) fn run(&mut self, request: &TaskRequest, task: &Task) -> Result<TaskEnd> {
        let Self { child, stdin, stdout, .. } = self;
        let watch = Watchdog::new(group(child.id()), &task.cancel).with_task(stdin, request.id);
        watch.during(|| {
            // A separate statement: the watchdog needs the lock while this thread listens.
            let sent = frame::write(&mut *lock(stdin), &request.header, &request.rows);
            match sent {
                Ok(()) => listen(stdout, request.id, task, &watch),
                // It was killed while it was idle.
                Err(_) => TaskEnd::Died { started: false },
            }
        })
    }

    /// Kills and reaps it; returns how it ended.
    pub(super) fn reap(mut self) -> String {
        let _ = killpg(group(self.child.id()), Signal::SIGKILL);
        self.child.wait().map_or_else(|e| e.to_string(), how)
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        let id = self.child.id();
        self.registry.running().retain(|running| *running != id);
        // Unless it was reaped, the process id still belongs to it.
        if let Ok(None) = self.child.try_wait() {
            let _ = killpg(group(self.child.id()), Signal::SIGKILL);
            let _ = self.child.wait();
        }
    }
}

/// Receives messages about task `id` until its answer.
fn listen(
    stdout: &mut BufReader<ChildStdout>,
    id: u64,
    task: &Task,
    watch: &Watchdog<'_>,
) -> TaskEnd {
    loop {
        match frame::read::<FromWorker>(stdout) {
            Ok(Some((FromWorker::Started { id: of }, _))) if of == id => watch.has_started(),
            Ok(Some((FromWorker::Progress { id: of, seconds }, _))) if of == id => {
                task.env.progress.advanced(task.work.name(), seconds);
            }
            Ok(Some((FromWorker::Expected { id: of, seconds }, _))) if of == id => {
                task.env.progress.expected(task.work.name(), seconds);
            }
            Ok(Some((FromWorker::Answer { id: of, error, processes }, body))) if of == id => {
                if let Some(tools) = &task.env.tools {
                    tools.processes.extend(processes);
                }
                return TaskEnd::Answered(match error {
                    Some(fault) => Err(fault.into()),
                    None => decode(&body).map(|answer| answer.columns().to_vec()),
                });
            }
            Ok(Some((other, _))) => tracing::debug!("unexpected message of a worker: {other:?}"),
            Ok(None) | Err(_) => return TaskEnd::Died { started: watch.is_started() },
        }
    }
}

fn group(id: u32) -> Pid {
    Pid::from_raw(i32::try_from(id).unwrap_or(i32::MAX))
}

fn how(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(signal), _) => match Signal::try_from(signal) {
            Ok(signal) => signal.as_str().to_owned(),
            Err(_) => format!("signal {signal}"),
        },
        (_, Some(code)) => format!("status {code}"),
        _ => status.to_string(),
    }
}

fn no_spec(work: &str) -> Error {
    Error::new(
        ErrorCode::ConfigInvalid,
        format!(
            "the work {work} has no spec() and so cannot run in another process; add one (WorkSpec::Registered) or use another backend"
        ),
    )
}

fn cannot_start(program: &Path, cause: std::io::Error) -> Error {
    Error::new(
        ErrorCode::ConfigInvalid,
        format!("the worker program {} cannot be started ({cause})", program.display()),
    )
    .with_source(cause)
}

fn not_a_worker(program: &Path, why: &str) -> Error {
    Error::new(
        ErrorCode::ConfigInvalid,
        format!(
            "{} is not a clipflow worker: {why}; its main must first call clipflow::worker::run_if_worker()",
            program.display()
        ),
    )
}

fn other_version(program: &Path, version: &str) -> Error {
    Error::new(
        ErrorCode::ConfigInvalid,
        format!(
            "the worker program {} uses clipflow {version} and this program {VERSION}; build both with one version",
            program.display()
        ),
    )
}
