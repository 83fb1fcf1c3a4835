//! The flow from requests to a results dataset.
//!
//! A run is a sequence of statements (`sql/run/*.sql`), each a DataFusion plan whose rows are written
//! to one Parquet file before the next statement reads them. Two of them contain media work
//! (`analyze_media`, `render_media`). At the end everything becomes visible in one commit.

mod advice;
mod amounts;
mod analysis_cache;
mod changed_settings;
mod cluster;
mod commit;
mod config;
#[cfg(feature = "cli")]
mod debug_bundle;
mod describe;
mod engine;
mod explain;
mod face_lists;
mod faces;
mod failure_budget;
mod forget;
mod frame_times;
mod from_results;
mod held_sources;
mod hints;
mod made;
mod merge;
mod monitor;
mod normalize;
mod posts;
mod publish;
mod remains;
mod render_selected;
mod repeat;
mod requests;
mod run;
mod session;
mod sound_tracks;
mod source_state;
mod statements;
mod stats;
mod summary;
mod transcribe;
mod upkeep;
mod validate;
mod validate_requests;
mod variant_settings;

pub use crate::kernels::variants::MAX_VARIANTS;
#[cfg(feature = "cli")]
pub(crate) use amounts::{clock, plural};
pub use analysis_cache::{RESUME_FOLDER, cache, cache_place};
pub use config::RunConfig;
#[cfg(feature = "cli")]
pub use debug_bundle::{DebugBundle, debug_bundle};
pub use engine::Engine;
pub use explain::{Cost, Explanation, StepPlan, explain};
pub use failure_budget::MaxFailures;
pub use forget::{Forgotten, LeftOver, forget};
pub use from_results::plan_variants;
pub(crate) use monitor::check_datadog;
pub use posts::{DEFAULT_POST_NAME, POSTS_FOLDER, Posts, check_post_name, write_posts};
pub use render_selected::{RenderChosen, Rendered, render_chosen};
pub use requests::Requests;
pub use run::{RunRows, run, run_and_collect};
pub use statements::AnalyzedStep;
pub use summary::{Failures, RunSummary};
pub use upkeep::{
    CheckedResults, Collected, Compacted, Finding, FsckOptions, Garbage, GarbageKind,
    collect_garbage, compact, fsck,
};
pub use validate::{Validated, validate};
pub use variant_settings::VariantSettings;
