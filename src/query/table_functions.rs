//! `shots('talk.mp4')`, `signals('talk.mp4')`, `cues('talk.mp4')`: a video as a table.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::streaming::StreamingTable;
use datafusion::catalog::{TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::common::{ScalarValue, internal_err, plan_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::prelude::SessionContext;
use futures::stream;

use super::media_exec::CancelOnDrop;
use crate::exec::{AnalyzeWork, MediaRuntime, Work};
use crate::kernels::location::Location;
use crate::media::AnalyzeSettings;
use crate::model::{cue, shot, signal};

/// Give a session the table functions.
pub(super) fn register(
    ctx: &SessionContext,
    base: &Location,
    settings: &AnalyzeSettings,
    runtime: &Arc<MediaRuntime>,
) {
    for (name, fields) in
        [("shots", shot::fields()), ("signals", signal::fields()), ("cues", cue::fields())]
    {
        let function = VideoFunction {
            name,
            schema: Arc::new(Schema::new(fields)),
            base: base.clone(),
            work: Arc::new(AnalyzeWork::new(settings.clone())),
            runtime: Arc::clone(runtime),
        };
        ctx.register_udtf(name, Arc::new(function));
    }
}

/// One list column of the analysis of one video, as a table.
#[derive(Debug, Clone)]
struct VideoFunction {
    name: &'static str,
    schema: SchemaRef,
    base: Location,
    work: Arc<dyn Work>,
    runtime: Arc<MediaRuntime>,
}

impl TableFunctionImpl for VideoFunction {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let [Expr::Literal(value, _)] = args.exprs() else {
            return plan_err!(
                "{}() takes the path of one video: {}('talk.mp4')",
                self.name,
                self.name
            );
        };
        let Some(path) = text_of(value) else {
            return plan_err!("{}() takes the path of one video as text, not {value}", self.name);
        };
        let partition =
            VideoPartition { function: self.clone(), location: self.base.resolve(&path) };
        Ok(Arc::new(StreamingTable::try_new(Arc::clone(&self.schema), vec![Arc::new(partition)])?))
    }
}

fn text_of(value: &ScalarValue) -> Option<String> {
    value.try_as_str().flatten().map(str::to_owned)
}

/// The analysis as a stream: nothing runs before the first batch is asked for.
#[derive(Debug)]
struct VideoPartition {
    function: VideoFunction,
    location: String,
}

impl PartitionStream for VideoPartition {
    fn schema(&self) -> &SchemaRef {
        &self.function.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let rows = rows_of(self.function.clone(), self.location.clone());
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(self.schema()), stream::once(rows)))
    }
}

async fn rows_of(function: VideoFunction, location: String) -> Result<RecordBatch> {
    let schema = Arc::new(Schema::new(vec![Field::new("location", DataType::Utf8, false)]));
    let row = RecordBatch::try_new(schema, vec![Arc::new(StringArray::from(vec![location]))])?;
    let cancel = CancelOnDrop(function.runtime.token());
    let work = Arc::clone(&function.work);
    let columns =
        Arc::clone(&function.runtime).run_work(Arc::clone(&work), row, cancel.0.clone()).await;
    let columns = columns.map_err(|e| DataFusionError::External(Box::new(e)))?;
    let position = work.output_fields().iter().position(|f| f.name() == function.name);
    let Some(column) = position.and_then(|i| columns.get(i)) else {
        return internal_err!("the analysis has no column {}", function.name);
    };
    let items = column.as_list::<i32>().value(0);
    Ok(RecordBatch::try_new(function.schema, items.as_struct().columns().to_vec())?)
}
