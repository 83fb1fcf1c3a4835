//! Faces as work: adds the faces of spans to a row with the `location` of a source.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float64Type};

use super::row::{text_at, tools_for};
use super::work::PATH_COLUMN;
use super::{Cacheable, InputColumn, Work, WorkEnv, WorkSpec};
use crate::cancel::CancelToken;
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::ids::stable_id;
use crate::media::{self, FaceDetector, FaceQuery, FaceSettings};
use crate::model::Face;
use crate::model::arrays::{list_field, list_of};

/// Name of the work and of its stage.
const NAME: &str = "track_faces";

/// Follows faces in sources.
#[derive(Debug)]
pub struct TrackFacesWork {
    settings: FaceSettings,
    detector: OnceLock<Arc<dyn FaceDetector>>,
}

impl TrackFacesWork {
    /// Faces by the detector of these settings.
    pub fn new(settings: FaceSettings) -> Self {
        Self { settings, detector: OnceLock::new() }
    }

    /// Faces by this detector, in this process alone.
    pub fn with_detector(settings: FaceSettings, detector: Arc<dyn FaceDetector>) -> Self {
        Self { settings, detector: OnceLock::from(detector) }
    }

    fn detector(&self) -> Result<&Arc<dyn FaceDetector>> {
        if let Some(detector) = self.detector.get() {
            return Ok(detector);
        }
        let detector = self.settings.detector()?;
        Ok(self.detector.get_or_init(|| detector))
    }
}

impl Work for TrackFacesWork {
    fn name(&self) -> &'static str {
        NAME
    }

    fn input_columns(&self) -> Vec<InputColumn> {
        let optional = ["spans", "signals", "shots"].map(|name| InputColumn::any(name).optional());
        [InputColumn::any("location")].into_iter().chain(optional).collect()
    }

    fn output_fields(&self) -> Vec<Field> {
        vec![Field::new("face_model", DataType::Utf8, true), list_field("faces", Face::data_type())]
    }

    fn needs_source(&self) -> bool {
        true
    }

    fn cacheable(&self) -> Option<&dyn Cacheable> {
        Some(self)
    }

    fn spec(&self) -> Option<WorkSpec> {
        Some(WorkSpec::TrackFaces(self.settings.clone()))
    }

    fn run(&self, row: &RecordBatch, env: &WorkEnv, cancel: &CancelToken) -> Result<Vec<ArrayRef>> {
        let path = text_at(row, PATH_COLUMN).unwrap_or_default();
        let query = query(row)?;
        let detector = self.detector()?;
        if let Some(spans) = &query.spans {
            let seconds = spans.iter().map(|(start, end)| end - start).sum();
            env.progress.expected(NAME, seconds);
        }
        let progress = |seconds: f64| env.progress.advanced(NAME, seconds);
        let faces = media::track_faces(
            (&tools_for(row, env)?, &self.settings.limits),
            Path::new(&path),
            detector,
            &query,
            cancel,
            &progress,
        )?;
        Ok(vec![
            Arc::new(StringArray::from(vec![detector.identity()])),
            list_of(&Face::fields(), &faces)?,
        ])
    }
}

impl Cacheable for TrackFacesWork {
    fn cache_key(&self) -> Option<String> {
        let FaceSettings { identity, limits, .. } = &self.settings;
        serde_json::to_string(&(identity, limits)).ok()
    }

    fn row_key(&self, row: &RecordBatch) -> String {
        let query = query(row).map(|query| format!("{query:?}")).unwrap_or_default();
        stable_id([Some(query.as_str())])
    }
}

/// What a row says of its source: where faces are looked for, its shots, its voices.
fn query(row: &RecordBatch) -> Result<FaceQuery> {
    let spans = pairs(row, "spans", ("start", "end"))?;
    let shots = pairs(row, "shots", ("start", "start"))?.unwrap_or_default();
    let voice = pairs(row, "signals", ("t", "speech"))?.unwrap_or_default();
    Ok(FaceQuery {
        spans,
        shot_starts: shots.into_iter().map(|(start, _)| start).collect(),
        voice: voice.into_iter().filter(|(_, speech)| speech.is_finite()).collect(),
    })
}

/// Two fields of the structs in a list column, NaN where they are NULL; `None` without the column, or where it is NULL.
fn pairs(row: &RecordBatch, list: &str, names: (&str, &str)) -> Result<Option<Vec<(f64, f64)>>> {
    let Some(column) = row.column_by_name(list) else { return Ok(None) };
    let Some(lists) = column.as_list_opt::<i32>() else {
        return match column.data_type() {
            DataType::Null => Ok(None),
            _ => Err(no_field(list, names.0)),
        };
    };
    if lists.is_null(0) {
        return Ok(None);
    }
    let items = lists.value(0);
    let numbers = |name: &str| -> Result<Float64Array> {
        let structs = items.as_struct_opt();
        let field = structs.and_then(|structs| structs.column_by_name(name));
        let field = field.ok_or_else(|| no_field(list, name))?;
        let numbers = cast(field, &DataType::Float64).map_err(|_| no_field(list, name))?;
        Ok(numbers.as_primitive::<Float64Type>().clone())
    };
    let (first, second) = (numbers(names.0)?, numbers(names.1)?);
    let at = |column: &Float64Array, i: usize| match column.is_valid(i) {
        true => column.value(i),
        false => f64::NAN,
    };
    Ok(Some((0..items.len()).map(|i| (at(&first, i), at(&second, i))).collect()))
}

fn no_field(list: &str, name: &str) -> Error {
    let sentence = format!(
        "{list} must be a list of structs with a number {name}; see docs/reference/source-tables.md"
    );
    Error::new(ErrorCode::InputColumn, sentence)
}
