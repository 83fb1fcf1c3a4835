//! Who renders when: passes of all sources share the cores and the memory.

use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::cancel::CancelToken;
use crate::error::Result;

/// Longer than anybody waits.
const EVER: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// What of the machine's rendering a process has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryShare {
    /// Most ffmpeg processes that render at one time.
    pub processes: usize,
    /// Processes that divide the memory of the settings, this one among them.
    pub of: u64,
}

impl MemoryShare {
    /// A process's share where `of` of them work side by side: an equal part of the cores and of
    /// the memory.
    pub fn one_of(of: usize) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let of = of.max(1);
        Self { processes: (cores / of).max(1), of: of as u64 }
    }
}

/// Lets passes run, as many at a time as there are cores for them and memory. Clones are the same.
///
/// An encoder with one thread keeps one core busy, so that two passes at a time use two; with a
/// source for each core it is their passes that stand side by side.
#[derive(Debug, Clone)]
pub struct RenderScheduler(Arc<SharedScheduler>);

#[derive(Debug)]
struct SharedScheduler {
    share: MemoryShare,
    state: Mutex<SchedulerState>,
    /// Folders in which nothing is left of killed runs any more.
    swept: Mutex<BTreeSet<PathBuf>>,
}

#[derive(Debug, Default)]
struct SchedulerState {
    running: usize,
    /// Bytes that they may need.
    used: u64,
    /// Those that wait, first come first served.
    waiting: VecDeque<(u64, CancelToken)>,
    tickets: u64,
}

/// What there is for the next pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FreeCapacity {
    /// Memory in bytes.
    pub(crate) bytes: u64,
    /// Passes that may begin now.
    pub(crate) passes: usize,
    /// Whether nothing runs: then something must, however large.
    pub(crate) alone: bool,
}

/// What somebody does whose turn it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum SlotChoice<T> {
    /// This, which may need so many bytes.
    Take(T, u64),
    /// Waits until there is more room.
    Wait,
    /// There is nothing left to do.
    Nothing,
}

impl Default for RenderScheduler {
    /// All of the machine.
    fn default() -> Self {
        Self::new(MemoryShare::one_of(1))
    }
}

impl RenderScheduler {
    /// Turns within `share`.
    pub fn new(share: MemoryShare) -> Self {
        Self(Arc::new(SharedScheduler { share, state: Mutex::default(), swept: Mutex::default() }))
    }

    /// Has `sweep` done in `folder`, once however many sources have their files there.
    pub(crate) fn sweep(&self, folder: &Path, sweep: impl FnOnce(&Path)) {
        let mut swept = self.0.swept.lock().unwrap_or_else(PoisonError::into_inner);
        if swept.insert(folder.to_owned()) {
            sweep(folder);
        }
    }

    /// Most passes at a time.
    pub(crate) fn processes(&self) -> usize {
        self.0.share.processes.max(1)
    }

    /// The memory that there is of `bytes` of the settings.
    pub(crate) fn memory(&self, bytes: u64) -> u64 {
        bytes / self.0.share.of.max(1)
    }

    /// Waits for a turn, and lets `choose` say what to do with it. `memory_bytes` are for all that
    /// run at one time.
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
        // Leaves the queue in any case, and lets the next one look.
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
        // What was taken is no longer in the queue: whoever has it finds out that it is cancelled.
        if chosen.is_none() {
            cancel.check()?;
        }
        Ok(chosen)
    }

    fn lock(&self) -> MutexGuard<'_, SchedulerState> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and makes the first in the queue look at it.
    fn change(&self, change: impl FnOnce(&mut SchedulerState)) {
        let first = {
            let mut state = self.lock();
            change(&mut state);
            state.waiting.front().map(|(_, token)| token.clone())
        };
        // Without the lock: a token asks its waiters with its own lock held.
        if let Some(token) = first {
            token.notify();
        }
    }
}

/// A place in the queue.
struct WaitingTicket<'a> {
    scheduler: &'a RenderScheduler,
    ticket: u64,
}

impl Drop for WaitingTicket<'_> {
    fn drop(&mut self) {
        self.scheduler.change(|state| state.waiting.retain(|(ticket, _)| *ticket != self.ticket));
    }
}

/// A pass that runs as long as this lives.
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
    fn never_more_at_a_time_than_there_is_room_for() {
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
    fn who_waits_can_be_cancelled_and_leaves_no_trace() {
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
