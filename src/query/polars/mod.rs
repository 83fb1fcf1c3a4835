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
mod exprs;
mod frames;
mod methods;

pub use analytics::{
    half_life, mean_metric, metric, performance, pooled_metric, reach_estimate, roll_up_events,
};
pub use crossing::{to_array, to_frame, to_record_batch, to_series};
pub use exprs::{
    clip_brief, clip_title, cues_in, difference_interval, hashtags, holm, json_text, keyphrases,
    make_variants, min_detectable_effect, no_candidate_message, reframe_path, same_language,
    select_clips, source_location, stable_id, thompson_split, two_proportion_z, validate_request,
    wilson, with_texts, without_signature,
};
pub use frames::{per_source, scan_dataset, scan_table};
pub use methods::{ClipflowExprs, ClipflowFrames};

use std::sync::Arc;

use polars::error::PolarsError;

use crate::error::{Error, ErrorCode};

/// A Polars error as the crate's: one that was ours comes back as it was, any other is
/// `query.invalid` with what Polars says.
pub fn polars_error(error: PolarsError) -> Error {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(current) = cause {
        let inner = current.downcast_ref::<std::io::Error>().and_then(|e| e.get_ref());
        if let Some(ours) = inner.and_then(|e| e.downcast_ref::<Error>()) {
            return Error::new(ours.code(), ours.message());
        }
        cause = current.source();
    }
    Error::new(ErrorCode::QueryInvalid, error.to_string()).with_source(error)
}

/// The crate's error inside Polars, which has no variant for the errors of others.
fn into_polars(error: Error) -> PolarsError {
    let msg = Some(error.message().to_owned().into());
    PolarsError::IO { error: Arc::new(std::io::Error::other(error)), msg }
}
