//! `validate_request(source_url, language, min_clip_length, max_clip_length, max_clips)`.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StructArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Fields, Float64Type, Int64Type};
use datafusion::logical_expr::{ScalarUDF, Signature, Volatility};

use super::{array_function, external};
use crate::kernels::validate::{RequestColumns, validate};

/// A struct of `error_code` and `error_message`, both NULL where the request is valid. NULL
/// arguments stand for the defaults, a NULL `source_url` is an error.
pub fn validate_request() -> ScalarUDF {
    let fields = Fields::from(vec![
        Field::new("error_code", DataType::Utf8, true),
        Field::new("error_message", DataType::Utf8, true),
    ]);
    let return_type = DataType::Struct(fields.clone());
    array_function("validate_request", Signature::any(5, Volatility::Immutable), return_type, move |args| {
        let min = cast(&args[2], &DataType::Float64)?;
        let max = cast(&args[3], &DataType::Float64)?;
        let clips = cast(&args[4], &DataType::Int64)?;
        let verdict = validate(&RequestColumns {
            source_url: args[0].as_ref(),
            language: Some(args[1].as_ref()),
            min_clip_length: Some(min.as_primitive::<Float64Type>()),
            max_clip_length: Some(max.as_primitive::<Float64Type>()),
            max_clips: Some(clips.as_primitive::<Int64Type>()),
        })
        .map_err(external)?;
        let columns: Vec<ArrayRef> = vec![Arc::new(verdict.error_code), Arc::new(verdict.error_message)];
        Ok(Arc::new(StructArray::try_new(fields.clone(), columns, None)?) as ArrayRef)
    })
}
