//! Rendering as work: adds a list of files or errors to a row with `location` and `spans`.

use std::cell::Cell;
use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StructArray};
use arrow::datatypes::{DataType, Field, Float64Type};
use serde::Serialize;

use super::row::{text_at, tools_for};
use super::work::{PATH_COLUMN, VALIDATOR_COLUMN};
use super::{InputColumn, Work, WorkEnv, WorkSpec};
use crate::cancel::CancelToken;
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::audio::ChannelFault;
use crate::kernels::cues::in_tag;
use crate::kernels::sound_wish::SoundWish;
use crate::media::render::Renderer;
use crate::media::{self, DynamicRange, Encoding, Output, RenderSettings};
use crate::model::arrays::{list_field, list_of};
use crate::model::{Cue, Edit, Rendition};

/// Renders the clips of sources.
#[derive(Debug)]
pub struct RenderWork {
    settings: RenderSettings,
}

impl RenderWork {
    /// Rendering with these settings.
    pub fn new(settings: RenderSettings) -> Self {
        Self { settings }
    }
}

/// File name of a rendered span in the media folder; `extension` is its `container`.
pub fn media_file_name(media_id: &str, extension: &str) -> String {
    format!("{media_id}.{extension}")
}

/// Outcome of one span, an item of the list column.
#[derive(Debug, Serialize)]
struct RenderedSpan {
    media_id: String,
    error_code: Option<&'static str>,
    error_message: Option<String>,
    rendition: Option<Rendition>,
}

fn rendered_fields() -> Vec<Field> {
    vec![
        Field::new("media_id", DataType::Utf8, false),
        Field::new("error_code", DataType::Utf8, true),
        Field::new("error_message", DataType::Utf8, true),
        Field::new("rendition", Rendition::data_type(), true),
    ]
}

impl Work for RenderWork {
    fn name(&self) -> &'static str {
        "render"
    }

    fn input_columns(&self) -> Vec<InputColumn> {
        vec![
            InputColumn::any("location"),
            InputColumn::any("spans"),
            InputColumn::any("validator").optional(),
            InputColumn::any("cues").optional(),
            InputColumn::any("channel_fault").optional(),
            InputColumn::any("audio_track").optional(),
        ]
    }

    fn output_fields(&self) -> Vec<Field> {
        vec![list_field("renditions", DataType::Struct(rendered_fields().into()))]
    }

    fn needs_source(&self) -> bool {
        true
    }

    fn spec(&self) -> Option<WorkSpec> {
        Some(WorkSpec::Render(self.settings.clone()))
    }

    fn run(&self, row: &RecordBatch, env: &WorkEnv, cancel: &CancelToken) -> Result<Vec<ArrayRef>> {
        let path = text_at(row, PATH_COLUMN).unwrap_or_default();
        let (path, tools) = (Path::new(&path), &tools_for(row, env)?);
        same_source(row)?;
        let spans = spans(row, env, self.settings.encoding.format.extension())?;
        let sound = SoundWish::of_cell(text_at(row, "audio_track").as_deref());
        let mut probe = media::probe_for(tools, path, &self.settings.limits, &sound, cancel)?;
        if let Some(audio) = &mut probe.audio {
            let found = text_at(row, "channel_fault");
            audio.fault = found.as_deref().and_then(ChannelFault::parse);
        }
        std::fs::create_dir_all(&env.media_dir).map_err(|e| {
            let folder = env.media_dir.display();
            Error::new(
                ErrorCode::StoreWrite,
                format!(
                    "cannot create the folder {folder} ({e}); choose another folder for the results"
                ),
            )
        })?;
        let ranges = ranges(row, spans.len(), self.settings.encoding.hdr);
        let render = |spans: &[Output], hdr: DynamicRange| {
            let encoding = Encoding { hdr, ..self.settings.encoding };
            let settings = &RenderSettings { encoding, ..self.settings.clone() };
            let renderer = Renderer { tools, settings, scheduler: &env.scheduler, cancel };
            let total: f64 = spans.iter().map(|s| s.end - s.start).sum();
            let done = Cell::new(0.0);
            let progress =
                |share: f64| env.progress.advanced("render", (share - done.replace(share)) * total);
            renderer.render(path, &probe, spans, &progress)
        };
        let results = each_range(&spans, &ranges, render);
        // A cancelled row is not a row of failed clips: the next run renders it again.
        cancel.check()?;
        let rendered: Vec<RenderedSpan> =
            spans.iter().zip(results).map(|(span, result)| outcome(span, result)).collect();
        Ok(vec![list_of(&rendered_fields(), &rendered)?])
    }
}

/// What becomes of the high dynamic range of each of the row's `spans`: their field `hdr`, if they have it.
fn ranges(row: &RecordBatch, count: usize, otherwise: DynamicRange) -> Vec<DynamicRange> {
    let items = row.column_by_name("spans").and_then(|c| c.as_list_opt::<i32>());
    let items = items.map(|list| list.value(0));
    let column = items.as_ref().and_then(|items| items.as_struct_opt()?.column_by_name("hdr"));
    let names = column.and_then(|column| column.as_string_opt::<i32>());
    let range = |i: usize| {
        let name = names.filter(|names| i < names.len() && names.is_valid(i))?.value(i);
        name.parse().ok()
    };
    (0..count).map(|i| range(i).unwrap_or(otherwise)).collect()
}

/// The results of `render` for all spans, in their order, those of each range together.
fn each_range<T>(
    spans: &[Output],
    ranges: &[DynamicRange],
    render: impl Fn(&[Output], DynamicRange) -> Vec<T>,
) -> Vec<T> {
    if let Some(first) = ranges.first().filter(|first| ranges.iter().all(|range| range == *first)) {
        return render(spans, *first);
    }
    let mut results: Vec<(usize, T)> = Vec::with_capacity(spans.len());
    for range in DynamicRange::ALL {
        let places = || ranges.iter().enumerate().filter(|(_, of)| *of == range).map(|(i, _)| i);
        let own: Vec<Output> = places().filter_map(|i| spans.get(i).cloned()).collect();
        results.extend(places().zip(render(&own, *range)));
    }
    results.sort_by_key(|(place, _)| *place);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Checks that the source has not changed since the spans were chosen, if the row has its `validator`.
fn same_source(row: &RecordBatch) -> Result<()> {
    let (Some(chosen), Some(found)) = (text_at(row, "validator"), text_at(row, VALIDATOR_COLUMN))
    else {
        return Ok(());
    };
    // The analysis appends the state of sidecar captions, which do not affect rendering.
    match chosen.strip_prefix(&found) {
        Some(rest) if rest.is_empty() || rest.starts_with('+') => Ok(()),
        _ => Err(Error::new(
            ErrorCode::SourceChanged,
            "the source has changed between its analysis and its rendering; run again",
        )),
    }
}

fn outcome(span: &Output, result: Result<Rendition>) -> RenderedSpan {
    let media_id = span.rendition_id.clone();
    match result {
        Ok(rendition) => RenderedSpan {
            media_id,
            error_code: None,
            error_message: None,
            rendition: Some(rendition),
        },
        Err(e) => RenderedSpan {
            media_id,
            error_code: Some(e.code().as_str()),
            error_message: Some(e.message().to_owned()),
            rendition: None,
        },
    }
}

/// Reads the `spans` of the row: a list of structs of `media_id`, `start`, `end` and, for variants,
/// `edit`.
fn spans(row: &RecordBatch, env: &WorkEnv, extension: &str) -> Result<Vec<Output>> {
    let fault = || {
        Error::new(
            ErrorCode::InputColumn,
            "spans must be a list of structs of media_id, start and end",
        )
    };
    let list =
        row.column_by_name("spans").and_then(|c| c.as_list_opt::<i32>()).ok_or_else(fault)?;
    let items = list.value(0);
    let items = items.as_struct_opt().ok_or_else(fault)?;
    let ids = items
        .column_by_name("media_id")
        .and_then(|c| c.as_string_opt::<i32>())
        .ok_or_else(fault)?;
    let column =
        |name: &str| items.column_by_name(name).and_then(|c| c.as_primitive_opt::<Float64Type>());
    let (starts, ends) = (column("start").ok_or_else(fault)?, column("end").ok_or_else(fault)?);
    let span = |i: usize| Output {
        rendition_id: ids.value(i).to_owned(),
        start: starts.value(i),
        end: ends.value(i),
        path: env.media_dir.join(media_file_name(ids.value(i), extension)),
        edit: None,
        cues: Vec::new(),
    };
    let mut spans: Vec<Output> = (0..items.len()).map(span).collect();
    add_edits(&mut spans, items, row)?;
    Ok(spans)
}

/// Adds the `edit` of the items, if they have that field, and to edited ones the `cues` of the row that
/// they show: the cues of a long talk with thousands of outputs must not be held thousands of times.
fn add_edits(spans: &mut [Output], items: &StructArray, row: &RecordBatch) -> Result<()> {
    let fault = |cause| {
        let message = "edit and cues must be as in the tables variants and cues";
        Error::new(ErrorCode::InputColumn, message).with_source(cause)
    };
    let edits = items.column_by_name("edit").and_then(|column| column.as_struct_opt());
    let Some(edits) = edits else { return Ok(()) };
    for (number, span) in spans.iter_mut().enumerate().filter(|(number, _)| edits.is_valid(*number))
    {
        // A record batch has no validity of its own, so that of the struct is dropped.
        let (fields, columns, _) = edits.slice(number, 1).into_parts();
        let one = StructArray::new(fields, columns, None);
        let read: Vec<Edit> =
            serde_arrow::from_record_batch(&RecordBatch::from(one)).map_err(fault)?;
        span.edit = read.into_iter().next();
    }
    let list = row.column_by_name("cues").and_then(|column| column.as_list_opt::<i32>());
    let Some(list) = list.filter(|list| list.is_valid(0)) else { return Ok(()) };
    let cues = list.value(0);
    let Some(cues) = cues.as_struct_opt() else { return Ok(()) };
    let (fields, columns, _) = cues.clone().into_parts();
    let cues = RecordBatch::from(StructArray::new(fields, columns, None));
    let cues: Vec<Cue> = serde_arrow::from_record_batch(&cues).map_err(fault)?;
    for span in spans {
        let Some(edit) = &span.edit else { continue };
        let fits = in_tag(edit.language.as_deref());
        let seen =
            |cue: &&Cue| edit.segments.iter().any(|s| cue.start < s.end && cue.end > s.start);
        let shown = cues.iter().filter(|cue| fits(cue.language.as_deref())).filter(seen);
        span.cues = shown.cloned().collect();
    }
    Ok(())
}
