//! `may_change(error_code)`: whether the same request tried again can end in another way.

use std::sync::Arc;

use arrow::array::BooleanArray;
use arrow::datatypes::DataType;

use super::{Function, text};
use crate::error::{Error, ErrorCode};
use crate::resilience;

/// `may_change('source.unreachable')` is true: such faults pass; the others are to be mended first.
/// NULL for what is no error code.
pub fn may_change() -> Function {
    Function::new("may_change", Some(&["error_code"]), DataType::Boolean, |args| {
        let codes = text(&args[0])?;
        let answer = |code: Option<&str>| {
            let code = ErrorCode::parse(code?)?;
            Some(resilience::may_change(&Error::new(code, "")))
        };
        Ok(Arc::new(codes.iter().map(answer).collect::<BooleanArray>()))
    })
}
