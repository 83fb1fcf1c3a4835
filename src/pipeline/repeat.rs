//! The requests that a run does: all rows of the request file, or those that failed and those whose source changed.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::prelude::SessionContext;
use futures::{StreamExt, stream};
use serde::Deserialize;

use super::RunConfig;
use super::session::RunSession;
use super::source_state::{VALIDATORS_AT_A_TIME, locations};
use super::statements::{self, Statements};
use crate::error::{Error, ErrorCode, Result};
use crate::exec::{sidecar_state, source_identity};
use crate::query::results::{register_dataset, register_view};
use crate::query::{self, query_error, sql};
use crate::store::{FileEntry, cannot_write};
use crate::telemetry::Event;

/// The rows that a run does.
pub(super) struct RepeatedRows {
    /// The table `checked` of those rows.
    pub(super) checked: FileEntry,
    /// Their number.
    pub(super) rows: u64,
    /// Rows of the request file that stay as earlier runs left them.
    pub(super) settled: u64,
}

/// Leave only the rows in the table `checked` of `session` that are new, that failed with one of the codes, or
/// whose source changed, as the settings of the run say. Without such settings all rows stay.
///
/// # Errors
/// `config.invalid` for an unknown code; `store.read` if the results are damaged.
pub(super) async fn narrow(session: &mut RunSession, checked: FileEntry) -> Result<RepeatedRows> {
    let config = &session.config;
    let all = checked.rows;
    if !config.is_repeat() || session.dataset.shards().is_empty() {
        return Ok(RepeatedRows { checked, rows: all, settled: 0 });
    }
    let ctx = query::session(&query::SessionOptions::default(), None)?;
    register_dataset(&ctx, &session.dataset).await?;
    statements::register(&ctx, "checked", &session.statements.file("checked")).await?;
    let tables = Statements { ctx, ..session.statements.clone() };
    register_failed(config, &tables).await?;
    match config.refresh {
        true => register_changed(session, &tables).await?,
        false => register_view(&tables.ctx, "changed", NO_REQUESTS).await?,
    }
    let frame = tables.query(sql::repeat::CHECKED).await?;
    let narrowed = session.statements.folder.join("checked-repeated.parquet");
    let entry = statements::write(frame, "checked", narrowed.clone()).await?;
    let target = session.statements.file("checked");
    std::fs::rename(&narrowed, &target).map_err(|e| cannot_write(&target, e))?;
    session.statements.register("checked").await?;
    let rows = entry.rows;
    Ok(RepeatedRows { checked: entry, rows, settled: all - rows })
}

const NO_REQUESTS: &str = "SELECT request_id FROM outcomes WHERE false";

/// The table `repeated`: requests that failed with one of the codes.
async fn register_failed(config: &RunConfig, tables: &Statements) -> Result<()> {
    let Some(codes) = &config.retry_failed else {
        return register_view(&tables.ctx, "repeated", NO_REQUESTS).await;
    };
    let named = expanded(codes)?;
    let batch = texts([("error_code", named.iter().map(|code| Some(code.as_str())).collect())])?;
    tables.ctx.register_batch("retried_codes", batch).map_err(query_error)?;
    let parameters = vec![("all_codes", codes.is_empty().into())];
    let failed = tables.query_with(sql::repeat::FAILED, parameters).await?;
    register(&tables.ctx, "repeated", failed.collect().await.map_err(query_error)?)
}

/// The table `changed`: requests whose source changed, or may have where that takes a fetch to know.
async fn register_changed(session: &RunSession, tables: &Statements) -> Result<()> {
    let work = session.config.analysis_work()?;
    let sources = locations(tables).await?;
    let ids: Vec<(String, Result<Option<String>>)> = stream::iter(sources)
        .map(|location| {
            let work = &work;
            async move {
                let id = match session.runtime.sources.validator(&location).await {
                    Ok(Some(validator)) => {
                        let sidecars = sidecar_state(work, &location).await;
                        let [_, validator] =
                            source_identity(&location, &validator, (&sidecars, None));
                        Ok(Some(validator))
                    }
                    other => other,
                };
                (location, id)
            }
        })
        .buffer_unordered(VALIDATORS_AT_A_TIME)
        .collect()
        .await;
    // An answer is not given up for a source that cannot be asked at this moment.
    let (known, unknown): (Vec<_>, Vec<_>) = ids.into_iter().partition(|(_, id)| id.is_ok());
    if let Some((location, Err(e))) = unknown.first() {
        let sentence = format!(
            "{} cannot be asked whether they changed (e.g. {}: {}); their requests stay as they are",
            super::amounts::plural(unknown.len() as u64, "source"),
            crate::location::redacted(location),
            e.code()
        );
        session.config.observer.event(&Event::Note { sentence: &sentence });
    }
    let locations = known.iter().map(|(location, _)| Some(location.as_str())).collect();
    let ids = known.iter().map(|(_, id)| id.as_ref().ok().and_then(|id| id.as_deref())).collect();
    let batch = texts([("location", locations), ("validator", ids)])?;
    tables.ctx.register_batch("current_sources", batch).map_err(query_error)?;
    let changed = tables.query(sql::repeat::CHANGED).await?;
    register(&tables.ctx, "changed", changed.collect().await.map_err(query_error)?)
}

/// Rows with the column `request_id` as the table `name`.
fn register(ctx: &SessionContext, name: &str, rows: Vec<RecordBatch>) -> Result<()> {
    #[derive(Deserialize)]
    struct Row {
        request_id: Option<String>,
    }
    let rows: Vec<Row> = query::rows::typed(&rows)?;
    let ids = rows.iter().map(|row| row.request_id.as_deref()).collect();
    ctx.register_batch(name, texts([("request_id", ids)])?).map(|_| ()).map_err(query_error)
}

/// Columns of texts as a batch.
fn texts<const N: usize>(columns: [(&str, Vec<Option<&str>>); N]) -> Result<RecordBatch> {
    let columns = columns.map(|(name, texts)| {
        let column: ArrayRef = Arc::new(StringArray::from(texts));
        (name, column, true)
    });
    RecordBatch::try_from_iter_with_nullable(columns).map_err(|e| query_error(e.into()))
}

/// The codes that `named` means: a code, or a group of codes by what stands before their dot.
///
/// # Errors
/// `config.invalid` if one means none.
pub(super) fn expanded(named: &[String]) -> Result<Vec<String>> {
    let mut codes = vec![];
    for name in named {
        let group = name.trim_end_matches(['*', '.']);
        let meant = ErrorCode::ALL.iter().map(|code| code.as_str()).filter(|code| {
            code == name || code.strip_prefix(group).is_some_and(|rest| rest.starts_with('.'))
        });
        let before = codes.len();
        codes.extend(meant.map(str::to_owned));
        if codes.len() == before {
            let what = format_args!(
                "names {name}, which is no error code or group of them; the codes of failed requests are in the view failures"
            );
            return Err(Error::setting("retry_failed", what));
        }
    }
    Ok(codes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn codes_and_groups_are_expanded() {
        let of = |name: &str| expanded(&[name.to_owned()]);
        assert_eq!(of("source.not_found").unwrap(), ["source.not_found"]);
        assert_eq!(of("timeout").unwrap(), ["timeout"]);
        for group in ["media", "media.", "media.*"] {
            let codes = of(group).unwrap();
            assert!(codes.len() >= 4 && codes.iter().all(|code| code.starts_with("media.")));
        }
        for wrong in ["source.gone", "sour", ""] {
            assert_eq!(of(wrong).unwrap_err().code(), ErrorCode::ConfigInvalid);
        }
    }
}
