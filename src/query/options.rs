//! How a session is set up.

use std::collections::BTreeMap;

use crate::config::ParallelConfig;
use crate::exec::WorkSpec;
use crate::kernels::score::ScoreModels;
use crate::kernels::select::Weights;
use crate::location::Location;
use crate::media::{AnalyzeSettings, RenderSettings};

/// How a session is set up.
#[derive(Debug, Clone)]
pub struct SessionOptions {
    /// The settings of the batch: memory for queries, and what `SHOW clipflow.…` shows.
    pub parallel: ParallelConfig,
    /// Memory of queries in bytes; `None`: the part of `parallel.memory_limit_gb` that they have beside
    /// media work.
    pub memory_bytes: Option<usize>,
    /// Partitions (threads) of a query; 0 for one per core.
    pub partitions: usize,
    /// Rows of a batch. Default 8192; rows that hold a whole source want few.
    pub batch_size: usize,
    /// Where relative paths in `source_location`, `shots('…')` and `clips('…')` start from; `clipflow.base`.
    pub base: Location,
    /// Folders, buckets and prefixes that table functions such as `cues('talk.mp4')` may read from; `None`: any place
    /// that the process can read.
    pub roots: Option<Vec<Location>>,
    /// What `analyze_media`, `shots('…')` and `signals('…')` do.
    pub analyze: AnalyzeSettings,
    /// What `render_media` does.
    pub render: RenderSettings,
    /// Further relations over media by name (in lower case), such as `my_work_media`. An entry for
    /// `analyze_media` or `render_media` replaces the built-in work.
    pub media_relations: BTreeMap<String, WorkSpec>,
    /// The models that `make_variants` scores with where a call names none; `None`: the built-in ones.
    /// `clipflow.model`.
    pub models: Option<ScoreModels>,
    /// The weights that `select_clips` scores windows with where a call names none; `None`: the default ones.
    /// `clipflow.weights`.
    pub weights: Option<Weights>,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            parallel: ParallelConfig::default(),
            memory_bytes: None,
            partitions: 0,
            batch_size: 8192,
            base: Location::from("."),
            roots: None,
            analyze: AnalyzeSettings::default(),
            render: RenderSettings::default(),
            media_relations: BTreeMap::new(),
            models: None,
            weights: None,
        }
    }
}
