//! Stopping work that is under way.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorCode, Result};

/// A switch shared by the side that may stop a piece of work and the threads that do it.
///
/// Clones are the same switch; it can be thrown once and not be reset. Whoever waits on it
/// wakes at once.
#[derive(Debug, Clone, Default)]
pub struct CancelToken(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    cancelled: AtomicBool,
    /// Those that are cancelled with this one.
    lock: Mutex<Vec<Weak<Inner>>>,
    wake: Condvar,
    /// Wakes asynchronous tasks.
    tasks: tokio::sync::Notify,
}

/// Why [`CancelToken::wait`] returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Woken {
    /// The awaited condition holds.
    Done,
    /// The token was cancelled.
    Cancelled,
    /// The deadline passed.
    Deadline,
}

impl CancelToken {
    /// A token that nobody has cancelled yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A token of its own that is cancelled with this one too.
    #[must_use]
    pub fn child(&self) -> Self {
        let child = Self::new();
        let mut children = self.lock();
        children.retain(|c| c.strong_count() > 0);
        children.push(Arc::downgrade(&child.0));
        if self.is_cancelled() {
            child.cancel();
        }
        drop(children);
        child
    }

    /// Stops the work: running media processes are ended, waiting threads wake at once.
    pub fn cancel(&self) {
        let mut children = self.lock();
        self.0.cancelled.store(true, Ordering::Release);
        self.0.wake.notify_all();
        self.0.tasks.notify_waiters();
        let children = std::mem::take(&mut *children);
        for child in children.iter().filter_map(Weak::upgrade) {
            Self(child).cancel();
        }
    }

    /// Whether [`CancelToken::cancel`] was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::Acquire)
    }

    /// [`ErrorCode::Cancelled`] once the token is cancelled.
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() { Err(stopped()) } else { Ok(()) }
    }

    /// Sleeps; wakes at once when the token is cancelled. For work that waits on something else.
    ///
    /// # Errors
    /// [`ErrorCode::Cancelled`].
    pub fn sleep(&self, time: Duration) -> Result<()> {
        self.wait(Instant::now() + time, false, || false);
        self.check()
    }

    /// Completes when [`CancelToken::cancel`] is called, at once if it was. Dropping it does nothing.
    pub async fn cancelled(&self) {
        let mut woken = std::pin::pin!(self.0.tasks.notified());
        // Listens from here on: a cancellation between the question and the wait is not missed.
        woken.as_mut().enable();
        if !self.is_cancelled() {
            woken.await;
        }
    }

    /// Makes those who wait look at their condition again, without cancelling.
    pub(crate) fn notify(&self) {
        let _guard = self.lock();
        self.0.wake.notify_all();
    }

    /// Waits until `done`, a cancellation (unless `ignore_cancel`) or `deadline`.
    ///
    /// `done` is asked with the token's lock held; whoever makes it true calls
    /// [`CancelToken::notify`] afterwards.
    pub(crate) fn wait(
        &self,
        deadline: Instant,
        ignore_cancel: bool,
        done: impl Fn() -> bool,
    ) -> Woken {
        let mut guard = self.lock();
        loop {
            if done() {
                return Woken::Done;
            }
            if !ignore_cancel && self.is_cancelled() {
                return Woken::Cancelled;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Woken::Deadline;
            }
            guard = match self.0.wake.wait_timeout(guard, left) {
                Ok((guard, _)) => guard,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<Inner>>> {
        self.0.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What work says that was stopped.
pub(crate) fn stopped() -> Error {
    Error::new(
        ErrorCode::Cancelled,
        "the run was stopped before this was done; run it again to go on",
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn cancelling_wakes_a_waiter_at_once() {
        let token = CancelToken::new();
        let waiter = {
            let token = token.clone();
            std::thread::spawn(move || {
                token.wait(Instant::now() + Duration::from_secs(60), false, || false)
            })
        };
        token.cancel();
        assert_eq!(waiter.join().unwrap(), Woken::Cancelled);
        assert_eq!(token.check().unwrap_err().code(), ErrorCode::Cancelled);
    }

    #[tokio::test]
    async fn cancelling_wakes_a_task_whenever_it_began_to_wait() {
        let token = CancelToken::new();
        let child = token.child();
        let waiter = tokio::spawn(async move { child.cancelled().await });
        tokio::task::yield_now().await;
        token.cancel();
        waiter.await.unwrap();
        token.cancelled().await;
    }

    #[test]
    fn a_child_is_cancelled_with_its_parent_and_not_the_other_way() {
        let parent = CancelToken::new();
        let (one, two) = (parent.child(), parent.child());
        one.cancel();
        assert!(one.is_cancelled() && !two.is_cancelled() && !parent.is_cancelled());
        parent.cancel();
        assert!(two.is_cancelled() && parent.child().is_cancelled());
    }

    #[test]
    fn a_deadline_and_a_condition_end_the_wait() {
        let token = CancelToken::new();
        assert_eq!(token.wait(Instant::now(), false, || false), Woken::Deadline);
        assert_eq!(token.wait(Instant::now(), false, || true), Woken::Done);
    }
}
