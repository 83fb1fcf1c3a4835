//! `keyphrases(text, language, most)`, `hashtags(keyphrases, interests, most)` and
//! `clip_title(text, language, most_chars)`.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, ListArray, ListBuilder, StringArray, StringBuilder,
    StructArray, new_null_array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type};
use serde_json::Value;

use super::{Function, as_type, misused, numbers, text};
use crate::error::Result;
use crate::kernels::text::{self as kernel, Line, Script, TextInput, TitleStyle};
use crate::model::{AudienceProfile, Keyphrase};

/// Keyphrases and hashtags where no number is given.
const MOST: usize = 10;
/// Characters of a title where no number is given.
const MOST_CHARS: usize = 100;

/// `keyphrases(text, language, most)`: a list of structs of `text` and `weight`; see
/// [`kernel::keyphrases`]. Of a NULL language the text's own is recognised; NULL stays NULL.
pub fn keyphrases() -> Function {
    let item = Arc::new(Field::new_list_field(Keyphrase::data_type(), true));
    let return_type = DataType::List(Arc::clone(&item));
    Function::new("keyphrases", Some(&["text", "language", "n"]), return_type, move |args| {
        let (texts, languages) = (text(&args[0])?, text(&args[1])?);
        let most = most(&args[2], MOST)?;
        let mut found: Vec<Keyphrase> = vec![];
        let mut lengths = vec![];
        for (row, most) in most.into_iter().enumerate() {
            let before = found.len();
            if let Some(text) = at(&texts, row) {
                found.extend(kernel::keyphrases(text, at(&languages, row), most));
            }
            lengths.push(found.len() - before);
        }
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from_iter_values(found.iter().map(|k| k.text.as_str()))),
            Arc::new(Float64Array::from_iter_values(found.iter().map(|k| k.weight))),
        ];
        let rows = StructArray::try_new(Keyphrase::fields().into(), columns, None);
        let rows = rows.map_err(|e| misused(e.to_string()).with_source(e))?;
        let offsets = OffsetBuffer::from_lengths(lengths);
        let lists = ListArray::try_new(Arc::clone(&item), offsets, Arc::new(rows), nulls(&texts));
        Ok(Arc::new(lists.map_err(|e| misused(e.to_string()).with_source(e))?))
    })
}

/// `hashtags(keyphrases, interests, most)`: a list of texts; see [`kernel::hashtags`]. Keyphrases are
/// a list of such structs or of texts; interests a list of texts, JSON text (a list, or an audience
/// profile) or NULL.
pub fn hashtags() -> Function {
    let item = Arc::new(Field::new_list_field(DataType::Utf8, true));
    let return_type = DataType::List(item);
    Function::new(
        "hashtags",
        Some(&["keyphrases", "interests", "n"]),
        return_type.clone(),
        move |args| {
            if args[0].data_type() == &DataType::Null {
                return Ok(new_null_array(&return_type, args[0].len()));
            }
            let phrases = list(&args[0], "keyphrases")?;
            let most = most(&args[2], MOST)?;
            let mut lists = ListBuilder::new(StringBuilder::new());
            for (row, most) in most.into_iter().enumerate() {
                if phrases.is_null(row) {
                    lists.append_null();
                    continue;
                }
                let given = phrases_of(&phrases.value(row))?;
                let tags = kernel::hashtags(&given, &interests(&args[1], row)?, None, most);
                lists.append_value(tags.into_iter().map(Some));
            }
            Ok(Arc::new(lists.finish()))
        },
    )
}

/// `clip_title(text, language, most_chars)`: the sentence that says most, in that many grapheme
/// clusters; see [`Script::title`]. NULL where nothing is said.
pub fn clip_title() -> Function {
    Function::new("clip_title", Some(&["text", "language", "most_chars"]), DataType::Utf8, |args| {
        let (texts, languages) = (text(&args[0])?, text(&args[1])?);
        let most = most(&args[2], MOST_CHARS)?;
        let title = |row: usize| {
            let lines: Vec<Line<'_>> =
                at(&texts, row)?.lines().map(|text| Line { text, start: 0.0, end: 0.0 }).collect();
            let language = at(&languages, row);
            let script = Script::of(&TextInput { lines: &lines, language, ..TextInput::default() });
            TitleStyle::ALL.into_iter().find_map(|style| script.title(style, most[row]))
        };
        Ok(Arc::new((0..texts.len()).map(title).collect::<StringArray>()))
    })
}

fn at(texts: &StringArray, row: usize) -> Option<&str> {
    texts.is_valid(row).then(|| texts.value(row))
}

fn nulls(texts: &StringArray) -> Option<NullBuffer> {
    texts.nulls().cloned()
}

/// How many, a row; NULL stands for `default`, less than nothing for nothing.
fn most(column: &ArrayRef, default: usize) -> Result<Vec<usize>> {
    let numbers = numbers::<Int64Type>(column)?;
    let most = |n: Option<i64>| n.map_or(default, |n| usize::try_from(n).unwrap_or(0));
    Ok(numbers.iter().map(most).collect())
}

fn list(column: &ArrayRef, what: &str) -> Result<ListArray> {
    let column = match column.data_type() {
        DataType::LargeList(item) => as_type(column, &DataType::List(Arc::clone(item)))?,
        _ => Arc::clone(column),
    };
    column
        .as_list_opt::<i32>()
        .cloned()
        .ok_or_else(|| misused(format!("{what} are given as a list, not {}", column.data_type())))
}

/// Keyphrases from structs of `text` and `weight`, or from texts, the strongest first.
fn phrases_of(items: &ArrayRef) -> Result<Vec<Keyphrase>> {
    let (texts, weights) = match items.as_struct_opt() {
        None => (text(items)?, None),
        Some(rows) => {
            let part = |name: &str| {
                rows.column_by_name(name)
                    .ok_or_else(|| misused("keyphrases are structs of text and weight"))
            };
            (text(part("text")?)?, Some(numbers::<Float64Type>(part("weight")?)?))
        }
    };
    let phrase = |i: usize| {
        let weight = weights.as_ref().map_or(1.0, |w| w.value(i));
        at(&texts, i).map(|text| Keyphrase { text: text.to_owned(), weight })
    };
    Ok((0..texts.len()).filter_map(phrase).collect())
}

fn interests(column: &ArrayRef, row: usize) -> Result<Vec<String>> {
    if column.is_null(row) || column.data_type() == &DataType::Null {
        return Ok(vec![]);
    }
    if matches!(column.data_type(), DataType::List(_) | DataType::LargeList(_)) {
        let items = text(&list(column, "interests")?.value(row))?;
        return Ok(items.iter().flatten().map(str::to_owned).collect());
    }
    let texts = text(column)?;
    let json = texts.value(row);
    match serde_json::from_str(json) {
        Ok(Value::Array(items)) => {
            Ok(items.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        }
        Ok(Value::Object(_)) => Ok(AudienceProfile::parse(json)?.interests),
        _ if json.trim().is_empty() => Ok(vec![]),
        _ => Err(misused(format!(
            "interests are {json}; give a list of texts or JSON such as [\"tech\"] or {{\"interests\":[\"tech\"]}}"
        ))),
    }
}
