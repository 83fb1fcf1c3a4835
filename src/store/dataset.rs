//! Opening a dataset: which shards are live and which files they name.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::{FileEntry, Manifest, ShardWriter, cannot_read, cannot_write};
use crate::error::{Error, ErrorCode, Result};

/// A results folder as it stood when it was opened.
#[derive(Debug, Clone)]
pub struct Dataset {
    root: PathBuf,
    live: Vec<Manifest>,
    dead: Vec<Manifest>,
}

/// The right to commit, see [`Dataset::lock`]. The kernel takes it back however the process ends.
#[derive(Debug)]
pub struct CommitLock {
    _file: File,
}

impl Dataset {
    /// Open the results in `root`.
    ///
    /// # Errors
    /// `store.read` if the folder is missing, holds no committed results or a damaged manifest.
    pub fn open(root: &Path) -> Result<Self> {
        let dataset = Self::open_or_new(root)?;
        if dataset.live.is_empty() {
            return Err(Error::new(
                ErrorCode::StoreRead,
                format!(
                    "{} holds no results; write some with `clipflow run REQUESTS --out {}`",
                    root.display(),
                    root.display()
                ),
            ));
        }
        Ok(dataset)
    }

    /// As [`Dataset::open`], but a folder that is missing or empty is an empty dataset.
    ///
    /// # Errors
    /// `store.read` for a damaged manifest or a folder that cannot be listed.
    pub fn open_or_new(root: &Path) -> Result<Self> {
        let folder = root.join("_commit");
        let mut manifests = BTreeMap::new();
        if folder.is_dir() {
            for entry in fs::read_dir(&folder).map_err(|e| cannot_read(&folder, e))? {
                let path = entry.map_err(|e| cannot_read(&folder, e))?.path();
                if path.extension().is_some_and(|x| x == "json") {
                    let manifest = read_manifest(&path)?;
                    manifests.insert(manifest.number, manifest);
                }
            }
        }
        // A commit replaces earlier ones only, so that the newest is always live.
        let replaced: HashSet<u64> = manifests
            .values()
            .flat_map(|m| m.replaces.iter().copied().filter(|n| *n < m.number))
            .collect();
        let (dead, live) = manifests.into_values().partition(|m| replaced.contains(&m.number));
        Ok(Self { root: root.to_path_buf(), live, dead })
    }

    /// Wait until nobody else commits to `root`, and keep others from it as long as the answer lives:
    /// what a commit takes over from older shards must not change under it.
    ///
    /// # Errors
    /// `store.write` if the folder cannot be written to.
    pub fn lock(root: &Path) -> Result<CommitLock> {
        let folder = root.join("_commit");
        fs::create_dir_all(&folder).map_err(|e| cannot_write(&folder, e))?;
        let path = folder.join("lock");
        let file = File::create(&path).map_err(|e| cannot_write(&path, e))?;
        file.lock().map_err(|e| cannot_write(&path, e))?;
        Ok(CommitLock { _file: file })
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Live shards, oldest first.
    pub fn shards(&self) -> &[Manifest] {
        &self.live
    }

    /// The number of the next commit; known for sure only under [`Dataset::lock`].
    pub(super) fn next_number(&self) -> u64 {
        self.live.last().map_or(1, |m| m.number + 1)
    }

    /// The live shard with this id.
    pub fn shard(&self, id: &str) -> Option<&Manifest> {
        self.live.iter().find(|m| m.shard == id)
    }

    /// Absolute paths of a table's live files that hold rows.
    pub fn files(&self, table: &str) -> Vec<PathBuf> {
        let entries = self.live.iter().filter_map(|m| m.tables.get(table));
        entries.filter(|e| e.rows > 0).map(|e| self.path(e)).collect()
    }

    /// Absolute path of a file.
    pub fn path(&self, entry: &FileEntry) -> PathBuf {
        self.root.join(&entry.path)
    }

    /// Begin to write a shard. `analysis`: a stable id of how its sources are analysed; shards that
    /// share it say the same of a source.
    ///
    /// # Errors
    /// `store.write` if the staging folder cannot be made.
    pub fn begin(&self, analysis: impl Into<String>) -> Result<ShardWriter> {
        ShardWriter::begin(&self.root, analysis.into())
    }

    /// Remove table files and manifests of replaced shards. Media files stay: other tables of the
    /// user may name them.
    pub fn remove_replaced(&self) {
        for manifest in &self.dead {
            let path = manifest_path(&self.root, manifest.number);
            // The manifest goes first: a manifest without files would be a lie, files without one are litter.
            if fs::remove_file(&path).is_ok() {
                for entry in manifest.tables.values() {
                    let _ = fs::remove_file(self.path(entry));
                }
            }
        }
    }
}

/// `_commit/00000001.json`
pub(super) fn manifest_path(root: &Path, number: u64) -> PathBuf {
    root.join("_commit").join(format!("{number:08}.json"))
}

fn read_manifest(path: &Path) -> Result<Manifest> {
    let bytes = fs::read(path).map_err(|e| cannot_read(path, e))?;
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|e| cannot_read(path, e))?;
    if manifest.format > Manifest::FORMAT {
        return Err(Error::new(
            ErrorCode::StoreRead,
            format!(
                "{} was written by a newer clipflow ({}); install that version",
                path.display(),
                manifest.clipflow
            ),
        ));
    }
    Ok(manifest)
}
