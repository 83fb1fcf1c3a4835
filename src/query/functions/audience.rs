//! `audience_error(audience_profile)`.

use std::sync::Arc;

use arrow::array::{Array, StringArray};
use arrow::datatypes::DataType;

use super::{Function, text};
use crate::model::AudienceProfile;

/// `audience_error(audience_profile)`: what is wrong with an audience profile in JSON, as a sentence;
/// NULL if it can be read, and for NULL.
pub fn audience_error() -> Function {
    Function::new("audience_error", Some(&["audience_profile"]), DataType::Utf8, |args| {
        let profiles = text(&args[0])?;
        let wrong = |json: Option<&str>| {
            AudienceProfile::parse(json?).err().map(|error| error.message().to_owned())
        };
        Ok(Arc::new(profiles.iter().map(wrong).collect::<StringArray>()) as Arc<dyn Array>)
    })
}
