//! The kernels in a DataFusion session of your own: validation and ids in your SQL, and a results
//! dataset beside your tables.
//!
//! `cargo run --example own_session [RESULTS]`

use std::path::Path;

use clipflow::query::{query_error, register_functions, results::register_dataset};
use clipflow::store::Dataset;
use datafusion::prelude::SessionContext;

#[tokio::main]
async fn main() -> clipflow::Result<()> {
    let results = std::env::args().nth(1).unwrap_or_else(|| "demo/results".to_owned());
    let ctx = SessionContext::new();
    register_functions(&ctx, Path::new("."));
    let mine = "
        WITH wishes(url, longest) AS (VALUES ('talk.mp4', 30), ('talk.mp4', 5), (NULL, 30))
        SELECT url, longest, v['error_code'] AS error_code, v['error_message'] AS error_message
        FROM (SELECT url, longest, validate_request(url, 'en', 15, longest, 3) AS v FROM wishes)";
    ctx.sql(mine).await.map_err(query_error)?.show().await.map_err(query_error)?;

    register_dataset(&ctx, &Dataset::open(Path::new(&results))?).await?;
    let joined = "
        SELECT o.status, count(*) AS requests, sum(o.clips) AS clips
        FROM outcomes o GROUP BY o.status ORDER BY o.status";
    ctx.sql(joined).await.map_err(query_error)?.show().await.map_err(query_error)
}
