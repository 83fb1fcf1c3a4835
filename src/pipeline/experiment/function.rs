//! `experiment('events.parquet', 'hook_rate', 'layout', 'results')`: what `clipflow experiment` prints, as
//! a table of any session.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use datafusion::catalog::streaming::StreamingTable;
use datafusion::catalog::{TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::prelude::SessionContext;

use super::{ExperimentQuery, VARIANT, experiment, fields_by};
use crate::kernels::experiment::DEFAULT_CONFIDENCE;
use crate::kernels::location::Location;
use crate::pipeline::performance::arguments;
use crate::query::SessionSettings;
use crate::query::table_functions::{external, share_store};
use crate::resilience::Resilience;

const NAME: &str = "experiment";
const USAGE: &str = "events, a metric, what is compared (variant_id, layout, …) and, for columns of variants, a folder of results: experiment('events.parquet', 'hook_rate', 'layout', 'results')";

/// Give a session the table function `experiment`. Relative paths start from `clipflow.base`.
pub fn register_experiment(ctx: &SessionContext) {
    ctx.register_udtf(NAME, Arc::new(ExperimentFunction));
}

#[derive(Debug)]
struct ExperimentFunction;

impl TableFunctionImpl for ExperimentFunction {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let ([events, metric, by], results) = arguments((NAME, USAGE), args.exprs())?;
        let settings = SessionSettings::in_options(args.session().config_options());
        let base = settings.base();
        let place = |text: &str| Location::from(base.resolve(text));
        let query = ExperimentQuery {
            results: results.as_deref().map(place),
            events: place(&events),
            metric,
            by: Some(by).filter(|by| by != VARIANT),
            experiment: None,
            confidence: DEFAULT_CONFIDENCE,
            seed: 0,
            lag_hours: 0.0,
            parallel: settings.parallel().clone(),
        };
        let resilience = Resilience::new(settings.parallel());
        for place in query.results.iter().chain([&query.events]) {
            share_store(args.session(), place, &resilience)?;
        }
        let schema = Arc::new(Schema::new(fields_by(query.by.as_deref())));
        let comparison = Arc::new(Comparison { query, schema: Arc::clone(&schema) });
        Ok(Arc::new(StreamingTable::try_new(schema, vec![comparison])?))
    }
}

/// The rows, made when they are asked for.
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
