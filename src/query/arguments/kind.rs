//! [`ArgumentKind`]: what an argument accepts and the type it is cast to.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use datafusion::common::types::NativeType;

use crate::model::{Chapter, Cue, Face, Replay, Shot, Signal, WrittenTexts};

/// What an argument accepts, and the type that the function then receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::query) enum ArgumentKind {
    /// Any type, passed on unchanged.
    Any,
    /// Text of any string type, or another simple value written as text; received as `Utf8`.
    Text,
    /// Text of any string type alone; received as `Utf8`.
    Url,
    /// Any numeric type; received as `Float64`.
    Number,
    /// Any numeric type; received as `Int64`, fractions cut off.
    Whole,
    /// Any binary type; received as `Binary`.
    Bytes,
    /// A list of numbers; received as a list of `Float64`.
    Numbers,
    /// A list of rows of `signals`.
    Signals,
    /// A list of rows of `shots`.
    Shots,
    /// A list of rows of `cues`.
    Cues,
    /// A list of rows of `faces`.
    Faces,
    /// What `sources.chapters` holds.
    Chapters,
    /// What `sources.replays` holds.
    Replays,
    /// What `clip_brief` returns.
    Brief,
    /// A struct of title, hook_text, description, hashtags and note.
    Texts,
    /// A list of texts, or of structs of `text` and `weight`.
    Phrases,
    /// A list of texts, or one text.
    TextOrTexts,
}

impl ArgumentKind {
    /// The type that a value of the type `given` is cast to; `None` if it is not accepted.
    pub(in crate::query) fn coerced(self, given: &DataType) -> Option<DataType> {
        use DataType::{Dictionary, Null, Struct};
        if let Dictionary(_, values) = given
            && self != Self::Any
        {
            return self.coerced(values);
        }
        let is_null = *given == Null;
        match self {
            Self::Any => Some(given.clone()),
            Self::Text => (!given.is_nested() && !is_binary(given)).then_some(DataType::Utf8),
            Self::Url => is_text(given).then_some(DataType::Utf8),
            Self::Number => (given.is_numeric() || is_null).then_some(DataType::Float64),
            Self::Whole => (given.is_numeric() || is_null).then_some(DataType::Int64),
            Self::Bytes => (is_binary(given) || is_null).then_some(DataType::Binary),
            Self::Numbers => {
                let is_number = |item: &DataType| item.is_numeric() || *item == Null;
                (is_null || item_of(given).is_some_and(is_number)).then(|| self.example())
            }
            Self::Signals
            | Self::Shots
            | Self::Cues
            | Self::Faces
            | Self::Chapters
            | Self::Replays => self.rows(given),
            Self::Brief | Self::Texts => {
                (is_null || matches!(given, Struct(_))).then(|| match is_null {
                    true => self.example(),
                    false => given.clone(),
                })
            }
            Self::Phrases => match item_of(given) {
                Some(Struct(fields)) => Some(list_type(Struct(fields.clone()))),
                Some(item) if is_text(item) => Some(self.example()),
                _ => is_null.then(|| self.example()),
            },
            Self::TextOrTexts => match item_of(given) {
                Some(item) if is_text(item) => Some(list_type(DataType::Utf8)),
                Some(_) => None,
                None => Self::Text.coerced(given),
            },
        }
    }

    /// A list of structs keeps its own columns, which the kernel finds by name.
    fn rows(self, given: &DataType) -> Option<DataType> {
        match item_of(given) {
            Some(item @ DataType::Struct(_)) => Some(list_type(item.clone())),
            Some(DataType::Null) => Some(self.example()),
            Some(_) => None,
            None => (*given == DataType::Null).then(|| self.example()),
        }
    }

    /// A type that is received, as `information_schema.parameters` lists it.
    pub(in crate::query) fn example(self) -> DataType {
        match self {
            Self::Any => DataType::Null,
            Self::Text | Self::Url | Self::TextOrTexts => DataType::Utf8,
            Self::Number => DataType::Float64,
            Self::Whole => DataType::Int64,
            Self::Bytes => DataType::Binary,
            Self::Numbers => list_type(DataType::Float64),
            Self::Signals => list_type(Signal::data_type()),
            Self::Shots => list_type(Shot::data_type()),
            Self::Cues => list_type(Cue::data_type()),
            Self::Faces => list_type(Face::data_type()),
            Self::Chapters => list_type(Chapter::data_type()),
            Self::Replays => list_type(Replay::data_type()),
            // Its type is only unknown if the program is broken; then every call says so.
            Self::Brief => crate::kernels::variants::brief_type().unwrap_or(DataType::Null),
            Self::Texts => WrittenTexts::data_type(),
            Self::Phrases => list_type(DataType::Utf8),
        }
    }

    /// What it accepts, in words.
    pub(in crate::query) fn describe(self) -> &'static str {
        match self {
            Self::Any => "a value of any type",
            Self::Text | Self::Url => "text",
            Self::Number => "a number",
            Self::Whole => "a whole number",
            Self::Bytes => "binary",
            Self::Numbers => "a list of numbers",
            Self::Signals => "a list of rows of signals",
            Self::Shots => "a list of rows of shots",
            Self::Cues => "a list of rows of cues",
            Self::Faces => "a list of rows of faces",
            Self::Chapters => "a list of chapters",
            Self::Replays => "a list of replayed parts",
            Self::Brief => "a clip_brief",
            Self::Texts => "a struct of title, hook_text, description, hashtags and note",
            Self::Phrases => "a list of texts, or of structs of text and weight",
            Self::TextOrTexts => "a list of texts, or text",
        }
    }
}

/// The list type of items of a type.
pub(in crate::query) fn list_type(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(item, true)))
}

fn item_of(list: &DataType) -> Option<&DataType> {
    match list {
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            Some(item.data_type())
        }
        _ => None,
    }
}

fn is_text(given: &DataType) -> bool {
    match given {
        DataType::Dictionary(_, values) => is_text(values),
        simple => simple.is_string() || *simple == DataType::Null,
    }
}

fn is_binary(given: &DataType) -> bool {
    matches!(
        given,
        DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_)
    )
}

/// A type as `information_schema` names it.
pub(in crate::query) fn type_name(of: &DataType) -> String {
    NativeType::from(of.clone()).to_string()
}

/// A type in an error message; nested ones without what they hold.
pub(super) fn shown(given: &DataType) -> String {
    match given {
        DataType::Struct(_) => "a struct".to_owned(),
        DataType::Map(..) => "a map".to_owned(),
        list if item_of(list).is_some() => match item_of(list) {
            Some(DataType::Struct(_)) => "a list of structs".to_owned(),
            Some(item) if !item.is_nested() => format!("a list of {item}"),
            _ => "a list of lists".to_owned(),
        },
        simple => simple.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn each_kind_accepts_null_and_receives_what_it_gives_as_an_example() {
        let kinds = [
            ArgumentKind::Text,
            ArgumentKind::Url,
            ArgumentKind::Number,
            ArgumentKind::Whole,
            ArgumentKind::Bytes,
            ArgumentKind::Numbers,
            ArgumentKind::Signals,
            ArgumentKind::Shots,
            ArgumentKind::Cues,
            ArgumentKind::Faces,
            ArgumentKind::Chapters,
            ArgumentKind::Replays,
            ArgumentKind::Brief,
            ArgumentKind::Texts,
            ArgumentKind::Phrases,
            ArgumentKind::TextOrTexts,
        ];
        for kind in kinds {
            assert_eq!(kind.coerced(&DataType::Null), Some(kind.example()), "{kind:?}");
            assert_eq!(kind.coerced(&kind.example()), Some(kind.example()), "{kind:?}");
        }
    }

    #[test]
    fn strings_of_every_type_are_text() {
        let dictionary =
            DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8View));
        for given in [DataType::Utf8, DataType::LargeUtf8, DataType::Utf8View, dictionary] {
            assert_eq!(ArgumentKind::Text.coerced(&given), Some(DataType::Utf8), "{given}");
        }
        assert_eq!(ArgumentKind::Text.coerced(&DataType::Binary), None);
        assert_eq!(ArgumentKind::Url.coerced(&DataType::Int64), None);
        assert_eq!(ArgumentKind::Number.coerced(&DataType::Utf8), None);
    }
}
