//! `same_language(a, b)`: whether two language tags mean the same language.

use std::sync::Arc;

use arrow::array::BooleanArray;
use arrow::datatypes::DataType;

use super::columns::text;
use super::function::Function;
use crate::kernels::text::to_iso639_3;
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

fn same(left: &str, right: &str) -> bool {
    let code = to_iso639_3(left);
    code.is_some() && code == to_iso639_3(right)
}
