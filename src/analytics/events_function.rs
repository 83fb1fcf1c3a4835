//! Table functions over events: `performance(…)` and `experiment(…)` as tables of any session.

use std::fmt;
use std::sync::Arc;

use datafusion::catalog::{TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::error::Result;
use datafusion::logical_expr::Expr;
use datafusion::prelude::SessionContext;

use crate::config::ParallelConfig;
use crate::location::Location;
use crate::query::SessionSettings;
use crate::query::table_functions::{external, share_store, texts};
use crate::resilience::Resilience;

/// The arguments of one call, with paths resolved.
#[derive(Debug, Clone)]
pub(super) struct EventsCall {
    /// The first argument: raw events or daily aggregates.
    pub(super) events: Location,
    /// The second argument: one or more metrics.
    pub(super) metrics: String,
    /// The third argument: one or more columns.
    pub(super) by: String,
    /// The fourth argument, which may be left out: a results dataset.
    pub(super) results: Option<Location>,
    /// Settings of the session.
    pub(super) parallel: ParallelConfig,
}

/// Makes the table of a call.
type Plan = fn(EventsCall) -> Result<Arc<dyn TableProvider>>;

/// A table function of events, metrics, columns and, if variants are needed, results.
pub(super) struct EventsFunction {
    name: &'static str,
    usage: &'static str,
    plan: Plan,
}

impl EventsFunction {
    /// Give a session the function `name`, whose arguments `usage` describes to users. Relative paths
    /// start from `clipflow.base`.
    pub(super) fn register(
        ctx: &SessionContext,
        (name, usage): (&'static str, &'static str),
        plan: Plan,
    ) {
        ctx.register_udtf(name, Arc::new(Self { name, usage, plan }));
    }

    /// Three texts and, if there is a fourth, a folder of results.
    fn arguments(&self, given: &[Expr]) -> Result<([String; 3], Option<String>)> {
        match given {
            [first @ .., results] if first.len() == 3 => {
                let [results] = texts(self.name, self.usage, std::slice::from_ref(results))?;
                Ok((texts(self.name, self.usage, first)?, Some(results)))
            }
            all => Ok((texts(self.name, self.usage, all)?, None)),
        }
    }
}

impl fmt::Debug for EventsFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventsFunction").field("name", &self.name).finish_non_exhaustive()
    }
}

impl TableFunctionImpl for EventsFunction {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let ([events, metrics, by], results) = self.arguments(args.exprs())?;
        let settings = SessionSettings::in_options(args.session().config_options());
        let resolve = |text: &str| settings.place(text).map(Location::from).map_err(external);
        let call = EventsCall {
            events: resolve(&events)?,
            metrics,
            by,
            results: results.as_deref().map(resolve).transpose()?,
            parallel: settings.parallel().clone(),
        };
        let resilience = Resilience::new(&call.parallel);
        for location in call.results.iter().chain([&call.events]) {
            share_store(args.session(), location, &resilience)?;
        }
        (self.plan)(call)
    }
}
