//! Analyse a source: one row with its `location` becomes its facts, signals, shots and cues.

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray, RecordBatch, StringArray, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, FieldRef};
use serde::Serialize;

use super::row::text_at;
use super::work::{PATH_COLUMN, VALIDATOR_COLUMN};
use super::{Work, WorkEnv, WorkSpec};
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::ids::stable_id;
use crate::media::{self, AnalyzeSettings, CancelToken};
use crate::model::{Cue, Shot, Signal, SourceInfo};

/// See the module.
#[derive(Debug)]
pub struct AnalyzeWork {
    settings: AnalyzeSettings,
}

impl AnalyzeWork {
    /// Analysis with these settings.
    pub fn new(settings: AnalyzeSettings) -> Self {
        Self { settings }
    }
}

impl Work for AnalyzeWork {
    fn name(&self) -> &'static str {
        "analyze"
    }

    fn input_columns(&self) -> &'static [&'static str] {
        &["location"]
    }

    fn output_fields(&self) -> Vec<Field> {
        vec![
            Field::new("source_id", DataType::Utf8, true),
            Field::new("validator", DataType::Utf8, true),
            Field::new("info", SourceInfo::data_type(), true),
            list_field("signals", Signal::data_type()),
            list_field("shots", Shot::data_type()),
            list_field("cues", Cue::data_type()),
        ]
    }

    fn needs_source(&self) -> bool {
        true
    }

    fn cache_key(&self) -> Option<String> {
        serde_json::to_string(&self.settings).ok()
    }

    fn beside(&self, source: &Path) -> String {
        media::analyze::sidecar_state(source)
    }

    fn adopt(
        &self,
        location: &str,
        validator: &str,
        beside: &str,
        kept: Vec<ArrayRef>,
    ) -> Vec<ArrayRef> {
        identity(location, validator, beside).into_iter().chain(kept.into_iter().skip(2)).collect()
    }

    fn spec(&self) -> Option<WorkSpec> {
        Some(WorkSpec::Analyze(self.settings.clone()))
    }

    fn run(&self, row: &RecordBatch, env: &WorkEnv, cancel: &CancelToken) -> Result<Vec<ArrayRef>> {
        let [location, path, validator] = ["location", PATH_COLUMN, VALIDATOR_COLUMN]
            .map(|c| text_at(row, c).unwrap_or_default());
        let beside = self.beside(Path::new(&path));
        let done = Cell::new(0.0);
        let progress =
            |seconds: f64| env.progress.advanced("analyze", seconds - done.replace(seconds));
        let analysis =
            media::analyze(env.tools()?, Path::new(&path), &self.settings, cancel, &progress)?;
        let [source_id, validator] = identity(&location, &validator, &beside);
        Ok(vec![
            source_id,
            validator,
            Arc::new(structs(&SourceInfo::fields(), &[analysis.info])?),
            list_of(&Signal::fields(), &analysis.signals)?,
            list_of(&Shot::fields(), &analysis.shots)?,
            list_of(&Cue::fields(), &analysis.cues)?,
        ])
    }
}

/// The first two columns. A source with other captions beside it is another source.
fn identity(location: &str, validator: &str, beside: &str) -> [ArrayRef; 2] {
    let validator = match beside {
        "" => validator.to_owned(),
        captions => format!("{validator}+{}", stable_id([Some(captions)])),
    };
    let source_id = stable_id([Some(location), Some(&validator)]);
    [source_id, validator].map(|text| Arc::new(StringArray::from(vec![text])) as ArrayRef)
}

/// A nullable list column of structs.
pub(super) fn list_field(name: &str, item: DataType) -> Field {
    Field::new_list(name, item_field(item), true)
}

fn item_field(item: DataType) -> FieldRef {
    Arc::new(Field::new_list_field(item, true))
}

/// Typed rows as a struct array.
pub(super) fn structs<T: Serialize>(fields: &[Field], rows: &[T]) -> Result<StructArray> {
    let refs: Vec<FieldRef> = fields.iter().cloned().map(Arc::new).collect();
    let columns = serde_arrow::to_arrow(&refs, rows).map_err(|e| {
        Error::new(ErrorCode::Internal, format!("rows do not fit their table: {e}")).with_source(e)
    })?;
    StructArray::try_new_with_length(refs.into(), columns, None, rows.len())
        .map_err(|e| Error::new(ErrorCode::Internal, format!("rows do not fit their table: {e}")))
}

/// Typed rows as one list of structs.
pub(crate) fn list_of<T: Serialize>(fields: &[Field], rows: &[T]) -> Result<ArrayRef> {
    let items = structs(fields, rows)?;
    let offsets = OffsetBuffer::from_lengths([rows.len()]);
    let item = item_field(DataType::Struct(fields.to_vec().into()));
    let list = ListArray::try_new(item, offsets, Arc::new(items), None).map_err(|e| {
        Error::new(ErrorCode::Internal, format!("rows do not fit their table: {e}"))
    })?;
    Ok(Arc::new(list))
}
