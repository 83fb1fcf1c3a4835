//! Whether results are whole: manifests, tables, rows, media files, and what nothing names.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use datafusion::prelude::SessionContext;
use serde::Deserialize;

use super::super::RunConfig;
use super::check_rows::check_rows;
use super::garbage::{Inventory, by_kind, remove};
use super::{CheckedResults, Finding, FsckOptions, GarbageKind};
use crate::error::Result;
use crate::model::table::{TABLES, Table};
use crate::query::results::register_dataset;
use crate::query::rows::rows;
use crate::query::{SessionOptions, query_error, session, sql};
use crate::store::{Dataset, DatasetRoot, FileEntry, KEEP_REPLACED, ListedFile, Manifest};

/// Checks the results of `config`: every file that a manifest names, keys and references of rows, every media file
/// that a row names, and what nothing names. With [`FsckOptions::repair`] it brings replaced files back that are
/// missed, sets damaged manifests aside, and removes damaged media files (so that the next run makes them anew) and
/// what has been obsolete for a day.
///
/// # Errors
/// `store.read` if there are no results or they cannot be listed, `store.write` if a repair cannot be made.
pub async fn fsck(config: &RunConfig, options: FsckOptions) -> Result<CheckedResults> {
    let root = config.place(&config.resilience())?;
    if root.manifest_files().await?.is_empty() {
        // Results that do not exist are not created for their lock.
        root.existing().await?;
    }
    let _lock = if options.repair { root.lock().await? } else { None };
    let out = config.out.clone();
    let (tables, rows, media, bytes) = (0, 0, 0, 0);
    let mut checked = CheckedResults { findings: vec![], tables, rows, media, bytes, out };
    let mut check = Check { root: &root, options, checked: &mut checked, sizes: HashMap::new() };
    if check.manifests().await? {
        check.results().await?;
    }
    Ok(checked)
}

/// A check under way.
struct Check<'a> {
    root: &'a DatasetRoot,
    options: FsckOptions,
    checked: &'a mut CheckedResults,
    /// Size in bytes of every file.
    sizes: HashMap<String, u64>,
}

/// A media file that rows name.
#[derive(Debug, Deserialize)]
struct NamedMedia {
    uri: String,
    bytes: Option<u64>,
    blake3: Option<String>,
}

impl Check<'_> {
    fn found(&mut self, finding: Finding) {
        self.checked.findings.push(finding);
    }

    /// Whether the manifests can be read, so that what they name can be checked.
    async fn manifests(&mut self) -> Result<bool> {
        let mut is_readable = true;
        for manifest in self.root.manifest_files().await? {
            let Err(e) = manifest.content else { continue };
            let name = format!("_commit/{:08}.json", manifest.number);
            let sentence = format!(
                "it cannot be read ({}); --repair sets it aside in a folder, so that the results are those before it: then run its requests again",
                e.message()
            );
            let finding = Finding::wrong("manifest.damaged", name, sentence);
            if self.options.repair && self.root.set_manifest_aside(manifest.number)? {
                let sentence = "set aside in _replaced/_commit: the results are those before it; run its requests again".to_owned();
                self.found(finding.repaired(sentence));
            } else {
                is_readable = false;
                self.found(finding);
            }
        }
        Ok(is_readable)
    }

    async fn results(&mut self) -> Result<()> {
        let dataset = self.root.existing().await?;
        let files = self.root.files().await?;
        self.sizes = files.into_iter().map(|file| (file.path, file.bytes)).collect();
        let mut damaged = HashSet::new();
        for shard in dataset.shards() {
            for (table, entry) in &shard.tables {
                if !self.table(shard, entry).await? {
                    damaged.extend(Table::find(table).map(|table| table.name));
                }
            }
        }
        for table in TABLES.iter().filter(|table| !damaged.contains(table.name)).collect::<Vec<_>>()
        {
            // Where content is not compared, a footer may be damaged.
            if let Err(e) = dataset.schema(table.name).await {
                damaged.insert(table.name);
                self.found(Finding::wrong("table.damaged", table.name, e.message().to_owned()));
            }
        }
        let ctx = session(&SessionOptions::default(), None)?;
        register_dataset(&ctx, &dataset).await?;
        let found = check_rows(&ctx, &damaged).await?;
        self.checked.findings.extend(found);
        if !damaged.contains("renditions") {
            self.media(&ctx).await?;
            self.strays().await?;
        }
        Ok(())
    }

    /// Whether a table file is what was written.
    async fn table(&mut self, shard: &Manifest, entry: &FileEntry) -> Result<bool> {
        self.checked.tables += 1;
        self.checked.rows += entry.rows;
        self.checked.bytes += entry.bytes;
        let path = entry.path.as_str();
        let again = "the rows of this file are lost: run the requests that wrote it again, which makes it anew";
        let size = self.sizes.get(path).copied();
        let Some(size) = size else {
            let finding = Finding::wrong("table.missing", path, format!("it is gone; {again}"));
            if self.options.repair && self.root.restore_replaced(path)? {
                let was = self.root.content(path).await?;
                if was.is_some_and(|(_, hash)| hash == entry.blake3) {
                    self.found(finding.repaired("brought back from _replaced".to_owned()));
                    return Ok(true);
                }
            }
            // A commit may have replaced the shard since the results were opened.
            let now = self.root.existing().await?;
            if !is_live(&now, shard) {
                return Ok(false);
            }
            self.found(finding);
            return Ok(false);
        };
        let problem = match size == entry.bytes {
            false => Some(format!("it has {size} bytes, not {}", entry.bytes)),
            true if self.options.fast => None,
            true => match self.root.content(path).await? {
                Some((_, hash)) if hash == entry.blake3 => None,
                _ => Some("its content is not what was written".to_owned()),
            },
        };
        let Some(problem) = problem else { return Ok(true) };
        self.found(Finding::wrong("table.damaged", path, format!("{problem}; {again}")));
        Ok(false)
    }

    /// Every media file that rows name, with its sidecars.
    async fn media(&mut self, ctx: &SessionContext) -> Result<()> {
        let query =
            "SELECT DISTINCT uri, bytes, blake3 FROM renditions WHERE uri IS NOT NULL ORDER BY uri";
        let frame = ctx.sql(query).await.map_err(query_error)?;
        let mut named: Vec<NamedMedia> = rows(frame).await?;
        let frame = ctx.sql(sql::summary::MEDIA_FILES).await.map_err(query_error)?;
        let all: Vec<ListedFile> = rows(frame).await?;
        let known: HashSet<String> = named.iter().map(|file| file.uri.clone()).collect();
        let mut beside: Vec<String> = all.into_iter().filter_map(|file| file.uri).collect();
        beside.sort_unstable();
        beside.dedup();
        let beside = beside.into_iter().filter(|uri| !known.contains(uri));
        named.extend(beside.map(|uri| NamedMedia { uri, bytes: None, blake3: None }));
        for file in named {
            self.media_file(file).await?;
        }
        Ok(())
    }

    async fn media_file(&mut self, file: NamedMedia) -> Result<()> {
        let NamedMedia { uri, bytes, blake3 } = file;
        self.checked.media += 1;
        let again = "run its requests again (or clipflow render), which makes it anew";
        let Some(size) = self.sizes.get(&uri).copied() else {
            self.found(Finding::wrong("media.missing", uri, format!("it is gone; {again}")));
            return Ok(());
        };
        self.checked.bytes += size;
        let problem = match (bytes, blake3) {
            (Some(bytes), _) if bytes != size => Some(format!("it has {size} bytes, not {bytes}")),
            (_, Some(hash)) if !self.options.fast => match self.root.content(&uri).await? {
                Some((_, found)) if found == hash => None,
                _ => Some("its content is not what was written".to_owned()),
            },
            _ => None,
        };
        let Some(problem) = problem else { return Ok(()) };
        if self.options.repair && !self.root.is_written_to() {
            self.root.remove_media(std::slice::from_ref(&uri)).await?;
            let sentence = format!("{problem}; it is removed now: {again}");
            self.found(Finding::wrong("media.damaged", uri, sentence));
        } else {
            let sentence = format!("{problem}; remove it (--repair does), then {again}");
            self.found(Finding::wrong("media.damaged", uri, sentence));
        }
        Ok(())
    }

    /// What nothing names, a line for each kind; it does no harm.
    async fn strays(&mut self) -> Result<()> {
        let old = Inventory::read(self.root, KEEP_REPLACED).await?.garbage();
        if self.options.repair && !self.root.is_written_to() {
            remove(self.root, &old).await?;
            for (kind, count, _, example) in by_kind(&old) {
                let sentence = format!("{count} × {kind}; removed");
                self.found(Finding::note("stray", example, String::new()).repaired(sentence));
            }
        }
        let mut all = Inventory::read(self.root, Duration::ZERO).await?.garbage();
        let kept = [GarbageKind::ReplacedTable, GarbageKind::ReplacedManifest];
        all.retain(|file| !kept.contains(&file.kind));
        for (kind, count, bytes, example) in by_kind(&all) {
            let sentence = format!(
                "{count} × {kind} ({:.1} MB); clipflow gc removes it after a day",
                bytes as f64 / 1e6
            );
            self.found(Finding::note("stray", example, sentence));
        }
        Ok(())
    }
}

fn is_live(dataset: &Dataset, shard: &Manifest) -> bool {
    dataset.shards().iter().any(|live| live.number == shard.number)
}
