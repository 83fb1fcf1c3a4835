//! `select_clips(…)`, `cues_in(cues, language)` and `no_candidate_message(…)`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StringArray, StructArray, new_null_array};
use arrow::datatypes::{DataType, Field, Fields, Float64Type, Int64Type};
use arrow::error::ArrowError;

use super::{Function, as_type, misused, numbers, text};
use crate::error::Result;
use crate::kernels::cues;
use crate::kernels::select::{self, NoCandidate, Weights};
use crate::model::{Candidate, Cue, Shot, Signal};

/// `select_clips(signals, shots, cues, min_clip_length, max_clip_length, max_clips)`: every window
/// considered, as a list of [`candidate`] structs, scored by `weights`; see [`select::select_clips_with`].
pub fn select_clips(weights: Weights) -> Function {
    Function::new(
        "select_clips",
        Some(&["signals", "shots", "cues", "min", "max", "n"]),
        list_type(Candidate::data_type()),
        move |args| {
            let signals = list(&args[0], Signal::data_type())?;
            let shots = list(&args[1], Shot::data_type())?;
            let cues = list(&args[2], Cue::data_type())?;
            let (min, max) = (numbers::<Float64Type>(&args[3])?, numbers::<Float64Type>(&args[4])?);
            let max_clips = numbers::<Int64Type>(&args[5])?;
            let lengths = (&min, &max, &max_clips);
            Ok(Arc::new(select::select_clips_with(&signals, &shots, &cues, lengths, &weights)?))
        },
    )
}

/// `cues_in(cues, language)`: the cues of that language and those of an unknown one.
pub fn cues_in() -> Function {
    let return_type = list_type(Cue::data_type());
    Function::new("cues_in", Some(&["cues", "language"]), return_type.clone(), move |args| {
        let kept = cues::in_language(&list(&args[0], Cue::data_type())?, &text(&args[1])?)?;
        as_type(&(Arc::new(with_words(kept)?) as ArrayRef), &return_type)
    })
}

/// Cues that were put together without the times of their words.
fn with_words(cues: ListArray) -> Result<ListArray> {
    let (DataType::Struct(fields), Some(items)) = (Cue::data_type(), cues.values().as_struct_opt())
    else {
        return Ok(cues);
    };
    let (Some((_, words)), None) = (fields.find("words"), items.column_by_name("words")) else {
        return Ok(cues);
    };
    let (own, mut columns, nulls) = items.clone().into_parts();
    columns.push(new_null_array(words.data_type(), cues.values().len()));
    let own: Fields = own.iter().chain([words]).cloned().collect();
    let unfit = |e: ArrowError| misused(format!("cues cannot be read: {e}")).with_source(e);
    let items = StructArray::try_new(own, columns, nulls).map_err(unfit)?;
    let (_, offsets, _, nulls) = cues.into_parts();
    let item = Field::new_list_field(items.data_type().clone(), true);
    ListArray::try_new(Arc::new(item), offsets, Arc::new(items), nulls).map_err(unfit)
}

/// `no_candidate_message(duration, min_clip_length, max_clip_length)`: why a source of that many
/// seconds gave no clip, as a sentence.
pub fn no_candidate_message() -> Function {
    Function::new(
        "no_candidate_message",
        Some(&["duration", "min", "max"]),
        DataType::Utf8,
        |args| {
            let numbers = args.iter().map(numbers::<Float64Type>).collect::<Result<Vec<_>>>()?;
            let sentence = |row: usize| {
                let (duration, min, max) =
                    (numbers[0].value(row), numbers[1].value(row), numbers[2].value(row));
                if numbers[0].is_null(row) || duration >= min {
                    format!(
                        "no window of {min} to {max} s of the source is worth a clip; widen the lengths"
                    )
                } else {
                    NoCandidate::SourceTooShort { duration, min }.to_string()
                }
            };
            Ok(Arc::new(StringArray::from_iter_values((0..numbers[0].len()).map(sentence))))
        },
    )
}

pub(super) fn list_type(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(item, true)))
}

/// A list column; NULL alone, which has no type, is a column of NULL lists of `item`.
pub(super) fn list(column: &ArrayRef, item: DataType) -> Result<ListArray> {
    let column = match column.data_type() {
        DataType::Null => new_null_array(&list_type(item), column.len()),
        _ => Arc::clone(column),
    };
    column.as_list_opt::<i32>().cloned().ok_or_else(|| {
        misused(format!(
            "signals, shots and cues are given as lists of structs, not {}",
            column.data_type()
        ))
    })
}
