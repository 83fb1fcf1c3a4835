//! The query as SQL: the statements of `sql/analytics` that have `{…}` in them, filled in.

use super::choice::{Axis, Choice, Figure};
use crate::kernels::metrics::{METRIC_VERSION, Metric, NOT_ADDITIVE};
use crate::model::event::figure_fields;
use crate::query::events::{EventTable, Events, quote};

const RAW: &str = include_str!("../../../sql/analytics/roll_up_events.sql");
const DAILY: &str = include_str!("../../../sql/analytics/roll_up_days.sql");
const VIEWERS: &str = include_str!("../../../sql/analytics/viewers.sql");
const PERFORMANCE: &str = include_str!("../../../sql/analytics/performance.sql");

const JOIN_VARIANTS: &str = "LEFT JOIN variants v ON v.variant_id = c.variant_id";

/// The whole statement.
pub(super) fn statement(choice: &Choice, events: &EventTable, lag_hours: f64) -> String {
    let is_raw = events.form == Events::Raw;
    let apart = choice.counts_viewers_apart(events);
    let filter = lag(events, lag_hours);
    let (keys, names) = roll_up_keys(choice);
    let roll_up = if is_raw { RAW } else { DAILY };
    let roll_up = fill(
        roll_up,
        &[
            ("keys", &keys),
            ("names", &names),
            ("viewer_id", if needs_viewers(choice) { ", e.viewer_id" } else { "" }),
            ("filter", &filter),
            ("sums", &sums("")),
        ],
    );
    let axes = |prefix: &str| -> String {
        choice.axes.iter().map(|a| format!("{prefix}{}, ", quote(a.name()))).collect()
    };
    let viewers = if apart { viewers(choice, &filter) } else { String::new() };
    let uses_hours = choice.uses("hours");
    let when = |holds: bool, sql: &'static str| if holds { sql } else { "" };
    fill(
        PERFORMANCE,
        &[
            ("roll_up", roll_up.trim()),
            ("span", &span(choice, events, &filter)),
            ("variant_columns", &variant_columns(choice)),
            ("join_variants", when(choice.joins, JOIN_VARIANTS)),
            ("join_span", when(uses_hours, "LEFT JOIN span s ON s.variant_id = c.variant_id")),
            ("hours", when(uses_hours, ", s.hours")),
            ("sum_hours", when(uses_hours, ", sum(hours) AS hours")),
            (
                "duration",
                if choice.duration.is_some() { "duration" } else { "CAST(NULL AS DOUBLE)" },
            ),
            ("axes", &axes("")),
            ("g_axes", &axes("g.")),
            ("sums", &sums("")),
            ("reach", &reach(choice, apart)),
            ("means", &means(choice)),
            ("viewers", &viewers),
            ("join_viewers", &join_viewers(choice, apart)),
            ("reach_columns", when(apart, ", w.audience_reach, w.new_viewers")),
            ("metrics", &metrics(choice)),
            ("version", &METRIC_VERSION.to_string()),
            ("definitions", &definitions(choice).join("; ").replace('\'', "''")),
            ("group_by", &list("GROUP BY", choice)),
            ("order_by", &list("ORDER BY", choice)),
        ],
    )
}

/// What the roll-up groups by beside the variant: as expressions, and by their names.
fn roll_up_keys(choice: &Choice) -> (String, String) {
    let mut keys: String =
        choice.event_axes().map(|(name, value)| format!(", {value} AS {}", quote(name))).collect();
    let mut names: String =
        choice.event_axes().map(|(name, _)| format!(", {}", quote(name))).collect();
    if let Some(Axis::Event(_, value)) = &choice.duration
        && !choice.event_axes().any(|(name, _)| name == "duration")
    {
        keys += &format!(", {value} AS duration");
        names += ", duration";
    }
    (keys, names)
}

/// `template` with each `{name}` replaced.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let lines = template.lines().filter(|line| !line.trim_start().starts_with("--"));
    let text = lines.collect::<Vec<_>>().join("\n");
    values.iter().fold(text, |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

/// Whether the roll-up by variant has to tell viewers apart.
fn needs_viewers(choice: &Choice) -> bool {
    ["starts", "completions"]
        .into_iter()
        .chain(NOT_ADDITIVE.iter().copied())
        .any(|i| choice.uses(i))
}

fn lag(events: &EventTable, hours: f64) -> String {
    if hours == 0.0 {
        return String::new();
    }
    let seconds = (hours * 3600.0).round() as i64;
    match events.form {
        Events::Raw => {
            format!("WHERE e.ts <= (SELECT max(ts) FROM events) - INTERVAL '{seconds} seconds'")
        }
        // A day is over 24 hours after it began.
        Events::Daily => format!(
            "WHERE CAST(e.day AS TIMESTAMP) <= (SELECT CAST(max(day) AS TIMESTAMP) FROM event_days) - INTERVAL '{seconds} seconds'"
        ),
    }
}

fn sums(prefix: &str) -> String {
    let others = ["first_views", "first_completions", "other_events"].map(str::to_owned);
    let figures = figure_fields().into_iter().map(|f| f.name().clone()).chain(others);
    figures.map(|f| format!("sum({prefix}{f}) AS {f}")).collect::<Vec<_>>().join(", ")
}

fn span(choice: &Choice, events: &EventTable, filter: &str) -> String {
    if !choice.uses("hours") {
        return String::new();
    }
    let (table, first, last) = match events.form {
        Events::Raw => ("events", "min(e.ts)", "(SELECT max(ts) FROM events)"),
        Events::Daily => (
            "event_days",
            "CAST(min(e.day) AS TIMESTAMP)",
            "(SELECT CAST(max(day) AS TIMESTAMP) + INTERVAL '1 day' FROM event_days)",
        ),
    };
    format!(
        "span AS (\n    SELECT e.variant_id, CAST(to_unixtime({last}) - to_unixtime({first}) AS DOUBLE) / 3600 AS hours\n    FROM {table} e {filter} GROUP BY e.variant_id\n),"
    )
}

/// Columns that the join adds to those of the roll-up.
fn variant_columns(choice: &Choice) -> String {
    let mut names: Vec<&str> = choice.variant_axes().filter(|name| *name != "variant_id").collect();
    if let Some(Axis::Variant(name)) = &choice.duration
        && !names.contains(&name.as_str())
    {
        names.push(name);
    }
    names.into_iter().map(|name| format!(", v.{}", quote(name))).collect()
}

/// Distinct viewers of a group as far as the roll-up by variant knows them: where it is one row.
fn reach(choice: &Choice, apart: bool) -> String {
    let is_asked = NOT_ADDITIVE.iter().any(|count| choice.uses(count));
    if apart || !is_asked {
        return String::new();
    }
    let of = |count: &str| format!(", CASE WHEN count(*) = 1 THEN max({count}) END AS {count}");
    NOT_ADDITIVE.iter().map(|count| of(count)).collect()
}

fn viewers(choice: &Choice, filter: &str) -> String {
    let key = |axis: &Axis| match axis {
        Axis::Event(name, value) => format!("{value} AS {}, ", quote(name)),
        Axis::Variant(name) => format!("v.{0} AS {0}, ", quote(name)),
    };
    let keys: String = choice.axes.iter().map(key).collect();
    let join = if choice.variant_axes().next().is_some() {
        "LEFT JOIN variants v ON v.variant_id = e.variant_id"
    } else {
        ""
    };
    let text = fill(VIEWERS, &[("keys", &keys), ("join_variants", join), ("filter", filter)]);
    format!(",\nviewers AS (\n{}\n)", text.trim())
}

fn join_viewers(choice: &Choice, apart: bool) -> String {
    if !apart {
        return String::new();
    }
    let same = |axis: &Axis| format!("(w.{0} IS NOT DISTINCT FROM g.{0})", quote(axis.name()));
    let all: Vec<String> = choice.axes.iter().map(same).collect();
    match all.is_empty() {
        true => "CROSS JOIN viewers w".to_owned(),
        false => format!("LEFT JOIN viewers w ON {}", all.join(" AND ")),
    }
}

/// The means over the rows of the roll-up.
fn means(choice: &Choice) -> String {
    let mean = |(name, figure): &(String, Figure)| match figure {
        Figure::Mean(metric) => {
            Some(format!(", mean_{}({}) AS {}", metric.name, metric.inputs.join(", "), quote(name)))
        }
        _ => None,
    };
    choice.figures.iter().filter_map(mean).collect()
}

fn metrics(choice: &Choice) -> String {
    let column = |(name, figure): &(String, Figure)| match figure {
        Figure::Metric(metric) => {
            format!("{}({}) AS {}", metric.name, metric.inputs.join(", "), quote(name))
        }
        Figure::Mean(_) | Figure::Count(_) => quote(name),
    };
    choice.figures.iter().map(column).collect::<Vec<_>>().join(",\n    ")
}

/// The definitions of what was computed, for readers of the answer.
pub(super) fn definitions(choice: &Choice) -> Vec<String> {
    let of = |(name, figure): &(String, Figure)| {
        let definition = |m: &Metric| m.definition;
        match figure {
            Figure::Metric(metric) => format!("{name} = {}", definition(metric)),
            Figure::Mean(metric) => {
                format!("{name} = mean over variants of {}", definition(metric))
            }
            Figure::Count("audience_reach") => format!("{name} = distinct viewers"),
            Figure::Count("new_viewers") => format!("{name} = distinct viewers by referral"),
            Figure::Count(_) => format!("{name} = sum"),
        }
    };
    choice.figures.iter().map(of).collect()
}

fn list(clause: &str, choice: &Choice) -> String {
    let names: Vec<String> = choice.axes.iter().map(|a| quote(a.name())).collect();
    if names.is_empty() { String::new() } else { format!("{clause} {}", names.join(", ")) }
}
