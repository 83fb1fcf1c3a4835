//! A snapshot of a dataset: its live shards and the files they name.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use super::{DatasetRoot, FileEntry, Manifest, TableSchema, folder};
use crate::error::{Error, ErrorCode, Result};
use crate::location::Location;

/// A snapshot of a dataset.
#[derive(Debug, Clone)]
pub struct Dataset {
    root: DatasetRoot,
    live: Vec<Manifest>,
    dead: Vec<Manifest>,
}

impl Dataset {
    /// Opens the results in the folder `root`; for object stores see [`DatasetRoot::existing`].
    ///
    /// # Errors
    /// `store.read` if the folder is missing, holds no committed results or a damaged manifest.
    pub fn open(root: &Path) -> Result<Self> {
        Self::open_or_new(root)?.not_empty()
    }

    /// As [`Dataset::open`], but a folder that is missing or empty is an empty dataset.
    ///
    /// # Errors
    /// `store.read` for a damaged manifest or a folder that cannot be listed.
    pub fn open_or_new(root: &Path) -> Result<Self> {
        Ok(Self::of(DatasetRoot::Folder(root.to_path_buf()), folder::manifests(root)?))
    }

    /// From all manifests below `root`.
    pub(super) fn of(root: DatasetRoot, manifests: BTreeMap<u64, Manifest>) -> Self {
        // A commit replaces earlier ones only, so that the newest is always live.
        let replaced: HashSet<u64> = manifests
            .values()
            .flat_map(|m| m.replaces.iter().copied().filter(|n| *n < m.number))
            .collect();
        let (dead, live) = manifests.into_values().partition(|m| replaced.contains(&m.number));
        Self { root, live, dead }
    }

    /// The dataset, if it has results.
    pub(super) fn not_empty(self) -> Result<Self> {
        if !self.live.is_empty() {
            return Ok(self);
        }
        let place = self.root.location();
        Err(Error::new(
            ErrorCode::StoreRead,
            format!("{place} holds no results; name a folder or URL that a run has written to"),
        ))
    }

    /// Its root.
    pub fn root(&self) -> &DatasetRoot {
        &self.root
    }

    /// Live shards, oldest first.
    pub fn shards(&self) -> &[Manifest] {
        &self.live
    }

    /// Replaced shards whose manifests can go, in order: they were replaced before `limit`, in seconds since 1970.
    /// None follows one that must stay.
    pub(super) fn expired(&self, limit: u64) -> impl Iterator<Item = &Manifest> {
        // What says of many others that they are obsolete stays until `clipflow gc` has removed those.
        self.dead.iter().take_while(move |dead| dead.live.is_none()).take_while(move |dead| {
            let all = self.live.iter().chain(&self.dead);
            let by = all.filter(|m| m.number > dead.number && m.replaces.contains(&dead.number));
            by.map(|m| m.created).min().is_some_and(|replaced| replaced < limit)
        })
    }

    /// The numbers of the commits that are live once `newest` is committed on top of this.
    pub(super) fn live_with(&self, newest: &Manifest) -> Vec<u64> {
        let live = self.live.iter().map(|m| m.number);
        live.filter(|n| !newest.replaces.contains(n)).chain([newest.number]).collect()
    }

    /// The same dataset as far as these live commits hold it.
    #[must_use]
    pub fn only(&self, numbers: &[u64]) -> Self {
        let live = self.live.iter().filter(|m| numbers.contains(&m.number)).cloned().collect();
        Self { root: self.root.clone(), live, dead: vec![] }
    }

    /// The number of the next commit; in a folder it is only reliable under [`DatasetRoot::lock`].
    pub(super) fn next_number(&self) -> u64 {
        self.live.last().map_or(1, |m| m.number + 1)
    }

    /// The live shard with this id, or the one that holds its content whole.
    pub fn shard(&self, id: &str) -> Option<&Manifest> {
        self.live.iter().find(|m| m.shard == id || m.answers.iter().any(|held| held == id))
    }

    /// The settings of the newest live shard that says them.
    pub fn settings(&self) -> Option<&BTreeMap<String, String>> {
        self.live.iter().rev().map(|m| &m.settings).find(|settings| !settings.is_empty())
    }

    /// Live files of a table that have rows.
    pub fn entries(&self, table: &str) -> Vec<&FileEntry> {
        let entries = self.live.iter().filter_map(|m| m.tables.get(table));
        entries.filter(|e| e.rows > 0).collect()
    }

    /// Paths of the live files of a table that have rows; none in an object store.
    pub fn files(&self, table: &str) -> Vec<PathBuf> {
        let places = self.entries(table).into_iter().map(|e| self.location(e));
        places.filter_map(|l| l.as_path().map(Path::to_path_buf)).collect()
    }

    /// The location of a file.
    pub fn location(&self, entry: &FileEntry) -> Location {
        self.root.location().join(&entry.path)
    }

    /// The columns of a table over all its live files; `None` if none of them has rows.
    ///
    /// # Errors
    /// `store.read` if a file is lost or damaged, with a hint what to do.
    pub async fn schema(&self, table: &str) -> Result<Option<TableSchema>> {
        let entries = self.entries(table);
        if entries.is_empty() {
            return Ok(None);
        }
        let schema = self.schema_of(&entries).await;
        schema.map(Some).map_err(|fault| self.lost(table, fault))
    }

    /// Verifies a shard's file of a table: by its hash in a folder, by its footer in an object store, which
    /// verifies content itself.
    ///
    /// # Errors
    /// `store.read` if it is lost or damaged; [`Dataset::lost`] adds the hint.
    pub async fn check(&self, table: &str, shard: &Manifest) -> Result<()> {
        let Some(entry) = shard.tables.get(table).filter(|e| e.rows > 0) else { return Ok(()) };
        match &self.root {
            DatasetRoot::Folder(root) => folder::check(root, entry),
            DatasetRoot::Objects(objects) => objects.schema(&[entry]).await.map(|_| ()),
        }
    }

    async fn schema_of(&self, entries: &[&FileEntry]) -> Result<TableSchema> {
        match &self.root {
            DatasetRoot::Folder(_) => {
                let places = entries.iter().map(|e| self.location(e));
                let files: Vec<PathBuf> =
                    places.filter_map(|l| l.as_path().map(Path::to_path_buf)).collect();
                TableSchema::read(&files)
            }
            DatasetRoot::Objects(objects) => objects.schema(entries).await,
        }
    }

    /// The error for a lost or damaged file of a table, with a hint: only its rows are lost.
    pub fn lost(&self, table: &str, fault: Error) -> Error {
        let place = self.root.location();
        let commands = match table {
            "requests" => String::new(),
            _ => format!(
                ": `clipflow sql {place} \"SELECT * FROM requests\" -o again.parquet`, then `clipflow run again.parquet --out NEW`"
            ),
        };
        let message = format!(
            "{}: a file of the table {table} is lost or damaged; the other tables can be read; to restore it, run all requests that wrote it again, or run them into a new folder{commands}",
            fault.message()
        );
        Error::new(fault.code(), message).with_source(fault)
    }
}
