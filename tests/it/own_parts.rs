//! A captioner and a selector of an embedding program take part in a run, on threads; what fails in them is one
//! request's error.

#[path = "../../examples/own_parts.rs"]
mod example;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::Field;
use clipflow::cancel::CancelToken;
use clipflow::config::BackendType;
use clipflow::exec::{InputColumn, SelectWork, Work, WorkEnv, WorkKind, WorkSpec, register_work};
use clipflow::model::VideoClipRequest;
use clipflow::{ErrorCode, VideoClipProcessor};

use super::support::query;

fn video(path: &Path) {
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "testsrc2=s=160x90:r=25:d=9"])
        .args(["-c:v", "libx264", "-preset", "ultrafast"])
        .arg(path)
        .status()
        .unwrap();
    assert!(status.success());
}

fn request() -> VideoClipRequest {
    VideoClipRequest {
        min_clip_length: 3.0,
        max_clip_length: 5.0,
        max_clips: 2,
        ..VideoClipRequest::new("a.mp4")
    }
}

#[test]
fn own_captions_and_an_own_choice_are_in_the_results() {
    let folder = tempfile::tempdir().unwrap();
    video(&folder.path().join("a.mp4"));
    example::register();
    let mut processor = VideoClipProcessor::new(folder.path().join("out")).with_base(folder.path());
    processor.config_mut().media_relations.extend(example::relations());
    let answers = processor.process_batch_parallel(&[request()], BackendType::Thread).unwrap();
    assert_eq!(answers[0].error, None);
    assert_eq!(answers[0].clips.len(), 1, "the selector takes one: {:?}", answers[0].clips);
    assert!(answers[0].clips[0].start < 0.1, "{:?}", answers[0].clips);
    let rows = query(folder.path(), "SELECT DISTINCT origin, text FROM cues ORDER BY text LIMIT 1");
    assert_eq!(rows, ["captioner,This is shot 1."]);
    let rows = query(folder.path(), "SELECT DISTINCT reason FROM candidates WHERE NOT chosen");
    assert_eq!(rows, ["it is not the first"]);
}

#[derive(Debug)]
struct Breaks(String);

impl Work for Breaks {
    fn name(&self) -> &str {
        &self.0
    }

    fn kind(&self) -> WorkKind {
        WorkKind::Cpu
    }

    fn input_columns(&self) -> Vec<InputColumn> {
        vec![InputColumn::any("signals")]
    }

    fn output_fields(&self) -> Vec<Field> {
        SelectWork.output_fields()
    }

    fn run(
        &self,
        _: &RecordBatch,
        _: &WorkEnv,
        _: &CancelToken,
    ) -> clipflow::Result<Vec<ArrayRef>> {
        panic!("no window is good enough")
    }
}

#[test]
fn a_panic_of_own_work_is_the_requests_error_with_its_text() {
    let folder = tempfile::tempdir().unwrap();
    video(&folder.path().join("a.mp4"));
    register_work("breaks", |_| Ok(Arc::new(Breaks(format!("breaks {}", 2 * 21)))));
    let mut processor = VideoClipProcessor::new(folder.path().join("out")).with_base(folder.path());
    let relation = ("select_media".to_owned(), WorkSpec::registered("breaks"));
    processor.config_mut().media_relations.extend([relation]);
    let answers = processor.process_batch_parallel(&[request()], BackendType::Auto).unwrap();
    assert_eq!(answers[0].error_code.as_deref(), Some(ErrorCode::WorkPanicked.as_str()));
    let sentence =
        "the work breaks 42 panicked: no window is good enough; correct it, or remove this row";
    assert_eq!(answers[0].error.as_deref(), Some(sentence));
}
