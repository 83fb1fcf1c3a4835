//! `clipflow train --selection`: weights of the selection, fitted to where people leave.
//!
//! A quarter of a variant is a row: of those who were there when it began, some are there when it ends.
//! Its features are what its stretch of the source shows and sounds like, measured as the selection
//! measures windows. Each quarter has a mean of its own (people leave early), so that a signal has to
//! say more than when it comes.

use std::collections::HashMap;

use arrow::array::{Array, RecordBatch};
use datafusion::prelude::SessionContext;
use futures::TryStreamExt;
use serde::Deserialize;

use super::train::{TrainQuery, checked_time, data_hash};
use super::{PerformanceQuery, left_out_rows, performance, plan_performance};
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::fit::{Naming, Quality, Row, fit};
use crate::kernels::score::{Link, Training};
use crate::kernels::select::{OwnedColumns, PreparedSource, Weights, WeightsFile, signal_features};
use crate::kernels::timemap::TimeMap;
use crate::model::edit::{Join, Segment};
use crate::model::{Shot, Signal};
use crate::query::events::EventTable;
use crate::query::query_error;
use crate::query::rows::{number_column, stored, text_column};

/// The figures that say how many are there at the start and at the end of each quarter, over the rows that
/// report both; and the views and the seconds watched.
const FIGURES: [&str; 10] = [
    "retention_1.views",
    "retention_1.views_25",
    "retention_2.views_25",
    "retention_2.views_50",
    "retention_3.views_50",
    "retention_3.views_75",
    "retention_4.views_75",
    "retention_4.views_100",
    "retention_whole.views",
    "retention_whole.watch_seconds",
];
/// The stratum of variants of which only the seconds watched are known.
const WHOLE: usize = 4;
/// What is fitted to, for the file.
const DEFINITION: &str = "of those there when a quarter of a variant began, those there when it ended; where quarters are not reported, watch_seconds / (views × duration)";

/// Fitted weights.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainedWeights {
    /// The weights.
    pub file: WeightsFile,
    /// Of each of [`signal_features`] what it adds, from 0 to 1, to the logit of staying. One that makes people
    /// leave has the weight 0: the selection knows no weights below.
    pub effects: Vec<(&'static str, f64)>,
    /// How well the fit does on sources that it has not seen.
    pub quality: Quality,
    /// What was left out, renamed or is not known; only [`train_selection`] knows it.
    pub warnings: Vec<String>,
}

/// A variant, as the results have it.
#[derive(Debug, Deserialize)]
struct Cut {
    variant_id: String,
    source_id: String,
    duration: f64,
    segments: Vec<Segment>,
    join: Join,
}

/// Learn the weights of [`signal_features`] from the retention of the variants in the results. The other
/// weights stay the defaults, and so does what all signals weigh together.
///
/// # Errors
/// As [`train`](super::train()), the rows being quarters of variants and the groups sources.
pub async fn train_selection(query: &TrainQuery) -> Result<TrainedWeights> {
    let asked = asked(query);
    let performance = performance(&asked).await?;
    let batches = performance.frame.clone().collect().await.map_err(query_error)?;
    let left_out = batches.iter().map(left_out_rows).sum();
    let counts = counts(batches)?;
    let trained = learn(&performance.ctx, &counts, query).await?;
    Ok(TrainedWeights { warnings: performance.warnings(left_out), ..trained })
}

/// As [`train_selection`], in a session that has the views of [`register_events`](super::register_events) and
/// tables `variants`, `signals` and `shots`.
///
/// # Errors
/// As there.
pub async fn train_selection_in(
    ctx: &SessionContext,
    events: &EventTable,
    query: &TrainQuery,
) -> Result<TrainedWeights> {
    let frame = plan_performance(ctx, events, &asked(query)).await?;
    let counts = counts(frame.collect().await.map_err(query_error)?)?;
    learn(ctx, &counts, query).await
}

fn asked(query: &TrainQuery) -> PerformanceQuery {
    PerformanceQuery {
        results: Some(query.results.clone()),
        events: query.events.clone(),
        metrics: FIGURES.map(str::to_owned).to_vec(),
        by: vec!["variant_id".to_owned()],
        lag_hours: query.lag_hours,
        reading: query.reading.clone(),
        tables: vec![],
        parallel: query.parallel.clone(),
    }
}

type Counts = HashMap<String, [Option<f64>; 10]>;

fn counts(batches: Vec<RecordBatch>) -> Result<Counts> {
    let mut all = Counts::new();
    for batch in batches {
        let ids = text_column(&batch, "variant_id")?;
        let figures =
            FIGURES.iter().map(|f| number_column(&batch, f)).collect::<Result<Vec<_>>>()?;
        for (row, id) in ids.iter().enumerate() {
            let figure = |i: usize| figures[i].is_valid(row).then(|| figures[i].value(row));
            if let Some(id) = id {
                all.insert(id.to_owned(), std::array::from_fn(figure));
            }
        }
    }
    Ok(all)
}

async fn learn(
    ctx: &SessionContext,
    counts: &Counts,
    query: &TrainQuery,
) -> Result<TrainedWeights> {
    let trained_at = query.trained_at.as_deref().map(checked_time).transpose()?;
    let rows = rows(ctx, counts).await?;
    let naming = Naming { rate: "retention", rows: "quarters of variants", groups: "sources" };
    let plain: Vec<Row> = rows.iter().map(|r| r.1.clone()).collect();
    let fitted = fit(&plain, Link::Logistic, naming)?;
    let effects: Vec<f64> = fitted.coefficients.iter().map(|c| c.weight / c.scale).collect();
    let weights = weights(&effects)?;
    let hash = data_hash(rows.iter().map(|(id, row)| (id.as_str(), row)));
    let training = Training { trained_at, ..fitted.training(hash, DEFINITION) };
    let note = format!(
        "The weights of {} were fitted to how many stay; the others are the defaults, set by hand. What goes along with staying in these data need not bring it about.",
        signal_features().map(|feature| feature.name).collect::<Vec<_>>().join(", ")
    );
    Ok(TrainedWeights {
        warnings: vec![],
        file: WeightsFile { weights, training: Some(training), note },
        effects: signal_features().map(|feature| feature.name).zip(effects).collect(),
        quality: fitted.quality,
    })
}

/// What all signals weigh by default, shared out by what each does for staying.
fn weights(effects: &[f64]) -> Result<Weights> {
    let hand = Weights::default();
    let total: f64 = signal_features().map(|feature| hand.of(feature)).sum();
    let good: f64 = effects.iter().map(|e| e.max(0.0)).sum();
    if good <= 0.0 {
        return Err(Error::new(
            ErrorCode::FitNoBetter,
            "no signal goes along with staying, only with leaving; the selection cannot look for that, and nothing is written",
        ));
    }
    let shared = |weights: Weights, (feature, effect): (_, &f64)| {
        weights.with(feature, total * effect.max(0.0) / good)
    };
    Ok(signal_features().zip(effects).fold(hand, shared))
}

/// The quarters of the variants that have figures, with the variants' ids, by source and variant.
async fn rows(ctx: &SessionContext, counts: &Counts) -> Result<Vec<(String, Row)>> {
    let cuts = ctx.sql(
        "SELECT variant_id, source_id, duration, segments, \"join\" FROM variants ORDER BY source_id, variant_id",
    );
    let mut by_source: HashMap<String, Vec<Cut>> = HashMap::new();
    for batch in cuts.await.map_err(query_error)?.collect().await.map_err(query_error)? {
        for cut in stored::<Cut>(&[batch])? {
            if counts.contains_key(&cut.variant_id) {
                by_source.entry(cut.source_id.clone()).or_default().push(cut);
            }
        }
    }
    let mut shots: HashMap<String, Vec<Shot>> = HashMap::new();
    let all =
        ctx.sql("SELECT * FROM shots ORDER BY source_id, start").await.map_err(query_error)?;
    let mut stream = all.execute_stream().await.map_err(query_error)?;
    while let Some(batch) = stream.try_next().await.map_err(query_error)? {
        let sources = text_column(&batch, "source_id")?;
        for (source, shot) in sources.iter().flatten().zip(stored::<Shot>(&[batch])?) {
            if by_source.contains_key(source) {
                shots.entry(source.to_owned()).or_default().push(shot);
            }
        }
    }
    // The signals of one source at a time are held in memory.
    let all = ctx.sql("SELECT * FROM signals ORDER BY source_id, t").await.map_err(query_error)?;
    let mut stream = all.execute_stream().await.map_err(query_error)?;
    let mut rows = vec![];
    let mut current: (String, Vec<Signal>) = Default::default();
    while let Some(batch) = stream.try_next().await.map_err(query_error)? {
        let sources = text_column(&batch, "source_id")?;
        for (source, signal) in sources.iter().flatten().zip(stored::<Signal>(&[batch])?) {
            if current.0 != source {
                let (id, signals) = std::mem::replace(&mut current, (source.to_owned(), vec![]));
                rows.extend(of_source(&id, &signals, &shots, &by_source, counts));
            }
            current.1.push(signal);
        }
    }
    rows.extend(of_source(&current.0, &current.1, &shots, &by_source, counts));
    Ok(rows)
}

fn of_source(
    source: &str,
    signals: &[Signal],
    shots: &HashMap<String, Vec<Shot>>,
    cuts: &HashMap<String, Vec<Cut>>,
    counts: &Counts,
) -> Vec<(String, Row)> {
    let Some(cuts) = cuts.get(source) else { return vec![] };
    let shots = shots.get(source).map_or(&[][..], Vec::as_slice);
    let prepared = PreparedSource::new(&OwnedColumns::new(signals, shots, &[]).columns());
    let quarters = |cut: &Cut| {
        let counts = counts.get(&cut.variant_id).copied().unwrap_or_default();
        let rows = quarters(cut, counts, &prepared);
        rows.into_iter().map(|row| (cut.variant_id.clone(), row)).collect::<Vec<_>>()
    };
    cuts.iter().flat_map(quarters).collect()
}

/// A row for each quarter of which it is known how many came and stayed, else one for the whole. Figures
/// that rise from quarter to quarter contain replays that cannot be separated: they are left out.
fn quarters(cut: &Cut, counts: [Option<f64>; 10], source: &PreparedSource) -> Vec<Row> {
    let map = TimeMap::of(&cut.segments, cut.join);
    let row = |stratum: usize, (from, to): (f64, f64), successes: f64, trials: f64| {
        let is_sound = trials > 0.0 && (0.0..=trials).contains(&successes);
        let features = parts(source, &map.sources(from * map.duration(), to * map.duration()))?;
        let group = cut.source_id.clone();
        is_sound.then_some(Row { features, successes, trials, group, stratum })
    };
    let quarter = |q: usize| {
        let from = q as f64 / 4.0;
        row(q, (from, from + 0.25), counts[2 * q + 1]?, counts[2 * q]?)
    };
    if counts[..8].iter().any(Option::is_some) {
        return (0..4).filter_map(quarter).collect();
    }
    let whole = || {
        let views = counts[8]?;
        // In views that saw all of it.
        row(WHOLE, (0.0, 1.0), counts[9]? / cut.duration, views)
    };
    whole().into_iter().collect()
}

/// The signals of stretches of the source, each for its length; NaN for what it does not have.
fn parts(source: &PreparedSource, stretches: &[(f64, f64)]) -> Option<Vec<f64>> {
    let seconds: f64 = stretches.iter().map(|(from, to)| to - from).sum();
    let mut sums = vec![0.0; signal_features().count()];
    for (from, to) in stretches {
        for (sum, part) in sums.iter_mut().zip(source.signal_parts(*from, *to)) {
            *sum += part.unwrap_or(f64::NAN) * (to - from) / seconds;
        }
    }
    (seconds > 0.0).then_some(sums)
}
