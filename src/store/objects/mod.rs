//! A dataset in an object store.
//!
//! ```text
//! PREFIX/requests/<number>-<shard>-<attempt>.parquet
//!        media/<media_id>-<hash>.mp4
//!        _media/<media_id>.json    the current file of a rendered span, and its measurements
//!        _commit/<number>.json     as in a folder, with the list of live commits
//! ```
//!
//! A name is written with one content only, so that a repeated write, after a lost reply or by two runs,
//! does no harm. A manifest is created only if its number is free: the run that creates it has merged all
//! commits before. Manifests of replaced commits stay until `clipflow gc`, since a number that becomes free could
//! be taken by a delayed request.

mod media;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path as FilePath;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
pub use media::PublishedMedia;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::arrow::async_reader::MetadataFetch;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaDataReader;
use tokio_util::bytes::Bytes;
use url::Url;

use super::replaced::kept_name;
use super::staging::Staging;
use super::{
    Dataset, DatasetRoot, FileEntry, Manifest, ShardWriter, TableSchema, cannot_read, lost_file,
};
use crate::error::{Error, ErrorCode, Result};
use crate::resilience::Resilience;
use crate::source::object::{OpenedStore, SteadyStore, StoreFault, StoreFaultCause, TransferError};

/// Concurrent requests.
const CONCURRENT_REQUESTS: usize = 8;

/// A prefix of an object store that holds a dataset.
#[derive(Debug, Clone)]
pub struct ObjectStoreRoot {
    store: SteadyStore,
    prefix: Path,
    url: Url,
}

impl ObjectStoreRoot {
    pub(super) fn new(opened: &OpenedStore, resilience: &Resilience) -> Result<Self> {
        let store = SteadyStore::new(opened, resilience)?;
        let url = store.url(&opened.path);
        Ok(Self { store, prefix: opened.path.clone(), url })
    }

    /// Its URL.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The store, for the query engine.
    pub fn store(&self) -> &SteadyStore {
        &self.store
    }

    /// The path in the store of `relative`, which starts at the prefix.
    pub fn path(&self, relative: &str) -> Path {
        Path::from_iter(self.prefix.parts().chain(Path::from(relative).parts()))
    }

    /// Verifies that the store accepts writes and refuses to create existing objects: without that, one of
    /// two concurrent commits could be lost.
    pub(super) async fn prepare(&self) -> Result<()> {
        let path = self.path("_commit/probe");
        self.store.write(&path, "0").await.map_err(|f| self.cannot_write(&path, &f))?;
        let unsafe_store = |said: &str| {
            let url = &self.url;
            Error::new(
                ErrorCode::StoreWrite,
                format!(
                    "{url} is in a store without conditional writes ({said}), so that commits could be lost; use a store with conditional writes, or a folder"
                ),
            )
        };
        let other = format!("{:016x}", fastrand::u64(..));
        match self.store.create(&path, other).await {
            Ok(false) => Ok(()),
            Ok(true) => Err(unsafe_store("it has overwritten one")),
            Err(fault) if fault.cause == StoreFaultCause::Unsupported => {
                Err(unsafe_store(&fault.said))
            }
            Err(fault) => Err(self.cannot_write(&path, &fault)),
        }
    }

    /// Starts a shard with a staging folder in `work`.
    pub(super) fn begin(work: &FilePath, analysis: String) -> Result<ShardWriter> {
        Ok(ShardWriter::begin(Staging::in_shared(work)?, analysis))
    }

    /// Opens the dataset.
    pub(super) async fn dataset(&self) -> Result<Dataset> {
        let numbers = self.manifest_numbers().await?;
        let mut manifests = BTreeMap::new();
        if let Some(newest) = numbers.last() {
            let newest = self.manifest(*newest).await?;
            // A manifest copied from a folder has no list of live commits.
            let live = newest.live.clone().unwrap_or(numbers);
            let others = live.into_iter().filter(|n| *n != newest.number);
            let others: Vec<_> = others.map(|n| self.manifest(n)).collect();
            let others: Vec<Manifest> =
                stream::iter(others).buffered(CONCURRENT_REQUESTS).try_collect().await?;
            manifests.extend(others.into_iter().chain([newest]).map(|m| (m.number, m)));
        }
        Ok(Dataset::of(DatasetRoot::Objects(Box::new(self.clone())), manifests))
    }

    /// The numbers of all manifests, in order.
    pub(super) async fn manifest_numbers(&self) -> Result<Vec<u64>> {
        let folder = self.path("_commit");
        let found = self.store.children(&folder).await.map_err(|f| self.cannot_list(&folder, f))?;
        let mut numbers: Vec<u64> = found.iter().filter_map(|o| number(&o.location)).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// The manifest of a commit.
    pub(super) async fn manifest(&self, number: u64) -> Result<Manifest> {
        let path = self.path(&Manifest::name(number));
        let content = self.store.read(&path).await.map_err(|f| self.cannot_read(&path, &f))?;
        let gone = || StoreFault { cause: StoreFaultCause::NotFound, said: String::new() };
        let content = content.ok_or_else(|| self.cannot_read(&path, &gone()))?;
        Manifest::read(&content, self.store.url(&path).as_str())
    }

    /// The schema over files, from their footers.
    pub(super) async fn schema(&self, entries: &[&FileEntry]) -> Result<TableSchema> {
        let footers: Vec<_> = entries.iter().map(|e| self.columns(&e.path, e.bytes)).collect();
        let schemas: Vec<SchemaRef> =
            stream::iter(footers).buffered(CONCURRENT_REQUESTS).try_collect().await?;
        Ok(TableSchema::merge(&schemas))
    }

    fn columns(&self, relative: &str, bytes: u64) -> BoxFuture<'_, Result<SchemaRef>> {
        let path = self.path(relative);
        async move {
            let fetch = FooterReader { store: &self.store, path: &path };
            let reader = ParquetMetaDataReader::new().with_prefetch_hint(Some(FOOTER_BYTES));
            let footer = reader.load_and_finish(fetch, bytes).await;
            let footer = footer.and_then(|footer| {
                ArrowReaderMetadata::try_new(Arc::new(footer), ArrowReaderOptions::default())
            });
            let footer = footer.map_err(|e| lost_file(self.store.url(&path), e))?;
            Ok(Arc::clone(footer.schema()))
        }
        .boxed()
    }

    /// See [`DatasetRoot::commit`].
    pub(super) async fn commit(
        &self,
        dataset: &Dataset,
        writer: &ShardWriter,
        shard: &str,
    ) -> Result<Option<Manifest>> {
        let number = dataset.next_number();
        let attempt = format!("{:016x}", fastrand::u64(..));
        let mut uploads = vec![];
        for (name, staged) in writer.tables().clone() {
            let path = format!("{name}/{number:08}-{shard}-{attempt}.parquet");
            uploads.push(async move {
                self.send(FilePath::new(&staged.path), &path).await?;
                Ok::<_, Error>((name, FileEntry { path, ..staged }))
            });
        }
        let tables: BTreeMap<_, _> =
            stream::iter(uploads).buffered(CONCURRENT_REQUESTS).try_collect().await?;
        let mut manifest = writer.manifest(number, shard, tables);
        manifest.live = Some(dataset.live_with(&manifest));
        let path = self.path(&Manifest::name(number));
        // The files stay if this fails, since the commit may be visible nevertheless.
        let ours = self.store.create(&path, manifest.to_json()?).await;
        if ours.map_err(|f| self.cannot_write(&path, &f))? {
            return Ok(Some(manifest));
        }
        tracing::info!(number, "another run has committed meanwhile");
        self.remove_tables(&manifest).await;
        Ok(None)
    }

    /// See [`DatasetRoot::set_replaced_aside`]. A file that cannot be copied is removed: readers that opened the
    /// results before fail then, and do not miss rows.
    pub(super) async fn set_replaced_aside(&self, before: &Dataset, newest: &Manifest) {
        for old in before.shards().iter().filter(|m| newest.replaces.contains(&m.number)) {
            let copies = old.tables.values().map(|entry| async {
                let kept = self.path(&kept_name(&entry.path));
                self.store.copy(&self.path(&entry.path), &kept).await
            });
            let copied = stream::iter(copies.collect::<Vec<_>>()).buffered(CONCURRENT_REQUESTS);
            if let Err(e) = copied.try_collect::<Vec<()>>().await {
                tracing::info!("replaced tables are not kept: {e}");
            }
            self.remove_tables(old).await;
        }
    }

    async fn remove_tables(&self, manifest: &Manifest) {
        let paths: Vec<Path> = manifest.tables.values().map(|e| self.path(&e.path)).collect();
        if let Err(fault) = self.store.remove(&paths).await {
            tracing::info!("replaced tables are not removed: {}", fault.said);
        }
    }

    /// Uploads a file to `relative` beneath the prefix.
    async fn send(&self, file: &FilePath, relative: &str) -> Result<()> {
        let path = self.path(relative);
        match self.store.send(file, &path).await {
            Ok(_) => Ok(()),
            Err(TransferError::Store(fault)) => Err(self.cannot_write(&path, &fault)),
            Err(TransferError::File(e)) => Err(cannot_read(file.display(), e)),
        }
    }

    pub(super) fn cannot_write(&self, path: &Path, fault: &StoreFault) -> Error {
        Error::new(ErrorCode::StoreWrite, fault.sentence(self.store.url(path).as_str()))
    }

    pub(super) fn cannot_read(&self, path: &Path, fault: &StoreFault) -> Error {
        Error::new(ErrorCode::StoreRead, fault.sentence(self.store.url(path).as_str()))
    }

    pub(super) fn cannot_list(&self, folder: &Path, mut fault: StoreFault) -> Error {
        // A listing can only miss the bucket.
        if fault.cause == StoreFaultCause::NotFound {
            fault.cause = StoreFaultCause::NoBucket;
        }
        self.cannot_read(folder, &fault)
    }
}

/// Bytes read at first from the end of a Parquet file.
const FOOTER_BYTES: usize = 64 * 1024;

/// Reads the end of a Parquet file.
struct FooterReader<'a> {
    store: &'a SteadyStore,
    path: &'a Path,
}

impl MetadataFetch for FooterReader<'_> {
    fn fetch(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ParquetError>> {
        let read = self.store.get_range(self.path, range);
        async move { read.await.map_err(|e| ParquetError::External(Box::new(e))) }.boxed()
    }
}

/// The number of a manifest, from its name.
fn number(path: &Path) -> Option<u64> {
    Manifest::number_in(path.filename()?)
}

#[cfg(test)]
mod tests;
