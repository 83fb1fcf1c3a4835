//! The selection over Arrow lists: one source and request a row.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, BooleanBuilder, Float64Array, Float64Builder,
    Int64Array, Int64Builder, ListArray, StringBuilder, StructArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::filter;
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type};

use super::{Nullable, PreparedSource, SelectParams, Selection, SourceColumns, Weights};
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::text::ends_sentence;
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
/// (`min_clip_length`, `max_clip_length`, `max_clips`), as a list of [`candidate`] structs.
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
    (min, max, max_clips): (&Float64Array, &Float64Array, &Int64Array),
    weights: &Weights,
) -> Result<ListArray> {
    let rows = signals.len();
    if [shots.len(), cues.len(), min.len(), max.len(), max_clips.len()].iter().any(|l| *l != rows) {
        return Err(column_error(
            "the columns of select_clips differ in length; give columns of one table",
        ));
    }
    let mut last: Option<Row> = None;
    let mut out = Candidates::default();
    let mut lengths = Vec::with_capacity(rows);
    for i in 0..rows {
        let before = out.len();
        if signals.is_valid(i) {
            let source = Source::at(signals, shots, cues, i)?;
            let defaults = SelectParams::default();
            let params = SelectParams {
                min_clip_length: if min.is_valid(i) {
                    min.value(i)
                } else {
                    defaults.min_clip_length
                },
                max_clip_length: if max.is_valid(i) {
                    max.value(i)
                } else {
                    defaults.max_clip_length
                },
                max_clips: if max_clips.is_valid(i) {
                    max_clips.value(i)
                } else {
                    defaults.max_clips
                },
            };
            let row = Row::next(last.take(), source, params, weights)?;
            out.extend(&row.candidates);
            last = Some(row);
        }
        lengths.push(out.len() - before);
    }
    let item = Arc::new(Field::new("item", Candidate::data_type(), true));
    let offsets = OffsetBuffer::from_lengths(lengths);
    let lists =
        ListArray::try_new(item, offsets, Arc::new(out.finish()?), signals.nulls().cloned());
    lists.map_err(|e| {
        Error::new(ErrorCode::Internal, format!("candidates do not make a list: {e}"))
            .with_source(e)
    })
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
    params: SelectParams,
    candidates: Vec<Candidate>,
}

impl Row {
    /// The row after `last`, of whose work as much is kept as `source` and `params` allow.
    fn next(
        last: Option<Row>,
        source: Source,
        params: SelectParams,
        weights: &Weights,
    ) -> Result<Self> {
        let (prepared, done) = match last {
            Some(last) if last.source == source => {
                (last.prepared, (last.params == params).then_some(last.candidates))
            }
            _ => (source.prepare()?, None),
        };
        let candidates = match done {
            Some(candidates) => candidates,
            // Why there is none is for the caller, who knows the source's duration, to say.
            None => prepared
                .select(&params, weights)
                .map_or_else(|_| Vec::new(), |s: Selection| s.candidates),
        };
        Ok(Self { source, prepared, params, candidates })
    }
}

impl Source {
    fn at(signals: &ListArray, shots: &ListArray, cues: &ListArray, i: usize) -> Result<Self> {
        Ok(Self {
            signals: structs(
                "signals",
                signals,
                i,
                &["t", "motion", "luma", "chroma", "caption_density"],
            )?,
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

    fn prepare(&self) -> Result<PreparedSource> {
        let signal = |name| numbers("signals", &self.signals, name);
        let shot = |name| numbers("shots", &self.shots, name);
        let cue = |name| numbers("cues", &self.cues, name);
        let sound = |name| -> Result<Nullable<'_>> {
            let column = signal(name)?;
            Ok(Nullable { values: column.values(), nulls: column.nulls() })
        };
        Ok(PreparedSource::new(&SourceColumns {
            t: signal("t")?.values(),
            motion: signal("motion")?.values(),
            luma: signal("luma")?.values(),
            chroma: signal("chroma")?.values(),
            caption_density: signal("caption_density")?.values(),
            loudness: sound("loudness")?,
            onset: sound("onset")?,
            speech: sound("speech")?,
            silence: sound("silence")?,
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

fn sentence_ends(cues: &StructArray) -> Result<Cow<'static, [bool]>> {
    let text = child("cues", cues, "text")?;
    let ends = |text: Option<&str>| text.is_some_and(ends_sentence);
    Ok(match text.data_type() {
        DataType::Utf8 => text.as_string::<i32>().iter().map(ends).collect(),
        DataType::LargeUtf8 => text.as_string::<i64>().iter().map(ends).collect(),
        DataType::Utf8View => text.as_string_view().iter().map(ends).collect(),
        other => {
            return Err(column_error(format!("cues.text is {other}, not text; cast it to Utf8")));
        }
    })
}

fn column_error(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::InputColumn, message)
}

/// Builders of the candidate columns, in the order of [`Candidate::fields`].
#[derive(Default)]
struct Candidates {
    id: Int64Builder,
    /// `start`, `end`, `duration`.
    times: [Float64Builder; 3],
    kinds: [StringBuilder; 2],
    /// From `motion` to `score`.
    measures: [Float64Builder; 16],
    rank: Int64Builder,
    chosen: BooleanBuilder,
    strengths: StringBuilder,
    reason: StringBuilder,
}

impl Candidates {
    fn len(&self) -> usize {
        use arrow::array::ArrayBuilder;
        self.id.len()
    }

    fn extend(&mut self, candidates: &[Candidate]) {
        for c in candidates {
            self.id.append_value(c.candidate_id);
            for (builder, value) in self.times.iter_mut().zip([c.start, c.end, c.duration]) {
                builder.append_value(value);
            }
            for (builder, kind) in self.kinds.iter_mut().zip([c.start_kind, c.end_kind]) {
                builder.append_value(kind.as_str());
            }
            for (builder, value) in self.measures.iter_mut().zip(measures(c)) {
                builder.append_option(value);
            }
            self.rank.append_value(c.rank);
            self.chosen.append_value(c.chosen);
            self.strengths.append_value(&c.strengths);
            self.reason.append_option(c.reason.as_deref());
        }
    }

    fn finish(mut self) -> Result<StructArray> {
        let mut columns: Vec<ArrayRef> = vec![Arc::new(self.id.finish())];
        columns.extend(self.times.iter_mut().map(|b| Arc::new(b.finish()) as ArrayRef));
        columns.extend(self.kinds.iter_mut().map(|b| Arc::new(b.finish()) as ArrayRef));
        columns.extend(self.measures.iter_mut().map(|b| Arc::new(b.finish()) as ArrayRef));
        columns.push(Arc::new(self.rank.finish()));
        columns.push(Arc::new(self.chosen.finish()));
        columns.push(Arc::new(self.strengths.finish()));
        columns.push(Arc::new(self.reason.finish()));
        StructArray::try_new(Candidate::fields().into(), columns, None).map_err(|e| {
            Error::new(ErrorCode::Internal, format!("candidates do not fit their columns: {e}"))
                .with_source(e)
        })
    }
}

fn measures(c: &Candidate) -> [Option<f64>; 16] {
    [
        Some(c.motion),
        Some(c.cut_rate),
        c.loudness,
        c.loudness_peak,
        c.onset,
        c.speech,
        c.silence,
        Some(c.hook),
        Some(c.luma),
        Some(c.dark),
        Some(c.chroma),
        Some(c.caption_density),
        Some(c.start_quality),
        Some(c.end_quality),
        Some(c.length_fit),
        Some(c.score),
    ]
}
