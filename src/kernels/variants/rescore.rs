//! The score of a variant that is there, by another model: its parts hold the features.

use super::features::{FEATURE_NAMES, FEATURES};
use crate::kernels::score::BoundModel;
use crate::model::ScorePart;

/// The features behind `score_parts`, in the order of [`FEATURES`]; NaN where one is missing.
pub fn features_of(parts: &[ScorePart]) -> [f64; FEATURES.len()] {
    FEATURE_NAMES.map(|name| {
        let part = parts.iter().find(|p| p.feature == name);
        part.and_then(|p| p.value).unwrap_or(f64::NAN)
    })
}

/// The score of features by a model over [`FEATURES`], and every feature's part in it.
pub fn rescore(features: &[f64; FEATURES.len()], model: &BoundModel) -> (f64, Vec<ScorePart>) {
    (model.score(features), score_parts(features, model))
}

/// Every feature and what it adds to the score.
pub(super) fn score_parts(features: &[f64; FEATURES.len()], model: &BoundModel) -> Vec<ScorePart> {
    let part = |(i, (name, value)): (usize, (&'static str, &f64))| ScorePart {
        feature: name.into(),
        value: value.is_finite().then_some(*value),
        weight: model.weight(i),
        part: model.part(i, *value),
    };
    FEATURE_NAMES.into_iter().zip(features).enumerate().map(part).collect()
}
