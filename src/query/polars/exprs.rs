//! The kernels as Polars expressions: the same functions, by the same names, as in SQL.
//!
//! Each result column has the function's name. An argument that is a literal stands for every row.
//! All work row by row, so they stream; a mistake in an argument's type is an error at `collect`,
//! which [`super::polars_error`] turns back into the crate's.

use arrow::array::{ArrayRef, new_empty_array};
use polars::prelude::{Column, DataType, Expr, Field, PolarsResult, Schema, lit, map_multiple};

use super::crossing::{to_array, to_series};
use super::errors::into_polars;
use crate::location::Location;
use crate::query::functions::{
    Function, experiment, ids, json, language, reframe, select, texts, validate, variants,
};

/// What is wrong with a request: a struct of `error_code` and `error_message`, both NULL where it is
/// valid. NULL arguments stand for the defaults.
pub fn validate_request(
    source_url: Expr,
    language: Expr,
    min_clip_length: Expr,
    max_clip_length: Expr,
    max_clips: Expr,
) -> Expr {
    expression(
        validate::validate_request(),
        &[source_url, language, min_clip_length, max_clip_length, max_clips],
    )
}

/// Every window considered for a request, as a list of [`crate::model::candidate`] structs to
/// `explode` and `unnest`. The first three are lists of structs, a source a row; the cues already in
/// the request's language ([`cues_in`]).
pub fn select_clips(
    signals: Expr,
    shots: Expr,
    cues: Expr,
    min_clip_length: Expr,
    max_clip_length: Expr,
    max_clips: Expr,
) -> Expr {
    expression(
        select::select_clips(),
        &[signals, shots, cues, min_clip_length, max_clip_length, max_clips],
    )
}

/// As [`select_clips`], scored by `weights`: JSON such as `{"hook":0.5}`, what is left out having its default.
pub fn select_clips_with(
    signals: Expr,
    shots: Expr,
    cues: Expr,
    [min_clip_length, max_clip_length, max_clips]: [Expr; 3],
    weights: Expr,
) -> Expr {
    expression(
        select::select_clips(),
        &[signals, shots, cues, min_clip_length, max_clip_length, max_clips, weights],
    )
}

/// Of a list of [`crate::model::cue`] structs those of a language and those of an unknown one.
pub fn cues_in(cues: Expr, language: Expr) -> Expr {
    expression(select::cues_in(), &[cues, language])
}

/// What making variants needs to know of a clip, as a struct; the first three are lists of structs, a
/// source a row, the cues already in the clip's language. See [`crate::kernels::variants::ClipBrief`].
pub fn clip_brief(
    signals: Expr,
    shots: Expr,
    cues: Expr,
    [language, topic]: [Expr; 2],
    [width, height, fps]: [Expr; 3],
    [start, end]: [Expr; 2],
    [min_clip_length, max_clip_length]: [Expr; 2],
) -> Expr {
    let (least, most) = (min_clip_length, max_clip_length);
    let arguments =
        [signals, shots, cues, language, topic, width, height, fps, start, end, least, most];
    expression(variants::clip_brief(), &arguments)
}

/// A [`clip_brief`] with `texts` (a struct of [`crate::model::clip_text`]'s columns) in place of its own;
/// NULL leaves it as it is.
pub fn with_texts(brief: Expr, texts: Expr) -> Expr {
    expression(variants::with_texts(), &[brief, texts])
}

/// The best `n` variants of a clip, as a list of [`crate::model::variant`] structs to `explode` and
/// `unnest`. `audience` is JSON or NULL, `platforms` names with commas between, or NULL for those of the audience, or all, `captions` `burned`, `soft`, `sidecar`, `off` or NULL.
pub fn make_variants(
    brief: Expr,
    n: Expr,
    audience: Expr,
    [platforms, captions]: [Expr; 2],
) -> Expr {
    expression(variants::make_variants(), &[brief, n, audience, platforms, captions])
}

/// As [`make_variants`], scored by `model`: the JSON of a [`ScoreModel`](crate::kernels::score::ScoreModel).
pub fn make_variants_with(
    brief: Expr,
    n: Expr,
    audience: Expr,
    [platforms, captions]: [Expr; 2],
    model: Expr,
) -> Expr {
    expression(variants::make_variants(), &[brief, n, audience, platforms, captions, model])
}

/// The path of a cropped window as a list of structs `t`, `x`, `y`; see
/// [`crate::kernels::reframe::reframe_path`]. `signals` and `shots` are lists of structs, a source a row;
/// `span` is start and end in seconds, the sizes are width and height.
pub fn reframe_path(
    signals: Expr,
    shots: Expr,
    [start, end]: [Expr; 2],
    [source_width, source_height]: [Expr; 2],
    [width, height]: [Expr; 2],
) -> Expr {
    expression(
        reframe::reframe_path(),
        &[signals, shots, start, end, source_width, source_height, width, height],
    )
}

/// Why a source of `duration` seconds gave no clip, as a sentence.
pub fn no_candidate_message(duration: Expr, min_clip_length: Expr, max_clip_length: Expr) -> Expr {
    expression(select::no_candidate_message(), &[duration, min_clip_length, max_clip_length])
}

/// 16 hexadecimal digits that stand for the values; see [`crate::kernels::ids::stable_id`]. At least
/// one value, else `collect` fails.
pub fn stable_id(values: &[Expr]) -> Expr {
    expression(ids::stable_id(), values)
}

/// The absolute place of a `source_url`, relative ones against `base`; see
/// [`Location::resolve`].
pub fn source_location(source_url: Expr, base: impl Into<Location>) -> Expr {
    let base = match base.into().absolute() {
        Location::Path(path) => path.to_string_lossy().into_owned(),
        Location::Url(url) => url.to_string(),
    };
    expression(ids::source_location(), &[source_url, lit(base)])
}

/// A source as it may be shown: without signatures and keys; see
/// [`crate::location::without_signature`].
pub fn without_signature(source_url: Expr) -> Expr {
    expression(ids::without_signature(), &[source_url])
}

/// Whether two language tags mean the same language; NULL if either is.
pub fn same_language(left: Expr, right: Expr) -> Expr {
    expression(language::same_language(), &[left, right])
}

/// A value as JSON text; NULL stays NULL.
pub fn json_text(value: Expr) -> Expr {
    expression(json::json_text(), &[value])
}

/// What a text is about: a list of structs of `text` and `weight`, at most `most`; see
/// [`crate::kernels::text::keyphrases`].
pub fn keyphrases(text: Expr, language: Expr, most: Expr) -> Expr {
    expression(texts::keyphrases(), &[text, language, most])
}

/// Hashtags of [`keyphrases`], those of the audience's interests (a list of texts, or JSON) first; see
/// [`crate::kernels::text::hashtags`].
pub fn hashtags(keyphrases: Expr, interests: Expr, most: Expr) -> Expr {
    expression(texts::hashtags(), &[keyphrases, interests, most])
}

/// A title from what is said, in at most `most_chars` characters as a reader counts; NULL where nothing
/// is said.
pub fn clip_title(text: Expr, language: Expr, most_chars: Expr) -> Expr {
    expression(texts::clip_title(), &[text, language, most_chars])
}

/// The score interval of a rate, as a struct of `low` and `high`; see
/// [`crate::kernels::experiment::wilson`].
pub fn wilson(successes: Expr, trials: Expr, confidence: Expr) -> Expr {
    expression(experiment::wilson(), &[successes, trials, confidence])
}

/// Whether two rates differ, as a struct of `z` and `p`; each is successes and trials. See
/// [`crate::kernels::experiment::two_proportion_z`].
pub fn two_proportion_z([k1, n1]: [Expr; 2], [k2, n2]: [Expr; 2]) -> Expr {
    expression(experiment::two_proportion_z(), &[k1, n1, k2, n2])
}

/// The interval of the first rate less the second, as a struct of `low` and `high`; see
/// [`crate::kernels::experiment::difference_interval`].
pub fn difference_interval([k1, n1]: [Expr; 2], [k2, n2]: [Expr; 2], confidence: Expr) -> Expr {
    expression(experiment::difference_interval(), &[k1, n1, k2, n2, confidence])
}

/// Lists of p-values, corrected for their number; see [`crate::kernels::experiment::holm`].
pub fn holm(p_values: Expr) -> Expr {
    expression(experiment::holm(), &[p_values])
}

/// The difference from `rate` that so many trials would show; see
/// [`crate::kernels::experiment::min_detectable_effect`].
pub fn min_detectable_effect(rate: Expr, trials1: Expr, trials2: Expr) -> Expr {
    expression(experiment::min_detectable_effect(), &[rate, trials1, trials2])
}

/// How to share out the next trials among arms, whose counts are two lists; see
/// [`crate::kernels::experiment::thompson_split`].
pub fn thompson_split(successes: Expr, trials: Expr, seed: Expr) -> Expr {
    expression(experiment::thompson_split(), &[successes, trials, seed])
}

/// `function` over the columns that `arguments` give.
pub(super) fn expression(function: Function, arguments: &[Expr]) -> Expr {
    let name = function.name;
    let empty = new_empty_array(&function.return_type);
    let output = move |_: &Schema, _: &[Field]| Ok(Field::new(name.into(), dtype(name, &empty)?));
    let fun = move |columns: &mut [Column]| {
        let rows = common_length(columns);
        let arrays = columns.iter().map(|c| to_array(broadcast(c, rows).as_materialized_series()));
        let result =
            arrays.collect::<Result<Vec<_>, _>>().and_then(|arrays| function.call(&arrays));
        let series = result.and_then(|array| to_series(name, &[array]));
        series.map(Column::from).map_err(into_polars)
    };
    map_multiple(fun, arguments, output).alias(name)
}

fn dtype(name: &str, empty: &ArrayRef) -> PolarsResult<DataType> {
    let series = to_series(name, std::slice::from_ref(empty)).map_err(into_polars)?;
    Ok(series.dtype().clone())
}

/// The rows of columns among which those of one row, literals mostly, stand for any number.
fn common_length(columns: &[Column]) -> usize {
    let lengths = || columns.iter().map(Column::len);
    lengths().find(|l| *l != 1).unwrap_or_else(|| lengths().next().unwrap_or(0))
}

fn broadcast(column: &Column, rows: usize) -> Column {
    if column.len() == 1 && rows != 1 { column.new_from_index(0, rows) } else { column.clone() }
}
