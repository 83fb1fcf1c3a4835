//! `experiment('events.parquet', 'hook_rate', 'layout', 'results')`: what `clipflow experiment` prints, as
//! a table of any session.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::prelude::SessionContext;

use super::{ExperimentQuery, VARIANT, experiment, fields_by};
use crate::analytics::events_function::{EventsCall, EventsFunction};
use crate::kernels::experiment::{DEFAULT_CONFIDENCE, DEFAULT_LOOKS, DEFAULT_MIN_TRIALS};
use crate::query::events::EventOptions;
use crate::query::table_functions::external;

const NAME: &str = "experiment";
const USAGE: &str = "events, a metric, what is compared (variant_id, layout, …) and, for columns of variants, a folder of results: experiment('events.parquet', 'hook_rate', 'layout', 'results')";

/// Give a session the table function `experiment`. Relative paths start from `clipflow.base`.
pub fn register_experiment(ctx: &SessionContext) {
    EventsFunction::register(ctx, (NAME, USAGE), table);
}

fn table(call: EventsCall) -> Result<Arc<dyn TableProvider>> {
    let query = ExperimentQuery {
        results: call.results,
        events: call.events,
        metric: call.metrics,
        by: Some(call.by).filter(|by| by != VARIANT),
        experiment: None,
        confidence: DEFAULT_CONFIDENCE,
        seed: 0,
        looks: DEFAULT_LOOKS,
        min_trials: DEFAULT_MIN_TRIALS,
        lag_hours: 0.0,
        reading: EventOptions::default(),
        tables: vec![],
        parallel: call.parallel,
    };
    let schema = Arc::new(Schema::new(fields_by(query.by.as_deref())));
    let comparison = Arc::new(Comparison { query, schema: Arc::clone(&schema) });
    Ok(Arc::new(StreamingTable::try_new(schema, vec![comparison])?))
}

/// The rows of an experiment, computed on execution.
#[derive(Debug)]
struct Comparison {
    query: ExperimentQuery,
    schema: SchemaRef,
}

impl PartitionStream for Comparison {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let query = self.query.clone();
        let rows = async move {
            experiment(&query).await.and_then(|found| found.batch()).map_err(external)
        };
        let stream = futures::stream::once(rows);
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), stream))
    }
}
