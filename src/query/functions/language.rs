//! `same_language(a, b)`, `language_tag(tag)`: language tags compared, and made short.

use std::sync::Arc;

use arrow::array::{BooleanArray, StringArray};
use arrow::datatypes::DataType;

use super::columns::text;
use super::function::Function;
use crate::kernels::text::{to_iso639_3, to_short_tag};
use crate::query::arguments::{About, Argument, ArgumentKind, FunctionArguments, section};

/// `same_language('en-US', 'eng')` is true; NULL if either tag is NULL.
pub fn same_language() -> Function {
    let arguments = FunctionArguments::new([
        Argument::new("a", ArgumentKind::Text, "An ISO 639 or BCP 47 tag"),
        Argument::new("b", ArgumentKind::Text, "Another"),
    ]);
    let about = About::new(
        section::TEXT,
        "Whether two language tags mean the same language; NULL if either is.",
        "SELECT same_language('en-US', 'eng')",
    );
    Function::new("same_language", arguments, DataType::Boolean, about, |args| {
        let (left, right) = (text(&args[0])?, text(&args[1])?);
        let answers: BooleanArray =
            left.iter().zip(&right).map(|(l, r)| Some(same(l?, r?))).collect();
        Ok(Arc::new(answers))
    })
}

/// `language_tag('eng')` is `en`; NULL of what names no language.
pub fn language_tag() -> Function {
    let arguments = FunctionArguments::new([Argument::new(
        "tag",
        ArgumentKind::Text,
        "An ISO 639 or BCP 47 tag",
    )]);
    let about = About::new(
        section::TEXT,
        "The shortest tag of a language, without region and script; NULL of what names no language.",
        "SELECT language_tag('eng')",
    );
    Function::new("language_tag", arguments, DataType::Utf8, about, |args| {
        let tags: StringArray = text(&args[0])?.iter().map(|tag| to_short_tag(tag?)).collect();
        Ok(Arc::new(tags))
    })
}

fn same(left: &str, right: &str) -> bool {
    let code = to_iso639_3(left);
    code.is_some() && code == to_iso639_3(right)
}
