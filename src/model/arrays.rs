//! Typed rows as Arrow arrays.

use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, FieldRef};
use serde::Serialize;

use crate::error::{Error, ErrorCode, Result};

/// A nullable list column of structs.
pub(crate) fn list_field(name: &str, item: DataType) -> Field {
    Field::new_list(name, item_field(item), true)
}

fn item_field(item: DataType) -> FieldRef {
    Arc::new(Field::new_list_field(item, true))
}

/// Typed rows as a struct array.
pub(crate) fn structs<T: Serialize>(fields: &[Field], rows: &[T]) -> Result<StructArray> {
    let refs: Vec<FieldRef> = fields.iter().cloned().map(Arc::new).collect();
    let columns = serde_arrow::to_arrow(&refs, rows).map_err(|e| {
        Error::new(ErrorCode::Internal, format!("rows do not fit their table: {e}")).with_source(e)
    })?;
    StructArray::try_new_with_length(refs.into(), columns, None, rows.len())
        .map_err(|e| Error::new(ErrorCode::Internal, format!("rows do not fit their table: {e}")))
}

/// Typed rows as one list of structs.
pub(crate) fn list_of<T: Serialize>(fields: &[Field], rows: &[T]) -> Result<ArrayRef> {
    let items = structs(fields, rows)?;
    let offsets = OffsetBuffer::from_lengths([rows.len()]);
    let item = item_field(DataType::Struct(fields.to_vec().into()));
    let list = ListArray::try_new(item, offsets, Arc::new(items), None).map_err(|e| {
        Error::new(ErrorCode::Internal, format!("rows do not fit their table: {e}"))
    })?;
    Ok(Arc::new(list))
}
