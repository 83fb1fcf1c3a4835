//! The guard of one host: pause, breaker, limits, and what a call shows about the host.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{FetchSlot, Host};
use crate::error::{Error, ErrorCode, Outlook, Result};
use crate::resilience::breaker::{Admission, BreakerState, BreakerTicket, CallOutcome};
use crate::resilience::retry::{MAX_DELAY, MAX_RETRY_AFTER};

/// Makes calls to one host within its limits. Clones share the host.
#[derive(Debug, Clone)]
pub struct Guard {
    host: Arc<Host>,
    fetches: Arc<Semaphore>,
}

/// Whether a call may proceed now.
enum Gate {
    Open,
    /// After this sleep, ask again.
    Sleep(Duration),
    /// When a call has ended, ask again.
    Changed,
}

impl Guard {
    pub(super) fn new(host: Arc<Host>, fetches: Arc<Semaphore>) -> Self {
        Self { host, fetches }
    }

    /// Calls the host as soon as its limits allow. The future of `work` is one attempt: one request and
    /// its answer including the body. It must not use a guard itself, or it could wait for its own
    /// permit.
    ///
    /// Waiting costs only memory: no connection, no fetch slot. Dropping the future abandons the call
    /// and does not count for or against the host.
    ///
    /// # Errors
    /// That of `work`; `source.unreachable` or `source.throttled` without a call while the breaker is
    /// open or the host has asked for a long pause.
    pub async fn call<T, F, Fut>(&self, work: F) -> Result<T>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T>>,
    {
        let attempt = self.enter(false).await?;
        let result = work().await;
        attempt.end(result)
    }

    /// As [`Guard::call`], for a call that fetches a source: it also takes one of the fetch slots that all
    /// hosts share. `work` gets the slot and may keep it, which delays further fetches until the fetched
    /// source is used.
    ///
    /// # Errors
    /// As [`Guard::call`].
    pub async fn fetch<T, F, Fut>(&self, work: F) -> Result<T>
    where
        F: FnOnce(FetchSlot) -> Fut,
        Fut: Future<Output = Result<T>>,
    {
        let mut attempt = self.enter(true).await?;
        let slot = attempt.slot.take().map(FetchSlot);
        let slot =
            slot.ok_or_else(|| Error::new(ErrorCode::Internal, "no fetch slot was taken"))?;
        let result = work(slot).await;
        attempt.end(result)
    }

    /// Waits while the host has asked for a pause or is being probed.
    ///
    /// # Errors
    /// As [`Guard::call`], while the breaker is open.
    pub async fn ready(&self) -> Result<()> {
        self.until_open().await
    }

    pub(super) fn spend_retry(&self) -> bool {
        let now = self.host.clock.now();
        let mut health = self.host.health();
        // While the breaker is not closed, it limits the load of retries.
        let closed = health.breaker.as_ref().is_none_or(|b| b.state(now) == BreakerState::Closed);
        let enough = !closed || health.budget.spend();
        health.retries += u64::from(enough);
        enough
    }

    /// Waits until a call may be made, and starts it.
    async fn enter(&self, fetch: bool) -> Result<Attempt> {
        self.host.health().calls += 1;
        let entered = self.try_enter(fetch).await;
        if entered.is_err() {
            self.host.health().refused += 1;
        }
        entered
    }

    async fn try_enter(&self, fetch: bool) -> Result<Attempt> {
        let host = &self.host;
        loop {
            self.until_open().await?;
            let permit = acquire(&host.slots).await?;
            let rate = host.rate.lock().await;
            // No fetch slot is held during the wait for the rate limit.
            let slot = loop {
                let slot = if fetch { Some(acquire(&self.fetches).await?) } else { None };
                match rate.as_ref().map_or(Ok(()), |rate| rate.take()) {
                    Ok(()) => break slot,
                    Err(wait) => {
                        drop(slot);
                        host.clock.sleep(wait).await;
                    }
                }
            };
            // The state of the host may have changed meanwhile.
            if let Some(ticket) = self.begin() {
                return Ok(Attempt {
                    host: Arc::clone(host),
                    ticket,
                    slot,
                    _permit: permit,
                    ended: false,
                });
            }
        }
    }

    /// Waits while the host has asked for a pause or is being probed.
    async fn until_open(&self) -> Result<()> {
        loop {
            let changed = self.host.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            match self.gate()? {
                Gate::Open => return Ok(()),
                Gate::Sleep(wait) => self.host.clock.sleep(wait).await,
                Gate::Changed => changed.await,
            }
        }
    }

    fn gate(&self) -> Result<Gate> {
        let now = self.host.clock.now();
        let health = self.host.health();
        let pause = health.paused_until.saturating_sub(now);
        if pause > MAX_RETRY_AFTER {
            return Err(self.asked_for_pause(pause));
        }
        match health.breaker.as_ref().and_then(|b| b.refusal(now)) {
            Some(Admission::Refused(wait)) => Err(self.breaker_open(wait)),
            Some(_) => Ok(Gate::Changed),
            None if pause.is_zero() => Ok(Gate::Open),
            None => Ok(Gate::Sleep(pause)),
        }
    }

    /// Asks the breaker for admission; `None` if the state has changed meanwhile.
    fn begin(&self) -> Option<Option<BreakerTicket>> {
        let now = self.host.clock.now();
        let mut health = self.host.health();
        if health.paused_until > now {
            return None;
        }
        let ticket = match health.breaker.as_mut().map(|b| b.admit(now)) {
            None => None,
            Some(Admission::Go(ticket)) => Some(ticket),
            Some(_) => return None,
        };
        health.budget.earn();
        health.attempts += 1;
        health.under_way += 1;
        Some(ticket)
    }

    fn breaker_open(&self, wait: Duration) -> Error {
        let error = Error::new(
            ErrorCode::SourceUnreachable,
            format!(
                "{} has failed repeatedly and is not called for another {} s; check that it is up, then run again",
                self.host.key,
                wait.as_secs_f64().ceil()
            ),
        );
        // A host that has been down for longer is not waited for.
        if wait <= MAX_DELAY { error.with_retry_after(wait) } else { error.lasting() }
    }

    fn asked_for_pause(&self, pause: Duration) -> Error {
        let message = format!(
            "{} asks for a pause of another {} s; run again later",
            self.host.key,
            pause.as_secs_f64().ceil()
        );
        Error::new(ErrorCode::SourceThrottled, message).with_retry_after(pause)
    }
}

async fn acquire(slots: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit> {
    let permit = Arc::clone(slots).acquire_owned().await;
    permit.map_err(|_| Error::new(ErrorCode::Internal, "a semaphore was closed"))
}

/// A running call. Dropped before [`Attempt::end`], it does not count for or against the host.
#[derive(Debug)]
struct Attempt {
    host: Arc<Host>,
    ticket: Option<BreakerTicket>,
    slot: Option<OwnedSemaphorePermit>,
    _permit: OwnedSemaphorePermit,
    ended: bool,
}

impl Attempt {
    fn end<T>(mut self, result: Result<T>) -> Result<T> {
        self.ended = true;
        let asked = result.as_ref().err().and_then(Error::retry_after).unwrap_or_default();
        let now = self.host.clock.now();
        {
            let mut health = self.host.health();
            health.paused_until = health.paused_until.max(now.saturating_add(asked));
        }
        self.record(outcome(&result));
        result
    }

    fn record(&self, outcome: CallOutcome) {
        let now = self.host.clock.now();
        let mut health = self.host.health();
        health.under_way = health.under_way.saturating_sub(1);
        health.failures += u64::from(outcome == CallOutcome::Failure);
        if let (Some(breaker), Some(ticket)) = (health.breaker.as_mut(), self.ticket) {
            let before = breaker.state(now);
            breaker.record(ticket, outcome, now);
            let after = breaker.state(now);
            if before != after {
                let host = &self.host.key;
                tracing::warn!(%host, state = after.as_str(), "the circuit breaker of a host changed");
            }
        }
        drop(health);
        self.host.changed.notify_waiters();
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if !self.ended {
            self.record(CallOutcome::Neither);
        }
    }
}

/// What the result of a call shows about the host: an answer that rejects the request is a success.
fn outcome<T>(result: &Result<T>) -> CallOutcome {
    let Err(error) = result else { return CallOutcome::Success };
    match error.code() {
        ErrorCode::SourceUnreachable => CallOutcome::Failure,
        // The connection broke, not the file.
        ErrorCode::SourceTruncated if matches!(error.outlook(), Outlook::Passing(_)) => {
            CallOutcome::Failure
        }
        ErrorCode::SourceNotFound
        | ErrorCode::SourceForbidden
        | ErrorCode::SourceThrottled
        | ErrorCode::SourceTooLarge
        | ErrorCode::SourceTruncated
        | ErrorCode::SourceUnsupported => CallOutcome::Success,
        _ => CallOutcome::Neither,
    }
}
