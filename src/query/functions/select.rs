//! `select_clips(…)`, `cues_in(cues, language)` and `no_candidate_message(…)`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type};
use datafusion::common::plan_datafusion_err;
use datafusion::error::Result;
use datafusion::logical_expr::{ScalarUDF, Signature, Volatility};

use super::{array_function, external, text};
use crate::kernels::select::{self, NoCandidate};
use crate::kernels::cues;
use crate::model::{candidate, cue};

/// `select_clips(signals, shots, cues, min_clip_length, max_clip_length, max_clips)`: every window
/// considered, as a list of [`candidate`] structs; see [`select::select_clips`].
pub fn select_clips() -> ScalarUDF {
    let return_type = list_type(candidate::data_type());
    array_function("select_clips", Signature::any(6, Volatility::Immutable), return_type, |args| {
        let (signals, shots, cues) = (list(&args[0])?, list(&args[1])?, list(&args[2])?);
        let (min, max) = (cast(&args[3], &DataType::Float64)?, cast(&args[4], &DataType::Float64)?);
        let clips = cast(&args[5], &DataType::Int64)?;
        let (min, max) = (min.as_primitive::<Float64Type>(), max.as_primitive::<Float64Type>());
        let chosen = select::select_clips(signals, shots, cues, min, max, clips.as_primitive::<Int64Type>());
        Ok(Arc::new(chosen.map_err(external)?) as ArrayRef)
    })
}

/// `cues_in(cues, language)`: the cues of that language and those of an unknown one.
pub fn cues_in() -> ScalarUDF {
    let return_type = list_type(cue::data_type());
    array_function("cues_in", Signature::any(2, Volatility::Immutable), return_type.clone(), move |args| {
        let kept = cues::in_language(list(&args[0])?, &text(&args[1])?).map_err(external)?;
        Ok(cast(&kept, &return_type)?)
    })
}

/// `no_candidate_message(duration, min_clip_length, max_clip_length)`: why a source of that many
/// seconds gave no clip, as a sentence.
pub fn no_candidate_message() -> ScalarUDF {
    array_function("no_candidate_message", Signature::any(3, Volatility::Immutable), DataType::Utf8, |args| {
        let numbers = args.iter().map(|a| cast(a, &DataType::Float64)).collect::<std::result::Result<Vec<_>, _>>()?;
        let numbers: Vec<_> = numbers.iter().map(|a| a.as_primitive::<Float64Type>()).collect();
        let sentence = |row: usize| {
            let (duration, min, max) = (numbers[0].value(row), numbers[1].value(row), numbers[2].value(row));
            if numbers[0].is_null(row) || duration >= min {
                format!("no window of {min} to {max} s of the source is worth a clip; widen the lengths")
            } else {
                NoCandidate::SourceTooShort { duration, min }.to_string()
            }
        };
        let sentences = StringArray::from_iter_values((0..numbers[0].len()).map(sentence));
        Ok(Arc::new(sentences) as ArrayRef)
    })
}

fn list_type(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(item, true)))
}

fn list(array: &ArrayRef) -> Result<&ListArray> {
    array.as_list_opt::<i32>().ok_or_else(|| {
        plan_datafusion_err!("select_clips takes lists of signals, shots and cues, not {}", array.data_type())
    })
}
