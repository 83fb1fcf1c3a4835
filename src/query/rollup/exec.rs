//! [`RollupExec`], the operator that rolls up events.

use std::fmt;
use std::sync::{Arc, Mutex};

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{internal_datafusion_err, plan_datafusion_err, plan_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{
    Boundedness, ChildrenPropertiesMode, EmissionType, ReplaceChildrenOptions,
};
use datafusion::physical_plan::metrics::{
    BaselineMetrics, ExecutionPlanMetricsSet, MetricBuilder, MetricsSet,
};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, Partitioning,
    PlanProperties,
};
use futures::future::{BoxFuture, Shared};
use futures::{FutureExt, StreamExt, TryFutureExt, TryStreamExt, stream};
use tokio::task::JoinSet;

use super::deal::Dealer;
use super::emit::{self, Output};
use super::tally::{InputColumns, SharedTally, lock};
use crate::kernels::tally::{DealBy, PARTS, Part, ViewerScope};
use crate::model::event::rolled_fields;

/// Rolls up all partitions of its input at once into one tally, then emits it.
pub struct RollupExec {
    input: Arc<dyn ExecutionPlan>,
    columns: InputColumns,
    /// The [`output_schema`].
    all: SchemaRef,
    /// Columns of it that are emitted.
    wanted: Vec<usize>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
    /// Fills the tally once, begun by the first partition that is polled.
    filling: Mutex<Option<Filling>>,
}

/// Completes with the tally that all partitions of the input have filled.
type Filling = Shared<BoxFuture<'static, Result<Arc<SharedTally>, Arc<DataFusionError>>>>;

impl fmt::Debug for RollupExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RollupExec").field("columns", &self.columns).finish_non_exhaustive()
    }
}

impl RollupExec {
    /// An operator that rolls up the rows of `input` and emits the columns `wanted` of `all`, the
    /// [`output_schema`] with the types that the keys are to have.
    ///
    /// # Errors
    /// If the input has no column `event`.
    pub(super) fn try_new(
        input: Arc<dyn ExecutionPlan>,
        all: SchemaRef,
        wanted: Vec<usize>,
    ) -> Result<Self> {
        let schema = all.project(&wanted)?;
        let columns = InputColumns { scope: scope(&schema), ..columns(&input.schema())? };
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::new(schema)),
            Partitioning::UnknownPartitioning(input.output_partitioning().partition_count()),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Ok(Self {
            input,
            columns,
            all,
            wanted,
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
            filling: Mutex::default(),
        })
    }

    fn filling(&self, context: &Arc<TaskContext>) -> Result<Filling> {
        let mut filling = lock(&self.filling);
        if let Some(filling) = filling.as_ref() {
            return Ok(filling.clone());
        }
        let spills = MetricBuilder::new(&self.metrics).spill_count(0);
        let table = Arc::new(SharedTally::new(
            self.columns.clone(),
            &self.all,
            &self.input.schema(),
            context,
            spills,
        ));
        let partitions = self.input.output_partitioning().partition_count();
        let inputs = (0..partitions).map(|p| self.input.execute(p, Arc::clone(context)));
        let inputs = inputs.collect::<Result<Vec<_>>>()?;
        let new = fill(table, inputs).map_err(Arc::new).boxed().shared();
        *filling = Some(new.clone());
        Ok(new)
    }
}

/// Runs each partition of the input on its own task; dropping it aborts all.
async fn fill(
    table: Arc<SharedTally>,
    inputs: Vec<SendableRecordBatchStream>,
) -> Result<Arc<SharedTally>> {
    let mut tasks = JoinSet::new();
    for mut input in inputs {
        let mut dealer = Dealer::new(Arc::clone(&table));
        tasks.spawn(async move {
            while let Some(batch) = input.try_next().await? {
                dealer.add(&batch)?;
                tokio::task::consume_budget().await;
            }
            dealer.finish()
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.map_err(|e| DataFusionError::ExecutionJoin(Box::new(e)))??;
    }
    Ok(table)
}

/// The rows of output partition `partition` of `partitions`.
fn rows(
    table: Arc<SharedTally>,
    output: Output,
    (partition, partitions): (usize, usize),
) -> impl futures::Stream<Item = Result<RecordBatch>> + Send {
    let indices: Vec<usize> = match table.dealt_by() {
        DealBy::Group => (partition..PARTS).step_by(partitions.max(1)).collect(),
        // Groups are few and in all parts: the first output partition merges them.
        DealBy::Viewer if partition == 0 => vec![PARTS],
        DealBy::Viewer => vec![],
    };
    stream::iter(indices)
        .then(move |index| {
            let (table, output) = (Arc::clone(&table), output.clone());
            async move {
                let part =
                    if index < PARTS { table.take(index).await? } else { sum(&table).await? };
                emit::batches(&part, &table, &output)
            }
        })
        .map_ok(|batches| stream::iter(batches.into_iter().map(Ok)))
        .try_flatten()
}

async fn sum(table: &SharedTally) -> Result<Part> {
    let mut sum = Part::default();
    for index in 0..PARTS {
        sum.absorb(&table.take(index).await?)?;
    }
    Ok(sum)
}

/// The name of a column that says which rows count. Kinds of events that occur in the others alone are
/// tracked, so that their count is 0 and not missing.
pub const COUNTED: &str = "clipflow: counted";

/// The name of the column of viewers.
pub(super) const VIEWER: &str = "viewer_id";

/// The roles of the columns.
pub(super) fn columns(input: &Schema) -> Result<InputColumns> {
    let find = |name: &str| input.fields().iter().position(|f| f.name() == name);
    let found = || {
        let names: Vec<&str> = input.fields().iter().map(|f| f.name().as_str()).collect();
        names.join(", ")
    };
    let event = find("event").ok_or_else(|| {
        plan_datafusion_err!("rollup_events needs a column event; the query has {}", found())
    })?;
    let (viewer, value) = (find(VIEWER), find("value"));
    let counted = find(COUNTED);
    let is_key = |i: &usize| *i != event && ![viewer, value, counted].contains(&Some(*i));
    let keys: Vec<usize> = (0..input.fields().len()).filter(is_key).collect();
    let is_nested = |i: &&usize| input.field(**i).data_type().is_nested();
    if let Some(nested) = keys.iter().find(is_nested) {
        let name = input.field(*nested).name();
        return plan_err!("rollup_events cannot group by {name}, which is a list or a struct");
    }
    let scope = if viewer.is_some() { ViewerScope::All } else { ViewerScope::Ignored };
    let mut columns = InputColumns { keys, event, viewer, value, counted, scope };
    // The most selective key comes first in the tally.
    columns.keys.sort_by_key(|i| input.field(*i).name() != "variant_id");
    Ok(columns)
}

/// The distinct viewers that the columns of `output` need.
pub(super) fn scope(output: &Schema) -> ViewerScope {
    let wants = |name: &str| output.fields().iter().any(|f| f.name() == name);
    if wants("audience_reach") {
        ViewerScope::All
    } else if VIEWER_COUNTS.into_iter().any(wants) {
        ViewerScope::Marked
    } else {
        ViewerScope::Ignored
    }
}

/// Counts, beside that of all distinct viewers, that tell viewers apart or known from unknown ones.
const VIEWER_COUNTS: [&str; 5] =
    ["first_views", "first_completions", "new_viewers", "anonymous_views", "anonymous_completions"];

/// The keys, then the counts.
pub(super) fn output_schema(input: &Schema) -> Result<Schema> {
    let columns = columns(input)?;
    let keys = columns.keys.iter().map(|i| input.field(*i).clone().with_nullable(true));
    let fields: Vec<Field> = keys.chain(rolled_fields()).collect();
    let counts = rolled_fields();
    if let Some(taken) =
        columns.keys.iter().find(|i| counts.iter().any(|c| c.name() == input.field(**i).name()))
    {
        return plan_err!(
            "rollup_events makes a column {} itself; give that of the query another name",
            input.field(*taken).name()
        );
    }
    Ok(Schema::new(fields))
}

impl DisplayAs for RollupExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        let schema = self.input.schema();
        let keys: Vec<&str> =
            self.columns.keys.iter().map(|i| schema.field(*i).name().as_str()).collect();
        let viewers = match self.columns.scope {
            ViewerScope::Ignored => "ignored",
            ViewerScope::Marked => "marked",
            ViewerScope::All => "all",
        };
        write!(f, "RollupExec: by=[{}], viewers={viewers}", keys.join(", "))
    }
}

impl ExecutionPlan for RollupExec {
    fn name(&self) -> &'static str {
        "RollupExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
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
                Ok(Arc::new(Self::try_new(input, Arc::clone(&self.all), self.wanted.clone())?))
            }
            _ => Err(internal_datafusion_err!("RollupExec takes one child")),
        }
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(
            children,
            ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute),
        )
    }

    fn reset_state(self: Arc<Self>) -> Result<Arc<dyn ExecutionPlan>> {
        let (input, all) = (Arc::clone(&self.input), Arc::clone(&self.all));
        Ok(Arc::new(Self::try_new(input, all, self.wanted.clone())?))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let filling = self.filling(&context)?;
        let schema = self.schema();
        let batch_size = context.session_config().batch_size();
        let output =
            Output { schema: Arc::clone(&schema), wanted: self.wanted.clone().into(), batch_size };
        let partitions = self.properties.output_partitioning().partition_count();
        let baseline = BaselineMetrics::new(&self.metrics, partition);
        let batches = stream::once(async move {
            let table = filling.await.map_err(DataFusionError::Shared)?;
            Ok::<_, DataFusionError>(rows(table, output, (partition, partitions)))
        });
        let batches = batches.try_flatten().inspect_ok(move |batch: &RecordBatch| {
            baseline.record_output(batch.num_rows());
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}
