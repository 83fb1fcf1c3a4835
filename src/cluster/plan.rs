//! [`ClusterExec`]: the one operator of a job, over the files of its rows.

use std::fmt;
use std::sync::Arc;

use arrow::array::{RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::internal_datafusion_err;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::object_store::ObjectStoreUrl;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, Partitioning,
    PlanProperties,
};
use futures::TryStreamExt;
use object_store::path::Path as StorePath;

use super::RowOrder;
use super::engine::task_is_over;
use super::files::{row_schema, rows_of};
use super::folder::SharedFolder;
use super::row::run_row;
use super::visiting::VisitedRuns;

/// Runs the rows of files; says of each what became of it, which the client does not need.
#[derive(Debug)]
pub(super) struct ClusterExec {
    order: RowOrder,
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

/// `key`, `state`.
fn output_schema() -> SchemaRef {
    let column = |name| Field::new(name, DataType::Utf8, false);
    Arc::new(Schema::new(vec![column("key"), column("state")]))
}

impl ClusterExec {
    pub(super) fn new(order: RowOrder, input: Arc<dyn ExecutionPlan>) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(output_schema()),
            Partitioning::UnknownPartitioning(input.output_partitioning().partition_count()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self { order, input, properties: Arc::new(properties) }
    }

    /// The plan of a job over the rows with these keys and sizes of files: one partition each.
    ///
    /// # Errors
    /// If the folder's path cannot be written as one of an object store.
    pub(super) fn over_files(order: RowOrder, rows: &[(String, u64)]) -> Result<Self> {
        let folder = SharedFolder::at(order.folder.clone());
        let file = |(key, bytes): &(String, u64)| {
            let path = StorePath::from_absolute_path(folder.row_file(key))?;
            let file = PartitionedFile::new(path.to_string(), *bytes);
            let file = PartitionedFile {
                object_meta: object_store::ObjectMeta {
                    location: path,
                    ..file.object_meta.clone()
                },
                ..file
            };
            Ok(FileGroup::new(vec![file]))
        };
        let groups: Result<Vec<FileGroup>> = rows.iter().map(file).collect();
        let source = Arc::new(ParquetSource::new(row_schema()));
        let scan = FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), source)
            .with_file_groups(groups?)
            .build();
        Ok(Self::new(order, DataSourceExec::from_data_source(scan)))
    }

    pub(super) fn order(&self) -> &RowOrder {
        &self.order
    }
}

impl DisplayAs for ClusterExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "ClusterExec: {}", self.order.folder.display())
    }
}

impl ExecutionPlan for ClusterExec {
    fn name(&self) -> &'static str {
        "ClusterExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(input), true) => Ok(Arc::new(Self::new(self.order.clone(), input))),
            _ => Err(internal_datafusion_err!("ClusterExec takes one child")),
        }
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let runs = context.session_config().get_extension::<VisitedRuns>().ok_or_else(|| {
            DataFusionError::Configuration("rows of a cluster run on its executors alone".into())
        })?;
        let task = context.task_id().unwrap_or_default();
        let order = self.order.clone();
        let batches = self.input.execute(partition, context)?;
        let states = batches.and_then(move |batch| {
            let (runs, order, task) = (Arc::clone(&runs), order.clone(), task.clone());
            async move {
                let (mut keys, mut states) = (vec![], vec![]);
                let external = |e| DataFusionError::External(Box::new(e));
                for (key, row) in rows_of(&batch).map_err(external)? {
                    let state = run_row(&runs, &order, (&key, row), task_is_over(&task));
                    states
                        .push(state.await.map_err(|e| DataFusionError::Execution(e.to_string()))?);
                    keys.push(key);
                }
                let columns = vec![
                    Arc::new(StringArray::from(keys)) as _,
                    Arc::new(StringArray::from(states)) as _,
                ];
                Ok(RecordBatch::try_new(output_schema(), columns)?)
            }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(output_schema(), states)))
    }
}
