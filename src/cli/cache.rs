//! `clipflow cache`.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray, UInt64Array};
use datafusion::execution::context::SessionContext;

use super::args::{CacheCommand, OutputArgs};
use super::{OK, ROWS_FAILED, print};
use crate::cache::{Cache, ListedEntry};
use crate::config::ParallelConfig;
use crate::error::Result;
use crate::pipeline;
use crate::query::query_error;

pub(super) async fn cache(what: CacheCommand, config: &ParallelConfig) -> Result<u8> {
    let place = pipeline::cache_place(config)?;
    let cache = pipeline::cache(config, place);
    match what {
        CacheCommand::Ls { output, .. } => list(&cache, &output).await,
        CacheCommand::Clear { .. } => {
            let (entries, bytes) = cache.clear().await?;
            print::line(&format!("{} removed from {}", amount(entries, bytes), cache.store()))?;
            Ok(OK)
        }
        CacheCommand::Verify { .. } => verify(&cache).await,
    }
}

async fn list(cache: &Cache, output: &OutputArgs) -> Result<u8> {
    let mut listed = cache.list().await?;
    listed.sort_by_key(|l| std::cmp::Reverse(l.stored.used));
    let batch = table(&listed, SystemTime::now())?;
    let ctx = SessionContext::new();
    let frame = ctx.read_batch(batch).map_err(query_error)?;
    print::rows(frame.execute_stream().await.map_err(query_error)?, output).await?;
    Ok(OK)
}

async fn verify(cache: &Cache) -> Result<u8> {
    let verified = cache.verify().await?;
    for (key, why) in &verified.removed {
        print::line(&format!("{key} {why}: removed"))?;
    }
    print::line(&format!(
        "{} as they were written, {} removed, in {}",
        amount(verified.good, verified.bytes),
        verified.removed.len(),
        cache.store()
    ))?;
    Ok(if verified.removed.is_empty() { OK } else { ROWS_FAILED })
}

fn amount(entries: u64, bytes: u64) -> String {
    let plural = if entries == 1 { "analysis" } else { "analyses" };
    format!("{entries} {plural} ({:.1} MB)", bytes as f64 / 1e6)
}

/// A row an entry; ages in hours.
fn table(listed: &[ListedEntry], now: SystemTime) -> Result<RecordBatch> {
    let hours = |since: SystemTime| {
        let age = now.duration_since(since).unwrap_or_default();
        (age.as_secs_f64() / 36.0).round() / 100.0
    };
    let created = |l: &ListedEntry| {
        let header = l.header.as_ref()?;
        Some(hours(UNIX_EPOCH + std::time::Duration::from_secs(header.created)))
    };
    let text = |of: fn(&crate::cache::EntryHeader) -> &str| -> ArrayRef {
        let texts = listed.iter().map(|l| l.header.as_ref().map(of));
        Arc::new(texts.collect::<StringArray>())
    };
    let bytes: ArrayRef =
        Arc::new(listed.iter().map(|l| Some(l.stored.bytes)).collect::<UInt64Array>());
    let age: ArrayRef = Arc::new(listed.iter().map(created).collect::<Float64Array>());
    let used: ArrayRef =
        Arc::new(listed.iter().map(|l| Some(hours(l.stored.used))).collect::<Float64Array>());
    let keys = listed.iter().map(|l| Some(l.stored.key.to_string()));
    let key: ArrayRef = Arc::new(keys.collect::<StringArray>());
    let columns = [
        ("location", text(|h| &h.location)),
        ("work", text(|h| &h.work)),
        ("bytes", bytes),
        ("age_hours", age),
        ("unused_hours", used),
        ("validator", text(|h| &h.validator)),
        ("clipflow", text(|h| &h.clipflow)),
        ("key", key),
    ];
    RecordBatch::try_from_iter(columns).map_err(|e| query_error(e.into()))
}
