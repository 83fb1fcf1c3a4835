//! `clipflow stats`.

use super::args::StatsArgs;
use super::{OK, print};
use crate::config::ParallelConfig;
use crate::error::Result;
use crate::location::Location;
use crate::query::output::OutputFormat;
use crate::query::results::register_dataset;
use crate::query::{SessionOptions, query_error, session, sql};
use crate::resilience::Resilience;
use crate::store::DatasetRoot;

pub(super) async fn stats(args: StatsArgs, parallel: ParallelConfig) -> Result<u8> {
    let place = Location::from(&args.dir);
    let root = DatasetRoot::new(&place, &Resilience::new(&parallel))?;
    let dataset = root.existing().await?;
    let options = SessionOptions { parallel, ..SessionOptions::default() };
    let ctx = session(&options, None)?;
    register_dataset(&ctx, &dataset).await?;
    let is_table = args.output.format()? == OutputFormat::Table;
    let query = match (args.all, is_table) {
        (false, false) => sql::stats::LAST,
        (false, true) => sql::stats::LAST_SHOWN,
        (true, false) => sql::stats::ALL,
        (true, true) => sql::stats::ALL_SHOWN,
    };
    let frame = ctx.sql(query).await.map_err(query_error)?;
    print::rows(frame.execute_stream().await.map_err(query_error)?, &args.output).await?;
    Ok(OK)
}
