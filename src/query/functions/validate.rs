//! `validate_request(source_url, language, min_clip_length, max_clip_length, max_clips)`.

use std::sync::Arc;

use arrow::array::{ArrayRef, StructArray};
use arrow::datatypes::{DataType, Field, Fields, Float64Type, Int64Type};

use super::columns::{misused, numbers};
use super::function::Function;
use crate::kernels::validate::{RequestColumns, validate};
use crate::query::arguments::{About, Argument, ArgumentKind, FunctionArguments, section};

/// A struct of `error_code` and `error_message`, both NULL where the request is valid. NULL
/// arguments stand for the defaults, a NULL `source_url` is an error.
pub fn validate_request() -> Function {
    let fields = Fields::from(vec![
        Field::new("error_code", DataType::Utf8, true),
        Field::new("error_message", DataType::Utf8, true),
    ]);
    let arguments = FunctionArguments::new([
        Argument::new("source_url", ArgumentKind::Url, "Path or URL of the source"),
        Argument::new("language", ArgumentKind::Text, "Language of the clips as a tag"),
        Argument::new("min", ArgumentKind::Number, "Shortest clip in seconds"),
        Argument::new("max", ArgumentKind::Number, "Longest clip in seconds"),
        Argument::new("n", ArgumentKind::Whole, "Clips at most"),
    ]);
    let about = About::new(
        section::REQUESTS,
        "What is wrong with a request: a struct of `error_code` and `error_message`, both NULL where it is valid. NULL stands for a default, except as the source.",
        "SELECT validate_request('talk.mp4', 'en', 60, 15, 3)",
    );
    let return_type = DataType::Struct(fields.clone());
    Function::new("validate_request", arguments, return_type, about, move |args| {
        let (min, max) = (numbers::<Float64Type>(&args[2])?, numbers::<Float64Type>(&args[3])?);
        let max_clips = numbers::<Int64Type>(&args[4])?;
        let verdict = validate(&RequestColumns {
            source_url: args[0].as_ref(),
            language: Some(args[1].as_ref()),
            min_clip_length: Some(&min),
            max_clip_length: Some(&max),
            max_clips: Some(&max_clips),
        })?;
        let columns: Vec<ArrayRef> =
            vec![Arc::new(verdict.error_code), Arc::new(verdict.error_message)];
        let verdicts = StructArray::try_new(fields.clone(), columns, None);
        Ok(Arc::new(verdicts.map_err(|e| misused(e.to_string()).with_source(e))?))
    })
}
