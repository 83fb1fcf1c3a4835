//! Clips, variants and what happened after posting, in a Polars job of your own.
//!
//! `cargo run --features polars --example polars [RESULTS]`

use clipflow::query::polars::{polars_error, scan_dataset};
use clipflow::{ClipflowExprs, ClipflowFrames};
use polars::prelude::*;

fn main() -> clipflow::Result<()> {
    let results = std::env::args().nth(1).unwrap_or_else(|| "demo/results".to_owned());
    let tables = scan_dataset(results.as_ref())?;

    // Expressions of clipflow are methods, among your own.
    let described = tables["clips"]
        .clone()
        .filter(col("transcript").is_not_null())
        .with_columns([
            col("transcript").clip_title(lit("en"), lit(40)),
            col("transcript").keyphrases(lit("en"), lit(2)).hashtags(lit("[\"drums\"]"), lit(3)),
        ])
        .sort(["score"], SortMultipleOptions::default().with_order_descending(true))
        .select([col("request_id"), col("score"), col("clip_title"), col("hashtags")])
        .limit(5);
    show("Titles and hashtags", described)?;

    // Rates of counts that you have.
    let posts = df!["post" => ["a", "b"], "views" => [1200i64, 80], "shares" => [36i64, 0],
        "views_3s" => [700i64, 20], "impressions" => [4000i64, 900]];
    let posts = posts.map_err(polars_error)?.lazy();
    show("Rates", posts.with_metrics(&["share_rate", "hook_rate"])?)?;

    // Metrics of raw events by columns of variants: a view and a like of each, to have some.
    let variants = tables["variants"].clone();
    let view = variants.clone().select([
        col("variant_id"),
        lit("view").alias("event"),
        lit("u1").alias("viewer_id"),
        lit(NULL).cast(DataType::Float64).alias("value"),
    ]);
    let like = view.clone().with_column(lit("like").alias("event"));
    let events = concat([view, like], UnionArgs::default()).map_err(polars_error)?;
    let by_layout =
        events.performance(Some(variants), &["engagement_rate", "audience_reach"], &["layout"])?;
    show("By layout", by_layout.sort(["layout"], SortMultipleOptions::default()))
}

fn show(title: &str, frame: LazyFrame) -> clipflow::Result<()> {
    // Polars blocks: in an async program this goes into `spawn_blocking`.
    frame.collect().map(|rows| println!("{title}\n{rows}")).map_err(polars_error)
}
