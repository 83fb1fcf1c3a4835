//! A folder for work in progress, and what killed runs have left of theirs.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::cannot_write;
use crate::error::Result;

/// Held as long as somebody works in the folder; the kernel lets go of it however that ends.
const LOCK: &str = "lock";

/// A folder that nobody else works in. It goes when this is dropped.
#[derive(Debug)]
pub(super) struct Staging {
    path: PathBuf,
    /// The folder of all staging folders goes with the last of them.
    own_parent: bool,
    _lock: File,
}

impl Staging {
    /// A new folder in `parent`, a folder that is only for this.
    pub(super) fn in_own(parent: &Path) -> Result<Self> {
        let mut staging = Self::create(parent, "run-")?;
        staging.own_parent = true;
        Ok(staging)
    }

    /// A new folder in `parent`, which others use for other things.
    pub(super) fn in_shared(parent: &Path) -> Result<Self> {
        Self::create(parent, "clipflow-run-")
    }

    /// A new folder with a name that begins with `prefix`. Those of that prefix that killed runs of
    /// this user have left are removed.
    fn create(parent: &Path, prefix: &str) -> Result<Self> {
        fs::create_dir_all(parent).map_err(|e| cannot_write(parent, e))?;
        remove_abandoned(parent, prefix);
        // A name of its own: several runs may write to one dataset at a time.
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
            // Only succeeds when no other run is at work.
            let _ = fs::remove_dir(parent);
        }
    }
}

/// Mark a staging folder as in use. The lock gets its name only once it is held.
fn lock(staging: &Path) -> io::Result<File> {
    let new = staging.join("lock.new");
    let file = File::create(&new)?;
    file.lock()?;
    fs::rename(new, staging.join(LOCK))?;
    Ok(file)
}

fn remove_abandoned(parent: &Path, prefix: &str) {
    let user = nix::unistd::geteuid().as_raw();
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(prefix)
            // Of the entry itself: a link may lead anywhere.
            && fs::symlink_metadata(entry.path()).is_ok_and(|m| m.is_dir() && m.uid() == user);
        let path = entry.path();
        // One without a lock is being made.
        let free = || File::open(path.join(LOCK)).is_ok_and(|file| file.try_lock().is_ok());
        if ours && free() {
            tracing::info!("removing what a killed run has left");
            let _ = fs::remove_dir_all(&path);
        }
    }
}
