//! What a run makes of each clip beside the plain one.

use serde::Serialize;

use crate::error::{Error, ErrorCode, Result};
use crate::kernels::score::ScoreModels;
use crate::kernels::text::is_language_tag;
use crate::kernels::variants::{MAX_VARIANTS, Scorer, VariantSize};
use crate::model::edit::CaptionMode;
use crate::model::{AudienceProfile, Platforms};

/// The versions made of each clip.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VariantSettings {
    /// Variants of each clip, 0 to [`MAX_VARIANTS`]; 0: none, and then what the other fields ask for is
    /// refused.
    pub count: u32,
    /// Whom they are for where the request does not say, as JSON of an [`AudienceProfile`].
    pub audience: Option<String>,
    /// Platforms they are made for, by name, where the request's own profile names none; empty: those of
    /// `audience`, else all.
    pub platforms: Vec<String>,
    /// Whether the plain clips are rendered beside the variants.
    pub plain_clips: bool,
    /// Where their captions go; `None`: nowhere, they have none.
    pub captions: Option<CaptionMode>,
    /// The size that they are to have, the source enlarged if need be; `None`: the platform's largest that the
    /// source is sharp enough for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<VariantSize>,
    /// What they are scored with; `None`: the built-in models.
    pub models: Option<ScoreModels>,
}

impl Default for VariantSettings {
    fn default() -> Self {
        Self {
            count: 0,
            audience: None,
            platforms: vec![],
            plain_clips: true,
            captions: Some(CaptionMode::Burned),
            size: None,
            models: None,
        }
    }
}

impl VariantSettings {
    /// What is asked for of variants where none are: settings, with the value where that matters. (Captions
    /// that are off are off.)
    fn idle(&self) -> Vec<(&'static str, String)> {
        if self.count > 0 {
            return vec![];
        }
        let burned = Some(CaptionMode::Burned);
        let captions = self.captions.filter(|_| self.captions != burned);
        let lone = |is: bool, name: &'static str| is.then(|| (name, String::new()));
        let idle = [
            lone(self.audience.is_some(), "audience"),
            lone(!self.platforms.is_empty(), "platforms"),
            captions.map(|mode| ("captions", format!(" {mode}"))),
            self.size.map(|size| ("size", format!(" {size}"))),
            lone(self.models.is_some(), "model"),
            lone(!self.plain_clips, "variants_only"),
        ];
        idle.into_iter().flatten().collect()
    }

    /// The refusal of settings, each with ` VALUE` or nothing, that have no effect without variants.
    pub(crate) fn none_asked_for(idle: &[(&'static str, String)]) -> Error {
        let said: Vec<_> = idle.iter().map(|(name, value)| format!("{name}{value}")).collect();
        let have = if idle.len() == 1 { "has" } else { "have" };
        let message = format!(
            "{} {have} no effect while variants is 0; set it to the number of versions of each clip",
            said.join(", ")
        );
        let error = Error::new(ErrorCode::ConfigInvalid, message).about("variants");
        idle.iter().fold(error, |error, (name, _)| error.about(name))
    }

    pub(super) fn check(&self) -> Result<()> {
        let idle = self.idle();
        if !idle.is_empty() {
            return Err(Self::none_asked_for(&idle));
        }
        if self.count > MAX_VARIANTS {
            let what = format!("is {}; give a number from 0 to {MAX_VARIANTS}", self.count);
            return Err(Error::setting("variants", what));
        }
        Platforms::built_in()?.named(&self.platforms)?;
        if let Some(models) = &self.models {
            Scorer::new(models)?;
        }
        if let Some(audience) = &self.audience {
            let profile = AudienceProfile::parse_strictly(audience).map_err(|e| {
                let message = e.message().replacen("audience_profile", "audience", 1);
                Error::new(ErrorCode::ConfigInvalid, message).about("audience")
            })?;
            let language = profile.language.filter(|language| !is_language_tag(language));
            if let Some(language) = language.filter(|language| !language.trim().is_empty()) {
                let what = format!(
                    "has the language {language:?}; give an ISO 639 or BCP 47 tag such as en, eng or pt-BR"
                );
                return Err(Error::setting("audience", what));
            }
        }
        Ok(())
    }
}
