//! The folder of a run that the client and all executors see.
//!
//! | entry | written by | says |
//! |---|---|---|
//! | `alive` | client, each second | a counter, and whether rows may begin; without it the run is over |
//! | `rows/KEY.parquet` | client | the columns of a row |
//! | `attempts/KEY.EXECUTOR` | executor | a counter while it runs the row |
//! | `results/KEY.arrow` | executor, once | the outcome of a row |

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorCode, Result};

const ROWS: &str = "rows";
const ATTEMPTS: &str = "attempts";
const RESULTS: &str = "results";
const ALIVE: &str = "alive";

/// The folder, by the path that client and executors share.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct SharedFolder(PathBuf);

/// What the client says of its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ClientState {
    /// Rises while the client lives.
    pub(super) beat: u64,
    /// Rows that have not begun must not.
    pub(super) is_draining: bool,
}

impl SharedFolder {
    /// The folder at `path`, which is not looked at.
    pub(super) fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// Creates the folder.
    ///
    /// # Errors
    /// `store.write`.
    pub(super) fn create(path: &Path) -> Result<Self> {
        let path = std::path::absolute(path).map_err(|e| cannot_write(path, e))?;
        for name in [ROWS, ATTEMPTS, RESULTS] {
            let folder = path.join(name);
            fs::create_dir_all(&folder).map_err(|e| cannot_write(&folder, e))?;
        }
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// The folder of the results' media files: the run's folder is `OUT/_staging/RUN/cluster`.
    pub(super) fn media_dir(&self) -> Option<PathBuf> {
        let staging = self.0.parent()?.parent()?;
        (staging.file_name()? == "_staging").then(|| Some(staging.parent()?.join("media")))?
    }

    /// What the client says; `None` if it is gone, or this is not the folder of a run here.
    pub(super) fn client(&self) -> Option<ClientState> {
        let text = fs::read_to_string(self.0.join(ALIVE)).ok()?;
        let (beat, state) = text.split_once(' ')?;
        Some(ClientState { beat: beat.parse().ok()?, is_draining: state.trim() == "draining" })
    }

    /// Says that the client lives. A reader sees this text or the one before, never a part.
    pub(super) fn say(&self, state: ClientState) -> Result<()> {
        let word = if state.is_draining { "draining" } else { "running" };
        let (new, path) = (self.0.join("alive.new"), self.0.join(ALIVE));
        fs::write(&new, format!("{} {word}", state.beat))
            .and_then(|()| fs::rename(&new, &path))
            .map_err(|e| cannot_write(&path, e))
    }

    /// Says that the run is over: executors stop what they do for it.
    pub(super) fn end(&self) {
        let _ = fs::remove_file(self.0.join(ALIVE));
    }

    pub(super) fn row_file(&self, key: &str) -> PathBuf {
        self.0.join(ROWS).join(format!("{key}.parquet"))
    }

    pub(super) fn result_file(&self, key: &str) -> PathBuf {
        self.0.join(RESULTS).join(format!("{key}.arrow"))
    }

    /// Writes the outcome of a row unless there is one; whether this one is it.
    ///
    /// # Errors
    /// Of the file system.
    pub(super) fn put_result(&self, key: &str, executor: &str, bytes: &[u8]) -> io::Result<bool> {
        let new = self.0.join(RESULTS).join(format!("{key}.{executor}.new"));
        let mut file = File::create(&new)?;
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        // A second name, and not another: of two executors that run a row one is first.
        let linked = written.and_then(|()| fs::hard_link(&new, self.result_file(key)));
        let _ = fs::remove_file(&new);
        match linked {
            Ok(()) => Ok(true),
            Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// The mark of an attempt at a row, created before the row is run.
    ///
    /// # Errors
    /// Of the file system.
    pub(super) fn create_mark(&self, key: &str, executor: &str) -> io::Result<MarkFile> {
        let path = self.0.join(ATTEMPTS).join(format!("{key}.{executor}"));
        let file = File::create(&path)?;
        let mark = MarkFile { path, file };
        mark.write(0)?;
        mark.file.sync_all()?;
        Ok(mark)
    }

    /// The marks of all rows: key, executor, counter.
    pub(super) fn marks(&self) -> Vec<(String, String, u64)> {
        let folder = self.0.join(ATTEMPTS);
        let mut found = vec![];
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let named = name.to_str().and_then(|name| name.split_once('.'));
            let Some((key, executor)) = named else { continue };
            found.push((key.to_owned(), executor.to_owned(), counter(&entry.path())));
        }
        found
    }

    /// The marks of one row: executor, counter.
    pub(super) fn marks_of(&self, key: &str) -> Vec<(String, u64)> {
        let mine = |(of, executor, count)| (of == key).then_some((executor, count));
        self.marks().into_iter().filter_map(mine).collect()
    }
}

fn counter(path: &Path) -> u64 {
    fs::read_to_string(path).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

/// The mark of an attempt, removed when it is dropped: what a dead executor leaves stays.
#[derive(Debug)]
pub(super) struct MarkFile {
    path: PathBuf,
    file: File,
}

impl MarkFile {
    /// Writes the counter, into the file that was created: one that is removed does not come back.
    pub(super) fn write(&self, count: u64) -> io::Result<()> {
        self.file.write_all_at(format!("{count:012}").as_bytes(), 0)
    }
}

impl Drop for MarkFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

pub(super) fn cannot_write(path: &Path, cause: io::Error) -> Error {
    let message = format!(
        "cannot write {} ({cause}); make room there, or choose another folder for the results",
        path.display()
    );
    Error::new(ErrorCode::StoreWrite, message).with_source(cause)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_result_is_written_once_and_a_mark_goes_with_its_attempt() {
        let out = tempfile::tempdir().unwrap();
        let folder = SharedFolder::create(&out.path().join("_staging/run-1/cluster")).unwrap();
        assert_eq!(folder.media_dir(), Some(out.path().join("media")));
        assert!(folder.put_result("k", "a", b"first").unwrap());
        assert!(!folder.put_result("k", "b", b"second").unwrap());
        assert_eq!(fs::read(folder.result_file("k")).unwrap(), b"first");
        let mark = folder.create_mark("k", "a").unwrap();
        mark.write(7).unwrap();
        std::mem::forget(folder.create_mark("l", "b").unwrap());
        assert_eq!(folder.marks_of("k"), [("a".to_owned(), 7)]);
        drop(mark);
        assert_eq!(folder.marks(), [("l".to_owned(), "b".to_owned(), 0)]);
    }

    #[test]
    fn what_the_client_says_is_read_until_it_ends() {
        let out = tempfile::tempdir().unwrap();
        let folder = SharedFolder::create(out.path()).unwrap();
        assert_eq!(folder.media_dir(), None);
        assert_eq!(folder.client(), None);
        for said in [(1, false), (2, true)] {
            let said = ClientState { beat: said.0, is_draining: said.1 };
            folder.say(said).unwrap();
            assert_eq!(folder.client(), Some(said));
        }
        folder.end();
        assert_eq!(folder.client(), None);
    }
}
