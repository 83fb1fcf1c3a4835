//! The hosts that are called, and the health of each.
//!
//! A host is a scheme, a name and a port, or a bucket. All calls to a host go through its [`Guard`], so
//! that what one caller learns holds for all.

mod guard;
mod key;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use guard::Guard;
pub use key::HostKey;
use serde::Serialize;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::breaker::{Breaker, BreakerConfig, BreakerState};
use super::rate::RateLimit;
use super::retry::RetryBudget;
use super::{Clock, SystemClock};
use crate::config::ParallelConfig;

/// Largest number of concurrent calls to one host.
const MAX_CALLS_PER_HOST: usize = 8;
/// Number of hosts that are tracked. Beyond it, healthy hosts without a running call are forgotten with
/// their counts.
const MAX_HOSTS: usize = 10_000;

/// Limits of each host, and of all together.
#[derive(Debug, Clone, PartialEq)]
pub struct HostLimits {
    /// Concurrent calls to one host.
    pub concurrency: usize,
    /// Calls per second to one host; 0: no limit.
    pub per_second: f64,
    /// The circuit breaker of each host; `None`: there is none.
    pub breaker: Option<BreakerConfig>,
    /// Concurrent fetches over all hosts; see [`Guard::fetch`].
    pub fetches: usize,
}

impl From<&ParallelConfig> for HostLimits {
    fn from(config: &ParallelConfig) -> Self {
        let fetches = config.max_fetches.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            // One slow host must not use all fetches.
            concurrency: (fetches / 2).clamp(1, MAX_CALLS_PER_HOST),
            per_second: config.rate_limit_per_host,
            breaker: config.circuit_breaker_enabled.then(|| BreakerConfig::from(config)),
            fetches,
        }
    }
}

/// One of the concurrent fetches; released when it is dropped.
#[derive(Debug)]
pub struct FetchSlot(#[allow(dead_code)] OwnedSemaphorePermit);

/// State and counters of a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HostState {
    /// The host, as in [`HostKey`].
    pub host: String,
    /// State of its circuit breaker; [`BreakerState::Closed`] if there is none.
    pub state: BreakerState,
    /// Calls requested.
    pub calls: u64,
    /// Calls rejected because of the state of the host.
    pub refused: u64,
    /// Calls made; each opens at most one connection to each address of the host, and none if there is
    /// an open one.
    pub attempts: u64,
    /// Calls made that the host did not answer, or not properly.
    pub failures: u64,
    /// Retries of rows and requests that failed with this host.
    pub retries: u64,
    /// Calls running now.
    pub under_way: u64,
}

/// All hosts. Clones share their state.
#[derive(Debug, Clone)]
pub struct Hosts(Arc<HostTable>);

/// State shared by all clones of [`Hosts`].
#[derive(Debug)]
struct HostTable {
    limits: HostLimits,
    clock: Arc<dyn Clock>,
    fetches: Arc<Semaphore>,
    hosts: Mutex<HashMap<HostKey, Arc<Host>>>,
}

#[derive(Debug)]
struct Host {
    key: HostKey,
    clock: Arc<dyn Clock>,
    slots: Arc<Semaphore>,
    /// Locked by the caller that waits for the rate limit.
    rate: tokio::sync::Mutex<Option<RateLimit>>,
    health: Mutex<Health>,
    /// Notified when a call has ended.
    changed: Notify,
}

#[derive(Debug)]
struct Health {
    breaker: Option<Breaker>,
    budget: RetryBudget,
    /// End of the pause that the host asked for.
    paused_until: Duration,
    calls: u64,
    refused: u64,
    attempts: u64,
    failures: u64,
    retries: u64,
    under_way: u64,
}

impl Hosts {
    /// Starts without hosts.
    pub fn new(limits: HostLimits) -> Self {
        Self::with_clock(limits, Arc::new(SystemClock::new()))
    }

    /// As [`Hosts::new`], with another clock.
    pub fn with_clock(limits: HostLimits, clock: Arc<dyn Clock>) -> Self {
        let fetches = Arc::new(Semaphore::new(limits.fetches));
        Self(Arc::new(HostTable { limits, clock, fetches, hosts: Mutex::default() }))
    }

    /// Limits of each host, and of all together.
    pub fn limits(&self) -> &HostLimits {
        &self.0.limits
    }

    /// The guard of a host.
    pub fn guard(&self, key: &HostKey) -> Guard {
        let mut hosts = self.0.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let host = match hosts.get(key) {
            Some(host) => Arc::clone(host),
            None => {
                if hosts.len() >= MAX_HOSTS {
                    hosts.retain(|_, host| Arc::strong_count(host) > 1 || !host.is_well());
                }
                let host = Arc::new(Host::new(key.clone(), &self.0.limits, &self.0.clock));
                hosts.insert(key.clone(), Arc::clone(&host));
                host
            }
        };
        Guard::new(host, Arc::clone(&self.0.fetches))
    }

    /// Takes one retry from the budget of a host (a fifth of its calls, and a few); `false` if it is used
    /// up. While the circuit breaker is not closed nothing is charged, since the breaker limits the
    /// load.
    pub fn may_retry(&self, key: &HostKey) -> bool {
        self.guard(key).spend_retry()
    }

    /// The state of all hosts, ordered by name.
    pub fn snapshot(&self) -> Vec<HostState> {
        let hosts = self.0.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut states: Vec<_> = hosts.values().map(|host| host.state()).collect();
        states.sort_by(|a, b| a.host.cmp(&b.host));
        states
    }
}

impl Host {
    fn new(key: HostKey, limits: &HostLimits, clock: &Arc<dyn Clock>) -> Self {
        let health = Health {
            breaker: limits.breaker.clone().map(Breaker::new),
            budget: RetryBudget::new(),
            paused_until: Duration::ZERO,
            calls: 0,
            refused: 0,
            attempts: 0,
            failures: 0,
            retries: 0,
            under_way: 0,
        };
        Self {
            key,
            clock: Arc::clone(clock),
            slots: Arc::new(Semaphore::new(limits.concurrency.max(1))),
            rate: tokio::sync::Mutex::new(RateLimit::new(limits.per_second, clock)),
            health: Mutex::new(health),
            changed: Notify::new(),
        }
    }

    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it can be forgotten: a new host would be treated the same.
    fn is_well(&self) -> bool {
        let now = self.clock.now();
        let health = self.health();
        let closed = health.breaker.as_ref().is_none_or(|b| b.state(now) == BreakerState::Closed);
        closed && health.paused_until <= now && health.failures == 0
    }

    fn state(&self) -> HostState {
        let now = self.clock.now();
        let health = self.health();
        HostState {
            host: self.key.to_string(),
            state: health.breaker.as_ref().map_or(BreakerState::Closed, |b| b.state(now)),
            calls: health.calls,
            refused: health.refused,
            attempts: health.attempts,
            failures: health.failures,
            retries: health.retries,
            under_way: health.under_way,
        }
    }
}

#[cfg(test)]
mod tests;
