//! Successes and trials of variants, counted in the events as [`performance`] counts them.

use arrow::array::Array;

use super::{Performance, PerformanceQuery, performance};
use crate::config::ParallelConfig;
use crate::error::Result;
use crate::kernels::metrics::proportion::Proportion;
use crate::location::Location;
use crate::query::NamedTable;
use crate::query::events::EventOptions;
use crate::query::query_error;
use crate::query::rows::{number_column, text_column};

/// Whose successes and trials are wanted.
#[derive(Debug, Clone)]
pub(super) struct TrialsQuery<'a> {
    pub(super) results: Option<Location>,
    pub(super) events: Location,
    pub(super) proportion: Proportion,
    /// Columns of text that tell groups apart.
    pub(super) by: &'a [&'a str],
    pub(super) lag_hours: f64,
    pub(super) reading: EventOptions,
    pub(super) tables: Vec<NamedTable>,
    pub(super) parallel: ParallelConfig,
}

/// A group.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Trials {
    /// The values of the columns, in their order.
    pub(super) key: Vec<Option<String>>,
    pub(super) successes: Option<f64>,
    pub(super) trials: Option<f64>,
    /// Rows that report a part and not all.
    pub(super) left_out: i64,
}

/// The groups in the order of their keys, and the session they were counted in, which has the results.
pub(super) async fn trials(query: &TrialsQuery<'_>) -> Result<(Vec<Trials>, Performance)> {
    let metric = query.proportion.metric;
    // Counts over the rows that report all of them.
    let names: Vec<String> =
        metric.inputs.iter().map(|input| format!("{}.{input}", metric.name)).collect();
    let performance = performance(&PerformanceQuery {
        results: query.results.clone(),
        events: query.events.clone(),
        metrics: names.clone(),
        by: query.by.iter().map(|b| (*b).to_owned()).collect(),
        lag_hours: query.lag_hours,
        reading: query.reading.clone(),
        tables: query.tables.clone(),
        parallel: query.parallel.clone(),
    })
    .await?;
    let mut rows = vec![];
    for batch in performance.frame.clone().collect().await.map_err(query_error)? {
        let keys =
            query.by.iter().map(|name| text_column(&batch, name)).collect::<Result<Vec<_>>>()?;
        let left_out = number_column(&batch, "left_out")?;
        let counts = names.iter().map(|name| number_column(&batch, name));
        let counts = counts.collect::<Result<Vec<_>>>()?;
        rows.extend((0..batch.num_rows()).map(|row| {
            let key = keys.iter().map(|k| k.is_valid(row).then(|| k.value(row).to_owned()));
            let counts: Vec<Option<f64>> =
                counts.iter().map(|c| c.is_valid(row).then(|| c.value(row))).collect();
            let (successes, trials) = query.proportion.trials(&counts);
            let left_out = left_out.value(row) as i64;
            Trials { key: key.collect(), successes, trials, left_out }
        }));
    }
    rows.sort_by(|a, b| a.key.cmp(&b.key));
    Ok((rows, performance))
}
