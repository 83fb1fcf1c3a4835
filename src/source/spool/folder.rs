//! The folder of one spool, and what killed ones have left.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::cannot_spool;
use crate::error::Result;

/// What the names of all spool folders begin with.
const PREFIX: &str = "clipflow-spool-";
/// Held by the spool the folder belongs to; the kernel lets go of it however that ends.
const LOCK: &str = "lock";

/// A folder that is removed when this is dropped.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// A new folder in `dir`, which only this user may read. What killed runs have left in `dir` is
    /// removed.
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

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// The lock gets its name only once it is held.
fn lock(folder: &Path) -> io::Result<File> {
    let new = folder.join("lock.new");
    let file = File::create(&new)?;
    file.lock()?;
    fs::rename(new, folder.join(LOCK))?;
    Ok(file)
}

/// Remove this user's spool folders that no process holds. One without a lock is being made.
fn remove_abandoned(dir: &Path) {
    let user = nix::unistd::geteuid().as_raw();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX)
            // Of the entry itself: a link may lead anywhere.
            && fs::symlink_metadata(entry.path()).is_ok_and(|m| m.is_dir() && m.uid() == user);
        if !ours {
            continue;
        }
        let free = File::open(entry.path().join(LOCK)).is_ok_and(|file| file.try_lock().is_ok());
        if free {
            tracing::info!("removing fetched sources that a killed run has left");
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
