//! `clipflow sql`: statements from an argument, a file, standard input or a prompt.

mod complete;
mod prompt;

use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use datafusion::sql::parser::Statement;

use super::args::{OutputArgs, SqlArgs};
use super::{OK, ceiling, exit_code, print};
use crate::analytics::{ResultsQuery, ResultsSession};
use crate::config::ParallelConfig;
use crate::error::{Error, ErrorCode, Result};
use crate::location::Location;
use crate::panics::caught;
use crate::query::own_tables::EVENT_TABLES;
use crate::query::query_error;
use crate::query::statements::parse_statements;

pub(super) async fn sql(args: SqlArgs, parallel: ParallelConfig) -> Result<u8> {
    let query = match (&args.query, &args.file) {
        (Some(query), _) => Some(query.clone()),
        (None, Some(file)) => Some(read_query(file)?),
        (None, None) if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() => None,
        (None, None) => {
            let message = "give a query, as in clipflow sql out \"SELECT * FROM posts\", or a file with -f (-f - reads standard input); at a terminal there is a prompt without either";
            return Err(Error::new(ErrorCode::ConfigInvalid, message));
        }
    };
    if query.is_none() && args.output.output.is_some() {
        let message = "a prompt has many answers, which have no place in one output; give a query";
        return Err(Error::new(ErrorCode::ConfigInvalid, message).about("output"));
    }
    let limit = (parallel.memory_limit_gb * 1e9) as u64;
    let session = Arc::new(SqlSession::open(args, parallel).await?);
    ceiling::arm(limit, exit_code(ErrorCode::QueryLimits))?;
    match query {
        Some(query) => session.answer(&query).await?,
        None => prompt::run(&session).await?,
    }
    Ok(OK)
}

/// A session over results, and how its answers are given.
struct SqlSession {
    results: ResultsSession,
    has_events: bool,
    /// Seconds that the statements of one answer may take; 0: any.
    timeout: u64,
    /// Rows of a statement that are given at the most.
    rows: Option<usize>,
    output: OutputArgs,
}

impl SqlSession {
    async fn open(args: SqlArgs, parallel: ParallelConfig) -> Result<Self> {
        let results = Location::from(args.dir);
        let events: Option<Location> = args.events.as_ref().map(Into::into);
        let named = args.allow_root.into_iter().map(Location::from);
        let roots = [".".into(), results.clone()].into_iter().chain(events.clone()).chain(named);
        let results = ResultsSession::open(&ResultsQuery {
            roots: Some(roots.collect()),
            results,
            events,
            reading: args.reading.options()?,
            tables: args.tables.tables,
            parallel,
        })
        .await?;
        results.notes().iter().for_each(|note| print::warning(note));
        let (has_events, timeout, rows) = (args.events.is_some(), args.timeout, args.rows);
        Ok(Self { results, has_events, timeout, rows, output: args.output })
    }

    /// Print the rows of the statements in `text`, in turn.
    async fn answer(self: &Arc<Self>, text: &str) -> Result<()> {
        let (session, text) = (Arc::clone(self), text.to_owned());
        let answer = apart(move || async move { session.answer_here(&text).await });
        let in_time = async {
            match self.timeout {
                0 => answer.await,
                seconds => tokio::time::timeout(Duration::from_secs(seconds), answer)
                    .await
                    .unwrap_or_else(|_| Err(too_long(seconds))),
            }
        };
        let answer = tokio::select! {
            answer = in_time => answer,
            error = ceiling::reached() => Err(error),
        };
        answer.map_err(|error| self.with_table_names(error))
    }

    async fn answer_here(&self, text: &str) -> Result<()> {
        let statements = parse_statements(text)?;
        let is_one_file = self.output.output.is_some() || self.output.format()?.is_binary();
        if statements.len() != 1 && is_one_file {
            let message =
                format!("{} statements have no place in one file; give one", statements.len());
            return Err(Error::new(ErrorCode::ConfigInvalid, message));
        }
        for statement in statements {
            self.print(statement).await?;
        }
        self.results.skipped().iter().for_each(|sentence| print::warning(sentence));
        Ok(())
    }

    async fn print(&self, statement: Statement) -> Result<()> {
        let frame = self.results.plan(statement).await?;
        let stream = frame.execute_stream().await.map_err(query_error)?;
        let stream = match self.rows {
            Some(rows) => print::first_rows(stream, rows),
            None => stream,
        };
        print::rows(stream, &self.output).await?;
        Ok(())
    }

    /// Adds the names of the tables to an error about an unknown table.
    fn with_table_names(&self, error: Error) -> Error {
        let message = error.message();
        let unknown = message.strip_prefix("table '").and_then(|m| m.strip_suffix("' not found"));
        let Some(unknown) = unknown.filter(|_| error.code() == ErrorCode::QueryInvalid) else {
            return error;
        };
        let name = unknown.rsplit('.').next().unwrap_or(unknown);
        let hint = match (EVENT_TABLES.contains(&name), self.has_events) {
            (true, false) => {
                "name the events with --events FILE to have the tables events and event_days"
                    .to_owned()
            }
            (true, true) if name == "events" => {
                "the events are daily aggregates, which are the table event_days".to_owned()
            }
            (true, true) if name == "event_spans" => {
                "the events have no times; it is there when they have a column ts or day".to_owned()
            }
            _ => format!("the tables and views are {}", self.results.tables().join(", ")),
        };
        Error::new(ErrorCode::QueryInvalid, format!("{message}; {hint}"))
    }
}

/// Run a future on a thread of its own: planning and functions look at no clock and no signal, so that who waits for
/// them must not be where they run. Whoever stops waiting ends what can be ended.
async fn apart<F>(future: impl FnOnce() -> F + Send + 'static) -> Result<()>
where
    F: Future<Output = Result<()>>,
{
    let (mut told, answer) = tokio::sync::oneshot::channel();
    let runtime = tokio::runtime::Handle::current();
    let run = move || {
        runtime.block_on(async {
            let ended = tokio::select! {
                ended = caught(future()) => ended,
                () = told.closed() => return,
            };
            let ended = ended.unwrap_or_else(|text| Err(Error::new(ErrorCode::Internal, text)));
            // Nobody waits any more.
            let _ = told.send(ended);
        });
    };
    let thread = std::thread::Builder::new().name("clipflow-sql".into()).stack_size(STACK);
    thread.spawn(run).map_err(|e| {
        Error::new(ErrorCode::Internal, format!("cannot start a thread for the query ({e})"))
    })?;
    answer.await.unwrap_or_else(|_| {
        Err(Error::new(ErrorCode::Internal, "the query ended without an answer; report this"))
    })
}

/// Room for deep expressions while they are planned: 64 MiB.
const STACK: usize = 64 << 20;

fn too_long(seconds: u64) -> Error {
    Error::new(
        ErrorCode::QueryInvalid,
        format!("the query took longer than {seconds} s; ask for less or raise --timeout"),
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
            format!("cannot read the query in {} ({e}); give a file with SQL", file.display()),
        )
    })
}
