//! The operator that gives the cells of a scan the types of their columns.

use std::fmt;
use std::sync::Arc;

use datafusion::common::internal_datafusion_err;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{
    Boundedness, ChildrenPropertiesMode, EmissionType, ReplaceChildrenOptions,
};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, Partitioning,
    PlanProperties,
};
use futures::StreamExt;

use super::locate::located;
use super::notes::EventNotes;
use super::scan::GroupScan;
use super::skipped::note_skipped;
use super::steps::{Reading, Steps};

/// See the module.
pub(super) struct TypedExec {
    input: Arc<dyn ExecutionPlan>,
    scan: Arc<GroupScan>,
    steps: Arc<Steps>,
    reading: Arc<Reading>,
    properties: Arc<PlanProperties>,
}

impl TypedExec {
    pub(super) fn new(
        input: Arc<dyn ExecutionPlan>,
        scan: Arc<GroupScan>,
        steps: Arc<Steps>,
        reading: Arc<Reading>,
    ) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&steps.schema)),
            Partitioning::UnknownPartitioning(input.output_partitioning().partition_count()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self { input, scan, steps, reading, properties: Arc::new(properties) }
    }
}

impl fmt::Debug for TypedExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedExec").field("steps", &self.steps).finish_non_exhaustive()
    }
}

impl DisplayAs for TypedExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        let names: Vec<&str> =
            self.steps.schema.fields().iter().map(|field| field.name().as_str()).collect();
        write!(f, "TypedExec: columns=[{}]", names.join(", "))
    }
}

impl ExecutionPlan for TypedExec {
    fn name(&self) -> &'static str {
        "TypedExec"
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

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        // The scan has the partitions it is to have.
        vec![false]
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
            (Some(input), true) => Ok(Arc::new(Self::new(
                input,
                Arc::clone(&self.scan),
                Arc::clone(&self.steps),
                Arc::clone(&self.reading),
            ))),
            _ => Err(internal_datafusion_err!("TypedExec takes one child")),
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
        let input = self.input.execute(partition, Arc::clone(&context))?;
        let (scan, steps, reading) =
            (Arc::clone(&self.scan), Arc::clone(&self.steps), Arc::clone(&self.reading));
        let notes: Option<Arc<EventNotes>> = context.session_config().get_extension();
        let schema = Arc::clone(&steps.schema);
        let batches = input.then(move |batch| {
            let typed = batch.and_then(|batch| {
                let (typed, skipped) = steps.read(&batch).map_err(|fault| {
                    let text = format!("the column {} holds {}", fault.column, fault.cell);
                    DataFusionError::Execution(text)
                })?;
                if let Some(notes) = &notes {
                    steps.note_stray(&typed, &reading, notes);
                }
                Ok((typed, skipped))
            });
            let (scan, steps, context) =
                (Arc::clone(&scan), Arc::clone(&steps), Arc::clone(&context));
            let (reading, notes) = (Arc::clone(&reading), notes.clone());
            async move {
                match typed {
                    Ok((typed, 0)) => Ok(typed),
                    Ok((typed, skipped)) => {
                        note_skipped(&scan, &steps, context, skipped, (&reading, notes)).await;
                        Ok(typed)
                    }
                    Err(error) => Err(located(&scan, &steps, context, error).await),
                }
            }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }
}
