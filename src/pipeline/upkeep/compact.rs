//! Many small shards written as a few large ones.

use std::collections::BTreeMap;
use std::fmt;

use super::super::{RunConfig, statements};
use crate::error::Result;
use crate::kernels::ids::stable_id;
use crate::location::Location;
use crate::model::table::TABLES;
use crate::pipeline::amounts::plural;
use crate::query::results::{register_store, register_table};
use crate::query::{SessionOptions, query_error, session};
use crate::store::{Dataset, DatasetRoot, Manifest};

/// Size in bytes that the files of a shard are brought to. One half of it is large enough to be left alone.
const TARGET_BYTES: u64 = 512 << 20;
/// Shards that are written as one at the most.
const MOST_SHARDS: usize = 20_000;

/// What a compaction did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compacted {
    /// Shards before.
    pub shards_before: u64,
    /// Shards after.
    pub shards: u64,
    /// Table files with rows before.
    pub files_before: u64,
    /// Table files with rows after.
    pub files: u64,
    /// The results.
    pub out: Location,
}

impl fmt::Display for Compacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shards_before, shards, files_before, files, out } = self;
        if shards == shards_before {
            return write!(f, "nothing to compact: {out} has {}", plural(*shards, "shard"));
        }
        write!(
            f,
            "{} in {} became {} in {}; clipflow gc removes the old files of {out} after a day",
            plural(*shards_before, "shard"),
            plural(*files_before, "table file"),
            plural(*shards, "shard"),
            plural(*files, "table file"),
        )
    }
}

/// Writes small shards of the results of `config` as large ones, each by one commit that takes their place. Readers
/// see the same rows before and after it, and those that opened the results before go on reading the old files.
///
/// # Errors
/// `store.read` if there are no results or a file is damaged, `store.write`.
pub async fn compact(config: &RunConfig) -> Result<Compacted> {
    let root = config.place(&config.resilience())?;
    let mut dataset = root.existing().await?;
    let (shards_before, files_before) = counts(&dataset);
    while let Some(group) = next_group(&dataset) {
        write_as_one(&root, config, &dataset, &group).await?;
        dataset = root.existing().await?;
    }
    let (shards, files) = counts(&dataset);
    Ok(Compacted { shards_before, shards, files_before, files, out: config.out.clone() })
}

fn counts(dataset: &Dataset) -> (u64, u64) {
    let files = TABLES.iter().map(|table| dataset.entries(table.name).len() as u64).sum();
    (dataset.shards().len() as u64, files)
}

/// Shards that are to be one: of those whose sources were analysed alike, since a run takes over what others say
/// of its sources only if it would say the same.
fn next_group(dataset: &Dataset) -> Option<Vec<u64>> {
    let size = |shard: &Manifest| shard.tables.values().map(|entry| entry.bytes).sum::<u64>();
    let mut groups: BTreeMap<&str, (Vec<u64>, u64)> = BTreeMap::new();
    for shard in dataset.shards() {
        let bytes = size(shard);
        let (group, total) = groups.entry(shard.analysis.as_str()).or_default();
        let is_small = bytes < TARGET_BYTES / 2;
        let has_room = group.len() < MOST_SHARDS && *total + bytes <= TARGET_BYTES;
        if is_small && has_room {
            group.push(shard.number);
            *total += bytes;
        }
    }
    groups.into_values().map(|(group, _)| group).find(|group| group.len() > 1)
}

/// Commits the rows of the shards `group` as one shard, unless one of them is replaced meanwhile.
async fn write_as_one(
    root: &DatasetRoot,
    config: &RunConfig,
    dataset: &Dataset,
    group: &[u64],
) -> Result<()> {
    let old = dataset.only(group);
    let analysis = old.shards().first().map(|shard| shard.analysis.clone()).unwrap_or_default();
    let mut writer = root.begin(&config.work_dir(), analysis)?;
    let parallel = config.parallel.clone();
    let options = SessionOptions { parallel, partitions: 1, ..SessionOptions::default() };
    let ctx = session(&options, None)?;
    register_store(&ctx.runtime_env(), root);
    for table in TABLES {
        register_table(&ctx, &old, table).await?;
        let frame = ctx.table(table.name).await.map_err(query_error)?;
        let entry = statements::write(frame, table.name, writer.staged(table.name)).await?;
        writer.add(table.name, entry);
    }
    for shard in old.shards() {
        writer.replace(shard.number);
        writer.answer(shard);
    }
    writer.set_settings(dataset.settings().cloned().unwrap_or_default());
    writer.make_checkpoint();
    let numbers: Vec<String> = group.iter().map(u64::to_string).collect();
    let parts = std::iter::once("compact").chain(numbers.iter().map(String::as_str));
    let id = stable_id(parts.map(Some));
    let _lock = root.lock().await?;
    loop {
        let now = root.existing().await?;
        let is_live = |number: &u64| now.shards().iter().any(|shard| shard.number == *number);
        if !group.iter().all(is_live) {
            return Ok(());
        }
        if let Some(manifest) = root.commit(&now, &writer, &id).await? {
            root.set_replaced_aside(&now, &manifest).await;
            return Ok(());
        }
    }
}
