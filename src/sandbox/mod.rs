//! Confines the programs that read what others made: ffmpeg, ffprobe and yt-dlp.
//!
//! Two layers of Linux, set up between fork and exec and kept by all that the program starts. Landlock: only listed
//! files can be read, written and started, and no port used. Seccomp: no sockets, no tracing, no namespaces and no
//! other doors into the kernel that a decoder never needs. Where the kernel lacks a layer, [`layers`] says so; where it has
//! one that cannot be set up, the program is not started.

#[cfg(target_os = "linux")]
mod landlock;
#[cfg(target_os = "linux")]
mod seccomp;

use std::fs::{File, Metadata};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorCode, Result};

/// Whether media processes are confined.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SandboxMode {
    /// By all layers that the kernel has.
    #[default]
    On,
    /// By resource limits, an empty environment and ffmpeg's own whitelists alone.
    Off,
}

impl SandboxMode {
    /// The names of the modes.
    pub const NAMES: &'static [&'static str] = &["on", "off"];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
        }
    }

    /// The mode of a name.
    pub fn parse(name: &str) -> Option<Self> {
        match name.trim().to_ascii_lowercase().as_str() {
            "on" | "true" => Some(Self::On),
            "off" | "false" => Some(Self::Off),
            _ => None,
        }
    }

    /// What is there of each layer in this mode: `on`, `off` because it was asked for, or `missing` in this system.
    pub fn layers(self) -> [(&'static str, &'static str); 2] {
        let state = |is_there: bool| match (self, is_there) {
            (Self::Off, _) => "off",
            (Self::On, true) => "on",
            (Self::On, false) => "missing",
        };
        let there = layers();
        [("landlock", state(there.landlock)), ("seccomp", state(there.seccomp))]
    }
}

/// The layers that this system has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SandboxLayers {
    /// Rules for files and ports: Linux 5.13 or newer, built and started with Landlock.
    pub landlock: bool,
    /// A filter of system calls.
    pub seccomp: bool,
}

/// The layers that this system has, found out once.
pub fn layers() -> SandboxLayers {
    #[cfg(target_os = "linux")]
    {
        static LAYERS: std::sync::OnceLock<SandboxLayers> = std::sync::OnceLock::new();
        *LAYERS.get_or_init(|| SandboxLayers {
            landlock: landlock::is_there(),
            seccomp: seccomp::is_there(),
        })
    }
    #[cfg(not(target_os = "linux"))]
    SandboxLayers { landlock: false, seccomp: false }
}

/// One file whatever its name leads to: what was allowed to be read stays what is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinnedFile {
    /// Its name, without links.
    pub path: PathBuf,
    /// Device and inode.
    pub id: (u64, u64),
}

impl PinnedFile {
    /// An open file, and its name as the kernel has it now.
    ///
    /// # Errors
    /// Of the file system.
    pub fn of(file: &File, path: &Path) -> std::io::Result<Self> {
        let named = format!("/proc/self/fd/{}", file.as_raw_fd());
        // Without /proc the name is what it was.
        let path = std::fs::read_link(named).unwrap_or_else(|_| path.to_owned());
        Ok(Self { path, id: id_of(&file.metadata()?) })
    }

    /// Whether what these facts are of is this file.
    pub(crate) fn is(&self, facts: &Metadata) -> bool {
        id_of(facts) == self.id
    }

    /// Opens the file.
    ///
    /// # Errors
    /// Of the file system; [`std::io::ErrorKind::NotFound`] if its name leads to another by now.
    pub(crate) fn open(&self) -> std::io::Result<File> {
        let file = File::open(&self.path)?;
        let is_same = self.is(&file.metadata()?);
        is_same.then_some(file).ok_or_else(|| std::io::ErrorKind::NotFound.into())
    }
}

fn id_of(facts: &Metadata) -> (u64, u64) {
    (facts.dev(), facts.ino())
}

/// A pinned file was replaced.
pub(crate) fn replaced() -> Error {
    let message = "the source was replaced by another file while it was read; run again";
    Error::new(ErrorCode::SourceChanged, message)
}

/// What a program may do.
#[derive(Debug, Clone)]
pub(crate) struct Sandbox {
    /// The program, which may be started and read.
    program: PathBuf,
    /// Files and folders that may be read, beside the libraries of the system; `None`: everything.
    reads: Option<Vec<PathBuf>>,
    /// One of those that must be this very file.
    pinned: Option<PinnedFile>,
    /// Files and folders that may be read and written.
    writes: Vec<PathBuf>,
    /// Whether it may use the network.
    network: bool,
}

impl Sandbox {
    /// For a program that reads listed files alone and no network.
    pub(crate) fn strict(program: &Path) -> Self {
        let program = program.to_owned();
        Self { program, reads: Some(vec![]), pinned: None, writes: vec![], network: false }
    }

    /// For a program that fetches: it may read what this user may, use the network, and write below listed folders.
    pub(crate) fn fetching(program: &Path) -> Self {
        let program = program.to_owned();
        Self { program, reads: None, pinned: None, writes: vec![], network: true }
    }

    /// A file or folder may be read.
    pub(crate) fn read(&mut self, path: impl Into<PathBuf>) -> &mut Self {
        self.reads.get_or_insert_default().push(path.into());
        self
    }

    /// A file may be read as long as its name leads to it.
    pub(crate) fn read_pinned(&mut self, file: &PinnedFile) -> &mut Self {
        self.pinned = Some(file.clone());
        self
    }

    /// A file, or all files below a folder, may be read and written.
    pub(crate) fn write(&mut self, path: impl Into<PathBuf>) -> &mut Self {
        self.writes.push(path.into());
        self
    }

    /// Confines `command`, which is not started yet, by the layers that there are.
    ///
    /// # Errors
    /// `internal` if a layer that there is cannot be prepared; `source.changed` if a pinned file was replaced. That it cannot be entered fails the start of the
    /// command.
    pub(crate) fn confine(&self, command: &mut impl CommandExt) -> Result<()> {
        #[cfg(target_os = "linux")]
        {
            let there = layers();
            let rules = there.landlock.then(|| landlock::rules(self)).transpose()?;
            let filter = there.seccomp.then(|| seccomp::filter(self.network)).transpose()?;
            enter(command, rules.flatten(), filter);
        }
        #[cfg(not(target_os = "linux"))]
        let _ = command;
        Ok(())
    }
}

/// Enters the layers between fork and exec.
#[cfg(target_os = "linux")]
fn enter(
    command: &mut impl CommandExt,
    rules: Option<std::os::fd::OwnedFd>,
    filter: Option<seccompiler::BpfProgram>,
) {
    use std::io::Error as IoError;

    use nix::libc;

    let prepare = move || {
        nix::sys::prctl::set_no_new_privs()?;
        if let Some(rules) = &rules {
            let (call, flags) = (libc::SYS_landlock_restrict_self, 0 as libc::c_uint);
            // SAFETY: the call takes a descriptor, which is open, and a number.
            #[allow(unsafe_code)]
            let result = unsafe { libc::syscall(call, rules.as_raw_fd(), flags) };
            if result != 0 {
                return Err(IoError::last_os_error());
            }
        }
        if let Some(filter) = &filter {
            seccompiler::apply_filter(filter).map_err(|_| IoError::last_os_error())?;
        }
        Ok(())
    };
    // SAFETY: between fork and exec only async-signal-safe calls are allowed. `prepare` makes system calls (prctl,
    // landlock_restrict_self, seccomp) on values made before the fork; it neither allocates nor locks, and errors made
    // from an errno do not allocate.
    #[allow(unsafe_code)]
    unsafe {
        command.pre_exec(prepare);
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
