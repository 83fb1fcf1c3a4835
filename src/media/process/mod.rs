//! Starts ffmpeg and ffprobe; no other module does.
//!
//! A media process runs with an empty environment, in its own process group, under kernel limits and
//! without a way to gain privileges. It dies with the thread that started it, and its whole group is ended
//! on timeout, cancellation or drop. Its exit status and the end of its standard error are kept.

mod files;
mod group;
mod pipes;
mod record;
mod script;

use std::ffi::{OsStr, OsString};
use std::io::{PipeReader, PipeWriter, Read};
use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::failure::{Finished, StopReason};
use super::tools::{MediaLimits, MediaTools};
use crate::cancel::CancelToken;
use crate::error::{Error, ErrorCode, Result};
use crate::sandbox::{self, PinnedFile, SandboxMode};
use crate::telemetry::{ProcessLog, unix_seconds};
use files::files_of;
use group::Group;
use pipes::{data_pipe, no_pipe, read_tail};

/// Builds a media process.
#[derive(Debug)]
pub struct MediaCommand {
    program: OsString,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    stdout: Option<PipeWriter>,
    /// Descriptors that the child inherits beside its standard streams.
    kept: Vec<OwnedFd>,
    limits: MediaLimits,
    log: ProcessLog,
    sandbox: SandboxMode,
    /// An input that must be this very file.
    pinned: Option<PinnedFile>,
    /// Files that it reads beside its inputs.
    reads: Vec<PathBuf>,
}

impl MediaCommand {
    /// Creates a process of `program` (an absolute path) under `limits`, which the kernel does not confine otherwise:
    /// for programs of the user's own.
    ///
    /// Its environment holds `LC_ALL=C` and `MALLOC_ARENA_MAX=2`, which keeps the address space of many
    /// threads below the limit. Standard input and output are `/dev/null`.
    pub fn new(program: &Path, limits: &MediaLimits) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: vec![("LC_ALL".into(), "C".into()), ("MALLOC_ARENA_MAX".into(), "2".into())],
            stdout: None,
            kept: Vec::new(),
            limits: limits.clone(),
            log: ProcessLog::default(),
            sandbox: SandboxMode::Off,
            pinned: None,
            reads: Vec::new(),
        }
    }

    /// Creates a process of ffmpeg that is recorded in the log of `tools` and confined as they say; see
    /// [`MediaCommand::new`].
    pub fn ffmpeg(tools: &MediaTools, limits: &MediaLimits) -> Self {
        Self::of(tools, Self::new(&tools.ffmpeg, limits))
    }

    /// Creates a process of ffprobe like [`MediaCommand::ffmpeg`].
    pub fn ffprobe(tools: &MediaTools, limits: &MediaLimits) -> Self {
        Self::of(tools, Self::new(&tools.ffprobe, limits))
    }

    fn of(tools: &MediaTools, command: Self) -> Self {
        let (log, sandbox, pinned) = (tools.processes.clone(), tools.sandbox, tools.pinned.clone());
        Self { log, sandbox, pinned, ..command }
    }

    /// A file that the process reads though no argument `-i` names it, such as captions of a filter.
    pub fn reads(&mut self, file: &Path) -> &mut Self {
        self.reads.push(file.into());
        self
    }

    /// Adds one argument.
    pub fn arg(&mut self, arg: impl Into<OsString>) -> &mut Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    pub fn args<A: Into<OsString>>(&mut self, args: impl IntoIterator<Item = A>) -> &mut Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Adds an environment variable.
    pub fn env(&mut self, key: impl Into<OsString>, value: impl Into<OsString>) -> &mut Self {
        self.env.push((key.into(), value.into()));
        self
    }

    /// Makes the process give the same bytes each time: memory that an encoder gets is zero, as it is in a new process.
    ///
    /// x264 looks at pixels beside the picture where a side is no multiple of 16, and they are what the memory held before.
    /// glibc fills new memory with the complement of this value; measured cost: 2–4 % of the CPU time of a pass.
    pub fn reproducible(&mut self) -> &mut Self {
        self.env("MALLOC_PERTURB_", "255")
    }

    /// The arguments so far.
    pub fn arguments(&self) -> &[OsString] {
        &self.args
    }

    /// Creates a pipe; returns ffmpeg's name of its writing end (`pipe:17`) and the reading end.
    ///
    /// Any number can be created. Read each in its own thread, because ffmpeg writes to them in any order.
    ///
    /// # Errors
    /// [`ErrorCode::Internal`] if no more files can be opened.
    pub fn output_pipe(&mut self) -> Result<(String, PipeReader)> {
        use std::os::fd::AsRawFd;
        let (reader, writer) = data_pipe()?;
        // The child keeps the descriptor number of the parent: renumbering to 3, 4, … could collide with
        // the descriptor over which the standard library reports a failed exec.
        let name = format!("pipe:{}", writer.as_raw_fd());
        self.kept.push(writer.into());
        Ok((name, reader))
    }

    /// Creates a pipe for the process's standard output and returns its reading end.
    ///
    /// # Errors
    /// As [`MediaCommand::output_pipe`].
    pub fn stdout_pipe(&mut self) -> Result<PipeReader> {
        let (reader, writer) = data_pipe()?;
        self.stdout = Some(writer);
        Ok(reader)
    }

    /// Starts the process, which `cancel` ends.
    ///
    /// # Errors
    /// [`ErrorCode::SetupMissingProgram`] if the program cannot be started,
    /// [`ErrorCode::Cancelled`] if `cancel` was already cancelled.
    pub fn start(self, cancel: &CancelToken) -> Result<MediaChild> {
        cancel.check()?;
        let Self { program, mut args, env, stdout, mut kept, limits, log, sandbox, pinned, reads } =
            self;
        kept.extend(script::by_file(&mut args)?);
        let (errors, stderr) = std::io::pipe().map_err(no_pipe)?;
        let mut command = Command::new(&program);
        command.args(&args).env_clear().envs(env).stdin(Stdio::null()).stderr(stderr);
        command.stdout(stdout.map_or_else(Stdio::null, Stdio::from)).process_group(0);
        if sandbox == SandboxMode::On {
            files_of(&program, &args, (&reads, pinned.as_ref())).confine(&mut command)?;
        }
        // Where the kernel cannot hold the process to that file, it is at least that file now.
        if let Some(pinned) = &pinned {
            pinned.open().map_err(|_| sandbox::replaced())?;
        }
        confine(&mut command, &limits, kept);
        let started = Instant::now();
        let child = command.spawn().map_err(|cause| cannot_start(&program, sandbox, cause))?;
        // The command owns the writing ends; readers see the end only after they are closed.
        drop(command);
        let group = Group::new(child, started + limits.timeout);
        let mut running = MediaChild {
            group: Arc::new(group),
            cancel: cancel.clone(),
            tail: None,
            watchdog: None,
            program,
            args,
            limits,
            log,
            started,
            stays_in_its_thread: PhantomData,
        };
        running.tail = Some(thread("media-stderr", move || read_tail(errors))?);
        let (group, token) = (Arc::clone(&running.group), cancel.clone());
        running.watchdog = Some(thread("media-watchdog", move || group.watch(&token))?);
        Ok(running)
    }

    /// Runs the process to its end and returns its standard output, at most `max_bytes`.
    ///
    /// # Errors
    /// As [`MediaCommand::start`], and [`ErrorCode::MediaLimits`] if there is more output.
    pub fn capture(
        mut self,
        cancel: &CancelToken,
        max_bytes: usize,
    ) -> Result<(Vec<u8>, Finished)> {
        let mut reader = self.stdout_pipe()?;
        let child = self.start(cancel)?;
        let mut text = Vec::new();
        let read = (&mut reader).take(max_bytes as u64 + 1).read_to_end(&mut text);
        if read.is_err() || text.len() > max_bytes {
            return Err(Error::new(
                ErrorCode::MediaLimits,
                "the media tool prints more about this source than is allowed; the source is rejected",
            ));
        }
        let finished = child.wait()?;
        Ok((text, finished))
    }
}

/// A running media process.
///
/// It must stay in the thread that started it, because the kernel ends it when that thread ends
/// (`PR_SET_PDEATHSIG`). Dropping it kills and reaps its process group.
#[derive(Debug)]
pub struct MediaChild {
    group: Arc<Group>,
    cancel: CancelToken,
    tail: Option<JoinHandle<Vec<u8>>>,
    watchdog: Option<JoinHandle<()>>,
    program: OsString,
    args: Vec<OsString>,
    limits: MediaLimits,
    log: ProcessLog,
    started: Instant,
    stays_in_its_thread: PhantomData<*const ()>,
}

impl MediaChild {
    /// The process id, which is also the id of its group.
    pub fn id(&self) -> u32 {
        self.group.id.as_raw().unsigned_abs()
    }

    /// Kills the group at once; [`MediaChild::wait`] then reports cancellation.
    pub fn stop(&self) {
        self.group.stop(StopReason::Cancelled, Signal::SIGKILL);
    }

    /// Waits for the process to end, at the latest on its timeout.
    ///
    /// # Errors
    /// [`ErrorCode::Internal`] if the process cannot be waited for. How it ended is in the [`Finished`];
    /// [`Finished::check`] turns it into an error.
    pub fn wait(mut self) -> Result<Finished> {
        self.group.wait_until_exit();
        let id = self.id();
        let reaped = self.group.reap().ok_or_else(|| {
            Error::new(ErrorCode::Internal, "a media process could not be waited for")
        })?;
        let tail = self.join();
        let said = String::from_utf8_lossy(&tail).into_owned();
        let finished = Finished {
            status: reaped.status,
            stop: self.group.stopped(),
            stderr: said,
            elapsed: self.started.elapsed(),
            cpu: reaped.cpu_seconds,
            args: std::mem::take(&mut self.args),
            limits: self.limits.clone(),
        };
        let started = unix_seconds() - finished.elapsed.as_secs_f64();
        self.log.record(record::of(&finished, &self.program, id, started, reaped.peak_bytes));
        Ok(finished)
    }

    fn join(&mut self) -> Vec<u8> {
        self.cancel.notify();
        if let Some(watchdog) = self.watchdog.take() {
            let _ = watchdog.join();
        }
        self.tail.take().and_then(|tail| tail.join().ok()).unwrap_or_default()
    }
}

impl Drop for MediaChild {
    fn drop(&mut self) {
        if !self.group.is_reaped() {
            self.group.stop(StopReason::Cancelled, Signal::SIGKILL);
            self.group.wait_until_exit();
            self.group.reap();
        }
        self.join();
    }
}

/// Sets up how the child limits itself between fork and exec.
fn confine(command: &mut Command, limits: &MediaLimits, kept: Vec<OwnedFd>) {
    let parent = nix::unistd::getpid();
    let table = [
        (Resource::RLIMIT_AS, limits.memory_bytes, limits.memory_bytes),
        // The hard limit is slightly higher, so that ffmpeg can exit cleanly at the soft one.
        (Resource::RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds.saturating_add(5)),
        (Resource::RLIMIT_FSIZE, limits.file_bytes, limits.file_bytes),
        (Resource::RLIMIT_NOFILE, limits.open_files, limits.open_files),
        (Resource::RLIMIT_CORE, 0, 0),
    ];
    let prepare = move || {
        for (resource, soft, hard) in table {
            setrlimit(resource, soft, hard)?;
        }
        for open in &kept {
            fcntl(open, FcntlArg::F_SETFD(FdFlag::empty()))?;
        }
        #[cfg(target_os = "linux")]
        {
            nix::sys::prctl::set_no_new_privs()?;
            nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
            // The parent may have died before the call above took effect.
            if nix::unistd::getppid() != parent {
                return Err(std::io::Error::from(Errno::ESRCH));
            }
        }
        #[cfg(not(target_os = "linux"))]
        let _ = parent;
        Ok(())
    };
    // SAFETY: between fork and exec only async-signal-safe calls are allowed. `prepare` makes
    // system calls (setrlimit, fcntl, prctl, getppid) on values made before the fork; it neither
    // allocates nor locks, and errors made from an errno do not allocate.
    #[allow(unsafe_code)]
    unsafe {
        command.pre_exec(prepare);
    }
}

/// How a child ended and what it used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reaped {
    pub(crate) status: ExitStatus,
    /// CPU time of all its threads and reaped children, in seconds.
    pub(crate) cpu_seconds: f64,
    /// Largest resident memory in bytes.
    pub(crate) peak_bytes: u64,
}

/// Reaps a child that has exited; the standard library does not tell what it used.
pub(crate) fn reap(id: Pid) -> Option<Reaped> {
    let mut status = 0;
    let mut usage = std::mem::MaybeUninit::<nix::libc::rusage>::zeroed();
    // SAFETY: both pointers are to values of the types that wait4 writes, which live until it returns, and all zeroes
    // are a valid rusage.
    #[allow(unsafe_code)]
    let (reaped, usage) = unsafe {
        let reaped = nix::libc::wait4(id.as_raw(), &raw mut status, 0, usage.as_mut_ptr());
        (reaped, usage.assume_init())
    };
    let seconds = |time: nix::libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    // Linux counts in KiB, macOS in bytes.
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    (reaped == id.as_raw()).then(|| Reaped {
        status: ExitStatus::from_raw(status),
        cpu_seconds: seconds(usage.ru_utime) + seconds(usage.ru_stime),
        peak_bytes: u64::try_from(usage.ru_maxrss).unwrap_or(0) * unit,
    })
}

fn thread<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>> {
    std::thread::Builder::new().name(name.into()).spawn(work).map_err(|cause| {
        Error::new(ErrorCode::Internal, "no more threads can be started; use fewer workers")
            .with_source(cause)
    })
}

fn cannot_start(program: &OsStr, sandbox: SandboxMode, cause: std::io::Error) -> Error {
    let name = Path::new(program).file_name().unwrap_or(program).to_string_lossy().into_owned();
    let advice = match (sandbox, cause.kind()) {
        (SandboxMode::On, std::io::ErrorKind::PermissionDenied) => {
            "check that it may be run; sandbox = \"off\" starts it without confinement"
        }
        _ => "check that it is installed",
    };
    let message = format!("{name} cannot be started ({}); {advice}", cause.kind());
    Error::new(ErrorCode::SetupMissingProgram, message).with_source(cause)
}

#[cfg(test)]
mod tests;
