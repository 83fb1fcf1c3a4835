//! An in-memory store with faults, for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use object_store::memory::InMemory;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartId, MultipartUpload,
    ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions,
    Result,
};
use tokio_util::bytes::Bytes;

use super::OpenedStore;

/// Which operations fail, counted from 0, and how.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Faults {
    None,
    /// These operations fail without effect.
    Refused(Range<usize>),
    /// These operations succeed but their reply is lost.
    ReplyLost(Range<usize>),
}

/// An in-memory store with faults.
#[derive(Debug)]
pub(crate) struct Flaky {
    inner: InMemory,
    uploads: Mutex<HashMap<String, BTreeMap<usize, Bytes>>>,
    faults: Mutex<Faults>,
    done: AtomicUsize,
}

impl Flaky {
    pub(crate) fn new() -> Self {
        Self {
            inner: InMemory::new(),
            uploads: Mutex::default(),
            faults: Mutex::new(Faults::None),
            done: AtomicUsize::new(0),
        }
    }

    /// Sets the faults and restarts the count.
    pub(crate) fn set(&self, faults: Faults) {
        *self.faults.lock().unwrap() = faults;
        self.done.store(0, Ordering::SeqCst);
    }

    /// Operations since the last [`Flaky::set`].
    pub(crate) fn operations(&self) -> usize {
        self.done.load(Ordering::SeqCst)
    }

    /// Uploads that were neither completed nor aborted.
    pub(crate) fn open_uploads(&self) -> usize {
        self.uploads.lock().unwrap().len()
    }

    /// This store as `s3://flaky` and a path in it.
    pub(crate) fn open(self: &std::sync::Arc<Self>, path: &str) -> OpenedStore {
        let root = url::Url::parse("s3://flaky").unwrap();
        OpenedStore { store: self.clone(), path: Path::from(path), root }
    }

    async fn through<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let number = self.done.fetch_add(1, Ordering::SeqCst);
        let faults = self.faults.lock().unwrap().clone();
        match faults {
            Faults::Refused(which) if which.contains(&number) => Err(down()),
            Faults::ReplyLost(which) if which.contains(&number) => {
                let _ = work.await;
                Err(down())
            }
            _ => work.await,
        }
    }
}

fn down() -> Error {
    let source = "Server returned non-2xx status code: 503 Service Unavailable: ".into();
    Error::Generic { store: "flaky", source }
}

impl std::fmt::Display for Flaky {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("flaky")
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for Flaky {
    async fn put_opts(&self, p: &Path, b: PutPayload, o: PutOptions) -> Result<PutResult> {
        self.through(self.inner.put_opts(p, b, o)).await
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        unreachable!("parts are sent by number")
    }

    async fn get_opts(&self, p: &Path, o: GetOptions) -> Result<GetResult> {
        self.through(self.inner.get_opts(p, o)).await
    }

    async fn get_ranges(&self, p: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.through(self.inner.get_ranges(p, ranges)).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let number = self.done.fetch_add(1, Ordering::SeqCst);
        match self.faults.lock().unwrap().clone() {
            Faults::Refused(which) if which.contains(&number) => {
                futures::stream::once(async { Err(down()) }).boxed()
            }
            Faults::ReplyLost(which) if which.contains(&number) => {
                let deleted = self.inner.delete_stream(paths).collect::<Vec<_>>();
                deleted.map(|_| Err(down())).into_stream().boxed()
            }
            _ => self.inner.delete_stream(paths),
        }
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.through(self.inner.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, o: CopyOptions) -> Result<()> {
        self.through(self.inner.copy_opts(from, to, o)).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, o: RenameOptions) -> Result<()> {
        self.through(self.inner.rename_opts(from, to, o)).await
    }
}

/// As servers do it: parts come in any order and more than once, and an upload that is complete is
/// not there any more.
#[async_trait]
impl MultipartStore for Flaky {
    async fn create_multipart(&self, _: &Path) -> Result<MultipartId> {
        self.through(async {
            let id = format!("{:x}", fastrand::u64(..));
            self.uploads.lock().unwrap().insert(id.clone(), BTreeMap::new());
            Ok(id)
        })
        .await
    }

    async fn put_part(
        &self,
        path: &Path,
        id: &MultipartId,
        part: usize,
        data: PutPayload,
    ) -> Result<PartId> {
        self.through(async {
            let mut uploads = self.uploads.lock().unwrap();
            let upload = uploads.get_mut(id).ok_or_else(|| no_upload(path))?;
            upload.insert(part, data.into());
            Ok(PartId { content_id: part.to_string() })
        })
        .await
    }

    async fn complete_multipart(
        &self,
        path: &Path,
        id: &MultipartId,
        parts: Vec<PartId>,
    ) -> Result<PutResult> {
        self.through(async {
            let upload = self.uploads.lock().unwrap().remove(id).ok_or_else(|| no_upload(path))?;
            let named: Vec<String> = upload.keys().map(usize::to_string).collect();
            assert_eq!(
                parts.iter().map(|p| &p.content_id).collect::<Vec<_>>(),
                named.iter().collect::<Vec<_>>()
            );
            self.inner.put_opts(path, upload.into_values().collect(), PutOptions::default()).await
        })
        .await
    }

    async fn abort_multipart(&self, path: &Path, id: &MultipartId) -> Result<()> {
        self.through(async {
            self.uploads.lock().unwrap().remove(id).map(drop).ok_or_else(|| no_upload(path))
        })
        .await
    }
}

fn no_upload(path: &Path) -> Error {
    Error::NotFound { path: path.to_string(), source: "no such upload".into() }
}
