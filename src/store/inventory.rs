//! What lies in a dataset's root, whether a manifest names it or not: for checks and for removing what is obsolete.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::SystemTime;

use futures::{StreamExt, TryStreamExt, stream};

use super::replaced::kept_name;
use super::{DatasetRoot, Manifest, ObjectStoreRoot, cannot_read, cannot_write, folder, staging};
use crate::error::Result;

/// A file of a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// Path relative to the dataset's root, with `/`.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// When it was written, or moved to where replaced files are kept.
    pub modified: SystemTime,
}

/// A manifest as it lies there.
#[derive(Debug)]
pub struct ManifestFile {
    /// The number that its name says.
    pub number: u64,
    /// Its content; `store.read` if it is damaged.
    pub content: Result<Manifest>,
}

/// Manifests of an object store that are read at a time.
const READS_AT_A_TIME: usize = 16;
/// Folders that this does not look into: work in progress, links to media files, records for `clipflow debug`.
const PASSED_OVER: [&str; 3] = ["_staging", "posts", "_debug"];

impl DatasetRoot {
    /// All files of the dataset but for work in progress.
    ///
    /// # Errors
    /// `store.read`.
    pub async fn files(&self) -> Result<Vec<StoredFile>> {
        match self {
            Self::Folder(root) => {
                let mut found = vec![];
                walk(root, "", &mut found).map_err(|e| cannot_read(root.display(), e))?;
                Ok(found)
            }
            Self::Objects(objects) => objects.files().await,
        }
    }

    /// All manifests, also those of replaced shards, in order.
    ///
    /// # Errors
    /// `store.read` if they cannot be listed.
    pub async fn manifest_files(&self) -> Result<Vec<ManifestFile>> {
        match self {
            Self::Folder(root) => {
                let mut found = vec![];
                for number in folder::manifest_numbers(root)? {
                    let content = folder::read_manifest(root, number).transpose();
                    found.extend(content.map(|content| ManifestFile { number, content }));
                }
                Ok(found)
            }
            Self::Objects(objects) => objects.manifest_files().await,
        }
    }

    /// Size in bytes and BLAKE3 hash of a file in hexadecimal; `None` if there is none.
    ///
    /// # Errors
    /// `store.read`.
    pub async fn content(&self, relative: &str) -> Result<Option<(u64, String)>> {
        let mut hasher = blake3::Hasher::new();
        match self {
            Self::Folder(root) => {
                let path = root.join(relative);
                let read = File::open(&path).and_then(|f| hasher.update_reader(f).map(|_| ()));
                match read {
                    Ok(()) => {}
                    Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
                    Err(e) => return Err(cannot_read(path.display(), e)),
                }
            }
            Self::Objects(objects) => {
                let Some(bytes) = objects.bytes(relative).await? else { return Ok(None) };
                hasher.update(&bytes);
            }
        }
        Ok(Some((hasher.count(), hasher.finalize().to_hex().to_string())))
    }

    /// Removes files; missing ones are ignored.
    ///
    /// # Errors
    /// `store.write` if one is there and cannot be removed.
    pub async fn remove_files(&self, paths: &[String]) -> Result<()> {
        match self {
            Self::Folder(root) => folder::remove_media(root, paths),
            Self::Objects(objects) => objects.remove_files(paths).await,
        }
    }

    /// Removes the files of replaced shards at once, whoever reads them.
    ///
    /// # Errors
    /// `store.read`, `store.write`.
    pub async fn purge_replaced(&self) -> Result<()> {
        let start = kept_name("");
        let files = self.files().await?.into_iter().map(|file| file.path);
        let kept: Vec<String> = files.filter(|path| path.starts_with(&start)).collect();
        self.remove_files(&kept).await
    }

    /// Brings a table file back from where replaced ones are kept; whether it was there. In an object store it is
    /// not looked for.
    ///
    /// # Errors
    /// `store.write`.
    pub fn restore_replaced(&self, relative: &str) -> Result<bool> {
        let Self::Folder(root) = self else { return Ok(false) };
        let (kept, path) = (root.join(kept_name(relative)), root.join(relative));
        match fs::rename(&kept, &path) {
            Ok(()) => Ok(true),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(cannot_write(&path, e)),
        }
    }

    /// Sets a damaged manifest aside, so that the others can be read; whether that was done. In an object store its
    /// number must stay taken.
    ///
    /// # Errors
    /// `store.write`.
    pub fn set_manifest_aside(&self, number: u64) -> Result<bool> {
        let Self::Folder(root) = self else { return Ok(false) };
        let name = Manifest::name(number);
        let (path, kept) = (root.join(&name), root.join(kept_name(&name)));
        let moved = kept.parent().map_or(Ok(()), fs::create_dir_all);
        moved.and_then(|()| fs::rename(&path, &kept)).map_err(|e| cannot_write(&path, e))?;
        Ok(true)
    }

    /// Folders of killed runs, relative to the root, and the bytes in them.
    pub fn abandoned_work(&self) -> Vec<(String, u64)> {
        let Self::Folder(root) = self else { return vec![] };
        let folders = staging::abandoned(&root.join("_staging"), "run-").into_iter();
        let named = folders.filter_map(|path| {
            let name = path.file_name()?.to_str()?.to_owned();
            let mut files = vec![];
            walk(&path, "", &mut files).ok()?;
            Some((format!("_staging/{name}"), files.iter().map(|file| file.bytes).sum()))
        });
        named.collect()
    }

    /// Removes folders of killed runs.
    pub fn remove_abandoned_work(&self) {
        if let Self::Folder(root) = self {
            for path in staging::abandoned(&root.join("_staging"), "run-") {
                let _ = fs::remove_dir_all(path);
            }
            // Only succeeds if no run is active.
            let _ = fs::remove_dir(root.join("_staging"));
        }
    }
}

impl ObjectStoreRoot {
    async fn files(&self) -> Result<Vec<StoredFile>> {
        let root = self.path("");
        let all = self.store().all(&root).await.map_err(|f| self.cannot_list(&root, f))?;
        let named = all.into_iter().filter_map(|object| {
            let path: Vec<String> =
                object.location.prefix_match(&root)?.map(|p| p.as_ref().to_owned()).collect();
            let modified = SystemTime::from(object.last_modified);
            Some(StoredFile { path: path.join("/"), bytes: object.size, modified })
        });
        Ok(named.filter(|file| !is_passed_over(&file.path)).collect())
    }

    async fn bytes(&self, relative: &str) -> Result<Option<tokio_util::bytes::Bytes>> {
        let path = self.path(relative);
        self.store().read(&path).await.map_err(|f| self.cannot_read(&path, &f))
    }

    async fn remove_files(&self, relative: &[String]) -> Result<()> {
        let paths: Vec<_> = relative.iter().map(|path| self.path(path)).collect();
        let first = paths.first().cloned().unwrap_or_default();
        self.store().remove(&paths).await.map_err(|f| self.cannot_write(&first, &f))
    }

    async fn manifest_files(&self) -> Result<Vec<ManifestFile>> {
        let numbers = self.manifest_numbers().await?.into_iter();
        let reads: Vec<_> = numbers
            .map(|number| async move {
                let content = self.manifest(number).await;
                Ok(ManifestFile { number, content })
            })
            .collect();
        stream::iter(reads).buffered(READS_AT_A_TIME).try_collect().await
    }
}

fn is_passed_over(relative: &str) -> bool {
    let folder = relative.split('/').next().unwrap_or_default();
    PASSED_OVER.contains(&folder)
}

/// The files beneath `folder`, which is `relative` to the root. Links are not followed.
fn walk(folder: &Path, relative: &str, found: &mut Vec<StoredFile>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
        let path = if relative.is_empty() { name } else { format!("{relative}/{name}") };
        if is_passed_over(&path) {
            continue;
        }
        // A file may go while this looks.
        let Ok(facts) = entry.metadata() else { continue };
        if facts.is_dir() {
            walk(&entry.path(), &path, found)?;
        } else if facts.is_file() {
            let modified = facts.modified().unwrap_or_else(|_| SystemTime::now());
            found.push(StoredFile { path, bytes: facts.len(), modified });
        }
    }
    Ok(())
}
