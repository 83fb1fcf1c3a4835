//! Scores from a model that is a file: feature names, weights, link. Each score comes with its parts,
//! so that a query can explain it.

use std::sync::OnceLock;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorCode, Result};

/// What turns the sum of the parts into a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Link {
    /// `1 / (1 + e^−x)`.
    Logistic,
    /// The sum itself, held in [0, 1].
    Identity,
}

impl Link {
    /// The score of a sum.
    pub fn score(self, sum: f64) -> f64 {
        match self {
            Self::Logistic => 1.0 / (1.0 + (-sum).exp()),
            Self::Identity => sum.clamp(0.0, 1.0),
        }
    }
}

/// A feature of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feature {
    /// Its name.
    pub name: String,
    /// What one `scale` above the `mean` adds to the sum.
    pub weight: f64,
    /// The usual value; a missing one counts as this.
    pub mean: f64,
    /// The usual distance from the mean, above 0.
    pub scale: f64,
}

/// Where the weights of a fitted model come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// BLAKE3 of the rows it was fitted to.
    pub data_hash: String,
    /// Rows.
    pub rows: u64,
    /// Distinct clips (of a selection: sources) among them, which folds do not split.
    pub clips: u64,
    /// Trials of all rows.
    #[serde(default)]
    pub trials: f64,
    /// What was fitted to, and the version of its definition.
    #[serde(default)]
    pub definition: String,
    /// That version.
    #[serde(default)]
    pub metric_version: i64,
    /// Folds of cross-validation.
    #[serde(default)]
    pub folds: u32,
    /// Spearman's rank correlation of held-out rows; `None` if they were all predicted alike.
    pub spearman: Option<f64>,
    /// Mean squared error on held-out rows, weighted as in the fit.
    pub cv_loss: f64,
    /// The same for the mean of the other rows.
    pub baseline_loss: f64,
    /// By how many standard errors the former is the better.
    #[serde(default)]
    pub standard_errors: f64,
    /// How much rows differ beyond chance, in [0, 1]; rows of many trials weigh less for it.
    #[serde(default)]
    pub dispersion: f64,
    /// Strength of the ridge penalty.
    pub lambda: f64,
    /// When, as RFC 3339, if who trained it said so: the same data then give the same file.
    #[serde(default)]
    pub trained_at: Option<String>,
}

/// A model of a score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreModel {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// What the score predicts or stands for.
    pub metric: String,
    /// From sum to score.
    pub link: Link,
    /// The sum of usual features.
    pub intercept: f64,
    /// The features.
    pub features: Vec<Feature>,
    /// How it was fitted; `None`: its weights were set by hand.
    #[serde(default)]
    pub training: Option<Training>,
    /// What a reader should know.
    #[serde(default)]
    pub note: String,
}

impl ScoreModel {
    /// Reads a model.
    ///
    /// # Errors
    /// `config.invalid` if it is none, or holds a number that cannot be used; it names the field.
    pub fn from_json(json: &str) -> Result<Self> {
        let model: Self = by_field(json, "the score model")?;
        model.check()?;
        Ok(model)
    }

    /// The model as JSON.
    ///
    /// # Errors
    /// `internal` if it cannot be written.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string_pretty(self).map_err(|e| {
            Error::new(ErrorCode::Internal, format!("a model cannot be written as JSON: {e}"))
        })
    }

    /// Name and version, as in `score_model`.
    pub fn label(&self) -> String {
        format!("{} v{}", self.name, self.version)
    }

    fn check(&self) -> Result<()> {
        for (place, feature) in self.features.iter().enumerate() {
            let Feature { name, scale, .. } = feature;
            // JSON has finite numbers only.
            if *scale <= 0.0 {
                return Err(wrong(format!(
                    "the score model cannot be used (features[{place}].scale of {name} is {scale}); the scale must be above 0"
                )));
            }
            if self.features[..place].iter().any(|earlier| earlier.name == *name) {
                return Err(wrong(format!(
                    "the score model cannot be used (features[{place}].name is {name}, as that of an earlier one); give each feature once"
                )));
            }
        }
        Ok(())
    }

    /// The model over features that come in the order of `names`.
    ///
    /// # Errors
    /// `config.invalid` if the model knows a feature that is not among them.
    pub fn bind(&self, names: &[&str]) -> Result<BoundModel> {
        let mut weights = vec![0.0; names.len()];
        let mut means = vec![0.0; names.len()];
        let mut scales = vec![1.0; names.len()];
        for feature in &self.features {
            let place = names.iter().position(|name| *name == feature.name).ok_or_else(|| {
                wrong(format!(
                    "the score model {} uses the feature {}, which is not measured; there are {}",
                    self.name,
                    feature.name,
                    names.join(", ")
                ))
            })?;
            weights[place] = feature.weight;
            means[place] = feature.mean;
            scales[place] = feature.scale;
        }
        Ok(BoundModel { link: self.link, intercept: self.intercept, weights, means, scales })
    }
}

/// A model over features in a fixed order; those it does not know weigh nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct BoundModel {
    link: Link,
    intercept: f64,
    weights: Vec<f64>,
    means: Vec<f64>,
    scales: Vec<f64>,
}

impl BoundModel {
    /// What feature number `i` adds to the sum: its weight for each `scale` above its mean; nothing
    /// when it is missing.
    pub fn part(&self, i: usize, value: f64) -> f64 {
        if value.is_finite() {
            self.weights[i] * (value - self.means[i]) / self.scales[i]
        } else {
            0.0
        }
    }

    /// The weight of feature number `i`.
    pub fn weight(&self, i: usize) -> f64 {
        self.weights[i]
    }

    /// The score of features in order, NaN where one is missing.
    pub fn score(&self, features: &[f64]) -> f64 {
        let parts = features.iter().enumerate().map(|(i, value)| self.part(i, *value));
        self.link.score(self.intercept + parts.sum::<f64>())
    }
}

/// The models that variants are scored with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreModels {
    /// Gives `viral_score`.
    pub viral_score: ScoreModel,
    /// Gives `predicted_engagement_rate`.
    pub engagement_rate: ScoreModel,
    /// Gives `predicted_hook_rate`.
    pub hook_rate: ScoreModel,
    /// Gives `predicted_completion_rate`.
    pub completion_rate: ScoreModel,
}

impl ScoreModels {
    /// The built-in models, whose weights were set by hand.
    ///
    /// # Errors
    /// None in practice: they are part of the program, and a test reads them.
    pub fn built_in() -> Result<&'static Self> {
        static MODELS: OnceLock<Result<ScoreModels>> = OnceLock::new();
        let models = MODELS.get_or_init(|| {
            serde_json::from_str(include_str!("built_in.json"))
                .map_err(|e| wrong(format!("the built-in score models cannot be read ({e})")))
        });
        models.as_ref().map_err(|e| Error::new(e.code(), e.message().to_owned()))
    }

    /// The built-in models with `model` in the place of the one for its metric: of `viral_score`, or
    /// of the rate that it was fitted to, whose scores then are the viral scores too.
    ///
    /// # Errors
    /// As [`ScoreModels::built_in`].
    pub fn with(model: &ScoreModel) -> Result<Self> {
        let mut models = Self::built_in()?.clone();
        let place = match model.metric.as_str() {
            "engagement_rate" => Some(&mut models.engagement_rate),
            "hook_rate" => Some(&mut models.hook_rate),
            "completion_rate" => Some(&mut models.completion_rate),
            _ => None,
        };
        if let Some(place) = place {
            *place = model.clone();
        }
        models.viral_score = model.clone();
        Ok(models)
    }
}

/// What a JSON file holds.
///
/// # Errors
/// `config.invalid` about `what`, with the field that is wrong and where it stands.
pub(super) fn by_field<T: DeserializeOwned>(json: &str, what: &str) -> Result<T> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let read = serde_path_to_error::deserialize(&mut deserializer).map_err(|e| {
        let field = e.path().to_string();
        let place = if field == "." { String::new() } else { format!("{field}: ") };
        format!("{place}{}", e.inner())
    });
    let whole = |value| deserializer.end().map(|()| value).map_err(|e| e.to_string());
    read.and_then(whole).map_err(|cause| wrong(format!("{what} cannot be read ({cause})")))
}

fn wrong(message: String) -> Error {
    Error::new(ErrorCode::ConfigInvalid, message)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn built_in_models_are_sound_and_survive_a_file() {
        let models = ScoreModels::built_in().unwrap();
        for model in [
            &models.viral_score,
            &models.engagement_rate,
            &models.hook_rate,
            &models.completion_rate,
        ] {
            let back = ScoreModel::from_json(&model.to_json().unwrap()).unwrap();
            assert_eq!(&back, model);
            assert!(model.note.contains("by hand"), "{} does not say where it is from", model.name);
        }
    }

    #[test]
    fn parts_and_intercept_give_the_score_and_what_is_missing_counts_as_usual() {
        let model = ScoreModel::from_json(
            r#"{"name":"m","version":1,"metric":"x","link":"logistic","intercept":-0.5,
                "features":[{"name":"b","weight":2,"mean":1,"scale":4}]}"#,
        )
        .unwrap();
        let bound = model.bind(&["a", "b"]).unwrap();
        assert_eq!(bound.part(1, 3.0), 1.0);
        assert_eq!(bound.part(0, 100.0), 0.0);
        assert!((bound.score(&[7.0, 3.0]) - Link::Logistic.score(0.5)).abs() < 1e-15);
        assert!((bound.score(&[7.0, f64::NAN]) - Link::Logistic.score(-0.5)).abs() < 1e-15);
    }

    #[test]
    fn models_that_cannot_be_used_say_why() {
        let json = |scale: &str, more: &str| {
            format!(
                r#"{{"name":"m","version":1,"metric":"x","link":"identity","intercept":0,
                    "features":[{{"name":"b","weight":2,"mean":1,"scale":{scale}}}]{more}}}"#
            )
        };
        let error = ScoreModel::from_json(&json("0", "")).unwrap_err();
        assert!(error.message().contains("the scale must be above 0"), "{error}");
        for (scale, more, said) in [
            ("0", "", "features[0].scale of b is 0"),
            (r#""wide""#, "", r#"features[0].scale: invalid type: string "wide""#),
            ("1e999", "", "number out of range"),
            (r#"1,"skale":2"#, "", "features[0].skale: unknown field `skale`"),
            ("1", r#","extra":1"#, "extra: unknown field `extra`"),
            ("1", "} {", "trailing characters"),
        ] {
            let error = ScoreModel::from_json(&json(scale, more)).unwrap_err();
            assert!(error.message().contains(said), "{error}");
        }
        let error = ScoreModel::from_json(r#"{"name":"m","link":"cubic"}"#).unwrap_err();
        assert!(error.message().contains("link: unknown variant `cubic`"), "{error}");
        let error = ScoreModel::from_json(&json(
            "1},{\"name\":\"b\",\"weight\":1,\"mean\":1,\"scale\":1",
            "",
        ));
        assert!(error.unwrap_err().message().contains("features[1].name is b"));
        let error = ScoreModel::from_json(&json("1},{\"name\":\"c\"", "")).unwrap_err();
        assert!(error.message().contains("features[1]: missing field `weight`"), "{error}");
        let model = ScoreModel::from_json(&json("1", "")).unwrap();
        let error = model.bind(&["a"]).unwrap_err();
        assert!(error.message().contains("uses the feature b"), "{error}");
    }
}
