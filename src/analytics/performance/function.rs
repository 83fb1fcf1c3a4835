//! `performance('events.parquet', 'engagement_rate,audience_reach', 'platform,layout', 'results')`: what
//! `clipflow performance` prints, as a table of any session.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::error::Result;
use datafusion::prelude::SessionContext;

use super::{PerformanceQuery, performance};
use crate::analytics::events_function::{EventsCall, EventsFunction};
use crate::query::events::EventOptions;
use crate::query::table_functions::wait;

const NAME: &str = "performance";
const USAGE: &str = "events, metrics, columns to group by and, to group by columns of variants, a folder of results: performance('events.parquet', 'engagement_rate,audience_reach', 'platform,layout', 'results')";

/// Give a session the table function `performance`. Relative paths start from `clipflow.base`.
pub fn register_performance(ctx: &SessionContext) {
    EventsFunction::register(ctx, (NAME, USAGE), table);
}

fn table(call: EventsCall) -> Result<Arc<dyn TableProvider>> {
    let query = PerformanceQuery {
        results: call.results,
        events: call.events,
        metrics: names(&call.metrics),
        by: names(&call.by),
        lag_hours: 0.0,
        reading: EventOptions::default(),
        tables: vec![],
        parallel: call.parallel,
    };
    let planned = wait(performance(&query))?;
    Ok(planned.frame.into_view())
}

/// The names in a list separated by commas.
fn names(list: &str) -> Vec<String> {
    let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}
