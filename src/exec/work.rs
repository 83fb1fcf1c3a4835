//! The contract between work on rows and the backends that run it.

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field};
use serde::{Deserialize, Serialize};

use super::InputColumn;
use crate::cancel::CancelToken;
use crate::error::{Error, ErrorCode, Result};
use crate::media::render::RenderScheduler;
use crate::media::{AnalyzeSettings, FaceSettings, MediaTools, RenderSettings, TranscribeSettings};
use crate::telemetry::ProcessLog;

/// The resource that a kind of work mostly waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WorkKind {
    /// The network or a disk.
    Io,
    /// Computation in this program, on many rows at once.
    Cpu,
    /// Media processes, one row at a time.
    Media,
}

/// Column with the local file of a row's source, for work that needs sources.
pub const PATH_COLUMN: &str = "clipflow: path";
/// Column with the validator of a row's source, for work that needs sources.
pub const VALIDATOR_COLUMN: &str = "clipflow: validator";
/// Column with device and inode of a row's local source, which no other file may replace.
pub(crate) const FILE_COLUMN: &str = "clipflow: file";

/// One kind of work on rows. It runs on a thread that may block.
pub trait Work: Debug + Send + Sync {
    /// Its name in plans, logs and counters, such as `analyze`. It may be made at run time.
    fn name(&self) -> &str;

    /// What it mostly waits for.
    fn kind(&self) -> WorkKind {
        WorkKind::Media
    }

    /// The columns it reads. Its rows have these alone, in this order and the types declared; rows without
    /// them are refused before the work starts. ([`column`](super::column) finds one by name.)
    fn input_columns(&self) -> Vec<InputColumn>;

    /// The columns it adds. All are nullable: in a failed row they are NULL.
    fn output_fields(&self) -> Vec<Field>;

    /// Whether it reads the source named in the column `location`: the source is then fetched first, and
    /// the rows also have the columns [`PATH_COLUMN`] and [`VALIDATOR_COLUMN`].
    fn needs_source(&self) -> bool {
        false
    }

    /// Whether its time is bounded by the size of its rows: pure computation that never waits. A few
    /// rows of such work may run on the calling thread, if that is faster than handing them over.
    fn is_bounded(&self) -> bool {
        false
    }

    /// How its results are cached; `None`: they are computed each time.
    fn cacheable(&self) -> Option<&dyn Cacheable> {
        None
    }

    /// Its description, from which another process can build it; `None` if that is not possible.
    fn spec(&self) -> Option<WorkSpec> {
        None
    }

    /// Runs on `rows` and returns one array as long as `rows` for each output field. Media work gets one
    /// row at a time, other work any number: the result for a row must not depend on other rows.
    ///
    /// # Errors
    /// A typed error that becomes the row's `error_code` and `error_message`. After an error on several
    /// rows, they are run again in halves to find the row at fault.
    fn run(&self, rows: &RecordBatch, env: &WorkEnv, cancel: &CancelToken)
    -> Result<Vec<ArrayRef>>;
}

/// Work whose results are cached by source, settings and programs.
pub trait Cacheable {
    /// The settings that the result depends on, as a text; `None` if they cannot be written as one, and
    /// then the result is not cached.
    fn cache_key(&self) -> Option<String>;

    /// What else of the row the result depends on, beside its source.
    fn row_key(&self, row: &RecordBatch) -> String {
        let _ = row;
        String::new()
    }

    /// Names, sizes and times of the files beside a local source (captions) that the result depends on.
    fn sidecar_state(&self, source: &Path) -> String {
        let _ = source;
        String::new()
    }

    /// Changes columns that were cached for a source with the same key to those of the source at
    /// `location` with `validator` and `sidecars`. The two differ only with a
    /// [`CacheKeyFn`](crate::cache::CacheKeyFn).
    fn adopt(
        &self,
        location: &str,
        validator: &str,
        sidecars: &str,
        cached: Vec<ArrayRef>,
    ) -> Vec<ArrayRef> {
        let _ = (location, validator, sidecars);
        cached
    }
}

/// The environment of work on the machine it runs on, in this process or in a worker.
#[derive(Debug, Clone)]
pub struct WorkEnv {
    /// ffmpeg and ffprobe; `None` where there is no media work.
    pub tools: Option<MediaTools>,
    /// Folder of rendered files.
    pub media_dir: PathBuf,
    /// Receives progress.
    pub progress: Arc<dyn Progress>,
    /// Render slots, shared by the rows that render.
    pub scheduler: RenderScheduler,
}

impl WorkEnv {
    /// For work that needs no media programs, writes no files and reports no progress.
    pub fn bare() -> Self {
        Self {
            tools: None,
            media_dir: PathBuf::new(),
            progress: Arc::new(NoProgress),
            scheduler: RenderScheduler::default(),
        }
    }

    /// The same for one row: its media processes are recorded in `processes`, its progress goes to `progress`.
    #[must_use]
    pub(super) fn for_row(&self, processes: &ProcessLog, progress: Arc<dyn Progress>) -> Self {
        let tools = self.tools.as_ref().map(|tools| tools.recorded_in(processes));
        Self { tools, progress, ..self.clone() }
    }

    /// The media programs.
    ///
    /// # Errors
    /// `setup.missing_program`.
    pub fn tools(&self) -> Result<&MediaTools> {
        self.tools.as_ref().ok_or_else(|| {
            Error::new(
                ErrorCode::SetupMissingProgram,
                "this runtime was made without ffmpeg; give it MediaTools",
            )
        })
    }
}

/// Receives the progress of work.
pub trait Progress: Debug + Send + Sync {
    /// `seconds` of video were processed in `stage`. Must not block.
    fn advanced(&self, stage: &str, seconds: f64);

    /// The row has about `seconds` of video to go through in `stage`. Must not block.
    fn expected(&self, stage: &str, seconds: f64) {
        let _ = (stage, seconds);
    }
}

/// Discards progress.
#[derive(Debug, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn advanced(&self, _: &str, _: f64) {}
}

/// Description of work that can be serialized and sent to another process or machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "work", rename_all = "snake_case")]
pub enum WorkSpec {
    /// Analyse a source.
    Analyze(AnalyzeSettings),
    /// Transcribe the speech of a source.
    Transcribe(TranscribeSettings),
    /// Follow the faces of a source.
    TrackFaces(FaceSettings),
    /// Render the clips of a source.
    Render(RenderSettings),
    /// Work that is registered by name: that of an embedding program (see
    /// [`register_work`](super::register_work)), and the kernels [`ValidateWork`](super::ValidateWork)
    /// and [`SelectWork`](super::SelectWork).
    Registered {
        /// The registered name.
        name: String,
        /// Settings for its builder.
        settings: serde_json::Value,
    },
}

impl WorkSpec {
    /// Registered work without settings.
    pub fn registered(name: impl Into<String>) -> Self {
        Self::Registered { name: name.into(), settings: serde_json::Value::Null }
    }
}

/// The names of [`outcome_fields`].
pub const OUTCOME_COLUMNS: [&str; 4] = ["error_code", "error_message", "attempts", "elapsed"];

/// The last columns of every row of media work: `error_code`, `error_message` (both NULL on success),
/// `attempts`, `elapsed` (seconds).
pub fn outcome_fields() -> Vec<Field> {
    let [code, message, attempts, elapsed] = OUTCOME_COLUMNS;
    vec![
        Field::new(code, DataType::Utf8, true),
        Field::new(message, DataType::Utf8, true),
        Field::new(attempts, DataType::Int64, false),
        Field::new(elapsed, DataType::Float64, false),
    ]
}
