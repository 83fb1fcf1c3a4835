//! `clipflow sql`.

use std::path::PathBuf;
use std::time::Duration;

use datafusion::execution::context::SQLOptions;

use super::args::SqlArgs;
use super::{OK, print};
use crate::config::ParallelConfig;
use crate::error::{Error, ErrorCode, Result};
use crate::model::table::TABLES;
use crate::pipeline::{register_events, register_experiment, register_performance};
use crate::query::results::register_dataset;
use crate::query::sql::VIEWS;
use crate::query::{SessionOptions, query_error, session};
use crate::resilience::Resilience;
use crate::store::Place;

pub(super) async fn sql(args: SqlArgs, parallel: ParallelConfig) -> Result<u8> {
    let query = match (args.query, args.file) {
        (Some(query), _) => query,
        (None, Some(file)) => read_query(&file)?,
        (None, None) => {
            return Err(Error::new(ErrorCode::Config, "give a query, or a file with -f"));
        }
    };
    let resilience = Resilience::new(&parallel);
    let place = Place::new(&args.dir.into(), &resilience)?;
    let dataset = place.existing().await?;
    let options = SessionOptions { base: ".".into(), parallel, ..SessionOptions::default() };
    let ctx = session(&options, None)?;
    register_performance(&ctx, &options);
    register_experiment(&ctx, &options);
    register_dataset(&ctx, &dataset).await?;
    if let Some(events) = &args.events {
        register_events(&ctx, &events.into(), &resilience).await?;
    }
    let read_only =
        SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    let answer = async {
        let frame = ctx.sql_with_options(&query, read_only).await.map_err(query_error)?;
        let stream = frame.execute_stream().await.map_err(query_error)?;
        print::rows(stream, &args.output).await
    };
    let limit = Duration::from_secs(args.timeout);
    match tokio::time::timeout(limit, answer).await {
        Ok(result) => result.map_err(with_table_names)?,
        Err(_) => {
            return Err(Error::new(
                ErrorCode::Query,
                format!(
                    "the query took longer than {} s; ask for less or raise --timeout",
                    args.timeout
                ),
            ));
        }
    }
    Ok(OK)
}

/// A query over a table that is not there is told which are.
fn with_table_names(error: Error) -> Error {
    let message = error.message();
    if error.code() != ErrorCode::Query
        || !(message.starts_with("table '") && message.ends_with("not found"))
    {
        return error;
    }
    let tables = TABLES.iter().map(|t| t.name).chain(VIEWS.iter().map(|v| v.0));
    let names: Vec<&str> = tables.collect();
    Error::new(
        ErrorCode::Query,
        format!("{message}; the tables and views are {}", names.join(", ")),
    )
}

fn read_query(file: &PathBuf) -> Result<String> {
    std::fs::read_to_string(file).map_err(|e| {
        Error::new(
            ErrorCode::InputUnreadable,
            format!("cannot read the query in {} ({e})", file.display()),
        )
    })
}
