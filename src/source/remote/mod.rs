//! Sources fetched over a network: one shared fetch per location, and a spool in which the file stays for
//! later use.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};

use super::spool::{self, Lease, Spool, SpoolFile};
use super::{LocalCopy, Source};
use crate::error::{Error, Result};
use crate::resilience::FetchSlot;

/// A kind of location that is fetched over a network. Implementations make every request through
/// [`crate::resilience::Hosts`] and retry nothing.
#[async_trait]
pub trait Remote: fmt::Debug + Send + Sync + 'static {
    /// As [`Source::serves`].
    fn serves(&self, location: &str) -> bool;

    /// As [`Source::validator`].
    ///
    /// # Errors
    /// As [`Source::validator`].
    async fn validator(&self, location: &str) -> Result<Option<String>>;

    /// Fetches the source into `spool`, in a call of [`crate::resilience::Guard::fetch`]. Dropping the
    /// future cancels the fetch.
    ///
    /// # Errors
    /// As [`Source::open`].
    async fn fetch(&self, location: &str, spool: &Spool) -> Result<Fetched>;
}

/// A fetched source.
#[derive(Debug)]
pub struct Fetched {
    /// The file.
    pub file: Lease,
    /// The slot of the fetch. It is released when work on the file starts, which bounds how many sources
    /// are fetched ahead.
    pub slot: FetchSlot,
}

impl Fetched {
    /// Keeps a complete file in the spool as the source of `location` with `validator`; without one, the
    /// hash of the content is its validator.
    ///
    /// # Errors
    /// As [`SpoolFile::keep`].
    pub async fn keep(
        file: SpoolFile,
        spool: &Spool,
        location: &str,
        validator: Option<String>,
        slot: FetchSlot,
    ) -> Result<Self> {
        let validator = validator.unwrap_or_else(|| file.content_validator());
        Ok(Self { file: file.keep(spool, location, &validator).await?, slot })
    }
}

/// A [`Remote`] as a [`Source`], by way of a spool.
///
/// Concurrent callers share one fetch of a location, which is cancelled when the last of them is gone. A
/// file in the spool is used as long as the validator is unchanged, or if the server no longer answers.
#[derive(Debug)]
pub struct SpooledSource<R> {
    remote: Arc<R>,
    spool: Spool,
    fetches: Arc<FetchesInFlight>,
}

type FetchResult = std::result::Result<LocalCopy, Arc<Error>>;
type SharedFetch = Shared<BoxFuture<'static, FetchResult>>;

/// The fetches in flight, by location.
#[derive(Default)]
struct FetchesInFlight(Mutex<FetchTable>);

#[derive(Default)]
struct FetchTable {
    started: u64,
    by_location: HashMap<String, (u64, WeakShared<BoxFuture<'static, FetchResult>>)>,
}

impl<R: Remote> SpooledSource<R> {
    /// Fetches from `remote` into `spool`.
    pub fn new(remote: R, spool: Spool) -> Self {
        Self { remote: Arc::new(remote), spool, fetches: Arc::default() }
    }

    /// The fetch of `location` in flight, or a new one.
    fn fetch(&self, location: &str) -> SharedFetch {
        let mut table = self.fetches.lock();
        if let Some(fetch) = table.by_location.get(location).and_then(|(_, f)| f.upgrade())
            && fetch.peek().is_none()
        {
            return fetch;
        }
        table.started += 1;
        let number = table.started;
        let entry = FetchEntry {
            fetches: Arc::clone(&self.fetches),
            location: location.to_owned(),
            number,
        };
        let (remote, spool) = (Arc::clone(&self.remote), self.spool.clone());
        let fetch = async move {
            let result = open(remote.as_ref(), &spool, &entry.location).await;
            drop(entry);
            result.map_err(Arc::new)
        };
        let fetch = fetch.boxed().shared();
        if let Some(weak) = fetch.downgrade() {
            table.by_location.insert(location.to_owned(), (number, weak));
        }
        fetch
    }
}

#[async_trait]
impl<R: Remote> Source for SpooledSource<R> {
    fn serves(&self, location: &str) -> bool {
        self.remote.serves(location)
    }

    fn is_remote(&self) -> bool {
        true
    }

    async fn validator(&self, location: &str) -> Result<Option<String>> {
        self.remote.validator(location).await
    }

    async fn open(&self, location: &str) -> Result<LocalCopy> {
        let fetch = self.fetch(location);
        fetch.await.map_err(|e| e.copy())
    }
}

/// The source of `location`, from the spool if it is current, else fetched.
async fn open<R: Remote>(remote: &R, spool: &Spool, location: &str) -> Result<LocalCopy> {
    if let Some(file) = spool.find(location) {
        let current = match spool::is_of_content(file.validator()) {
            true => Ok(None),
            false => remote.validator(location).await,
        };
        match current {
            Ok(Some(current)) if current != file.validator() => spool.forget(location),
            _ => return Ok(LocalCopy::leased(file, None)),
        }
    }
    let fetched = remote.fetch(location, spool).await?;
    Ok(LocalCopy::leased(fetched.file, Some(fetched.slot)))
}

/// Removes a fetch from the table when it has ended or was cancelled.
struct FetchEntry {
    fetches: Arc<FetchesInFlight>,
    location: String,
    number: u64,
}

impl Drop for FetchEntry {
    fn drop(&mut self) {
        let mut table = self.fetches.lock();
        if table.by_location.get(&self.location).is_some_and(|(number, _)| *number == self.number) {
            table.by_location.remove(&self.location);
        }
    }
}

impl FetchesInFlight {
    fn lock(&self) -> MutexGuard<'_, FetchTable> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for FetchesInFlight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FetchesInFlight")
            .field("under_way", &self.lock().by_location.len())
            .finish()
    }
}

#[cfg(test)]
mod tests;
