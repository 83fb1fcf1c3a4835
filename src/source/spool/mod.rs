//! The folder of fetched sources.
//!
//! Each runtime has its own folder with a locked file in it. The folder is removed with the runtime, or,
//! if that was killed, by a later one. Files that are not in use stay for later stages until the space is
//! needed; the least recently used one is removed first. Space is reserved before bytes are written, so
//! that concurrent fetches stay below the limit.

mod file;
mod folder;
mod reservation;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

pub use file::SpoolFile;
pub(super) use file::{is_of_content, put_beside};
use folder::SpoolFolder;
use reservation::RESERVATION_STEP;
pub use reservation::Reservation;
use tempfile::TempPath;
use tokio::sync::Notify;

use crate::config::ParallelConfig;
use crate::error::{Error, ErrorCode, Result};

/// A bounded folder of fetched sources; see the module. Clones share the folder.
#[derive(Debug, Clone)]
pub struct Spool(Arc<SpoolShared>);

/// State shared by all clones of a [`Spool`].
#[derive(Debug)]
struct SpoolShared {
    dir: PathBuf,
    limit: u64,
    state: Mutex<SpoolState>,
    /// Notified when space may have become free.
    changed: Notify,
    /// Created on first use; dropped after the files in it.
    folder: tokio::sync::OnceCell<SpoolFolder>,
}

/// Files and reservations of a spool.
#[derive(Debug, Default)]
struct SpoolState {
    /// Bytes written or reserved.
    used: u64,
    /// The files that can be found, by location.
    entries: HashMap<String, SpoolEntry>,
    /// Counter of uses.
    uses: u64,
    /// Number of files, findable or only leased.
    files: usize,
    /// Reservations that hold space and may still grow.
    growing: usize,
    /// Of those, the ones waiting for space.
    stuck: usize,
}

/// A file that can be found by its location.
#[derive(Debug)]
struct SpoolEntry {
    file: Arc<SpooledFile>,
    validator: String,
    last_use: u64,
}

/// A complete file. It is removed, and its space released, with the last reference.
#[derive(Debug)]
struct SpooledFile {
    path: Option<TempPath>,
    /// What lies beside it, such as its captions; removed with it.
    beside: Vec<TempPath>,
    bytes: u64,
    spool: Weak<SpoolShared>,
}

/// A lease of a file in the spool, which exists at least as long as this.
#[derive(Debug)]
pub struct Lease {
    file: Option<Arc<SpooledFile>>,
    path: PathBuf,
    validator: String,
    spool: Arc<SpoolShared>,
}

impl Spool {
    /// A spool of `limit` bytes in a new folder in `dir`, which is created on first use.
    pub fn new(dir: impl Into<PathBuf>, limit: u64) -> Self {
        Self(Arc::new(SpoolShared {
            dir: dir.into(),
            limit,
            state: Mutex::default(),
            changed: Notify::new(),
            folder: tokio::sync::OnceCell::new(),
        }))
    }

    /// The spool of `config`.
    pub fn from_config(config: &ParallelConfig) -> Self {
        let dir = match config.spool_dir.as_str() {
            "" => std::env::temp_dir(),
            dir => PathBuf::from(dir),
        };
        Self::new(dir, (config.spool_limit_gb * 1e9) as u64)
    }

    /// The file that was fetched from `location`, if it is still in the spool.
    pub fn find(&self, location: &str) -> Option<Lease> {
        let mut state = self.0.state();
        state.uses += 1;
        let uses = state.uses;
        let entry = state.entries.get_mut(location)?;
        entry.last_use = uses;
        Some(self.lease(&entry.file, &entry.validator))
    }

    /// Forgets the file that was fetched from `location`, which is out of date. Leases keep it.
    pub fn forget(&self, location: &str) {
        let forgotten = self.0.state().entries.remove(location);
        drop(forgotten);
    }

    /// Reserves space for `bytes`, or for a first part if the size is unknown; waits until it is free.
    ///
    /// # Errors
    /// `source.too_large` if it exceeds the whole spool; `store.write` if the folder cannot be created.
    pub async fn reserve(&self, bytes: Option<u64>) -> Result<Reservation> {
        self.folder().await?;
        let mut reservation = Reservation::new(&self.0);
        reservation.grow_to(bytes.unwrap_or(RESERVATION_STEP.min(self.0.limit)), true).await?;
        Ok(reservation)
    }

    /// Creates a file for `bytes`, if the size is known.
    ///
    /// # Errors
    /// As [`Spool::reserve`].
    pub async fn create(&self, bytes: Option<u64>) -> Result<SpoolFile> {
        let room = self.reserve(bytes).await?;
        SpoolFile::create(self.folder().await?, room).await
    }

    /// The folder of this spool, for a program that writes its own files.
    ///
    /// # Errors
    /// `store.write` if it cannot be created.
    pub async fn folder(&self) -> Result<&Path> {
        let dir = self.0.dir.clone();
        let folder = self
            .0
            .folder
            .get_or_try_init(|| async move { blocking(move || SpoolFolder::create(&dir)).await });
        Ok(folder.await?.path())
    }

    /// Keeps a complete file of `bytes` in the spool's folder, with the files `beside` it, as the source of `location`
    /// with `validator`.
    pub fn keep(
        &self,
        location: &str,
        validator: &str,
        (path, beside): (TempPath, Vec<TempPath>),
        bytes: u64,
        room: Reservation,
    ) -> Lease {
        room.becomes(bytes);
        let spool = Arc::downgrade(&self.0);
        let file = Arc::new(SpooledFile { path: Some(path), beside, bytes, spool });
        let mut state = self.0.state();
        state.files += 1;
        state.uses += 1;
        let last_use = state.uses;
        let entry =
            SpoolEntry { file: Arc::clone(&file), validator: validator.to_owned(), last_use };
        let old = state.entries.insert(location.to_owned(), entry);
        drop(state);
        drop(old);
        self.lease(&file, validator)
    }

    /// Bytes written or reserved.
    pub fn used(&self) -> u64 {
        self.0.state().used
    }

    fn lease(&self, file: &Arc<SpooledFile>, validator: &str) -> Lease {
        Lease {
            path: file.path.as_deref().map(Path::to_path_buf).unwrap_or_default(),
            file: Some(Arc::clone(file)),
            validator: validator.to_owned(),
            spool: Arc::clone(&self.0),
        }
    }
}

impl Lease {
    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The validator of the source as it was fetched.
    pub fn validator(&self) -> &str {
        &self.validator
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        drop(self.file.take());
        self.spool.changed.notify_waiters();
    }
}

impl Drop for SpooledFile {
    fn drop(&mut self) {
        self.beside.clear();
        drop(self.path.take());
        if let Some(spool) = self.spool.upgrade() {
            let mut state = spool.state();
            state.used = state.used.saturating_sub(self.bytes);
            state.files = state.files.saturating_sub(1);
            drop(state);
            spool.changed.notify_waiters();
        }
    }
}

impl SpoolShared {
    fn state(&self) -> MutexGuard<'_, SpoolState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs blocking work on a blocking thread.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|e| Error::new(ErrorCode::Internal, format!("a file was not created ({e})")))?
}

/// The error of a failed write to the spool.
fn cannot_spool(folder: &Path, cause: std::io::Error) -> Error {
    let folder = folder.display();
    let message = match cause.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => format!(
            "the disk of {folder}, the folder of fetched sources, is full; free space or set spool_dir to another folder"
        ),
        _ => format!(
            "fetched sources cannot be written to {folder} ({cause}); set spool_dir to another folder"
        ),
    };
    Error::new(ErrorCode::StoreWrite, message).with_source(cause)
}

#[cfg(test)]
mod tests;
