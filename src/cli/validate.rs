//! `clipflow validate`.

use std::io::{self, BufWriter, Write};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use futures::StreamExt;

use super::args::ValidateArgs;
use super::{OK, ROWS_FAILED, print, progress};
use crate::config::ParallelConfig;
use crate::error::Result;
use crate::pipeline::{self, RunConfig};
use crate::query::query_error;

pub(super) async fn validate(args: ValidateArgs, parallel: ParallelConfig) -> Result<u8> {
    let observer = std::sync::Arc::new(progress::NoteObserver);
    let config = RunConfig { parallel, observer, ..RunConfig::new(&args.requests, ".") };
    let checked = pipeline::validate(&config).await?;
    if let Some(out) = &args.out {
        checked.write(out)?;
    }
    let filter = if args.quiet { "WHERE error_code IS NOT NULL" } else { "" };
    let sql = format!(
        r#"SELECT CAST("row" AS VARCHAR) AS number, request_id, error_code, error_message FROM checked {filter} ORDER BY "row""#
    );
    let frame = checked.ctx.sql(&sql).await.map_err(query_error)?;
    let mut stream = frame.execute_stream().await.map_err(query_error)?;
    let mut sink = BufWriter::new(io::stdout());
    while let Some(batch) = stream.next().await {
        if let Err(e) = write_rows(&batch.map_err(query_error)?, &mut sink)? {
            // A closed pipe ends the listing; the exit code still tells about the file.
            print::written(Err(e))?;
            break;
        }
    }
    print::written(sink.flush())?;
    drop(sink);
    print::line(&format!(
        "{} rows: {} valid, {} invalid",
        checked.rows,
        checked.rows - checked.invalid,
        checked.invalid
    ))?;
    Ok(if checked.invalid > 0 { ROWS_FAILED } else { OK })
}

/// Bytes of a line, about.
const LINE: usize = 64;

/// `row 3 (id): valid` or `row 3 (id): code: sentence`; the inner error is a closed pipe.
fn write_rows(batch: &RecordBatch, sink: &mut impl Write) -> Result<io::Result<()>> {
    let mut columns = vec![];
    for column in batch.columns() {
        columns.push(cast(column, &DataType::Utf8).map_err(|e| query_error(e.into()))?);
    }
    let texts: Vec<_> = columns.iter().map(|c| c.as_string::<i32>()).collect();
    // Pieces are put together without a formatter: there may be millions of rows.
    let mut lines = String::with_capacity(batch.num_rows() * LINE);
    for row in 0..batch.num_rows() {
        let cell = |column: usize| texts[column].is_valid(row).then(|| texts[column].value(row));
        let (number, id) = (cell(0).unwrap_or(""), cell(1).unwrap_or(""));
        for piece in ["row ", number, " (", id, "): "] {
            lines.push_str(piece);
        }
        match (cell(2), cell(3)) {
            (Some(code), message) => {
                for piece in [code, ": ", message.unwrap_or("")] {
                    lines.push_str(piece);
                }
            }
            _ => lines.push_str("valid"),
        }
        lines.push('\n');
    }
    Ok(sink.write_all(lines.as_bytes()))
}
