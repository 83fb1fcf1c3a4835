//! `clipflow sql`.

use std::path::PathBuf;
use std::sync::Arc;

use datafusion::execution::context::SQLOptions;

use super::args::SqlArgs;
use super::{OK, print, video};
use crate::error::{Error, ErrorCode, Result};
use crate::query::results::register_dataset;
use crate::query::{SessionOptions, query_error, session};
use crate::store::Dataset;

pub(super) async fn sql(args: SqlArgs) -> Result<u8> {
    let query = match (args.query, args.file) {
        (Some(query), _) => query,
        (None, Some(file)) => read_query(&file)?,
        (None, None) => {
            return Err(Error::new(ErrorCode::Config, "give a query, or a file with -f"));
        }
    };
    let dataset = Dataset::open(&args.dir)?;
    let options = SessionOptions { base: PathBuf::from("."), ..SessionOptions::default() };
    // Without ffmpeg the tables can still be asked.
    let runtime = video::runtime().ok().map(Arc::new);
    let ctx = session(&options, runtime)?;
    register_dataset(&ctx, &dataset).await?;
    let read_only =
        SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    let frame = ctx.sql_with_options(&query, read_only).await.map_err(query_error)?;
    let stream = frame.execute_stream().await.map_err(query_error)?;
    print::rows(stream, &args.output).await?;
    Ok(OK)
}

fn read_query(file: &PathBuf) -> Result<String> {
    std::fs::read_to_string(file).map_err(|e| {
        Error::new(
            ErrorCode::InputUnreadable,
            format!("cannot read the query in {} ({e})", file.display()),
        )
    })
}
