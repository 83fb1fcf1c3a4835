//! Writing to the terminal and to files.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};

use datafusion::execution::SendableRecordBatchStream;

use super::args::OutputArgs;
use crate::error::{Error, ErrorCode, Result};
use crate::query::output::{Format, write_stream};
use crate::store::cannot_write;

/// `error[code]: sentence` on standard error.
pub(super) fn error(error: &Error) {
    eprintln!("error[{}]: {error}", error.code());
}

/// A line on standard output. A reader that has gone is no error of ours.
pub(super) fn line(text: &str) -> Result<()> {
    written(writeln!(io::stdout(), "{text}"))
}

/// The outcome of writing to standard output.
pub(super) fn written(result: io::Result<()>) -> Result<()> {
    match result {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::new(ErrorCode::StoreWrite, format!("cannot write to standard output ({e})"))
                .with_source(e))
        }
        _ => Ok(()),
    }
}

/// Write a query's rows where and how the arguments say.
pub(super) async fn rows(stream: SendableRecordBatchStream, output: &OutputArgs) -> Result<()> {
    if output.format == Format::Parquet && output.output.is_none() && io::stdout().is_terminal() {
        return Err(Error::new(
            ErrorCode::Config,
            "Parquet is not for a terminal; name a file with -o or redirect the output",
        ));
    }
    match &output.output {
        None => {
            let mut sink = BufWriter::new(io::stdout());
            match write_stream(stream, output.format, &mut sink).await {
                Err(e) if is_closed_pipe(&e) => Ok(()),
                other => other.map(|_| ()),
            }
        }
        Some(path) => {
            let folder = crate::source::folder_of(path);
            let mut file =
                tempfile::NamedTempFile::new_in(&folder).map_err(|e| cannot_write(path, e))?;
            write_stream(
                stream,
                output.format,
                &mut BufWriter::new(
                    File::options()
                        .write(true)
                        .open(file.path())
                        .map_err(|e| cannot_write(path, e))?,
                ),
            )
            .await?;
            file.flush().map_err(|e| cannot_write(path, e))?;
            file.persist(path).map(|_| ()).map_err(|e| cannot_write(path, e.error))
        }
    }
}

/// `clipflow sql … | head` is a way of life.
fn is_closed_pipe(error: &Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(e) = cause {
        if e.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe) {
            return true;
        }
        cause = e.source();
    }
    error.message().contains("Broken pipe")
}
