//! The statements of a run: their plans, their rows into files, the files as tables.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::config::ConfigNonZeroUsize;
use datafusion::common::{Column, ScalarValue};
use datafusion::physical_plan::display::DisplayableExecutionPlan;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::prelude::{DataFrame, Expr, ParquetReadOptions, SessionContext, ident};
use futures::{Stream, StreamExt, TryStreamExt};
use serde::de::DeserializeOwned;

use crate::error::Result;
use crate::model::table::Table;
use crate::query::conform::{conform, schema_for};
use crate::query::files::file_url;
use crate::query::query_error;
use crate::query::rows::{row, rows};
use crate::query::side_by_side::side_by_side;
use crate::query::sql::Step;
use crate::store::{FileEntry, TableWriter};
use crate::telemetry::{Telemetry, catalogue, unix_seconds};

/// Rows of a batch when a row holds a whole source: an hour of signals is about 1.5 MB.
const WIDE_BATCH: usize = 8;
/// Rows of a batch otherwise.
const NARROW_BATCH: usize = 8192;
/// Batches that pass through the function of [`Statements::run_through`] while more are made.
const BATCHES_AHEAD: usize = 4;

/// The named parameters of statements.
pub(super) type Parameters = Vec<(&'static str, ScalarValue)>;

/// Runs statements: a session, the parameters of the statements, and the folder for their rows.
#[derive(Clone)]
pub(super) struct Statements {
    pub(super) ctx: SessionContext,
    pub(super) parameters: Parameters,
    /// Each step writes `<name>.parquet` here.
    pub(super) folder: PathBuf,
    /// What steps report to.
    pub(super) telemetry: Telemetry,
    /// The plans of steps with their figures, if they are wanted.
    pub(super) plans: Option<AnalyzedPlans>,
    /// Whether projections of a single partition are computed on all cores.
    pub(super) side_by_side: bool,
}

/// The plans of the steps so far, with what their operators did.
pub(super) type AnalyzedPlans = Arc<Mutex<Vec<AnalyzedStep>>>;

/// The plan of a step that has run.
#[derive(Debug, Clone, PartialEq)]
pub struct AnalyzedStep {
    /// The step, and the table it made.
    pub name: &'static str,
    /// Its rows.
    pub rows: u64,
    /// Its wall time in seconds.
    pub seconds: f64,
    /// The physical plan with the figures of its operators.
    pub plan: String,
}

/// As `EXPLAIN ANALYZE` prints it.
impl fmt::Display for AnalyzedStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, rows, seconds, plan } = self;
        writeln!(f, "── {name}: {rows} rows in {seconds:.3} s")?;
        plan.lines().try_for_each(|line| writeln!(f, "  {line}"))
    }
}

impl Statements {
    /// Statements over `ctx` whose rows go to `folder`.
    pub(super) fn new(ctx: SessionContext, parameters: Parameters, folder: PathBuf) -> Self {
        Self {
            ctx,
            parameters,
            folder,
            telemetry: Telemetry::default(),
            plans: None,
            side_by_side: false,
        }
    }

    /// Plan a step.
    pub(super) async fn plan(&self, step: &Step) -> Result<DataFrame> {
        let batch_size = if step.wide { WIDE_BATCH } else { NARROW_BATCH };
        let batch_size = ConfigNonZeroUsize::try_new(batch_size).map_err(query_error)?;
        self.ctx.state_ref().write().config_mut().options_mut().execution.batch_size = batch_size;
        self.query(step.sql).await
    }

    /// Plan a query.
    pub(super) async fn query(&self, sql: &str) -> Result<DataFrame> {
        self.query_with(sql, vec![]).await
    }

    /// Plan a query that has parameters of its own.
    pub(super) async fn query_with(&self, sql: &str, own: Parameters) -> Result<DataFrame> {
        let frame = self.ctx.sql(sql).await.map_err(query_error)?;
        let frame = unnested_by_field(frame).map_err(query_error)?;
        let used: Parameters = own
            .into_iter()
            .chain(self.parameters.iter().cloned())
            .filter(|(name, _)| sql.contains(&format!("${name}")))
            .collect();
        if used.is_empty() {
            return Ok(frame);
        }
        frame.with_param_values(used).map_err(query_error)
    }

    /// The rows of a query.
    pub(super) async fn rows<T: DeserializeOwned>(&self, sql: &str) -> Result<Vec<T>> {
        rows(self.query(sql).await?).await
    }

    /// The one row of a query that aggregates everything.
    pub(super) async fn row<T: DeserializeOwned>(&self, sql: &str) -> Result<T> {
        row(self.query(sql).await?).await
    }

    /// The rows of a query as batches.
    pub(super) async fn collect(&self, sql: &str) -> Result<Vec<RecordBatch>> {
        self.query(sql).await?.collect().await.map_err(query_error)
    }

    /// Run a step: its rows are written to its file, in the schema of the dataset's table of that name
    /// if there is one, and registered under its name.
    pub(super) async fn run(&self, step: &Step) -> Result<FileEntry> {
        self.run_through(step, None, |rows| async { Ok(rows) }).await
    }

    /// As [`Statements::run`], each batch passing through `through` before it is written. `becomes` is
    /// the schema it has afterwards; `None`: the schema it had.
    pub(super) async fn run_through<F>(
        &self,
        step: &Step,
        becomes: Option<SchemaRef>,
        through: impl Fn(RecordBatch) -> F,
    ) -> Result<FileEntry>
    where
        F: Future<Output = Result<RecordBatch>>,
    {
        let (started, since) = (unix_seconds(), std::time::Instant::now());
        let frame = self.plan(step).await?;
        let task = Arc::new(frame.task_ctx());
        let plan = frame.create_physical_plan().await.map_err(query_error)?;
        let plan = match self.side_by_side {
            true => side_by_side(plan).map_err(query_error)?,
            false => plan,
        };
        let stream = execute_stream(Arc::clone(&plan), task).map_err(query_error)?;
        let schema = becomes.unwrap_or_else(|| stream.schema());
        let rows = stream
            .map_err(query_error)
            .map(|rows| async { through(rows?).await })
            .buffered(BATCHES_AHEAD);
        let entry = write_rows(rows, schema, step.name, self.file(step.name)).await?;
        self.register(step.name).await?;
        tracing::debug!(step = step.name, rows = entry.rows, elapsed = ?since.elapsed(), "step done");
        self.report(step.name, &entry, started, since.elapsed().as_secs_f64(), plan.as_ref());
        Ok(entry)
    }

    fn report(
        &self,
        name: &'static str,
        entry: &FileEntry,
        started: f64,
        seconds: f64,
        plan: &dyn ExecutionPlan,
    ) {
        let metrics = &self.telemetry.metrics;
        metrics.add(&catalogue::STEP_SECONDS, &[name], seconds);
        metrics.add(&catalogue::STEP_ROWS, &[name], entry.rows as f64);
        self.telemetry.part_of_run("step", name, started, seconds);
        if let Some(plans) = &self.plans {
            let plan = DisplayableExecutionPlan::with_metrics(plan).indent(false).to_string();
            let step = AnalyzedStep { name, rows: entry.rows, seconds, plan };
            plans.lock().unwrap_or_else(PoisonError::into_inner).push(step);
        }
    }

    /// The plans of the steps so far, if they are kept.
    pub(super) fn analyzed(&self) -> Vec<AnalyzedStep> {
        let plans = self.plans.as_ref();
        plans.map_or(vec![], |plans| plans.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// Register the file of a step as the table of its name.
    pub(super) async fn register(&self, name: &str) -> Result<()> {
        register(&self.ctx, name, &self.file(name)).await
    }

    /// The file of a step.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.parquet"))
    }
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

/// Write the rows of a query to `path`, in the schema of the dataset's table `name` if there is one.
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

/// Register a Parquet file as a table, in place of a table of that name.
pub(super) async fn register(ctx: &SessionContext, name: &str, path: &Path) -> Result<()> {
    register_with(ctx, name, path, ParquetReadOptions::default()).await
}

/// Register a Parquet file whose rows are in the order of their number, `row`, so that a query in that
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
