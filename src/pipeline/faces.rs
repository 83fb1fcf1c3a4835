//! The faces in the chosen clips, by which windows are framed.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;
use serde::Deserialize;

use super::amounts::plural;
use super::session::RunSession;
use crate::error::Result;
use crate::model::Face;
use crate::model::arrays::list_field;
use crate::query::query_error;
use crate::query::results::register_view;
use crate::query::sql;
use crate::telemetry::Event;

/// Make the table `face_lists`: the faces of each source in its chosen clips; empty without a detector, or where no
/// variants are asked for. A source in which they cannot be looked for is told of, and has none.
///
/// # Errors
/// Those of the statements.
pub(super) async fn run(session: &mut RunSession) -> Result<()> {
    #[derive(Deserialize)]
    struct Count {
        sources: u64,
    }
    if session.config.faces()?.is_none() || session.config.variants.count == 0 {
        return without_detector(&session.statements.ctx);
    }
    let counted = "SELECT count(DISTINCT source_id) AS sources FROM selected";
    let Count { sources } = session.statements.row(counted).await?;
    session.media_stage("track_faces", &sql::TRACKED, sources).await?;
    tell_failures(session).await?;
    with_detector(&session.statements.ctx).await
}

/// Register `face_lists` over the table `tracked`.
pub(super) async fn with_detector(ctx: &SessionContext) -> Result<()> {
    register_view(ctx, FACE_LISTS, "SELECT source_id, faces FROM tracked WHERE error_code IS NULL")
        .await
}

/// Register `face_lists` over results that exist.
pub(super) async fn from_results(ctx: &SessionContext) -> Result<()> {
    let lists = "SELECT source_id, faces FROM source_lists WHERE faces IS NOT NULL";
    register_view(ctx, FACE_LISTS, lists).await
}

/// Register `face_lists` without any.
pub(super) fn without_detector(ctx: &SessionContext) -> Result<()> {
    let source = Field::new("source_id", DataType::Utf8, true);
    let schema = Arc::new(Schema::new(vec![source, list_field("faces", Face::data_type())]));
    let empty = MemTable::try_new(schema, vec![vec![]]).map_err(query_error)?;
    ctx.deregister_table(FACE_LISTS).map_err(query_error)?;
    ctx.register_table(FACE_LISTS, Arc::new(empty)).map(|_| ()).map_err(query_error)
}

const FACE_LISTS: &str = "face_lists";

/// Tell the observer of sources in which no faces could be looked for.
async fn tell_failures(session: &RunSession) -> Result<()> {
    #[derive(Deserialize)]
    struct Failure {
        location: String,
        error_message: Option<String>,
    }
    let failed = "SELECT location, error_message FROM tracked WHERE error_code IS NOT NULL ORDER BY location";
    let failures: Vec<Failure> = session.statements.rows(failed).await?;
    let Some(Failure { location, error_message }) = failures.first() else { return Ok(()) };
    let which = match failures.len() {
        1 => format!("of {location}"),
        n => format!("of {}, e.g. {location},", plural(n as u64, "source")),
    };
    let cause = error_message.as_deref().unwrap_or("an unknown error");
    let sentence = format!(
        "the faces {which} could not be looked for ({cause}); windows follow what draws the eye there"
    );
    session.config.observer.event(&Event::Note { sentence: &sentence });
    Ok(())
}
