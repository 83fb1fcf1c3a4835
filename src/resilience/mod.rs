//! What makes work survive the faults of others. No clock and no random number is taken from the
//! air: both are handed in.
//!
//! * **Talking to a host** (a server or a bucket): `hosts.guard(&key).call(|| async { … }).await`,
//!   where `key` is [`HostKey::of`] a URL and the closure is one attempt that ends in a crate
//!   [`Result`](crate::Result). The [`Guard`] waits while the host has asked for a pause, for the
//!   rate limit and for one of the host's (at most 8) places, refuses while the circuit breaker is
//!   open, and learns from the result: `source.unreachable` is the host's failure, an answer such as
//!   `source.not_found` is not. [`Guard::fetch`] is the same for bringing a source to this machine;
//!   it also takes one of the `max_fetches` slots that all hosts share.
//! * **What a failed call says**: an error with [`Error::with_retry_after`](crate::Error) pauses the
//!   host for all and can pass; one that is [`lasting`](crate::Error::lasting) cannot, whatever its
//!   code; for the others [`may_change`] decides by the code.
//! * **Trying again** is done in one place, around a whole row ([`crate::exec::MediaRuntime`]), with
//!   [`Resilience::wait_before_retry`]. Clients and stores below it do not retry by themselves.
//! * **How hosts are doing**: [`Hosts::snapshot`].

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

/// How a runtime deals with faults.
#[derive(Debug, Clone)]
pub struct Resilience {
    /// How often and when something is tried again.
    pub retry: RetryPolicy,
    /// The hosts sources come from.
    pub hosts: Hosts,
    /// Time that one attempt at work on a row may take; `None`: any.
    pub timeout: Option<Duration>,
    /// The clock of waits.
    pub clock: Arc<dyn Clock>,
    /// Their randomness.
    pub jitter: Arc<Jitter>,
}

impl Resilience {
    /// As `config` says.
    pub fn new(config: &ParallelConfig) -> Self {
        Self::with_clock(config, Arc::new(SystemClock::new()), Jitter::new())
    }

    /// As [`Resilience::new`], by another clock and other chances.
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

    /// How long to wait before something that failed with `error` is tried for the `retry`th time
    /// again (0: the first); `None` if it is not to be. A retry is charged to `host`, if one is
    /// named.
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
