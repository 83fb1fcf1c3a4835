//! The one crossing between Polars and Arrow, by the Arrow C data interface.
//!
//! Numbers, booleans, dates and times cross without a copy; text is copied (Polars keeps views).
//! Polars has no nullability and no narrow list or text types, so columns come back in the *plain*
//! types below, and an expected schema is applied to them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, make_array, new_empty_array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi, to_ffi};
use polars::prelude::{Column, CompatLevel, DataFrame, PlSmallStr, Series};
use polars_arrow::array::Array as PolarsArray;
use polars_arrow::datatypes::Field as PolarsField;
use polars_arrow::ffi;

use super::errors::polars_error;
use crate::error::{Error, ErrorCode, Result};
use crate::query::conform::conform;

/// Batches of one schema as a frame, one chunk per batch.
///
/// # Errors
/// `input.column` if a column has a type that Polars does not hold (the column and type are named)
/// or a batch another schema.
pub fn to_frame(schema: &Schema, batches: &[RecordBatch]) -> Result<DataFrame> {
    let column = |(i, field): (usize, &Arc<Field>)| {
        let chunk = |batch: &RecordBatch| match batch.columns().get(i) {
            Some(c) if c.data_type() == field.data_type() => Ok(Arc::clone(c)),
            _ => Err(refused(format!(
                "the batches differ in the column {}; give batches of one schema",
                field.name()
            ))),
        };
        let mut chunks = batches.iter().map(chunk).collect::<Result<Vec<_>>>()?;
        if chunks.is_empty() {
            chunks.push(new_empty_array(field.data_type()));
        }
        to_series(field.name(), &chunks).map(Column::from)
    };
    let columns = schema.fields().iter().enumerate().map(column).collect::<Result<Vec<_>>>()?;
    let rows = batches.iter().map(RecordBatch::num_rows).sum();
    DataFrame::new(rows, columns).map_err(polars_error)
}

/// A frame as one batch, in the columns, types and nullability of `schema`, or, without one, in
/// plain types, all nullable.
///
/// Plain is `Utf8`, `Binary` and `List` for whatever Polars calls text, bytes and lists. The columns
/// are found by name; others than those of `schema` are left out.
///
/// # Errors
/// `input.column` if a column is missing, has a type that Arrow cannot be given, does not fit the
/// schema's, or holds a NULL where none may be.
pub fn to_record_batch(frame: &DataFrame, schema: Option<&SchemaRef>) -> Result<RecordBatch> {
    let (mut fields, mut columns) = (vec![], vec![]);
    for column in frame.columns() {
        let name = column.name().as_str();
        if schema.is_some_and(|s| s.column_with_name(name).is_none()) {
            continue;
        }
        let array = to_array(column.as_materialized_series())?;
        fields.push(Field::new(name, array.data_type().clone(), true));
        columns.push(array);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(frame.height()));
    let plain = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options);
    let plain =
        plain.map_err(|e| refused(format!("the frame makes no batch: {e}")).with_source(e))?;
    match schema {
        None => Ok(plain),
        Some(schema) => conform(&plain, schema).map_err(|e| refused(e.message()).with_source(e)),
    }
}

/// Arrays of one type as a series, one chunk per array; at least one.
///
/// # Errors
/// `input.column` as [`to_frame`], and without an array.
pub fn to_series(name: &str, chunks: &[ArrayRef]) -> Result<Series> {
    let first = chunks
        .first()
        .ok_or_else(|| refused(format!("the column {name} has no array to tell its type")))?;
    let target = plain(first.data_type()).ok_or_else(|| {
        refused(format!(
            "the column {name} is {}, which Polars does not hold here; cast it first",
            first.data_type()
        ))
    })?;
    let import = |chunk: &ArrayRef| import(&cast(chunk, &target).map_err(|e| mismatch(name, e))?);
    let chunks = chunks.iter().map(import).collect::<Result<Vec<_>>>()?;
    Series::try_from((PlSmallStr::from(name), chunks)).map_err(polars_error)
}

/// A series as one array of a plain type.
///
/// # Errors
/// `input.column` if Arrow cannot be given the type, or an array of lists or text would be too large
/// for 32-bit offsets.
pub fn to_array(series: &Series) -> Result<ArrayRef> {
    let name = series.name();
    // The oldest level has 64-bit offsets instead of views: a text of 2 GiB is an error below, not a panic.
    let array = export(name, series.rechunk().to_arrow(0, CompatLevel::oldest()))?;
    let target = plain(array.data_type()).ok_or_else(|| {
        refused(format!(
            "the column {name} is {} in Polars, which cannot cross to Arrow here; cast it first",
            series.dtype()
        ))
    })?;
    cast(&array, &target).map_err(|e| mismatch(name, e))
}

/// The type in which a column of Arrow type `of` crosses, all nullable, or `None` if it does not.
///
/// Narrow integers are widened and dictionaries filled in, which this build of Polars lacks; seconds become
/// milliseconds.
pub(super) fn plain(of: &DataType) -> Option<DataType> {
    let item =
        |field: &Field| Some(Arc::new(Field::new_list_field(plain(field.data_type())?, true)));
    Some(match of {
        DataType::Int8 | DataType::Int16 => DataType::Int32,
        DataType::Dictionary(_, values) => plain(values)?,
        DataType::FixedSizeList(field, _) => DataType::List(item(field)?),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => DataType::Binary,
        DataType::List(field) | DataType::LargeList(field) => DataType::List(item(field)?),
        DataType::Struct(fields) if !fields.is_empty() => {
            let fields =
                fields.iter().map(|f| Some(Field::new(f.name(), plain(f.data_type())?, true)));
            DataType::Struct(fields.collect::<Option<Vec<_>>>()?.into())
        }
        DataType::Date64 => DataType::Timestamp(TimeUnit::Millisecond, None),
        DataType::Timestamp(TimeUnit::Second, zone) => {
            DataType::Timestamp(TimeUnit::Millisecond, zone.clone())
        }
        DataType::Duration(TimeUnit::Second) => DataType::Duration(TimeUnit::Millisecond),
        DataType::Null
        | DataType::Boolean
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64
        | DataType::Float32
        | DataType::Float64
        | DataType::Date32
        | DataType::Timestamp(_, _)
        | DataType::Duration(_) => of.clone(),
        _ => return None,
    })
}

/// Whether Polars itself reads a column of Arrow type `of` from a file as what [`plain`] says.
pub(super) fn is_native(of: &DataType) -> bool {
    match of {
        DataType::List(field) | DataType::LargeList(field) => is_native(field.data_type()),
        DataType::Struct(fields) => {
            !fields.is_empty() && fields.iter().all(|f| is_native(f.data_type()))
        }
        DataType::LargeUtf8 | DataType::Utf8View | DataType::LargeBinary | DataType::BinaryView => {
            true
        }
        other => plain(other).as_ref() == Some(other),
    }
}

/// An Arrow array handed to Polars.
fn import(array: &dyn Array) -> Result<Box<dyn PolarsArray>> {
    let (array, schema) = to_ffi(&array.to_data()).map_err(|e| crossing_failed(&e))?;
    // SAFETY: both crates declare the structs ArrowArray and ArrowSchema of the C data interface, with
    // `repr(C)` and the fields of its specification in its order, so the bits mean the same. `transmute`
    // moves: the release callback is called once, by the struct that comes out.
    let (array, schema) = unsafe {
        (
            std::mem::transmute::<FFI_ArrowArray, ffi::ArrowArray>(array),
            std::mem::transmute::<FFI_ArrowSchema, ffi::ArrowSchema>(schema),
        )
    };
    // SAFETY: arrow has just exported the two together, so they are valid and belong to each other.
    let imported = unsafe {
        ffi::import_field_from_c(&schema)
            .and_then(|field| ffi::import_array_from_c(array, field.dtype))
    };
    imported.map_err(polars_error)
}

/// A Polars array handed to Arrow.
fn export(name: &str, array: Box<dyn PolarsArray>) -> Result<ArrayRef> {
    let field = PolarsField::new(name.into(), array.dtype().clone(), true);
    let (array, schema) = (ffi::export_array_to_c(array), ffi::export_field_to_c(&field));
    // SAFETY: as in `import`, the other way.
    let (mut array, schema) = unsafe {
        (
            std::mem::transmute::<ffi::ArrowArray, FFI_ArrowArray>(array),
            std::mem::transmute::<ffi::ArrowSchema, FFI_ArrowSchema>(schema),
        )
    };
    // SAFETY: Polars has just exported the two together, so they are valid and belong to each other.
    let data = unsafe {
        drop_buffers_of_nulls(&mut array, &schema);
        from_ffi(array, &schema)
    };
    data.map(make_array).map_err(|e| crossing_failed(&e))
}

/// An array of type Null has no buffers. Polars declares one that is a null pointer, as old readers
/// wanted; arrow refuses it.
///
/// # Safety
/// `array` is valid by the C data interface, and `schema` is its schema.
unsafe fn drop_buffers_of_nulls(array: &mut FFI_ArrowArray, schema: &FFI_ArrowSchema) {
    if schema.format() == "n" {
        array.n_buffers = 0;
    }
    for (i, child_schema) in schema.children().enumerate() {
        // SAFETY: a valid array owns as many children as its schema has, each valid, and no other
        // owner. The count is only what readers see: the release callback has its own record.
        unsafe { drop_buffers_of_nulls(&mut **array.children.add(i), child_schema) };
    }
}

fn mismatch(name: &str, cause: ArrowError) -> Error {
    refused(format!("the column {name} cannot cross between Arrow and Polars: {cause}"))
        .with_source(cause)
}

fn refused(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::InputColumn, message)
}

fn crossing_failed(cause: &ArrowError) -> Error {
    Error::new(
        ErrorCode::Internal,
        format!("the C data interface between Arrow and Polars failed: {cause}"),
    )
}
