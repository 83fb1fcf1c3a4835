//! `select_clips(…)`, `cues_in(cues, language)`, `merge_cues(cues, more)` and `no_candidate_message(…)`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StringArray, StructArray, new_null_array};
use arrow::datatypes::{DataType, Field, Fields, Float64Type, Int64Type};
use arrow::error::ArrowError;

use super::columns::{as_type, by_runs, lists, misused, numbers, text};
use super::function::Function;
use crate::error::Result;
use crate::kernels::cues;
use crate::kernels::select::{self, NoCandidate, Weights};
use crate::model::{Candidate, Cue};
use crate::query::arguments::{
    About, Argument, ArgumentKind, FunctionArguments, list_type, section,
};
use crate::query::scoring::{self, LastRead};

pub(super) const SIGNALS: Argument =
    Argument::new("signals", ArgumentKind::Signals, "The signals of a source");
pub(super) const SHOTS: Argument = Argument::new("shots", ArgumentKind::Shots, "Its shots");
pub(super) const CUES: Argument = Argument::new(
    "cues",
    ArgumentKind::Cues,
    "Its cues in the language of the clips, as of cues_in()",
);
pub(super) const MIN: Argument =
    Argument::new("min", ArgumentKind::Number, "Shortest clip in seconds; NULL: 15");
pub(super) const MAX: Argument =
    Argument::new("max", ArgumentKind::Number, "Longest clip in seconds; NULL: 60");
pub(super) const COUNT: Argument =
    Argument::new("n", ArgumentKind::Whole, "Clips to choose at most; NULL: 3");
pub(super) const WEIGHTS: Argument = Argument::new(
    "weights",
    ArgumentKind::Text,
    "Weights of the score in JSON, such as {\"hook\":0.5}; left out: clipflow.weights",
);

/// `select_clips(signals, shots, cues, min_clip_length, max_clip_length, max_clips[, weights])`: every window
/// considered, as a list of [`Candidate`] structs, scored by weights in JSON, which are `clipflow.weights`
/// where they are left out; see [`select::select_clips_with`].
pub fn select_clips() -> Function {
    let arguments =
        FunctionArguments::with_optional_last([SIGNALS, SHOTS, CUES, MIN, MAX, COUNT, WEIGHTS]);
    let about = About::new(
        section::SELECTION,
        "Every window of a source considered for a clip, with its features, its score and whether it is chosen: a list of rows of candidates.",
        r#"SELECT select_clips(signals, shots, cues, 4, 9, 2, '{"hook":0.5}')
FROM source_lists('results')"#,
    );
    let read = LastRead::default();
    let return_type = list_type(Candidate::data_type());
    let function = Function::new("select_clips", arguments, return_type, about, move |args| {
        by_runs(args.get(6), &args[..6], |json, args| {
            let weights = match json {
                Some(json) => *read.get(json, scoring::weights)?,
                None => Weights::default(),
            };
            let (signals, shots, cues) = (lists(&args[0])?, lists(&args[1])?, lists(&args[2])?);
            let (min, max) = (numbers::<Float64Type>(&args[3])?, numbers::<Float64Type>(&args[4])?);
            let lengths = (&min, &max, &numbers::<Int64Type>(&args[5])?);
            Ok(Arc::new(select::select_clips_with(&signals, &shots, &cues, lengths, &weights)?))
        })
    });
    function.with_setting(|settings| settings.weights().map(str::to_owned))
}

/// `cues_in(cues, language)`: the cues of that language and those of an unknown one.
pub fn cues_in() -> Function {
    let arguments = FunctionArguments::new([
        Argument::new("cues", ArgumentKind::Cues, "The cues of a source"),
        Argument::new(
            "language",
            ArgumentKind::Text,
            "A language tag; NULL: cues of every language",
        ),
    ]);
    let about = About::new(
        section::SELECTION,
        "The cues of a language and those of an unknown one.",
        "SELECT cues_in(cues, 'en') FROM source_lists('results')",
    );
    let return_type = list_type(Cue::data_type());
    Function::new("cues_in", arguments, return_type.clone(), about, move |args| {
        let kept = cues::in_language(&lists(&args[0])?, &text(&args[1])?)?;
        as_type(&(Arc::new(with_words(kept)?) as ArrayRef), &return_type)
    })
}

/// `merge_cues(cues, more)`: the cues of both lists in order of time.
pub fn merge_cues() -> Function {
    let arguments = FunctionArguments::new([
        Argument::new("cues", ArgumentKind::Cues, "The cues of a source"),
        Argument::new("more", ArgumentKind::Cues, "Further cues, such as those of a transcript"),
    ]);
    let about = About::new(
        section::SELECTION,
        "The cues of both lists in order of time, numbered anew.",
        "SELECT merge_cues(cues, cues) FROM source_lists('results')",
    );
    let return_type = list_type(Cue::data_type());
    Function::new("merge_cues", arguments, return_type.clone(), about, move |args| {
        // Cues that were read back from results may have other ideas of what may be NULL.
        let of_type = |cues: &ArrayRef| {
            lists(&as_type(&(Arc::new(with_words(lists(cues)?)?) as ArrayRef), &return_type)?)
        };
        let merged = cues::merged(&of_type(&args[0])?, &of_type(&args[1])?)?;
        as_type(&(Arc::new(merged) as ArrayRef), &return_type)
    })
}

/// Adds the column `words`, as NULL, to cues built without it.
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
    let arguments = FunctionArguments::new([
        Argument::new("duration", ArgumentKind::Number, "Duration of the source in seconds"),
        MIN,
        MAX,
    ]);
    let about = About::new(
        section::SELECTION,
        "Why a source gave no clip, as a sentence.",
        "SELECT no_candidate_message(10, 15, 60)",
    );
    Function::new("no_candidate_message", arguments, DataType::Utf8, about, |args| {
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
    })
}
