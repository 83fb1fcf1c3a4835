//! Whether the rows of results fit together: keys, and references between tables.

use std::collections::HashSet;

use datafusion::prelude::SessionContext;
use serde::Deserialize;

use super::Finding;
use crate::error::Result;
use crate::model::table::{TABLES, Table};
use crate::query::query_error;
use crate::query::rows::row;

/// A column whose values are rows of another table.
struct Reference {
    table: &'static str,
    column: &'static str,
    to: &'static str,
}

const fn reference(table: &'static str, column: &'static str, to: &'static str) -> Reference {
    Reference { table, column, to }
}

const REFERENCES: [Reference; 13] = [
    reference("outcomes", "source_id", "sources"),
    reference("signals", "source_id", "sources"),
    reference("shots", "source_id", "sources"),
    reference("cues", "source_id", "sources"),
    reference("faces", "source_id", "sources"),
    reference("candidates", "request_id", "requests"),
    reference("clips", "request_id", "outcomes"),
    reference("clips", "source_id", "sources"),
    reference("variants", "request_id", "outcomes"),
    reference("variants", "clip_id", "clips"),
    reference("renditions", "request_id", "outcomes"),
    reference("renditions", "clip_id", "clips"),
    reference("renditions", "variant_id", "variants"),
];

/// Rows of one request that do not say the same, by table. A second row of an id that is taken has an outcome of its
/// own.
const REQUESTS: [(&str, &str, &str); 3] = [
    (
        "outcomes",
        "have the outcome of another row of their request too",
        "SELECT request_id AS id FROM outcomes WHERE error_code IS DISTINCT FROM 'invalid_request.duplicate_id'
         GROUP BY request_id HAVING count(*) > 1",
    ),
    (
        "requests",
        "have more or fewer rows here than outcomes",
        "SELECT coalesce(r.request_id, o.request_id) AS id
         FROM (SELECT request_id, count(*) AS n FROM requests GROUP BY request_id) r
         FULL JOIN (SELECT request_id, count(*) AS n FROM outcomes GROUP BY request_id) o ON o.request_id = r.request_id
         WHERE r.n IS DISTINCT FROM o.n",
    ),
    (
        "clips",
        "have more or fewer clips than their outcome says",
        "SELECT o.request_id AS id
         FROM (SELECT request_id, max(clips) AS n FROM outcomes GROUP BY request_id) o
         LEFT JOIN (SELECT request_id, count(*) AS n FROM clips GROUP BY request_id) c ON c.request_id = o.request_id
         WHERE o.n <> coalesce(c.n, 0)",
    ),
];

/// What is wrong with the rows of the dataset in `ctx`, of tables whose files are whole. `damaged`: those that are
/// not.
pub(super) async fn check_rows(
    ctx: &SessionContext,
    damaged: &HashSet<&str>,
) -> Result<Vec<Finding>> {
    let is_whole = |table: &str| !damaged.contains(table);
    let mut found = vec![];
    for table in TABLES.iter().filter(|table| is_whole(table.name)) {
        // Those of requests and outcomes are below.
        if !["requests", "outcomes"].contains(&table.name) {
            found.extend(check_key(ctx, table).await?);
        }
    }
    for Reference { table, column, to } in REFERENCES {
        if is_whole(table) && is_whole(to) {
            let query = format!(
                "SELECT c.id FROM (SELECT DISTINCT {column} AS id FROM {table} WHERE {column} IS NOT NULL) c
                 LEFT ANTI JOIN {to} p ON p.{column} = c.id"
            );
            let problem = format!("{column} that {to} does not have");
            found.extend(check(ctx, "reference.broken", table, &query, &problem).await?);
        }
    }
    if ["requests", "outcomes", "clips"].into_iter().all(is_whole) {
        for (table, problem, query) in REQUESTS {
            let problem = format!("request_id that {problem}");
            found.extend(check(ctx, "request.inconsistent", table, query, &problem).await?);
        }
    }
    Ok(found)
}

async fn check_key(ctx: &SessionContext, table: &Table) -> Result<Option<Finding>> {
    let key = table.key.join(", ");
    let Some(first) = table.key.first() else { return Ok(None) };
    let query = format!(
        "SELECT CAST({first} AS VARCHAR) AS id FROM {} GROUP BY {key} HAVING count(*) > 1",
        table.name
    );
    check(ctx, "key.twice", table.name, &query, &format!("{key} that stand in several rows")).await
}

/// The finding that `query` has rows.
async fn check(
    ctx: &SessionContext,
    code: &'static str,
    table: &str,
    query: &str,
    problem: &str,
) -> Result<Option<Finding>> {
    #[derive(Deserialize)]
    struct Found {
        count: u64,
        example: Option<String>,
    }
    let counted = format!("SELECT count(*) AS count, min(id) AS example FROM ({query}) f");
    let frame = ctx.sql(&counted).await.map_err(query_error)?;
    let Found { count, example } = match row(frame).await {
        Ok(found) => found,
        Err(e) => {
            let sentence = format!(
                "rows cannot be read ({}); check the content of the files (without --fast)",
                e.message()
            );
            return Ok(Some(Finding::wrong("table.damaged", table, sentence)));
        }
    };
    if count == 0 {
        return Ok(None);
    }
    let example = example.unwrap_or_default();
    let sentence = format!(
        "{count} × {problem}, e.g. {example}; run the requests concerned into these results again, which replaces their rows"
    );
    Ok(Some(Finding::wrong(code, table, sentence)))
}
