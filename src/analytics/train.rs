//! `clipflow train`: a score model fitted to what happened to the variants.

use std::collections::HashMap;

use serde::Deserialize;

use super::Performance;
use super::trials::{Trials, TrialsQuery, trials};
use crate::config::ParallelConfig;
use crate::error::{Error, Result};
use crate::kernels::fit::{Coefficient, Fitted, Naming, Quality, Row, fit};
use crate::kernels::metrics::proportion::Proportion;
use crate::kernels::score::{Feature, Link, ScoreModel, Training};
use crate::kernels::variants::{FEATURE_NAMES, features_of};
use crate::location::Location;
use crate::model::ScorePart;
use crate::query::events::EventOptions;
use crate::query::query_error;
use crate::query::rows::stored;

/// What is to be learnt from what.
#[derive(Debug, Clone)]
pub struct TrainQuery {
    /// The results, with variants.
    pub results: Location,
    /// Their events: raw or daily aggregates.
    pub events: Location,
    /// The metric that the score is to predict, one of
    /// [`PROPORTIONS`](crate::kernels::metrics::proportion::PROPORTIONS). Not asked by [`train_selection`](super::train_selection).
    pub target: String,
    /// How features and rate go together.
    pub link: Link,
    /// When it is trained, as RFC 3339, for the file; `None`: it does not say.
    pub trained_at: Option<String>,
    /// As in [`PerformanceQuery::lag_hours`](super::PerformanceQuery::lag_hours).
    pub lag_hours: f64,
    /// As in [`PerformanceQuery::reading`](super::PerformanceQuery::reading).
    pub reading: EventOptions,
    /// Settings.
    pub parallel: ParallelConfig,
}

/// A fitted model.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// The model.
    pub model: ScoreModel,
    /// How well it does on variants that it has not seen.
    pub quality: Quality,
    /// What was left out, renamed or is not known.
    pub warnings: Vec<String>,
}

/// A variant, as the results have it.
#[derive(Debug, Deserialize)]
struct Measured {
    variant_id: String,
    clip_id: String,
    score_parts: Vec<ScorePart>,
}

/// Fit a score to the events of the variants in the results.
///
/// # Errors
/// As [`performance`](super::performance()); `config.invalid` for a target that is no proportion, `fit.too_few`
/// variants with events, and `fit.no_better` than the mean.
pub async fn train(query: &TrainQuery) -> Result<Trained> {
    let proportion = Proportion::find(&query.target)?;
    let trained_at = query.trained_at.as_deref().map(checked_time).transpose()?;
    let asked = TrialsQuery {
        results: Some(query.results.clone()),
        events: query.events.clone(),
        proportion,
        by: &["variant_id"],
        lag_hours: query.lag_hours,
        reading: query.reading.clone(),
        tables: vec![],
        parallel: query.parallel.clone(),
    };
    let (counted, performance) = trials(&asked).await?;
    let measured = measured(&performance).await?;
    let rows = rows(measured, &counted, proportion)?;
    let naming = Naming { rate: &query.target, rows: "variants", groups: "clips" };
    let fitted = fit(&rows.iter().map(|r| r.1.clone()).collect::<Vec<_>>(), query.link, naming)?;
    let hash = data_hash(rows.iter().map(|(id, row)| (id.as_str(), row)));
    let training = Training { trained_at, ..fitted.training(hash, proportion.metric.definition) };
    let left_out = counted.iter().map(|t| t.left_out).sum();
    let warnings = performance.warnings(left_out);
    let model = model(&fitted, training, query);
    Ok(Trained { model, quality: fitted.quality, warnings })
}

async fn measured(performance: &Performance) -> Result<Vec<Measured>> {
    let statement = "SELECT variant_id, clip_id, score_parts FROM variants ORDER BY variant_id";
    let frame = performance.ctx.sql(statement).await.map_err(query_error)?;
    let mut all: Vec<Measured> = stored(&frame.collect().await.map_err(query_error)?)?;
    all.dedup_by(|a, b| a.variant_id == b.variant_id);
    Ok(all)
}

/// The variants that have trials, by id.
fn rows(
    measured: Vec<Measured>,
    counted: &[Trials],
    proportion: Proportion,
) -> Result<Vec<(String, Row)>> {
    let by_id: HashMap<&str, &Trials> =
        counted.iter().filter_map(|t| Some((t.key[0].as_deref()?, t))).collect();
    let mut rows = vec![];
    for variant in measured {
        let counts = by_id.get(variant.variant_id.as_str());
        let counts = counts.and_then(|t| Some((t.successes?, t.trials.filter(|n| *n > 0.0)?)));
        let Some((successes, trials)) = counts else { continue };
        if successes > trials {
            let who = format!("the variant {}", variant.variant_id);
            return Err(proportion.exceeded(&who, successes, trials));
        }
        let features = features_of(&variant.score_parts).to_vec();
        let row = Row { features, successes, trials, group: variant.clip_id, stratum: 0 };
        rows.push((variant.variant_id, row));
    }
    Ok(rows)
}

/// BLAKE3 of ids, groups, counts and features.
pub(super) fn data_hash<'a>(rows: impl Iterator<Item = (&'a str, &'a Row)>) -> String {
    let mut hasher = blake3::Hasher::new();
    for (id, row) in rows {
        // Ids hold no zero byte.
        hasher.update(id.as_bytes()).update(&[0]).update(row.group.as_bytes()).update(&[0]);
        hasher.update(&(row.stratum as u64).to_le_bytes());
        for number in [row.successes, row.trials].iter().chain(&row.features) {
            hasher.update(&number.to_le_bytes());
        }
    }
    hasher.finalize().to_hex().to_string()
}

fn model(fitted: &Fitted, training: Training, query: &TrainQuery) -> ScoreModel {
    let feature = |(name, c): (&&str, &Coefficient)| Feature {
        name: (*name).to_owned(),
        weight: c.weight,
        mean: c.mean,
        scale: c.scale,
    };
    let features = FEATURE_NAMES.iter().zip(&fitted.coefficients).map(feature);
    let quality = &fitted.quality;
    ScoreModel {
        name: format!("{} {}", query.target, &training.data_hash[..8]),
        version: 1,
        metric: query.target.clone(),
        link: query.link,
        intercept: fitted.intercepts.first().copied().unwrap_or_default(),
        // A feature that did not vary says nothing.
        features: features.filter(|f| f.weight != 0.0).collect(),
        note: format!(
            "Fitted to {} = {} of {} variants of {} clips. A weight says what goes along with the rate in these data, not what brings it about.",
            query.target, training.definition, quality.rows, quality.groups
        ),
        training: Some(training),
    }
}

/// `time`, if it is one.
pub(super) fn checked_time(time: &str) -> Result<String> {
    arrow::compute::kernels::cast_utils::string_to_timestamp_nanos(time)
        .map(|_| time.to_owned())
        .map_err(|e| {
            let what = format!("is {time}; give a time such as 2026-05-01T12:00:00Z");
            Error::setting("trained_at", what).with_source(e)
        })
}
