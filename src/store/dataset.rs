//! A dataset as it stood when it was opened: which shards are live and which files they name.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use super::{FileEntry, Manifest, Place, TableSchema, folder};
use crate::error::{Error, ErrorCode, Result};
use crate::location::Location;

/// Results as they stood when they were opened.
#[derive(Debug, Clone)]
pub struct Dataset {
    place: Place,
    live: Vec<Manifest>,
    dead: Vec<Manifest>,
}

impl Dataset {
    /// Open the results in the folder `root`; for other places see [`Place::existing`].
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
        Ok(Self::of(Place::Folder(root.to_path_buf()), folder::manifests(root)?))
    }

    /// From all manifests of a place.
    pub(super) fn of(place: Place, manifests: BTreeMap<u64, Manifest>) -> Self {
        // A commit replaces earlier ones only, so that the newest is always live.
        let replaced: HashSet<u64> = manifests
            .values()
            .flat_map(|m| m.replaces.iter().copied().filter(|n| *n < m.number))
            .collect();
        let (dead, live) = manifests.into_values().partition(|m| replaced.contains(&m.number));
        Self { place, live, dead }
    }

    /// This, if it has results.
    pub(super) fn not_empty(self) -> Result<Self> {
        if !self.live.is_empty() {
            return Ok(self);
        }
        let place = self.place.location();
        Err(Error::new(
            ErrorCode::StoreRead,
            format!("{place} holds no results; name a folder or URL that a run has written to"),
        ))
    }

    /// Where it lies.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Live shards, oldest first.
    pub fn shards(&self) -> &[Manifest] {
        &self.live
    }

    /// Shards that were replaced, as far as their manifests were read.
    pub(super) fn replaced(&self) -> &[Manifest] {
        &self.dead
    }

    /// The number of the next commit; in a folder known for sure only under [`Place::lock`].
    pub(super) fn next_number(&self) -> u64 {
        self.live.last().map_or(1, |m| m.number + 1)
    }

    /// The live shard with this id.
    pub fn shard(&self, id: &str) -> Option<&Manifest> {
        self.live.iter().find(|m| m.shard == id)
    }

    /// A table's live files that hold rows.
    pub fn entries(&self, table: &str) -> Vec<&FileEntry> {
        let entries = self.live.iter().filter_map(|m| m.tables.get(table));
        entries.filter(|e| e.rows > 0).collect()
    }

    /// Paths of a table's live files that hold rows; none if it lies in an object store.
    pub fn files(&self, table: &str) -> Vec<PathBuf> {
        let places = self.entries(table).into_iter().map(|e| self.location(e));
        places.filter_map(|l| l.as_path().map(Path::to_path_buf)).collect()
    }

    /// Where a file lies.
    pub fn location(&self, entry: &FileEntry) -> Location {
        self.place.location().join(&entry.path)
    }

    /// The columns of a table over all its live files; `None` if none of them has rows.
    ///
    /// # Errors
    /// `store.read` if a file is lost or damaged, with the way out of it.
    pub async fn schema(&self, table: &str) -> Result<Option<TableSchema>> {
        let entries = self.entries(table);
        if entries.is_empty() {
            return Ok(None);
        }
        let schema = self.schema_of(&entries).await;
        schema.map(Some).map_err(|fault| self.lost(table, fault))
    }

    /// See that a shard's file of a table is as it was written: in a folder to the byte, in an object store,
    /// which sees to that itself, by its footer.
    ///
    /// # Errors
    /// `store.read` if it is lost or damaged; see [`Dataset::lost`] for what to say of it.
    pub async fn check(&self, table: &str, shard: &Manifest) -> Result<()> {
        let Some(entry) = shard.tables.get(table).filter(|e| e.rows > 0) else { return Ok(()) };
        match &self.place {
            Place::Folder(root) => folder::check(root, entry),
            Place::Objects(objects) => objects.schema(&[entry]).await.map(|_| ()),
        }
    }

    async fn schema_of(&self, entries: &[&FileEntry]) -> Result<TableSchema> {
        match &self.place {
            Place::Folder(_) => {
                let places = entries.iter().map(|e| self.location(e));
                let files: Vec<PathBuf> =
                    places.filter_map(|l| l.as_path().map(Path::to_path_buf)).collect();
                TableSchema::read(&files)
            }
            Place::Objects(objects) => objects.schema(entries).await,
        }
    }

    /// A fault of a table's file with what can be done about it: everything but its rows is still there.
    pub fn lost(&self, table: &str, fault: Error) -> Error {
        let place = self.place.location();
        let commands = match table {
            "requests" => String::new(),
            _ => format!(
                ": `clipflow sql {place} \"SELECT * FROM requests\" -o again.parquet`, then `clipflow run again.parquet --out NEW`"
            ),
        };
        let message = format!(
            "{}: a file of the table {table} is lost or damaged; the other tables can be read; to make it anew, run all requests that wrote it again, or run them into a new folder{commands}",
            fault.message()
        );
        Error::new(fault.code(), message).with_source(fault)
    }
}
