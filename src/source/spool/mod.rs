//! The folder where fetched sources lie while they are of use.
//!
//! Each runtime has a folder of its own with a locked file in it; it goes with the runtime, and what
//! a killed one has left is removed by the next. Files that nobody works on stay, for the stages to
//! come, until the room is needed: then the one that was not used for longest goes first. Room is
//! reserved before bytes are written, so that many fetches at a time stay below the limit.

mod file;
mod folder;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

pub use file::SpoolFile;
pub(super) use file::is_of_content;
use folder::Folder;
use tempfile::TempPath;
use tokio::sync::Notify;

use crate::config::ParallelConfig;
use crate::error::{Error, ErrorCode, Result};

/// Room that is taken at a time for a source of unknown size.
const STEP: u64 = 64 << 20;

/// See the module. Clones are the same spool.
#[derive(Debug, Clone)]
pub struct Spool(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    dir: PathBuf,
    limit: u64,
    state: Mutex<State>,
    /// Room may have been made.
    changed: Notify,
    /// Made when it is first needed. Dropped after the files in it.
    folder: tokio::sync::OnceCell<Folder>,
}

#[derive(Debug, Default)]
struct State {
    /// Bytes that are written or reserved.
    used: u64,
    /// The files that can be asked for, by what they were fetched from.
    kept: HashMap<String, Kept>,
    /// Counts uses.
    uses: u64,
    /// Files there are, kept or only held by those who work on them.
    files: usize,
    /// Reservations that hold room and may still grow.
    growing: usize,
    /// Of which wait for room.
    stuck: usize,
}

#[derive(Debug)]
struct Kept {
    file: Arc<Spooled>,
    validator: String,
    last_use: u64,
}

/// A complete file. It and its room go with the last one who holds it.
#[derive(Debug)]
struct Spooled {
    path: Option<TempPath>,
    bytes: u64,
    spool: Weak<Shared>,
}

/// A file of the spool that stays while this lives.
#[derive(Debug)]
pub struct Lease {
    file: Option<Arc<Spooled>>,
    path: PathBuf,
    validator: String,
    spool: Arc<Shared>,
}

/// Room for bytes to come; what was not used is given back when it is dropped.
#[derive(Debug)]
pub struct Reservation {
    spool: Arc<Shared>,
    bytes: u64,
}

impl Spool {
    /// A spool in a folder of its own in `dir`, of `limit` bytes. Nothing is made before it is
    /// needed.
    pub fn new(dir: impl Into<PathBuf>, limit: u64) -> Self {
        Self(Arc::new(Shared {
            dir: dir.into(),
            limit,
            state: Mutex::default(),
            changed: Notify::new(),
            folder: tokio::sync::OnceCell::new(),
        }))
    }

    /// The spool that `config` asks for.
    pub fn from_config(config: &ParallelConfig) -> Self {
        let dir = match config.spool_dir.as_str() {
            "" => std::env::temp_dir(),
            dir => PathBuf::from(dir),
        };
        Self::new(dir, (config.spool_limit_gb * 1e9) as u64)
    }

    /// The file that was fetched from `location`, if it is still there.
    pub fn find(&self, location: &str) -> Option<Lease> {
        let mut state = self.0.state();
        state.uses += 1;
        let uses = state.uses;
        let kept = state.kept.get_mut(location)?;
        kept.last_use = uses;
        Some(self.lease(&kept.file, &kept.validator))
    }

    /// What was fetched from `location` is out of date. Those who work on it keep it.
    pub fn forget(&self, location: &str) {
        let forgotten = self.0.state().kept.remove(location);
        drop(forgotten);
    }

    /// Room for `bytes`, or for a first part if they are not known; waits for it if need be.
    ///
    /// # Errors
    /// `source.too_large` if it is more than the whole spool; `store.write` if the folder cannot be
    /// made.
    pub async fn reserve(&self, bytes: Option<u64>) -> Result<Reservation> {
        self.folder().await?;
        let mut reservation = Reservation::new(&self.0);
        reservation.grow_to(bytes.unwrap_or(STEP.min(self.0.limit)), true).await?;
        Ok(reservation)
    }

    /// A new file for `bytes`, if they are known.
    ///
    /// # Errors
    /// As [`Spool::reserve`].
    pub async fn create(&self, bytes: Option<u64>) -> Result<SpoolFile> {
        let room = self.reserve(bytes).await?;
        SpoolFile::create(self.folder().await?, room).await
    }

    /// The folder of this spool, for a program that writes by itself.
    ///
    /// # Errors
    /// `store.write` if it cannot be made.
    pub async fn folder(&self) -> Result<&Path> {
        let dir = self.0.dir.clone();
        let folder = self
            .0
            .folder
            .get_or_try_init(|| async move { blocking(move || Folder::create(&dir)).await });
        Ok(folder.await?.path())
    }

    /// Keep a complete file of `bytes` that lies in the spool's folder: it is what `location` holds
    /// as long as its validator is `validator`.
    pub fn keep(
        &self,
        location: &str,
        validator: &str,
        path: TempPath,
        bytes: u64,
        room: Reservation,
    ) -> Lease {
        room.becomes(bytes);
        let file = Arc::new(Spooled { path: Some(path), bytes, spool: Arc::downgrade(&self.0) });
        let mut state = self.0.state();
        state.files += 1;
        state.uses += 1;
        let last_use = state.uses;
        let kept = Kept { file: Arc::clone(&file), validator: validator.to_owned(), last_use };
        let old = state.kept.insert(location.to_owned(), kept);
        drop(state);
        drop(old);
        self.lease(&file, validator)
    }

    /// Bytes that are written or reserved.
    pub fn used(&self) -> u64 {
        self.0.state().used
    }

    fn lease(&self, file: &Arc<Spooled>, validator: &str) -> Lease {
        Lease {
            path: file.path.as_deref().map(Path::to_path_buf).unwrap_or_default(),
            file: Some(Arc::clone(file)),
            validator: validator.to_owned(),
            spool: Arc::clone(&self.0),
        }
    }
}

impl Lease {
    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it was fetched as.
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

impl Drop for Spooled {
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
    fn new(spool: &Arc<Shared>) -> Self {
        Self { spool: Arc::clone(spool), bytes: 0 }
    }

    /// Bytes there is room for.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Have room for `bytes` in all, and for some more unless it is `exactly` what will be needed;
    /// waits for it if need be.
    ///
    /// # Errors
    /// `source.too_large` if it is more than the whole spool; `store.write` if nobody can make room
    /// any more, because all wait for it.
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
                Grown::Yes => return Ok(()),
                Grown::After(old) => remove(old).await,
                Grown::Never => return Err(self.full()),
                Grown::Later(stuck) => {
                    changed.await;
                    drop(stuck);
                }
            }
        }
    }

    fn try_grow(&mut self, bytes: u64, exactly: bool) -> Grown {
        let mut state = self.spool.state();
        let needed = bytes - self.bytes;
        let free = self.spool.limit.saturating_sub(state.used);
        if needed <= free {
            let more = if exactly { needed } else { needed.max(STEP).min(free) };
            state.used += more;
            state.growing += usize::from(self.bytes == 0);
            self.bytes += more;
            return Grown::Yes;
        }
        let idle = state.kept.iter().filter(|(_, kept)| Arc::strong_count(&kept.file) == 1);
        if let Some(oldest) = idle.min_by_key(|(_, kept)| kept.last_use).map(|(key, _)| key.clone())
        {
            return Grown::After(state.kept.remove(&oldest).map(|kept| kept.file));
        }
        // One that has room already and waits for more holds others up: if all do, one must give up.
        let holds = self.bytes > 0;
        if holds && state.files == 0 && state.stuck + 1 >= state.growing {
            return Grown::Never;
        }
        state.stuck += usize::from(holds);
        Grown::Later(Stuck { spool: Arc::clone(&self.spool), counted: holds })
    }

    /// The reservation is a file of `bytes` now.
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
            "the {gb:.1} GB for fetched sources are too few for the sources that are fetched at a time; \
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

/// Whether there is room.
enum Grown {
    Yes,
    /// Perhaps, once this file is removed.
    After(Option<Arc<Spooled>>),
    Later(Stuck),
    Never,
}

/// Somebody who holds room and waits for more.
struct Stuck {
    spool: Arc<Shared>,
    counted: bool,
}

impl Drop for Stuck {
    fn drop(&mut self) {
        if self.counted {
            let mut state = self.spool.state();
            state.stuck = state.stuck.saturating_sub(1);
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Large files take their time to be removed.
async fn remove(file: Option<Arc<Spooled>>) {
    let _ = tokio::task::spawn_blocking(move || drop(file)).await;
}

/// Run what may block where it may.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|e| Error::new(ErrorCode::Internal, format!("a file was not made ({e})")))?
}

/// What goes wrong with the disk.
fn cannot_spool(folder: &Path, cause: std::io::Error) -> Error {
    let folder = folder.display();
    let message = match cause.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => format!(
            "the disk of {folder} is full, where fetched sources are put; make room, or name another folder in spool_dir"
        ),
        _ => format!(
            "fetched sources cannot be written to {folder} ({cause}); name another folder in spool_dir"
        ),
    };
    Error::new(ErrorCode::StoreWrite, message).with_source(cause)
}

#[cfg(test)]
mod tests;
