//! [`VideoEncodingProcessor`]: encodes the files of results in another format or quality.

use std::sync::Arc;

use datafusion::prelude::{col, lit};
use datafusion::sql::unparser::expr_to_sql;
use serde::{Deserialize, Serialize};

use super::response::ViralVideoBatchResponse;
use super::threads::Threads;
use crate::error::{Error, ErrorCode, Result};
use crate::location::Location;
use crate::media::{Encoding, Format, Quality};
use crate::pipeline::{self, RenderChosen, RunConfig};
use crate::query::rows::typed;

/// One clip or variant in the requested format, or the error that prevented it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncodedVideo {
    /// The request that it answers.
    pub request_id: String,
    /// The clip.
    pub clip_id: String,
    /// The variant; `None` for the plain clip.
    pub variant_id: Option<String>,
    /// The media file: its place as text; `None` if it failed.
    pub uri: Option<String>,
    /// Container, which is the end of its name.
    pub container: Option<String>,
    /// Size in bytes.
    pub bytes: Option<i64>,
    /// Stable code of what went wrong.
    pub error_code: Option<String>,
    /// What happened and what to do.
    pub error_message: Option<String>,
}

/// Encodes the clips and variants of a results dataset in another format. It encodes from the sources, not
/// from earlier files, so that there is only one generation of loss.
///
/// ```no_run
/// use clipflow::media::{Format, Quality};
/// use clipflow::model::VideoClipRequest;
/// use clipflow::processors::{VideoClipProcessor, VideoEncodingProcessor};
/// # fn main() -> clipflow::Result<()> {
/// let requests = vec![VideoClipRequest::new("talk.mp4")];
/// let results = VideoClipProcessor::new("results").with_base("videos")
///     .process_batch_parallel(&requests, Default::default())?;
/// let processor = VideoEncodingProcessor::new("results").with_base("videos");
/// for file in processor.batch_encode_videos(&results, Format::Webm, Quality::Medium, 2)? {
///     println!("{} {:?} {:?}", file.clip_id, file.uri, file.error_message);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct VideoEncodingProcessor {
    config: RunConfig,
    threads: Arc<Threads>,
}

impl VideoEncodingProcessor {
    /// A processor of the dataset `out`; relative sources start from the current folder.
    pub fn new(out: impl Into<Location>) -> Self {
        let mut config = RunConfig::new("", out);
        config.base = Some(Location::from("."));
        Self { config, threads: Arc::default() }
    }

    /// Relative sources start from `base`, where sources may also lie.
    #[must_use]
    pub fn with_base(mut self, base: impl Into<Location>) -> Self {
        self.config.base = Some(base.into());
        self
    }

    /// The settings, to change them: codec and hardware are in `render.encoding`, of which each call
    /// sets format and quality.
    pub fn config_mut(&mut self) -> &mut RunConfig {
        &mut self.config
    }

    /// Encode the clips and variants of `results` whose files were rendered, `parallel_workers`
    /// sources at a time (0: as the settings say), and wait. The dataset lists the new files in place
    /// of those it had.
    ///
    /// # Errors
    /// `config.invalid` before any work for an unsupported combination, `store.read` without a dataset; the
    /// error of one file is in its row.
    pub fn batch_encode_videos(
        &self,
        results: &[ViralVideoBatchResponse],
        format: Format,
        quality: Quality,
        parallel_workers: usize,
    ) -> Result<Vec<EncodedVideo>> {
        let mut config = self.config.clone();
        config.render.encoding = Encoding { format, quality, ..config.render.encoding };
        if parallel_workers > 0 {
            config.parallel.max_workers = parallel_workers;
        }
        config.check()?;
        let rendered = |r: &&ViralVideoBatchResponse| r.clips.iter().any(|c| c.location.is_some());
        let plain_clips_of: Vec<String> =
            results.iter().filter(rendered).map(|r| r.request_id.clone()).collect();
        let variants = results.iter().flat_map(|r| &r.variants).filter(|v| v.uri.is_some());
        let variants: Vec<_> = variants.map(|v| lit(v.variant_id.as_str())).collect();
        if variants.is_empty() && plain_clips_of.is_empty() {
            return Ok(vec![]);
        }
        let condition = condition(variants)?;
        let chosen = RenderChosen { config, condition, plain_clips_of };
        let out = chosen.config.out.clone();
        let done = self.threads.block_on(async move { pipeline::render_chosen(&chosen).await })?;
        let mut files: Vec<EncodedVideo> = typed(&done.files_asked)?;
        for file in &mut files {
            file.uri = file.uri.take().map(|uri| out.join(&uri).to_string());
        }
        Ok(files)
    }
}

/// `variant_id IN (…)`, or `false` without variants.
fn condition(variants: Vec<datafusion::prelude::Expr>) -> Result<String> {
    if variants.is_empty() {
        return Ok("false".to_owned());
    }
    let sql = expr_to_sql(&col("variant_id").in_list(variants, false));
    sql.map(|sql| sql.to_string()).map_err(|e| {
        Error::new(ErrorCode::Internal, format!("the variants cannot be named in SQL: {e}"))
    })
}
