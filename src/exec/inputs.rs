//! The columns that work reads: found by name, checked, and cast where that loses nothing.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Schema};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Work;
use super::work::{FILE_COLUMN, PATH_COLUMN, VALIDATOR_COLUMN};
use crate::error::{Error, ErrorCode, Result};

/// A column that [`Work`] reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputColumn {
    name: String,
    data_type: Option<DataType>,
    optional: bool,
}

impl InputColumn {
    /// A column that must exist. Columns of another form of `data_type` (text in any encoding, whole
    /// numbers of any size, whole numbers for decimals) are cast to it; all others are refused.
    pub fn new(name: impl Into<String>, data_type: DataType) -> Self {
        Self { name: name.into(), data_type: Some(data_type), optional: false }
    }

    /// A column that must exist, of any type: the work gets it as it is.
    pub fn any(name: impl Into<String>) -> Self {
        Self { name: name.into(), data_type: None, optional: false }
    }

    /// The same column, which may be missing: the rows of the work then lack it too.
    #[must_use]
    pub fn optional(self) -> Self {
        Self { optional: true, ..self }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its type as far as the work asks for one.
    pub fn data_type(&self) -> Option<&DataType> {
        self.data_type.as_ref()
    }

    /// Whether a column of type `found` can be read as this one.
    fn takes(&self, found: &DataType) -> bool {
        self.data_type.as_ref().is_none_or(|wanted| {
            wanted.equals_datatype(found) || *found == DataType::Null || is_form_of(found, wanted)
        })
    }

    /// `column` in the type that the work asks for.
    fn cast(&self, column: &ArrayRef) -> Result<ArrayRef> {
        let Some(wanted) = self.data_type.as_ref().filter(|t| *t != column.data_type()) else {
            return Ok(Arc::clone(column));
        };
        // A value that does not fit is an error, not NULL.
        let options = CastOptions { safe: false, ..CastOptions::default() };
        cast_with_options(column, wanted, &options).map_err(|cause| {
            let (name, found) = (&self.name, column.data_type());
            let message = format!(
                "the column {name} is {found} and does not fit {wanted} ({cause}); cast it"
            );
            Error::new(ErrorCode::InputColumn, message).with_source(cause)
        })
    }
}

/// Whether values of type `found` are values of type `wanted` in another encoding or size.
fn is_form_of(found: &DataType, wanted: &DataType) -> bool {
    use DataType::{Binary, BinaryView, Dictionary, FixedSizeBinary, LargeBinary};
    use DataType::{Float16, Float32, Float64, LargeUtf8, Utf8, Utf8View};
    let is_text = |t: &DataType| matches!(t, Utf8 | LargeUtf8 | Utf8View);
    let is_bytes =
        |t: &DataType| matches!(t, Binary | LargeBinary | BinaryView | FixedSizeBinary(_));
    match (found, wanted) {
        (Dictionary(_, values), _) => values.as_ref() == wanted || is_form_of(values, wanted),
        (found, Float64) => found.is_integer() || matches!(found, Float16 | Float32),
        (found, wanted) => {
            (found.is_integer() && wanted.is_integer())
                || (is_text(found) && is_text(wanted))
                || (is_bytes(found) && is_bytes(wanted))
        }
    }
}

/// Checks that rows with the columns of `schema` have what `work` reads; `who` is its name in the message.
///
/// # Errors
/// `input.column`, with what is missing and what came.
pub(crate) fn check_inputs(who: &str, work: &dyn Work, schema: &Schema) -> Result<()> {
    for column in work.input_columns() {
        let name = column.name();
        let of_type = |t: &DataType| format!(" of type {t}");
        let wanted = column.data_type().map(of_type).unwrap_or_default();
        let wrong = match schema.column_with_name(name) {
            Some((_, field)) if column.takes(field.data_type()) => continue,
            None if column.optional => continue,
            Some((_, field)) => format!("in them it is {}; cast it", field.data_type()),
            None => format!("the rows have {}; rename one, or add it", names(schema)),
        };
        let message = format!("{who} needs a column {name}{wanted}; {wrong}");
        return Err(Error::new(ErrorCode::InputColumn, message));
    }
    Ok(())
}

fn names(schema: &Schema) -> String {
    let names: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
    if names.is_empty() { "no columns".to_owned() } else { names.join(", ") }
}

/// The columns of `rows` that `work` reads, in the order and types that it declares, then those of its
/// source.
///
/// # Errors
/// `input.column` if one is missing or of another type.
pub(crate) fn columns_read(work: &dyn Work, rows: &RecordBatch) -> Result<RecordBatch> {
    check_inputs(&format!("the work {}", work.name()), work, rows.schema_ref())?;
    let declared = work.input_columns();
    let source =
        [PATH_COLUMN, VALIDATOR_COLUMN, FILE_COLUMN].map(|name| InputColumn::any(name).optional());
    let is_declared = |column: &InputColumn| declared.iter().any(|d| d.name == column.name);
    let source = source.iter().filter(|column| !is_declared(column));
    let (mut fields, mut columns) = (vec![], vec![]);
    for column in declared.iter().chain(source) {
        let Some((at, field)) = rows.schema_ref().column_with_name(&column.name) else { continue };
        let values = column.cast(rows.column(at))?;
        let field = Field::new(field.name(), values.data_type().clone(), field.is_nullable())
            .with_metadata(field.metadata().clone());
        fields.push(field);
        columns.push(values);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options).map_err(
        |cause| {
            let message = format!("the columns of the rows do not fit together: {cause}");
            Error::new(ErrorCode::Internal, message).with_source(cause)
        },
    )
}

/// The column `name` of `rows` as an array of type `A`, for [`Work::run`]: a column that the work declares
/// with a type ([`InputColumn::new`]) has that type there.
///
/// ```
/// # use std::sync::Arc;
/// use arrow::array::{ArrayRef, RecordBatch, StringArray};
/// use clipflow::exec::column;
///
/// let texts: ArrayRef = Arc::new(StringArray::from(vec!["one", "two"]));
/// let rows = RecordBatch::try_from_iter([("text", texts)]).unwrap();
/// assert_eq!(column::<StringArray>(&rows, "text")?.value(1), "two");
/// assert!(column::<StringArray>(&rows, "title").is_err());
/// # Ok::<(), clipflow::Error>(())
/// ```
///
/// # Errors
/// `input.column` if there is no such column, or it is of another type.
pub fn column<'a, A: Array + 'static>(rows: &'a RecordBatch, name: &str) -> Result<&'a A> {
    let found = rows.column_by_name(name).ok_or_else(|| {
        let has = names(rows.schema_ref());
        let message =
            format!("there is no column {name}; the rows have {has}: add it to input_columns");
        Error::new(ErrorCode::InputColumn, message)
    })?;
    found.as_any().downcast_ref::<A>().ok_or_else(|| {
        let (is, asked) = (found.data_type(), std::any::type_name::<A>());
        let message = format!(
            "the column {name} is {is}, which is no {asked}; declare its type in input_columns"
        );
        Error::new(ErrorCode::InputColumn, message)
    })
}

/// Typed rows as columns of `fields`, for what [`Work::run`] returns: the fields of `T` are columns by name.
///
/// # Errors
/// `internal` if the rows do not fit the fields.
pub fn columns_of_rows<T: Serialize>(fields: &[Field], rows: &[T]) -> Result<Vec<ArrayRef>> {
    let fields: Vec<_> = fields.iter().cloned().map(Arc::new).collect();
    serde_arrow::to_arrow(&fields, rows).map_err(|cause| {
        let message = format!("the rows do not fit their columns ({cause}); correct output_fields");
        Error::new(ErrorCode::Internal, message).with_source(cause)
    })
}

/// The rows of a batch as values of `T`, whose fields are columns by name.
///
/// # Errors
/// `input.column` if a column is missing or does not fit its field.
pub fn rows_of_columns<T: DeserializeOwned>(rows: &RecordBatch) -> Result<Vec<T>> {
    serde_arrow::from_record_batch(rows).map_err(|cause| {
        let message =
            format!("the columns {} do not fit ({cause}); cast them", names(rows.schema_ref()));
        Error::new(ErrorCode::InputColumn, message).with_source(cause)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::cancel::CancelToken;
    use crate::exec::WorkEnv;
    use arrow::array::{
        AsArray, DictionaryArray, Float64Array, Int32Array, Int64Array, StringArray,
        StringViewArray,
    };
    use arrow::datatypes::{Int32Type, Int64Type};

    #[derive(Debug)]
    struct Sum(String);

    impl Work for Sum {
        fn name(&self) -> &str {
            &self.0
        }

        fn input_columns(&self) -> Vec<InputColumn> {
            vec![
                InputColumn::new("text", DataType::Utf8),
                InputColumn::new("n", DataType::Int64),
                InputColumn::new("more", DataType::Float64).optional(),
            ]
        }

        fn output_fields(&self) -> Vec<Field> {
            vec![]
        }

        fn run(&self, _: &RecordBatch, _: &WorkEnv, _: &CancelToken) -> Result<Vec<ArrayRef>> {
            Ok(vec![])
        }
    }

    fn rows(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
        RecordBatch::try_from_iter(columns).unwrap()
    }

    fn texts() -> ArrayRef {
        Arc::new(StringViewArray::from(vec!["a", "b"]))
    }

    fn read(columns: Vec<(&str, ArrayRef)>) -> Result<RecordBatch> {
        columns_read(&Sum("sum 7".to_owned()), &rows(columns))
    }

    #[test]
    fn columns_are_found_by_name_and_cast_to_the_declared_type() {
        let small: ArrayRef = Arc::new(Int32Array::from(vec![1, 2]));
        let other: ArrayRef = Arc::new(Float64Array::from(vec![0.5, 0.5]));
        let path = Arc::new(StringArray::from(vec!["/a", "/b"]));
        let read =
            read(vec![("x", other), ("n", small), (PATH_COLUMN, path), ("text", texts())]).unwrap();
        let schema = read.schema();
        let names: Vec<_> = schema.fields().iter().map(|f| f.name().as_str()).collect();
        assert_eq!(names, ["text", "n", PATH_COLUMN]);
        assert_eq!(column::<StringArray>(&read, "text").unwrap().value(0), "a");
        assert_eq!(read.column(1).as_primitive::<Int64Type>().values().to_vec(), [1, 2]);
    }

    #[test]
    fn a_dictionary_is_a_form_of_its_values() {
        let words: DictionaryArray<Int32Type> = ["a", "b"].into_iter().collect();
        let n: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
        let read = read(vec![("text", Arc::new(words)), ("n", n)]).unwrap();
        assert_eq!(column::<StringArray>(&read, "text").unwrap().value(1), "b");
    }

    #[test]
    fn an_error_says_what_is_missing_and_what_came() {
        let float = || Arc::new(Float64Array::from(vec![1.5, 2.5])) as ArrayRef;
        let n = || Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef;
        for (columns, sentence) in [
            (
                vec![("n", n()), ("title", texts())],
                "the work sum 7 needs a column text of type Utf8; the rows have n, title; rename one, or add it",
            ),
            (
                vec![("text", texts()), ("n", float())],
                "the work sum 7 needs a column n of type Int64; in them it is Float64; cast it",
            ),
            (
                vec![("text", texts()), ("n", n()), ("more", texts())],
                "the work sum 7 needs a column more of type Float64; in them it is Utf8View; cast it",
            ),
        ] {
            let error = read(columns).unwrap_err();
            assert_eq!((error.code(), error.message()), (ErrorCode::InputColumn, sentence));
        }
    }

    #[test]
    fn a_number_that_does_not_fit_is_not_made_null() {
        #[derive(Debug)]
        struct Small;
        impl Work for Small {
            fn name(&self) -> &str {
                "small"
            }
            fn input_columns(&self) -> Vec<InputColumn> {
                vec![InputColumn::new("n", DataType::Int32)]
            }
            fn output_fields(&self) -> Vec<Field> {
                vec![]
            }
            fn run(&self, _: &RecordBatch, _: &WorkEnv, _: &CancelToken) -> Result<Vec<ArrayRef>> {
                Ok(vec![])
            }
        }
        let big: ArrayRef = Arc::new(Int64Array::from(vec![1, i64::MAX]));
        let error = columns_read(&Small, &rows(vec![("n", big)])).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InputColumn);
        assert!(error.message().contains("the column n is Int64"), "{error}");
    }
}
