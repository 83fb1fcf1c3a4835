//! The flags of variants.

use std::path::PathBuf;

use clap::Args;

use super::whole_number;
use crate::kernels::score::ScoreModels;
use crate::kernels::variants::caption_mode;
use crate::model::edit::CaptionMode;
use crate::pipeline::VariantSettings;

#[derive(Debug, Args)]
#[command(next_help_heading = "Variants")]
pub(in crate::cli) struct VariantArgs {
    /// Variants of each clip.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = whole_number::<u32>)]
    pub variants: u32,
    /// Whom variants are for where a row has no audience_profile: '{"age":"18-35","interests":["tech"]}'.
    #[arg(long, value_name = "JSON")]
    pub audience: Option<String>,
    /// Platforms that variants are made for, with commas between; a row's own audience_profile goes
    /// before. Else those of --audience, or all.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub platforms: Vec<String>,
    /// Where captions go: burned (into the picture), soft (a text track), sidecar (.srt and .vtt), off
    /// [default: burned].
    #[arg(long, value_name = "WHERE", value_parser = caption_value)]
    pub captions: Option<CaptionsArg>,
    /// Score variants with this model, as written by hand or fitted; see docs/user/learning.md.
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// Render the variants without the plain clips.
    #[arg(long)]
    pub variants_only: bool,
}

impl VariantArgs {
    /// The variants that are asked for, scored with `models`.
    ///
    /// # Errors
    /// `config.invalid` for `--captions burned` without variants. Burned is also the default, so only the
    /// command knows that it was asked for.
    pub(in crate::cli) fn settings(
        self,
        models: Option<ScoreModels>,
    ) -> crate::error::Result<VariantSettings> {
        let Self { variants: count, audience, platforms, captions, variants_only, .. } = self;
        if count == 0 && captions.is_some_and(|asked| asked.0 == Some(CaptionMode::Burned)) {
            return Err(VariantSettings::none_asked_for(&[("captions", " burned".to_owned())]));
        }
        let captions = captions.map_or(Some(CaptionMode::Burned), |asked| asked.0);
        let plain_clips = !variants_only;
        Ok(VariantSettings {
            count,
            audience,
            platforms,
            plain_clips,
            captions,
            models,
            size: None,
        })
    }
}

/// Where captions go; `None`: nowhere.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct CaptionsArg(pub Option<CaptionMode>);

fn caption_value(text: &str) -> Result<CaptionsArg, String> {
    caption_mode(text).map(CaptionsArg).map_err(|e| e.message().to_owned())
}
