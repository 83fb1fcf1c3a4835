//! Retries, circuit breakers and limits for calls to hosts. Clock and random numbers are injected.
//!
//! * **Calling a host** (a server or a bucket): `hosts.guard(&key).call(|| async { … }).await`, where
//!   `key` is [`HostKey::of`] a URL and the closure is one attempt that returns a crate
//!   [`Result`](crate::Result). The [`Guard`] waits while the host has asked for a pause, for the rate
//!   limit and for one of at most 8 connections to the host; it rejects calls while the circuit breaker
//!   is open, and learns from the result: `source.unreachable` is a failure of the host, an answer such
//!   as `source.not_found` is not. [`Guard::fetch`] is the same for fetching a source; it also takes one
//!   of the `max_fetches` slots that all hosts share.
//! * **Errors**: an error with [`Error::with_retry_after`](crate::Error) pauses the host for all callers
//!   and can be retried; one that is [`lasting`](crate::Error::lasting) cannot, whatever its code; for
//!   others [`may_change`] decides by the code.
//! * **Retries** happen in one place, around a whole row ([`crate::exec::MediaRuntime`]), with
//!   [`Resilience::wait_before_retry`]. Clients and stores do not retry by themselves.
//! * **State of the hosts**: [`Hosts::snapshot`].

mod breaker;
mod clock;
mod hosts;
mod rate;
mod retry;

use std::sync::Arc;
use std::time::Duration;

pub use breaker::{Breaker, BreakerConfig, BreakerState};
pub use clock::{Clock, Jitter, ScriptedClock, SystemClock};
pub use hosts::{FetchSlot, Guard, HostKey, HostLimits, HostState, Hosts};
pub use retry::{MAX_DELAY, MAX_RETRY_AFTER, RetryPolicy, may_change, may_have_passed};

use crate::config::ParallelConfig;
use crate::error::Error;

/// Retry policy, hosts and time limit of a runtime.
#[derive(Debug, Clone)]
pub struct Resilience {
    /// When to retry.
    pub retry: RetryPolicy,
    /// The hosts of sources.
    pub hosts: Hosts,
    /// Time limit of one attempt at a row; `None`: no limit.
    pub timeout: Option<Duration>,
    /// The clock for waits.
    pub clock: Arc<dyn Clock>,
    /// The randomness of waits.
    pub jitter: Arc<Jitter>,
}

impl Resilience {
    /// The resilience that `config` asks for.
    pub fn new(config: &ParallelConfig) -> Self {
        Self::with_clock(config, Arc::new(SystemClock::new()), Jitter::new())
    }

    /// As [`Resilience::new`], with another clock and other random numbers.
    pub fn with_clock(config: &ParallelConfig, clock: Arc<dyn Clock>, jitter: Jitter) -> Self {
        let timeout = Duration::try_from_secs_f64(config.timeout).ok();
        Self {
            retry: RetryPolicy::from(config),
            hosts: Hosts::with_clock(HostLimits::from(config), Arc::clone(&clock)),
            timeout: timeout.filter(|t| !t.is_zero()),
            clock,
            jitter: Arc::new(jitter),
        }
    }

    /// Time to wait after `error` before retry number `retry` (0: the first); `None` if there is no
    /// retry. The retry is charged to the budget of `host`, if one is given.
    pub fn wait_before_retry(
        &self,
        retry: u32,
        error: &Error,
        host: Option<&HostKey>,
    ) -> Option<Duration> {
        let delay = self.retry.delay(retry, error, self.jitter.unit())?;
        host.is_none_or(|host| self.hosts.may_retry(host)).then_some(delay)
    }
}
