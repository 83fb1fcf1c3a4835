//! The kernels as Polars expressions: the same functions, by the same names, as in SQL.
//!
//! Each result column has the function's name. An argument that is a literal stands for every row.
//! All work row by row, so they stream; a mistake in an argument's type is an error at `collect`,
//! which [`super::polars_error`] turns back into the crate's.

use arrow::array::{ArrayRef, new_empty_array};
use polars::prelude::{Column, DataType, Expr, Field, PolarsResult, Schema, map_multiple};

use super::crossing::{to_array, to_series};
use super::into_polars;
use crate::kernels::location::Location;
use crate::query::functions::{Function, ids, json, language, select, validate};

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

/// Of a list of [`crate::model::cue`] structs those of a language and those of an unknown one.
pub fn cues_in(cues: Expr, language: Expr) -> Expr {
    expression(select::cues_in(), &[cues, language])
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
    expression(ids::source_location(&base.into()), &[source_url])
}

/// Whether two language tags mean the same language; NULL if either is.
pub fn same_language(left: Expr, right: Expr) -> Expr {
    expression(language::same_language(), &[left, right])
}

/// A value as JSON text; NULL stays NULL.
pub fn json_text(value: Expr) -> Expr {
    expression(json::json_text(), &[value])
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
