//! Running one statement: its plan, its rows into a file, the file as a table.

use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::config::ConfigNonZeroUsize;
use datafusion::common::{Column, ScalarValue};
use datafusion::prelude::{DataFrame, Expr, ParquetReadOptions, SessionContext, ident};
use futures::{Stream, StreamExt, TryStreamExt};

use crate::error::Result;
use crate::model::table::Table;
use crate::query::conform::{conform, schema_for};
use crate::query::files::file_url;
use crate::query::query_error;
use crate::query::sql::Step;
use crate::store::{FileEntry, TableWriter};

/// Rows of a batch when a row holds a whole source: an hour of signals is about 1.5 MB.
const WIDE_BATCH: usize = 8;
/// Rows of a batch otherwise.
const NARROW_BATCH: usize = 8192;

/// The statements' named parameters.
pub(super) type Parameters = Vec<(&'static str, ScalarValue)>;

/// Plan a step.
pub(super) async fn plan(
    ctx: &SessionContext,
    step: &Step,
    parameters: &Parameters,
) -> Result<DataFrame> {
    let batch_size = if step.wide { WIDE_BATCH } else { NARROW_BATCH };
    let batch_size = ConfigNonZeroUsize::try_new(batch_size).map_err(query_error)?;
    ctx.state_ref().write().config_mut().options_mut().execution.batch_size = batch_size;
    let frame = ctx.sql(step.sql).await.map_err(query_error)?;
    let frame = unnested_by_field(frame).map_err(query_error)?;
    let used: Vec<(&str, ScalarValue)> = parameters
        .iter()
        .filter(|(name, _)| step.sql.contains(&format!("${name}")))
        .cloned()
        .collect();
    if used.is_empty() {
        return Ok(frame);
    }
    frame.with_param_values(used).map_err(query_error)
}

/// The columns that `unnest` makes of a struct `s`, which it calls `s.field`, by the names of its fields.
fn unnested_by_field(frame: DataFrame) -> datafusion::error::Result<DataFrame> {
    if !frame.schema().fields().iter().any(|field| field.name().contains('.')) {
        return Ok(frame);
    }
    let named = |column: Column| match column.name.rsplit_once('.') {
        Some((_, field)) => Expr::Column(column.clone()).alias(field),
        None => Expr::Column(column),
    };
    let columns: Vec<Expr> = frame.schema().columns().into_iter().map(named).collect();
    frame.select(columns)
}

/// Run a step: its rows are written to `folder/<name>.parquet`, as the table of that name where there
/// is one, and registered under its name.
pub(super) async fn run(
    ctx: &SessionContext,
    step: &Step,
    parameters: &Parameters,
    folder: &Path,
) -> Result<FileEntry> {
    run_through(ctx, step, parameters, folder, None, |rows| async { Ok(rows) }).await
}

/// Batches that are on their way through `through` of [`run_through`] while more are made.
const BATCHES_AHEAD: usize = 4;

/// As [`run`], with each batch going through `through` on its way to the file, which gives it the columns
/// of `becomes`; `None`: it keeps those it has.
pub(super) async fn run_through<F>(
    ctx: &SessionContext,
    step: &Step,
    parameters: &Parameters,
    folder: &Path,
    becomes: Option<SchemaRef>,
    through: impl Fn(RecordBatch) -> F,
) -> Result<FileEntry>
where
    F: Future<Output = Result<RecordBatch>>,
{
    let started = std::time::Instant::now();
    let frame = plan(ctx, step, parameters).await?;
    let path = folder.join(format!("{}.parquet", step.name));
    let stream = frame.execute_stream().await.map_err(query_error)?;
    let schema = becomes.unwrap_or_else(|| stream.schema());
    let rows = stream
        .map_err(query_error)
        .map(|rows| async { through(rows?).await })
        .buffered(BATCHES_AHEAD);
    let entry = write_rows(rows, schema, step.name, path.clone()).await?;
    register(ctx, step.name, &path).await?;
    tracing::debug!(step = step.name, rows = entry.rows, elapsed = ?started.elapsed(), "step done");
    Ok(entry)
}

/// Write a query's rows to `path`, in the schema of the table `name` if it is one of the dataset's.
pub(super) async fn write(frame: DataFrame, name: &str, path: PathBuf) -> Result<FileEntry> {
    let stream = frame.execute_stream().await.map_err(query_error)?;
    let schema = stream.schema();
    write_rows(stream.map_err(query_error), schema, name, path).await
}

async fn write_rows(
    rows: impl Stream<Item = Result<RecordBatch>>,
    schema: SchemaRef,
    name: &str,
    path: PathBuf,
) -> Result<FileEntry> {
    let schema = match Table::find(name) {
        Some(table) => schema_for(table, &schema)?,
        None => schema,
    };
    let mut writer = TableWriter::create(name, path, schema.clone())?;
    tokio::pin!(rows);
    while let Some(batch) = rows.next().await {
        let batch = batch?;
        if batch.num_rows() > 0 {
            writer.write(&conform(&batch, &schema)?)?;
        }
    }
    writer.finish()
}

/// Register a Parquet file as a table, in the place of one of that name.
pub(super) async fn register(ctx: &SessionContext, name: &str, path: &Path) -> Result<()> {
    register_with(ctx, name, path, ParquetReadOptions::default()).await
}

/// Register a Parquet file whose rows are in the order of their number, `row`: who asks for that
/// order need not sort.
pub(super) async fn register_in_order(ctx: &SessionContext, name: &str, path: &Path) -> Result<()> {
    let options = ParquetReadOptions {
        file_sort_order: vec![vec![ident("row").sort(true, false)]],
        ..ParquetReadOptions::default()
    };
    register_with(ctx, name, path, options).await
}

async fn register_with(
    ctx: &SessionContext,
    name: &str,
    path: &Path,
    options: ParquetReadOptions<'_>,
) -> Result<()> {
    ctx.deregister_table(name).map_err(query_error)?;
    ctx.register_parquet(name, file_url(path), options).await.map_err(query_error)
}
