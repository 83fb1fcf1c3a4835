//! Texts of a clip that somebody wrote, a language model or a person.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use serde::{Deserialize, Serialize};

use super::text;

/// Texts that take the place of those made from the clip's own words.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WrittenTexts {
    /// Title; `None`: nobody wrote any of the texts.
    pub title: Option<String>,
    /// First words.
    pub hook_text: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// Hashtags with their `#`; empty: those of the clip's own words.
    pub hashtags: Vec<String>,
    /// Why they were not written though they were asked for, as a sentence.
    pub note: Option<String>,
}

/// The columns.
pub fn fields() -> Vec<Field> {
    let tag = Field::new_list_field(DataType::Utf8, true);
    vec![
        text("title", true),
        text("hook_text", true),
        text("description", true),
        Field::new("hashtags", DataType::List(Arc::new(tag)), false),
        text("note", true),
    ]
}

/// The struct type.
pub fn data_type() -> DataType {
    DataType::Struct(fields().into())
}
