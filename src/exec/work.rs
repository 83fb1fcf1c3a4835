//! The contract between a row of media work and whoever runs it.

use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field};
use serde::{Deserialize, Serialize};

use super::{AnalyzeWork, MediaRuntime, RenderWork};
use crate::error::Result;
use crate::media::{AnalyzeSettings, CancelToken, RenderSettings};

/// One kind of slow work on a row. Runs on a blocking thread; the row comes as a batch of one row.
pub trait Work: Debug + Send + Sync {
    /// `analyze`, `render`: for plans, logs and counters.
    fn name(&self) -> &'static str;

    /// The input columns it reads.
    fn input_columns(&self) -> &'static [&'static str];

    /// The columns it adds; all nullable, since a failed row has none of them.
    fn output_fields(&self) -> Vec<Field>;

    /// Do it: one array of length 1 per output field.
    ///
    /// # Errors
    /// A typed error that becomes the row's `error_code` and `error_message`.
    fn run(
        &self,
        row: &RecordBatch,
        runtime: &MediaRuntime,
        cancel: &CancelToken,
    ) -> Result<Vec<ArrayRef>>;
}

/// What to do, in a form that can be written down and sent to another machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "work", rename_all = "snake_case")]
pub enum WorkSpec {
    /// Analyse a source.
    Analyze(AnalyzeSettings),
    /// Render the clips of a source.
    Render(RenderSettings),
}

impl WorkSpec {
    /// The work this asks for.
    pub fn build(&self) -> Arc<dyn Work> {
        match self {
            Self::Analyze(settings) => Arc::new(AnalyzeWork::new(settings.clone())),
            Self::Render(settings) => Arc::new(RenderWork::new(settings.clone())),
        }
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
