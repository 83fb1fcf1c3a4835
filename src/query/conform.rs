//! Casts rows of a query to the schema of a table.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::{Field, Schema, SchemaRef};

use crate::error::{Error, ErrorCode, Result};
use crate::model::table::Table;

/// The schema in which a query's rows are written as `table`: its known columns, then the other columns
/// of the query if the table carries them.
///
/// # Errors
/// `internal` if the query lacks a column of the table.
pub fn schema_for(table: &Table, query: &Schema) -> Result<SchemaRef> {
    let known = table.schema();
    for field in known.fields() {
        if query.column_with_name(field.name()).is_none() {
            return Err(Error::new(
                ErrorCode::Internal,
                format!(
                    "the statement that makes {} lacks its column {}",
                    table.name,
                    field.name()
                ),
            ));
        }
    }
    let mut fields: Vec<Field> = known.fields().iter().map(|f| f.as_ref().clone()).collect();
    if table.carries_extra {
        let extra = query.fields().iter().filter(|f| known.column_with_name(f.name()).is_none());
        fields.extend(extra.map(|f| f.as_ref().clone().with_nullable(true)));
    }
    Ok(Arc::new(Schema::new(fields)))
}

/// `batch` with the columns of `schema`, by name, cast where the type differs.
///
/// # Errors
/// `internal` if a column is missing, cannot be cast or holds a NULL although it is not nullable.
pub fn conform(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let fault = |e: arrow::error::ArrowError| {
        Error::new(ErrorCode::Internal, format!("rows do not fit their table: {e}")).with_source(e)
    };
    let columns = schema.fields().iter().map(|field| {
        let column = batch.column_by_name(field.name()).ok_or_else(|| {
            Error::new(ErrorCode::Internal, format!("rows lack the column {}", field.name()))
        })?;
        cast(column, field.data_type()).map_err(fault)
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options).map_err(fault)
}
