//! Write the texts of clips: a row with a clip and the cues of its source gets title, hook,
//! description, hashtags and keyphrases.

use std::sync::{Arc, OnceLock};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type};
use futures::stream::{self, StreamExt, TryStreamExt};
use serde::Serialize;
use tokio::runtime::{Builder, Runtime};

use super::analyze::{list_field, structs};
use super::validate::numbers;
use super::{Work, WorkEnv, WorkKind, WorkSpec};
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::text::{TextLimits, TextModel, TextModelAnswer, TextModelRequest, keyphrases};
use crate::media::CancelToken;
use crate::media::cancel::stopped;
use crate::model::{Keyphrase, keyphrase};

/// Keyphrases of a clip at the most.
const KEYPHRASES: usize = 12;

/// The texts of many clips, at most `concurrency` asked for at a time, in the order of `requests`.
///
/// # Errors
/// As [`TextModel::texts`].
pub async fn describe_clips(
    model: &dyn TextModel,
    requests: Vec<TextModelRequest>,
    concurrency: usize,
) -> Result<Vec<TextModelAnswer>> {
    // Boxed at once: a closure that borrows its argument is not general enough for a stream.
    let answers: Vec<_> = requests.iter().map(|request| model.texts(request)).collect();
    stream::iter(answers).buffered(concurrency.max(1)).try_collect().await
}

/// [`describe`](crate::kernels::text::describe()) or a language model as work.
///
/// Reads `cues` (a list of [`cue`](crate::model::cue) structs of the source, those of the clip's
/// language), `start` and `end` of the clip, and where there are such columns `language`, `topic`,
/// `interests` (a list of texts), `width` and `height`.
#[derive(Debug)]
pub struct DescribeWork {
    model: Option<Arc<dyn TextModel>>,
    limits: TextLimits,
    runtime: OwnRuntime,
}

impl DescribeWork {
    /// Built-in texts.
    pub fn new(limits: TextLimits) -> Self {
        Self { model: None, limits, runtime: OwnRuntime::default() }
    }

    /// Texts of a model. It cannot run in another process: take another backend than `process`.
    #[must_use]
    pub fn with_model(mut self, model: Arc<dyn TextModel>) -> Self {
        self.model = Some(model);
        self
    }

    fn texts(&self, request: &TextModelRequest, cancel: &CancelToken) -> Result<TextModelAnswer> {
        let Some(model) = &self.model else {
            return Ok(TextModelAnswer { text: request.built_in(), fallback: None });
        };
        self.runtime.get()?.block_on(async {
            tokio::select! {
                biased;
                () = cancel.cancelled() => Err(stopped()),
                answer = model.texts(request) => answer,
            }
        })
    }
}

/// What a row gets.
#[derive(Serialize)]
struct Described {
    title: String,
    hook_text: Option<String>,
    description: String,
    hashtags: Vec<String>,
    keyphrases: Vec<Keyphrase>,
    text_origin: &'static str,
    text_note: Option<String>,
}

impl Work for DescribeWork {
    fn name(&self) -> &'static str {
        "describe"
    }

    fn kind(&self) -> WorkKind {
        if self.model.is_some() { WorkKind::Io } else { WorkKind::Cpu }
    }

    fn input_columns(&self) -> &'static [&'static str] {
        &["cues", "start", "end", "language", "topic", "interests", "width", "height"]
    }

    /// `text_note` says why a model that was asked did not write the texts.
    fn output_fields(&self) -> Vec<Field> {
        let text = |name: &str| Field::new(name, DataType::Utf8, true);
        vec![
            text("title"),
            text("hook_text"),
            text("description"),
            list_field("hashtags", DataType::Utf8),
            list_field("keyphrases", keyphrase::data_type()),
            text("text_origin"),
            text("text_note"),
        ]
    }

    fn is_bounded(&self) -> bool {
        self.model.is_none()
    }

    fn spec(&self) -> Option<WorkSpec> {
        self.model.is_none().then_some(WorkSpec::Describe(self.limits))
    }

    fn run(&self, rows: &RecordBatch, _: &WorkEnv, cancel: &CancelToken) -> Result<Vec<ArrayRef>> {
        let clips = Clips::of(rows)?;
        let describe = |row: usize| {
            cancel.check()?;
            let request = clips.request(row, self.limits)?;
            let TextModelAnswer { text, fallback } = self.texts(&request, cancel)?;
            Ok(Described {
                title: text.title,
                hook_text: text.hook_text,
                description: text.description,
                hashtags: text.hashtags,
                keyphrases: request.keyphrases,
                text_origin: text.origin.as_str(),
                text_note: fallback,
            })
        };
        let described = (0..rows.num_rows()).map(describe).collect::<Result<Vec<_>>>()?;
        Ok(structs(&self.output_fields(), &described)?.columns().to_vec())
    }
}

/// The columns of a batch of clips.
struct Clips {
    cues: ArrayRef,
    start: ArrayRef,
    end: ArrayRef,
    language: Option<ArrayRef>,
    topic: Option<ArrayRef>,
    interests: Option<ArrayRef>,
    size: Option<(ArrayRef, ArrayRef)>,
}

impl Clips {
    fn of(rows: &RecordBatch) -> Result<Self> {
        let text = |name: &str| {
            let column = rows.column_by_name(name);
            column.map(|c| cast(c, &DataType::Utf8).map_err(|e| misfit(name, &e))).transpose()
        };
        let needed = |name: &str, column: Option<ArrayRef>| column.ok_or_else(|| no_column(name));
        let list = |name: &str| {
            let column = rows.column_by_name(name).cloned();
            column.filter(|c| c.as_list_opt::<i32>().is_some())
        };
        let [width, height] = ["width", "height"].map(|name| numbers::<Int64Type>(rows, name));
        Ok(Self {
            cues: needed("cues", list("cues"))?,
            start: needed("start", numbers::<Float64Type>(rows, "start")?)?,
            end: needed("end", numbers::<Float64Type>(rows, "end")?)?,
            language: text("language")?,
            topic: text("topic")?,
            interests: list("interests"),
            size: width?.zip(height?),
        })
    }

    fn request(&self, row: usize, limits: TextLimits) -> Result<TextModelRequest> {
        let start = self.start.as_primitive::<Float64Type>().value(row);
        let end = self.end.as_primitive::<Float64Type>().value(row);
        let lines = self.lines(row, start, end)?;
        let text = |column: &Option<ArrayRef>| {
            let texts = column.as_ref()?.as_string::<i32>();
            texts.is_valid(row).then(|| texts.value(row).to_owned())
        };
        let (language, topic) = (text(&self.language), text(&self.topic));
        let said: Vec<&str> = lines.iter().map(|(text, ..)| text.as_str()).collect();
        let mut found = keyphrases(&said.join("\n"), language.as_deref(), KEYPHRASES);
        if found.is_empty() {
            found = keyphrases(topic.as_deref().unwrap_or(""), language.as_deref(), KEYPHRASES);
        }
        let pixels = |column: &ArrayRef| {
            let numbers = column.as_primitive::<Int64Type>();
            numbers.is_valid(row).then(|| numbers.value(row))
        };
        Ok(TextModelRequest {
            lines,
            keyphrases: found,
            language,
            topic,
            interests: self.interests(row)?,
            duration: end - start,
            size: self.size.as_ref().and_then(|(w, h)| pixels(w).zip(pixels(h))),
            limits,
        })
    }

    /// The lines that are seen in the clip for the greater part of their time.
    fn lines(&self, row: usize, start: f64, end: f64) -> Result<Vec<(String, f64, f64)>> {
        if self.cues.is_null(row) {
            return Ok(vec![]);
        }
        let items = self.cues.as_list::<i32>().value(row);
        let cues = items.as_struct_opt().ok_or_else(|| no_column("cues"))?;
        let part = |name: &str| cues.column_by_name(name).ok_or_else(|| no_column("cues"));
        let texts = cast(part("text")?, &DataType::Utf8).map_err(|e| misfit("cues", &e))?;
        let [from, to] = [part("start")?, part("end")?].map(|c| cast(c, &DataType::Float64));
        let (from, to) =
            (from.map_err(|e| misfit("cues", &e))?, to.map_err(|e| misfit("cues", &e))?);
        let time = |times: &ArrayRef, i: usize| times.as_primitive::<Float64Type>().value(i);
        let lines = (0..cues.len())
            .filter(|i| texts.is_valid(*i))
            .map(|i| (texts.as_string::<i32>().value(i).to_owned(), time(&from, i), time(&to, i)));
        let is_in = |(_, from, to): &(String, f64, f64)| {
            let middle = (from + to) / 2.0;
            start <= middle && middle < end
        };
        Ok(lines.filter(is_in).collect())
    }

    fn interests(&self, row: usize) -> Result<Vec<String>> {
        let Some(lists) = self.interests.as_ref().filter(|lists| lists.is_valid(row)) else {
            return Ok(vec![]);
        };
        let items = cast(&lists.as_list::<i32>().value(row), &DataType::Utf8);
        let items = items.map_err(|e| misfit("interests", &e))?;
        Ok(items.as_string::<i32>().iter().flatten().map(str::to_owned).collect())
    }
}

fn no_column(name: &str) -> Error {
    Error::new(
        ErrorCode::InputColumn,
        format!("texts of clips need the column {name} of the clip and its source; join it"),
    )
}

fn misfit(name: &str, cause: &arrow::error::ArrowError) -> Error {
    Error::new(ErrorCode::InputColumn, format!("column {name} cannot be read ({cause}); cast it"))
}

/// The runtime that a model is waited for on: work runs on threads of any kind of backend.
#[derive(Debug, Default)]
struct OwnRuntime(OnceLock<Runtime>);

impl OwnRuntime {
    fn get(&self) -> Result<&Runtime> {
        if let Some(runtime) = self.0.get() {
            return Ok(runtime);
        }
        let made = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("clipflow-texts")
            .enable_all()
            .build()
            .map_err(|e| {
                Error::new(ErrorCode::Internal, format!("no thread can be started: {e}"))
            })?;
        // Another thread may have been first; its runtime is used.
        if let Err(spare) = self.0.set(made) {
            spare.shutdown_background();
        }
        self.0.get().ok_or_else(|| Error::new(ErrorCode::Internal, "no runtime was made"))
    }
}

impl Drop for OwnRuntime {
    fn drop(&mut self) {
        // Waiting for its threads is not allowed where this may be dropped.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
