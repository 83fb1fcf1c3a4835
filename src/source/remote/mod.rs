//! What all places have in common that bytes come from over a network: a fetch of one location at a
//! time for all who ask for it, and a spool where it stays for those who ask later.

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

/// A kind of place that bytes come from over a network. It makes every request through
/// [`crate::resilience::Hosts`] and tries nothing twice.
#[async_trait]
pub trait Remote: fmt::Debug + Send + Sync + 'static {
    /// As [`Source::serves`].
    fn serves(&self, location: &str) -> bool;

    /// As [`Source::validator`].
    ///
    /// # Errors
    /// As [`Source::validator`].
    async fn validator(&self, location: &str) -> Result<Option<String>>;

    /// Bring the bytes to `spool`, in a call of [`crate::resilience::Guard::fetch`]. Dropping the
    /// future ends the fetch.
    ///
    /// # Errors
    /// As [`Source::open`].
    async fn fetch(&self, location: &str, spool: &Spool) -> Result<Fetched>;
}

/// What was fetched.
#[derive(Debug)]
pub struct Fetched {
    /// The file.
    pub file: Lease,
    /// The slot that the fetch took: it is given back when work on the file begins, so that no more
    /// is fetched ahead than there are slots.
    pub slot: FetchSlot,
}

impl Fetched {
    /// A file that is complete, as what `location` holds while its validator is `validator`;
    /// without one, while its content is the same.
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

/// A [`Remote`] as a [`Source`].
///
/// One fetch of a location is shared by all who ask for it meanwhile; it goes on while anybody
/// waits and ends when nobody does. What is in the spool is not fetched again as long as the
/// validator is the same; a place that cannot be asked any more is taken at its last word.
#[derive(Debug)]
pub struct Spooled<R> {
    remote: Arc<R>,
    spool: Spool,
    flights: Arc<Flights>,
}

type Answer = std::result::Result<LocalCopy, Arc<Error>>;
type Flight = Shared<BoxFuture<'static, Answer>>;

/// The fetches under way, by location.
#[derive(Default)]
struct Flights(Mutex<Table>);

#[derive(Default)]
struct Table {
    started: u64,
    by_location: HashMap<String, (u64, WeakShared<BoxFuture<'static, Answer>>)>,
}

impl<R: Remote> Spooled<R> {
    /// `remote`, by way of `spool`.
    pub fn new(remote: R, spool: Spool) -> Self {
        Self { remote: Arc::new(remote), spool, flights: Arc::default() }
    }

    /// The fetch of `location` that is under way, or a new one.
    fn flight(&self, location: &str) -> Flight {
        let mut table = self.flights.lock();
        if let Some(flight) = table.by_location.get(location).and_then(|(_, f)| f.upgrade())
            && flight.peek().is_none()
        {
            return flight;
        }
        table.started += 1;
        let number = table.started;
        let landed =
            Landed { flights: Arc::clone(&self.flights), location: location.to_owned(), number };
        let (remote, spool) = (Arc::clone(&self.remote), self.spool.clone());
        let flight = async move {
            let result = open(remote.as_ref(), &spool, &landed.location).await;
            drop(landed);
            result.map_err(Arc::new)
        };
        let flight = flight.boxed().shared();
        if let Some(weak) = flight.downgrade() {
            table.by_location.insert(location.to_owned(), (number, weak));
        }
        flight
    }
}

#[async_trait]
impl<R: Remote> Source for Spooled<R> {
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
        let flight = self.flight(location);
        flight.await.map_err(|e| e.copy())
    }
}

/// What `location` holds, from the spool if that is still true, else from its place.
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

/// Takes a fetch that has ended, or was given up, from the table.
struct Landed {
    flights: Arc<Flights>,
    location: String,
    number: u64,
}

impl Drop for Landed {
    fn drop(&mut self) {
        let mut table = self.flights.lock();
        if table.by_location.get(&self.location).is_some_and(|(number, _)| *number == self.number) {
            table.by_location.remove(&self.location);
        }
    }
}

impl Flights {
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Flights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flights").field("under_way", &self.lock().by_location.len()).finish()
    }
}

#[cfg(test)]
mod tests;
