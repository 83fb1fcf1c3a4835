//! Selects the captions of one language from those of all tracks, and merges two lists of captions.

use std::sync::Arc;

use arrow::array::{
    Array, AsArray, BooleanArray, Int64Array, ListArray, StringArray, StructArray, UInt64Array,
};
use arrow::buffer::OffsetBuffer;
use arrow::compute::{cast, concat, filter, take};
use arrow::datatypes::{DataType, Field, Float64Type};
use arrow::error::ArrowError;

use super::text::to_iso639_3;
use crate::error::{Error, ErrorCode, Result};

/// A predicate on language tags: matches the language of `tag`, and unknown languages.
///
/// If `tag` is missing or names no language, it matches all captions.
pub fn in_tag(tag: Option<&str>) -> impl Fn(Option<&str>) -> bool {
    let wanted = tag.and_then(to_iso639_3);
    move |theirs| {
        let theirs = theirs.and_then(to_iso639_3);
        wanted.is_none() || theirs.is_none() || theirs == wanted
    }
}

/// Filters the cues of each row to the language of the row's tag, keeping unknown languages.
///
/// `cues` holds lists of [`crate::model::cue`] structs. NULL lists stay NULL; a NULL tag keeps every cue.
///
/// # Errors
/// `input.column` if the structs have no `language` column of text.
pub fn in_language(cues: &ListArray, tags: &StringArray) -> Result<ListArray> {
    let fault = |e: arrow::error::ArrowError| {
        Error::new(ErrorCode::InputColumn, format!("the captions cannot be read: {e}"))
            .with_source(e)
    };
    let languages =
        cues.values().as_struct_opt().and_then(|s| s.column_by_name("language")).ok_or_else(
            || {
                Error::new(
                    ErrorCode::InputColumn,
                    "captions need a column language; give a list of cues",
                )
            },
        )?;
    let languages = cast(languages, &DataType::Utf8).map_err(fault)?;
    let languages = languages.as_string::<i32>();
    let mut kept = vec![false; languages.len()];
    let mut lengths = Vec::with_capacity(cues.len());
    for row in 0..cues.len() {
        let fits = in_tag(tags.is_valid(row).then(|| tags.value(row)));
        let (from, to) =
            (cues.value_offsets()[row] as usize, cues.value_offsets()[row + 1] as usize);
        let mut count = 0;
        if cues.is_valid(row) {
            for (item, kept) in kept.iter_mut().enumerate().take(to).skip(from) {
                *kept = fits(languages.is_valid(item).then(|| languages.value(item)));
                count += usize::from(*kept);
            }
        }
        lengths.push(count);
    }
    let values = filter(cues.values(), &BooleanArray::from(kept)).map_err(fault)?;
    let DataType::List(item) = cues.data_type() else {
        return Err(Error::new(ErrorCode::InputColumn, "captions must be a list of cues"));
    };
    let offsets = OffsetBuffer::from_lengths(lengths);
    ListArray::try_new(Arc::clone(item), offsets, values, cues.nulls().cloned()).map_err(fault)
}

/// The cues of both lists of each row in order of time, numbered anew. A NULL list is an empty one.
///
/// # Errors
/// `input.column` if they are no lists of [`crate::model::Cue`] structs.
pub fn merged(first: &ListArray, second: &ListArray) -> Result<ListArray> {
    let fault = |e: ArrowError| {
        Error::new(ErrorCode::InputColumn, format!("the captions cannot be merged: {e}"))
            .with_source(e)
    };
    let all = concat(&[first.values().as_ref(), second.values().as_ref()]).map_err(fault)?;
    let no_cues = || Error::new(ErrorCode::InputColumn, "captions must be a list of cues");
    let items = all.as_struct_opt().ok_or_else(no_cues)?;
    let column = |name: &str| items.column_by_name(name).ok_or_else(no_cues);
    let times = |name: &str| {
        let times = column(name)?.as_primitive_opt::<Float64Type>();
        times.map(|times| times.values().to_vec()).ok_or_else(no_cues)
    };
    let (starts, ends) = (times("start")?, times("end")?);
    let span = |list: &ListArray, row: usize| match list.is_valid(row) {
        true => list.value_offsets()[row] as usize..list.value_offsets()[row + 1] as usize,
        false => 0..0,
    };
    let (mut order, mut ids, mut lengths) = (vec![], vec![], vec![]);
    for row in 0..first.len() {
        let of_second = span(second, row);
        let beside = of_second.map(|at| at + first.values().len());
        let mut here: Vec<usize> = span(first, row).chain(beside).collect();
        here.sort_by(|a, b| starts[*a].total_cmp(&starts[*b]).then(ends[*a].total_cmp(&ends[*b])));
        ids.extend(0..here.len() as i64);
        lengths.push(here.len());
        order.extend(here.into_iter().map(|at| at as u64));
    }
    let taken = take(&all, &UInt64Array::from(order), None).map_err(fault)?;
    let (fields, mut columns, nulls) = taken.as_struct().clone().into_parts();
    let at = fields.iter().position(|field| field.name() == "cue_id").ok_or_else(no_cues)?;
    columns[at] = Arc::new(Int64Array::from(ids));
    let items = StructArray::try_new(fields, columns, nulls).map_err(fault)?;
    let item = Arc::new(Field::new_list_field(items.data_type().clone(), true));
    let offsets = OffsetBuffer::from_lengths(lengths);
    ListArray::try_new(item, offsets, Arc::new(items), None).map_err(fault)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::Cue;
    use crate::model::arrays::list_of;

    fn list(rows: &[&[Option<&str>]]) -> ListArray {
        let languages: StringArray = rows.iter().flat_map(|r| r.iter().copied()).collect();
        let ids = Int64Array::from_iter_values(0..languages.len() as i64);
        let fields = vec![
            Field::new("cue_id", DataType::Int64, false),
            Field::new("language", DataType::Utf8, true),
        ];
        let values =
            StructArray::new(fields.into(), vec![Arc::new(ids), Arc::new(languages)], None);
        let item = Arc::new(Field::new_list_field(values.data_type().clone(), false));
        ListArray::new(
            item,
            OffsetBuffer::from_lengths(rows.iter().map(|r| r.len())),
            Arc::new(values),
            None,
        )
    }

    #[test]
    fn merged_cues_are_in_order_and_numbered_anew() {
        let cues = |starts: &[f64]| {
            let cue = |start: &f64| Cue {
                cue_id: 7,
                start: *start,
                end: start + 1.0,
                text: format!("at {start}"),
                language: None,
                origin: "sidecar".into(),
                words: None,
            };
            let cues: Vec<Cue> = starts.iter().map(cue).collect();
            list_of(&Cue::fields(), &cues).unwrap().as_list::<i32>().clone()
        };
        let found = merged(&cues(&[1.0, 5.0]), &cues(&[0.5, 3.0])).unwrap();
        let found = found.value(0);
        let ids = found.as_struct().column_by_name("cue_id").unwrap().clone();
        assert_eq!(ids.as_primitive::<arrow::datatypes::Int64Type>().values(), &[0, 1, 2, 3]);
        let starts = found.as_struct().column_by_name("start").unwrap().clone();
        assert_eq!(starts.as_primitive::<Float64Type>().values(), &[0.5, 1.0, 3.0, 5.0]);
        let none = ListArray::new_null(Arc::new(Field::new_list_field(Cue::data_type(), true)), 1);
        assert_eq!(merged(&cues(&[1.0]), &none).unwrap().value(0).len(), 1);
        assert_eq!(merged(&none, &none).unwrap().value(0).len(), 0);
    }

    #[test]
    fn keeps_the_requested_and_unknown_languages() {
        let cues =
            list(&[&[Some("eng"), Some("deu"), None], &[Some("deu")], &[Some("fra"), Some("eng")]]);
        let tags = StringArray::from(vec![Some("en-US"), Some("en"), None]);
        // Sliced lists have offsets that do not start at 0.
        for from in 0..3 {
            let kept =
                in_language(&cues.slice(from, 3 - from), &tags.slice(from, 3 - from)).unwrap();
            let ids = |row: usize| {
                let items = kept.value(row);
                items
                    .as_struct()
                    .column(0)
                    .as_primitive::<arrow::datatypes::Int64Type>()
                    .values()
                    .to_vec()
            };
            let all: Vec<Vec<i64>> = (0..kept.len()).map(ids).collect();
            assert_eq!(all, vec![vec![0, 2], vec![], vec![4, 5]][from..]);
        }
    }
}
