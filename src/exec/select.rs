//! Selection as work: adds the candidates to a row with the tables of a source and the limits of a request.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, ListArray, RecordBatch};
use arrow::datatypes::{Field, Float64Type, Int64Type};

use super::validate::numbers;
use super::{InputColumn, Work, WorkEnv, WorkKind, WorkSpec};
use crate::cancel::CancelToken;
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::select::select_clips;
use crate::model::Candidate;
use crate::model::arrays::list_field;

/// The kernel [`select_clips`] as work: `candidates`, a list of [`Candidate`] structs.
#[derive(Debug)]
pub struct SelectWork;

impl SelectWork {
    /// Its registered name.
    pub const NAME: &str = "select";
}

impl Work for SelectWork {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn kind(&self) -> WorkKind {
        WorkKind::Cpu
    }

    fn input_columns(&self) -> Vec<InputColumn> {
        ["signals", "shots", "cues", "min_clip_length", "max_clip_length", "max_clips"]
            .map(InputColumn::any)
            .into()
    }

    fn output_fields(&self) -> Vec<Field> {
        vec![list_field("candidates", Candidate::data_type())]
    }

    fn is_bounded(&self) -> bool {
        true
    }

    fn spec(&self) -> Option<WorkSpec> {
        Some(WorkSpec::registered(Self::NAME))
    }

    fn run(&self, rows: &RecordBatch, _: &WorkEnv, _: &CancelToken) -> Result<Vec<ArrayRef>> {
        let [signals, shots, cues] = ["signals", "shots", "cues"].map(|name| list(rows, name));
        let required = |name: &str, column: Option<ArrayRef>| column.ok_or_else(|| no_column(name));
        let min = required("min_clip_length", numbers::<Float64Type>(rows, "min_clip_length")?)?;
        let max = required("max_clip_length", numbers::<Float64Type>(rows, "max_clip_length")?)?;
        let count = required("max_clips", numbers::<Int64Type>(rows, "max_clips")?)?;
        let candidates = select_clips(
            signals?,
            shots?,
            cues?,
            min.as_primitive(),
            max.as_primitive(),
            count.as_primitive(),
        )?;
        Ok(vec![Arc::new(candidates)])
    }
}

fn list<'a>(rows: &'a RecordBatch, name: &str) -> Result<&'a ListArray> {
    rows.column_by_name(name).and_then(|c| c.as_list_opt::<i32>()).ok_or_else(|| no_column(name))
}

fn no_column(name: &str) -> Error {
    Error::new(
        ErrorCode::InputColumn,
        format!("choosing clips needs the column {name} of an analysed source; join it"),
    )
}
