//! Writing to the terminal and to files.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;

use arrow::array::RecordBatch;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::memory::MemoryStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt, stream};

use super::args::OutputArgs;
use crate::config::Setting;
use crate::error::{Error, ErrorCode, Result};
use crate::query::output::{OutputFormat, TABLE_ROWS, write_stream};
use crate::query::query_error;
use crate::store::{cannot_write, new_file};

/// `error[code]: sentence` on standard error, with flags where the sentence names settings.
pub(super) fn error(error: &Error) {
    eprintln!("error[{}]: {}", error.code(), error.message_with(flag));
}

/// The flag of a setting.
fn flag(name: &str) -> String {
    match (Setting::find(name), name) {
        (Some(setting), _) => format!("--{}", setting.flag),
        // Given once for each root.
        (None, "allow_roots") => "--allow-root".to_owned(),
        (None, name) => format!("--{}", name.replace('_', "-")),
    }
}

/// A sentence on standard error.
pub(super) fn notice(sentence: &str) {
    eprintln!("{sentence}");
}

/// `warning: sentence` on standard error.
pub(super) fn warning(sentence: &str) {
    eprintln!("warning: {sentence}");
}

/// A line on standard output. A closed pipe is not an error.
pub(super) fn line(text: &str) -> Result<()> {
    written(writeln!(io::stdout(), "{text}"))
}

/// The result of writing to standard output; a closed pipe is not an error.
pub(super) fn written(result: io::Result<()>) -> Result<()> {
    match result {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::new(ErrorCode::StoreWrite, format!("cannot write to standard output ({e})"))
                .with_source(e))
        }
        _ => Ok(()),
    }
}

/// Write a batch to the file or standard output that the arguments name, in their format.
pub(super) async fn batch(batch: RecordBatch, output: &OutputArgs) -> Result<()> {
    let schema = batch.schema();
    let stream = MemoryStream::try_new(vec![batch], schema, None).map_err(query_error)?;
    rows(Box::pin(stream), output).await
}

/// Write the rows of a query to the file or standard output that the arguments name, in their format.
pub(super) async fn rows(stream: SendableRecordBatchStream, output: &OutputArgs) -> Result<()> {
    let format = output.format()?;
    if format.is_binary() && output.output.is_none() && io::stdout().is_terminal() {
        return Err(Error::new(
            ErrorCode::ConfigInvalid,
            "Parquet and Arrow are not for a terminal; name a file with -o or redirect the output",
        ));
    }
    match &output.output {
        None => {
            let mut sink = BufWriter::new(io::stdout());
            match write_stream(stream, format, &mut sink, TABLE_ROWS).await {
                Err(e) if is_closed_pipe(&e) => Ok(()),
                Ok(true) => {
                    notice(&format!(
                        "(only the first {TABLE_ROWS} rows; --format csv or -o FILE gives all)"
                    ));
                    Ok(())
                }
                other => other.map(|_| ()),
            }
        }
        Some(path) => to_file(stream, format, path).await,
    }
}

/// The first `rows` rows of a stream; the query ends once they are there.
pub(super) fn first_rows(
    rows_of: SendableRecordBatchStream,
    rows: usize,
) -> SendableRecordBatchStream {
    let schema = rows_of.schema();
    let first = stream::unfold((rows_of, rows), |(mut rows_of, left)| async move {
        if left == 0 {
            return None;
        }
        Some(match rows_of.next().await? {
            Ok(batch) => {
                let taken = batch.num_rows().min(left);
                (Ok(batch.slice(0, taken)), (rows_of, left - taken))
            }
            Err(e) => (Err(e), (rows_of, 0)),
        })
    });
    Box::pin(RecordBatchStreamAdapter::new(schema, first))
}

/// The batch without the columns `dropped`.
pub(super) fn without(batch: &RecordBatch, dropped: &[&str]) -> Result<RecordBatch> {
    let schema = batch.schema();
    let kept =
        schema.fields().iter().enumerate().filter(|(_, f)| !dropped.contains(&f.name().as_str()));
    batch.project(&kept.map(|(i, _)| i).collect::<Vec<_>>()).map_err(|e| {
        Error::new(ErrorCode::Internal, format!("columns cannot be left out ({e})")).with_source(e)
    })
}

/// Write text to a file that appears when it is complete.
pub(super) fn text_file(text: &str, path: &Path) -> Result<()> {
    bytes_file(text.as_bytes(), path)
}

/// Write bytes to a file that appears when it is complete.
pub(super) fn bytes_file(bytes: &[u8], path: &Path) -> Result<()> {
    let fault = |e: io::Error| cannot_write(path, e);
    let mut file = new_file(path)?;
    file.write_all(bytes).map_err(fault)?;
    file.persist(path).map(|_| ()).map_err(|e| fault(e.error))
}

/// Write rows to a file that appears when it is complete. A device or pipe is written to in place; a
/// symbolic link is followed.
async fn to_file(
    stream: SendableRecordBatchStream,
    format: OutputFormat,
    path: &Path,
) -> Result<()> {
    let fault = |e: io::Error| cannot_write(path, e);
    let target = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    if target.exists() && !target.is_file() {
        let open = File::options().write(true).open(&target).map_err(fault)?;
        return write_stream(stream, format, &mut BufWriter::new(open), usize::MAX)
            .await
            .map(|_| ());
    }
    let file = new_file(&target)?;
    let open = File::options().write(true).open(file.path()).map_err(fault)?;
    write_stream(stream, format, &mut BufWriter::new(open), usize::MAX).await?;
    file.persist(&target).map(|_| ()).map_err(|e| fault(e.error))
}

/// A closed pipe is a normal exit: `clipflow sql … | head`.
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use clap::CommandFactory;

    use super::*;
    use crate::cli::args::CommandLine;
    use crate::config::SETTINGS;

    #[test]
    fn settings_that_errors_name_are_flags_of_a_command() {
        let command = CommandLine::command();
        let flags: Vec<String> = command
            .get_subcommands()
            .flat_map(|c| c.get_arguments().filter_map(|a| Some(format!("--{}", a.get_long()?))))
            .collect();
        let others = [
            "allow_roots",
            "audience",
            "captions",
            "codec",
            "day",
            "format",
            "hardware",
            "lag_hours",
            "map",
            "max_clips",
            "model",
            "platforms",
            "quality",
            "size",
            "trained_at",
            "variants",
            "variants_only",
        ];
        for name in SETTINGS.iter().map(|s| s.name).chain(others) {
            assert!(flags.contains(&flag(name)), "{name}: {}", flag(name));
        }
    }
}
