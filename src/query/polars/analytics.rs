//! Events and metrics in Polars: the same figures, by the same names, as in SQL.

use polars::prelude::{DataType, Expr, JoinArgs, JoinType, LazyFrame, NULL, col, len, lit, when};

use super::exprs::expression;
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::metrics::{METRIC_VERSION, METRICS, Metric, NOT_ADDITIVE};
use crate::model::event::EventKind;
use crate::query::functions::metrics;

/// The metric `name` of counts, row by row; over sums of counts, the metric of the group. `inputs` as
/// [`Metric::inputs`] names them.
///
/// # Errors
/// `query.invalid` if there is no such metric or it takes another number of counts.
pub fn metric(name: &str, inputs: &[Expr]) -> Result<Expr> {
    Ok(expression(metrics::metric(known(name, inputs.len())?), inputs))
}

/// In an aggregation: the metric of the sums of the counts. A sum of nothing is NULL, not 0.
///
/// # Errors
/// As [`metric`], and for a metric whose counts do not add up.
pub fn pooled_metric(name: &str, inputs: &[Expr]) -> Result<Expr> {
    let found = known(name, inputs.len())?;
    if found.needs_viewers() {
        return Err(query(format!(
            "{name} of a group is not made of sums: distinct viewers do not add up; count them in the events"
        )));
    }
    let sums: Vec<Expr> = inputs.iter().cloned().map(known_sum).collect();
    Ok(expression(metrics::metric(found), &sums).alias(format!("pooled_{name}")))
}

/// In an aggregation: the mean of the rows' metrics; rows without one do not count.
///
/// # Errors
/// As [`metric`].
pub fn mean_metric(name: &str, inputs: &[Expr]) -> Result<Expr> {
    Ok(metric(name, inputs)?.mean().alias(format!("mean_{name}")))
}

/// In an aggregation: hours until half of the views of the first 7 days were there; each row says how
/// many `views` came how many `hours` after publication.
pub fn half_life(hours: Expr, views: Expr) -> Expr {
    expression(metrics::half_life_of(), &[hours.implode(true), views.implode(true)])
        .first()
        .alias("half_life")
}

/// The approximate number of viewers in a sketch of `reach_sketch`.
pub fn reach_estimate(sketch: Expr) -> Expr {
    expression(metrics::reach_estimate(), &[sketch])
}

/// Raw events as counts, one row for each value of `keys`: the columns of
/// [`rolled_fields`](crate::model::event::rolled_fields), as `rollup_events` gives them.
///
/// `events` need the columns `event`, `viewer_id` and `value`.
pub fn roll_up_events(events: LazyFrame, keys: &[&str]) -> LazyFrame {
    let counts = events
        .group_by_stable(keys.iter().map(|k| col(*k)).collect::<Vec<_>>())
        .agg(counts().chain(viewers()).collect::<Vec<_>>());
    // A kind that occurs nowhere is not tracked: NULL rather than 0.
    let tracked = EventKind::ALL.into_iter().map(|kind| {
        let seen = col(format!("#{}", kind.figure())).sum().gt(lit(0));
        let figure = col(kind.figure());
        when(seen).then(figure).otherwise(lit(NULL)).alias(kind.figure())
    });
    let known = |name: &str, kind: Option<EventKind>| {
        let mut is_known = col("audience_reach").gt(lit(0));
        if let Some(kind) = kind {
            is_known = is_known.and(col(format!("#{}", kind.figure())).sum().gt(lit(0)));
        }
        when(is_known).then(col(name)).otherwise(lit(NULL)).alias(name)
    };
    let viewers = [
        known("audience_reach", None),
        known("first_views", Some(EventKind::View)),
        known("first_completions", Some(EventKind::View100)),
        known("new_viewers", Some(EventKind::ReferralView)),
    ];
    let keys = keys.iter().map(|k| col(*k));
    counts
        .select(keys.chain(tracked).chain(viewers).chain([col("other_events")]).collect::<Vec<_>>())
}

fn is(kind: EventKind) -> Expr {
    col("event").eq(lit(kind.as_str()))
}

/// The figures, how many events each is of (with `#`), and the events of no known kind.
fn counts() -> impl Iterator<Item = Expr> {
    let rows = |kind: EventKind| is(kind).sum().cast(DataType::Int64);
    let figures = EventKind::ALL.into_iter().flat_map(move |kind| {
        let figure = match kind {
            EventKind::WatchSeconds => {
                let value = col("value").cast(DataType::Float64);
                value.clone().filter(is(kind).and(value.is_finite())).sum()
            }
            _ => rows(kind),
        };
        [figure.alias(kind.figure()), rows(kind).alias(format!("#{}", kind.figure()))]
    });
    let all = EventKind::ALL.into_iter().map(rows).fold(lit(0), |sum, rows| sum + rows);
    figures.chain([(len().cast(DataType::Int64) - all).alias("other_events")])
}

fn viewers() -> impl Iterator<Item = Expr> {
    let distinct = |viewers: Expr| viewers.drop_nulls().n_unique().cast(DataType::Int64);
    let of = move |kind: EventKind| distinct(col("viewer_id").filter(is(kind)));
    [
        distinct(col("viewer_id")).alias("audience_reach"),
        of(EventKind::View).alias("first_views"),
        of(EventKind::View100).alias("first_completions"),
        of(EventKind::ReferralView).alias("new_viewers"),
    ]
    .into_iter()
}

/// Metrics of raw events grouped by their own columns and those of `variants`, lazily; the same as
/// `clipflow performance`.
///
/// # Errors
/// `query.invalid` for an unknown metric. A missing column is an error at `collect`.
pub fn performance(
    events: LazyFrame,
    variants: Option<LazyFrame>,
    metrics: &[&str],
    by: &[&str],
) -> Result<LazyFrame> {
    let joined = match variants {
        None => events,
        Some(variants) => {
            // Columns of the events take precedence.
            let own = events.clone().collect_schema().map_err(super::errors::polars_error)?;
            let theirs = variants.clone().collect_schema().map_err(super::errors::polars_error)?;
            let added = theirs.iter_names().filter(|n| *n == "variant_id" || !own.contains(n));
            let added = variants.select(added.map(|n| col(n.clone())).collect::<Vec<_>>());
            let on = [col("variant_id")];
            events.join(added, on.clone(), on, JoinArgs::new(JoinType::Left))
        }
    };
    let has_duration =
        joined.clone().collect_schema().map_err(super::errors::polars_error)?.contains("duration");
    let mut keys: Vec<&str> = vec!["variant_id"];
    keys.extend(by.iter().filter(|b| **b != "variant_id"));
    if has_duration && !keys.contains(&"duration") {
        keys.push("duration");
    }
    let duration = if has_duration { col("duration") } else { lit(NULL).cast(DataType::Float64) };
    let by_variant = roll_up_events(joined.clone(), &keys).with_columns([
        when(col("views_15s").is_not_null())
            .then(col("views_15s"))
            .otherwise(col("views_100"))
            .alias("holds"),
        when(col("first_completions").is_not_null())
            .then(col("first_completions"))
            .otherwise(col("views_100"))
            .alias("completions"),
        when(col("first_views").is_not_null())
            .then(col("first_views"))
            .otherwise(col("views"))
            .alias("starts"),
        (col("views") * duration).alias("playable_seconds"),
        lit(NULL).cast(DataType::Int64).alias("followers"),
        lit(NULL).cast(DataType::Float64).alias("hours"),
    ]);
    let one = lit(1).alias("all");
    let group: Vec<Expr> =
        if by.is_empty() { vec![one] } else { by.iter().map(|b| col(*b)).collect() };
    let summed = by_variant.group_by_stable(group).agg(sums());
    let names: Vec<&str> = if by.is_empty() { vec!["all"] } else { by.to_vec() };
    let reach = roll_up_events(joined.with_column(lit(1).alias("all")), &names);
    let reach = reach.select(names.iter().chain(NOT_ADDITIVE).map(|n| col(*n)).collect::<Vec<_>>());
    let on: Vec<Expr> = names.iter().map(|n| col(*n)).collect();
    let args = JoinArgs { nulls_equal: true, ..JoinArgs::new(JoinType::Left) };
    let groups = summed.join(reach, on.clone(), on, args);
    let mut columns: Vec<Expr> = by.iter().map(|b| col(*b)).chain([col("variants")]).collect();
    for name in metrics {
        columns.push(answer(name)?);
    }
    columns.push(lit(METRIC_VERSION).alias("metric_version"));
    Ok(groups.select(columns))
}

fn sums() -> Vec<Expr> {
    let figures = EventKind::ALL.into_iter().map(EventKind::figure);
    let others = ["holds", "completions", "starts", "followers", "hours"];
    let playable = col("playable_seconds");
    let is_whole = playable.clone().count().eq(col("views").count());
    figures
        .chain(others)
        .map(|name| known_sum(col(name)).alias(name))
        .chain([
            when(is_whole).then(known_sum(playable)).otherwise(lit(NULL)).alias("playable_seconds"),
            col("variant_id").n_unique().cast(DataType::Int64).alias("variants"),
        ])
        .collect()
}

/// A metric, or a count, of the sums.
fn answer(name: &str) -> Result<Expr> {
    match Metric::find(name) {
        Some(found) => {
            let inputs: Vec<Expr> = found.inputs.iter().map(|i| col(*i)).collect();
            metric(name, &inputs)
        }
        None => Ok(col(name)),
    }
}

/// The sum; NULL of nothing.
fn known_sum(values: Expr) -> Expr {
    when(values.clone().count().gt(lit(0))).then(values.sum()).otherwise(lit(NULL))
}

fn known(name: &str, inputs: usize) -> Result<&'static Metric> {
    let found = Metric::find(name).ok_or_else(|| {
        let names: Vec<&str> = METRICS.iter().map(|m| m.name).collect();
        query(format!("there is no metric {name}; there are {}", names.join(", ")))
    })?;
    if found.inputs.len() != inputs {
        return Err(query(format!(
            "{name} takes {}, not {inputs} counts",
            found.inputs.join(", ")
        )));
    }
    Ok(found)
}

fn query(sentence: String) -> Error {
    Error::new(ErrorCode::Query, sentence)
}
