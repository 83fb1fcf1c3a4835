//! Media work without media: sources are text files that say what happens to them. With it the pipeline, its commits and
//! its resumption are tested without ffmpeg, a source in a millisecond.
//!
//! A source's text is its length in seconds, or `corrupt`, `flaky` (fails at the first attempt of a run), or `panics`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex};

use arrow::array::{Array, ArrayRef, AsArray, ListArray, RecordBatch, StringArray, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields};
use clipflow::cancel::CancelToken;
use clipflow::exec::{
    AnalyzeWork, InputColumn, PATH_COLUMN, RenderWork, Work, WorkEnv, WorkSpec, media_file_name,
    register_work,
};
use clipflow::media::{AnalyzeSettings, MediaTools, RenderSettings};
use clipflow::model::{Cue, Rendition, Shot, Signal, SourceInfo, Transition};
use clipflow::pipeline::RunConfig;
use clipflow::{Error, ErrorCode, Result};
use serde::Serialize;

/// How often each source was analysed and rendered, by its path.
static CALLS: LazyLock<Mutex<HashMap<(&'static str, PathBuf), usize>>> =
    LazyLock::new(Mutex::default);

/// How often the sources in `folder` were in `stage` (`analyze`, `render`), by file name.
pub fn calls(stage: &str, folder: &Path) -> HashMap<String, usize> {
    let calls = CALLS.lock().unwrap();
    let of_folder =
        calls.iter().filter(|((known, path), _)| *known == stage && path.parent() == Some(folder));
    of_folder
        .map(|((_, path), n)| (path.file_name().unwrap().to_string_lossy().into_owned(), *n))
        .collect()
}

/// A run over `requests` whose media work is this.
pub fn config(requests: &Path, out: &Path) -> RunConfig {
    register_work("fake_analyze", |_| Ok(Arc::new(FakeAnalyze)));
    register_work("fake_render", |_| Ok(Arc::new(FakeRender)));
    let mut config = RunConfig::new(requests, out);
    // No program is started: these are none.
    config.tools = Some(MediaTools::new("/no/ffmpeg", "/no/ffprobe"));
    config.media_relations.extend([
        ("analyze_media".to_owned(), WorkSpec::registered("fake_analyze")),
        ("render_media".to_owned(), WorkSpec::registered("fake_render")),
    ]);
    config
}

/// Write `requests.csv` with a request for each source, a name and what it says.
pub fn sources(folder: &Path, sources: &[(&str, &str)]) -> PathBuf {
    let mut rows = "request_id,source_url,min_clip_length,max_clip_length,max_clips\n".to_owned();
    for (name, says) in sources {
        std::fs::write(folder.join(name), says).unwrap();
        rows += &format!("{},{name},3,5,2\n", name.split('.').next().unwrap());
    }
    let path = folder.join("requests.csv");
    std::fs::write(&path, rows).unwrap();
    path
}

fn count(stage: &'static str, path: &Path) -> usize {
    let mut calls = CALLS.lock().unwrap();
    let n = calls.entry((stage, path.to_owned())).or_default();
    *n += 1;
    *n
}

fn path_of(row: &RecordBatch) -> PathBuf {
    row.column_by_name(PATH_COLUMN).unwrap().as_string::<i32>().value(0).into()
}

/// One row of a list of `items`.
fn list<T: Serialize>(fields: &[Field], items: &[T]) -> ArrayRef {
    let fields: Vec<_> = fields.iter().cloned().map(Arc::new).collect();
    let batch = serde_arrow::to_record_batch(&fields, &items).unwrap();
    let item = Field::new("item", DataType::Struct(Fields::from(fields)), true);
    let offsets = OffsetBuffer::from_lengths([items.len()]);
    Arc::new(ListArray::new(Arc::new(item), offsets, Arc::new(StructArray::from(batch)), None))
}

#[derive(Debug)]
struct FakeAnalyze;

impl Work for FakeAnalyze {
    fn name(&self) -> &'static str {
        "analyze"
    }

    fn input_columns(&self) -> Vec<InputColumn> {
        AnalyzeWork::new(AnalyzeSettings::default()).input_columns()
    }

    fn output_fields(&self) -> Vec<Field> {
        AnalyzeWork::new(AnalyzeSettings::default()).output_fields()
    }

    fn needs_source(&self) -> bool {
        true
    }

    fn run(&self, row: &RecordBatch, _: &WorkEnv, cancel: &CancelToken) -> Result<Vec<ArrayRef>> {
        cancel.check()?;
        let path = path_of(row);
        let n = count("analyze", &path);
        let says = std::fs::read_to_string(&path).unwrap();
        let seconds: f64 = match says.trim() {
            "corrupt" => return Err(Error::new(ErrorCode::MediaCorrupt, "the text says so")),
            "flaky" if n == 1 => return Err(Error::new(ErrorCode::SourceUnreachable, "once")),
            "flaky" => 12.0,
            "panics" => panic!("the text says so"),
            seconds => seconds.parse().unwrap(),
        };
        let info = SourceInfo {
            tool_version: "fake".into(),
            container: "text".into(),
            duration: seconds,
            video_codec: "words".into(),
            width: 1280,
            height: 720,
            fps: 25.0,
            frames: (seconds * 25.0) as i64,
            nominal_fps: 25.0,
            ..SourceInfo::default()
        };
        let signals: Vec<Signal> = (0..(seconds * 4.0) as usize)
            .map(|k| Signal {
                t: k as f64 / 4.0,
                luma: 0.5,
                motion: 0.1 * (k % 7) as f64,
                ..Signal::default()
            })
            .collect();
        let shots: Vec<Shot> = (0..(seconds / 4.0) as i64)
            .map(|k| Shot {
                shot_id: k,
                start: k as f64 * 4.0,
                end: (k + 1) as f64 * 4.0,
                first_frame: k * 100,
                last_frame: k * 100 + 99,
                area: None,
                transition: Transition::Cut,
                score: 1.0,
            })
            .collect();
        let fields = self.output_fields();
        let id = blake3::hash(path.as_os_str().as_encoded_bytes()).to_hex()[..16].to_owned();
        let text = |text: &str| Arc::new(StringArray::from(vec![text])) as ArrayRef;
        let DataType::Struct(of_info) = fields[2].data_type() else { panic!() };
        let of_info: Vec<_> = of_info.iter().cloned().collect();
        let info = serde_arrow::to_record_batch(&of_info, &[info]).unwrap();
        Ok(vec![
            text(&id),
            text("v1"),
            Arc::new(StructArray::from(info)),
            list(&Signal::fields(), &signals),
            list(&Shot::fields(), &shots),
            list::<Cue>(&Cue::fields(), &[]),
        ])
    }
}

#[derive(Debug)]
struct FakeRender;

#[derive(Serialize)]
struct Rendered {
    media_id: String,
    error_code: Option<String>,
    error_message: Option<String>,
    rendition: Option<Rendition>,
}

impl Work for FakeRender {
    fn name(&self) -> &'static str {
        "render"
    }

    fn input_columns(&self) -> Vec<InputColumn> {
        RenderWork::new(RenderSettings::default()).input_columns()
    }

    fn output_fields(&self) -> Vec<Field> {
        RenderWork::new(RenderSettings::default()).output_fields()
    }

    fn needs_source(&self) -> bool {
        true
    }

    fn run(&self, row: &RecordBatch, env: &WorkEnv, cancel: &CancelToken) -> Result<Vec<ArrayRef>> {
        cancel.check()?;
        count("render", &path_of(row));
        let spans = row.column_by_name("spans").unwrap().as_list::<i32>().value(0);
        let spans = spans.as_struct();
        let ids = spans.column_by_name("media_id").unwrap().as_string::<i32>();
        std::fs::create_dir_all(&env.media_dir).unwrap();
        let rendered: Vec<Rendered> = (0..spans.len())
            .map(|n| {
                let id = ids.value(n);
                std::fs::write(env.media_dir.join(media_file_name(id, "mp4")), id).unwrap();
                let rendition = Rendition {
                    rendition_id: id.to_owned(),
                    container: "mp4".into(),
                    video_codec: "words".into(),
                    width: 1280,
                    height: 720,
                    fps: 25.0,
                    frames: 100,
                    duration: 4.0,
                    bytes: id.len() as i64,
                    blake3: blake3::hash(id.as_bytes()).to_hex().to_string(),
                    audio_codec: None,
                    av_offset: None,
                    copied_frames: None,
                    hdr: None,
                    text_note: None,
                    sidecar: false,
                    thumbnail: false,
                };
                Rendered {
                    media_id: id.to_owned(),
                    error_code: None,
                    error_message: None,
                    rendition: Some(rendition),
                }
            })
            .collect();
        let fields = self.output_fields();
        let DataType::List(item) = fields[0].data_type() else { panic!() };
        let DataType::Struct(of_item) = item.data_type() else { panic!() };
        let of_item: Vec<Field> = of_item.iter().map(|f| f.as_ref().clone()).collect();
        Ok(vec![list(&of_item, &rendered)])
    }
}
