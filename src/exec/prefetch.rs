//! Limits on rows that are prepared (looked up and fetched) before a worker is free.
//!
//! A waiting row is cheap, so many may wait, and rows of a slow host do not block those of others.
//! Preparing a row is not (a fetch, a file in the spool, a lock of the cache), so it needs a
//! [`PrefetchSlot`], of which there are few.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{Error, ErrorCode, Result};
use crate::resilience::{HostKey, HostLimits, Hosts};

/// The prefetch slots of one runtime.
#[derive(Debug)]
pub(super) struct Prefetch {
    local: Arc<Semaphore>,
    remote: Arc<Semaphore>,
    /// Slots for rows of one host.
    per_host: usize,
    hosts: Mutex<HashMap<HostKey, Weak<Semaphore>>>,
}

/// Permission to prepare a row; released when it is dropped.
#[derive(Debug)]
pub(super) struct PrefetchSlot {
    _of_host: Option<OwnedSemaphorePermit>,
    _of_all: OwnedSemaphorePermit,
}

impl Prefetch {
    /// Slots for `workers` workers and hosts with these limits: enough that a worker always finds a row
    /// that is ready, if fetching is fast enough.
    pub(super) fn new(workers: usize, limits: &HostLimits) -> Self {
        Self {
            local: Arc::new(Semaphore::new(2 * workers)),
            remote: Arc::new(Semaphore::new(limits.fetches + workers)),
            per_host: limits.concurrency,
            hosts: Mutex::default(),
        }
    }

    /// Waits for a slot for a row whose source is on this host, or on this machine. Rows of a host that
    /// asked for a pause wait here.
    pub(super) async fn enter(
        &self,
        hosts: &Hosts,
        host: Option<&HostKey>,
    ) -> Result<PrefetchSlot> {
        let Some(host) = host else {
            return Ok(PrefetchSlot { _of_host: None, _of_all: acquire(&self.local).await? });
        };
        let of_host = acquire(&self.of(host)).await?;
        // An error here is reported by the call that follows.
        let _ = hosts.guard(host).ready().await;
        Ok(PrefetchSlot { _of_host: Some(of_host), _of_all: acquire(&self.remote).await? })
    }

    fn of(&self, host: &HostKey) -> Arc<Semaphore> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slots) = hosts.get(host).and_then(Weak::upgrade) {
            return slots;
        }
        hosts.retain(|_, slots| slots.strong_count() > 0);
        let slots = Arc::new(Semaphore::new(self.per_host));
        hosts.insert(host.clone(), Arc::downgrade(&slots));
        slots
    }
}

pub(super) async fn acquire(slots: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit> {
    let permit = Arc::clone(slots).acquire_owned().await;
    permit.map_err(|_| Error::new(ErrorCode::Internal, "a semaphore was closed"))
}
