//! The selection over Arrow lists: one source and request a row.

mod source;

use std::sync::Arc;

use arrow::array::{
    Array, ArrowPrimitiveType, Float64Array, Int64Array, ListArray, PrimitiveArray, StringArray,
    StructArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::Field;
use arrow::error::ArrowError;

use super::{PreparedSource, SelectParams, Selection, Weights};
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::span::RequestSpan;
use crate::kernels::text::TopicTrack;
use crate::model::Candidate;
use source::Source;

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
    select_clips_in(signals, shots, cues, lengths, &AskedColumns::of(&spans), weights)
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

/// What each row asks for or knows beside lengths, each column NULL where it does not.
#[derive(Debug, Clone, Copy)]
pub struct AskedColumns<'a> {
    /// Where in the source.
    pub spans: &'a SpanColumns,
    /// What clips are to be about.
    pub topics: Option<&'a StringArray>,
    /// Lists of [`Chapter`](crate::model::Chapter) structs of the sources.
    pub chapters: Option<&'a ListArray>,
    /// Lists of [`Replay`](crate::model::Replay) structs of the sources.
    pub replays: Option<&'a ListArray>,
}

impl<'a> AskedColumns<'a> {
    /// Where in the source, and no more.
    pub fn of(spans: &'a SpanColumns) -> Self {
        Self { spans, topics: None, chapters: None, replays: None }
    }

    /// Whether each column has so many rows.
    fn is_of(&self, rows: usize) -> bool {
        let spans = self.spans.0.iter().all(|column| column.len() == rows);
        let lists = [self.chapters, self.replays].into_iter().flatten().all(|l| l.len() == rows);
        spans && lists && self.topics.is_none_or(|topics| topics.len() == rows)
    }
}

/// As [`select_clips_with`], of requests that may say where in the source, and about what, and of sources of which
/// chapters and replays may be known.
///
/// # Errors
/// As there.
pub fn select_clips_in(
    signals: &ListArray,
    shots: &ListArray,
    cues: &ListArray,
    (min, max, max_clips): (&Float64Array, &Float64Array, &Int64Array),
    asked: &AskedColumns<'_>,
    weights: &Weights,
) -> Result<ListArray> {
    let rows = signals.len();
    let lengths = [shots.len(), cues.len(), min.len(), max.len(), max_clips.len()];
    if lengths.iter().any(|l| *l != rows) || !asked.is_of(rows) {
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
        let source = Source::at((signals, shots, cues), (asked.chapters, asked.replays), i)?;
        let topic = asked.topics.filter(|topics| topics.is_valid(i)).map(|topics| topics.value(i));
        let span = asked.spans.at(i);
        let wanted = RowRequest { params, span, topic: topic.unwrap_or_default().into() };
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

fn column_error(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::InputColumn, message)
}
