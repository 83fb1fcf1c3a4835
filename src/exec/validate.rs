//! Validation as work: adds the verdict to rows of `requests`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{ArrowPrimitiveType, DataType, Field, Float64Type, Int64Type};

use super::{InputColumn, Work, WorkEnv, WorkKind, WorkSpec};
use crate::cancel::CancelToken;
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::validate::{RequestColumns, validate};

/// The kernel [`validate`] as work: `invalid_code` and `invalid_message`, both NULL where the request
/// is valid. Missing columns have their defaults, except for the source.
#[derive(Debug)]
pub struct ValidateWork;

impl ValidateWork {
    /// Its registered name.
    pub const NAME: &str = "validate";
}

impl Work for ValidateWork {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn kind(&self) -> WorkKind {
        WorkKind::Cpu
    }

    fn input_columns(&self) -> Vec<InputColumn> {
        let defaulted = ["language", "min_clip_length", "max_clip_length", "max_clips"]
            .map(|name| InputColumn::any(name).optional());
        std::iter::once(InputColumn::any("source_url")).chain(defaulted).collect()
    }

    fn output_fields(&self) -> Vec<Field> {
        ["invalid_code", "invalid_message"].map(|n| Field::new(n, DataType::Utf8, true)).into()
    }

    fn is_bounded(&self) -> bool {
        true
    }

    fn spec(&self) -> Option<WorkSpec> {
        Some(WorkSpec::registered(Self::NAME))
    }

    fn run(&self, rows: &RecordBatch, _: &WorkEnv, _: &CancelToken) -> Result<Vec<ArrayRef>> {
        let source_url = rows.column_by_name("source_url").ok_or_else(|| {
            Error::new(
                ErrorCode::InputColumn,
                "requests need a column source_url; name the source in it",
            )
        })?;
        let (min, max, count) = (
            numbers::<Float64Type>(rows, "min_clip_length")?,
            numbers::<Float64Type>(rows, "max_clip_length")?,
            numbers::<Int64Type>(rows, "max_clips")?,
        );
        let verdict = validate(&RequestColumns {
            source_url: source_url.as_ref(),
            language: rows.column_by_name("language").map(|c| c.as_ref()),
            min_clip_length: min.as_ref().map(|c| c.as_primitive()),
            max_clip_length: max.as_ref().map(|c| c.as_primitive()),
            max_clips: count.as_ref().map(|c| c.as_primitive()),
        })?;
        Ok(vec![Arc::new(verdict.error_code), Arc::new(verdict.error_message)])
    }
}

/// A column as numbers of type `T`; `None` if there is no such column.
pub(super) fn numbers<T: ArrowPrimitiveType>(
    rows: &RecordBatch,
    name: &str,
) -> Result<Option<ArrayRef>> {
    let to = T::DATA_TYPE;
    let column = rows.column_by_name(name).map(|column| match column.data_type() == &to {
        true => Ok(Arc::clone(column)),
        false => cast(column, &to).map_err(|e| {
            let found = column.data_type();
            Error::new(
                ErrorCode::InputColumn,
                format!("column {name} is {found}, not {to}; cast it"),
            )
            .with_source(e)
        }),
    });
    column.transpose()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use arrow::array::{Int32Array, StringArray, StringViewArray};
    use arrow::datatypes::Schema;

    fn run(columns: Vec<(&str, ArrayRef)>) -> Vec<Option<String>> {
        let rows = RecordBatch::try_from_iter_with_nullable(
            columns.into_iter().map(|(n, c)| (n, c, true)),
        )
        .unwrap();
        let answer = ValidateWork.run(&rows, &WorkEnv::bare(), &CancelToken::new()).unwrap();
        let codes = answer[0].as_string::<i32>();
        codes.iter().map(|c| c.map(str::to_owned)).collect()
    }

    #[test]
    fn missing_columns_have_defaults_and_other_number_types_do() {
        let urls: ArrayRef = Arc::new(StringArray::from(vec![Some("a.mp4"), None]));
        let missing = Some("invalid_request.missing_url".to_owned());
        assert_eq!(run(vec![("source_url", Arc::clone(&urls))]), [None, missing.clone()]);
        let views: ArrayRef = Arc::new(StringViewArray::from(vec![Some("a.mp4"), None]));
        let lengths: ArrayRef = Arc::new(Int32Array::from(vec![700, 20]));
        assert_eq!(
            run(vec![("max_clip_length", lengths), ("source_url", views)]),
            [Some("invalid_request.bad_length".to_owned()), missing]
        );
    }

    #[test]
    fn requests_without_a_source_column_are_an_error_of_the_input() {
        let rows = RecordBatch::new_empty(Arc::new(Schema::empty()));
        let error = ValidateWork.run(&rows, &WorkEnv::bare(), &CancelToken::new()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InputColumn);
    }
}
