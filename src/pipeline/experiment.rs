//! Experiments: variants of one `experiment_id` compared by a metric.

use arrow::array::RecordBatch;
use arrow::datatypes::Field;

use super::trials::{Trials, TrialsQuery, trials};
use crate::config::ParallelConfig;
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::experiment::{Arm, Judged, MAX_ARMS, Verdict, checked_confidence, judge};
use crate::kernels::location::Location;
use crate::kernels::metrics::METRIC_VERSION;
use crate::kernels::metrics::proportion::Proportion;
use crate::model::ExperimentRow;
use crate::model::experiment::fields;

/// What is asked.
#[derive(Debug, Clone)]
pub struct ExperimentQuery {
    /// The results, whose variants say which experiment they belong to where the events do not.
    pub results: Option<Location>,
    /// Raw events or daily aggregates, with a column `experiment_id` if there are no results.
    pub events: Location,
    /// The metric, one of [`PROPORTIONS`](crate::kernels::metrics::proportion::PROPORTIONS).
    pub metric: String,
    /// One experiment; `None`: all.
    pub experiment: Option<String>,
    /// Confidence of intervals and verdicts, above 0 and below 1.
    pub confidence: f64,
    /// Seed of the draws behind the proposed shares.
    pub seed: u64,
    /// As in [`PerformanceQuery::lag_hours`](super::PerformanceQuery::lag_hours).
    pub lag_hours: f64,
    /// Settings.
    pub parallel: ParallelConfig,
}

/// What the experiments say.
#[derive(Debug, Clone)]
pub struct Experiments {
    /// A row a variant, by experiment, the best rate first.
    pub rows: Vec<ExperimentRow>,
    /// What the reader of the figures should know.
    pub notes: Vec<String>,
}

impl Experiments {
    /// The rows in the columns of [`fields`].
    ///
    /// # Errors
    /// `internal` if they do not fit.
    pub fn batch(&self) -> Result<RecordBatch> {
        let fields: Vec<_> = fields().into_iter().map(|f: Field| f.into()).collect();
        serde_arrow::to_record_batch(&fields, &self.rows).map_err(|e| {
            Error::new(ErrorCode::Internal, format!("experiments do not fit their columns: {e}"))
                .with_source(e)
        })
    }

    /// Each experiment and its verdict, in the order of the rows.
    pub fn verdicts(&self) -> Vec<(&str, &str)> {
        let all = self.rows.iter().map(|r| (r.experiment_id.as_str(), r.verdict.as_str()));
        let mut verdicts: Vec<_> = all.collect();
        verdicts.dedup();
        verdicts
    }
}

/// Compare the variants of each experiment. Variants without events, and events of no experiment, are
/// left out.
///
/// # Errors
/// As [`performance`](super::performance()); `config.invalid` for a metric that is no proportion, and
/// `input.unreadable` if there are more successes than trials, or no experiment.
pub async fn experiment(query: &ExperimentQuery) -> Result<Experiments> {
    let proportion = Proportion::find(&query.metric)?;
    checked_confidence(query.confidence)?;
    let asked = TrialsQuery {
        results: query.results.clone(),
        events: query.events.clone(),
        proportion,
        by: &["experiment_id", "variant_id"],
        lag_hours: query.lag_hours,
        parallel: query.parallel.clone(),
    };
    let (counted, _) = trials(&asked).await?;
    let mut rows = vec![];
    for group in counted.chunk_by(|a, b| a.key[0] == b.key[0]) {
        let id = group.first().and_then(|g| g.key[0].clone());
        let Some(id) = id.filter(|id| !id.trim().is_empty()) else { continue };
        if query.experiment.as_ref().is_none_or(|wanted| *wanted == id) {
            rows.extend(rows_of(&id, group, proportion, query)?);
        }
    }
    if rows.is_empty() {
        let what = match &query.experiment {
            Some(id) => format!("the experiment {id}"),
            None => "an experiment".to_owned(),
        };
        return Err(Error::new(
            ErrorCode::InputUnreadable,
            format!(
                "no event in {} is of a variant of {what}; name the results whose requests have an experiment_id, or events with that column",
                query.events
            ),
        ));
    }
    let metric = proportion.metric;
    let mut notes = vec![format!("{} = {}", metric.name, metric.definition)];
    if !proportion.is_binary {
        notes.push(format!(
            "one trial of {} can have several successes (a viewer who likes and shares): where many do, the true intervals are wider than these",
            metric.name
        ));
    }
    Ok(Experiments { rows, notes })
}

/// The rows of one experiment.
fn rows_of(
    id: &str,
    group: &[Trials],
    proportion: Proportion,
    query: &ExperimentQuery,
) -> Result<Vec<ExperimentRow>> {
    if group.len() > MAX_ARMS {
        return Err(Error::new(
            ErrorCode::InputUnreadable,
            format!("the experiment {id} has {} variants; {MAX_ARMS} can be compared", group.len()),
        ));
    }
    let arm = |t: &Trials| Arm {
        name: t.key[1].clone().unwrap_or_else(|| "(no variant)".to_owned()),
        successes: t.successes,
        trials: t.trials,
    };
    let arms: Vec<Arm> = group.iter().map(arm).collect();
    for arm in &arms {
        if let (Some(successes), Some(trials)) = (arm.successes, arm.trials)
            && successes > trials
        {
            return Err(proportion.exceeded(
                &format!("the variant {}", arm.name),
                successes,
                trials,
            ));
        }
    }
    let verdict = judge(&arms, query.confidence, query.seed);
    let row = |(i, (arm, judged)): (usize, (&Arm, &Judged))| {
        row(id, arm, judged, &verdict, verdict.winner == Some(i), proportion, query.confidence)
    };
    let mut rows: Vec<ExperimentRow> =
        arms.iter().zip(&verdict.arms).enumerate().map(row).collect();
    let rate = |r: &ExperimentRow| r.rate.unwrap_or(-1.0);
    rows.sort_by(|a, b| rate(b).total_cmp(&rate(a)));
    Ok(rows)
}

fn row(
    id: &str,
    arm: &Arm,
    judged: &Judged,
    verdict: &Verdict,
    winner: bool,
    proportion: Proportion,
    confidence: f64,
) -> ExperimentRow {
    let whole = |count: Option<f64>| count.map(|c| c.round() as i64);
    ExperimentRow {
        experiment_id: id.to_owned(),
        variant_id: arm.name.clone(),
        trials: whole(arm.trials),
        successes: whole(arm.successes),
        rate: judged.rate,
        low: judged.interval.map(|i| i.low),
        high: judged.interval.map(|i| i.high),
        difference: judged.difference,
        difference_low: judged.difference_interval.map(|i| i.low),
        difference_high: judged.difference_interval.map(|i| i.high),
        p: judged.p,
        min_detectable_effect: judged.min_detectable_effect,
        share: judged.share,
        winner,
        verdict: verdict.sentence.clone(),
        confidence,
        metric: proportion.metric.name.to_owned(),
        definition: proportion.metric.definition.to_owned(),
        metric_version: METRIC_VERSION,
    }
}
