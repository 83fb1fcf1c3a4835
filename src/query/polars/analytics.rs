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
    if !found.is_additive() {
        return Err(query(format!(
            "{name} of a group is not made of sums: distinct viewers and followers do not add up; count them in the events"
        )));
    }
    let complete = complete(found, inputs);
    let sums: Vec<Expr> =
        inputs.iter().map(|input| known_sum(input.clone().filter(complete.clone()))).collect();
    Ok(expression(metrics::metric(found), &sums).alias(format!("pooled_{name}")))
}

/// Whether a row reports all parts of a metric.
fn complete(metric: &Metric, inputs: &[Expr]) -> Expr {
    let (any, all) = inputs.split_at(metric.alternatives());
    let all = all.iter().map(|input| input.clone().is_not_null());
    let any = any.iter().map(|input| input.clone().is_not_null()).reduce(Expr::or);
    all.chain(any).reduce(Expr::and).unwrap_or_else(|| lit(true))
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
    let counts = with_known_viewers(events)
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
        when(col("#views").sum().gt(lit(0)))
            .then(known("first_completions", Some(EventKind::View100)))
            .otherwise(lit(NULL))
            .alias("first_completions"),
        known("new_viewers", Some(EventKind::ReferralView)),
        tracked_only("anonymous_views", EventKind::View),
        tracked_only("anonymous_completions", EventKind::View100),
    ];
    let keys = keys.iter().map(|k| col(*k));
    counts
        .select(keys.chain(tracked).chain(viewers).chain([col("other_events")]).collect::<Vec<_>>())
}

/// A count that is missing where events of its kind occur nowhere.
fn tracked_only(name: &str, kind: EventKind) -> Expr {
    let seen = col(format!("#{}", kind.figure())).sum().gt(lit(0));
    when(seen).then(col(name)).otherwise(lit(NULL)).alias(name)
}

/// Empty text is no viewer.
fn with_known_viewers(mut events: LazyFrame) -> LazyFrame {
    let is_text = events
        .collect_schema()
        .is_ok_and(|schema| schema.get("viewer_id").is_some_and(|t| *t == DataType::String));
    if !is_text {
        return events;
    }
    let viewer = col("viewer_id");
    let is_blank = viewer.clone().str().strip_chars(lit(NULL)).eq(lit(""));
    events.with_column(when(is_blank).then(lit(NULL)).otherwise(viewer).alias("viewer_id"))
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
                let value = col("value").cast(DataType::Float64).filter(is(kind));
                expression(metrics::seconds(), &[value]).sum()
            }
            _ => rows(kind),
        };
        [figure.alias(kind.figure()), rows(kind).alias(format!("#{}", kind.figure()))]
    });
    let all = EventKind::ALL.into_iter().map(rows).fold(lit(0), |sum, rows| sum + rows);
    figures.chain([(len().cast(DataType::Int64) - all).alias("other_events")])
}

fn anonymous(kind: EventKind) -> Expr {
    is(kind).and(col("viewer_id").is_null()).sum().cast(DataType::Int64)
}

fn viewers() -> impl Iterator<Item = Expr> {
    let distinct = |viewers: Expr| viewers.drop_nulls().n_unique().cast(DataType::Int64);
    let of = move |kind: EventKind| distinct(col("viewer_id").filter(is(kind)));
    [
        distinct(col("viewer_id")).alias("audience_reach"),
        of(EventKind::View).alias("first_views"),
        // Those who began and those who ended, less those who did either.
        (of(EventKind::View) + of(EventKind::View100)
            - distinct(col("viewer_id").filter(is(EventKind::View).or(is(EventKind::View100)))))
        .alias("first_completions"),
        anonymous(EventKind::View).alias("anonymous_views"),
        anonymous(EventKind::View100).alias("anonymous_completions"),
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
    let of_viewers = |known: &str, anonymous: &str, all: &str| {
        let known = col(known).fill_null(lit(0)) + col(anonymous);
        when(col(anonymous).is_null()).then(col(all)).otherwise(known)
    };
    let rolled = roll_up_events(joined.clone(), &keys);
    let by_variant = with_length(rolled, &joined, has_duration).with_columns([
        when(col("views_15s").is_not_null())
            .then(col("views_15s"))
            .otherwise(col("views_100"))
            .alias("holds"),
        of_viewers("first_completions", "anonymous_completions", "views_100").alias("completions"),
        of_viewers("first_views", "anonymous_views", "views").alias("starts"),
        (col("views") * col(LENGTH)).alias("playable_seconds"),
        lit(NULL).cast(DataType::Int64).alias("followers"),
        lit(NULL).cast(DataType::Float64).alias("hours"),
    ]);
    let one = lit(1).alias("all");
    let group: Vec<Expr> =
        if by.is_empty() { vec![one] } else { by.iter().map(|b| col(*b)).collect() };
    let summed = by_variant.group_by_stable(group).agg(sums(metrics));
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

/// The column of the length of a row's variant.
const LENGTH: &str = "clipflow: length";

/// The rows with the lengths that `events` have for variants. A variant has one: of several none is known to
/// be it.
fn with_length(rows: LazyFrame, events: &LazyFrame, has_duration: bool) -> LazyFrame {
    if !has_duration {
        return rows.with_column(lit(NULL).cast(DataType::Float64).alias(LENGTH));
    }
    let length = col("duration").cast(DataType::Float64);
    let is_length = length.clone().gt(lit(0.0)).and(length.clone().lt(lit(1e12)));
    let is_one = length.clone().min().eq(length.clone().max());
    let one = when(is_one).then(length.max()).otherwise(lit(NULL)).alias(LENGTH);
    let lengths = events.clone().filter(is_length).group_by([col("variant_id")]).agg([one]);
    let on = [col("variant_id")];
    rows.join(lengths, on.clone(), on, JoinArgs::new(JoinType::Left))
}

/// Sums of groups: of figures, and of the parts of metrics over the rows that report all of them.
fn sums(metrics: &[&str]) -> Vec<Expr> {
    let figures = EventKind::ALL.into_iter().map(EventKind::figure);
    let others = ["holds", "completions", "starts"];
    let mut sums: Vec<Expr> =
        figures.chain(others).map(|name| known_sum(col(name)).alias(name)).collect();
    sums.push(col("variant_id").n_unique().cast(DataType::Int64).alias("variants"));
    for metric in metrics.iter().filter_map(|name| Metric::find(name)) {
        let inputs: Vec<Expr> = metric.inputs.iter().map(|input| col(*input)).collect();
        let mut complete = complete(metric, &inputs);
        if metric.inputs == ["completions", "starts"] {
            // More completions than views hold replays that cannot be taken out.
            complete = complete.and(col("completions").lt_eq(col("starts")));
        }
        let parts = metric.inputs.iter().filter(|input| !NOT_ADDITIVE.contains(input));
        sums.extend(parts.map(|input| {
            known_sum(col(*input).filter(complete.clone())).alias(part(metric, input))
        }));
    }
    sums
}

/// The column of a part of a metric.
fn part(metric: &Metric, input: &str) -> String {
    if NOT_ADDITIVE.contains(&input) {
        input.to_owned()
    } else {
        format!("{}.{input}", metric.name)
    }
}

/// A metric, or a count, of the sums.
fn answer(name: &str) -> Result<Expr> {
    match Metric::find(name) {
        Some(found) => {
            let inputs: Vec<Expr> = found.inputs.iter().map(|i| col(part(found, i))).collect();
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
    Error::new(ErrorCode::QueryInvalid, sentence)
}
