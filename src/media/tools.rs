//! Locates ffmpeg and ffprobe, and defines the limits under which they run.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::config::ParallelConfig;
use crate::error::{Error, ErrorCode, Result};
use crate::sandbox::{self, PinnedFile, SandboxMode};
use crate::source::program;
use crate::telemetry::ProcessLog;

/// The programs that do the media work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaTools {
    /// Absolute path of `ffmpeg`.
    pub ffmpeg: PathBuf,
    /// Absolute path of `ffprobe`.
    pub ffprobe: PathBuf,
    /// Identity of the installed ffmpeg: path, size and modification time.
    ///
    /// Its version would cost a process; [`super::probe()`] reports it along the way.
    pub identity: String,
    /// Whether their processes are confined by the kernel.
    #[serde(default)]
    pub sandbox: SandboxMode,
    /// Resident memory that one process may take, in bytes: work that needs more is refused before it starts.
    #[serde(default = "no_limit")]
    pub memory_bytes: u64,
    /// The source that they read, if it must be this very file.
    #[serde(skip)]
    pub(crate) pinned: Option<PinnedFile>,
    /// Collects what its processes did.
    #[serde(skip)]
    pub processes: ProcessLog,
}

impl MediaTools {
    /// Finds both programs: `CLIPFLOW_FFMPEG` and `CLIPFLOW_FFPROBE` if set, else on `PATH`. They are confined unless
    /// `CLIPFLOW_SANDBOX` is `off`.
    ///
    /// # Errors
    /// [`ErrorCode::SetupMissingProgram`] if one is missing or not executable.
    pub fn find() -> Result<Self> {
        let path = std::env::var_os("PATH");
        let ffmpeg = locate("ffmpeg", std::env::var_os("CLIPFLOW_FFMPEG"), path.as_ref())?;
        let ffprobe = locate("ffprobe", std::env::var_os("CLIPFLOW_FFPROBE"), path.as_ref())?;
        let sandbox =
            std::env::var("CLIPFLOW_SANDBOX").ok().and_then(|mode| SandboxMode::parse(&mode));
        Ok(Self { sandbox: sandbox.unwrap_or_default(), ..Self::new(ffmpeg, ffprobe) })
    }

    /// These programs, confined and without a limit of memory.
    pub fn new(ffmpeg: impl Into<PathBuf>, ffprobe: impl Into<PathBuf>) -> Self {
        let ffmpeg = ffmpeg.into();
        Self {
            identity: identity(&ffmpeg),
            ffmpeg,
            ffprobe: ffprobe.into(),
            sandbox: SandboxMode::On,
            memory_bytes: no_limit(),
            pinned: None,
            processes: ProcessLog::default(),
        }
    }
}

const fn no_limit() -> u64 {
    u64::MAX
}

impl MediaTools {
    /// Checks that work which takes about `bytes` of resident memory fits; `what` is what takes them.
    ///
    /// # Errors
    /// `media.limits` with the memory that it needs.
    pub(crate) fn check_memory(&self, what: &str, bytes: u64) -> Result<()> {
        if bytes <= self.memory_bytes {
            return Ok(());
        }
        let megabytes = |bytes: u64| bytes.div_ceil(1_000_000);
        let message = format!(
            "{what} takes about {} MB of memory, and the limit leaves one media process {} MB; raise memory_limit_gb to {:.2} or more",
            megabytes(bytes),
            megabytes(self.memory_bytes),
            ParallelConfig::memory_for_media(bytes)
        );
        Err(Error::new(ErrorCode::MediaLimits, message).about("memory_limit_gb"))
    }

    /// Opens a source as they read it.
    ///
    /// # Errors
    /// `source.changed` if it was replaced; of the file system.
    pub(crate) fn open(&self, source: &Path) -> Result<File> {
        match self.pinned.as_ref().filter(|pinned| pinned.path == source) {
            Some(pinned) => pinned.open().map_err(|_| sandbox::replaced()),
            None => File::open(source).map_err(|cause| {
                let message = format!("{} cannot be opened ({cause})", source.display());
                Error::new(ErrorCode::SourceUnreachable, message).with_source(cause)
            }),
        }
    }

    /// The same programs, whose processes are recorded in `processes`.
    #[must_use]
    pub fn recorded_in(&self, processes: &ProcessLog) -> Self {
        Self { processes: processes.clone(), ..self.clone() }
    }
}

/// Resource limits of one media process.
///
/// The kernel enforces them (`setrlimit`), so they hold whatever a hostile file makes a decoder do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaLimits {
    /// Wall time after which the process group is ended. Default: one hour.
    pub timeout: Duration,
    /// Address space in bytes (`RLIMIT_AS`). Default: 2 GiB.
    pub memory_bytes: u64,
    /// CPU time in seconds over all threads (`RLIMIT_CPU`). Default: four hours.
    pub cpu_seconds: u64,
    /// Largest file that the process may write, in bytes (`RLIMIT_FSIZE`). Default: 8 GiB.
    pub file_bytes: u64,
    /// Open files (`RLIMIT_NOFILE`). Default: 64.
    pub open_files: u64,
    /// Decoder threads; encoders have their own setting. Default: 2.
    pub threads: u32,
}

impl Default for MediaLimits {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(3600),
            memory_bytes: 2 << 30,
            cpu_seconds: 4 * 3600,
            file_bytes: 8 << 30,
            open_files: 64,
            threads: 2,
        }
    }
}

fn locate(name: &str, named: Option<OsString>, path: Option<&OsString>) -> Result<PathBuf> {
    let set = named.is_some();
    let found = program::find(name, named, path.map(OsString::as_os_str));
    found.ok_or_else(|| {
        let variable = format!("CLIPFLOW_{}", name.to_ascii_uppercase());
        let message = if set {
            format!("{variable} does not name an executable program; correct or unset it")
        } else {
            format!(
                "{name} is not installed: run `apt-get install ffmpeg`, or name the program in {variable}"
            )
        };
        Error::new(ErrorCode::SetupMissingProgram, message)
    })
}

/// Path, size and modification time of a program.
fn identity(program: &Path) -> String {
    let facts = std::fs::metadata(program).ok();
    let modified = facts.as_ref().and_then(|f| f.modified().ok()?.duration_since(UNIX_EPOCH).ok());
    let (bytes, modified) = (facts.map_or(0, |f| f.len()), modified.map_or(0, |t| t.as_nanos()));
    format!("{} {bytes} {modified}", program.display())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_missing_program_says_how_to_get_it() {
        let empty = tempfile::tempdir().unwrap();
        let path = OsString::from(empty.path());
        let error = locate("ffmpeg", None, Some(&path)).unwrap_err();
        assert_eq!(error.code(), ErrorCode::SetupMissingProgram);
        assert!(error.message().contains("apt-get install ffmpeg"), "{error}");
        let error = locate("ffprobe", Some(OsString::from("/no/such")), None).unwrap_err();
        assert!(error.message().contains("CLIPFLOW_FFPROBE"), "{error}");
    }

    #[test]
    fn a_file_that_is_not_executable_is_rejected() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ffmpeg"), "x").unwrap();
        let path = OsString::from(folder.path());
        assert!(locate("ffmpeg", None, Some(&path)).is_err());
        assert!(locate("sh", None, Some(&OsString::from("/bin"))).is_ok());
    }
}
