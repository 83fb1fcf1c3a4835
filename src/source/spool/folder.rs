//! The folder of one spool, and removal of abandoned ones.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::cannot_spool;
use crate::error::Result;

/// Prefix of the names of spool folders.
const PREFIX: &str = "clipflow-spool-";
/// Lock file of the owning spool; the kernel releases it however the process ends.
const LOCK: &str = "lock";

/// A folder that is removed when this is dropped.
#[derive(Debug)]
pub(super) struct SpoolFolder {
    path: PathBuf,
    _lock: File,
}

impl SpoolFolder {
    /// Creates a folder in `dir` that only this user may read, and removes abandoned ones.
    pub(super) fn create(dir: &Path) -> Result<Self> {
        let create = || {
            fs::create_dir_all(dir)?;
            let dir = fs::canonicalize(dir)?;
            remove_abandoned(&dir);
            let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(&dir)?;
            let lock = lock(folder.path())?;
            Ok(Self { path: folder.keep(), _lock: lock })
        };
        create().map_err(|e| cannot_spool(dir, e))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SpoolFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Creates the lock file, which gets its name only once the lock is held.
fn lock(folder: &Path) -> io::Result<File> {
    let new = folder.join("lock.new");
    let file = File::create(&new)?;
    file.lock()?;
    fs::rename(new, folder.join(LOCK))?;
    Ok(file)
}

/// Removes spool folders of this user that no process holds. One without a lock file is being created.
fn remove_abandoned(dir: &Path) {
    let user = nix::unistd::geteuid().as_raw();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX)
            // Metadata of the entry itself: a link may lead anywhere.
            && fs::symlink_metadata(entry.path()).is_ok_and(|m| m.is_dir() && m.uid() == user);
        if !ours {
            continue;
        }
        let free = File::open(entry.path().join(LOCK)).is_ok_and(|file| file.try_lock().is_ok());
        if free {
            tracing::info!("removing fetched sources of a killed run");
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
