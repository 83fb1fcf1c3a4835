//! Polars: the results as `LazyFrame`s, the kernels as expressions.
//!
//! ```no_run
//! use clipflow::query::polars::{scan_dataset, polars_error};
//! use polars::prelude::*;
//!
//! # fn main() -> clipflow::Result<()> {
//! let tables = scan_dataset("results".as_ref())?;
//! let best = tables["clips"].clone().filter(col("score").gt(lit(0.6)));
//! println!("{}", best.collect().map_err(polars_error)?);
//! # Ok(())
//! # }
//! ```
//!
//! Polars blocks its thread: inside an async program call `collect` in `tokio::task::spawn_blocking`.

mod analytics;
mod crossing;
mod errors;
mod exprs;
mod frames;
mod methods;

pub use analytics::{
    half_life, mean_metric, metric, performance, pooled_metric, reach_estimate, roll_up_events,
};
pub use crossing::{to_array, to_frame, to_record_batch, to_series};
pub use errors::polars_error;
pub use exprs::{
    clip_brief, clip_title, cues_in, difference_interval, hashtags, holm, json_text, keyphrases,
    make_variants, make_variants_with, min_detectable_effect, no_candidate_message, reframe_path,
    same_language, select_clips, select_clips_with, source_location, stable_id, thompson_split,
    two_proportion_z, validate_request, wilson, with_texts, without_signature,
};
pub use frames::{per_source, scan_dataset, scan_table};
pub use methods::{ClipflowExprs, ClipflowFrames};
