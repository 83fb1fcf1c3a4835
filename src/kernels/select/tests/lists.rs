//! The same over Arrow lists.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Int64Array, ListArray, StringArray, StructArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Float64Type};

use super::{noisy_source, params, select};
use crate::error::ErrorCode;
use crate::kernels::select::{SelectParams, select_clips};
use crate::model::{Candidate, Cue, Shot, Signal};

fn floats(values: impl Iterator<Item = Option<f64>>) -> ArrayRef {
    Arc::new(values.collect::<Float64Array>())
}

type Named<'a> = Vec<(&'a str, ArrayRef)>;

fn numbers(shots: &[&Shot], of: fn(&Shot) -> i64) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(shots.iter().map(|s| of(s))))
}

fn lists(lengths: &[usize], columns: Named<'_>) -> ListArray {
    let fields: Vec<Field> =
        columns.iter().map(|(n, a)| Field::new(*n, a.data_type().clone(), true)).collect();
    let values = StructArray::new(fields.into(), columns.into_iter().map(|c| c.1).collect(), None);
    let item = Arc::new(Field::new("item", values.data_type().clone(), true));
    ListArray::new(
        item,
        OffsetBuffer::from_lengths(lengths.iter().copied()),
        Arc::new(values),
        None,
    )
}

type Source = (Vec<Signal>, Vec<Shot>, Vec<Cue>);

/// The lists of `sources`, with the struct columns in an order of their own and some we do not know.
fn source_lists(sources: &[Source]) -> (ListArray, ListArray, ListArray) {
    let signals: Vec<&Signal> = sources.iter().flat_map(|s| &s.0).collect();
    let shots: Vec<&Shot> = sources.iter().flat_map(|s| &s.1).collect();
    let cues: Vec<&Cue> = sources.iter().flat_map(|s| &s.2).collect();
    let signal = |get: fn(&Signal) -> Option<f64>| floats(signals.iter().map(|s| get(s)));
    let lengths = |of: fn(&Source) -> usize| sources.iter().map(of).collect::<Vec<_>>();
    (
        lists(
            &lengths(|s| s.0.len()),
            vec![
                ("silence", signal(|s| s.silence)),
                ("speech", signal(|s| s.speech)),
                ("onset", signal(|s| s.onset)),
                ("loudness", signal(|s| s.loudness)),
                ("caption_density", signal(|s| Some(s.caption_density))),
                ("chroma", signal(|s| Some(s.chroma))),
                ("luma", signal(|s| Some(s.luma))),
                ("motion", signal(|s| Some(s.motion))),
                ("unknown", signal(|_| None)),
                ("t", signal(|s| Some(s.t))),
            ],
        ),
        lists(
            &lengths(|s| s.1.len()),
            vec![
                ("score", floats(shots.iter().map(|s| Some(s.score)))),
                ("end", floats(shots.iter().map(|s| Some(s.end)))),
                ("start", floats(shots.iter().map(|s| Some(s.start)))),
                ("last_frame", numbers(&shots, |s| s.last_frame)),
                ("first_frame", numbers(&shots, |s| s.first_frame)),
            ],
        ),
        lists(
            &lengths(|s| s.2.len()),
            vec![
                ("text", Arc::new(StringArray::from_iter_values(cues.iter().map(|c| &c.text)))),
                ("start", floats(cues.iter().map(|c| Some(c.start)))),
                ("end", floats(cues.iter().map(|c| Some(c.end)))),
            ],
        ),
    )
}

#[test]
fn lists_give_what_rows_give() {
    let mut silent = noisy_source(2, 90.0);
    for s in &mut silent.0 {
        (s.loudness, s.onset, s.speech, s.silence) = (None, None, None, None);
    }
    let sources = [
        noisy_source(1, 120.0),
        noisy_source(1, 120.0),
        noisy_source(1, 120.0),
        silent,
        noisy_source(3, 10.0),
    ];
    let (signals, shots, cues) = source_lists(&sources);
    let min = Float64Array::from(vec![Some(5.0), Some(5.0), None, Some(8.0), Some(15.0)]);
    let max = Float64Array::from(vec![Some(20.0), Some(20.0), None, Some(8.0), Some(60.0)]);
    let clips = Int64Array::from(vec![Some(2), Some(2), None, Some(1), Some(1)]);
    let answer = select_clips(&signals, &shots, &cues, &min, &max, &clips).unwrap();
    assert_eq!(answer.value_type(), Candidate::data_type());
    let want =
        [params(5.0, 20.0, 2), params(5.0, 20.0, 2), SelectParams::default(), params(8.0, 8.0, 1)];
    for (i, params) in want.iter().enumerate() {
        let want = select(&sources[i].0, &sources[i].1, &sources[i].2, params).unwrap().candidates;
        let got = answer.value(i);
        let got = got.as_struct();
        assert_eq!(got.len(), want.len());
        let number = |name: &str, j: usize| {
            let column = got.column_by_name(name).unwrap().as_primitive::<Float64Type>();
            column.is_valid(j).then(|| column.value(j))
        };
        let text = |name: &str, j: usize| {
            let column = got.column_by_name(name).unwrap().as_string::<i32>();
            column.is_valid(j).then(|| column.value(j).to_owned())
        };
        for (j, c) in want.iter().enumerate() {
            // Every number by its name: a column out of place would show.
            let row = serde_json::to_value(c).unwrap();
            for field in Candidate::fields() {
                match field.data_type() {
                    DataType::Float64 => {
                        assert_eq!(number(field.name(), j), row[field.name()].as_f64(), "{field}");
                    }
                    DataType::Utf8 => {
                        assert_eq!(
                            text(field.name(), j).as_deref(),
                            row[field.name()].as_str(),
                            "{field}"
                        );
                    }
                    _ => {}
                }
            }
            assert_eq!(got.column_by_name("chosen").unwrap().as_boolean().value(j), c.chosen);
        }
    }
    assert!(answer.is_valid(4) && answer.value(4).is_empty());
}

#[test]
fn null_rows_and_null_structs_are_no_rows() {
    let source = noisy_source(1, 60.0);
    let (signals, shots, _) = source_lists(&[source.clone(), source.clone()]);
    // What an outer join leaves where a source has no cues: one struct of NULLs.
    let nothing = || floats(std::iter::repeat_n(None, 2));
    let text: ArrayRef = Arc::new(StringArray::new_null(2));
    let cues = lists(&[1, 1], vec![("start", nothing()), ("end", nothing()), ("text", text)]);
    let (item, offsets, values, _) = signals.into_parts();
    let signals = ListArray::new(item, offsets, values, Some(NullBuffer::from(vec![true, false])));
    let (min, max, clips) =
        (Float64Array::new_null(2), Float64Array::new_null(2), Int64Array::new_null(2));
    let answer = select_clips(&signals, &shots, &cues, &min, &max, &clips).unwrap();
    let want = select(&source.0, &source.1, &[], &SelectParams::default()).unwrap();
    assert_eq!(answer.value(0).len(), want.candidates.len());
    assert!(answer.is_null(1));
}

#[test]
fn a_missing_or_wrong_column_is_named() {
    let (signals, shots, cues) = source_lists(&[noisy_source(1, 60.0)]);
    let (min, max, clips) =
        (Float64Array::new_null(1), Float64Array::new_null(1), Int64Array::new_null(1));
    let missing = select_clips(&shots, &shots, &cues, &min, &max, &clips).unwrap_err();
    assert_eq!(missing.code(), ErrorCode::InputColumn);
    assert_eq!(
        missing.message(),
        "signals has no column t; it has score, end, start, last_frame, first_frame"
    );
    let number: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let wrong =
        lists(&[1], vec![("start", number.clone()), ("end", number.clone()), ("score", number)]);
    let wrong = select_clips(&signals, &wrong, &cues, &min, &max, &clips).unwrap_err();
    assert_eq!(wrong.message(), "shots.start is Int64, not Float64; cast it");
    let short = select_clips(&signals, &shots, &cues, &Float64Array::new_null(2), &max, &clips)
        .unwrap_err();
    assert_eq!(short.code(), ErrorCode::InputColumn);
}
