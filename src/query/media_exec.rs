//! [`MediaExec`], the operator that does media work on each row of its input.
//!
//! Rows run as tasks on the session's [`MediaRuntime`], whose slots bound how many are fetched and
//! worked on at a time over all partitions; a partition asks its input for a bounded number of rows
//! ahead of those (back-pressure) and emits rows as they finish, in that order. Dropping the stream cancels what runs.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema};
use datafusion::common::internal_datafusion_err;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{
    Boundedness, CardinalityEffect, EmissionType, ReplaceChildrenOptions,
};
use datafusion::physical_plan::metrics::{
    BaselineMetrics, Count, ExecutionPlanMetricsSet, Gauge, MetricBuilder, MetricsSet, Time,
};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, Partitioning,
    PlanProperties,
};
use futures::{TryStreamExt, stream};
use tokio::sync::Semaphore;

use crate::cancel::CancelOnDrop;
use crate::exec::{MediaRuntime, RowFigures, Work, WorkSpec, outcome_fields};

/// Does media work on each row of its input; see the [module](self).
#[derive(Debug)]
pub struct MediaExec {
    spec: WorkSpec,
    work: Arc<dyn Work>,
    input: Arc<dyn ExecutionPlan>,
    /// A limit of rows at a time below the workers of the runtime, over all partitions.
    limit: Option<(usize, Arc<Semaphore>)>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
    /// The backend and the reason for it, shown in plans; known if the session has a runtime.
    runs_on: Option<String>,
}

impl MediaExec {
    /// An operator that does `spec` on each row of `input`.
    ///
    /// # Errors
    /// If the work is not registered in this process.
    pub fn try_new(spec: WorkSpec, input: Arc<dyn ExecutionPlan>) -> Result<Self> {
        let work = spec.build().map_err(|e| DataFusionError::External(Box::new(e)))?;
        let schema = Arc::new(output_schema(&input.schema(), work.as_ref()));
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(input.output_partitioning().partition_count()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Ok(Self {
            spec,
            work,
            input,
            limit: None,
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
            runs_on: None,
        })
    }

    /// The same operator, with its backend in plans.
    #[must_use]
    pub fn on(self, runtime: Option<&MediaRuntime>) -> Self {
        let choice = runtime.map(|r| r.backend().choice(self.work.as_ref(), None).to_string());
        Self { runs_on: choice, ..self }
    }

    /// Limits the rows worked on at a time to `rows`.
    #[must_use]
    pub fn with_rows_at_a_time(mut self, rows: Option<usize>) -> Self {
        self.limit = rows.map(|rows| (rows, Arc::new(Semaphore::new(rows))));
        self
    }

    /// The work that it does.
    pub fn spec(&self) -> &WorkSpec {
        &self.spec
    }
}

/// The columns of the input, of the work, and of the outcome. Planning rejects an input that has one of
/// the added columns.
pub(super) fn output_schema(input: &Schema, work: &dyn Work) -> Schema {
    let added = work.output_fields().into_iter().chain(outcome_fields());
    let fields: Vec<Field> =
        input.fields().iter().map(|f| f.as_ref().clone()).chain(added).collect();
    Schema::new(fields)
}

impl DisplayAs for MediaExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "MediaExec: {}", self.work.name())?;
        if let Some((rows, _)) = &self.limit {
            write!(f, ", rows_at_a_time={rows}")?;
        }
        match &self.runs_on {
            Some(choice) => write!(f, ", backend={choice}"),
            None => Ok(()),
        }
    }
}

impl ExecutionPlan for MediaExec {
    fn name(&self) -> &'static str {
        "MediaExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        // The runtime's slots bound the rows at a time; more partitions would not run more of them.
        vec![false]
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::Equal
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(input), true) => {
                let new = Self::try_new(self.spec.clone(), input)?;
                let rows = self.limit.as_ref().map(|(rows, _)| *rows);
                let new = Self { runs_on: self.runs_on.clone(), ..new };
                Ok(Arc::new(new.with_rows_at_a_time(rows)))
            }
            _ => Err(internal_datafusion_err!("MediaExec takes one child")),
        }
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(
            children,
            ReplaceChildrenOptions::new(
                datafusion::physical_plan::execution_plan::ChildrenPropertiesMode::Recompute,
            ),
        )
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let runtime =
            context.session_config().get_extension::<MediaRuntime>().ok_or_else(|| {
                DataFusionError::Configuration(
                    "this session has no media runtime; add one with SessionConfig::with_extension"
                        .into(),
                )
            })?;
        let rows = self.input.execute(partition, context)?.map_ok(one_row_batches).try_flatten();
        let cancel = CancelOnDrop(runtime.token());
        let (work, schema) = (Arc::clone(&self.work), self.schema());
        let baseline = BaselineMetrics::new(&self.metrics, partition);
        let figures = MediaMetrics::new(&self.metrics, partition);
        let turns = self.limit.as_ref().map(|(_, turns)| Arc::clone(turns));
        let limit = runtime.rows_ahead();
        let out_schema = Arc::clone(&schema);
        let finished = rows
            .map_ok(move |row| {
                let (runtime, work, token) =
                    (Arc::clone(&runtime), Arc::clone(&work), cancel.0.clone());
                let turns = turns.clone();
                async move {
                    let _turn = match &turns {
                        Some(turns) => Some(turns.acquire().await),
                        None => None,
                    };
                    let columns = runtime.run_measured_row(work, row, token).await;
                    columns.map_err(|e| DataFusionError::External(Box::new(e)))
                }
            })
            .try_buffer_unordered(limit)
            .and_then(move |(columns, row)| {
                let batch = RecordBatch::try_new(Arc::clone(&out_schema), columns)
                    .map_err(DataFusionError::from);
                if let Ok(batch) = &batch {
                    figures.add(&row, has_error(batch));
                    baseline.record_output(batch.num_rows());
                }
                futures::future::ready(batch)
            });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, finished)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

/// What `EXPLAIN ANALYZE` shows of the operator.
#[derive(Debug)]
struct MediaMetrics {
    failed: Count,
    retried: Count,
    cached: Count,
    processes: Count,
    video: Time,
    working: Time,
    waiting: Time,
    cpu: Time,
    peak: Gauge,
}

impl MediaMetrics {
    fn new(metrics: &ExecutionPlanMetricsSet, partition: usize) -> Self {
        let new = || MetricBuilder::new(metrics);
        Self {
            failed: new().counter("failed_rows", partition),
            retried: new().counter("retried_rows", partition),
            cached: new().counter("cache_hits", partition),
            processes: new().counter("media_processes", partition),
            video: new().subset_time("video_time", partition),
            working: new().subset_time("work_time", partition),
            waiting: new().subset_time("wait_time", partition),
            cpu: new().subset_time("media_cpu_time", partition),
            peak: new().gauge("media_peak_memory_bytes", partition),
        }
    }

    fn add(&self, row: &RowFigures, has_failed: bool) {
        self.failed.add(usize::from(has_failed));
        self.retried.add(usize::from(row.attempts > 1));
        self.cached.add(usize::from(row.cached));
        self.processes.add(row.processes);
        let add = |time: &Time, seconds: f64| {
            time.add_duration(Duration::try_from_secs_f64(seconds).unwrap_or_default());
        };
        add(&self.video, row.video_seconds);
        add(&self.working, row.seconds);
        add(&self.waiting, row.waited);
        add(&self.cpu, row.cpu_seconds);
        self.peak.set_max(usize::try_from(row.peak_bytes).unwrap_or(usize::MAX));
    }
}

fn one_row_batches(batch: RecordBatch) -> impl futures::Stream<Item = Result<RecordBatch>> {
    stream::iter((0..batch.num_rows()).map(move |row| Ok(batch.slice(row, 1))))
}

fn has_error(batch: &RecordBatch) -> bool {
    batch.column_by_name("error_code").is_some_and(|c| c.null_count() < c.len())
}
