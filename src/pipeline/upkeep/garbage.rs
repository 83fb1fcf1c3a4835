//! Files of results that nothing names any more.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use datafusion::prelude::ParquetReadOptions;

use super::super::{RESUME_FOLDER, RunConfig};
use crate::error::{Error, ErrorCode, Result};
use crate::location::Location;
use crate::model::table::Table;
use crate::pipeline::amounts::plural;
use crate::query::files::table_url;
use crate::query::results::{register_dataset, register_store};
use crate::query::rows::rows;
use crate::query::{SessionOptions, query_error, session, sql};
use crate::store::{
    Dataset, DatasetRoot, ListedFile, ManifestFile, REPLACED_FOLDER, StoredFile, is_table_file,
};

/// How long analyses of a run that was stopped are kept at least.
const KEEP_ANALYSES: Duration = Duration::from_secs(7 * 24 * 3600);

/// Why a file is obsolete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GarbageKind {
    /// The manifest of a shard that was replaced.
    ReplacedManifest,
    /// A table file of such a shard.
    ReplacedTable,
    /// A table file that no manifest names: its run was killed before its commit.
    StrayTable,
    /// A media file that no row names.
    StrayMedia,
    /// A file that was being written when its run was killed, or what it would have gone on from.
    Unfinished,
    /// The work of a killed run.
    AbandonedWork,
}

/// In words.
impl fmt::Display for GarbageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReplacedManifest => "manifest of a replaced shard",
            Self::ReplacedTable => "table file of a replaced shard",
            Self::StrayTable => "table file that no manifest names",
            Self::StrayMedia => "media file that no row names",
            Self::Unfinished => "unfinished file",
            Self::AbandonedWork => "work of a killed run",
        })
    }
}

/// A file that nothing names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Garbage {
    /// Why it is obsolete.
    pub kind: GarbageKind,
    /// Path relative to the dataset's root.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
}

/// What was removed from a results dataset, or would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collected {
    /// The files.
    pub files: Vec<Garbage>,
    /// Whether they were only listed.
    pub is_dry: bool,
    /// Whether a run is writing to the results, so that media files were passed over.
    pub is_written_to: bool,
    /// The results.
    pub out: Location,
}

/// One line for each kind of file, and one for all.
impl fmt::Display for Collected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_written_to {
            writeln!(f, "a run is writing to {}: media files are left alone", self.out)?;
        }
        for (kind, count, bytes, example) in by_kind(&self.files) {
            let megabytes = bytes as f64 / 1e6;
            writeln!(f, "  {count:>5} × {kind} ({megabytes:.1} MB), e.g. {example}")?;
        }
        let bytes: u64 = self.files.iter().map(|file| file.bytes).sum();
        match self.files.len() {
            0 => write!(f, "nothing to remove in {}", self.out),
            n => write!(
                f,
                "{} {} ({:.1} MB) of {}",
                if self.is_dry { "would remove" } else { "removed" },
                plural(n as u64, "file"),
                bytes as f64 / 1e6,
                self.out
            ),
        }
    }
}

/// Count, bytes and an example of each kind.
pub(super) fn by_kind(files: &[Garbage]) -> Vec<(GarbageKind, usize, u64, &str)> {
    let mut kinds: BTreeMap<GarbageKind, (usize, u64, &str)> = BTreeMap::new();
    for file in files {
        let (count, bytes, _) = kinds.entry(file.kind).or_insert((0, 0, &file.path));
        *count += 1;
        *bytes += file.bytes;
    }
    kinds.into_iter().map(|(kind, (count, bytes, example))| (kind, count, bytes, example)).collect()
}

/// Removes from the results of `config` what nothing has named for `grace`: files and manifests of replaced shards,
/// table files of killed runs, media files that no row names. With `is_dry` it only lists them.
///
/// Runs may go on meanwhile; media files are left alone then. (Runs into an object store cannot be seen from here:
/// with a grace time that is longer than a run takes, they are not disturbed.)
///
/// # Errors
/// `store.read` if there are no results or they are damaged, `store.write`.
pub async fn collect_garbage(
    config: &RunConfig,
    grace: Duration,
    is_dry: bool,
) -> Result<Collected> {
    let root = config.place(&config.resilience())?;
    root.existing().await?;
    let _lock = if is_dry { None } else { root.lock().await? };
    let mut files = Inventory::read(&root, grace).await?.garbage();
    let is_written_to = root.is_written_to();
    if is_written_to {
        files.retain(|file| {
            ![GarbageKind::StrayMedia, GarbageKind::Unfinished].contains(&file.kind)
        });
    }
    if !is_dry {
        remove(&root, &files).await?;
    }
    Ok(Collected { files, is_dry, is_written_to, out: config.out.clone() })
}

/// Removes garbage; manifests in their order, since a later one may be all that says that an earlier one is obsolete.
pub(super) async fn remove(root: &DatasetRoot, files: &[Garbage]) -> Result<()> {
    let of = |media: bool| -> Vec<String> {
        let chosen = files.iter().filter(|file| (file.kind == GarbageKind::StrayMedia) == media);
        let chosen = chosen.filter(|file| file.kind != GarbageKind::AbandonedWork);
        chosen.map(|file| file.path.clone()).collect()
    };
    root.remove_files(&of(false)).await?;
    root.remove_media(&of(true)).await?;
    root.remove_abandoned_work();
    Ok(())
}

/// What lies in the root of a dataset, and what is named.
pub(super) struct Inventory {
    pub(super) files: Vec<StoredFile>,
    manifests: Vec<ManifestFile>,
    dataset: Dataset,
    /// The media files that rows name.
    media: HashSet<String>,
    work: Vec<(String, u64)>,
    now: SystemTime,
    grace: Duration,
}

impl Inventory {
    /// # Errors
    /// `store.read` if manifests or the table of media files are damaged.
    pub(super) async fn read(root: &DatasetRoot, grace: Duration) -> Result<Self> {
        let (now, files) = (SystemTime::now(), root.files().await?);
        let manifests = root.manifest_files().await?;
        if let Some(Err(e)) = manifests.iter().map(|m| &m.content).find(|content| content.is_err())
        {
            let message = format!(
                "{}; nothing is removed before `clipflow fsck {}` finds the manifests whole",
                e.message(),
                root.location()
            );
            return Err(Error::new(ErrorCode::StoreRead, message));
        }
        let (dataset, work) = (root.existing().await?, root.abandoned_work());
        let mut found = Self { files, manifests, dataset, media: HashSet::new(), work, now, grace };
        found.media = found.named_media(root).await?;
        Ok(found)
    }

    fn is_live(&self, path: &str) -> bool {
        let mut entries = self.dataset.shards().iter().flat_map(|shard| shard.tables.values());
        entries.any(|entry| entry.path == path)
    }

    fn is_old(&self, file: &StoredFile, age: Duration) -> bool {
        file.modified.checked_add(age).is_some_and(|end| end <= self.now)
    }

    /// The media files that live rows name, and rows that were replaced within the grace time.
    async fn named_media(&self, root: &DatasetRoot) -> Result<HashSet<String>> {
        let ctx = session(&SessionOptions::default(), None)?;
        register_dataset(&ctx, &self.dataset).await?;
        let frame = ctx.sql(sql::summary::MEDIA_FILES).await.map_err(query_error)?;
        let mut named: Vec<ListedFile> = rows(frame).await?;
        let replaced = self.files.iter().filter(|file| {
            let mut parts = file.path.rsplit('/');
            let name = parts.next().unwrap_or_default();
            parts.next() == Some("renditions") && is_table_file(name) && !self.is_live(&file.path)
        });
        let recent = replaced.filter(|file| !self.is_old(file, self.grace));
        let recent: Vec<String> =
            recent.map(|file| table_url(&root.location().join(&file.path))).collect();
        if let (false, Some(table)) = (recent.is_empty(), Table::find("renditions")) {
            let ctx = session(&SessionOptions::default(), None)?;
            register_store(&ctx.runtime_env(), root);
            let schema = table.schema();
            let options = ParquetReadOptions::default().schema(&schema);
            let frame = ctx.read_parquet(recent, options).await.map_err(query_error)?;
            ctx.register_table(table.name, frame.into_view()).map_err(query_error)?;
            let frame = ctx.sql(sql::summary::MEDIA_FILES).await.map_err(query_error)?;
            let replaced: Vec<ListedFile> = rows(frame).await?;
            named.extend(replaced);
        }
        Ok(named.into_iter().filter_map(|file| file.uri).collect())
    }

    /// What nothing has named for the grace time.
    pub(super) fn garbage(&self) -> Vec<Garbage> {
        let live: HashSet<&str> = {
            let entries = self.dataset.shards().iter().flat_map(|shard| shard.tables.values());
            entries.map(|entry| entry.path.as_str()).collect()
        };
        let all = self.manifests.iter().filter_map(|m| m.content.as_ref().ok());
        let entries = all.flat_map(|m| m.tables.values());
        let replaced: HashSet<&str> = entries.map(|entry| entry.path.as_str()).collect();
        let mut found = self.obsolete_manifests();
        for file in self.files.iter().filter(|file| !live.contains(file.path.as_str())) {
            if let Some(kind) = self.kind(file, &replaced) {
                let (path, bytes) = (file.path.clone(), file.bytes);
                found.push(Garbage { kind, path, bytes });
            }
        }
        let work = self.work.iter().map(|(path, bytes)| {
            let kind = GarbageKind::AbandonedWork;
            Garbage { kind, path: path.clone(), bytes: *bytes }
        });
        found.extend(work);
        found
    }

    /// Why a file that no live shard names is obsolete, if it is. Files of a name that clipflow does not give are the user's.
    fn kind(&self, file: &StoredFile, replaced: &HashSet<&str>) -> Option<GarbageKind> {
        let (folder, name) = file.path.split_once('/')?;
        let is_unfinished = name.starts_with(".tmp") || name.starts_with(".clip-");
        let age = if folder == RESUME_FOLDER { self.grace.max(KEEP_ANALYSES) } else { self.grace };
        if !self.is_old(file, age) {
            return None;
        }
        match folder {
            REPLACED_FOLDER => Some(GarbageKind::ReplacedTable),
            RESUME_FOLDER => Some(GarbageKind::Unfinished),
            "_commit" | "media" if is_unfinished => Some(GarbageKind::Unfinished),
            "media" if !self.media.contains(&file.path) => Some(GarbageKind::StrayMedia),
            _ if Table::find(folder).is_some() && is_table_file(name) => {
                Some(match replaced.contains(file.path.as_str()) {
                    true => GarbageKind::ReplacedTable,
                    false => GarbageKind::StrayTable,
                })
            }
            _ => None,
        }
    }

    /// Manifests of shards that were replaced before the grace time, in order, up to the first that must stay.
    fn obsolete_manifests(&self) -> Vec<Garbage> {
        let limit =
            self.now.checked_sub(self.grace).and_then(|t| t.duration_since(UNIX_EPOCH).ok());
        let limit = limit.map_or(0, |time| time.as_secs());
        let live: HashSet<u64> = self.dataset.shards().iter().map(|m| m.number).collect();
        let all: Vec<_> = self.manifests.iter().filter_map(|m| m.content.as_ref().ok()).collect();
        let mut replaced: BTreeMap<u64, u64> = BTreeMap::new();
        for by in &all {
            for number in by.replaces.iter().filter(|number| **number < by.number) {
                let since = replaced.entry(*number).or_insert(by.created);
                *since = by.created.min(*since);
            }
        }
        let dead = all.iter().filter(|m| !live.contains(&m.number));
        let is_old = |m: &&&crate::store::Manifest| {
            replaced.get(&m.number).copied().unwrap_or(m.created) <= limit
        };
        let old = dead.take_while(|m| is_old(m));
        let garbage = old.map(|m| {
            let path = format!("_commit/{:08}.json", m.number);
            let listed = self.files.iter().find(|file| file.path == path);
            let bytes = listed.map_or(0, |file| file.bytes);
            Garbage { kind: GarbageKind::ReplacedManifest, path, bytes }
        });
        garbage.collect()
    }
}
