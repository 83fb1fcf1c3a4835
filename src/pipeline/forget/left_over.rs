//! Requests that stand in the results and no longer in the file that they came from.

use std::fmt;

use datafusion::common::ScalarValue;
use datafusion::prelude::SessionContext;
use serde::Deserialize;

use super::super::session::RunSession;
use super::super::statements;
use super::options;
use crate::error::Result;
use crate::model::table::TABLES;
use crate::query::results::{register_store, register_table};
use crate::query::rows::rows;
use crate::query::{query_error, session, sql};

/// Requests of earlier runs of the same request file whose rows have changed or gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOver {
    /// How many.
    pub requests: u64,
    /// Their clips in the results.
    pub clips: u64,
    /// One of them: its id and its source.
    pub example: String,
}

impl fmt::Display for LeftOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (are, their) = if self.requests == 1 { ("is", "its") } else { ("are", "their") };
        write!(
            f,
            "{} of earlier runs {are} not in the request file any more (e.g. {}), with {their} {}",
            super::plural(self.requests, "request"),
            self.example,
            super::plural(self.clips, "clip"),
        )
    }
}

/// The same, with the ids.
#[derive(Debug)]
pub(in crate::pipeline) struct LeftOverRequests {
    pub(in crate::pipeline) ids: Vec<String>,
    /// Their request file.
    pub(in crate::pipeline) file: String,
    pub(in crate::pipeline) told: LeftOver,
}

#[derive(Debug, Deserialize)]
struct Row {
    request_id: String,
    source_url: Option<String>,
    clips: u64,
}

/// Those of the results of a session as they were at its start, if there are any.
///
/// # Errors
/// `store.read` if the results are damaged.
pub(in crate::pipeline) async fn find(session: &RunSession) -> Result<Option<LeftOverRequests>> {
    let parameters = &session.statements.parameters;
    let file = parameters.iter().find(|(name, _)| *name == "request_file").map(|(_, value)| value);
    let Some(ScalarValue::Utf8(Some(file))) = file else { return Ok(None) };
    if session.dataset.shards().is_empty() {
        return Ok(None);
    }
    let found = look(session, file).await?;
    let Some(first) = found.first() else { return Ok(None) };
    let source = first.source_url.as_deref().unwrap_or("no source");
    let told = LeftOver {
        requests: found.len() as u64,
        clips: found.iter().map(|request| request.clips).sum(),
        example: format!("{} of {source}", first.request_id),
    };
    let ids = found.into_iter().map(|request| request.request_id).collect();
    Ok(Some(LeftOverRequests { ids, file: file.clone(), told }))
}

async fn look(run: &RunSession, file: &str) -> Result<Vec<Row>> {
    let ctx: SessionContext = session(&options(&run.config), None)?;
    register_store(&ctx.runtime_env(), &run.root);
    for table in TABLES.iter().filter(|table| ["requests", "clips"].contains(&table.name)) {
        register_table(&ctx, &run.dataset, table).await?;
    }
    statements::register(&ctx, "checked", &run.statements.file("checked")).await?;
    let frame = ctx.sql(sql::forget::LEFT_OVER).await.map_err(query_error)?;
    let frame = frame
        .with_param_values(vec![("request_file", ScalarValue::from(file))])
        .map_err(query_error)?;
    rows(frame).await
}
