//! `audience_error(audience_profile)`, `audience_language(audience_profile)` and
//! `audience_platforms(audience_profile)`.

use std::sync::Arc;

use arrow::array::{Array, StringArray};
use arrow::datatypes::DataType;

use super::columns::text;
use super::function::Function;
use crate::model::AudienceProfile;
use crate::query::arguments::{About, Argument, ArgumentKind, FunctionArguments, section};

const PROFILE: Argument = Argument::new(
    "audience_profile",
    ArgumentKind::Text,
    "An audience profile in JSON, such as {\"age\":\"18-35\",\"interests\":[\"tech\"],\"language\":\"en\",\"platforms\":[\"tiktok\"]}",
);

/// `audience_error(audience_profile)`: what is wrong with an audience profile in JSON, as a sentence;
/// NULL if it can be read, and for NULL.
pub fn audience_error() -> Function {
    let about = About::new(
        section::REQUESTS,
        "What is wrong with an audience profile, as a sentence; NULL if it can be read, and for NULL.",
        r#"SELECT audience_error('{"age":"35-18"}')"#,
    );
    Function::new(
        "audience_error",
        FunctionArguments::new([PROFILE]),
        DataType::Utf8,
        about,
        |args| {
            let profiles = text(&args[0])?;
            let wrong = |json: Option<&str>| {
                AudienceProfile::parse(json?).err().map(|error| error.message().to_owned())
            };
            Ok(Arc::new(profiles.iter().map(wrong).collect::<StringArray>()) as Arc<dyn Array>)
        },
    )
}

/// `audience_language(audience_profile)`: the language that a profile in JSON names; NULL if it names none
/// or cannot be read.
pub fn audience_language() -> Function {
    let about = About::new(
        section::REQUESTS,
        "The language that an audience profile names; NULL if it names none or cannot be read.",
        r#"SELECT audience_language('{"language":"es"}')"#,
    );
    part("audience_language", about, |profile| profile.language)
}

/// `audience_platforms(audience_profile)`: the platforms that a profile in JSON names, with commas between;
/// NULL if it names none or cannot be read.
pub fn audience_platforms() -> Function {
    let about = About::new(
        section::REQUESTS,
        "The platforms that an audience profile names, with commas between; NULL if it names none or cannot be read.",
        r#"SELECT audience_platforms('{"platforms":["tiktok","shorts"]}')"#,
    );
    part("audience_platforms", about, |profile| Some(profile.platforms.join(",")))
}

fn part(name: &'static str, about: About, of: fn(AudienceProfile) -> Option<String>) -> Function {
    Function::new(name, FunctionArguments::new([PROFILE]), DataType::Utf8, about, move |args| {
        let profiles = text(&args[0])?;
        let part = |json: Option<&str>| {
            let part = of(AudienceProfile::parse(json?).ok()?)?;
            Some(part).filter(|part| !part.trim().is_empty())
        };
        Ok(Arc::new(profiles.iter().map(part).collect::<StringArray>()) as Arc<dyn Array>)
    })
}
