//! The rows that are worked on: requests for kernels, and analysed sources.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::Field;

use crate::cancel::CancelToken;
use crate::error::{Error, ErrorCode, Result};
use crate::exec::{InputColumn, Work, WorkEnv, WorkKind};
use crate::model::arrays::list_of;
use crate::model::{Cue, Shot, Signal, Transition};

/// Seconds of the source that clips are chosen from.
const SECONDS: f64 = 60.0;

/// `rows` requests as [`ValidateWork`](crate::exec::ValidateWork) reads them.
pub(super) fn requests(first: usize, rows: usize) -> Result<RecordBatch> {
    let rows = first..first + rows;
    let urls =
        rows.clone().map(|i| format!("https://videos.example.org/channel-{}/{i}.mp4", i % 97));
    let urls: ArrayRef = Arc::new(StringArray::from_iter_values(urls));
    let languages: ArrayRef =
        Arc::new(StringArray::from_iter_values(rows.clone().map(|_| "pt-BR")));
    let min = rows.clone().map(|i| 10.0 + (i % 7) as f64);
    let max = rows.clone().map(|i| 30.0 + (i % 11) as f64);
    let clips = rows.map(|i| 1 + (i % 5) as i64);
    batch(vec![
        ("source_url", urls),
        ("language", languages),
        ("min_clip_length", Arc::new(Float64Array::from_iter_values(min))),
        ("max_clip_length", Arc::new(Float64Array::from_iter_values(max))),
        ("max_clips", Arc::new(Int64Array::from_iter_values(clips))),
    ])
}

/// `rows` requests for clips of one analysed source of a minute, as [`SelectWork`](crate::exec::SelectWork) reads them.
pub(super) fn selections(rows: usize) -> Result<RecordBatch> {
    let (signals, shots, cues) = source();
    let first = UInt32Array::from(vec![0; rows]);
    let repeated = |list: ArrayRef| take(&list, &first, None).map_err(unfit);
    batch(vec![
        ("signals", repeated(list_of(&Signal::fields(), &signals)?)?),
        ("shots", repeated(list_of(&Shot::fields(), &shots)?)?),
        ("cues", repeated(list_of(&Cue::fields(), &cues)?)?),
        ("min_clip_length", Arc::new(Float64Array::from(vec![8.0; rows]))),
        ("max_clip_length", Arc::new(Float64Array::from(vec![20.0; rows]))),
        ("max_clips", Arc::new(Int64Array::from(vec![3; rows]))),
    ])
}

/// A source in which everything varies.
fn source() -> (Vec<Signal>, Vec<Shot>, Vec<Cue>) {
    let mut random = fastrand::Rng::with_seed(7);
    let signals = (0..(SECONDS * 4.0) as usize).map(|i| Signal {
        t: i as f64 / 4.0,
        shot_score: random.f64(),
        motion: random.f64() * 0.2,
        luma: random.f64(),
        chroma: random.f64() * 0.3,
        saliency_x: 0.5,
        saliency_y: 0.5,
        loudness: Some(-50.0 + 40.0 * random.f64()),
        onset: Some(random.f64()),
        speech: Some(random.f64()),
        silence: Some(if random.f64() < 0.15 { random.f64() } else { 0.0 }),
        caption_density: random.f64() * 20.0,
    });
    let signals = signals.collect();
    let shots = (0..(SECONDS / 4.0) as i64).map(|i| Shot {
        shot_id: i,
        start: i as f64 * 4.0,
        end: i as f64 * 4.0 + 4.0,
        transition: Transition::Cut,
        score: 0.5,
        first_frame: i * 100,
        last_frame: i * 100 + 99,
        area: None,
    });
    let cues = (0..(SECONDS / 3.0) as i64).map(|i| Cue {
        cue_id: i,
        start: i as f64 * 3.0,
        end: i as f64 * 3.0 + 2.5,
        text: if i % 2 == 0 { "A sentence ends here." } else { "and it goes on" }.to_owned(),
        language: None,
        origin: "sidecar".to_owned(),
        words: None,
    });
    (signals, shots.collect(), cues.collect())
}

/// `rows` requests of which every `1 / share`th makes [`Fragile`] fail.
pub(super) fn fragile_rows(rows: usize, share: f64) -> Result<RecordBatch> {
    let bad = |i: usize| ((i + 1) as f64 * share).floor() > (i as f64 * share).floor();
    let urls = (0..rows).map(|i| if bad(i) { "bad" } else { "good" });
    batch(vec![("source_url", Arc::new(StringArray::from_iter_values(urls)))])
}

/// Work on many rows at once that fails if one of them is bad, as a kernel does that finds a value
/// it cannot take.
#[derive(Debug)]
pub(super) struct Fragile;

impl Work for Fragile {
    fn name(&self) -> &'static str {
        "fragile"
    }

    fn kind(&self) -> WorkKind {
        WorkKind::Cpu
    }

    fn input_columns(&self) -> Vec<InputColumn> {
        vec![InputColumn::any("source_url")]
    }

    fn output_fields(&self) -> Vec<Field> {
        vec![Field::new("digest", arrow::datatypes::DataType::Utf8, true)]
    }

    fn is_bounded(&self) -> bool {
        true
    }

    fn run(&self, rows: &RecordBatch, _: &WorkEnv, _: &CancelToken) -> Result<Vec<ArrayRef>> {
        use arrow::array::AsArray;
        let urls = rows.column_by_name("source_url").and_then(|c| c.as_string_opt::<i32>());
        let digest = |url: Option<&str>| match url {
            Some("bad") | None => Err(Error::new(
                ErrorCode::InvalidRequestBadValue,
                "this row was made to fail; it belongs to a benchmark",
            )),
            Some(url) => Ok(blake3::hash(url.as_bytes()).to_hex().to_string()),
        };
        let digests: Result<Vec<String>> = urls.into_iter().flatten().map(digest).collect();
        Ok(vec![Arc::new(StringArray::from(digests?))])
    }
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> Result<RecordBatch> {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true)))
        .map_err(unfit)
}

fn unfit(cause: arrow::error::ArrowError) -> Error {
    Error::new(ErrorCode::Internal, format!("the benchmark's rows do not fit together ({cause})"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use arrow::array::{Array, AsArray};

    use super::*;
    use crate::exec::{SelectWork, ValidateWork};

    fn run(work: &dyn Work, rows: &RecordBatch) -> Vec<ArrayRef> {
        work.run(rows, &WorkEnv::bare(), &CancelToken::new()).unwrap()
    }

    #[test]
    fn the_rows_are_what_the_kernels_take() {
        let verdicts = run(&ValidateWork, &requests(5, 300).unwrap());
        assert_eq!((verdicts[0].len(), verdicts[0].null_count()), (300, 300), "all are valid");
        let found = run(&SelectWork, &selections(3).unwrap());
        let found = found[0].as_list::<i32>();
        assert_eq!(found.len(), 3);
        assert!((0..3).all(|i| found.value(i).len() > 10), "there is something to choose from");
    }

    #[test]
    fn as_many_rows_are_bad_as_asked_for() {
        for (share, expected) in [(0.0, 0), (0.01, 10), (0.5, 500), (1.0, 1000)] {
            let rows = fragile_rows(1000, share).unwrap();
            let bad = rows.column(0).as_string::<i32>().iter().flatten().filter(|u| *u == "bad");
            assert_eq!(bad.count(), expected);
        }
        let (env, cancel) = (WorkEnv::bare(), CancelToken::new());
        let good = fragile_rows(9, 0.0).unwrap();
        assert_eq!(Fragile.run(&good, &env, &cancel).unwrap()[0].len(), 9);
        let one_bad = fragile_rows(100, 0.01).unwrap();
        assert_eq!(
            Fragile.run(&one_bad, &env, &cancel).unwrap_err().code(),
            ErrorCode::InvalidRequestBadValue
        );
    }
}
