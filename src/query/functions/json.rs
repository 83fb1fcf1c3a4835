//! `json_text(value)`: a nested value as JSON, for columns that hold JSON text.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::error::ArrowError;
use arrow::json::LineDelimitedWriter;

use super::columns::misused;
use super::function::Function;
use crate::error::Result;
use crate::query::arguments::{About, Argument, ArgumentKind, FunctionArguments, section};

/// `json_text(value)`: `{"age":"18-35"}` from a struct, list or map; NULL stays NULL.
pub fn json_text() -> Function {
    let value = Argument::new("value", ArgumentKind::Any, "A struct, list, map or simple value");
    let about = About::new(
        section::TEXT,
        "A value as JSON text, for columns that hold JSON; NULL stays NULL.",
        "SELECT json_text(named_struct('age', '18-35', 'interests', ['tech']))",
    );
    Function::new("json_text", FunctionArguments::new([value]), DataType::Utf8, about, |args| {
        json_of(&args[0])
    })
}

/// Each value of an array as JSON text.
pub(in crate::query) fn json_of(values: &ArrayRef) -> Result<ArrayRef> {
    let lines = json_lines(values).map_err(|e| {
        misused(format!("a column of {} cannot be written as JSON: {e}", values.data_type()))
            .with_source(e)
    })?;
    // Each line is {"v":…}, or {} for a NULL; a new line inside a text is escaped.
    let lines = String::from_utf8_lossy(&lines);
    let inner = |line: &str| line.strip_prefix("{\"v\":")?.strip_suffix('}').map(str::to_owned);
    let texts: StringArray = lines
        .lines()
        .enumerate()
        .map(|(row, line)| if values.is_null(row) { None } else { inner(line) })
        .collect();
    Ok(Arc::new(texts))
}

fn json_lines(values: &ArrayRef) -> Result<Vec<u8>, ArrowError> {
    let schema = Arc::new(Schema::new(vec![Field::new("v", values.data_type().clone(), true)]));
    let batch = RecordBatch::try_new(schema, vec![Arc::clone(values)])?;
    let mut lines = Vec::new();
    let mut writer = LineDelimitedWriter::new(&mut lines);
    writer.write(&batch)?;
    writer.finish()?;
    Ok(lines)
}
