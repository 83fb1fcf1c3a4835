//! How many rows are between their input and a worker.
//!
//! A row that only waits costs next to nothing, so that many may: then those of a slow host do not
//! keep those of others out. What costs something (a fetch, a file in the spool, a lock of the cache)
//! begins only with a [`Place`], of which there are few.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{Error, ErrorCode, Result};
use crate::resilience::{HostKey, HostLimits, Hosts};

/// The places of one runtime.
#[derive(Debug)]
pub(super) struct Ahead {
    local: Arc<Semaphore>,
    remote: Arc<Semaphore>,
    /// Places that rows of one host may have.
    per_host: usize,
    hosts: Mutex<HashMap<HostKey, Weak<Semaphore>>>,
}

/// Where a row is made ready for a worker; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _of_host: Option<OwnedSemaphorePermit>,
    _of_all: OwnedSemaphorePermit,
}

impl Ahead {
    /// Places for `workers` workers and hosts with these limits: a worker always finds a row that is
    /// ready, if fetching is fast enough.
    pub(super) fn new(workers: usize, limits: &HostLimits) -> Self {
        Self {
            local: Arc::new(Semaphore::new(2 * workers)),
            remote: Arc::new(Semaphore::new(limits.fetches + workers)),
            per_host: limits.concurrency,
            hosts: Mutex::default(),
        }
    }

    /// Wait for a place for a row whose source is of this host, or of this machine. A host that has
    /// asked for a pause keeps its rows here.
    pub(super) async fn enter(&self, hosts: &Hosts, host: Option<&HostKey>) -> Result<Place> {
        let Some(host) = host else {
            return Ok(Place { _of_host: None, _of_all: acquire(&self.local).await? });
        };
        let of_host = acquire(&self.of(host)).await?;
        // Why not, the call will say that is made then.
        let _ = hosts.guard(host).ready().await;
        Ok(Place { _of_host: Some(of_host), _of_all: acquire(&self.remote).await? })
    }

    fn of(&self, host: &HostKey) -> Arc<Semaphore> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(places) = hosts.get(host).and_then(Weak::upgrade) {
            return places;
        }
        hosts.retain(|_, places| places.strong_count() > 0);
        let places = Arc::new(Semaphore::new(self.per_host));
        hosts.insert(host.clone(), Arc::downgrade(&places));
        places
    }
}

pub(super) async fn acquire(places: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit> {
    let permit = Arc::clone(places).acquire_owned().await;
    permit.map_err(|_| Error::new(ErrorCode::Internal, "a limit was taken away"))
}
