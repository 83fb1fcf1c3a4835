//! An object store with retries, within the limits of its host.

use std::fmt;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult,
    Result as StoreResult,
};
use tokio_util::bytes::Bytes;
use url::Url;

use super::fault::{StoreFault, StoreFaultCause};
use super::multipart::MultipartObjectStore;
use super::stores::OpenedStore;
use crate::error::{Error, ErrorCode, Result};
use crate::location::Location;
use crate::resilience::{Guard, HostKey, Resilience};

/// Time limit of a small answer.
const ANSWER: Duration = Duration::from_secs(30);
/// Lowest transfer rate of a body in bytes per second.
const SLOWEST: u64 = 16 * 1024;
/// Retries for a name that exists but cannot be read: a store answers so during a concurrent write.
const UNDECIDED: u32 = 5;

/// An object store behind the guard of its host, with retries. Every operation is idempotent.
#[derive(Clone)]
pub struct SteadyStore {
    store: std::sync::Arc<dyn MultipartObjectStore>,
    root: Url,
    host: HostKey,
    guard: Guard,
    resilience: Resilience,
}

impl fmt::Debug for SteadyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SteadyStore").field(&self.root.as_str()).finish()
    }
}

impl fmt::Display for SteadyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.root.as_str())
    }
}

impl SteadyStore {
    /// The store of `opened` with the retries and limits of `resilience`.
    ///
    /// # Errors
    /// `config.invalid` if the URL names no store.
    pub fn new(opened: &OpenedStore, resilience: &Resilience) -> Result<Self> {
        let host = HostKey::of_url(&opened.root).ok_or_else(|| {
            Error::new(ErrorCode::ConfigInvalid, format!("{} names no bucket", opened.root))
        })?;
        Ok(Self {
            store: opened.store.clone(),
            root: opened.root.clone(),
            guard: resilience.hosts.guard(&host),
            host,
            resilience: resilience.clone(),
        })
    }

    /// The URL of the store.
    pub fn root(&self) -> &Url {
        &self.root
    }

    /// The URL of an object.
    pub fn url(&self, path: &Path) -> Url {
        let root = Location::Url(self.root.clone()).join(path.as_ref());
        root.as_url().unwrap_or(&self.root).clone()
    }

    /// The wrapped store, for operations that [`SteadyStore::attempts`] repeats.
    pub(super) fn store(&self) -> &dyn MultipartObjectStore {
        self.store.as_ref()
    }

    /// Runs `work` until it succeeds or fails for good. The time limit of one attempt is that of `bytes`
    /// at the lowest rate.
    pub(super) async fn attempts<T, Fut>(
        &self,
        path: &Path,
        bytes: u64,
        work: impl Fn() -> Fut + Send + Sync,
    ) -> StoreResult<T>
    where
        T: Send,
        Fut: Future<Output = StoreResult<T>> + Send,
    {
        let limit = ANSWER + Duration::from_secs(bytes / SLOWEST);
        for retry in 0.. {
            let failed = Mutex::new(None);
            let attempt = self.guard.call(|| async {
                let result = match tokio::time::timeout(limit, work()).await {
                    Ok(result) => result.map_err(|e| (StoreFault::from(&e), Some(e))),
                    Err(_) => Err((StoreFault::timeout("no answer in time"), None)),
                };
                result.map_err(|(fault, cause)| {
                    *failed.lock().unwrap_or_else(PoisonError::into_inner) = cause;
                    fault.of_source(self.url(path).as_str())
                })
            });
            let error = match attempt.await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            match self.resilience.wait_before_retry(retry, &error, Some(&self.host)) {
                Some(wait) => {
                    tracing::debug!(store = %self, ?wait, "retrying: {error}");
                    self.resilience.clock.sleep(wait).await;
                }
                None => {
                    let cause = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
                    return Err(cause.unwrap_or_else(|| object_store::Error::Generic {
                        store: "guarded",
                        source: Box::new(error),
                    }));
                }
            }
        }
        unreachable_end()
    }

    /// The content of an object; `None` if there is none.
    ///
    /// # Errors
    /// A fault other than [`StoreFaultCause::NotFound`].
    pub async fn read(&self, path: &Path) -> Result<Option<Bytes>, StoreFault> {
        let read = self.attempts(path, 0, || async { self.store.get(path).await?.bytes().await });
        found(read.await)
    }

    /// The metadata of an object; `None` if there is none.
    ///
    /// # Errors
    /// As [`SteadyStore::read`].
    pub async fn facts(&self, path: &Path) -> Result<Option<ObjectMeta>, StoreFault> {
        found(self.attempts(path, 0, || self.store.head(path)).await)
    }

    /// All objects beneath `prefix`.
    ///
    /// # Errors
    /// The fault of the store.
    pub async fn all(&self, prefix: &Path) -> Result<Vec<ObjectMeta>, StoreFault> {
        let list = || self.store.list(Some(prefix)).try_collect();
        Ok(self.attempts(prefix, LIST_BYTES, list).await?)
    }

    /// The objects directly beneath `prefix`.
    ///
    /// # Errors
    /// The fault of the store.
    pub async fn children(&self, prefix: &Path) -> Result<Vec<ObjectMeta>, StoreFault> {
        let list = || self.store.list_with_delimiter(Some(prefix));
        Ok(self.attempts(prefix, LIST_BYTES, list).await?.objects)
    }

    /// Writes a small object, replacing an existing one.
    ///
    /// # Errors
    /// The fault of the store.
    pub async fn write(&self, path: &Path, content: impl Into<Bytes>) -> Result<(), StoreFault> {
        let content: Bytes = content.into();
        let put = || self.store.put(path, PutPayload::from_bytes(content.clone()));
        self.attempts(path, content.len() as u64, put).await?;
        Ok(())
    }

    /// Creates a small object unless there is one of that name; whether the existing one has this
    /// content. After a lost reply the object is read back.
    ///
    /// # Errors
    /// The fault of the store; the object may have been written nevertheless.
    pub async fn create(&self, path: &Path, content: impl Into<Bytes>) -> Result<bool, StoreFault> {
        let content: Bytes = content.into();
        let options = PutOptions::from(PutMode::Create);
        let put = || self.store.put_opts(path, content.clone().into(), options.clone());
        let mut undecided = 0;
        loop {
            let fault = match self.attempts(path, content.len() as u64, put).await {
                Ok(_) => return Ok(true),
                Err(error) => StoreFault::from(error),
            };
            match self.read(path).await {
                Ok(Some(there)) => return Ok(there == content),
                Ok(None) if fault.cause == StoreFaultCause::Exists && undecided < UNDECIDED => {
                    undecided += 1
                }
                _ => return Err(fault),
            }
        }
    }

    /// Removes objects; missing ones are ignored.
    ///
    /// # Errors
    /// The first fault of the store.
    pub async fn remove(&self, paths: &[Path]) -> Result<(), StoreFault> {
        for path in paths {
            found(self.attempts(path, 0, || self.store.delete(path)).await)?;
        }
        Ok(())
    }
}

/// Assumed size of a listing, for its time limit.
const LIST_BYTES: u64 = 16 << 20;

/// `None` for a missing object.
fn found<T>(result: StoreResult<T>) -> Result<Option<T>, StoreFault> {
    match result.map_err(StoreFault::from) {
        Ok(found) => Ok(Some(found)),
        Err(fault) if fault.cause == StoreFaultCause::NotFound => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// The retry loop ends without a result only after `u32::MAX` retries.
fn unreachable_end<T>() -> StoreResult<T> {
    let source = "tried too often".into();
    Err(object_store::Error::Generic { store: "guarded", source })
}

/// For the query engine, which reads tables in ranges; each range is held in memory.
#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for SteadyStore {
    async fn put_opts(
        &self,
        path: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> StoreResult<PutResult> {
        let put = || self.store.put_opts(path, payload.clone(), options.clone());
        self.attempts(path, payload.content_length() as u64, put).await
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> StoreResult<Box<dyn MultipartUpload>> {
        self.store.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> StoreResult<GetResult> {
        let get = || async {
            let result = self.store.get_opts(path, options.clone()).await?;
            let (meta, range, attributes) =
                (result.meta.clone(), result.range.clone(), result.attributes.clone());
            let content = if options.head { Bytes::new() } else { result.bytes().await? };
            let payload = GetResultPayload::Stream(stream::once(async { Ok(content) }).boxed());
            Ok(GetResult { payload, meta, range, attributes })
        };
        self.attempts(path, RANGE_BYTES, get).await
    }

    async fn get_ranges(&self, path: &Path, ranges: &[Range<u64>]) -> StoreResult<Vec<Bytes>> {
        let bytes = ranges.iter().map(|r| r.end.saturating_sub(r.start)).sum();
        self.attempts(path, bytes, || self.store.get_ranges(path, ranges)).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, StoreResult<Path>>,
    ) -> BoxStream<'static, StoreResult<Path>> {
        self.store.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, StoreResult<ObjectMeta>> {
        self.store.list(prefix)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, StoreResult<ObjectMeta>> {
        self.store.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> StoreResult<ListResult> {
        let path = prefix.cloned().unwrap_or_default();
        self.attempts(&path, LIST_BYTES, || self.store.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> StoreResult<()> {
        self.attempts(from, 0, || self.store.copy_opts(from, to, options.clone())).await
    }

    async fn rename_opts(
        &self,
        from: &Path,
        to: &Path,
        options: object_store::RenameOptions,
    ) -> StoreResult<()> {
        self.store.rename_opts(from, to, options).await
    }
}

/// Assumed size of one read of the query engine, for its time limit.
const RANGE_BYTES: u64 = 64 << 20;
