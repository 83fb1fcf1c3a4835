//! The kernels as functions of columns, each described once: SQL and Polars are made from the same
//! description.

pub(in crate::query) mod audience;
pub(in crate::query) mod describe;
pub(in crate::query) mod experiment;
pub(in crate::query) mod ids;
pub(in crate::query) mod json;
pub(in crate::query) mod language;
pub(in crate::query) mod may_change;
pub(in crate::query) mod metrics;
pub(in crate::query) mod occurrence;
pub(in crate::query) mod reframe;
pub(in crate::query) mod select;
pub(in crate::query) mod validate;
pub(in crate::query) mod variants;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, PrimitiveArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{ArrowPrimitiveType, DataType, Field};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{
    ColumnarValue, ScalarUDF, Signature, SimpleScalarUDF, TypeSignature, Volatility,
};

use crate::error::{Error, ErrorCode, Result};
use crate::kernels::select::Weights;
use crate::location::Location;

/// Every scalar function. `base` is where relative paths in `source_location` start from.
pub fn all(base: &Location) -> Vec<ScalarUDF> {
    let functions = [
        audience::audience_error(),
        audience::audience_language(),
        audience::audience_platforms(),
        ids::stable_id(),
        ids::source_location(base),
        ids::without_signature(),
        json::json_text(),
        language::same_language(),
        may_change::may_change(),
        reframe::reframe_path(),
        select::select_clips(Weights::default()),
        select::cues_in(),
        select::no_candidate_message(),
        validate::validate_request(),
        variants::clip_brief(),
        variants::with_texts(),
        variants::make_variants(None),
        variants::no_variant_message(),
        describe::keyphrases(),
        describe::hashtags(),
        describe::clip_title(),
    ];
    functions
        .into_iter()
        .chain(metrics::all())
        .chain(experiment::all())
        .map(Function::into_sql)
        .collect()
}

/// From columns of one length to a column of that length.
type Kernel = dyn Fn(&[ArrayRef]) -> Result<ArrayRef> + Send + Sync;

/// Names of arguments, in order.
type Arguments = &'static [&'static str];

/// A kernel, its name and its types, for any engine.
#[derive(Clone)]
pub(in crate::query) struct Function {
    pub(in crate::query) name: &'static str,
    /// Names of the arguments it takes; `None`: one or more. Of any type: the kernel casts or refuses.
    arguments: Option<Arguments>,
    pub(in crate::query) return_type: DataType,
    volatility: Volatility,
    kernel: Arc<Kernel>,
}

impl Function {
    /// A function of its arguments alone.
    fn new(
        name: &'static str,
        arguments: Option<Arguments>,
        return_type: DataType,
        kernel: impl Fn(&[ArrayRef]) -> Result<ArrayRef> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name,
            arguments,
            return_type,
            volatility: Volatility::Immutable,
            kernel: Arc::new(kernel),
        }
    }

    /// Run the kernel over columns of one length.
    ///
    /// # Errors
    /// `query.invalid` for a wrong number or type of arguments, else what the kernel says.
    pub(in crate::query) fn call(&self, columns: &[ArrayRef]) -> Result<ArrayRef> {
        if self.arguments.map_or(columns.is_empty(), |names| names.len() != columns.len()) {
            let wanted = self
                .arguments
                .map_or("at least one argument".to_owned(), |n| format!("{} arguments", n.len()));
            return Err(misused(format!("{} takes {wanted}, not {}", self.name, columns.len())));
        }
        (self.kernel)(columns)
    }

    /// The function for a DataFusion session. A constant argument arrives as a column of the batch's length.
    pub(in crate::query) fn into_sql(self) -> ScalarUDF {
        let signature = signature(self.arguments, self.volatility);
        let (name, return_type) = (self.name, self.return_type.clone());
        let fun = move |args: &[ColumnarValue]| {
            let columns = ColumnarValue::values_to_arrays(args)?;
            self.call(&columns)
                .map(ColumnarValue::Array)
                .map_err(|e| DataFusionError::External(Box::new(e)))
        };
        ScalarUDF::new_from_impl(SimpleScalarUDF::new_with_signature(
            name,
            signature,
            return_type,
            Arc::new(fun),
        ))
    }
}

/// Arguments of any type; their names stand in what is said to who calls it otherwise.
fn signature(arguments: Option<Arguments>, volatility: Volatility) -> Signature {
    let Some(names) = arguments else {
        return Signature::new(TypeSignature::VariadicAny, volatility);
    };
    let any = Signature::any(names.len(), volatility);
    // Refused only for names that are not one each.
    any.clone().with_parameter_names(names.to_vec()).unwrap_or(any)
}

/// A function was called with what it does not take.
fn misused(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::Query, message)
}

/// `column` as `to`, whatever type it has.
fn as_type(column: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    cast(column, to).map_err(|e| {
        misused(format!("a column of {} cannot be read as {to}: {e}", column.data_type()))
            .with_source(e)
    })
}

/// `column` as text, whatever string type it has.
fn text(column: &ArrayRef) -> Result<StringArray> {
    Ok(as_type(column, &DataType::Utf8)?.as_string::<i32>().clone())
}

/// `column` as numbers of one type, whatever numeric type it has.
fn numbers<T: ArrowPrimitiveType>(column: &ArrayRef) -> Result<PrimitiveArray<T>> {
    Ok(as_type(column, &T::DATA_TYPE)?.as_primitive::<T>().clone())
}

/// `column` as lists of numbers.
fn float_lists(column: &ArrayRef) -> Result<ListArray> {
    let list = DataType::List(Arc::new(Field::new_list_field(DataType::Float64, true)));
    Ok(as_type(column, &list)?.as_list::<i32>().clone())
}
