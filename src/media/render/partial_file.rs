//! Files that have not got their names yet, and what killed runs have left of theirs.

use std::fs::{self, File, Permissions};
use std::io;
use std::ops::Deref;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempPath;

use crate::error::{Error, ErrorCode, Result};

const START: &str = ".clip-";
const END: &str = ".part";
/// The end of its name until it is locked, which takes no time.
const UNLOCKED: &str = ".new";
/// Seconds after which a file that is not locked will not be.
const ABANDONED: u64 = 3600;

/// A file in the folder of an output, which goes when this is dropped. It is locked for as long:
/// the kernel lets go of a lock however a process ends.
#[derive(Debug)]
pub(crate) struct PartialFile {
    path: TempPath,
    lock: File,
}

impl PartialFile {
    /// A new empty file in the folder where `path` will be, which is made if need be.
    ///
    /// # Errors
    /// `store.write` if it cannot be made.
    pub(crate) fn beside(path: &Path) -> Result<Self> {
        let failed = |cause: io::Error| {
            let message = format!("a clip's file cannot be made in the output folder: {cause}");
            Error::new(ErrorCode::StoreWrite, message).with_source(cause)
        };
        let path = std::path::absolute(path).map_err(failed)?;
        let folder = path.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(folder).map_err(failed)?;
        let new = tempfile::Builder::new()
            .prefix(START)
            .suffix(UNLOCKED)
            // As any new file: less the process's umask.
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder)
            .map_err(failed)?;
        // Some file systems cannot lock; there nothing is ever taken for left.
        let _ = new.as_file().lock();
        // It gets its name once it is locked.
        let named = new.path().with_extension(&END[1..]);
        let (lock, new) = new.into_parts();
        new.persist_noclobber(&named).map_err(|error| failed(error.error))?;
        let path = TempPath::try_from_path(named).map_err(failed)?;
        Ok(Self { path, lock })
    }

    /// Gives it the name `path`, in place of what has it.
    pub(crate) fn persist(self, path: &Path) -> io::Result<()> {
        self.path.persist(path).map_err(|error| error.error)
    }

    /// Gives it the name `path` unless another file has it: then this is still without.
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

/// Removes from `folder` the files of which no process holds the lock any more.
pub(crate) fn remove_abandoned(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // Of the entry itself: a link may lead anywhere.
        let ours = name.starts_with(START)
            && (name.ends_with(END) || (name.ends_with(UNLOCKED) && is_old(&entry)))
            && entry.file_type().is_ok_and(|kind| kind.is_file());
        let free = || File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok());
        if ours && free() {
            tracing::info!("removing a file that a killed run has left");
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
    fn only_what_nobody_holds_is_removed() {
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
