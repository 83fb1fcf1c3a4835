//! `audience_error(audience_profile)`, `audience_language(audience_profile)` and
//! `audience_platforms(audience_profile)`.

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

/// `audience_language(audience_profile)`: the language that a profile in JSON names; NULL if it names none
/// or cannot be read.
pub fn audience_language() -> Function {
    part("audience_language", |profile| profile.language)
}

/// `audience_platforms(audience_profile)`: the platforms that a profile in JSON names, with commas between;
/// NULL if it names none or cannot be read.
pub fn audience_platforms() -> Function {
    part("audience_platforms", |profile| Some(profile.platforms.join(",")))
}

fn part(name: &'static str, of: fn(AudienceProfile) -> Option<String>) -> Function {
    Function::new(name, Some(&["audience_profile"]), DataType::Utf8, move |args| {
        let profiles = text(&args[0])?;
        let part = |json: Option<&str>| {
            let part = of(AudienceProfile::parse(json?).ok()?)?;
            Some(part).filter(|part| !part.trim().is_empty())
        };
        Ok(Arc::new(profiles.iter().map(part).collect::<StringArray>()) as Arc<dyn Array>)
    })
}
