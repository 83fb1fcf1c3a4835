//! A query as a table whose rows have an order: its partitions are read one after the other.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::prelude::DataFrame;
use futures::{StreamExt, TryStreamExt, stream};

/// `frame` as a table of one partition. It runs in its own session.
pub(super) fn in_order(frame: DataFrame) -> Result<StreamingTable> {
    let schema = Arc::clone(frame.schema().inner());
    StreamingTable::try_new(Arc::clone(&schema), vec![Arc::new(InOrder { frame, schema })])
}

#[derive(Debug)]
struct InOrder {
    frame: DataFrame,
    schema: SchemaRef,
}

impl PartitionStream for InOrder {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let frame = self.frame.clone();
        let partitions = async move { frame.execute_stream_partitioned().await };
        let rows = stream::once(partitions)
            .map_ok(|partitions| stream::iter(partitions).flatten())
            .try_flatten();
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), rows))
    }
}
