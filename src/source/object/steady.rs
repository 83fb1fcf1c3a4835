//! A store that is tried again when it fails, within the limits of its host.

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

use super::fault::{Cause, Fault};
use super::stores::{Opened, Store};
use crate::error::{Error, ErrorCode, Result};
use crate::location::Location;
use crate::resilience::{Guard, HostKey, Resilience};

/// Longest wait for an answer that is small.
const ANSWER: Duration = Duration::from_secs(30);
/// Slowest that a body may move, in bytes a second.
const SLOWEST: u64 = 16 * 1024;
/// Times a name that is taken and yet not there is asked for again: a store in the middle of
/// another's write answers so.
const UNDECIDED: u32 = 5;

/// An object store behind the guard of its host. What can pass is tried again; what comes back is an
/// answer, or a fault that stayed. Every operation may be done twice without harm.
#[derive(Clone)]
pub struct SteadyStore {
    store: std::sync::Arc<dyn Store>,
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
    /// The store of `opened`, dealt with as `resilience` says.
    ///
    /// # Errors
    /// `config.invalid` if the URL names no store.
    pub fn new(opened: &Opened, resilience: &Resilience) -> Result<Self> {
        let host = HostKey::of_url(&opened.root).ok_or_else(|| {
            Error::new(ErrorCode::Config, format!("{} names no bucket", opened.root))
        })?;
        Ok(Self {
            store: opened.store.clone(),
            root: opened.root.clone(),
            guard: resilience.hosts.guard(&host),
            host,
            resilience: resilience.clone(),
        })
    }

    /// The URL of the store alone.
    pub fn root(&self) -> &Url {
        &self.root
    }

    /// The URL of an object.
    pub fn url(&self, path: &Path) -> Url {
        let root = Location::Url(self.root.clone()).join(path.as_ref());
        root.as_url().unwrap_or(&self.root).clone()
    }

    /// The store beneath, for operations that are repeated by [`SteadyStore::attempts`].
    pub(super) fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    /// Do `work` until it gives an answer or a fault that does not pass. One go may take as long as
    /// `bytes` take at the slowest.
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
                    Ok(result) => result.map_err(|e| (Fault::from(&e), Some(e))),
                    Err(_) => Err((Fault::timeout("no answer in time"), None)),
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
                    tracing::debug!(store = %self, ?wait, "trying again: {error}");
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
    /// A fault other than [`Cause::NotFound`].
    pub async fn read(&self, path: &Path) -> Result<Option<Bytes>, Fault> {
        let read = self.attempts(path, 0, || async { self.store.get(path).await?.bytes().await });
        found(read.await)
    }

    /// The facts of an object; `None` if there is none.
    ///
    /// # Errors
    /// As [`SteadyStore::read`].
    pub async fn facts(&self, path: &Path) -> Result<Option<ObjectMeta>, Fault> {
        found(self.attempts(path, 0, || self.store.head(path)).await)
    }

    /// Every object beneath `prefix`.
    ///
    /// # Errors
    /// The fault of the store.
    pub async fn all(&self, prefix: &Path) -> Result<Vec<ObjectMeta>, Fault> {
        let list = || self.store.list(Some(prefix)).try_collect();
        Ok(self.attempts(prefix, LIST_BYTES, list).await?)
    }

    /// The objects right beneath `prefix`.
    ///
    /// # Errors
    /// The fault of the store.
    pub async fn children(&self, prefix: &Path) -> Result<Vec<ObjectMeta>, Fault> {
        let list = || self.store.list_with_delimiter(Some(prefix));
        Ok(self.attempts(prefix, LIST_BYTES, list).await?.objects)
    }

    /// Write a small object, in the place of one that is there.
    ///
    /// # Errors
    /// The fault of the store.
    pub async fn write(&self, path: &Path, content: impl Into<Bytes>) -> Result<(), Fault> {
        let content: Bytes = content.into();
        let put = || self.store.put(path, PutPayload::from_bytes(content.clone()));
        self.attempts(path, content.len() as u64, put).await?;
        Ok(())
    }

    /// Write a small object unless there is one of that name; whether the one that is there now is
    /// this one. A reply that is lost is no doubt: it is read back.
    ///
    /// # Errors
    /// The fault of the store; then it may have been written all the same.
    pub async fn create(&self, path: &Path, content: impl Into<Bytes>) -> Result<bool, Fault> {
        let content: Bytes = content.into();
        let options = PutOptions::from(PutMode::Create);
        let put = || self.store.put_opts(path, content.clone().into(), options.clone());
        let mut undecided = 0;
        loop {
            let fault = match self.attempts(path, content.len() as u64, put).await {
                Ok(_) => return Ok(true),
                Err(error) => Fault::from(error),
            };
            match self.read(path).await {
                Ok(Some(there)) => return Ok(there == content),
                Ok(None) if fault.cause == Cause::Exists && undecided < UNDECIDED => undecided += 1,
                _ => return Err(fault),
            }
        }
    }

    /// Remove objects; those that are not there are no fault.
    ///
    /// # Errors
    /// The first fault of the store.
    pub async fn remove(&self, paths: &[Path]) -> Result<(), Fault> {
        for path in paths {
            found(self.attempts(path, 0, || self.store.delete(path)).await)?;
        }
        Ok(())
    }
}

/// What a list may take at most: many pages.
const LIST_BYTES: u64 = 16 << 20;

/// `None` for what is not there.
fn found<T>(result: StoreResult<T>) -> Result<Option<T>, Fault> {
    match result.map_err(Fault::from) {
        Ok(found) => Ok(Some(found)),
        Err(fault) if fault.cause == Cause::NotFound => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// The loop above ends by itself only after more retries than a number holds.
fn unreachable_end<T>() -> StoreResult<T> {
    let source = "tried too often".into();
    Err(object_store::Error::Generic { store: "guarded", source })
}

/// For the query engine, which reads tables in ranges: what it asks for is held in memory.
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

/// What one read of the query engine may take at most: some row groups.
const RANGE_BYTES: u64 = 64 << 20;
