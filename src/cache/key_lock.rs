//! Locks per cache key, so that one task computes a missing result while the others wait for it.
//!
//! Within the process this is a lock per key; between processes that share a folder it is a lock file
//! per key, which the kernel releases however its holder ends. Object stores have no such lock: there,
//! each process computes the result once.

use std::collections::HashMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use super::CacheKey;

/// Pauses between two attempts at a lock that another process holds.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);
/// After this long the other process counts as stuck, and the work is also done here.
const PATIENCE: Duration = Duration::from_secs(3600);

/// The key locks of one cache.
#[derive(Debug, Default)]
pub(super) struct KeyLocks {
    locks: Mutex<HashMap<CacheKey, Weak<AsyncMutex<()>>>>,
}

/// The lock of one key, held while its result is computed. Dropping it wakes the next waiter.
#[derive(Debug)]
pub struct KeyLock {
    // Field order matters: the lock file is released before the next waiter in this process asks for it.
    _file: Option<LockFile>,
    _guard: OwnedMutexGuard<()>,
    /// Whether another holder had it first.
    pub(super) waited: bool,
}

impl KeyLocks {
    /// Waits for the lock of `key`; `folder` is where other processes lock too. If the lock file
    /// cannot be created, the error is returned beside the lock and processes work independently.
    pub(super) async fn acquire(
        &self,
        key: &CacheKey,
        folder: Option<&Path>,
    ) -> (KeyLock, Option<io::Error>) {
        let lock = self.lock_of(key);
        let (guard, mut waited) = match Arc::clone(&lock).try_lock_owned() {
            Ok(guard) => (guard, false),
            Err(_) => (lock.lock_owned().await, true),
        };
        let (mut file, mut error) = (None, None);
        if let Some(folder) = folder {
            match lock_file(folder.join("locks").join(key.to_string())).await {
                Ok((lock, others)) => {
                    file = lock;
                    waited |= others;
                }
                Err(e) => error = Some(e),
            }
        }
        (KeyLock { _file: file, _guard: guard, waited }, error)
    }

    fn lock_of(&self, key: &CacheKey) -> Arc<AsyncMutex<()>> {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lock) = locks.get(key).and_then(Weak::upgrade) {
            return lock;
        }
        locks.retain(|_, lock| lock.strong_count() > 0);
        let lock = Arc::new(AsyncMutex::new(()));
        locks.insert(*key, Arc::downgrade(&lock));
        lock
    }
}

/// A held lock file; dropping it removes the file.
#[derive(Debug)]
struct LockFile {
    path: PathBuf,
    _file: File,
}

impl Drop for LockFile {
    fn drop(&mut self) {
        // The lock is still held here: a process that opened the file before sees, once it has the lock,
        // that the name no longer refers to it.
        let _ = fs::remove_file(&self.path);
    }
}

/// Acquires the lock file at `path` (`None` if its holder seems stuck), and whether another process
/// held it first.
///
/// Polls instead of blocking a thread: a blocked thread could not be cancelled.
async fn lock_file(path: PathBuf) -> io::Result<(Option<LockFile>, bool)> {
    let (started, mut pause, mut waited) = (Instant::now(), FIRST_PAUSE, false);
    loop {
        let own = path.clone();
        let tried = tokio::task::spawn_blocking(move || try_lock(own)).await;
        let lock = tried.map_err(io::Error::other)??;
        if lock.is_some() || started.elapsed() > PATIENCE {
            return Ok((lock, waited));
        }
        if !waited {
            tracing::debug!(lock = %path.display(), "waiting for what another process is making");
        }
        waited = true;
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn try_lock(path: PathBuf) -> io::Result<Option<LockFile>> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let file = File::options().create(true).truncate(false).write(true).open(&path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(e)) => return Err(e),
    }
    let ours = file.metadata()?;
    let same = |named: fs::Metadata| (named.dev(), named.ino()) == (ours.dev(), ours.ino());
    // The last holder may have removed it between open and lock: other processes would lock another file.
    let current = fs::metadata(&path).is_ok_and(same);
    Ok(current.then_some(LockFile { path, _file: file }))
}
