//! Functions that stand where a table stands: `clips('results')`, `shots('talk.mp4')`, `platforms()`.

mod dataset;
pub(super) mod descriptions;
mod reference;
mod video;

use std::sync::Arc;

use datafusion::common::{ScalarValue, plan_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::Expr;
use datafusion::prelude::SessionContext;

use super::sql::VIEWS;
use crate::error::{Error, ErrorCode};
use crate::model::table::TABLES;
use dataset::ResultsFunction;
pub(crate) use dataset::share_store;
use video::VideoFunction;

/// Give a session the table functions. What they depend on beside their arguments are its
/// [`SessionSettings`](super::settings::SessionSettings).
pub(super) fn register(ctx: &SessionContext) {
    for (name, function) in reference::all() {
        ctx.register_udtf(name, Arc::new(function));
    }
    let tables = TABLES.iter().map(|table| table.name).chain(VIEWS.iter().map(|view| view.0));
    for name in tables {
        ctx.register_udtf(name, Arc::new(ResultsFunction::new(name)));
    }
    // Last: they take a folder of results too.
    for (name, function) in VideoFunction::all() {
        ctx.register_udtf(name, Arc::new(function));
    }
}

/// The arguments of a function that takes `N` texts; `usage` says which, for people.
pub(crate) fn texts<const N: usize>(
    name: &str,
    usage: &str,
    arguments: &[Expr],
) -> Result<[String; N]> {
    let texts: Option<Vec<String>> = arguments.iter().map(text).collect();
    match texts.and_then(|texts| <[String; N]>::try_from(texts).ok()) {
        Some(texts) => Ok(texts),
        None => plan_err!("{name}() takes {usage}"),
    }
}

fn text(argument: &Expr) -> Option<String> {
    let Expr::Literal(value, _) = argument else { return None };
    ScalarValue::try_as_str(value).flatten().map(str::to_owned)
}

/// Wait for `work`. DataFusion plans a table function without `async`, and to know a table's columns its
/// files have to be asked; that is done on a thread with a runtime of its own, since the caller's may have
/// no thread to spare.
pub(crate) fn wait<T: Send>(
    work: impl Future<Output = crate::error::Result<T>> + Send,
) -> Result<T> {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|e| {
            Error::new(ErrorCode::Internal, format!("cannot start a runtime ({e})")).with_source(e)
        })?;
        runtime.block_on(work)
    };
    let ended = std::thread::scope(|scope| scope.spawn(run).join());
    let ended = ended.unwrap_or_else(|_| {
        Err(Error::new(ErrorCode::Internal, "planning a table function ended in a panic"))
    });
    ended.map_err(external)
}

/// The crate's error inside DataFusion; [`query_error`](super::errors::query_error) takes it out again.
pub(crate) fn external(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
