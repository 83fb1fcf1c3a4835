//! Media in object stores.

mod captions;

use async_trait::async_trait;
use captions::CaptionObject;
use futures::StreamExt;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStoreExt};
use url::{Position, Url};

use super::fault::StoreFault;
use super::stores::{ObjectStores, OpenedStore, is_object_url};
use crate::config::ParallelConfig;
use crate::error::{Error, ErrorCode, Result};
use crate::location::{Location, redacted};
use crate::net::HttpConfig;
use crate::net::body::{TransferPace, broken, empty, too_large};
use crate::resilience::{FetchSlot, Guard, HostKey, Hosts};
use crate::source::spool::{Spool, SpoolFile};
use crate::source::{Fetched, Remote};

/// Objects beneath a set of roots: buckets, or prefixes in them.
#[derive(Debug)]
pub struct ObjectSource {
    roots: Vec<AllowedRoot>,
    stores: ObjectStores,
    hosts: Hosts,
    limits: HttpConfig,
}

/// A bucket or a prefix in it.
#[derive(Debug, PartialEq)]
struct AllowedRoot {
    store: String,
    prefix: Path,
}

impl AllowedRoot {
    /// The bucket or prefix that a URL names.
    fn of(url: &Url) -> Option<Self> {
        let prefix = Path::from_url_path(url.path()).ok()?;
        Some(Self { store: url[..Position::BeforePath].to_owned(), prefix })
    }

    fn holds(&self, place: &Self) -> bool {
        self.store == place.store && place.prefix.prefix_matches(&self.prefix)
    }
}

impl ObjectSource {
    /// Objects beneath the `roots` that are URLs of object stores.
    pub fn new<'a>(
        roots: impl IntoIterator<Item = &'a Location>,
        config: &ParallelConfig,
        hosts: Hosts,
    ) -> Self {
        let roots =
            roots.into_iter().filter_map(Location::as_url).filter_map(AllowedRoot::of).collect();
        Self { roots, stores: ObjectStores::default(), hosts, limits: HttpConfig::from(config) }
    }

    /// The object of `location`, and the guard of its store.
    fn open(&self, location: &str) -> Result<(Url, OpenedStore, Guard)> {
        let place = || redacted(location);
        let forbidden = |message: String| Error::new(ErrorCode::SourceForbidden, message);
        let url = Url::parse(location).map_err(|e| {
            Error::new(ErrorCode::InvalidRequestBadUrl, format!("{} is not a URL ({e})", place()))
                .with_source(e)
        })?;
        // An object outside is not requested: the request must not learn whether it exists.
        if !AllowedRoot::of(&url)
            .is_some_and(|here| self.roots.iter().any(|root| root.holds(&here)))
        {
            let root = redacted(&url[..Position::BeforePath]);
            let message = format!(
                "{} lies in a bucket that sources may not be read from; add {root} to allow_roots",
                place()
            );
            return Err(forbidden(message).about("allow_roots"));
        }
        let opened = self.stores.open(&url).map_err(|e| forbidden(e.message().to_owned()))?;
        if opened.path.as_ref().is_empty() {
            return Err(Error::new(
                ErrorCode::SourceUnsupported,
                format!("{} is a bucket; name the video in it", place()),
            ));
        }
        let key =
            HostKey::of_url(&url).ok_or_else(|| forbidden(format!("{} has no bucket", place())))?;
        let guard = self.hosts.guard(&key);
        Ok((url, opened, guard))
    }

    /// The answer, within the time limit of its head.
    async fn within_limit<T>(
        &self,
        url: &Url,
        answer: impl Future<Output = object_store::Result<T>>,
    ) -> Result<T> {
        let limit = self.limits.connect + self.limits.first_byte;
        let fault = match tokio::time::timeout(limit, answer).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => StoreFault::from(error),
            Err(_) => StoreFault::timeout("no answer in time"),
        };
        Err(fault.of_source(url.as_str()))
    }

    async fn bring(
        &self,
        location: &str,
        url: &Url,
        opened: &OpenedStore,
        spool: &Spool,
        slot: FetchSlot,
    ) -> Result<Fetched> {
        let answer = self.within_limit(url, opened.store.get(&opened.path)).await?;
        let captions = self.captions(url, opened).await;
        let validator = validator(&answer.meta, &captions);
        let size = answer.meta.size;
        if size > self.limits.max_bytes {
            return Err(too_large(url, &self.limits));
        }
        let mut file = self.receive(answer.into_stream(), size, url, spool).await?;
        self.bring_captions(captions, url, opened, &mut file).await?;
        Fetched::keep(file, spool, location, Some(validator), slot).await
    }

    async fn receive(
        &self,
        mut body: impl futures::Stream<Item = object_store::Result<tokio_util::bytes::Bytes>> + Unpin,
        size: u64,
        url: &Url,
        spool: &Spool,
    ) -> Result<SpoolFile> {
        let mut file = spool.create(Some(size)).await?;
        let mut pace = TransferPace::new(&self.limits);
        loop {
            let chunk = match tokio::time::timeout_at(pace.next_check(), body.next()).await {
                Ok(Some(Ok(chunk))) => chunk,
                Ok(None) => break,
                Ok(Some(Err(_))) => return Err(broken(url, file.written(), Some(size), None)),
                Err(_) => {
                    pace.check(0, url)?;
                    continue;
                }
            };
            pace.check(chunk.len() as u64, url)?;
            let writing = tokio::time::Instant::now();
            file.write(&chunk).await?;
            pace.forgive(writing.elapsed());
        }
        match file.written() {
            0 => Err(empty(url)),
            written if written != size => Err(broken(url, written, Some(size), None)),
            _ => Ok(file),
        }
    }
}

#[async_trait]
impl Remote for ObjectSource {
    fn serves(&self, location: &str) -> bool {
        is_object_url(location)
    }

    async fn validator(&self, location: &str) -> Result<Option<String>> {
        let (url, opened, guard) = self.open(location)?;
        let ask = || async {
            let head = self.within_limit(&url, opened.store.head(&opened.path)).await?;
            Ok(Some(validator(&head, &self.captions(&url, &opened).await)))
        };
        guard.call(ask).await
    }

    async fn fetch(&self, location: &str, spool: &Spool) -> Result<Fetched> {
        let (url, opened, guard) = self.open(location)?;
        guard.fetch(|slot| self.bring(location, &url, &opened, spool, slot)).await
    }
}

/// The validator of a video with its captions; those that cannot be listed do not count.
fn validator(object: &ObjectMeta, captions: &Result<Vec<CaptionObject>>) -> String {
    let state = captions.as_deref().map(captions::state).unwrap_or_default();
    object_validator(object) + &state
}

/// The validator of an object.
fn object_validator(object: &ObjectMeta) -> String {
    match &object.e_tag {
        Some(tag) => format!("{tag}-{}", object.size),
        None => {
            format!("{}-{}", object.size, object.last_modified.timestamp_nanos_opt().unwrap_or(0))
        }
    }
}

#[cfg(test)]
mod tests;
