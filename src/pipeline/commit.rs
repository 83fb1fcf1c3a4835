//! What a run finds of its own results, and how it makes new ones visible.

use datafusion::prelude::SessionContext;

use super::merge;
use crate::error::Result;
use crate::store::{Dataset, Place, ShardWriter};
use crate::telemetry::{Event, Observer};

/// The commit of an earlier run over the same requests, settings and files, by its number.
#[derive(Debug, Clone, Copy)]
pub(super) enum Earlier {
    /// There is none.
    Nothing,
    /// All its tables are there.
    Whole(u64),
    /// Some are lost. It holds rows of that run alone, so that this one makes them all anew.
    Lost(u64),
}

impl Earlier {
    /// Look for it in `dataset`, where it has the id `shard`.
    ///
    /// # Errors
    /// `store.read` if tables are lost that held rows of other runs too.
    pub(super) async fn find(
        dataset: &Dataset,
        shard: &str,
        observer: &dyn Observer,
    ) -> Result<Self> {
        let Some(manifest) = dataset.shard(shard) else { return Ok(Self::Nothing) };
        match dataset.check(manifest).await {
            Ok(()) => Ok(Self::Whole(manifest.number)),
            Err(fault) if manifest.replaces.is_empty() => {
                let cause = fault.message().split("; the other tables").next().unwrap_or_default();
                let sentence = format!("{cause}; its rows are made anew");
                observer.event(&Event::Note { sentence: &sentence });
                Ok(Self::Lost(manifest.number))
            }
            Err(fault) => Err(fault),
        }
    }

    fn number(self) -> Option<u64> {
        match self {
            Self::Nothing => None,
            Self::Whole(number) | Self::Lost(number) => Some(number),
        }
    }
}

/// Make the run's tables visible, merged with what older shards hold. If another run of the same
/// requests was faster (and is not the `earlier` one), its results stay: they are as good.
pub(super) async fn commit(
    place: &Place,
    ctx: &SessionContext,
    mut writer: ShardWriter,
    shard: &str,
    earlier: Earlier,
) -> Result<()> {
    let _lock = place.lock().await?;
    loop {
        let dataset = place.dataset().await?;
        if dataset.shard(shard).is_some_and(|m| Some(m.number) != earlier.number()) {
            return Ok(());
        }
        if let Earlier::Lost(number) = earlier {
            merge::take_over(ctx, &dataset.without(number), &mut writer).await?;
            writer.replace(number);
        } else {
            merge::take_over(ctx, &dataset, &mut writer).await?;
        }
        if let Some(manifest) = place.commit(&dataset, &writer, shard).await? {
            place.remove_replaced(&dataset, &manifest).await;
            return Ok(());
        }
        // Each round lost is a commit of somebody else.
        merge::forget(ctx, &mut writer).await?;
    }
}
