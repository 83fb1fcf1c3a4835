//! `same_language(a, b)`: whether two language tags mean the same language.

use std::sync::Arc;

use arrow::array::BooleanArray;
use arrow::datatypes::DataType;

use super::{Function, text};
use crate::kernels::text::to_iso639_3;

/// `same_language('en-US', 'eng')` is true; NULL if either tag is NULL.
pub fn same_language() -> Function {
    Function::new("same_language", Some(&["a", "b"]), DataType::Boolean, |args| {
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
