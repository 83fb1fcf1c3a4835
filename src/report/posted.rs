//! What happened after posting: figures of variants and platforms, and experiments.

use arrow::array::{Array, RecordBatch};

use super::data::{Posted, PostedFigures};
use super::rows::rounded;
use crate::analytics::{ExperimentQuery, PerformanceQuery, experiment, left_out_rows, performance};
use crate::config::ParallelConfig;
use crate::error::{ErrorCode, Result};
use crate::kernels::experiment::{DEFAULT_CONFIDENCE, DEFAULT_LOOKS, DEFAULT_MIN_TRIALS};
use crate::location::Location;
use crate::query::events::EventOptions;
use crate::query::query_error;
use crate::query::rows::{number_column, text_column};

/// The figures of each variant and platform.
pub(super) const METRICS: [&str; 8] = [
    "views",
    "impressions",
    "hook_rate",
    "completion_rate",
    "engagement_rate",
    "share_rate",
    "average_watch_ratio",
    "audience_reach",
];
/// What experiments are judged by.
const JUDGED_BY: [&str; 3] = ["hook_rate", "completion_rate", "engagement_rate"];
/// Most variants listed, those with most views first.
const MOST_VARIANTS: usize = 5_000;

/// Events, and how they are read.
#[derive(Debug, Clone)]
pub struct ReportEvents {
    /// Raw events or daily aggregates: a file or folder, here or in an object store.
    pub events: Location,
    /// As in [`PerformanceQuery::lag_hours`].
    pub lag_hours: f64,
    /// How the events are read, and as of when.
    pub reading: EventOptions,
}

/// What `asked` says of the variants of `results`; `None`: the results have none.
///
/// # Errors
/// As [`performance`].
pub(super) async fn posted(
    results: Option<Location>,
    asked: &ReportEvents,
    parallel: &ParallelConfig,
) -> Result<Posted> {
    let mut posted =
        Posted { events: asked.events.to_string(), metrics: METRICS.to_vec(), ..Posted::default() };
    let (mut variants, definitions, notes) =
        figures(results.clone(), asked, "variant_id", parallel).await?;
    let views = |figures: &PostedFigures| figures.values.first().copied().flatten();
    variants.sort_by(|a, b| views(b).unwrap_or(-1.0).total_cmp(&views(a).unwrap_or(-1.0)));
    posted.notes = notes;
    posted.definitions = definitions;
    if variants.len() > MOST_VARIANTS {
        posted.notes.push(format!(
            "the {MOST_VARIANTS} of {} variants with most views are listed",
            variants.len()
        ));
        variants.truncate(MOST_VARIANTS);
    }
    posted.variants = variants;
    match figures(results.clone(), asked, "platform", parallel).await {
        Ok((platforms, ..)) => posted.platforms = platforms,
        // Neither the events nor the variants name platforms.
        Err(e) if e.code() == ErrorCode::ConfigInvalid => {}
        Err(e) => return Err(e),
    }
    for metric in JUDGED_BY {
        match experiment(&experiment_query(results.clone(), asked, metric, parallel)).await {
            Ok(experiments) if experiments.rows.iter().any(|row| row.rate.is_some()) => {
                posted.experiments.extend(experiments.rows);
            }
            Ok(_) => {}
            // No variant belongs to an experiment.
            Err(e) if e.code() == ErrorCode::InputUnreadable => break,
            // The events have no column for it, such as experiment_id.
            Err(e) if e.code() == ErrorCode::ConfigInvalid => break,
            Err(e) => return Err(e),
        }
    }
    Ok(posted)
}

/// The figures of each value of the column `by`, how they are computed, and what to know about them.
async fn figures(
    results: Option<Location>,
    asked: &ReportEvents,
    by: &str,
    parallel: &ParallelConfig,
) -> Result<(Vec<PostedFigures>, Vec<String>, Vec<String>)> {
    let performance = performance(&PerformanceQuery {
        results,
        events: asked.events.clone(),
        metrics: METRICS.map(str::to_owned).to_vec(),
        by: vec![by.to_owned()],
        lag_hours: asked.lag_hours,
        reading: asked.reading.clone(),
        tables: vec![],
        parallel: parallel.clone(),
    })
    .await?;
    let batches = performance.frame.clone().collect().await.map_err(query_error)?;
    let mut all = vec![];
    for batch in &batches {
        all.extend(of_batch(batch, by)?);
    }
    let mut notes = performance.remarks();
    notes.extend(performance.warnings(batches.iter().map(left_out_rows).sum()));
    Ok((all, performance.definitions, notes))
}

fn of_batch(batch: &RecordBatch, by: &str) -> Result<Vec<PostedFigures>> {
    let names = text_column(batch, by)?;
    let columns =
        METRICS.iter().map(|metric| number_column(batch, metric)).collect::<Result<Vec<_>>>()?;
    let row = |(i, name): (usize, Option<&str>)| PostedFigures {
        name: name.unwrap_or_default().to_owned(),
        values: columns.iter().map(|c| c.is_valid(i).then(|| rounded(c.value(i)))).collect(),
    };
    Ok(names.iter().enumerate().map(row).collect())
}

fn experiment_query(
    results: Option<Location>,
    asked: &ReportEvents,
    metric: &str,
    parallel: &ParallelConfig,
) -> ExperimentQuery {
    ExperimentQuery {
        results,
        events: asked.events.clone(),
        metric: metric.to_owned(),
        by: None,
        experiment: None,
        confidence: DEFAULT_CONFIDENCE,
        looks: DEFAULT_LOOKS,
        min_trials: DEFAULT_MIN_TRIALS,
        seed: 0,
        lag_hours: asked.lag_hours,
        reading: asked.reading.clone(),
        tables: vec![],
        parallel: parallel.clone(),
    }
}
