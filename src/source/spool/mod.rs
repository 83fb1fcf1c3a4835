//! The folder of fetched sources.
//!
//! Each runtime has its own folder with a locked file in it. The folder is removed with the runtime, or,
//! if that was killed, by a later one. Files that are not in use stay for later stages until the space is
//! needed; the least recently used one is removed first. Space is reserved before bytes are written, so
//! that concurrent fetches stay below the limit.

mod file;
mod folder;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

pub use file::SpoolFile;
pub(super) use file::is_of_content;
use folder::SpoolFolder;
use tempfile::TempPath;
use tokio::sync::Notify;

use crate::config::ParallelConfig;
use crate::error::{Error, ErrorCode, Result};

/// Space reserved at a time for a source of unknown size.
const RESERVATION_STEP: u64 = 64 << 20;

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

/// Space for bytes to be written; what is unused is released when it is dropped.
#[derive(Debug)]
pub struct Reservation {
    spool: Arc<SpoolShared>,
    bytes: u64,
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

    /// Keeps a complete file of `bytes` in the spool's folder as the source of `location` with
    /// `validator`.
    pub fn keep(
        &self,
        location: &str,
        validator: &str,
        path: TempPath,
        bytes: u64,
        room: Reservation,
    ) -> Lease {
        room.becomes(bytes);
        let file =
            Arc::new(SpooledFile { path: Some(path), bytes, spool: Arc::downgrade(&self.0) });
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

impl Reservation {
    fn new(spool: &Arc<SpoolShared>) -> Self {
        Self { spool: Arc::clone(spool), bytes: 0 }
    }

    /// Reserved bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Grows the reservation to `bytes` in total, with some reserve unless that is `exactly` the final
    /// size; waits until the space is free.
    ///
    /// # Errors
    /// `source.too_large` if it exceeds the whole spool; `store.write` if all reservations wait for each
    /// other.
    pub async fn grow_to(&mut self, bytes: u64, exactly: bool) -> Result<()> {
        if bytes <= self.bytes {
            return Ok(());
        }
        if bytes > self.spool.limit {
            return Err(self.too_large());
        }
        loop {
            let spool = Arc::clone(&self.spool);
            let changed = spool.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            match self.try_grow(bytes, exactly) {
                Growth::Done => return Ok(()),
                Growth::AfterRemoval(old) => remove(old).await,
                Growth::Never => return Err(self.full()),
                Growth::Later(stuck) => {
                    changed.await;
                    drop(stuck);
                }
            }
        }
    }

    fn try_grow(&mut self, bytes: u64, exactly: bool) -> Growth {
        let mut state = self.spool.state();
        let needed = bytes - self.bytes;
        let free = self.spool.limit.saturating_sub(state.used);
        if needed <= free {
            let more = if exactly { needed } else { needed.max(RESERVATION_STEP).min(free) };
            state.used += more;
            state.growing += usize::from(self.bytes == 0);
            self.bytes += more;
            return Growth::Done;
        }
        let idle = state.entries.iter().filter(|(_, entry)| Arc::strong_count(&entry.file) == 1);
        if let Some(oldest) =
            idle.min_by_key(|(_, entry)| entry.last_use).map(|(key, _)| key.clone())
        {
            return Growth::AfterRemoval(state.entries.remove(&oldest).map(|entry| entry.file));
        }
        // A reservation that holds space and waits for more blocks others: if all do, one must fail.
        let holds = self.bytes > 0;
        if holds && state.files == 0 && state.stuck + 1 >= state.growing {
            return Growth::Never;
        }
        state.stuck += usize::from(holds);
        Growth::Later(StuckReservation { spool: Arc::clone(&self.spool), counted: holds })
    }

    /// Turns the reservation into the space of a file of `bytes`.
    fn becomes(mut self, bytes: u64) {
        let mut state = self.spool.state();
        state.used = (state.used + bytes).saturating_sub(self.bytes);
        state.growing = state.growing.saturating_sub(usize::from(self.bytes > 0));
        self.bytes = 0;
        drop(state);
    }

    fn too_large(&self) -> Error {
        let gb = self.spool.limit as f64 / 1e9;
        Error::new(
            ErrorCode::SourceTooLarge,
            format!(
                "the source does not fit into the {gb:.1} GB for fetched sources; raise spool_limit_gb"
            ),
        )
    }

    fn full(&self) -> Error {
        let gb = self.spool.limit as f64 / 1e9;
        let message = format!(
            "the {gb:.1} GB for fetched sources are too few for the number of concurrent fetches; \
             raise spool_limit_gb or lower max_fetches"
        );
        Error::new(ErrorCode::StoreWrite, message).with_retry_after(std::time::Duration::ZERO)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut state = self.spool.state();
        state.used = state.used.saturating_sub(self.bytes);
        state.growing = state.growing.saturating_sub(usize::from(self.bytes > 0));
        drop(state);
        self.spool.changed.notify_waiters();
    }
}

/// Whether there is space for a reservation.
enum Growth {
    /// There is.
    Done,
    /// There may be once this file is removed.
    AfterRemoval(Option<Arc<SpooledFile>>),
    /// There may be later.
    Later(StuckReservation),
    /// There will be none, since all reservations wait for each other.
    Never,
}

/// Counts a reservation that holds space and waits for more.
struct StuckReservation {
    spool: Arc<SpoolShared>,
    counted: bool,
}

impl Drop for StuckReservation {
    fn drop(&mut self) {
        if self.counted {
            let mut state = self.spool.state();
            state.stuck = state.stuck.saturating_sub(1);
        }
    }
}

impl SpoolShared {
    fn state(&self) -> MutexGuard<'_, SpoolState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes a file on a blocking thread: removing large files takes time.
async fn remove(file: Option<Arc<SpooledFile>>) {
    let _ = tokio::task::spawn_blocking(move || drop(file)).await;
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
