//! The root of a dataset: a folder, or a prefix of an object store.

use std::fs::{self, File, Metadata};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Dataset, Manifest, ObjectStoreRoot, ShardWriter, cannot_write, folder};
use crate::error::{Error, ErrorCode, Result};
use crate::location::Location;
use crate::resilience::Resilience;
use crate::source::object::ObjectStores;

/// The root of a dataset: a local folder, or a prefix of an object store.
#[derive(Debug, Clone)]
pub enum DatasetRoot {
    /// A folder.
    Folder(PathBuf),
    /// A prefix of an object store.
    Objects(Box<ObjectStoreRoot>),
}

/// A media file that a dataset lists.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ListedFile {
    /// Where it is, relative to the dataset's root; `None`: there is none.
    pub uri: Option<String>,
    /// Its size, if that is listed.
    pub bytes: Option<u64>,
}

/// The lock that a commit holds, see [`DatasetRoot::lock`]. The kernel releases it however the process
/// ends.
#[derive(Debug)]
pub struct CommitLock {
    pub(super) _file: File,
}

impl DatasetRoot {
    /// The root at `location`, which is not accessed yet.
    ///
    /// # Errors
    /// `config.invalid` if results cannot be written to such a location, or its object store is not
    /// configured.
    pub fn new(location: &Location, resilience: &Resilience) -> Result<Self> {
        Ok(match location {
            Location::Path(path) => Self::Folder(path.clone()),
            Location::Url(url) => Self::Objects(Box::new(ObjectStoreRoot::new(
                &ObjectStores::default().open(url)?,
                resilience,
            )?)),
        })
    }

    /// Its location.
    pub fn location(&self) -> Location {
        match self {
            Self::Folder(path) => Location::Path(path.clone()),
            Self::Objects(objects) => Location::Url(objects.url().clone()),
        }
    }

    /// Verifies that results can be written.
    ///
    /// # Errors
    /// `store.write` if they cannot, or if an object store could lose them.
    pub async fn prepare(&self) -> Result<()> {
        match self {
            Self::Folder(path) => fs::create_dir_all(path).map_err(|e| cannot_write(path, e)),
            Self::Objects(objects) => objects.prepare().await,
        }
    }

    /// Opens the dataset, which is empty if there are no results.
    ///
    /// # Errors
    /// `store.read`.
    pub async fn dataset(&self) -> Result<Dataset> {
        match self {
            Self::Folder(path) => Dataset::open_or_new(path),
            Self::Objects(objects) => objects.dataset().await,
        }
    }

    /// As [`DatasetRoot::dataset`], but results must exist.
    ///
    /// # Errors
    /// `store.read`, also if there are none.
    pub async fn existing(&self) -> Result<Dataset> {
        self.dataset().await?.not_empty()
    }

    /// Starts a shard. `analysis` is a stable id of how its sources are analysed. The staging folder is in
    /// the root, or in `work` for an object store.
    ///
    /// # Errors
    /// `store.write` if the staging folder cannot be created.
    pub fn begin(&self, work: &Path, analysis: String) -> Result<ShardWriter> {
        match self {
            Self::Folder(path) => folder::begin(path, analysis),
            Self::Objects(_) => ObjectStoreRoot::begin(work, analysis),
        }
    }

    /// Whether all of these media files exist, each with the size that is listed for it.
    ///
    /// # Errors
    /// `store.read`.
    pub async fn holds(&self, files: &[ListedFile]) -> Result<bool> {
        let listed = match self {
            Self::Folder(_) => None,
            Self::Objects(objects) => Some(objects.media_files().await?),
        };
        let there = |uri: &str| match (self, &listed) {
            (Self::Folder(path), _) => {
                let facts = fs::metadata(path.join(uri)).ok().filter(Metadata::is_file)?;
                Some(facts.len())
            }
            (_, listed) => listed.as_ref()?.get(uri).copied(),
        };
        Ok(files.iter().all(|file| {
            let size = file.uri.as_deref().map(&there);
            match (size, file.bytes) {
                // No file is listed.
                (None, _) => true,
                (Some(size), None) => size.is_some(),
                (Some(size), Some(bytes)) => size == Some(bytes),
            }
        }))
    }

    /// The folder that rendered files are written to.
    pub fn media_dir(&self, writer: &ShardWriter) -> PathBuf {
        match self {
            Self::Folder(path) => path.join("media"),
            // The files are uploaded; the local copies are removed with the staging folder.
            Self::Objects(_) => writer.staging().join("media"),
        }
    }

    /// Waits for the commit lock of a folder and holds it while the result lives: the older shards that a
    /// commit merges must not change meanwhile. In an object store there is no lock:
    /// [`DatasetRoot::commit`] detects concurrent commits.
    ///
    /// # Errors
    /// `store.write` if the folder cannot be written to.
    pub async fn lock(&self) -> Result<Option<CommitLock>> {
        let Self::Folder(path) = self else { return Ok(None) };
        let path = path.clone();
        let lock = tokio::task::spawn_blocking(move || folder::lock(&path)).await;
        let lock = lock.map_err(|e| Error::new(ErrorCode::Internal, format!("cannot lock ({e})")));
        lock?.map(Some)
    }

    /// Makes a shard visible atomically on top of `dataset`; `shard` is a stable id of its content. `None`
    /// if there was another commit since `dataset` was opened: nothing has changed then, and the caller
    /// opens, merges and commits again.
    ///
    /// # Errors
    /// `store.write`. In a folder the shard is not visible then; in an object store whose reply was lost it
    /// may be.
    pub async fn commit(
        &self,
        dataset: &Dataset,
        writer: &ShardWriter,
        shard: &str,
    ) -> Result<Option<Manifest>> {
        match self {
            Self::Folder(path) => folder::commit(path, dataset, writer, shard).map(Some),
            Self::Objects(objects) => objects.commit(dataset, writer, shard).await,
        }
    }

    /// Whether a run writes to the folder at this moment, which may use media files that exist. In an object
    /// store that cannot be told: false.
    pub fn is_written_to(&self) -> bool {
        match self {
            Self::Folder(path) => folder::is_written_to(path),
            Self::Objects(_) => false,
        }
    }

    /// Removes media files, named as in `renditions`: those that no table lists any more.
    ///
    /// # Errors
    /// `store.write` if one is there and cannot be removed.
    pub async fn remove_media(&self, uris: &[String]) -> Result<()> {
        match self {
            Self::Folder(path) => folder::remove_media(path, uris),
            Self::Objects(objects) => objects.remove_media(uris).await,
        }
    }

    /// Sets the tables of shards aside that `newest`, the commit on top of `before`, has replaced: readers that
    /// opened the results before find them for [`KEEP_REPLACED`](super::KEEP_REPLACED). Media files
    /// stay, since other tables of the user may name them. Errors are ignored: unreferenced files do no
    /// harm. In a folder the caller holds [`DatasetRoot::lock`].
    pub async fn set_replaced_aside(&self, before: &Dataset, newest: &Manifest) {
        if newest.replaces.is_empty() {
            return;
        }
        match self {
            Self::Folder(path) => {
                if let Ok(dataset) = self.dataset().await {
                    folder::set_replaced_aside(path, &dataset);
                    folder::expire(path, &dataset, super::KEEP_REPLACED);
                }
            }
            Self::Objects(objects) => objects.set_replaced_aside(before, newest).await,
        }
    }
}
