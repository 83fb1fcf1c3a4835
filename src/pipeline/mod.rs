//! The flow from a request file to a results dataset.
//!
//! A run is a sequence of statements (`sql/run/*.sql`), each a DataFusion plan whose rows are written
//! to one Parquet file before the next statement reads them. Two of them contain media work
//! (`analyze_media`, `render_media`). At the end everything becomes visible in one commit.

mod caching;
mod checked;
mod commit;
mod config;
mod describe;
mod engine;
mod explain;
mod from_results;
mod merge;
mod notes;
mod posts;
mod publish;
mod render_chosen;
mod requests;
mod run;
mod steps;
mod summary;
mod tidy;
mod validate;

pub use crate::kernels::variants::MAX_VARIANTS;
pub use caching::{RESUME_FOLDER, cache, cache_place};
pub use config::{RunConfig, VariantSettings};
pub use engine::Engine;
pub use explain::{Cost, Explanation, explain};
pub use from_results::plan_variants;
pub use posts::{DEFAULT_POST_NAME, POSTS_FOLDER, Posts, check_post_name, write_posts};
pub use render_chosen::{RenderChosen, Rendered, render_chosen};
pub use run::{Answers, run, run_and_collect};
pub use summary::RunSummary;
pub(crate) use summary::plural;
pub use validate::{Validated, validate};
