//! Space in the spool: reserved before bytes are written.

use std::sync::Arc;

use super::{SpoolShared, SpooledFile};
use crate::error::{Error, ErrorCode, Result};

/// Space reserved at a time for a source of unknown size.
pub(super) const RESERVATION_STEP: u64 = 64 << 20;

/// Space for bytes to be written; what is unused is released when it is dropped.
#[derive(Debug)]
pub struct Reservation {
    spool: Arc<SpoolShared>,
    bytes: u64,
}

impl Reservation {
    pub(super) fn new(spool: &Arc<SpoolShared>) -> Self {
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
    pub(super) fn becomes(mut self, bytes: u64) {
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

/// Removes a file on a blocking thread: removing large files takes time.
async fn remove(file: Option<Arc<SpooledFile>>) {
    let _ = tokio::task::spawn_blocking(move || drop(file)).await;
}
