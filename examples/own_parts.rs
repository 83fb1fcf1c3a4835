//! A captioner and a selector of your own, which take part in runs.
//!
//! `cargo run --example own_parts -- VIDEO [OUT]`: the captions are made up, and the clips are the first windows
//! that fit instead of the best.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{Field, Schema};
use clipflow::cancel::CancelToken;
use clipflow::exec::{
    AnalyzeWork, InputColumn, SelectWork, Work, WorkEnv, WorkKind, WorkSpec, columns_of_rows,
    register_work, rows_of_columns,
};
use clipflow::media::AnalyzeSettings;
use clipflow::model::{Candidate, Cue, Shot, VideoClipRequest};
use clipflow::prelude::*;
use serde::{Deserialize, Serialize};

/// The analysis of clipflow, with a caption for each shot where a source has none: here a speech recogniser would
/// listen to the file of the row (`clipflow::exec::PATH_COLUMN`).
#[derive(Debug)]
pub struct Captioner(AnalyzeWork);

#[derive(Deserialize)]
struct Analysed {
    shots: Vec<Shot>,
    cues: Vec<Cue>,
}

#[derive(Serialize)]
struct Captioned {
    cues: Vec<Cue>,
}

impl Work for Captioner {
    fn name(&self) -> &str {
        "captioner"
    }

    fn input_columns(&self) -> Vec<InputColumn> {
        self.0.input_columns()
    }

    fn output_fields(&self) -> Vec<Field> {
        self.0.output_fields()
    }

    fn needs_source(&self) -> bool {
        true
    }

    fn spec(&self) -> Option<WorkSpec> {
        Some(WorkSpec::registered("captioner"))
    }

    fn run(
        &self,
        row: &RecordBatch,
        env: &WorkEnv,
        cancel: &CancelToken,
    ) -> clipflow::Result<Vec<ArrayRef>> {
        let mut columns = self.0.run(row, env, cancel)?;
        let fields = self.output_fields();
        let rows = RecordBatch::try_new(Arc::new(Schema::new(fields.clone())), columns.clone())
            .map_err(|e| clipflow::Error::new(ErrorCode::Internal, e.to_string()))?;
        let captioned = rows_of_columns::<Analysed>(&rows)?.into_iter().map(|analysed| Captioned {
            cues: if analysed.cues.is_empty() { captions(&analysed.shots) } else { analysed.cues },
        });
        let captioned: Vec<Captioned> = captioned.collect();
        let cues = fields.iter().position(|field| field.name() == "cues");
        for (at, field) in cues.into_iter().zip(fields.iter().filter(|f| f.name() == "cues")) {
            columns.splice(at..=at, columns_of_rows(std::slice::from_ref(field), &captioned)?);
        }
        Ok(columns)
    }
}

fn captions(shots: &[Shot]) -> Vec<Cue> {
    let cue = |(number, shot): (usize, &Shot)| Cue {
        cue_id: number as i64,
        start: shot.start,
        end: shot.end,
        text: format!("This is shot {}.", number + 1),
        language: Some("eng".to_owned()),
        origin: "captioner".to_owned(),
        words: None,
    };
    shots.iter().enumerate().map(cue).collect()
}

/// The windows that clipflow considers, of which it chooses the first instead of the best.
#[derive(Debug)]
pub struct FirstWindows;

#[derive(Serialize, Deserialize)]
struct Considered {
    candidates: Vec<Candidate>,
}

impl Work for FirstWindows {
    fn name(&self) -> &str {
        "first_windows"
    }

    fn kind(&self) -> WorkKind {
        WorkKind::Cpu
    }

    fn input_columns(&self) -> Vec<InputColumn> {
        SelectWork.input_columns()
    }

    fn output_fields(&self) -> Vec<Field> {
        SelectWork.output_fields()
    }

    fn spec(&self) -> Option<WorkSpec> {
        Some(WorkSpec::registered("first_windows"))
    }

    fn run(
        &self,
        rows: &RecordBatch,
        env: &WorkEnv,
        cancel: &CancelToken,
    ) -> clipflow::Result<Vec<ArrayRef>> {
        let fields = self.output_fields();
        let columns = SelectWork.run(rows, env, cancel)?;
        let considered = RecordBatch::try_new(Arc::new(Schema::new(fields.clone())), columns)
            .map_err(|e| clipflow::Error::new(ErrorCode::Internal, e.to_string()))?;
        let mut considered: Vec<Considered> = rows_of_columns(&considered)?;
        for Considered { candidates } in &mut considered {
            for (number, candidate) in candidates.iter_mut().enumerate() {
                candidate.chosen = number == 0;
                candidate.reason = (number > 0).then(|| "it is not the first".to_owned());
            }
        }
        columns_of_rows(&fields, &considered)
    }
}

/// Both as they stand in the settings of a run.
pub fn relations() -> [(String, WorkSpec); 2] {
    [("analyze_media", "captioner"), ("select_media", "first_windows")]
        .map(|(relation, work)| (relation.to_owned(), WorkSpec::registered(work)))
}

/// Registers both: before `run_if_worker`, so that worker processes have them too.
pub fn register() {
    register_work("captioner", |_| {
        Ok(Arc::new(Captioner(AnalyzeWork::new(AnalyzeSettings::default()))))
    });
    register_work("first_windows", |_| Ok(Arc::new(FirstWindows)));
}

#[allow(dead_code, reason = "the tests use the rest")]
fn main() -> clipflow::Result<()> {
    register();
    clipflow::worker::run_if_worker();
    let mut args = std::env::args().skip(1);
    let video = args.next().unwrap_or_else(|| "demo/demo.mp4".to_owned());
    let out = args.next().unwrap_or_else(|| "demo/own_parts".to_owned());
    let mut processor = VideoClipProcessor::new(out);
    processor.config_mut().media_relations.extend(relations());
    let requests = [VideoClipRequest { max_clip_length: 15.0, ..VideoClipRequest::new(video) }];
    for response in processor.process_batch_parallel(&requests, BackendType::Auto)? {
        match response.error {
            Some(sentence) => println!("failed: {sentence}"),
            None => println!("{} clips", response.clips.len()),
        }
    }
    Ok(())
}
