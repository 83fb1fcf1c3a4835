//! Plans of one partition whose projections are computed on all cores, in the order of the rows.

use std::fmt;
use std::sync::Arc;
use std::thread::available_parallelism;

use arrow::array::RecordBatch;
use datafusion::common::internal_datafusion_err;
use datafusion::common::runtime::SpawnedTask;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{Column, Literal};
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::stream::{RecordBatchReceiverStream, RecordBatchStreamAdapter};
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::{FutureExt, StreamExt, TryStreamExt};

/// Batches of the input that wait for a core.
const BATCHES_WAITING: usize = 2;

/// `plan` with each projection of a single partition computed by [`SideBySideExec`], if it computes more
/// than the choice of columns.
///
/// # Errors
/// As for a change of children.
pub(crate) fn side_by_side(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let change = |node: Arc<dyn ExecutionPlan>| {
        let projection = node.downcast_ref::<ProjectionExec>().filter(|projection| {
            let computes = |e: &Arc<dyn PhysicalExpr>| {
                e.downcast_ref::<Column>().is_none() && e.downcast_ref::<Literal>().is_none()
            };
            projection.properties().output_partitioning().partition_count() == 1
                && projection.expr().iter().any(|e| computes(&e.expr))
        });
        Ok(match projection {
            Some(projection) => {
                Transformed::yes(Arc::new(SideBySideExec::new(projection.clone())) as _)
            }
            None => Transformed::no(node),
        })
    };
    plan.transform_up(change).data()
}

/// A projection whose input runs on a task of its own and whose batches are computed on tasks of their
/// own; they leave in the order in which they came.
#[derive(Debug)]
struct SideBySideExec {
    projection: ProjectionExec,
    metrics: ExecutionPlanMetricsSet,
}

impl SideBySideExec {
    fn new(projection: ProjectionExec) -> Self {
        Self { projection, metrics: ExecutionPlanMetricsSet::new() }
    }
}

impl DisplayAs for SideBySideExec {
    fn fmt_as(&self, t: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "SideBySideExec: ")?;
        self.projection.fmt_as(t, f)
    }
}

impl ExecutionPlan for SideBySideExec {
    fn name(&self) -> &'static str {
        "SideBySideExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.projection.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![self.projection.input()]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.projection.apply_expressions(f)
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(input), true) => {
                let expressions = self.projection.expr().to_vec();
                Ok(Arc::new(Self::new(ProjectionExec::try_new(expressions, input)?)))
            }
            _ => Err(internal_datafusion_err!("SideBySideExec takes one child")),
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

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let mut input = self.projection.input().execute(partition, context)?;
        let mut waiting = RecordBatchReceiverStream::builder(input.schema(), BATCHES_WAITING);
        let sender = waiting.tx();
        waiting.spawn(async move {
            while let Some(batch) = input.next().await {
                // A receiver that is gone wants no more rows.
                if sender.send(batch).await.is_err() {
                    break;
                }
            }
            Ok(())
        });
        let projector = self
            .projection
            .projection_expr()
            .make_projector_with_schema_metadata(&self.projection.input().schema(), &self.schema());
        let projector = Arc::new(projector?);
        let baseline = BaselineMetrics::new(&self.metrics, partition);
        let cores = available_parallelism().map_or(1, std::num::NonZero::get);
        let compute = move |batch: RecordBatch| {
            let projector = Arc::clone(&projector);
            let task = SpawnedTask::spawn(async move { projector.project_batch(&batch) });
            // A panic goes on where the rows are read.
            task.join_unwind().map(|joined| match joined {
                Ok(batch) => batch,
                Err(ended) => Err(DataFusionError::ExecutionJoin(Box::new(ended))),
            })
        };
        let batches = waiting.build().map_ok(compute).try_buffered(cores + 1);
        let batches = batches.inspect_ok(move |batch| baseline.record_output(batch.num_rows()));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), batches)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use datafusion::physical_plan::{collect, displayable};
    use datafusion::prelude::SessionContext;

    use super::*;
    use crate::query::{SessionOptions, session};

    fn context() -> SessionContext {
        let options = SessionOptions { partitions: 1, batch_size: 16, ..SessionOptions::default() };
        session(&options, None).unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn rows_keep_their_order() {
        let sql = "SELECT n, occurrence(t) OVER (ORDER BY n) AS o, 'id ' || t AS id FROM (
            SELECT row_number() OVER () AS n, CAST(value * 37 % 101 AS VARCHAR) AS t FROM generate_series(1, 2000))";
        let ctx = context();
        let frame = ctx.sql(sql).await.unwrap();
        let task = Arc::new(frame.task_ctx());
        let plan = frame.clone().create_physical_plan().await.unwrap();
        let changed = side_by_side(plan).unwrap();
        let text = displayable(changed.as_ref()).indent(false).to_string();
        assert!(text.contains("SideBySideExec") && !text.contains("SortExec"), "{text}");
        let rows = collect(changed, task).await.unwrap();
        let expected = frame.collect().await.unwrap();
        let all = |batches: &[RecordBatch]| {
            arrow::compute::concat_batches(&batches[0].schema(), batches).unwrap()
        };
        assert_eq!(all(&rows), all(&expected));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_error_of_a_row_is_the_plans() {
        let sql = "SELECT 10 / (value - 1500) AS x FROM generate_series(1, 2000)";
        let ctx = context();
        let frame = ctx.sql(sql).await.unwrap();
        let task = Arc::new(frame.task_ctx());
        let plan = side_by_side(frame.create_physical_plan().await.unwrap()).unwrap();
        let error = collect(plan, task).await.unwrap_err();
        assert!(error.to_string().contains("ivide by zero"), "{error}");
    }
}
