//! Viral processing: whole runs, from requests to rendered variants.

use super::measure::in_turns;
use super::requests::VARIANTS;
use super::setup::{Batch, Bench};
use super::{BenchmarkPart, parts};
use crate::error::Result;

/// Every backend on requests, each for a clip with its variants.
pub(super) async fn measure(bench: &mut Bench) -> Result<()> {
    let contenders = bench.contenders(&parts::EVERY, 0)?;
    for rows in bench.options.viral_rows.clone() {
        bench.say(&format!("viral: {rows} requests with {VARIANTS} variants each"));
        let batch = Batch::Requests(bench.requests(rows)?);
        let sampled = in_turns(&contenders, bench.options.repeats, async |contender| {
            parts::all_good(bench, contender, &batch).await
        })
        .await?;
        parts::record_all(bench, BenchmarkPart::Viral, &batch, &contenders, &sampled);
    }
    Ok(())
}
