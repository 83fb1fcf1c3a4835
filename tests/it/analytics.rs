//! Events and metrics: the engines agree, known answers, files of all kinds, exports of platforms.

mod agree;
mod experiments;
mod exports;
mod files;
mod recipes;
mod selection;

use std::path::Path;
use std::process::Output;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use clipflow::query::{SessionOptions, session};
use datafusion::prelude::SessionContext;

use super::support::{clipflow, stderr, stdout};

/// A session that gives each partition `batch_size` rows at a time.
fn context(partitions: usize, batch_size: usize) -> SessionContext {
    session(&SessionOptions { partitions, batch_size, ..SessionOptions::default() }, None).unwrap()
}

async fn rows(ctx: &SessionContext, sql: &str) -> RecordBatch {
    let frame = ctx.sql(sql).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
    let schema = std::sync::Arc::new(frame.schema().as_arrow().clone());
    let batches = frame.collect().await.unwrap_or_else(|e| panic!("{sql}: {e}"));
    concat_batches(&schema, &batches).unwrap()
}

/// Rows as CSV lines without the header.
async fn lines(ctx: &SessionContext, sql: &str) -> Vec<String> {
    let batch = rows(ctx, sql).await;
    let mut text = vec![];
    arrow::csv::WriterBuilder::new().with_header(false).build(&mut text).write(&batch).unwrap();
    String::from_utf8(text).unwrap().lines().map(str::to_owned).collect()
}

fn performance(folder: &Path, args: &[&str]) -> Output {
    clipflow(folder, &[&["performance", "--format", "csv"], args].concat())
}

/// The lines of an answer that was given, without the columns that say how.
fn answer(output: &Output) -> Vec<String> {
    assert!(output.status.success(), "{}", stderr(output));
    let text = stdout(output);
    let known = text.lines().map(|line| match line.find(",1,") {
        Some(_) => line.rsplitn(2, ",1,").last().unwrap_or(line),
        None => line.trim_end_matches(",metric_version,definitions"),
    });
    known.map(str::to_owned).collect()
}
