//! What a run finds of its own results, and how it makes new ones visible.

use datafusion::prelude::SessionContext;

use super::merge;
use crate::error::Result;
use crate::store::{Dataset, DatasetRoot, ShardWriter};
use crate::telemetry::{Event, Observer};

/// The commit of an earlier run over the same requests, settings and files.
#[derive(Debug, Clone, Copy)]
pub(super) struct Earlier {
    number: u64,
    /// Whether all its tables are there.
    pub(super) is_whole: bool,
}

impl Earlier {
    /// Look for it in `dataset`, where it has the id `shard`. What it has lost is told to the observer.
    pub(super) async fn find(
        dataset: &Dataset,
        shard: &str,
        observer: &dyn Observer,
    ) -> Option<Self> {
        let manifest = dataset.shard(shard)?;
        let mut is_whole = true;
        for table in manifest.tables.keys() {
            if let Err(fault) = dataset.check(table, manifest).await {
                let cause = fault.message();
                let sentence = format!("{cause}; the rows of the table {table} are made anew");
                observer.event(&Event::Note { sentence: &sentence });
                is_whole = false;
            }
        }
        Some(Self { number: manifest.number, is_whole })
    }
}

/// Make the run's tables visible, merged with what older shards hold. If another run of the same
/// requests was faster (and is not the `earlier` one), its results stay: they are as good.
pub(super) async fn commit(
    place: &DatasetRoot,
    ctx: &SessionContext,
    mut writer: ShardWriter,
    shard: &str,
    earlier: Option<Earlier>,
) -> Result<()> {
    let _lock = place.lock().await?;
    loop {
        let dataset = place.dataset().await?;
        if dataset.shard(shard).is_some_and(|m| Some(m.number) != earlier.map(|e| e.number)) {
            return Ok(());
        }
        merge::take_over(ctx, &dataset, &mut writer).await?;
        if let Some(manifest) = place.commit(&dataset, &writer, shard).await? {
            place.remove_replaced(&dataset, &manifest).await;
            return Ok(());
        }
        // Each round lost is a commit of somebody else.
        merge::forget(ctx, &mut writer).await?;
    }
}
