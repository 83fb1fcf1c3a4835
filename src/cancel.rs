//! Cancellation of running work.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorCode, Result};

/// A cancellation token, shared by the side that may stop work and the threads that do it.
///
/// ```text
/// active ── drain ──► draining ── cancel ──► cancelled
///    └────────────── cancel ──────────────────▲
/// ```
///
/// * active: work may start.
/// * draining: no new work starts, and work that has started continues.
/// * cancelled: running work stops and all waits return; [`CancelToken::cancel_now`] also kills media
///   processes without asking them to end first.
///
/// Clones share the state; a [`child`](CancelToken::child) has its own and follows its parent. States are
/// never reset.
#[derive(Debug, Clone, Default)]
pub struct CancelToken(Arc<CancelState>);

/// State shared by clones of a token.
#[derive(Debug, Default)]
struct CancelState {
    cancelled: AtomicBool,
    draining: AtomicBool,
    /// Whether media processes are killed without being asked to end first.
    hurried: AtomicBool,
    /// Whether the work of this token itself has started.
    started: AtomicBool,
    /// The children, which are drained and cancelled with this one.
    lock: Mutex<Vec<Weak<CancelState>>>,
    wake: Condvar,
    /// Wakes asynchronous tasks.
    tasks: tokio::sync::Notify,
}

/// Why [`CancelToken::wait`] returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Woken {
    /// The condition holds.
    Done,
    /// The token was cancelled.
    Cancelled,
    /// The deadline passed.
    Deadline,
}

impl CancelToken {
    /// An active token.
    pub fn new() -> Self {
        Self::default()
    }

    /// A token that is drained and cancelled with this one, and can be on its own.
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

    /// Stops the work: running media processes are asked to end (and killed if they do not), and waiting
    /// threads wake at once.
    pub fn cancel(&self) {
        self.set(|inner| inner.cancelled.store(true, Ordering::Release));
    }

    /// As [`CancelToken::cancel`], but media processes are killed at once.
    pub fn cancel_now(&self) {
        self.set(|inner| {
            inner.hurried.store(true, Ordering::Release);
            inner.cancelled.store(true, Ordering::Release);
        });
    }

    /// Prevents new work from starting; work that has started continues.
    pub fn drain(&self) {
        self.set(|inner| inner.draining.store(true, Ordering::Release));
    }

    /// Changes the state of this token and its descendants, and wakes all waiters.
    fn set(&self, switch: impl Fn(&CancelState) + Copy) {
        let children = self.lock();
        switch(&self.0);
        self.0.wake.notify_all();
        self.0.tasks.notify_waiters();
        for child in children.iter().filter_map(Weak::upgrade) {
            Self(child).set(switch);
        }
    }

    /// Records that the work of this token starts.
    ///
    /// # Errors
    /// [`ErrorCode::Cancelled`] if the token is cancelled: then the work must not start.
    pub fn begin(&self) -> Result<()> {
        let _guard = self.lock();
        self.check()?;
        self.0.started.store(true, Ordering::Release);
        Ok(())
    }

    /// Cancels this token and its descendants unless some of their work has started; whether it was
    /// cancelled.
    pub fn refuse(&self) -> bool {
        let refused = !self.has_started();
        if refused {
            self.cancel();
        }
        refused
    }

    fn has_started(&self) -> bool {
        let children = self.lock();
        self.0.started.load(Ordering::Acquire)
            || children.iter().filter_map(Weak::upgrade).any(|child| Self(child).has_started())
    }

    /// Whether new work must not start.
    pub fn is_draining(&self) -> bool {
        self.0.draining.load(Ordering::Acquire) || self.is_cancelled()
    }

    /// Completes when all child tokens are dropped, or after `limit`.
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

    /// Fails once the token is cancelled.
    ///
    /// # Errors
    /// [`ErrorCode::Cancelled`].
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() { Err(stopped()) } else { Ok(()) }
    }

    /// Sleeps; wakes at once when the token is cancelled.
    ///
    /// # Errors
    /// [`ErrorCode::Cancelled`].
    pub fn sleep(&self, time: Duration) -> Result<()> {
        self.wait(Instant::now() + time, false, || false);
        self.check()
    }

    /// Completes once the token is cancelled.
    pub async fn cancelled(&self) {
        self.until(Self::is_cancelled).await;
    }

    /// Completes once the token is draining or cancelled.
    pub async fn draining(&self) {
        self.until(Self::is_draining).await;
    }

    async fn until(&self, done: impl Fn(&Self) -> bool) {
        loop {
            let mut woken = std::pin::pin!(self.0.tasks.notified());
            // Registered before the check, so that no change in between is missed.
            woken.as_mut().enable();
            if done(self) {
                return;
            }
            woken.await;
        }
    }

    /// Whether media processes are killed without being asked to end.
    pub(crate) fn is_hurried(&self) -> bool {
        self.0.hurried.load(Ordering::Acquire)
    }

    /// Makes waiters check their condition again.
    pub(crate) fn notify(&self) {
        let _guard = self.lock();
        self.0.wake.notify_all();
    }

    /// Waits until `done`, a cancellation (unless `ignore_cancel`) or `deadline`.
    ///
    /// `done` is called with the lock of the token held; the thread that makes it true calls
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

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<CancelState>>> {
        self.0.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Cancels a token when it is dropped, such as the work of a stream whose reader is gone.
#[derive(Debug)]
pub(crate) struct CancelOnDrop(pub(crate) CancelToken);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// The error of work that was stopped.
pub(crate) fn stopped() -> Error {
    Error::new(
        ErrorCode::Cancelled,
        "the run was stopped before this was done; run it again to resume",
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
    async fn cancelling_wakes_a_task_that_waits_already() {
        let token = CancelToken::new();
        let child = token.child();
        let waiter = tokio::spawn(async move { child.cancelled().await });
        tokio::task::yield_now().await;
        token.cancel();
        waiter.await.unwrap();
        token.cancelled().await;
    }

    #[test]
    fn a_child_is_cancelled_with_its_parent_and_not_vice_versa() {
        let parent = CancelToken::new();
        let (one, two) = (parent.child(), parent.child());
        one.cancel();
        assert!(one.is_cancelled() && !two.is_cancelled() && !parent.is_cancelled());
        parent.cancel();
        assert!(two.is_cancelled() && parent.child().is_cancelled());
    }

    #[test]
    fn started_work_is_not_refused() {
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
    async fn draining_wakes_only_waiters_for_draining() {
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
