//! Render slots: the passes of all sources share the cores and the memory.

use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::cancel::CancelToken;
use crate::error::Result;

/// A deadline that is never reached: ten years.
const EVER: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// The share of the machine's cores and rendering memory that one process may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryShare {
    /// Largest number of concurrent ffmpeg processes that render.
    pub processes: usize,
    /// Number of processes, this one included, that divide the memory of the settings.
    pub of: u64,
}

impl MemoryShare {
    /// The share of one of `of` concurrent processes: equal parts of the cores and the memory.
    pub fn one_of(of: usize) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let of = of.max(1);
        Self { processes: (cores / of).max(1), of: of as u64 }
    }
}

/// Admits passes while cores and memory are free. Clones share their state.
///
/// An encoder with one thread keeps one core busy, so two concurrent passes use two cores, whether
/// they belong to one source or to several.
#[derive(Debug, Clone)]
pub struct RenderScheduler(Arc<SharedScheduler>);

#[derive(Debug)]
struct SharedScheduler {
    share: MemoryShare,
    state: Mutex<SchedulerState>,
    /// Folders from which the partial files of killed runs have been removed.
    swept: Mutex<BTreeSet<PathBuf>>,
}

#[derive(Debug, Default)]
struct SchedulerState {
    running: usize,
    /// Estimated bytes of the running passes.
    used: u64,
    /// Waiting callers, first come first served.
    waiting: VecDeque<(u64, CancelToken)>,
    tickets: u64,
}

/// The capacity that is free for the next pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FreeCapacity {
    /// Memory in bytes.
    pub(crate) bytes: u64,
    /// Number of passes that may start now.
    pub(crate) passes: usize,
    /// Whether nothing runs; then a pass must start, however large.
    pub(crate) alone: bool,
}

/// The answer of the caller that is first in line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum SlotChoice<T> {
    /// Start this work, which may need that many bytes.
    Take(T, u64),
    /// Wait until more capacity is free.
    Wait,
    /// No work is left.
    Nothing,
}

impl Default for RenderScheduler {
    /// A scheduler with exclusive use of the machine.
    fn default() -> Self {
        Self::new(MemoryShare::one_of(1))
    }
}

impl RenderScheduler {
    /// Creates a scheduler that stays within `share`.
    pub fn new(share: MemoryShare) -> Self {
        Self(Arc::new(SharedScheduler { share, state: Mutex::default(), swept: Mutex::default() }))
    }

    /// Calls `sweep` for `folder`, once per scheduler.
    pub(crate) fn sweep(&self, folder: &Path, sweep: impl FnOnce(&Path)) {
        let mut swept = self.0.swept.lock().unwrap_or_else(PoisonError::into_inner);
        if swept.insert(folder.to_owned()) {
            sweep(folder);
        }
    }

    /// Largest number of concurrent passes.
    pub(crate) fn processes(&self) -> usize {
        self.0.share.processes.max(1)
    }

    /// This process's part of the `bytes` of the settings.
    pub(crate) fn memory(&self, bytes: u64) -> u64 {
        bytes / self.0.share.of.max(1)
    }

    /// Waits until the caller is first in line and `choose` takes work for the free capacity.
    ///
    /// Returns the work with its slot, or `None` if no work is left. `memory_bytes` is for all
    /// concurrent passes together.
    ///
    /// # Errors
    /// `cancelled`.
    pub(crate) fn take<T>(
        &self,
        memory_bytes: u64,
        cancel: &CancelToken,
        choose: impl Fn(FreeCapacity) -> SlotChoice<T>,
    ) -> Result<Option<(T, RenderSlot)>> {
        let ticket = {
            let mut state = self.lock();
            state.tickets += 1;
            let ticket = state.tickets;
            state.waiting.push_back((ticket, cancel.clone()));
            ticket
        };
        // Leaves the line in any case and wakes the next caller.
        let place = WaitingTicket { scheduler: self, ticket };
        let chosen = Mutex::new(None);
        cancel.wait(Instant::now() + EVER, false, || {
            let mut state = self.lock();
            let first = state.waiting.front().is_some_and(|(first, _)| *first == ticket);
            if !first || state.running >= self.processes() {
                return false;
            }
            let free = FreeCapacity {
                bytes: self.memory(memory_bytes).saturating_sub(state.used),
                passes: self.processes() - state.running,
                alone: state.running == 0,
            };
            match choose(free) {
                SlotChoice::Wait => return false,
                SlotChoice::Nothing => {}
                SlotChoice::Take(what, bytes) => {
                    state.running += 1;
                    state.used += bytes;
                    let mut chosen = chosen.lock().unwrap_or_else(PoisonError::into_inner);
                    *chosen = Some((what, bytes));
                }
            }
            true
        });
        drop(place);
        let chosen = chosen.into_inner().unwrap_or_else(PoisonError::into_inner);
        let chosen =
            chosen.map(|(what, bytes)| (what, RenderSlot { scheduler: self.clone(), bytes }));
        // Work that was taken is returned even after a cancellation: it is no longer in the queue, and
        // running it reports the cancellation.
        if chosen.is_none() {
            cancel.check()?;
        }
        Ok(chosen)
    }

    fn lock(&self) -> MutexGuard<'_, SchedulerState> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and wakes the first in line to look at it.
    fn change(&self, change: impl FnOnce(&mut SchedulerState)) {
        let first = {
            let mut state = self.lock();
            change(&mut state);
            state.waiting.front().map(|(_, token)| token.clone())
        };
        // After releasing the lock: a token calls its waiters while holding its own lock.
        if let Some(token) = first {
            token.notify();
        }
    }
}

/// A place in the line of waiting callers, given up on drop.
struct WaitingTicket<'a> {
    scheduler: &'a RenderScheduler,
    ticket: u64,
}

impl Drop for WaitingTicket<'_> {
    fn drop(&mut self) {
        self.scheduler.change(|state| state.waiting.retain(|(ticket, _)| *ticket != self.ticket));
    }
}

/// The slot of a running pass, released on drop.
#[derive(Debug)]
pub(crate) struct RenderSlot {
    scheduler: RenderScheduler,
    bytes: u64,
}

impl Drop for RenderSlot {
    fn drop(&mut self) {
        self.scheduler.change(|state| {
            state.running -= 1;
            state.used -= self.bytes;
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[test]
    fn cores_and_memory_are_shared() {
        let all = MemoryShare::one_of(1);
        assert!(all.processes >= 1 && all.of == 1);
        let part = RenderScheduler::new(MemoryShare::one_of(1000));
        assert_eq!((part.processes(), part.memory(5000)), (1, 5));
    }

    #[test]
    fn running_passes_stay_within_memory_and_cores() {
        let scheduler = RenderScheduler::new(MemoryShare { processes: 3, of: 1 });
        let (now, most) = (AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let cancel = CancelToken::new();
                        let choose = |free: FreeCapacity| match free.bytes {
                            40.. => SlotChoice::Take((), 40),
                            _ => SlotChoice::Wait,
                        };
                        let turn = scheduler.take(100, &cancel, choose).unwrap().unwrap();
                        let running = now.fetch_add(40, Ordering::SeqCst) + 40;
                        most.fetch_max(running, Ordering::SeqCst);
                        std::thread::yield_now();
                        now.fetch_sub(40, Ordering::SeqCst);
                        drop(turn);
                    }
                });
            }
        });
        assert!(most.load(Ordering::SeqCst) <= 80);
        assert_eq!(scheduler.lock().running, 0);
    }

    #[test]
    fn a_cancelled_wait_leaves_the_line() {
        let scheduler = RenderScheduler::new(MemoryShare { processes: 1, of: 1 });
        let first = scheduler.take(10, &CancelToken::new(), |_| SlotChoice::Take((), 10)).unwrap();
        let cancel = CancelToken::new();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| scheduler.take(10, &cancel, |_| SlotChoice::Take((), 10)));
            while scheduler.lock().waiting.is_empty() {
                std::thread::yield_now();
            }
            cancel.cancel();
            assert!(waiting.join().unwrap().is_err());
        });
        drop(first);
        assert!(
            scheduler
                .take(10, &CancelToken::new(), |_| SlotChoice::Take((), 10))
                .unwrap()
                .is_some()
        );
    }
}
