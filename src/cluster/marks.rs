//! Attempts at a row: who runs it, and who died with it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::folder::{MarkFile, SharedFolder};

/// Time between two counts of a mark.
const BEAT: Duration = Duration::from_secs(1);
/// Time after which a mark that stands still is that of a dead executor.
const STILL: Duration = Duration::from_secs(4);
/// Dead executors after which a row is not tried again.
pub(super) const MAX_DEATHS: usize = 2;

/// An attempt that is under way: its mark counts, and goes when this is dropped.
#[derive(Debug)]
pub(super) struct RowAttempt {
    _mark: Arc<MarkFile>,
    ticker: JoinHandle<()>,
}

impl RowAttempt {
    /// Marks the row before it is run.
    ///
    /// # Errors
    /// Of the file system.
    pub(super) fn begin(folder: &SharedFolder, key: &str, executor: &str) -> io::Result<Self> {
        let mark = Arc::new(folder.create_mark(key, executor)?);
        let counted = Arc::downgrade(&mark);
        let ticker = tokio::spawn(async move {
            for count in 1.. {
                tokio::time::sleep(BEAT).await;
                let Some(mark) = counted.upgrade() else { return };
                // A file system that is gone for a while only looks like a death.
                let _ = tokio::task::spawn_blocking(move || mark.write(count)).await;
            }
        });
        Ok(Self { _mark: mark, ticker })
    }
}

impl Drop for RowAttempt {
    fn drop(&mut self) {
        self.ticker.abort();
    }
}

/// What earlier attempts at a row came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum EarlierAttempts {
    /// An outcome.
    Outcome,
    /// None; so many executors died.
    Deaths(usize),
}

/// Waits while another executor runs the row.
pub(super) async fn earlier(folder: &SharedFolder, key: &str, executor: &str) -> EarlierAttempts {
    let look = || {
        let mut marks = folder.marks_of(key);
        marks.retain(|(who, _)| who != executor);
        marks.sort_unstable();
        (folder.result_file(key).exists(), marks)
    };
    loop {
        let (is_done, marks) = look();
        if is_done {
            return EarlierAttempts::Outcome;
        }
        if marks.is_empty() {
            return EarlierAttempts::Deaths(0);
        }
        tokio::time::sleep(STILL).await;
        let (is_done, later) = look();
        if !is_done && later == marks {
            return EarlierAttempts::Deaths(marks.len());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn a_mark_that_stands_still_is_a_death_and_one_that_counts_is_waited_for() {
        let out = tempfile::tempdir().unwrap();
        let folder = SharedFolder::create(out.path()).unwrap();
        assert_eq!(earlier(&folder, "k", "me").await, EarlierAttempts::Deaths(0));
        std::mem::forget(folder.create_mark("k", "dead").unwrap());
        std::mem::forget(folder.create_mark("k", "me").unwrap());
        assert_eq!(earlier(&folder, "k", "me").await, EarlierAttempts::Deaths(1));
        let attempt = RowAttempt::begin(&folder, "k", "alive").unwrap();
        let waiting = earlier(&folder, "k", "me");
        let done = async {
            tokio::time::sleep(STILL + BEAT).await;
            folder.put_result("k", "alive", b"done").unwrap();
            drop(attempt);
        };
        let (waited, ()) = tokio::join!(waiting, done);
        assert_eq!(waited, EarlierAttempts::Outcome);
        assert_eq!(folder.marks_of("k").len(), 2, "those of the dead stay");
    }
}
