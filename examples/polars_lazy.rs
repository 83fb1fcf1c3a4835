//! A results dataset in Polars: the tables as `LazyFrame`s, and clips chosen anew, of another length,
//! without touching the videos.
//!
//! `cargo run --features polars --example polars_lazy [RESULTS]`

use clipflow::query::polars::{cues_in, per_source, polars_error, scan_dataset, select_clips};
use polars::prelude::*;

fn main() -> clipflow::Result<()> {
    let results = std::env::args().nth(1).unwrap_or_else(|| "demo/results".to_owned());
    let tables = scan_dataset(results.as_ref())?;
    let show = |title: &str, frame: LazyFrame| {
        // Polars blocks: in an async program this goes into `spawn_blocking`.
        frame.collect().map(|rows| println!("{title}\n{rows}")).map_err(polars_error)
    };

    let files = tables["clips"]
        .clone()
        .join(
            tables["renditions"].clone().select([col("clip_id"), col("uri"), col("frames")]),
            [col("clip_id")],
            [col("clip_id")],
            JoinArgs::new(JoinType::Inner),
        )
        .sort(["score"], SortMultipleOptions::default().with_order_descending(true))
        .select([
            col("request_id"),
            col("start"),
            col("end"),
            col("score"),
            col("frames"),
            col("uri"),
        ])
        .limit(5);
    show("The best clips and their files", files)?;

    let by_source = [col("source_id")];
    let mut sources =
        tables["sources"].clone().select([col("source_id"), col("location"), col("language")]);
    for table in ["signals", "shots", "cues"] {
        let lists = per_source(tables[table].clone(), table)?;
        sources = sources.join(lists, &by_source, &by_source, JoinArgs::new(JoinType::Left));
    }
    let windows = select_clips(
        col("signals"),
        col("shots"),
        cues_in(col("cues"), lit("en")),
        lit(3.0),
        lit(6.0),
        lit(4),
    );
    let each = ExplodeOptions { empty_as_null: false, keep_nulls: false };
    let short = sources
        .select([col("location"), windows])
        .explode(cols(["select_clips"]), each)
        .unnest(cols(["select_clips"]), None)
        .filter(col("chosen"))
        .select([col("location"), col("start"), col("end"), col("score"), col("strengths")]);
    show("What clips of 3 to 6 s would be", short)
}
