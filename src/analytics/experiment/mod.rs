//! Experiments: variants of one `experiment_id` compared by a metric.

mod function;

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema};

pub use function::register_experiment;

use super::looks::days;
use super::trials::{Trials, TrialsQuery, trials};
use crate::config::ParallelConfig;
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::experiment::{
    Arm, Judged, Looks, MAX_ARMS, MAX_LOOKS, Plan, Verdict, checked_confidence, judge_by,
};
use crate::kernels::metrics::METRIC_VERSION;
use crate::kernels::metrics::proportion::Proportion;
use crate::location::Location;
use crate::model::ExperimentRow;
use crate::query::NamedTable;
use crate::query::events::EventOptions;

/// What is asked.
#[derive(Debug, Clone)]
pub struct ExperimentQuery {
    /// The results, whose variants say which experiment they belong to where the events do not.
    pub results: Option<Location>,
    /// Raw events or daily aggregates, with a column `experiment_id` if there are no results.
    pub events: Location,
    /// The metric, one of [`PROPORTIONS`](crate::kernels::metrics::proportion::PROPORTIONS).
    pub metric: String,
    /// What is compared: the column of the events or the variants whose values are the arms, such as
    /// `layout`; `None`: variants.
    pub by: Option<String>,
    /// One experiment; `None`: all.
    pub experiment: Option<String>,
    /// Confidence of intervals and verdicts, above 0 and below 1.
    pub confidence: f64,
    /// Seed of the draws behind the proposed shares.
    pub seed: u64,
    /// The looks planned at the experiment, one a day, which verdicts are corrected for; 1: none but this.
    pub looks: u32,
    /// Trials below which an arm is listed and not compared.
    pub min_trials: u32,
    /// As in [`PerformanceQuery::lag_hours`](super::PerformanceQuery::lag_hours).
    pub lag_hours: f64,
    /// As in [`PerformanceQuery::reading`](super::PerformanceQuery::reading).
    pub reading: EventOptions,
    /// As in [`PerformanceQuery::tables`](super::PerformanceQuery::tables).
    pub tables: Vec<NamedTable>,
    /// Settings.
    pub parallel: ParallelConfig,
}

impl ExperimentQuery {
    /// What the arms are, for messages.
    fn what(&self) -> &str {
        self.by.as_deref().unwrap_or("variant")
    }
}

/// What the experiments say.
#[derive(Debug, Clone)]
pub struct Experiments {
    /// A row a variant, by experiment, the best rate first.
    pub rows: Vec<ExperimentRow>,
    /// What the reader of the figures should know.
    pub notes: Vec<String>,
    /// What was left out, renamed or is not known.
    pub warnings: Vec<String>,
    /// As [`ExperimentQuery::by`].
    pub by: Option<String>,
}

/// Name of the comparison of what belongs to no experiment.
const NO_EXPERIMENT: &str = "(no experiment)";

impl Experiments {
    /// The rows in the columns of the table function `experiment`.
    ///
    /// # Errors
    /// `internal` if they do not fit.
    pub fn batch(&self) -> Result<RecordBatch> {
        let plain: Vec<_> = ExperimentRow::fields().into_iter().map(Arc::new).collect();
        let batch = serde_arrow::to_record_batch(&plain, &self.rows).map_err(misfit)?;
        let schema = Arc::new(Schema::new(fields_by(self.by.as_deref())));
        RecordBatch::try_new(schema, batch.columns().to_vec()).map_err(misfit)
    }

    /// Each experiment and its verdict, in the order of the rows.
    pub fn verdicts(&self) -> Vec<(&str, &str)> {
        let all = self.rows.iter().map(|r| (r.experiment_id.as_str(), r.verdict.as_str()));
        let mut verdicts: Vec<_> = all.collect();
        verdicts.dedup();
        verdicts
    }
}

fn misfit(cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorCode::Internal, format!("experiments do not fit their columns: {cause}"))
        .with_source(cause)
}

/// The columns of [`ExperimentRow`], `variant_id` with the name of the column that is compared.
pub fn fields_by(by: Option<&str>) -> Vec<Field> {
    let named = |field: Field| match by {
        Some(by) if field.name() == VARIANT => field.with_name(by),
        _ => field,
    };
    ExperimentRow::fields().into_iter().map(named).collect()
}

/// The column of the arms, if no other is named.
const VARIANT: &str = "variant_id";

/// Compare the variants of each experiment, or what [`ExperimentQuery::by`] names, with the counts of
/// all variants that are alike in it. Variants without events are left out, and so are events of no
/// experiment, unless it names something: then they are one more comparison.
///
/// # Errors
/// As [`performance`](super::performance()); `config.invalid` for a metric that is no proportion, and
/// `input.unreadable` if there are more successes than trials, or no experiment.
pub async fn experiment(query: &ExperimentQuery) -> Result<Experiments> {
    let proportion = Proportion::find(&query.metric)?;
    checked_confidence(query.confidence)?;
    if !(1..=MAX_LOOKS).contains(&query.looks) {
        let sentence = format!("is {}; give a number of looks from 1 to {MAX_LOOKS}", query.looks);
        return Err(Error::setting("looks", sentence));
    }
    let by = query.by.as_deref().unwrap_or(VARIANT);
    let asked = TrialsQuery {
        results: query.results.clone(),
        events: query.events.clone(),
        proportion,
        by: &["experiment_id", by],
        lag_hours: query.lag_hours,
        reading: query.reading.clone(),
        tables: query.tables.clone(),
        parallel: query.parallel.clone(),
    };
    let (counted, performance) = trials(&asked).await?;
    let days = days(&performance, query.lag_hours).await?;
    let mut rows = vec![];
    for group in counted.chunk_by(|a, b| a.key[0] == b.key[0]) {
        let id = group.first().and_then(|g| g.key[0].clone());
        let id = id.filter(|id| !id.trim().is_empty());
        let Some(id) = id.or_else(|| query.by.is_some().then(|| NO_EXPERIMENT.to_owned())) else {
            continue;
        };
        if query.experiment.as_ref().is_none_or(|wanted| *wanted == id) {
            let key = group.first().and_then(|g| g.key[0].as_deref());
            let look = days.get(&key.map(str::to_owned)).copied();
            rows.extend(rows_of(&id, group, proportion, query, look)?);
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
    let mut notes = notes(query, proportion, by);
    notes.extend(performance.remarks());
    let by = query.by.clone();
    let left_out = rows.iter().map(|row: &ExperimentRow| row.left_out).sum();
    Ok(Experiments { rows, notes, warnings: performance.warnings(left_out), by })
}

/// What to know when the verdicts are read.
fn notes(query: &ExperimentQuery, proportion: Proportion, by: &str) -> Vec<String> {
    let metric = proportion.metric;
    let mut notes = vec![format!("{} = {}", metric.name, metric.definition)];
    if query.looks > 1 {
        notes.push(format!(
            "verdicts are corrected for {} daily looks; set looks to 1 if this is the only one",
            query.looks
        ));
    }
    if !proportion.is_binary {
        notes.push(format!(
            "one trial of {} can have several successes (a viewer who likes and shares): where many do, the true intervals are wider than these",
            metric.name
        ));
    }
    if query.by.is_some() {
        notes.push(format!(
            "the counts of all variants with the same {by} are added up: variants that differ in it mostly differ in other things too, and one that does much better than the rest of its {by} speaks for all of them"
        ));
    }
    notes
}

/// The rows of one experiment.
fn rows_of(
    id: &str,
    group: &[Trials],
    proportion: Proportion,
    query: &ExperimentQuery,
    look: Option<u32>,
) -> Result<Vec<ExperimentRow>> {
    if group.len() > MAX_ARMS {
        return Err(Error::new(
            ErrorCode::InputUnreadable,
            format!(
                "the experiment {id} has {} {}s; {MAX_ARMS} can be compared",
                group.len(),
                query.what()
            ),
        ));
    }
    let arm = |t: &Trials| Arm {
        name: t.key[1].clone().unwrap_or_else(|| format!("(no {})", query.what())),
        successes: t.successes,
        trials: t.trials,
    };
    let arms: Vec<Arm> = group.iter().map(arm).collect();
    for arm in &arms {
        if let (Some(successes), Some(trials)) = (arm.successes, arm.trials)
            && successes > trials
        {
            return Err(proportion.exceeded(
                &format!("the {} {}", query.what(), arm.name),
                successes,
                trials,
            ));
        }
    }
    let looks = if query.looks == 1 { Looks::one() } else { Looks::new(look, query.looks) };
    let plan = Plan {
        confidence: query.confidence,
        looks,
        min_trials: query.min_trials,
        seed: query.seed,
    };
    let verdict = judge_by(&arms, &plan);
    let row = |(i, (arm, judged)): (usize, (&Arm, &Judged))| {
        row(id, arm, judged, &verdict, verdict.winner == Some(i), proportion, query.confidence)
    };
    let mut rows: Vec<ExperimentRow> =
        arms.iter().zip(&verdict.arms).enumerate().map(row).collect();
    for (row, trials) in rows.iter_mut().zip(group) {
        row.left_out = trials.left_out;
        row.look = plan.looks.look().map(i64::from);
        row.looks = i64::from(plan.looks.planned());
    }
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
        corrected_low: judged.corrected_interval.map(|i| i.low),
        corrected_high: judged.corrected_interval.map(|i| i.high),
        corrected_p: judged.corrected_p,
        look: None,
        looks: 1,
        compared: judged.is_compared,
        min_detectable_effect: judged.min_detectable_effect,
        share: judged.share,
        winner,
        verdict: verdict.sentence.clone(),
        confidence,
        metric: proportion.metric.name.to_owned(),
        definition: proportion.metric.definition.to_owned(),
        metric_version: METRIC_VERSION,
        left_out: 0,
    }
}
