//! Selection weights and score models as text: values of settings and arguments of functions.

use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use serde_json::Value;

use crate::error::{Error, ErrorCode, Result};
use crate::kernels::score::{ScoreModel, ScoreModels};
use crate::kernels::select::{Weights, WeightsFile};
use crate::kernels::variants::Scorer;

/// The weights that differ from the defaults, as JSON: `{"hook":0.5}`; `None` if none does.
///
/// # Errors
/// `internal` if they cannot be written.
pub(super) fn weights_text(weights: &Weights) -> Result<Option<String>> {
    let (weights, defaults) = (value(weights)?, value(&Weights::default())?);
    let (Value::Object(mut changed), Value::Object(defaults)) = (weights, defaults) else {
        return Ok(None);
    };
    changed.retain(|name, weight| defaults.get(name) != Some(weight));
    for weight in changed.values_mut() {
        if let Some(number) = weight.as_f64() {
            *weight = number_as_written(number).into();
        }
    }
    if changed.is_empty() {
        return Ok(None);
    }
    serde_json::to_string(&changed).map(Some).map_err(unwritable)
}

/// The weights of a JSON text: an object of weights, those left out being the defaults, or a file of `clipflow
/// train --selection`.
///
/// # Errors
/// `config.invalid` for other text, or weights that cannot be used.
pub(super) fn weights(json: &str) -> Result<Weights> {
    let is_file = matches!(serde_json::from_str(json), Ok(Value::Object(fields)) if fields.contains_key("weights"));
    let file = if is_file { json.to_owned() } else { format!("{{\"weights\":{json}}}") };
    Ok(WeightsFile::from_json(&file)?.weights)
}

/// The models as JSON: the one of `viral_score` if the others follow from it, else all; `None` if they are
/// the built-in ones. Where a model comes from is left out.
///
/// # Errors
/// `internal` if they cannot be written.
pub(super) fn models_text(models: &ScoreModels) -> Result<Option<String>> {
    if models == ScoreModels::built_in()? {
        return Ok(None);
    }
    let follow = ScoreModels::with(&models.viral_score)? == *models;
    let ScoreModels { viral_score, engagement_rate, hook_rate, completion_rate } = models;
    let json = match follow {
        true => serde_json::to_string(&as_written(viral_score)),
        false => serde_json::to_string(&ScoreModels {
            viral_score: as_written(viral_score),
            engagement_rate: as_written(engagement_rate),
            hook_rate: as_written(hook_rate),
            completion_rate: as_written(completion_rate),
        }),
    };
    json.map(Some).map_err(unwritable)
}

/// What scores by the models of a JSON text: one model, or the object of all that [`ScoreModels`] is.
///
/// # Errors
/// `config.invalid` for other text, or a model that uses a feature that is not measured.
pub(super) fn scorer(json: &str) -> Result<Scorer> {
    let is_all = matches!(serde_json::from_str(json), Ok(Value::Object(fields)) if fields.contains_key("viral_score"));
    let models = if is_all {
        serde_json::from_str(json).map_err(|e| {
            Error::new(ErrorCode::ConfigInvalid, format!("the score models cannot be read ({e})"))
        })?
    } else {
        ScoreModels::with(&ScoreModel::from_json(json)?)?
    };
    Scorer::new(&models)
}

/// What was read of the last text, so that it is read once rather than for every batch.
#[derive(Debug)]
pub(super) struct LastRead<T>(Mutex<Option<(String, Arc<T>)>>);

impl<T> Default for LastRead<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> LastRead<T> {
    /// What `read` gives for `text`.
    pub(super) fn get(&self, text: &str, read: impl Fn(&str) -> Result<T>) -> Result<Arc<T>> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some((known, value)) if known == text => Ok(Arc::clone(value)),
            _ => {
                let value = Arc::new(read(text)?);
                *last = Some((text.to_owned(), Arc::clone(&value)));
                Ok(value)
            }
        }
    }
}

fn value(of: &impl Serialize) -> Result<Value> {
    serde_json::to_value(of).map_err(unwritable)
}

fn unwritable(e: serde_json::Error) -> Error {
    Error::new(ErrorCode::Internal, format!("weights or a model cannot be written as JSON: {e}"))
        .with_source(e)
}

/// A model whose text reads back as the model, without how it was fitted and its note, which change no
/// score.
fn as_written(model: &ScoreModel) -> ScoreModel {
    let mut model = ScoreModel { training: None, note: String::new(), ..model.clone() };
    model.intercept = number_as_written(model.intercept);
    for feature in &mut model.features {
        for number in [&mut feature.weight, &mut feature.mean, &mut feature.scale] {
            *number = number_as_written(*number);
        }
    }
    model
}

/// The number whose text reads back as `exact`: `serde_json` without its feature `float_roundtrip` may read
/// one of 17 digits a step or two off. A number that was itself read from text has one.
fn number_as_written(exact: f64) -> f64 {
    let reads_back = |candidate: &f64| {
        let text = serde_json::to_string(candidate).unwrap_or_default();
        serde_json::from_str::<f64>(&text).is_ok_and(|read| read == exact)
    };
    let above = std::iter::successors(Some(exact), |number| Some(number.next_up()));
    let below = std::iter::successors(Some(exact), |number| Some(number.next_down()));
    let near = above.zip(below).take(STEPS).flat_map(|(above, below)| [above, below]);
    near.into_iter().find(reads_back).unwrap_or(exact)
}

/// Steps from a number within which another reads back as it.
const STEPS: usize = 6;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn weights_read_back_as_they_were() {
        assert_eq!(weights_text(&Weights::default()).unwrap(), None);
        let changed = Weights { hook: 0.5, ..Weights::default() };
        let text = weights_text(&changed).unwrap().unwrap();
        assert_eq!(text, r#"{"hook":0.5}"#);
        assert_eq!(weights(&text).unwrap(), changed);
        let file = WeightsFile { weights: changed, training: None, note: String::new() };
        assert_eq!(weights(&file.to_json().unwrap()).unwrap(), changed);
        assert!(weights(r#"{"hoook":1}"#).unwrap_err().message().contains("hoook"));
        assert!(weights("0.5").is_err());
    }

    #[test]
    fn a_number_of_a_file_reads_back_as_it_was() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..20_000 {
            let fitted = (random.f64() - 0.5) * 10f64.powi(random.i32(-12..12));
            let number: f64 =
                serde_json::from_str(&serde_json::to_string(&fitted).unwrap()).unwrap();
            let changed = Weights { motion: number, ..Weights::default() };
            let text = weights_text(&changed).unwrap().unwrap();
            let json: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(json["motion"].as_f64(), Some(number), "{text}");
        }
    }

    #[test]
    fn models_read_back_as_they_were() {
        let built_in = ScoreModels::built_in().unwrap();
        assert_eq!(models_text(built_in).unwrap(), None);
        let mut model = built_in.engagement_rate.clone();
        model.name = "mine".to_owned();
        model.intercept = 0.1 + 0.2;
        let one = ScoreModels::with(&model).unwrap();
        let text = models_text(&one).unwrap().unwrap();
        assert!(text.starts_with("{\"name\":\"mine\""), "{text}");
        assert_eq!(scorer(&text).unwrap(), Scorer::new(&one).unwrap());
        let mut all = built_in.clone();
        all.hook_rate.intercept = 1.0;
        let text = models_text(&all).unwrap().unwrap();
        assert_eq!(scorer(&text).unwrap(), Scorer::new(&all).unwrap());
    }
}
