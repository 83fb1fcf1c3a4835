//! The contract between work on rows and whoever runs it.

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field};
use serde::{Deserialize, Serialize};

use super::{AnalyzeWork, RenderWork, SelectWork, ValidateWork, registry};
use crate::cancel::CancelToken;
use crate::error::{Error, ErrorCode, Result};
use crate::media::render::Turns;
use crate::media::{AnalyzeSettings, MediaTools, RenderSettings};

/// What a piece of work mostly waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WorkKind {
    /// The network or a disk.
    Io,
    /// This program's own computation, on many rows at once.
    Cpu,
    /// Media processes; a row at a time.
    Media,
}

/// The column with the file of a row's source, for work that needs it.
pub const PATH_COLUMN: &str = "clipflow: path";
/// The column with the validator of a row's source, for work that needs it.
pub const VALIDATOR_COLUMN: &str = "clipflow: validator";

/// One kind of work on rows. Runs on a thread that may block.
pub trait Work: Debug + Send + Sync {
    /// `analyze`, `render`: for plans, logs and counters.
    fn name(&self) -> &'static str;

    /// What it waits for.
    fn kind(&self) -> WorkKind {
        WorkKind::Media
    }

    /// The input columns it reads.
    fn input_columns(&self) -> &'static [&'static str];

    /// The columns it adds; all nullable, since a failed row has none of them.
    fn output_fields(&self) -> Vec<Field>;

    /// Whether the source named in the column `location` must be at hand as a file: the rows then
    /// also have the columns [`PATH_COLUMN`] and [`VALIDATOR_COLUMN`].
    fn needs_source(&self) -> bool {
        false
    }

    /// Whether its time is bounded by the size of its rows: pure computation that cannot wait. A few
    /// rows of such work may be run where they are asked for, if that is shorter than handing them
    /// to a thread.
    fn is_bounded(&self) -> bool {
        false
    }

    /// What the result depends on beside the content of the source, if it may be kept for other
    /// runs; `None` if it must be done each time.
    fn cache_key(&self) -> Option<String> {
        None
    }

    /// What the result depends on that lies beside a local source (captions): names, sizes, times.
    fn beside(&self, source: &Path) -> String {
        let _ = source;
        String::new()
    }

    /// Columns that were kept for a source with the same cache key, as those of a source at
    /// `location` with `validator` and what lies [`beside`](Work::beside) it. The two differ only
    /// where somebody chose keys of their own.
    fn adopt(
        &self,
        location: &str,
        validator: &str,
        beside: &str,
        kept: Vec<ArrayRef>,
    ) -> Vec<ArrayRef> {
        let _ = (location, validator, beside);
        kept
    }

    /// The same work in a form that another process can build; `None` if it cannot.
    fn spec(&self) -> Option<WorkSpec> {
        None
    }

    /// Do it: for each output field one array as long as `rows`. Media work gets one row at a time,
    /// other work any number: what a row gets must not depend on the rows beside it.
    ///
    /// # Errors
    /// A typed error that becomes the row's `error_code` and `error_message`; an error on several
    /// rows at once is looked for row by row.
    fn run(&self, rows: &RecordBatch, env: &WorkEnv, cancel: &CancelToken)
    -> Result<Vec<ArrayRef>>;
}

/// What work finds on the machine it runs on, in this process or in a worker.
#[derive(Debug, Clone)]
pub struct WorkEnv {
    /// ffmpeg and ffprobe; `None` where no media work is done.
    pub tools: Option<MediaTools>,
    /// Folder rendered files go to.
    pub media_dir: PathBuf,
    /// Who is told how far it is.
    pub progress: Arc<dyn Progress>,
    /// Rows that render share these.
    pub turns: Turns,
}

impl WorkEnv {
    /// For work that needs no media programs, writes no files and tells nobody.
    pub fn bare() -> Self {
        Self {
            tools: None,
            media_dir: PathBuf::new(),
            progress: Arc::new(NoProgress),
            turns: Turns::default(),
        }
    }

    /// The media programs.
    ///
    /// # Errors
    /// `setup.missing_program`.
    pub fn tools(&self) -> Result<&MediaTools> {
        self.tools.as_ref().ok_or_else(|| {
            Error::new(
                ErrorCode::MissingProgram,
                "this runtime was made without ffmpeg; give it MediaTools",
            )
        })
    }
}

/// Somebody who is told how far work is.
pub trait Progress: Debug + Send + Sync {
    /// A row went through `seconds` of video. Must not block.
    fn advanced(&self, stage: &'static str, seconds: f64);
}

/// Nobody.
#[derive(Debug, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn advanced(&self, _: &'static str, _: f64) {}
}

/// What to do, in a form that can be written down and sent to another process or machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "work", rename_all = "snake_case")]
pub enum WorkSpec {
    /// Analyse a source.
    Analyze(AnalyzeSettings),
    /// Render the clips of a source.
    Render(RenderSettings),
    /// Check requests.
    Validate,
    /// Choose windows of analysed sources.
    Select,
    /// Work of the embedding program, see [`register_work`](super::register_work).
    Registered {
        /// The name it was registered under.
        name: String,
        /// What its builder gets.
        settings: serde_json::Value,
    },
}

impl WorkSpec {
    /// The work this asks for.
    ///
    /// # Errors
    /// `config.invalid` if work of that name is not registered in this process, else what its builder
    /// says.
    pub fn build(&self) -> Result<Arc<dyn Work>> {
        Ok(match self {
            Self::Analyze(settings) => Arc::new(AnalyzeWork::new(settings.clone())),
            Self::Render(settings) => Arc::new(RenderWork::new(settings.clone())),
            Self::Validate => Arc::new(ValidateWork),
            Self::Select => Arc::new(SelectWork),
            Self::Registered { name, settings } => registry::build(name, settings)?,
        })
    }
}

/// The names of [`outcome_fields`].
pub const OUTCOME_COLUMNS: [&str; 4] = ["error_code", "error_message", "attempts", "elapsed"];

/// The columns every row of media work ends with: `error_code`, `error_message` (both NULL when all
/// went well), `attempts`, `elapsed` (seconds).
pub fn outcome_fields() -> Vec<Field> {
    let [code, message, attempts, elapsed] = OUTCOME_COLUMNS;
    vec![
        Field::new(code, DataType::Utf8, true),
        Field::new(message, DataType::Utf8, true),
        Field::new(attempts, DataType::Int64, false),
        Field::new(elapsed, DataType::Float64, false),
    ]
}
