//! What viral processing is measured on: requests, each for a clip with its variants.

use std::path::PathBuf;

use super::sample::Sample;
use crate::config::ParallelConfig;
use crate::error::Result;
use crate::model::VideoClipRequest;
use crate::processors::ViralVideoProcessor;
use crate::store::cannot_write;

/// Variants of each clip.
pub(super) const VARIANTS: u32 = 2;
/// What a source looks like, of which one clip is made.
pub(super) const SOURCE: Sample = Sample { seconds: 4, size: (320, 180), seed: 0 };
/// Length of that clip in seconds.
const CLIP: f64 = 2.0;

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
    config: &ParallelConfig,
    folder: PathBuf,
    requests: &[VideoClipRequest],
) -> Result<(u64, u64)> {
    let out = tempfile::tempdir_in(&folder).map_err(|e| cannot_write(&folder, e))?;
    let mut processor = ViralVideoProcessor::new(out.path()).with_base(folder.as_path());
    processor.config_mut().parallel = config.clone();
    let responses = processor.process_batch_async(requests, VARIANTS, None).await?;
    let lacking = responses.iter().filter(|response| {
        let whole = response.variants.len() == VARIANTS as usize
            && response.variants.iter().all(|variant| variant.uri.is_some());
        !response.success || !whole
    });
    Ok((responses.len() as u64, lacking.count() as u64))
}
