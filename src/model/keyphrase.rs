//! Keyphrases: what a text is about, in its own words.

use arrow::datatypes::{DataType, Field};
use serde::{Deserialize, Serialize};

use super::{float, text};

/// A word or short phrase of a text, and how much the text is about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Keyphrase {
    /// As the text spells it, white space put together.
    pub text: String,
    /// In (0, 1]; 1 for the strongest of the text.
    pub weight: f64,
}

/// The columns of a keyphrase.
pub fn fields() -> Vec<Field> {
    vec![text("text", false), float("weight", false)]
}

/// The struct type of one keyphrase inside a list.
pub fn data_type() -> DataType {
    DataType::Struct(fields().into())
}
