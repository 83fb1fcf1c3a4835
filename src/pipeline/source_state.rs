//! The sources of a run, and what tells whether each has changed.

use std::sync::Arc;

use futures::{StreamExt, stream};
use serde::Deserialize;

use super::statements::Statements;
use crate::error::Result;
use crate::exec::{MediaRuntime, Work, sidecar_state};

/// Sources asked at a time whether they have changed.
pub(super) const VALIDATORS_AT_A_TIME: usize = 128;

/// What tells whether each of the sources has changed, in order.
pub(super) async fn validators(
    analyze: &Arc<dyn Work>,
    runtime: &MediaRuntime,
    locations: Vec<String>,
) -> impl Iterator<Item = String> {
    let mut validators: Vec<(usize, String)> = stream::iter(locations.into_iter().enumerate())
        .map(|(number, location)| async move {
            let part = match runtime.sources.validator(&location).await {
                Ok(Some(validator)) => validator + &sidecar_state(analyze, &location).await,
                // It takes a fetch to know: never the same as before.
                Ok(None) => format!("{:?}", std::time::SystemTime::now()),
                Err(e) => e.code().as_str().to_owned(),
            };
            (number, part)
        })
        // In any order: one slow host does not hold up the others.
        .buffer_unordered(VALIDATORS_AT_A_TIME)
        .collect()
        .await;
    validators.sort_unstable();
    validators.into_iter().map(|(_, part)| part)
}

/// The distinct sources of the valid requests, in order.
pub(super) async fn locations(statements: &Statements) -> Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Source {
        location: String,
    }
    let query = "SELECT DISTINCT location FROM checked WHERE error_code IS NULL ORDER BY location";
    let sources: Vec<Source> = statements.rows(query).await?;
    Ok(sources.into_iter().map(|source| source.location).collect())
}
