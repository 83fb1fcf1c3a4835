//! The kernels as SQL functions. One list registers them all.

mod ids;
pub(in crate::query) mod json;
mod language;
mod select;
mod validate;

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Signature, SimpleScalarUDF};

use crate::error::Error;

/// Every scalar function. `base` is the folder that relative paths in `source_location` start from.
pub fn all(base: &Path) -> Vec<ScalarUDF> {
    vec![
        ids::stable_id(),
        ids::source_location(base),
        json::json_text(),
        language::same_language(),
        select::select_clips(),
        select::cues_in(),
        select::no_candidate_message(),
        validate::validate_request(),
    ]
}

/// A function of arrays; a constant argument arrives as an array of the batch's length.
fn array_function(
    name: &str,
    signature: Signature,
    return_type: DataType,
    kernel: impl Fn(&[ArrayRef]) -> Result<ArrayRef> + Send + Sync + 'static,
) -> ScalarUDF {
    let fun = move |args: &[ColumnarValue]| {
        let arrays = ColumnarValue::values_to_arrays(args)?;
        kernel(&arrays).map(ColumnarValue::Array)
    };
    ScalarUDF::new_from_impl(SimpleScalarUDF::new_with_signature(name, signature, return_type, Arc::new(fun)))
}

/// Any array as text, whatever string type it has.
fn text(array: &ArrayRef) -> Result<StringArray> {
    Ok(cast(array, &DataType::Utf8)?.as_string::<i32>().clone())
}

/// The crate's error inside a query.
fn external(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
