//! The operator that gives the cells of a scan the types of their columns.

use std::cell::OnceCell;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use arrow::array::{
    Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, new_null_array,
};
use arrow::array::{AsArray, Scalar, StringArray, TimestampMicrosecondArray};
use arrow::compute::kernels::cmp::gt;
use arrow::compute::{CastOptions, cast_with_options, max};
use arrow::datatypes::{DataType, SchemaRef};
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
use super::notes::{EventNotes, StrayTimes};
use super::scan::GroupScan;
use super::skipped::note_skipped;
use super::table::Role;
use crate::kernels::cells::{self, BadCell, Cells, Clock};

/// A cell that does not fit its column.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) column: String,
    pub(super) cell: BadCell,
}

/// Faults of whole columns, which no row can be left out for.
const NO_BATCH: &str = "is no batch";
const OF_OTHERS: &str = "fits no column with the values of other files";

impl Fault {
    /// Of a batch as a whole.
    pub(super) fn of_batch(cause: &arrow::error::ArrowError) -> Self {
        let cell = BadCell { row: 0, text: cause.to_string(), why: NO_BATCH };
        Self { column: String::new(), cell }
    }

    /// Whether its row is known.
    pub(super) fn is_of_row(&self) -> bool {
        ![NO_BATCH, OF_OTHERS].contains(&self.cell.why)
    }
}

/// How one column is made.
#[derive(Debug, Clone)]
pub(super) struct Step {
    /// Its name in the files, for errors.
    pub(super) name: String,
    pub(super) role: Role,
    /// Its place among the columns read; `None`: the files do not have it.
    pub(super) from: Option<usize>,
    /// The place of the column that says which event a row is, for values.
    pub(super) event: Option<usize>,
}

/// How the columns of a table are made of those read.
#[derive(Debug, Clone)]
pub(super) struct Steps {
    /// Columns of the scan that are read.
    pub(super) read: Vec<usize>,
    pub(super) steps: Vec<Step>,
    /// Columns that are read only to leave out rows, with their types.
    pub(super) checked: Vec<(Step, DataType)>,
    /// Whether rows with a bad cell are left out.
    pub(super) skips: bool,
    pub(super) schema: SchemaRef,
    pub(super) clock: Clock,
    /// The last moment, in microseconds since 1970, that an event can be of.
    pub(super) horizon: Option<i64>,
}

impl Steps {
    /// The typed columns of a batch of the scan.
    pub(super) fn apply(&self, batch: &RecordBatch) -> std::result::Result<RecordBatch, Fault> {
        let rows = batch.num_rows();
        let mut columns = Vec::with_capacity(self.steps.len());
        for (step, field) in self.steps.iter().zip(self.schema.fields()) {
            let column = match step.from {
                None => Ok(new_null_array(field.data_type(), rows)),
                Some(at) => self.typed(batch, batch.column(at), step, field.data_type()),
            };
            columns.push(column.map_err(|cell| Fault { column: step.name.clone(), cell })?);
        }
        for (step, data_type) in &self.checked {
            if let Some(at) = step.from {
                self.typed(batch, batch.column(at), step, data_type)
                    .map_err(|cell| Fault { column: step.name.clone(), cell })?;
            }
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .map_err(|e| Fault::of_batch(&e))
    }

    fn typed(
        &self,
        batch: &RecordBatch,
        column: &ArrayRef,
        step: &Step,
        to: &DataType,
    ) -> Cells<ArrayRef> {
        let typed: ArrayRef = match step.role {
            Role::Count => Arc::new(cells::counts(column)?),
            Role::Seconds => Arc::new(cells::seconds(column)?),
            Role::Value => {
                let watched = OnceCell::new();
                let are_seconds = |row: usize| {
                    let watched = watched.get_or_init(|| {
                        step.event.and_then(|event| are_watch_seconds(batch.column(event)))
                    });
                    watched.as_ref().is_some_and(|w: &BooleanArray| w.is_valid(row) && w.value(row))
                };
                Arc::new(cells::values(column, are_seconds)?)
            }
            Role::Day => Arc::new(cells::days(column, self.clock)?),
            Role::Time => Arc::new(cells::times(column, self.clock)?),
            Role::Id => cells::ids(column)?,
            Role::Own | Role::Plain
                if *to == DataType::Float64 && column.data_type().is_integer() =>
            {
                Arc::new(cells::exact_floats(column)?)
            }
            Role::Own | Role::Plain => cells::texts(column),
        };
        if typed.data_type() == to {
            return Ok(typed);
        }
        let strict = CastOptions { safe: false, ..CastOptions::default() };
        cast_with_options(&typed, to, &strict).map_err(|e| BadCell {
            row: 0,
            text: e.to_string(),
            why: OF_OTHERS,
        })
    }
}

/// Whether each event is one of seconds watched.
fn are_watch_seconds(events: &ArrayRef) -> Option<BooleanArray> {
    let events = arrow::compute::cast(events, &DataType::Utf8).ok()?;
    let wanted = Scalar::new(StringArray::from(vec!["watch_seconds"]));
    arrow::compute::kernels::cmp::eq(events.as_string::<i32>(), &wanted).ok()
}

/// What one reading of all files has found.
#[derive(Debug, Default)]
pub(super) struct Reading {
    rows: AtomicU64,
    untimed: AtomicU64,
    latest: AtomicI64,
    pub(super) skipped: AtomicU64,
}

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

impl Steps {
    /// Note times after the horizon.
    fn note_stray(&self, batch: &RecordBatch, reading: &Reading, notes: &EventNotes) {
        let Some(horizon) = self.horizon else { return };
        let timed = self.steps.iter().zip(batch.columns());
        for (_, column) in timed.filter(|(step, _)| matches!(step.role, Role::Time | Role::Day)) {
            let Ok(times) = arrow::compute::cast(
                column,
                &DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, None),
            ) else {
                continue;
            };
            if column.null_count() > 0 {
                let rows = column.null_count() as u64;
                notes.note_untimed(reading.untimed.fetch_add(rows, Ordering::Relaxed) + rows);
            }
            let times = times.as_primitive::<arrow::datatypes::TimestampMicrosecondType>();
            let Some(latest) = max(times).filter(|latest| *latest > horizon) else { continue };
            let limit = Scalar::new(TimestampMicrosecondArray::from(vec![horizon]));
            let rows = gt(times, &limit).map_or(0, |after| after.true_count() as u64);
            let rows = reading.rows.fetch_add(rows, Ordering::Relaxed) + rows;
            let latest = reading.latest.fetch_max(latest, Ordering::Relaxed).max(latest);
            notes.note_stray(StrayTimes { rows, latest });
        }
    }
}
