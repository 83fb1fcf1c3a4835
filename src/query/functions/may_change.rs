//! `may_change(error_code)`: whether the same request tried again can end in another way.

use std::sync::Arc;

use arrow::array::BooleanArray;
use arrow::datatypes::DataType;

use super::columns::text;
use super::function::Function;
use crate::error::{Error, ErrorCode};
use crate::query::arguments::{About, Argument, ArgumentKind, FunctionArguments, section};
use crate::resilience;

/// `may_change('source.unreachable')` is true, because such errors are transient. NULL for text that is
/// not an error code.
pub fn may_change() -> Function {
    let arguments = FunctionArguments::new([Argument::new(
        "error_code",
        ArgumentKind::Text,
        "An error code of outcomes",
    )]);
    let about = About::new(
        section::REQUESTS,
        "Whether the same request tried again can end in another way; NULL for text that is no error code.",
        "SELECT may_change('source.unreachable')",
    );
    Function::new("may_change", arguments, DataType::Boolean, about, |args| {
        let codes = text(&args[0])?;
        let answer = |code: Option<&str>| {
            let code = ErrorCode::parse(code?)?;
            Some(resilience::may_change(&Error::new(code, "")))
        };
        Ok(Arc::new(codes.iter().map(answer).collect::<BooleanArray>()))
    })
}
