//! `keyphrases(text, language, most)`, `hashtags(keyphrases, interests, most)` and
//! `clip_title(text, language, most_chars)`.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, ListArray, ListBuilder, StringArray, StringBuilder,
    StructArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type};
use serde_json::Value;

use super::columns::{lists, misused, numbers, text};
use super::function::Function;
use crate::error::Result;
use crate::kernels::text::{self as kernel, Line, Script, TextInput, TitleStyle};
use crate::model::{AudienceProfile, Keyphrase};
use crate::query::arguments::{
    About, Argument, ArgumentKind, FunctionArguments, list_type, section,
};

/// Default number of keyphrases and hashtags.
const MOST: usize = 10;
/// Default number of characters of a title.
const MOST_CHARS: usize = 100;

const TEXT: Argument = Argument::new("text", ArgumentKind::Text, "The text");
const LANGUAGE: Argument = Argument::new(
    "language",
    ArgumentKind::Text,
    "Its language as a tag; NULL: recognised from the text",
);

/// `keyphrases(text, language, most)`: a list of structs of `text` and `weight`; see
/// [`kernel::keyphrases`]. A NULL language is detected from the text; a NULL text gives NULL.
pub fn keyphrases() -> Function {
    let item = Arc::new(Field::new_list_field(Keyphrase::data_type(), true));
    let return_type = DataType::List(Arc::clone(&item));
    let arguments = FunctionArguments::new([
        TEXT,
        LANGUAGE,
        Argument::new("n", ArgumentKind::Whole, "How many at most; NULL: 10"),
    ]);
    let about = About::new(
        section::TEXT,
        "What a text is about: a list of structs of `text` and `weight`, the strongest first.",
        "SELECT keyphrases('A solar panel lasts long. A solar panel saves money.', 'en', 3)",
    );
    Function::new("keyphrases", arguments, return_type, about, move |args| {
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
    let arguments = FunctionArguments::new([
        Argument::new(
            "keyphrases",
            ArgumentKind::Phrases,
            "What the text is about, as of keyphrases()",
        ),
        Argument::new(
            "interests",
            ArgumentKind::TextOrTexts,
            "Interests of the audience, which go first: a list, JSON of a list, an audience profile or NULL",
        ),
        Argument::new("n", ArgumentKind::Whole, "How many at most; NULL: 10"),
    ]);
    let about = About::new(
        section::TEXT,
        "Hashtags of keyphrases, those that match the audience's interests first.",
        "SELECT hashtags(keyphrases('A solar panel lasts long.', 'en', 5), ['solar'], 3)",
    );
    Function::new("hashtags", arguments, list_type(DataType::Utf8), about, |args| {
        let phrases = lists(&args[0])?;
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
    })
}

/// `clip_title(text, language, most_chars)`: the sentence that says most, in that many grapheme
/// clusters; see [`Script::title`]. NULL where nothing is said.
pub fn clip_title() -> Function {
    let arguments = FunctionArguments::new([
        TEXT,
        LANGUAGE,
        Argument::new(
            "most_chars",
            ArgumentKind::Whole,
            "Characters at most, as a reader counts them; NULL: 100",
        ),
    ]);
    let about = About::new(
        section::TEXT,
        "A title: the sentence of a text that says most; NULL where nothing is said.",
        "SELECT clip_title('Hello. A solar panel lasts thirty years.', 'en', 40)",
    );
    Function::new("clip_title", arguments, DataType::Utf8, about, |args| {
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

/// The limit of each row; NULL is `default`, a negative number 0.
fn most(column: &ArrayRef, default: usize) -> Result<Vec<usize>> {
    let numbers = numbers::<Int64Type>(column)?;
    let most = |n: Option<i64>| n.map_or(default, |n| usize::try_from(n).unwrap_or(0));
    Ok(numbers.iter().map(most).collect())
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
    if matches!(column.data_type(), DataType::List(_)) {
        let items = text(&lists(column)?.value(row))?;
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
