//! Where a dataset lies, and what can be done there.

use std::fs::{self, File, Metadata};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Dataset, Manifest, Objects, ShardWriter, cannot_write, folder};
use crate::error::{Error, ErrorCode, Result};
use crate::location::Location;
use crate::resilience::Resilience;
use crate::source::object::Stores;

/// A folder of this machine, or a prefix of an object store.
#[derive(Debug, Clone)]
pub enum Place {
    /// A folder.
    Folder(PathBuf),
    /// A prefix of an object store.
    Objects(Box<Objects>),
}

/// A media file that a dataset lists.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ListedFile {
    /// Where it is, relative to the dataset's root; `None`: there is none.
    pub uri: Option<String>,
    /// Its size, if that is listed.
    pub bytes: Option<u64>,
}

/// The right to commit, see [`Place::lock`]. The kernel takes it back however the process ends.
#[derive(Debug)]
pub struct CommitLock {
    pub(super) _file: File,
}

impl Place {
    /// The place `location`. Nothing is asked of it yet.
    ///
    /// # Errors
    /// `config.invalid` if it is no place for results, or an object store that is not set up.
    pub fn new(location: &Location, resilience: &Resilience) -> Result<Self> {
        Ok(match location {
            Location::Path(path) => Self::Folder(path.clone()),
            Location::Url(url) => {
                Self::Objects(Box::new(Objects::new(&Stores::default().open(url)?, resilience)?))
            }
        })
    }

    /// Where it is.
    pub fn location(&self) -> Location {
        match self {
            Self::Folder(path) => Location::Path(path.clone()),
            Self::Objects(objects) => Location::Url(objects.url().clone()),
        }
    }

    /// See that results can be written.
    ///
    /// # Errors
    /// `store.write` if they cannot, or if an object store could lose them.
    pub async fn prepare(&self) -> Result<()> {
        match self {
            Self::Folder(path) => fs::create_dir_all(path).map_err(|e| cannot_write(path, e)),
            Self::Objects(objects) => objects.prepare().await,
        }
    }

    /// The results as they stand; a place without any is an empty dataset.
    ///
    /// # Errors
    /// `store.read`.
    pub async fn dataset(&self) -> Result<Dataset> {
        match self {
            Self::Folder(path) => Dataset::open_or_new(path),
            Self::Objects(objects) => objects.dataset().await,
        }
    }

    /// As [`Place::dataset`], where there are some.
    ///
    /// # Errors
    /// `store.read`, also if there are none.
    pub async fn existing(&self) -> Result<Dataset> {
        self.dataset().await?.not_empty()
    }

    /// Begin to write a shard. `analysis`: a stable id of how its sources are analysed. Its staging
    /// folder lies where the results do; for an object store in `work`.
    ///
    /// # Errors
    /// `store.write` if the staging folder cannot be made.
    pub fn begin(&self, work: &Path, analysis: String) -> Result<ShardWriter> {
        match self {
            Self::Folder(path) => folder::begin(path, analysis),
            Self::Objects(_) => Objects::begin(work, analysis),
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

    /// Folder that rendered files are written to.
    pub fn media_dir(&self, writer: &ShardWriter) -> PathBuf {
        match self {
            Self::Folder(path) => path.join("media"),
            // They go on to the store, and what is left of them goes with the run.
            Self::Objects(_) => writer.staging().join("media"),
        }
    }

    /// Wait until nobody else commits to a folder, and keep others from it as long as the answer
    /// lives: what a commit takes over from older shards must not change under it. In an object store
    /// [`Place::commit`] finds out by itself.
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

    /// Make a shard visible as `shard` (a stable id of what it holds), in one step, on top of
    /// `dataset`. `None` if somebody else has committed since that was opened: then nothing has
    /// happened, and it is to be opened, merged and tried again.
    ///
    /// # Errors
    /// `store.write`; in a folder nothing is visible then, in an object store whose reply was lost
    /// for good it may be.
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

    /// Remove the tables of shards that were replaced by `newest`, the commit on top of `before`.
    /// Media files stay: other tables of the user may name them. Faults are no matter: what nobody
    /// names is only litter.
    pub async fn remove_replaced(&self, before: &Dataset, newest: &Manifest) {
        match self {
            Self::Folder(path) => {
                if let Ok(dataset) = self.dataset().await {
                    folder::remove_replaced(path, dataset.replaced());
                }
            }
            Self::Objects(objects) => objects.remove_replaced(before, newest).await,
        }
    }
}
