//! [`ViralVideoProcessor`]: requests to clips to variants.

use std::collections::HashMap;

use super::clip::{VideoClipProcessor, create_high_performance_processor};
use super::response::ViralVideoBatchResponse;
use super::variant::{self, ViralVideoVariant};
use crate::config::{BackendType, ParallelConfig};
use crate::error::{Error, ErrorCode, Result};
use crate::location::Location;
use crate::model::{AudienceProfile, VideoClipRequest};
use crate::pipeline::{self, Requests, RunConfig, VariantSettings};

/// A processor of variants with custom settings that writes to the dataset `out`.
///
/// # Errors
/// `config.invalid`.
pub fn create_high_performance_viral_processor(
    out: impl Into<Location>,
    parallel: ParallelConfig,
) -> Result<ViralVideoProcessor> {
    Ok(ViralVideoProcessor { clips: create_high_performance_processor(out, parallel)? })
}

/// Processes batches of requests into clips and variants in a results dataset.
///
/// ```no_run
/// use clipflow::model::{AudienceProfile, VideoClipRequest};
/// use clipflow::processors::ViralVideoProcessor;
///
/// # fn main() -> clipflow::Result<()> {
/// let processor = ViralVideoProcessor::new("results").with_base("videos");
/// let audience = AudienceProfile::parse(r#"{"age":"18-35","interests":["tech"]}"#)?;
/// let requests = vec![VideoClipRequest::new("talk.mp4")];
/// for response in processor.process_batch_parallel(&requests, 5, Some(&audience))? {
///     for variant in &response.variants {
///         println!("{:.2} {} {:?}", variant.viral_score, variant.reason, variant.uri);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct ViralVideoProcessor {
    clips: VideoClipProcessor,
}

impl ViralVideoProcessor {
    /// A processor that writes to the dataset `out`; relative sources start from the current folder.
    pub fn new(out: impl Into<Location>) -> Self {
        Self { clips: VideoClipProcessor::new(out) }
    }

    /// Relative sources start from `base`, a folder or a prefix of an object store, where sources may
    /// also lie.
    #[must_use]
    pub fn with_base(mut self, base: impl Into<Location>) -> Self {
        self.clips = self.clips.with_base(base);
        self
    }

    /// The processor of clips within, to set its handlers.
    pub fn clip_processor_mut(&mut self) -> &mut VideoClipProcessor {
        &mut self.clips
    }

    /// The settings of the run; see [`VideoClipProcessor::config_mut`].
    pub fn config_mut(&mut self) -> &mut RunConfig {
        self.clips.config_mut()
    }

    /// Process `requests` on the configured backend and wait: clips, and `n_variants` variants of each
    /// for `audience_profile` where a request has none of its own. One response a request, in order.
    ///
    /// # Errors
    /// As [`VideoClipProcessor::process_batch_parallel`]; `config.invalid` for an audience of no variants.
    pub fn process_batch_parallel(
        &self,
        requests: &[VideoClipRequest],
        n_variants: u32,
        audience_profile: Option<&AudienceProfile>,
    ) -> Result<Vec<ViralVideoBatchResponse>> {
        let processor = self.asking(n_variants, audience_profile)?;
        processor.process_batch_parallel(requests, self.clips.config().parallel.backend)
    }

    /// As [`ViralVideoProcessor::process_batch_parallel`], in an async program.
    ///
    /// # Errors
    /// The same.
    pub async fn process_batch_async(
        &self,
        requests: &[VideoClipRequest],
        n_variants: u32,
        audience_profile: Option<&AudienceProfile>,
    ) -> Result<Vec<ViralVideoBatchResponse>> {
        self.asking(n_variants, audience_profile)?.process_batch_async(requests).await
    }

    /// As [`ViralVideoProcessor::process_batch_async`], for requests in columns (see
    /// [`VideoClipProcessor::process`]) and on `backend`, if it is not to be the configured one.
    ///
    /// # Errors
    /// The same.
    pub async fn process_on(
        &self,
        requests: impl Into<Requests>,
        n_variants: u32,
        audience_profile: Option<&AudienceProfile>,
        backend: Option<BackendType>,
    ) -> Result<Vec<ViralVideoBatchResponse>> {
        let backend = backend.unwrap_or(self.clips.config().parallel.backend);
        self.asking(n_variants, audience_profile)?.process_on(requests, backend).await
    }

    /// The variants that the settings (`config_mut().variants`) ask for of the clips in `results`, one
    /// list a response: from the tables of the dataset, without decoding or rendering anything. A
    /// failed response has none.
    ///
    /// # Errors
    /// `store.read` if the dataset is gone, `config.invalid`, also if the settings ask for no variants,
    /// which is the default.
    pub fn batch_generate_variants(
        &self,
        results: &[ViralVideoBatchResponse],
    ) -> Result<Vec<Vec<ViralVideoVariant>>> {
        let config = self.clips.config().clone();
        let ids: Vec<String> = results.iter().map(|r| r.request_id.clone()).collect();
        let out = config.out.clone();
        let planned =
            self.clips.block_on(async move { pipeline::plan_variants(&config, &ids).await })?;
        let mut variants = variant::read(&planned, &out)?;
        variants.sort_by(|a, b| (&a.clip_id, a.rank).cmp(&(&b.clip_id, b.rank)));
        let mut by_request: HashMap<String, Vec<ViralVideoVariant>> = HashMap::new();
        for variant in variants {
            by_request.entry(variant.request_id.clone()).or_default().push(variant);
        }
        let of = |response: &ViralVideoBatchResponse| match response.success {
            true => by_request.get(&response.request_id).cloned().unwrap_or_default(),
            false => vec![],
        };
        Ok(results.iter().map(of).collect())
    }

    /// The processor of clips, asked for variants too. Without a change of what is asked, batches go on
    /// sharing what they share.
    fn asking(
        &self,
        n_variants: u32,
        audience_profile: Option<&AudienceProfile>,
    ) -> Result<VideoClipProcessor> {
        let audience = audience_profile.map(serde_json::to_string).transpose().map_err(|e| {
            Error::new(
                ErrorCode::ConfigInvalid,
                format!("the audience cannot be written as JSON: {e}"),
            )
        })?;
        Ok(self.clips.asking(|variants| {
            // What the settings say of variants is then for other batches.
            if n_variants == 0 {
                let plain_clips = variants.plain_clips;
                *variants = VariantSettings { plain_clips, ..VariantSettings::default() };
            }
            variants.count = n_variants;
            if audience.is_some() {
                variants.audience.clone_from(&audience);
            }
        }))
    }
}
