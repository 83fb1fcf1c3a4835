//! Requests as JSON objects in memory.

use std::io::Cursor;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::json::ReaderBuilder;
use arrow::json::reader::infer_json_schema;

use super::Requests;
use crate::error::{Error, ErrorCode, Result};

impl Requests {
    /// Requests as JSON objects, one a line, as a program has them that speaks no Arrow. Numbers beside texts
    /// in one column become texts.
    ///
    /// ```
    /// use clipflow::pipeline::Requests;
    ///
    /// let requests = Requests::from_json_rows(r#"{"source_url": "talk.mp4", "max_clips": 2}"#)?;
    /// assert!(matches!(requests, Requests::Rows(_)));
    /// # Ok::<(), clipflow::Error>(())
    /// ```
    ///
    /// # Errors
    /// `input.unreadable` if a line is not a JSON object.
    pub fn from_json_rows(lines: &str) -> Result<Self> {
        let read = || -> std::result::Result<Vec<RecordBatch>, arrow::error::ArrowError> {
            let (schema, _) = infer_json_schema(Cursor::new(lines), None)?;
            let reader = ReaderBuilder::new(Arc::new(schema)).with_coerce_primitive(true);
            reader.build(Cursor::new(lines))?.collect()
        };
        read().map(Self::Rows).map_err(|e| {
            let message = format!("the rows of requests cannot be read ({e}); give JSON objects");
            Error::new(ErrorCode::InputUnreadable, message).with_source(e)
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use arrow::datatypes::DataType;

    use super::*;

    #[test]
    fn objects_make_columns_and_other_text_is_refused() {
        let lines =
            "{\"source_url\": \"a.mp4\", \"n\": 1}\n{\"source_url\": \"b.mp4\", \"n\": \"two\"}";
        let Requests::Rows(rows) = Requests::from_json_rows(lines).unwrap() else {
            unreachable!("rows in memory")
        };
        assert_eq!(rows.iter().map(RecordBatch::num_rows).sum::<usize>(), 2);
        assert_eq!(rows[0].schema().field_with_name("n").unwrap().data_type(), &DataType::Utf8);
        for bad in ["[1, 2]", "{\"source_url\": ", "7"] {
            let error = Requests::from_json_rows(bad).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InputUnreadable, "{error}");
        }
    }
}
