//! Clips, variants and what happened after posting, in a DataFusion job of your own.
//!
//! `cargo run --example datafusion [RESULTS [EVENTS]]`

use clipflow::query::query_error;
use datafusion::prelude::SessionContext;

#[tokio::main]
async fn main() -> clipflow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let results = arguments.next().unwrap_or_else(|| "demo/results".to_owned());

    // A session as your job has it, with tables of yours.
    let ctx = SessionContext::new();
    let budgets = "CREATE TABLE budgets AS SELECT * FROM (VALUES ('spring', 40), ('launch', 90)) AS t(campaign, euros)";
    ctx.sql(budgets).await.map_err(query_error)?;

    clipflow::register_all(&ctx)?;

    // Tables of a results dataset, in a folder or a bucket, beside your own.
    show(
        &ctx,
        &format!(
            "SELECT b.campaign, b.euros, count(*) AS clips, round(sum(c.duration), 1) AS seconds,
                max(clip_title(c.transcript, 'en', 40)) AS a_title
            FROM clips('{results}') c
            JOIN outcomes('{results}') o ON o.request_id = c.request_id
            JOIN budgets b ON b.campaign = o.campaign
            GROUP BY b.campaign, b.euros ORDER BY b.campaign"
        ),
    )
    .await?;

    // Why the best window lost, if it did.
    show(
        &ctx,
        &format!("SELECT request_id, rank, round(score, 3) AS score, chosen, reason FROM why('{results}') WHERE rank <= 2 ORDER BY request_id, rank"),
    )
    .await?;

    // Metrics of events: here of the table that your job reads them from. Those of a file, by columns of the
    // variants: performance('events.parquet', 'engagement_rate', 'platform,layout', 'results').
    match arguments.next() {
        Some(events) => {
            let asked = format!(
                "SELECT * EXCEPT (definitions) FROM performance('{events}', 'hook_rate,engagement_rate,audience_reach', 'platform')"
            );
            show(&ctx, &asked).await
        }
        None => {
            let events = "SELECT 'v' || value % 2 AS variant_id, CASE value % 3 WHEN 0 THEN 'like' ELSE 'view' END AS event,
                value % 7 AS viewer_id FROM generate_series(1, 60)";
            let asked = format!(
                "SELECT variant_id, views, likes, audience_reach, engagement_rate(likes, comments, shares, saves, views) AS engagement_rate FROM rollup_events(({events})) ORDER BY variant_id"
            );
            show(&ctx, &asked).await
        }
    }
}

async fn show(ctx: &SessionContext, query: &str) -> clipflow::Result<()> {
    ctx.sql(query).await.map_err(query_error)?.show().await.map_err(query_error)
}
