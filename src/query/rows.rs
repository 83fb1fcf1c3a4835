//! Rows of queries as typed values, by name of the column.

use arrow::array::{ArrayRef, AsArray, Float64Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use datafusion::prelude::DataFrame;
use serde::de::DeserializeOwned;

use super::query_error;
use crate::error::{Error, ErrorCode, Result};

/// All rows of a query as values of `T`, whose fields are columns by name.
///
/// # Errors
/// Of the query; `internal` if a column is missing or does not fit its field.
pub(crate) async fn rows<T: DeserializeOwned>(frame: DataFrame) -> Result<Vec<T>> {
    typed(&frame.collect().await.map_err(query_error)?)
}

/// The one row of a query that aggregates everything.
///
/// # Errors
/// As [`rows`]; `internal` if there is no row.
pub(crate) async fn row<T: DeserializeOwned>(frame: DataFrame) -> Result<T> {
    let missing = || Error::new(ErrorCode::Internal, "a query that aggregates gave no row");
    rows(frame).await?.into_iter().next().ok_or_else(missing)
}

/// Batches as values of `T`, whose fields are columns by name.
///
/// # Errors
/// `internal` if a column is missing or does not fit its field.
pub(crate) fn typed<T: DeserializeOwned>(batches: &[RecordBatch]) -> Result<Vec<T>> {
    deserialized(batches).map_err(|e| {
        Error::new(ErrorCode::Internal, format!("rows cannot be read: {e}")).with_source(e)
    })
}

/// As [`typed`], for rows of a results dataset, whose files another program may have written.
///
/// # Errors
/// `store.read` if a column is missing or does not fit its field.
pub(crate) fn stored<T: DeserializeOwned>(batches: &[RecordBatch]) -> Result<Vec<T>> {
    deserialized(batches).map_err(|e| {
        Error::new(ErrorCode::StoreRead, format!("the results cannot be read ({e})")).with_source(e)
    })
}

fn deserialized<T: DeserializeOwned>(batches: &[RecordBatch]) -> serde_arrow::Result<Vec<T>> {
    let mut all = vec![];
    for batch in batches {
        let rows: Vec<T> = serde_arrow::from_record_batch(batch)?;
        all.extend(rows);
    }
    Ok(all)
}

/// The column `name` as text.
///
/// # Errors
/// `internal` if it is missing, `input.column` if it is no text.
pub(crate) fn text_column(batch: &RecordBatch, name: &str) -> Result<StringArray> {
    Ok(column(batch, name, &DataType::Utf8)?.as_string::<i32>().clone())
}

/// The column `name` as numbers.
///
/// # Errors
/// `internal` if it is missing, `input.column` if it holds no numbers.
pub(crate) fn number_column(batch: &RecordBatch, name: &str) -> Result<Float64Array> {
    Ok(column(batch, name, &DataType::Float64)?.as_primitive::<Float64Type>().clone())
}

fn column(batch: &RecordBatch, name: &str, to: &DataType) -> Result<ArrayRef> {
    let missing = || Error::new(ErrorCode::Internal, format!("rows lack the column {name}"));
    let column = batch.column_by_name(name).ok_or_else(missing)?;
    cast(column, to).map_err(|e| {
        Error::new(ErrorCode::InputColumn, format!("the column {name} cannot be read as {to}: {e}"))
            .with_source(e)
    })
}
