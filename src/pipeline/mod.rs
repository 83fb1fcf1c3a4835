//! The flow from a request file to a results dataset.
//!
//! A run is a sequence of statements (`sql/run/*.sql`), each a DataFusion plan whose rows are written
//! to one Parquet file before the next statement reads them. Two of them contain media work
//! (`analyze_media`, `render_media`). At the end everything becomes visible in one commit.

mod again;
mod caching;
mod checked;
mod commit;
mod config;
mod describe;
mod embed;
mod engine;
mod experiment;
mod explain;
mod import_events;
mod merge;
mod notes;
mod performance;
mod publish;
mod render_chosen;
mod requests;
mod run;
mod score;
mod steps;
mod summary;
mod tidy;
mod train;
mod train_selection;
mod trials;
mod validate;

pub use crate::kernels::variants::MAX_VARIANTS;
pub use again::plan_variants;
pub use caching::{RESUME_FOLDER, cache, cache_place};
pub use config::{RunConfig, VariantSettings};
pub use embed::{register_all, register_all_with};
pub use engine::Engine;
pub use experiment::{ExperimentQuery, Experiments, experiment, register_experiment};
pub use explain::{Cost, Explanation, explain};
pub use import_events::{Export, ImportOptions, Imported, import_events};
pub use performance::{
    Performance, PerformanceQuery, performance, plan_performance, register_events,
    register_performance,
};
pub use render_chosen::{RenderChosen, Rendered, render_chosen};
pub use run::{Answers, run, run_and_collect};
pub use score::score;
pub use summary::RunSummary;
pub use train::{TrainQuery, Trained, train};
pub use train_selection::{TrainedWeights, train_selection, train_selection_in};
pub use validate::{Validated, validate};
