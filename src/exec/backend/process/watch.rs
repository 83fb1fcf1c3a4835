//! A watchdog thread beside each wait for a worker, which kills the worker if the wait must end.

use std::io::{BufRead, BufReader, Read};
use std::process::{ChildStderr, ChildStdin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::super::ticket::GRACE;
use super::frame;
use super::protocol::ToWorker;
use crate::cancel::{CancelToken, Woken};
use crate::error::{Error, ErrorCode, Result};

/// Effectively never.
const NEVER: Duration = Duration::from_secs(1 << 31);
/// Longest line of a worker's standard error that is forwarded in one piece, in bytes.
const LINE: u64 = 64 << 10;

/// Watches one worker. The worker is not reaped meanwhile, so that no signal reaches another process.
pub(super) struct Watchdog<'a> {
    group: Pid,
    cancel: &'a CancelToken,
    until: Instant,
    task: Option<(&'a Mutex<ChildStdin>, u64)>,
    started: AtomicBool,
    done: AtomicBool,
    killed: AtomicBool,
}

impl<'a> Watchdog<'a> {
    /// Watches the worker that leads `group` and kills it when `cancel` is cancelled.
    pub(super) fn new(group: Pid, cancel: &'a CancelToken) -> Self {
        let [started, done, killed] = [const { AtomicBool::new(false) }; 3];
        Self { group, cancel, until: Instant::now() + NEVER, task: None, started, done, killed }
    }

    /// The same, and kills it after this time.
    pub(super) fn with_patience(self, patience: Duration) -> Self {
        Self { until: Instant::now() + patience, ..self }
    }

    /// The same for a worker with task `id`, which is asked to stop before it is killed.
    pub(super) fn with_task(self, stdin: &'a Mutex<ChildStdin>, id: u64) -> Self {
        Self { task: Some((stdin, id)), ..self }
    }

    /// Records that the worker has started the task, and so has read all input.
    pub(super) fn has_started(&self) {
        self.started.store(true, Ordering::Release);
        self.cancel.notify();
    }

    pub(super) fn is_started(&self) -> bool {
        self.started.load(Ordering::Acquire)
    }

    pub(super) fn has_killed(&self) -> bool {
        self.killed.load(Ordering::Acquire)
    }

    /// Runs `what` under watch; it must end when the worker dies.
    ///
    /// # Errors
    /// `internal` if no thread can be started.
    pub(super) fn during<T>(&self, what: impl FnOnce() -> T) -> Result<T> {
        thread::scope(|scope| {
            let watchdog = thread::Builder::new().name("clipflow-watch".into());
            watchdog.spawn_scoped(scope, || self.watch()).map_err(no_thread)?;
            // Also when `what` panics: the scope waits for the thread.
            let _done = DoneOnDrop(self);
            Ok(what())
        })
    }

    fn watch(&self) {
        let done = || self.done.load(Ordering::Acquire);
        match self.cancel.wait(self.until, false, done) {
            Woken::Done => return,
            Woken::Deadline => return self.kill(),
            Woken::Cancelled => {}
        }
        let until = Instant::now() + GRACE;
        // Before it has started it may not be reading, and writing to it could block forever.
        self.cancel.wait(until, true, || done() || self.is_started());
        if let Some((stdin, id)) = self.task.filter(|_| self.is_started() && !done()) {
            let _ = frame::write(&mut *lock(stdin), &ToWorker::Cancel { id }, &[]);
        }
        if self.cancel.wait(until, true, done) != Woken::Done {
            self.kill();
        }
    }

    fn kill(&self) {
        self.killed.store(true, Ordering::Release);
        let _ = killpg(self.group, Signal::SIGKILL);
    }
}

/// Ends the watch when it is dropped.
struct DoneOnDrop<'a, 'b>(&'a Watchdog<'b>);

impl Drop for DoneOnDrop<'_, '_> {
    fn drop(&mut self) {
        self.0.done.store(true, Ordering::Release);
        self.0.cancel.notify();
    }
}

/// Forwards the standard error of a worker as log events until it ends.
pub(super) fn forward_stderr(stderr: ChildStderr, pid: u32) -> Result<()> {
    let pass = move || {
        let mut stderr = BufReader::new(stderr);
        let mut line = vec![];
        while matches!((&mut stderr).take(LINE).read_until(b'\n', &mut line), Ok(1..)) {
            let text = String::from_utf8_lossy(&line);
            tracing::info!(target: "clipflow::worker", pid, "{}", text.trim_end());
            line.clear();
        }
    };
    thread::Builder::new().name("clipflow-stderr".into()).spawn(pass).map(drop).map_err(no_thread)
}

pub(super) fn lock(stdin: &Mutex<ChildStdin>) -> MutexGuard<'_, ChildStdin> {
    stdin.lock().unwrap_or_else(PoisonError::into_inner)
}

fn no_thread(cause: std::io::Error) -> Error {
    Error::new(ErrorCode::Internal, "no more threads can be started; use fewer workers")
        .with_source(cause)
}
