//! What a run finds of its own results, and how it makes new ones visible.

use super::session::RunSession;
use crate::error::Result;
use crate::store::Dataset;
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
/// requests was faster (and is not the `earlier` one), its results stay: they are equal.
pub(super) async fn commit(
    session: &mut RunSession,
    shard: &str,
    earlier: Option<Earlier>,
) -> Result<()> {
    let _lock = session.root.lock().await?;
    loop {
        let dataset = session.root.dataset().await?;
        let other = dataset.shard(shard).map(|m| m.number);
        if other.is_some_and(|number| Some(number) != earlier.map(|e| e.number)) {
            return Ok(());
        }
        if session.commit(&dataset, shard).await? {
            return Ok(());
        }
    }
}
