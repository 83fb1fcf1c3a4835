//! Waits for, signals and reaps a child and its process group.

use std::process::Child;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;

use super::{Reaped, reap};
use crate::cancel::{CancelToken, Woken};
use crate::media::failure::StopReason;

/// Time between SIGTERM and SIGKILL.
pub(super) const GRACE: Duration = Duration::from_secs(2);

/// The process group of a child.
///
/// The child is reaped and signals are sent under one lock, so no signal ever reaches a process that
/// reused the id.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) id: Pid,
    child: Mutex<Option<Child>>,
    stop: AtomicU8,
    deadline: Instant,
}

impl Group {
    pub(super) fn new(child: Child, deadline: Instant) -> Self {
        let id = Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX));
        Self { id, child: Mutex::new(Some(child)), stop: AtomicU8::new(0), deadline }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_reaped(&self) -> bool {
        self.lock().is_none()
    }

    pub(super) fn stopped(&self) -> Option<StopReason> {
        StopReason::from_number(self.stop.load(Ordering::Acquire))
    }

    /// Signals the whole group and records the first reason.
    pub(super) fn stop(&self, reason: StopReason, signal: Signal) {
        let child = self.lock();
        if child.is_some() {
            let _ =
                self.stop.compare_exchange(0, reason.number(), Ordering::AcqRel, Ordering::Acquire);
            let _ = killpg(self.id, signal);
        }
    }

    /// Ends the group at its deadline or when `token` is cancelled, unless it exits before.
    pub(super) fn watch(&self, token: &CancelToken) {
        let reason = match token.wait(self.deadline, false, || self.is_reaped()) {
            Woken::Done => return,
            Woken::Cancelled => StopReason::Cancelled,
            Woken::Deadline => StopReason::Timeout,
        };
        self.stop(reason, Signal::SIGTERM);
        let enough = || self.is_reaped() || token.is_hurried();
        token.wait(Instant::now() + GRACE, true, enough);
        if !self.is_reaped() {
            self.stop(reason, Signal::SIGKILL);
        }
    }

    /// Blocks until the child has exited, without reaping it.
    pub(super) fn wait_until_exit(&self) {
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
        while waitid(Id::Pid(self.id), flags) == Err(Errno::EINTR) {}
    }

    /// Kills the rest of the group and reaps the child; returns how it ended and what it used.
    pub(super) fn reap(&self) -> Option<Reaped> {
        let mut slot = self.lock();
        let _child = slot.take()?;
        let _ = killpg(self.id, Signal::SIGKILL);
        reap(self.id)
    }
}
