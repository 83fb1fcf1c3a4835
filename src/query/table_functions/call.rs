//! Arguments, waiting and errors of a call of a table function.

use datafusion::common::{ScalarValue, plan_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::Expr;

use crate::error::{Error, ErrorCode};

/// The arguments of a function that takes `N` texts, which `usage` describes in errors.
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

/// Runs `work` to its end on a thread with its own runtime. DataFusion plans a table function
/// synchronously, but the columns of a table are read from its files, and the caller's runtime may have
/// only the thread that waits.
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

/// The crate's error as one of DataFusion; [`query_error`](crate::query::query_error) unwraps it.
pub(crate) fn external(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
