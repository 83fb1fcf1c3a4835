//! The table `face_lists`: the faces of each source as a list.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;

use crate::error::Result;
use crate::model::Face;
use crate::model::arrays::list_field;
use crate::query::results::register_view;
use crate::query::{query_error, sql};

/// Name of the table.
const FACE_LISTS: &str = "face_lists";

/// Register `face_lists` over the table `tracked`.
pub(super) async fn with_detector(ctx: &SessionContext) -> Result<()> {
    register_view(ctx, FACE_LISTS, "SELECT source_id, faces FROM tracked WHERE error_code IS NULL")
        .await
}

/// Register `face_lists` over results that exist.
pub(super) async fn from_results(ctx: &SessionContext) -> Result<()> {
    register_view(ctx, FACE_LISTS, &sql::face_lists()).await
}

/// Register `face_lists` without any.
pub(super) fn without_detector(ctx: &SessionContext) -> Result<()> {
    let source = Field::new("source_id", DataType::Utf8, true);
    let schema = Arc::new(Schema::new(vec![source, list_field("faces", Face::data_type())]));
    let empty = MemTable::try_new(schema, vec![vec![]]).map_err(query_error)?;
    ctx.deregister_table(FACE_LISTS).map_err(query_error)?;
    ctx.register_table(FACE_LISTS, Arc::new(empty)).map(|_| ()).map_err(query_error)
}
