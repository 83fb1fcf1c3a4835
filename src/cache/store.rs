//! The store of cache entries: a folder, or a prefix of an object store.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures::{StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path as StorePath;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutPayload};

use super::CacheKey;
use super::entry::HEAD_BYTES;
use crate::error::{Error, ErrorCode, Result};

/// Suffix of entry names. No other file in the store is ever touched.
const SUFFIX: &str = ".kept";
/// Age at which a partly written file counts as abandoned.
const ABANDONED: Duration = Duration::from_secs(3600);

/// A folder, or a prefix of an object store, that holds cache entries.
#[derive(Clone)]
pub struct CacheStore {
    store: Arc<dyn ObjectStore>,
    prefix: StorePath,
    folder: Option<PathBuf>,
    name: String,
}

impl fmt::Debug for CacheStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CacheStore({})", self.name)
    }
}

impl fmt::Display for CacheStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// Key, size and time of use of an entry.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredEntry {
    /// Its key.
    pub key: CacheKey,
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was last used; in an object store, when it was written.
    pub used: SystemTime,
}

impl CacheStore {
    /// A folder, created if missing, readable by its owner only: entries hold captions and locations
    /// of sources.
    ///
    /// # Errors
    /// `store.write` if it cannot be created.
    pub fn folder(path: &Path) -> Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        let fault = |e: &dyn fmt::Display| {
            Error::new(
                ErrorCode::StoreWrite,
                format!("cannot cache results in {} ({e}); choose another folder", path.display()),
            )
        };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|e| fault(&e))?;
        let folder = fs::canonicalize(path).map_err(|e| fault(&e))?;
        let store = LocalFileSystem::new_with_prefix(&folder).map_err(|e| fault(&e))?;
        let name = path.display().to_string();
        Ok(Self {
            store: Arc::new(store),
            prefix: StorePath::default(),
            folder: Some(folder),
            name,
        })
    }

    /// The objects of `store` whose names begin with `prefix`; `name` is shown in messages.
    pub fn objects(
        store: Arc<dyn ObjectStore>,
        prefix: StorePath,
        name: impl Into<String>,
    ) -> Self {
        Self { store, prefix, folder: None, name: name.into() }
    }

    /// The folder, if it is one.
    pub(super) fn local(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// `<prefix>/ab/abcd….kept`, spread over 256 folders.
    fn object(&self, key: &CacheKey) -> StorePath {
        let name = key.to_string();
        let shelf = name.get(..2).unwrap_or_default().to_owned();
        self.prefix.clone().join(shelf).join(format!("{name}{SUFFIX}"))
    }

    fn path(&self, key: &CacheKey) -> Option<PathBuf> {
        let name = key.to_string();
        Some(self.folder.as_ref()?.join(name.get(..2)?).join(format!("{name}{SUFFIX}")))
    }

    /// The key of the entry that an object holds, if it is one.
    fn key(&self, object: &StorePath) -> Option<CacheKey> {
        let key = CacheKey::parse(object.filename()?.strip_suffix(SUFFIX)?)?;
        (self.object(&key) == *object).then_some(key)
    }

    /// The content of an entry; `None` if there is none.
    pub(super) async fn read(&self, key: &CacheKey) -> object_store::Result<Option<Vec<u8>>> {
        self.get(key, GetOptions::default()).await
    }

    /// The first bytes of an entry.
    pub(super) async fn head(&self, key: &CacheKey) -> object_store::Result<Option<Vec<u8>>> {
        let range = Some(GetRange::Bounded(0..HEAD_BYTES));
        self.get(key, GetOptions { range, ..GetOptions::default() }).await
    }

    async fn get(
        &self,
        key: &CacheKey,
        options: GetOptions,
    ) -> object_store::Result<Option<Vec<u8>>> {
        let read = async { self.store.get_opts(&self.object(key), options).await?.bytes().await };
        match read.await {
            Ok(bytes) => Ok(Some(bytes.into())),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Writes an entry atomically: a concurrent reader gets the old content or the new.
    pub(super) async fn write(&self, key: &CacheKey, bytes: Vec<u8>) -> object_store::Result<()> {
        self.store.put(&self.object(key), PutPayload::from(bytes)).await.map(|_| ())
    }

    /// Removes an entry; whether it existed.
    pub(super) async fn remove(&self, key: &CacheKey) -> object_store::Result<bool> {
        match self.store.delete(&self.object(key)).await {
            Ok(()) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// Records that an entry was used now. Does nothing in an object store.
    pub(super) async fn touch(&self, key: &CacheKey, now: SystemTime) {
        if let Some(path) = self.path(key) {
            let touched = move || fs::File::open(path)?.set_modified(now);
            // A read-only cache still serves entries.
            let _ = tokio::task::spawn_blocking(touched).await;
        }
    }

    /// All entries, in no particular order.
    pub(super) async fn list(&self) -> object_store::Result<Vec<StoredEntry>> {
        let prefix = Some(&self.prefix).filter(|p| !p.as_ref().is_empty());
        let entries = self.store.list(prefix).try_filter_map(|object| async move {
            let used = SystemTime::from(object.last_modified);
            let key = self.key(&object.location);
            Ok(key.map(|key| StoredEntry { key, bytes: object.size, used }))
        });
        let found: Vec<_> = entries.collect().await;
        // Another process may remove entries and folders during the listing.
        let gone = |r: &object_store::Result<StoredEntry>| {
            matches!(r, Err(object_store::Error::NotFound { .. }))
        };
        found.into_iter().filter(|r| !gone(r)).collect()
    }

    /// Removes partly written files of writers that were killed.
    pub(super) async fn sweep(&self, now: SystemTime) {
        if let Some(folder) = self.folder.clone() {
            let _ = tokio::task::spawn_blocking(move || sweep(&folder, now)).await;
        }
    }
}

/// Removes abandoned files; `object_store` writes to `name#1` before it renames.
fn sweep(folder: &Path, now: SystemTime) {
    let entries = |path: &Path| fs::read_dir(path).into_iter().flatten().flatten();
    for shelf in entries(folder).filter(|e| e.file_type().is_ok_and(|t| t.is_dir())) {
        for file in entries(&shelf.path()) {
            let name = file.file_name();
            let half = name.to_str().is_some_and(|n| n.contains(&format!("{SUFFIX}#")));
            let modified = file.metadata().and_then(|m| m.modified()).unwrap_or(now);
            let age = now.duration_since(modified).unwrap_or_default();
            if half && age > ABANDONED {
                let _ = fs::remove_file(file.path());
            }
        }
    }
}
