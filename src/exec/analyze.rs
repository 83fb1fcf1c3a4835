//! Analysis as work: adds facts, signals, shots and cues to a row with the `location` of a source.

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray, StructArray};
use arrow::datatypes::{DataType, Field};

use super::row::{text_at, tools_for};
use super::work::{PATH_COLUMN, VALIDATOR_COLUMN};
use super::{Cacheable, InputColumn, Work, WorkEnv, WorkSpec};
use crate::cancel::CancelToken;
use crate::error::Result;
use crate::kernels::ids::stable_id;
use crate::kernels::sound_wish::SoundWish;
use crate::location::scheme;
use crate::media::{self, AnalysisProgress, AnalyzeSettings};
use crate::model::arrays::{list_field, list_of, structs};
use crate::model::{Cue, Shot, Signal, SourceInfo};

/// Analyses sources.
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

    fn input_columns(&self) -> Vec<InputColumn> {
        vec![InputColumn::any("location"), InputColumn::any(SOUND_COLUMN).optional()]
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

    fn cacheable(&self) -> Option<&dyn Cacheable> {
        Some(self)
    }

    fn spec(&self) -> Option<WorkSpec> {
        Some(WorkSpec::Analyze(self.settings.clone()))
    }

    fn run(&self, row: &RecordBatch, env: &WorkEnv, cancel: &CancelToken) -> Result<Vec<ArrayRef>> {
        let [location, path, validator] = ["location", PATH_COLUMN, VALIDATOR_COLUMN]
            .map(|c| text_at(row, c).unwrap_or_default());
        // What lies beside a fetched source came with it, and its validator tells.
        let fetched = scheme(&location).is_some();
        let state = |path: &str| media::analyze::sidecar_state(Path::new(path));
        let sidecars = if fetched { String::new() } else { state(&path) };
        let done = Cell::new(0.0);
        let progress = |progress| match progress {
            AnalysisProgress::Expected(seconds) => env.progress.expected("analyze", seconds),
            AnalysisProgress::Analysed(seconds) => {
                env.progress.advanced("analyze", seconds - done.replace(seconds));
            }
        };
        let analysis = media::analyze(
            &tools_for(row, env)?,
            Path::new(&path),
            &AnalyzeSettings { sound: sound_of(row), ..self.settings.clone() },
            cancel,
            &progress,
        )?;
        // Progress is reported at intervals; what follows the last one is done too.
        let rest = analysis.info.duration - done.get();
        if rest > 0.0 {
            env.progress.advanced("analyze", rest);
        }
        let track = other_track(&analysis.info);
        let [source_id, validator] = identity(&location, &validator, (&sidecars, track.as_deref()));
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

impl Cacheable for AnalyzeWork {
    fn cache_key(&self) -> Option<String> {
        serde_json::to_string(&self.settings).ok()
    }

    fn row_key(&self, row: &RecordBatch) -> String {
        text_at(row, SOUND_COLUMN).unwrap_or_default()
    }

    fn sidecar_state(&self, source: &Path) -> String {
        media::analyze::sidecar_state(source)
    }

    fn adopt(
        &self,
        location: &str,
        validator: &str,
        sidecars: &str,
        cached: Vec<ArrayRef>,
    ) -> Vec<ArrayRef> {
        let track = info_of(&cached).and_then(|info| other_track(&info));
        let [source_id, validator] = identity(location, validator, (sidecars, track.as_deref()));
        [source_id, validator].into_iter().chain(cached.into_iter().skip(2)).collect()
    }
}

/// The column of the sound track that a row wants, as [`SoundWish::parse`] reads it.
const SOUND_COLUMN: &str = "sound";

fn sound_of(row: &RecordBatch) -> SoundWish {
    SoundWish::of_cell(text_at(row, SOUND_COLUMN).as_deref())
}

/// The facts among the columns of an analysis.
fn info_of(columns: &[ArrayRef]) -> Option<SourceInfo> {
    let info = columns.get(2)?.as_struct_opt()?.clone();
    let (fields, columns, _) = info.into_parts();
    let row = RecordBatch::from(StructArray::new(fields, columns, None));
    serde_arrow::from_record_batch::<Vec<SourceInfo>>(&row).ok()?.into_iter().next()
}

/// What names the sound of an analysis that is heard because it was asked for; `None` for what is heard anyway.
fn other_track(info: &SourceInfo) -> Option<String> {
    match info.audio_choice.as_deref() {
        Some("mix") => Some("mix".to_owned()),
        Some("asked" | "language" | "instead") => {
            info.audio_track.map(|number| format!("track{number}"))
        }
        _ => None,
    }
}

/// The columns `source_id` and `validator`.
fn identity(location: &str, validator: &str, more: (&str, Option<&str>)) -> [ArrayRef; 2] {
    source_identity(location, validator, more)
        .map(|text| Arc::new(StringArray::from(vec![text])) as ArrayRef)
}

/// The `source_id` and `validator` of a source. Other captions beside a file make it another source, as does
/// another sound track.
pub(crate) fn source_identity(
    location: &str,
    validator: &str,
    (sidecars, track): (&str, Option<&str>),
) -> [String; 2] {
    let mut validator = match sidecars {
        "" => validator.to_owned(),
        captions => format!("{validator}+{}", stable_id([Some(captions)])),
    };
    if let Some(track) = track {
        validator = format!("{validator}+{track}");
    }
    [stable_id([Some(location), Some(&validator)]), validator]
}
