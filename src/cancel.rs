//! Stopping work that is under way.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorCode, Result};

/// A switch shared by the side that may stop a piece of work and the threads that do it.
///
/// Clones are the same switch; it can be thrown once and not be reset. Whoever waits on it
/// wakes at once. Before it is thrown the work can be drained: then nothing new begins, and what has
/// begun goes on.
#[derive(Debug, Clone, Default)]
pub struct CancelToken(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    cancelled: AtomicBool,
    draining: AtomicBool,
    /// Whether media processes are ended without being asked first.
    hurried: AtomicBool,
    /// Whether the work of this very token has begun.
    begun: AtomicBool,
    /// Those that are drained and cancelled with this one.
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
        for (ours, its) in [
            (&self.0.cancelled, &child.0.cancelled),
            (&self.0.draining, &child.0.draining),
            (&self.0.hurried, &child.0.hurried),
        ] {
            its.store(ours.load(Ordering::Acquire), Ordering::Release);
        }
        drop(children);
        child
    }

    /// Stops the work: running media processes are asked to end (and are ended if they do not),
    /// waiting threads wake at once.
    pub fn cancel(&self) {
        self.throw(|inner| inner.cancelled.store(true, Ordering::Release));
    }

    /// As [`CancelToken::cancel`], but media processes are ended at once.
    pub fn cancel_now(&self) {
        self.throw(|inner| {
            inner.hurried.store(true, Ordering::Release);
            inner.cancelled.store(true, Ordering::Release);
        });
    }

    /// Lets no new work begin; what has begun goes on.
    pub fn drain(&self) {
        self.throw(|inner| inner.draining.store(true, Ordering::Release));
    }

    /// Throws a switch of this token and of those below it, and wakes all who wait.
    fn throw(&self, switch: impl Fn(&Inner) + Copy) {
        let children = self.lock();
        switch(&self.0);
        self.0.wake.notify_all();
        self.0.tasks.notify_waiters();
        for child in children.iter().filter_map(Weak::upgrade) {
            Self(child).throw(switch);
        }
    }

    /// The work of this token begins.
    ///
    /// # Errors
    /// [`ErrorCode::Cancelled`] once the token is cancelled: then it must not.
    pub fn begin(&self) -> Result<()> {
        let _guard = self.lock();
        self.check()?;
        self.0.begun.store(true, Ordering::Release);
        Ok(())
    }

    /// Cancels the work of this token and of those below it, unless some of it has begun; whether it
    /// was cancelled.
    pub fn refuse(&self) -> bool {
        let refused = !self.has_begun();
        if refused {
            self.cancel();
        }
        refused
    }

    fn has_begun(&self) -> bool {
        let children = self.lock();
        self.0.begun.load(Ordering::Acquire)
            || children.iter().filter_map(Weak::upgrade).any(|child| Self(child).has_begun())
    }

    /// Whether no new work is to begin.
    pub fn is_draining(&self) -> bool {
        self.0.draining.load(Ordering::Acquire) || self.is_cancelled()
    }

    /// Completes when nobody holds a token below this one any more, or after `limit`.
    pub async fn deserted(&self, limit: Duration) {
        const PAUSE: Duration = Duration::from_millis(5);
        let is_held = || self.lock().iter().any(|child| child.strong_count() > 0);
        let all_gone = async {
            while is_held() {
                tokio::time::sleep(PAUSE).await;
            }
        };
        let _ = tokio::time::timeout(limit, all_gone).await;
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
        self.until(Self::is_cancelled).await;
    }

    /// Completes when [`CancelToken::drain`] or [`CancelToken::cancel`] is called, at once if it was.
    pub async fn draining(&self) {
        self.until(Self::is_draining).await;
    }

    async fn until(&self, done: impl Fn(&Self) -> bool) {
        loop {
            let mut woken = std::pin::pin!(self.0.tasks.notified());
            // Listens from here on: what happens between the question and the wait is not missed.
            woken.as_mut().enable();
            if done(self) {
                return;
            }
            woken.await;
        }
    }

    /// Whether media processes are to be ended without being asked.
    pub(crate) fn is_hurried(&self) -> bool {
        self.0.hurried.load(Ordering::Acquire)
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
    fn what_has_begun_is_not_refused() {
        let stop = CancelToken::new();
        let (busy, idle) = (stop.child(), stop.child());
        // The task that a row becomes has a token of its own.
        let task = busy.child();
        task.begin().unwrap();
        stop.drain();
        assert!(busy.is_draining() && stop.child().is_draining() && !task.is_cancelled());
        assert!(!busy.refuse() && idle.refuse());
        assert!(!task.is_cancelled() && idle.is_cancelled());
        assert_eq!(idle.begin().unwrap_err().code(), ErrorCode::Cancelled);
        assert!(!stop.is_cancelled());
        stop.cancel();
        assert!(task.is_cancelled());
    }

    #[tokio::test]
    async fn draining_wakes_who_waits_for_it_and_not_who_waits_for_the_end() {
        let stop = CancelToken::new();
        let (one, two) = (stop.child(), stop.child());
        let drained = tokio::spawn(async move { one.draining().await });
        let mut cancelled = tokio::spawn(async move { two.cancelled().await });
        tokio::task::yield_now().await;
        stop.drain();
        drained.await.unwrap();
        let soon = tokio::time::timeout(Duration::from_millis(50), &mut cancelled).await;
        assert!(soon.is_err(), "nothing was cancelled");
        stop.cancel();
        cancelled.await.unwrap();
        stop.deserted(Duration::from_secs(10)).await;
    }

    #[test]
    fn a_deadline_and_a_condition_end_the_wait() {
        let token = CancelToken::new();
        assert_eq!(token.wait(Instant::now(), false, || false), Woken::Deadline);
        assert_eq!(token.wait(Instant::now(), false, || true), Woken::Done);
    }
}
