//! A language model behind an OpenAI-compatible endpoint (`/v1/chat/completions`) that writes the
//! texts of clips.
//!
//! Off unless `text_model_url` is set. Calls go through [`crate::resilience`] like those for sources: with
//! limits, a circuit breaker and `Retry-After` per host. Answers are checked; after any failure the clip
//! gets its built-in texts and the answer says why.

#[cfg(feature = "http")]
mod answer;
mod describe;
#[cfg(feature = "http")]
mod http_model;
#[cfg(feature = "http")]
mod prompt;
mod settings;

use std::sync::Arc;

pub use describe::{describe_clips, describe_rows, described_schema};
#[cfg(feature = "http")]
pub use http_model::{HttpTextModel, TextModelCounts};
pub use settings::TextModelConfig;

use crate::config::ParallelConfig;
use crate::error::Result;
use crate::kernels::text::TextModel;
use crate::resilience::Resilience;

/// The model of the settings, with the key that this process's environment holds; `None` if none is
/// configured.
///
/// # Errors
/// `config.invalid` for settings that cannot be used, or a build without the feature `http`.
pub fn text_model_of_process(
    config: &ParallelConfig,
    resilience: &Resilience,
) -> Result<Option<Arc<dyn TextModel>>> {
    #[cfg(feature = "http")]
    return Ok(HttpTextModel::of_process(config, resilience)?.map(|model| Arc::new(model) as _));
    #[cfg(not(feature = "http"))]
    {
        let _ = resilience;
        match config.text_model_url.trim() {
            "" => Ok(None),
            _ => Err(crate::error::Error::setting(
                "text_model_url",
                "needs HTTP, which this build of clipflow leaves out; build it with the feature http",
            )),
        }
    }
}
