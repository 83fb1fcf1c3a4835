//! Weights of the selection as a file.

use serde::{Deserialize, Serialize};

use super::{FEATURES, Weights};
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::score::{Training, by_field};

/// Weights, and where they come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightsFile {
    /// The weights; those left out are the defaults.
    pub weights: Weights,
    /// How they were fitted; `None`: they were set by hand.
    #[serde(default)]
    pub training: Option<Training>,
    /// What a reader should know.
    #[serde(default)]
    pub note: String,
}

impl WeightsFile {
    /// Reads weights.
    ///
    /// # Errors
    /// `config.invalid` if it is no such file, or holds weights that cannot be used.
    pub fn from_json(json: &str) -> Result<Self> {
        let file: Self = by_field(json, "the selection's weights")?;
        let named = FEATURES.map(|feature| (feature.name, file.weights.of(&feature)));
        if let Some((name, weight)) = named.iter().find(|(_, weight)| *weight < 0.0) {
            return Err(wrong(format!(
                "the selection's weights cannot be used (weights.{name} is {weight}); each must be at least 0"
            )));
        }
        if named.iter().map(|(_, weight)| weight).sum::<f64>() <= 0.0 {
            return Err(wrong(
                "the selection's weights cannot be used (all are 0); give one above 0".to_owned(),
            ));
        }
        Ok(file)
    }

    /// The file as JSON.
    ///
    /// # Errors
    /// `internal` if it cannot be written.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string_pretty(self).map_err(|e| {
            Error::new(ErrorCode::Internal, format!("weights cannot be written as JSON: {e}"))
        })
    }
}

fn wrong(message: String) -> Error {
    Error::new(ErrorCode::ConfigInvalid, message)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn weights_survive_a_file_and_those_that_cannot_be_used_are_refused() {
        let weights = Weights { hook: 0.5, ..Weights::default() };
        let file = WeightsFile { weights, training: None, note: "by hand".to_owned() };
        assert_eq!(WeightsFile::from_json(&file.to_json().unwrap()).unwrap(), file);
        assert_eq!(WeightsFile::from_json(r#"{"weights":{"hook":0.5}}"#).unwrap().weights, weights);
        assert_eq!(Weights::default().with(&FEATURES[0], 0.5), weights);
        for json in [r#"{"weights":{"hook":-1}}"#, r#"{"weights":{"hoook":1}}"#, r#"{"hook":1}"#] {
            assert!(WeightsFile::from_json(json).is_err(), "{json}");
        }
    }
}
