//! Selects the captions of one language from those of all tracks.

use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, ListArray, StringArray};
use arrow::buffer::OffsetBuffer;
use arrow::compute::{cast, filter};
use arrow::datatypes::DataType;

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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use arrow::array::{Int64Array, StructArray};
    use arrow::datatypes::Field;

    use super::*;

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
