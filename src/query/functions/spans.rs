//! Where in the source a request wants its clips, and about what: `select_clips_in(…)`, `select_clips_about(…)`, `span_error(…)`, `outside_message(…)` and
//! `timecode_seconds(text)`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array, StringArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type};

use super::columns::{by_runs, lists, numbers, text};
use super::function::Function;
use super::select::{COUNT, CUES, MAX, MIN, SHOTS, SIGNALS, WEIGHTS};
use crate::error::Result;
use crate::kernels::select::{self, AskedColumns, SpanColumns, Weights};
use crate::kernels::timecode;
use crate::model::Candidate;
use crate::query::arguments::{
    About, Argument, ArgumentKind, FunctionArguments, list_type, section,
};
use crate::query::scoring::{self, LastRead};

const START: Argument = Argument::new(
    "start",
    ArgumentKind::Number,
    "Start of the very clip in seconds; NULL: not said",
);
const END: Argument =
    Argument::new("end", ArgumentKind::Number, "End of the very clip in seconds; NULL: not said");
const WITHIN_START: Argument = Argument::new(
    "within_start",
    ArgumentKind::Number,
    "Where clips may start at the earliest; NULL: anywhere",
);
const WITHIN_END: Argument = Argument::new(
    "within_end",
    ArgumentKind::Number,
    "Where clips may end at the latest; NULL: anywhere",
);

/// `select_clips_in(signals, shots, cues, min, max, n, start, end, within_start, within_end[, weights])`: as
/// [`select_clips`](super::select::select_clips) for requests that may say where in the source.
pub fn select_clips_in() -> Function {
    let about = About::new(
        section::SELECTION,
        "As select_clips, for requests that say where: with start and end that very span is the one candidate, snapped to frames, measured and chosen; else windows that lie within within_start and within_end.",
        "SELECT select_clips_in(signals, shots, cues, 4, 9, 2, NULL, NULL, 5, 30)
FROM source_lists('results')",
    );
    selection("select_clips_in", &[], about)
}

/// `select_clips_about(signals, shots, cues, min, max, n, start, end, within_start, within_end, topic, chapters, replays[,
/// weights])`: as [`select_clips_in`] for requests that may also say what clips are to be about, of sources of which
/// chapters and replays may be known.
pub fn select_clips_about() -> Function {
    let topic = Argument::new(
        "topic",
        ArgumentKind::Text,
        "What clips are to be about, in words of the language of the cues; NULL: anything",
    );
    let chapters = Argument::new(
        "chapters",
        ArgumentKind::Chapters,
        "Its chapters, which are natural places to cut; NULL: none",
    );
    let replays = Argument::new(
        "replays",
        ArgumentKind::Replays,
        "How often its parts are replayed; NULL: not known",
    );
    let about = About::new(
        section::SELECTION,
        "As select_clips_in, for requests with a topic and sources with chapters or a heat map: windows in which the words of the topic are said (topic_match) and which are replayed most (replayed) score higher.",
        "SELECT select_clips_about(signals, shots, cues, 4, 9, 2, NULL, NULL, NULL, NULL, 'a beautiful set', NULL, NULL)
FROM source_lists('results')",
    );
    selection("select_clips_about", &[topic, chapters, replays], about)
}

/// A function that selects clips by where, and by the `further` arguments topic, chapters and replays, if there are any.
fn selection(name: &'static str, further: &[Argument], about: About) -> Function {
    let first = [SIGNALS, SHOTS, CUES, MIN, MAX, COUNT, START, END, WITHIN_START, WITHIN_END];
    let is_about = !further.is_empty();
    let further = further.iter().cloned();
    let list: Vec<Argument> = first.into_iter().chain(further).chain([WEIGHTS]).collect();
    let last = list.len() - 1;
    let arguments = FunctionArguments::with_optional_last(list);
    let read = LastRead::default();
    let return_type = list_type(Candidate::data_type());
    let function = Function::new(name, arguments, return_type, about, move |args| {
        by_runs(args.get(last), &args[..last], |json, args| {
            let weights = match json {
                Some(json) => *read.get(json, scoring::weights)?,
                None => Weights::default(),
            };
            let (signals, shots, cues) = (lists(&args[0])?, lists(&args[1])?, lists(&args[2])?);
            let (min, max) = (numbers::<Float64Type>(&args[3])?, numbers::<Float64Type>(&args[4])?);
            let lengths = (&min, &max, &numbers::<Int64Type>(&args[5])?);
            let spans = SpanColumns::new(times(&args[6..10])?);
            let (topics, chapters, replays) = match is_about {
                true => (Some(text(&args[10])?), Some(lists(&args[11])?), Some(lists(&args[12])?)),
                false => (None, None, None),
            };
            let (topics, chapters, replays) =
                (topics.as_ref(), chapters.as_ref(), replays.as_ref());
            let asked = AskedColumns { topics, chapters, replays, ..AskedColumns::of(&spans) };
            let found =
                select::select_clips_in(&signals, &shots, &cues, lengths, &asked, &weights)?;
            Ok(Arc::new(found))
        })
    });
    function.with_setting(|settings| settings.weights().map(str::to_owned))
}

/// `span_error(start, end, within_start, within_end, min)`: what is wrong with them, as a sentence; NULL where
/// nothing is.
pub fn span_error() -> Function {
    let arguments = FunctionArguments::new([START, END, WITHIN_START, WITHIN_END, MIN]);
    let about = About::new(
        section::REQUESTS,
        "What is wrong with where a request wants its clips, as a sentence; NULL where nothing is.",
        "SELECT span_error(8, 5, NULL, NULL, 15)",
    );
    Function::new("span_error", arguments, DataType::Utf8, about, |args| {
        let (spans, min) = (SpanColumns::new(times(&args[..4])?), number(&args[4])?);
        let sentence = |row: usize| {
            let fault = spans.at(row).check(cell(&min, row)).err();
            fault.map(|e| e.message().to_owned())
        };
        Ok(Arc::new((0..min.len()).map(sentence).collect::<StringArray>()))
    })
}

/// `outside_message(start, end, within_start, within_end, min, duration)`: why a source of that many seconds has
/// no clip there, as a sentence; NULL where it can have one.
pub fn outside_message() -> Function {
    let duration =
        Argument::new("duration", ArgumentKind::Number, "Duration of the source in seconds");
    let arguments = FunctionArguments::new([START, END, WITHIN_START, WITHIN_END, MIN, duration]);
    let about = About::new(
        section::SELECTION,
        "Why a source has no clip where a request wants one, as a sentence; NULL where it can have one.",
        "SELECT outside_message(50, 70, NULL, NULL, 15, 60)",
    );
    Function::new("outside_message", arguments, DataType::Utf8, about, |args| {
        let spans = SpanColumns::new(times(&args[..4])?);
        let (min, duration) = (number(&args[4])?, number(&args[5])?);
        let sentence = |row: usize| {
            spans.at(row).outside(cell(&duration, row)?, cell(&min, row).unwrap_or(0.0))
        };
        Ok(Arc::new((0..min.len()).map(sentence).collect::<StringArray>()))
    })
}

/// `timecode_seconds(text)`: see [`timecode::seconds`].
pub fn timecode_seconds() -> Function {
    let arguments = FunctionArguments::new([Argument::new(
        "text",
        ArgumentKind::Text,
        "Seconds, M:SS or H:MM:SS, each with a fraction if need be",
    )]);
    let about = About::new(
        section::REQUESTS,
        "The seconds of a time such as 8.5, 1:05 or 1:02:03.5; NULL where the text is none.",
        "SELECT timecode_seconds('1:02:03.5')",
    );
    Function::new("timecode_seconds", arguments, DataType::Float64, about, |args| {
        let text = text(&args[0])?;
        let seconds = text.iter().map(|cell| cell.and_then(timecode::seconds));
        Ok(Arc::new(seconds.collect::<Float64Array>()))
    })
}

fn number(column: &ArrayRef) -> Result<Float64Array> {
    numbers::<Float64Type>(column)
}

/// The four columns of a span.
fn times(columns: &[ArrayRef]) -> Result<[Float64Array; 4]> {
    Ok([number(&columns[0])?, number(&columns[1])?, number(&columns[2])?, number(&columns[3])?])
}

fn cell(column: &Float64Array, row: usize) -> Option<f64> {
    column.is_valid(row).then(|| column.value(row))
}
