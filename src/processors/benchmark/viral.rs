//! Viral processing: whole runs, from requests to rendered variants.

use std::path::PathBuf;

use super::measure::in_turns;
use super::sample::Sample;
use super::setup::{Batch, Bench, Contender};
use super::{BenchmarkPart, parts};
use crate::error::Result;
use crate::model::VideoClipRequest;
use crate::processors::ViralVideoProcessor;
use crate::store::cannot_write;

/// Variants of each clip.
const VARIANTS: u32 = 2;
/// What a source looks like, of which one clip is made.
pub(super) const SOURCE: Sample = Sample { seconds: 4, size: (320, 180), seed: 0 };
/// Length of that clip in seconds.
const CLIP: f64 = 2.0;

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

/// A request for one clip of `source`.
pub(super) fn request(source: String) -> VideoClipRequest {
    VideoClipRequest {
        min_clip_length: CLIP,
        max_clip_length: CLIP,
        max_clips: 1,
        ..VideoClipRequest::new(source)
    }
}

/// Runs `requests` into a dataset of its own in `folder`; how many came back, and how many of them
/// without all that they were to have.
pub(super) async fn run(
    contender: &Contender,
    folder: PathBuf,
    requests: &[VideoClipRequest],
) -> Result<(u64, u64)> {
    let out = tempfile::tempdir_in(&folder).map_err(|e| cannot_write(&folder, e))?;
    let mut processor = ViralVideoProcessor::new(out.path()).with_base(folder.as_path());
    processor.config_mut().parallel = contender.config.clone();
    let responses = processor.process_batch_async(requests, VARIANTS, None).await?;
    let lacking = responses.iter().filter(|response| {
        let whole = response.variants.len() == VARIANTS as usize
            && response.variants.iter().all(|variant| variant.uri.is_some());
        !response.success || !whole
    });
    Ok((responses.len() as u64, lacking.count() as u64))
}
