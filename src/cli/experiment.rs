//! `clipflow experiment`.

use super::args::ExperimentArgs;
use super::{OK, print};
use crate::analytics::{self, ExperimentQuery};
use crate::config::ParallelConfig;
use crate::error::Result;
use crate::query::output::OutputFormat;

/// Columns that are equal in all rows of an experiment: printed once, below the table.
const SHARED: [&str; 7] =
    ["verdict", "confidence", "metric", "definition", "metric_version", "look", "looks"];

pub(super) async fn experiment(args: ExperimentArgs, parallel: ParallelConfig) -> Result<u8> {
    let query = ExperimentQuery {
        results: args.dir.as_ref().map(Into::into),
        events: (&args.events.events).into(),
        metric: args.metric,
        by: args.by.filter(|by| by != "variant_id"),
        experiment: args.experiment,
        confidence: args.confidence,
        looks: args.looks,
        min_trials: args.min_trials,
        seed: args.seed,
        lag_hours: args.events.lag_hours,
        reading: args.events.reading.options()?,
        tables: args.tables.tables,
        parallel,
    };
    let experiments = analytics::experiment(&query).await?;
    let mut batch = experiments.batch()?;
    let is_table = args.output.format()? == OutputFormat::Table;
    if is_table {
        batch = print::without(&batch, &SHARED)?;
    }
    print::batch(batch, &args.output).await?;
    if is_table {
        for (id, verdict) in experiments.verdicts() {
            print::notice(&format!("{id}: {verdict}"));
        }
    }
    experiments.notes.iter().for_each(|note| print::notice(note));
    experiments.warnings.iter().for_each(|warning| print::warning(warning));
    Ok(OK)
}
