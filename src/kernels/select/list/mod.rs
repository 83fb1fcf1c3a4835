//! The selection over Arrow lists: one source and request a row.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, Float64Array, Int64Array,
    ListArray, PrimitiveArray, StringArray, StructArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::filter;
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type};
use arrow::error::ArrowError;

use super::{Nullable, PreparedSource, SelectParams, Selection, SourceColumns, Track, Weights};
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::span::RequestSpan;
use crate::kernels::text::{TopicTrack, ends_sentence};
use crate::model::Candidate;

/// [`select_clips_with`] with the default [`Weights`].
///
/// # Errors
/// As there.
pub fn select_clips(
    signals: &ListArray,
    shots: &ListArray,
    cues: &ListArray,
    min: &Float64Array,
    max: &Float64Array,
    max_clips: &Int64Array,
) -> Result<ListArray> {
    select_clips_with(signals, shots, cues, (min, max, max_clips), &Weights::default())
}

/// For each row the candidates of its source (lists of [`crate::model::signal`], [`crate::model::shot`]
/// and [`crate::model::cue`] structs; the cues already in the request's language) for its request
/// (`min_clip_length`, `max_clip_length`, `max_clips`), as a list of [`Candidate`] structs.
///
/// The list is NULL where `signals` is, and empty where there is no window
/// ([`super::NoCandidate`] says why). NULL shots or cues count as none; a NULL number has the
/// request's default. Struct columns are found by name; others are passed over, and so are NULL
/// structs, which an outer join leaves. Consecutive rows with an equal source share what is
/// computed for it.
///
/// # Errors
/// `input.column` if the columns differ in length, a struct column is missing or has another type.
pub fn select_clips_with(
    signals: &ListArray,
    shots: &ListArray,
    cues: &ListArray,
    lengths: (&Float64Array, &Float64Array, &Int64Array),
    weights: &Weights,
) -> Result<ListArray> {
    let spans = SpanColumns::none(signals.len());
    select_clips_in(signals, shots, cues, lengths, (&spans, None), weights)
}

/// Where in its source each request wants clips: the columns of [`RequestSpan`].
#[derive(Debug, Clone)]
pub struct SpanColumns([Float64Array; 4]);

impl SpanColumns {
    /// The columns `start`, `end`, `within_start` and `within_end`, in seconds.
    pub fn new(columns: [Float64Array; 4]) -> Self {
        Self(columns)
    }

    /// Those of rows that say nothing.
    fn none(rows: usize) -> Self {
        let nothing = Float64Array::new_null(rows);
        Self(std::array::from_fn(|_| nothing.clone()))
    }

    /// What row `i` says.
    pub fn at(&self, i: usize) -> RequestSpan {
        let cell = |column: &Float64Array| column.is_valid(i).then(|| column.value(i));
        let [start, end, within_start, within_end] = self.0.each_ref().map(cell);
        RequestSpan { start, end, within_start, within_end }
    }
}

/// As [`select_clips_with`], of requests that may say where in the source, and about what.
///
/// # Errors
/// As there.
pub fn select_clips_in(
    signals: &ListArray,
    shots: &ListArray,
    cues: &ListArray,
    (min, max, max_clips): (&Float64Array, &Float64Array, &Int64Array),
    (spans, topics): (&SpanColumns, Option<&StringArray>),
    weights: &Weights,
) -> Result<ListArray> {
    let rows = signals.len();
    let topic_rows = topics.map_or(rows, Array::len);
    let lengths = [shots.len(), cues.len(), min.len(), max.len(), max_clips.len(), topic_rows];
    let of_spans = spans.0.each_ref().map(Array::len);
    if lengths.iter().chain(&of_spans).any(|l| *l != rows) {
        return Err(column_error(
            "the columns of select_clips differ in length; give columns of one table",
        ));
    }
    let mut last: Option<Row> = None;
    let mut found: Vec<Arc<[Candidate]>> = Vec::with_capacity(rows);
    for i in 0..rows {
        if signals.is_null(i) {
            found.push(Arc::from([]));
            continue;
        }
        let defaults = SelectParams::default();
        let params = SelectParams {
            min_clip_length: value_or(min, i, defaults.min_clip_length),
            max_clip_length: value_or(max, i, defaults.max_clip_length),
            max_clips: value_or(max_clips, i, defaults.max_clips),
        };
        let source = Source::at(signals, shots, cues, i)?;
        let topic = topics.filter(|topics| topics.is_valid(i)).map(|topics| topics.value(i));
        let wanted =
            RowRequest { params, span: spans.at(i), topic: topic.unwrap_or_default().into() };
        let row = Row::next(last.take(), source, wanted, weights)?;
        found.push(Arc::clone(&row.candidates));
        last = Some(row);
    }
    lists(&found, signals.nulls().cloned()).map_err(|e| {
        Error::new(ErrorCode::Internal, format!("candidates do not make a list: {e}"))
            .with_source(e)
    })
}

/// Cell `i`, or `default` where it is NULL.
fn value_or<T: ArrowPrimitiveType>(
    cells: &PrimitiveArray<T>,
    i: usize,
    default: T::Native,
) -> T::Native {
    if cells.is_valid(i) { cells.value(i) } else { default }
}

/// A list of candidates for each row.
fn lists(
    found: &[Arc<[Candidate]>],
    nulls: Option<NullBuffer>,
) -> std::result::Result<ListArray, ArrowError> {
    let columns = Candidate::arrays(found.iter().flat_map(|candidates| candidates.iter()));
    let items = StructArray::try_new(Candidate::fields().into(), columns, None)?;
    let offsets = OffsetBuffer::from_lengths(found.iter().map(|candidates| candidates.len()));
    let item = Arc::new(Field::new_list_field(Candidate::data_type(), true));
    ListArray::try_new(item, offsets, Arc::new(items), nulls)
}

/// The structs of one row, without NULL ones.
#[derive(PartialEq)]
struct Source {
    signals: StructArray,
    shots: StructArray,
    cues: StructArray,
}

/// A row that is done, kept for the next one.
struct Row {
    source: Source,
    prepared: PreparedSource,
    wanted: RowRequest,
    /// What the source says about the topic of the request.
    topic: Option<TopicTrack>,
    candidates: Arc<[Candidate]>,
}

/// What a row asks for.
#[derive(PartialEq)]
struct RowRequest {
    params: SelectParams,
    span: RequestSpan,
    /// Empty: none.
    topic: String,
}

impl Row {
    /// The row after `last`, of whose work as much is kept as `source` and `wanted` allow.
    fn next(
        last: Option<Row>,
        source: Source,
        wanted: RowRequest,
        weights: &Weights,
    ) -> Result<Self> {
        let (prepared, topic, done) = match last {
            Some(last) if last.source == source => {
                let same = last.wanted == wanted;
                let topic = match last.wanted.topic == wanted.topic {
                    true => last.topic,
                    false => source.topic(&wanted.topic)?,
                };
                (last.prepared, topic, same.then_some(last.candidates))
            }
            _ => (source.prepare()?, source.topic(&wanted.topic)?, None),
        };
        let candidates = match done {
            Some(candidates) => candidates,
            // Why there is none is for the caller, who knows the source's duration, to say.
            None => prepared
                .select_in(&wanted.params, (&wanted.span, topic.as_ref()), weights)
                .map_or_else(|_| Arc::from([]), |s: Selection| s.candidates.into()),
        };
        Ok(Self { source, prepared, wanted, topic, candidates })
    }
}

impl Source {
    fn at(signals: &ListArray, shots: &ListArray, cues: &ListArray, i: usize) -> Result<Self> {
        let seen = Track::ALL.into_iter().filter(|track| !track.is_sound()).map(Track::column);
        let required: Vec<&str> = ["t"].into_iter().chain(seen).collect();
        Ok(Self {
            signals: structs("signals", signals, i, &required)?,
            shots: structs("shots", shots, i, &["start", "end", "score"])?,
            cues: structs("cues", cues, i, &["start", "end", "text"])?,
        })
    }

    /// The frame numbers of the shots, where they are given.
    fn shot_frames(&self) -> Option<(&[i64], &[i64])> {
        let column = |name| {
            let column = self.shots.column_by_name(name)?.as_primitive_opt::<Int64Type>()?;
            (column.null_count() == 0).then(|| column.values().as_ref())
        };
        Some((column("first_frame")?, column("last_frame")?))
    }

    /// What the cues say about a topic.
    fn topic(&self, topic: &str) -> Result<Option<TopicTrack>> {
        if topic.trim().is_empty() {
            return Ok(None);
        }
        let times = |name| Ok::<_, Error>(numbers("cues", &self.cues, name)?.values().iter());
        let texts = texts(&self.cues)?;
        let spans = times("start")?.zip(times("end")?).zip(&texts);
        let lines: Vec<(f64, f64, &str)> =
            spans.map(|((start, end), text)| (*start, *end, text.unwrap_or_default())).collect();
        let language = self.cues.column_by_name("language").map(|column| any_texts(column));
        let language = language.transpose()?.unwrap_or_default().into_iter().flatten().next();
        Ok(TopicTrack::new(&lines, topic, language))
    }

    fn prepare(&self) -> Result<PreparedSource> {
        let signal = |name| numbers("signals", &self.signals, name);
        let shot = |name| numbers("shots", &self.shots, name);
        let cue = |name| numbers("cues", &self.cues, name);
        let mut tracks = [Nullable::default(); Track::COUNT];
        for (cells, track) in tracks.iter_mut().zip(Track::ALL) {
            let column = signal(track.column())?;
            *cells = Nullable { values: column.values(), nulls: column.nulls() };
        }
        Ok(PreparedSource::new(&SourceColumns {
            t: signal("t")?.values(),
            tracks,
            shot_start: shot("start")?.values(),
            shot_end: shot("end")?.values(),
            shot_score: shot("score")?.values(),
            shot_frames: self.shot_frames(),
            cue_start: cue("start")?.values(),
            cue_end: cue("end")?.values(),
            cue_ends_sentence: &sentence_ends(&self.cues)?,
        }))
    }
}

/// The structs of row `i` that are not NULL and have each of `required`; none if the row is NULL.
fn structs(table: &str, lists: &ListArray, i: usize, required: &[&str]) -> Result<StructArray> {
    let values = lists.values().as_struct_opt().ok_or_else(|| {
        column_error(format!("{table} is a list of {}, not of structs", lists.values().data_type()))
    })?;
    let offsets = lists.value_offsets();
    let (from, to) =
        if lists.is_valid(i) { (offsets[i] as usize, offsets[i + 1] as usize) } else { (0, 0) };
    let rows = values.slice(from, to - from);
    let mut valid: Option<NullBuffer> = rows.nulls().cloned();
    for name in required {
        valid =
            NullBuffer::union(valid.as_ref(), child(table, &rows, name)?.logical_nulls().as_ref());
    }
    match valid.filter(|v| v.null_count() > 0) {
        None => Ok(rows),
        Some(valid) => {
            let kept =
                filter(&rows, &BooleanArray::new(valid.inner().clone(), None)).map_err(|e| {
                    Error::new(ErrorCode::Internal, format!("{table} cannot be filtered: {e}"))
                        .with_source(e)
                })?;
            Ok(kept.as_struct().clone())
        }
    }
}

fn child<'a>(table: &str, rows: &'a StructArray, name: &str) -> Result<&'a ArrayRef> {
    rows.column_by_name(name).ok_or_else(|| {
        let names = rows.column_names().join(", ");
        column_error(format!("{table} has no column {name}; it has {names}"))
    })
}

fn numbers<'a>(table: &str, rows: &'a StructArray, name: &str) -> Result<&'a Float64Array> {
    let column = child(table, rows, name)?;
    column.as_primitive_opt::<Float64Type>().ok_or_else(|| {
        column_error(format!("{table}.{name} is {}, not Float64; cast it", column.data_type()))
    })
}

fn sentence_ends(cues: &StructArray) -> Result<Vec<bool>> {
    let ends = |text: &Option<&str>| text.is_some_and(ends_sentence);
    Ok(texts(cues)?.iter().map(ends).collect())
}

/// The texts of the cues, whichever type of text they are.
fn texts(cues: &StructArray) -> Result<Vec<Option<&str>>> {
    any_texts(child("cues", cues, "text")?)
}

fn any_texts(text: &ArrayRef) -> Result<Vec<Option<&str>>> {
    Ok(match text.data_type() {
        DataType::Utf8 => text.as_string::<i32>().iter().collect(),
        DataType::LargeUtf8 => text.as_string::<i64>().iter().collect(),
        DataType::Utf8View => text.as_string_view().iter().collect(),
        other => {
            return Err(column_error(format!("cues.text is {other}, not text; cast it to Utf8")));
        }
    })
}

fn column_error(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::InputColumn, message)
}
