//! Transcription as work: adds what is said to a row with the `location` of a source and a `language`.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field};

use super::row::{text_at, tools_for};
use super::work::PATH_COLUMN;
use super::{Cacheable, InputColumn, Work, WorkEnv, WorkSpec};
use crate::cancel::CancelToken;
use crate::error::Result;
use crate::kernels::audio::ChannelFault;
use crate::kernels::sound_wish::SoundWish;
use crate::media::transcribe::SoundQuery;
use crate::media::{self, TranscribeSettings, Transcriber, TranscriptionProgress};
use crate::model::Cue;
use crate::model::arrays::{list_field, list_of};

/// Transcribes sources.
#[derive(Debug)]
pub struct TranscribeWork {
    settings: TranscribeSettings,
    transcriber: OnceLock<Arc<dyn Transcriber>>,
}

impl TranscribeWork {
    /// Transcription with these settings.
    pub fn new(settings: TranscribeSettings) -> Self {
        Self { settings, transcriber: OnceLock::new() }
    }

    /// The transcriber, made for the first row.
    fn transcriber(&self) -> Result<&Arc<dyn Transcriber>> {
        if let Some(transcriber) = self.transcriber.get() {
            return Ok(transcriber);
        }
        let transcriber = self.settings.transcriber()?;
        Ok(self.transcriber.get_or_init(|| transcriber))
    }
}

impl Work for TranscribeWork {
    fn name(&self) -> &'static str {
        "transcribe"
    }

    fn input_columns(&self) -> Vec<InputColumn> {
        let optional =
            ["audio_track", "channel_fault"].map(|name| InputColumn::any(name).optional());
        ["location", "language"].map(InputColumn::any).into_iter().chain(optional).collect()
    }

    fn output_fields(&self) -> Vec<Field> {
        vec![
            Field::new("transcriber", DataType::Utf8, true),
            Field::new("transcript_language", DataType::Utf8, true),
            Field::new("transcript_note", DataType::Utf8, true),
            list_field("transcript", Cue::data_type()),
        ]
    }

    fn needs_source(&self) -> bool {
        true
    }

    fn cacheable(&self) -> Option<&dyn Cacheable> {
        Some(self)
    }

    fn spec(&self) -> Option<WorkSpec> {
        Some(WorkSpec::Transcribe(self.settings.clone()))
    }

    fn run(&self, row: &RecordBatch, env: &WorkEnv, cancel: &CancelToken) -> Result<Vec<ArrayRef>> {
        let path = text_at(row, PATH_COLUMN).unwrap_or_default();
        let language = text_at(row, "language");
        let transcriber = self.transcriber()?;
        let fault = text_at(row, "channel_fault");
        let sound = SoundQuery {
            track: SoundWish::of_cell(text_at(row, "audio_track").as_deref()),
            fault: fault.as_deref().and_then(ChannelFault::parse),
        };
        let progress = |progress| match progress {
            TranscriptionProgress::Expected(seconds) => {
                env.progress.expected("transcribe", seconds)
            }
            TranscriptionProgress::Transcribed(seconds) => {
                env.progress.advanced("transcribe", seconds);
            }
        };
        let said = media::transcribe(
            &tools_for(row, env)?,
            Path::new(&path),
            transcriber,
            (&self.settings.limits, &sound),
            language.as_deref(),
            cancel,
            &progress,
        )?;
        let text = |text: Option<String>| Arc::new(StringArray::from(vec![text])) as ArrayRef;
        Ok(vec![
            text(Some(transcriber.identity())),
            text(said.language),
            text(said.note),
            list_of(&Cue::fields(), &said.cues)?,
        ])
    }
}

impl Cacheable for TranscribeWork {
    fn cache_key(&self) -> Option<String> {
        serde_json::to_string(&self.settings).ok()
    }

    fn row_key(&self, row: &RecordBatch) -> String {
        // The track of most sources is the only one, as before there was a choice.
        let track = text_at(row, "audio_track").filter(|track| track != "1").unwrap_or_default();
        text_at(row, "language").unwrap_or_default() + &track
    }
}
