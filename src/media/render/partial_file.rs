//! Temporary files that become outputs, and removal of those that killed runs left behind.

use std::fs::{self, File, Permissions};
use std::io;
use std::ops::Deref;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempPath;

use crate::error::{Error, ErrorCode, Result};

const START: &str = ".clip-";
const END: &str = ".part";
/// The suffix until the file is locked, for a moment.
const UNLOCKED: &str = ".new";
/// Age in seconds after which an unlocked file counts as abandoned.
const ABANDONED: u64 = 3600;

/// A temporary file in the folder of an output; dropping it deletes the file.
///
/// The file is locked while this exists. The kernel releases the lock however the process ends, so an
/// unlocked file was left by a process that is gone.
#[derive(Debug)]
pub(crate) struct PartialFile {
    path: TempPath,
    lock: File,
}

impl PartialFile {
    /// Creates an empty file in the folder of `path`, and the folder if it is missing.
    ///
    /// # Errors
    /// `store.write` if it cannot be created.
    pub(crate) fn beside(path: &Path) -> Result<Self> {
        let failed = |cause: io::Error| {
            let message = format!("a clip's file cannot be created in the output folder: {cause}");
            Error::new(ErrorCode::StoreWrite, message).with_source(cause)
        };
        let path = std::path::absolute(path).map_err(failed)?;
        let folder = path.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(folder).map_err(failed)?;
        let new = tempfile::Builder::new()
            .prefix(START)
            .suffix(UNLOCKED)
            // As for any new file; the process's umask applies.
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder)
            .map_err(failed)?;
        // On file systems without locks no file is ever taken for abandoned.
        let _ = new.as_file().lock();
        // Renamed once it is locked, so that no other process sees it unlocked.
        let named = new.path().with_extension(&END[1..]);
        let (lock, new) = new.into_parts();
        new.persist_noclobber(&named).map_err(|error| failed(error.error))?;
        let path = TempPath::try_from_path(named).map_err(failed)?;
        Ok(Self { path, lock })
    }

    /// Renames the file to `path`, replacing a file there.
    pub(crate) fn persist(self, path: &Path) -> io::Result<()> {
        self.path.persist(path).map_err(|error| error.error)
    }

    /// Renames the file to `path` unless a file exists there; then returns itself with the error.
    pub(crate) fn persist_noclobber(
        self,
        path: &Path,
    ) -> std::result::Result<(), (io::Error, Self)> {
        let Self { path: own, lock } = self;
        own.persist_noclobber(path).map_err(|taken| (taken.error, Self { path: taken.path, lock }))
    }
}

impl Deref for PartialFile {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.path
    }
}

impl AsRef<Path> for PartialFile {
    fn as_ref(&self) -> &Path {
        &self.path
    }
}

/// Deletes the partial files in `folder` that no process has locked.
pub(crate) fn remove_abandoned(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // The type of the entry itself: a symbolic link may lead anywhere.
        let ours = name.starts_with(START)
            && (name.ends_with(END) || (name.ends_with(UNLOCKED) && is_old(&entry)))
            && entry.file_type().is_ok_and(|kind| kind.is_file());
        let free = || File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok());
        if ours && free() {
            tracing::info!("removing a partial file left by a killed run");
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn is_old(entry: &fs::DirEntry) -> bool {
    let changed = entry.metadata().and_then(|facts| facts.modified());
    changed.is_ok_and(|time| time.elapsed().is_ok_and(|age| age.as_secs() > ABANDONED))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_unlocked_files_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let held = PartialFile::beside(&folder.path().join("a.mp4")).unwrap();
        let left = folder.path().join(".clip-left.part");
        let others = folder.path().join("clip.part");
        let (new, old) = (folder.path().join(".clip-a.new"), folder.path().join(".clip-b.new"));
        for path in [&left, &others, &new, &old] {
            fs::write(path, "x").unwrap();
        }
        let yesterday = std::time::SystemTime::now() - std::time::Duration::from_secs(86_400);
        File::options().write(true).open(&old).unwrap().set_modified(yesterday).unwrap();
        remove_abandoned(folder.path());
        assert!(held.is_file() && others.is_file() && !left.exists());
        assert!(new.is_file() && !old.exists());
        fs::remove_file(new).unwrap();
        let name = folder.path().join("a.mp4");
        fs::write(&name, "other").unwrap();
        let (_, held) = held.persist_noclobber(&name).unwrap_err();
        held.persist(&name).unwrap();
        assert_eq!(fs::read(&name).unwrap(), b"");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
