//! `clipflow sql`.

use std::path::Path;
use std::time::Duration;

use datafusion::execution::context::SQLOptions;
use datafusion::sql::parser::DFParser;

use super::args::SqlArgs;
use super::{OK, print};
use crate::analytics::{register_events, register_experiment, register_performance};
use crate::config::ParallelConfig;
use crate::error::{Error, ErrorCode, Result};
use crate::model::table::TABLES;
use crate::query::results::register_dataset;
use crate::query::sql::VIEWS;
use crate::query::{SessionOptions, query_error, session};
use crate::resilience::Resilience;
use crate::store::DatasetRoot;

/// Tables that `--events` adds.
const EVENT_TABLES: [&str; 3] = ["events", "event_days", "event_spans"];

pub(super) async fn sql(args: SqlArgs, parallel: ParallelConfig) -> Result<u8> {
    let query = match (args.query, args.file) {
        (Some(query), _) => query,
        (None, Some(file)) => read_query(&file)?,
        (None, None) => {
            return Err(Error::new(ErrorCode::ConfigInvalid, "give a query, or a file with -f"));
        }
    };
    let resilience = Resilience::new(&parallel);
    let place = DatasetRoot::new(&args.dir.into(), &resilience)?;
    let dataset = place.existing().await?;
    let options = SessionOptions {
        base: ".".into(),
        // The query has all of the memory.
        memory_bytes: Some((parallel.memory_limit_gb * 1e9) as usize),
        parallel,
        ..SessionOptions::default()
    };
    let ctx = session(&options, None)?;
    register_performance(&ctx);
    register_experiment(&ctx);
    register_dataset(&ctx, &dataset).await?;
    if let Some(events) = &args.events {
        let reading = args.reading.options()?;
        let table = register_events(&ctx, &events.into(), &reading, &resilience).await?;
        table.notes.iter().for_each(|note| print::warning(note));
    }
    let read_only =
        SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    let answer = async {
        let statements = DFParser::parse_sql(&query).map_err(query_error)?;
        if statements.len() != 1 && args.output.output.is_some() {
            let message =
                format!("{} statements have no place in one file; give one", statements.len());
            return Err(Error::new(ErrorCode::ConfigInvalid, message));
        }
        for statement in statements {
            let plan = ctx.state().statement_to_plan(statement).await.map_err(query_error)?;
            read_only.verify_plan(&plan).map_err(query_error)?;
            let frame = ctx.execute_logical_plan(plan).await.map_err(query_error)?;
            let stream = frame.execute_stream().await.map_err(query_error)?;
            print::rows(stream, &args.output).await?;
        }
        Ok(())
    };
    let answer = match args.timeout {
        0 => answer.await,
        seconds => tokio::time::timeout(Duration::from_secs(seconds), answer)
            .await
            .unwrap_or_else(|_| Err(too_long(seconds))),
    };
    let has_events = args.events.is_some();
    answer.map(|()| OK).map_err(|error| with_table_names(error, has_events))
}

fn too_long(seconds: u64) -> Error {
    Error::new(
        ErrorCode::QueryInvalid,
        format!("the query took longer than {seconds} s; ask for less or raise --timeout"),
    )
}

/// Adds the names of the tables to an error about an unknown table.
fn with_table_names(error: Error, has_events: bool) -> Error {
    let message = error.message();
    if error.code() != ErrorCode::QueryInvalid
        || !(message.starts_with("table '") && message.ends_with("not found"))
    {
        return error;
    }
    let of_events = EVENT_TABLES.iter().any(|name| message.contains(&format!("'{name}'")));
    if of_events && !has_events {
        let hint = "name the events with --events FILE to have the tables events and event_days";
        return Error::new(ErrorCode::QueryInvalid, format!("{message}; {hint}"));
    }
    let tables = TABLES.iter().map(|t| t.name).chain(VIEWS.iter().map(|v| v.0));
    let of_events = EVENT_TABLES.into_iter().filter(|_| has_events);
    let names: Vec<&str> = tables.chain(of_events).collect();
    Error::new(
        ErrorCode::QueryInvalid,
        format!("{message}; the tables and views are {}", names.join(", ")),
    )
}

/// The query in a file, or on standard input for `-`.
fn read_query(file: &Path) -> Result<String> {
    let text = match file.as_os_str() == "-" {
        true => std::io::read_to_string(std::io::stdin()),
        false => std::fs::read_to_string(file),
    };
    text.map_err(|e| {
        Error::new(
            ErrorCode::InputUnreadable,
            format!("cannot read the query in {} ({e})", file.display()),
        )
    })
}
