//! What several tests need.

pub mod counter;
pub mod fake_media;
pub mod gated;
pub mod http;
pub mod s3;
pub mod show;
pub mod stumble;
pub mod tiny_detector;
pub mod waiting;
pub mod workers;

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use clipflow::exec::backend::AsyncBackend;
use clipflow::exec::{MediaRuntime, MediaRuntimeConfig};
use clipflow::media::MediaTools;
use clipflow::query::query_error;
use clipflow::resilience::Resilience;
use clipflow::source::Sources;
use clipflow::telemetry::Silent;
use datafusion::prelude::SessionContext;

/// The header of most request files here.
pub const HEAD: &str = "request_id,source_url,min_clip_length,max_clip_length,max_clips\n";

/// Run the `clipflow` command.
pub fn clipflow(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clipflow"));
    command.current_dir(folder).args(args).output().expect("the command starts")
}

/// Standard output as text.
pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

/// Standard error as text.
pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

/// The rows of a query over the results in `folder/out`, as CSV lines without the header.
pub fn query(folder: &Path, sql: &str) -> Vec<String> {
    csv_rows(sql, &clipflow(folder, &["sql", "out", sql, "--format", "csv"]))
}

/// The rows that a command has printed as CSV for `sql`, without the header.
pub fn csv_rows(sql: &str, output: &Output) -> Vec<String> {
    assert!(output.status.success(), "{sql}: {}", stderr(output));
    stdout(output).lines().skip(1).map(str::to_owned).collect()
}

/// All rows of a query in a session.
pub async fn try_rows(ctx: &SessionContext, sql: &str) -> clipflow::Result<RecordBatch> {
    let frame = ctx.sql(sql).await.map_err(query_error)?;
    let schema = Arc::new(frame.schema().as_arrow().clone());
    let batches = frame.collect().await.map_err(query_error)?;
    Ok(concat_batches(&schema, &batches).expect("batches of one plan"))
}

/// All rows of a query that succeeds.
pub async fn rows(ctx: &SessionContext, sql: &str) -> RecordBatch {
    try_rows(ctx, sql).await.unwrap_or_else(|e| panic!("{sql}: {e}"))
}

/// The same as CSV lines without the header.
pub async fn lines(ctx: &SessionContext, sql: &str) -> Vec<String> {
    let batch = rows(ctx, sql).await;
    let mut text = vec![];
    let writer = arrow::csv::WriterBuilder::new().with_header(false);
    writer.build(&mut text).write(&batch).expect("columns that CSV has");
    String::from_utf8(text).expect("UTF-8").lines().map(str::to_owned).collect()
}

/// A runtime for `sources` whose work needs neither ffmpeg nor a folder.
pub fn bare_runtime(sources: Sources, workers: usize, resilience: Resilience) -> MediaRuntime {
    let nowhere = Path::new("/nowhere").to_path_buf();
    MediaRuntime::new(MediaRuntimeConfig {
        tools: MediaTools::new(&nowhere, &nowhere),
        sources,
        media_dir: nowhere,
        backend: Arc::new(AsyncBackend::new(workers)),
        resilience,
        observer: Arc::new(Silent),
    })
}
