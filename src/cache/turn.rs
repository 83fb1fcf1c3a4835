//! One at a time: who wants a result that nobody has yet does the work, the others wait for it.
//!
//! Within this process through a lock per key; between processes that share a folder through a lock
//! file per key, which the kernel lets go of however its holder ends. Object stores have no such
//! lock: there, each process does the work once.

use std::collections::HashMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex as Queue, OwnedMutexGuard};

use super::CacheKey;

/// Pauses between two looks at a lock that another process holds.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);
/// After this long the other process is taken for stuck, and the work done here too.
const PATIENCE: Duration = Duration::from_secs(3600);

/// Everybody's turn at the keys of one cache.
#[derive(Debug, Default)]
pub(super) struct Turns {
    queues: Mutex<HashMap<CacheKey, Weak<Queue<()>>>>,
}

/// The right to do the work of a key. Dropping it lets the next one go.
#[derive(Debug)]
pub struct Turn {
    // In this order: the lock file is free before the next one in this process asks for it.
    _file: Option<LockFile>,
    _queue: OwnedMutexGuard<()>,
    /// Whether somebody else had it in between.
    pub(super) waited: bool,
}

impl Turns {
    /// Wait for one's turn. `folder`: where other processes queue too. A lock file that cannot be
    /// made is an `Err` beside the turn: each process then works for itself.
    pub(super) async fn take(
        &self,
        key: &CacheKey,
        folder: Option<&Path>,
    ) -> (Turn, Option<io::Error>) {
        let queue = self.queue(key);
        let (queue, mut waited) = match Arc::clone(&queue).try_lock_owned() {
            Ok(guard) => (guard, false),
            Err(_) => (queue.lock_owned().await, true),
        };
        let (mut file, mut trouble) = (None, None);
        if let Some(folder) = folder {
            match lock_file(folder.join("locks").join(key.to_string())).await {
                Ok((lock, others)) => {
                    file = lock;
                    waited |= others;
                }
                Err(e) => trouble = Some(e),
            }
        }
        (Turn { _file: file, _queue: queue, waited }, trouble)
    }

    fn queue(&self, key: &CacheKey) -> Arc<Queue<()>> {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = queues.get(key).and_then(Weak::upgrade) {
            return queue;
        }
        queues.retain(|_, queue| queue.strong_count() > 0);
        let queue = Arc::new(Queue::new(()));
        queues.insert(*key, Arc::downgrade(&queue));
        queue
    }
}

/// A lock file that is held, and removed when it no longer is.
#[derive(Debug)]
struct LockFile {
    path: PathBuf,
    _file: File,
}

impl Drop for LockFile {
    fn drop(&mut self) {
        // Still held: whoever opened it before this finds, once it has the lock, that the name is
        // no longer that file's.
        let _ = fs::remove_file(&self.path);
    }
}

/// Hold the lock file at `path` (`None` if its holder seems stuck); whether somebody else held it
/// before.
///
/// Looked at again and again and not waited for in a thread: that wait could not be ended.
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
    // Removed by its last holder between opening and locking: not the file others would lock.
    let current = fs::metadata(&path).is_ok_and(same);
    Ok(current.then_some(LockFile { path, _file: file }))
}
