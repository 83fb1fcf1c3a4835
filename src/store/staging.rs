//! Staging folders, and removal of abandoned ones.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::cannot_write;
use crate::error::Result;

/// Lock file of the owning run; the kernel releases it however the process ends.
const LOCK: &str = "lock";

/// A folder for the work in progress of one run, removed when it is dropped.
#[derive(Debug)]
pub(super) struct Staging {
    path: PathBuf,
    /// Whether the parent is removed with the last staging folder in it.
    own_parent: bool,
    _lock: File,
}

impl Staging {
    /// A new folder in `parent`, which is only for staging folders.
    pub(super) fn in_own(parent: &Path) -> Result<Self> {
        let mut staging = Self::create(parent, "run-")?;
        staging.own_parent = true;
        Ok(staging)
    }

    /// A new folder in `parent`, which is shared with other files.
    pub(super) fn in_shared(parent: &Path) -> Result<Self> {
        Self::create(parent, "clipflow-run-")
    }

    /// Creates a folder whose name begins with `prefix`, and removes abandoned ones of this user.
    fn create(parent: &Path, prefix: &str) -> Result<Self> {
        fs::create_dir_all(parent).map_err(|e| cannot_write(parent, e))?;
        remove_abandoned(parent, prefix);
        // A unique name: several runs may write to one dataset concurrently.
        let path = tempfile::Builder::new()
            .prefix(prefix)
            .tempdir_in(parent)
            .map_err(|e| cannot_write(parent, e))?
            .keep();
        let lock = lock(&path).map_err(|e| cannot_write(&path, e))?;
        Ok(Self { path, own_parent: false, _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
        if let Some(parent) = self.path.parent().filter(|_| self.own_parent) {
            // Only succeeds if no other run is active.
            let _ = fs::remove_dir(parent);
        }
    }
}

/// Creates the lock file, which gets its name only once the lock is held.
fn lock(staging: &Path) -> io::Result<File> {
    let new = staging.join("lock.new");
    let file = File::create(&new)?;
    file.lock()?;
    fs::rename(new, staging.join(LOCK))?;
    Ok(file)
}

/// Whether a staging folder in `parent` belongs to a run under way.
pub(super) fn is_in_use(parent: &Path) -> bool {
    // One without a lock file is only just being created, or was never used.
    let held = |entry: fs::DirEntry| {
        File::open(entry.path().join(LOCK)).is_ok_and(|file| file.try_lock().is_err())
    };
    fs::read_dir(parent).into_iter().flatten().flatten().any(held)
}

fn remove_abandoned(parent: &Path, prefix: &str) {
    for path in abandoned(parent, prefix) {
        tracing::info!("removing the staging folder of a killed run");
        let _ = fs::remove_dir_all(&path);
    }
}

/// The folders of this user in `parent` whose run is gone.
pub(super) fn abandoned(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    let user = nix::unistd::geteuid().as_raw();
    let mut found = vec![];
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(prefix)
            // Metadata of the entry itself: a link may lead anywhere.
            && fs::symlink_metadata(entry.path()).is_ok_and(|m| m.is_dir() && m.uid() == user);
        let path = entry.path();
        // One without a lock file is being created.
        let free = || File::open(path.join(LOCK)).is_ok_and(|file| file.try_lock().is_ok());
        if ours && free() {
            found.push(path);
        }
    }
    found
}
