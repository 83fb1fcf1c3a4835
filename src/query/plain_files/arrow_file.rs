//! Arrow files checked to their end, because their reader trusts what they say of themselves and panics where it is wrong.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use arrow::error::ArrowError;
use arrow::ipc::reader::{FileReader, StreamReader};

use crate::panics::caught_in;

/// The columns of an Arrow file whose batches can all be read.
///
/// # Errors
/// What is wrong with it, as the end of a sentence.
pub(crate) fn checked_schema(path: &Path, is_stream: bool) -> Result<Schema, String> {
    let read = || -> Result<Schema, ArrowError> {
        let file = BufReader::new(File::open(path)?);
        if is_stream {
            let reader = StreamReader::try_new(file, None)?;
            let schema = reader.schema().as_ref().clone();
            return whole(reader).map(|()| schema);
        }
        let reader = FileReader::try_new(file, None)?;
        let schema = reader.schema().as_ref().clone();
        whole(reader).map(|()| schema)
    };
    match caught_in(read) {
        Ok(Ok(schema)) => Ok(schema),
        Ok(Err(e)) => Err(format!("it is no Arrow file, or a damaged one: {e}")),
        Err(text) => Err(format!("it is a damaged Arrow file: {text}")),
    }
}

fn whole(
    mut batches: impl Iterator<Item = Result<RecordBatch, ArrowError>>,
) -> Result<(), ArrowError> {
    batches.try_for_each(|batch| batch.map(|_| ()))
}
