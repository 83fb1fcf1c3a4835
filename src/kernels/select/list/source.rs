//! The columns of the source of one row, out of Arrow lists of structs.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, ListArray, StructArray};
use arrow::buffer::NullBuffer;
use arrow::compute::filter;
use arrow::datatypes::{DataType, Float64Type, Int64Type};

use super::column_error;
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::select::{
    Nullable, PreparedSource, SourceColumns, SourceMarks, Track, WordTimes,
};
use crate::kernels::text::{TopicTrack, ends_sentence};

/// The structs of one row, without NULL ones.
#[derive(PartialEq)]
pub(super) struct Source {
    signals: StructArray,
    shots: StructArray,
    cues: StructArray,
    page: SourceMarks,
}

impl Source {
    pub(super) fn at(
        (signals, shots, cues): (&ListArray, &ListArray, &ListArray),
        (chapters, replays): (Option<&ListArray>, Option<&ListArray>),
        i: usize,
    ) -> Result<Self> {
        let seen = Track::ALL.into_iter().filter(|track| !track.is_sound()).map(Track::column);
        let required: Vec<&str> = ["t"].into_iter().chain(seen).collect();
        Ok(Self {
            signals: structs("signals", signals, i, &required)?,
            shots: structs("shots", shots, i, &["start", "end", "score"])?,
            cues: structs("cues", cues, i, &["start", "end", "text"])?,
            page: page(chapters, replays, i)?,
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
    pub(super) fn topic(&self, topic: &str) -> Result<Option<TopicTrack>> {
        if topic.trim().is_empty() {
            return Ok(None);
        }
        let times = |name| Ok::<_, Error>(numbers("cues", &self.cues, name)?.values().iter());
        let texts = texts(&self.cues)?;
        let spans = times("start")?.zip(times("end")?).zip(&texts);
        let lines: Vec<(f64, f64, &str)> =
            spans.map(|((start, end), text)| (*start, *end, text.unwrap_or_default())).collect();
        let language = self.cues.column_by_name("language").map(|column| any_texts("cues", column));
        let language = language.transpose()?.unwrap_or_default().into_iter().flatten().next();
        Ok(TopicTrack::new(&lines, topic, language))
    }

    pub(super) fn prepare(&self) -> Result<PreparedSource> {
        let signal = |name| numbers("signals", &self.signals, name);
        let shot = |name| numbers("shots", &self.shots, name);
        let cue = |name| numbers("cues", &self.cues, name);
        let mut tracks = [Nullable::default(); Track::COUNT];
        for (cells, track) in tracks.iter_mut().zip(Track::ALL) {
            let column = signal(track.column())?;
            *cells = Nullable { values: column.values(), nulls: column.nulls() };
        }
        let columns = SourceColumns {
            t: signal("t")?.values(),
            tracks,
            shot_start: shot("start")?.values(),
            shot_end: shot("end")?.values(),
            shot_score: shot("score")?.values(),
            shot_frames: self.shot_frames(),
            cue_start: cue("start")?.values(),
            cue_end: cue("end")?.values(),
            cue_ends_sentence: &sentence_ends(&self.cues)?,
            words: &word_times(&self.cues)?,
        };
        Ok(PreparedSource::new(&columns).with_page(self.page.clone()))
    }
}

/// What rows `i` of chapters and replays tell.
fn page(
    chapters: Option<&ListArray>,
    replays: Option<&ListArray>,
    i: usize,
) -> Result<SourceMarks> {
    let rows = |table, lists: Option<&ListArray>, required: &[&str]| {
        lists.map(|lists| structs(table, lists, i, required)).transpose()
    };
    let column = |table, rows: &Option<StructArray>, name| -> Result<Vec<f64>> {
        let Some(rows) = rows.as_ref().filter(|rows| !rows.is_empty()) else { return Ok(vec![]) };
        Ok(numbers(table, rows, name)?.values().to_vec())
    };
    let chapters = rows("chapters", chapters, &["start"])?;
    let replays = rows("replays", replays, &["start", "end", "value"])?;
    let part = |name| column("replays", &replays, name);
    let parts = part("start")?.into_iter().zip(part("end")?).zip(part("value")?);
    let parts = parts.map(|((start, end), value)| (start, end, value));
    Ok(SourceMarks::of(column("chapters", &chapters, "start")?.into_iter(), parts))
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

/// When words are said, of the cues that tell.
fn word_times(cues: &StructArray) -> Result<Vec<(f64, f64)>> {
    let words = cues.column_by_name("words").and_then(|column| column.as_list_opt::<i32>());
    let Some(lists) = words.filter(|lists| lists.values().as_struct_opt().is_some()) else {
        return Ok(vec![]);
    };
    let ends = numbers("cues", cues, "end")?;
    let mut times = vec![];
    for i in (0..lists.len()).filter(|i| lists.is_valid(*i)) {
        let words = structs("words", lists, i, &["start", "text"])?;
        let starts = numbers("words", &words, "start")?.values();
        let texts = any_texts("words", child("words", &words, "text")?)?;
        let said = starts.iter().copied().zip(texts.into_iter().map(Option::unwrap_or_default));
        times.extend(WordTimes::of_cue(said, ends.value(i)));
    }
    Ok(times)
}

/// The texts of the cues, whichever type of text they are.
fn texts(cues: &StructArray) -> Result<Vec<Option<&str>>> {
    any_texts("cues", child("cues", cues, "text")?)
}

fn any_texts<'a>(table: &str, text: &'a ArrayRef) -> Result<Vec<Option<&'a str>>> {
    Ok(match text.data_type() {
        DataType::Utf8 => text.as_string::<i32>().iter().collect(),
        DataType::LargeUtf8 => text.as_string::<i64>().iter().collect(),
        DataType::Utf8View => text.as_string_view().iter().collect(),
        other => {
            return Err(column_error(format!(
                "{table}.text is {other}, not text; cast it to Utf8"
            )));
        }
    })
}
