//! Models over the features of variants.

use super::features::{FEATURE_NAMES, FEATURES, Measure};
use crate::error::Result;
use crate::kernels::score::{BoundModel, ScoreModels};

/// Models, ready for the features of variants.
#[derive(Debug, Clone, PartialEq)]
pub struct Scorer {
    pub(super) label: String,
    pub(super) viral: BoundModel,
    pub(super) engagement: BoundModel,
    pub(super) hook: BoundModel,
    pub(super) completion: BoundModel,
}

impl Scorer {
    /// The models over [`FEATURES`].
    ///
    /// # Errors
    /// `config.invalid` if one uses a feature that is not measured.
    pub fn new(models: &ScoreModels) -> Result<Self> {
        Ok(Self {
            label: models.viral_score.label(),
            viral: models.viral_score.bind(&FEATURE_NAMES)?,
            engagement: models.engagement_rate.bind(&FEATURE_NAMES)?,
            hook: models.hook_rate.bind(&FEATURE_NAMES)?,
            completion: models.completion_rate.bind(&FEATURE_NAMES)?,
        })
    }

    /// What the features that have a `value` add to the viral score, before its link.
    pub(super) fn gain(&self, value: impl Fn(&Measure) -> Option<f64>) -> f64 {
        let parts = FEATURES.iter().enumerate().filter_map(|(i, feature)| {
            value(&feature.measure).map(|value| self.viral.part(i, value))
        });
        parts.sum()
    }
}
