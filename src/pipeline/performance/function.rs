//! `performance('events.parquet', 'engagement_rate,audience_reach', 'platform,layout', 'results')`: what
//! `clipflow performance` prints, as a table of any session.

use std::sync::Arc;

use datafusion::catalog::{TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::error::Result;
use datafusion::logical_expr::Expr;
use datafusion::prelude::SessionContext;

use super::{PerformanceQuery, performance};
use crate::kernels::location::Location;
use crate::query::SessionSettings;
use crate::query::table_functions::{share_store, texts, wait};
use crate::resilience::Resilience;

const NAME: &str = "performance";
const USAGE: &str = "events, metrics, columns to group by and, to group by columns of variants, a folder of results: performance('events.parquet', 'engagement_rate,audience_reach', 'platform,layout', 'results')";

/// Give a session the table function `performance`. Relative paths start from `clipflow.base`.
pub fn register_performance(ctx: &SessionContext) {
    ctx.register_udtf(NAME, Arc::new(PerformanceFunction));
}

#[derive(Debug)]
struct PerformanceFunction;

impl TableFunctionImpl for PerformanceFunction {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let ([events, metrics, by], results) = arguments((NAME, USAGE), args.exprs())?;
        let settings = SessionSettings::in_options(args.session().config_options());
        let base = settings.base();
        let place = |text: &str| Location::from(base.resolve(text));
        let query = PerformanceQuery {
            results: results.as_deref().map(place),
            events: place(&events),
            metrics: names(&metrics),
            by: names(&by),
            lag_hours: 0.0,
            parallel: settings.parallel().clone(),
        };
        let resilience = Resilience::new(settings.parallel());
        for place in query.results.iter().chain([&query.events]) {
            share_store(args.session(), place, &resilience)?;
        }
        let planned = wait(performance(&query))?;
        Ok(planned.frame.into_view())
    }
}

/// Three texts and, if there is a fourth, a folder of results.
pub(in crate::pipeline) fn arguments(
    (name, usage): (&str, &str),
    given: &[Expr],
) -> Result<([String; 3], Option<String>)> {
    match given {
        [first @ .., results] if first.len() == 3 => {
            let [results] = texts(name, usage, std::slice::from_ref(results))?;
            Ok((texts(name, usage, first)?, Some(results)))
        }
        all => Ok((texts(name, usage, all)?, None)),
    }
}

/// The names in a list with commas.
fn names(list: &str) -> Vec<String> {
    let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}
