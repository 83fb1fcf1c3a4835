//! The query as SQL: the statements of `sql/analytics` that have `{…}` in them, filled in.

use super::choice::{Axis, Choice, Figure};
use super::lengths::Lengths;
use super::parts;
use super::rows::Rows;
use crate::kernels::metrics::{ACCOUNT_LEVEL, METRIC_VERSION, Metric, NOT_ADDITIVE};
use crate::model::event::rolled_fields;
use crate::query::events::{EventTable, Events, quote};
use crate::query::rollup::COUNTED;

const RAW: &str = include_str!("../../../sql/analytics/roll_up_events.sql");
const DAILY: &str = include_str!("../../../sql/analytics/roll_up_days.sql");
const VIEWERS: &str = include_str!("../../../sql/analytics/viewers.sql");
const PERFORMANCE: &str = include_str!("../../../sql/analytics/performance.sql");

const JOIN_VARIANTS: &str = "LEFT JOIN variants v ON v.variant_id = c.variant_id";

/// The whole statement.
pub(super) fn statement(choice: &Choice, events: &EventTable, lag_hours: f64) -> String {
    let apart = choice.counts_viewers_apart(events);
    let keys = Keys::new(choice, events);
    let bound = choice.is_bound_in_time(events, lag_hours);
    let condition = bound.then(|| events.condition(lag_hours, "e"));
    let axes = |prefix: &str| -> String {
        choice.axes.iter().map(|a| format!("{prefix}{}, ", quote(a.name()))).collect()
    };
    let viewers =
        if apart { viewers(choice, &counted(condition.as_deref())) } else { String::new() };
    let uses_hours = choice.uses("hours");
    let (variant_columns, joins) = (variant_columns(choice), choice.reads_variants());
    let when = |holds: bool, sql: &'static str| if holds { sql } else { "" };
    let span = format!("span AS (\n    {}\n),", events.spans(lag_hours));
    let accounts = parts::accounts(choice, &keys.accounts);
    let (in_variants, in_groups) = Rows::of(choice, events);
    let lengths = Lengths::new(choice, events);
    fill(
        PERFORMANCE,
        &[
            ("roll_up", roll_up(choice, events, &keys, condition.as_deref()).trim()),
            ("span", if uses_hours { &span } else { "" }),
            ("variant_columns", &variant_columns),
            ("join_variants", when(joins, JOIN_VARIANTS)),
            ("join_span", when(uses_hours, "LEFT JOIN span s ON s.variant_id = c.variant_id")),
            ("lengths", &lengths.table),
            ("join_lengths", lengths.join),
            ("length", lengths.column),
            ("hours", &if uses_hours { hours(choice, events) } else { String::new() }),
            ("duration", lengths.value),
            ("names", &keys.names),
            ("variant_sums", &parts::variant_sums(choice, in_variants)),
            ("group_by_variant", &in_variants.group_by(&format!("variant_id{}", keys.names))),
            ("axes", &axes("")),
            ("group_sums", &parts::group_sums(choice, in_groups, apart)),
            ("variants", in_groups.count_variants()),
            (
                "join_accounts",
                &if accounts.is_empty() { String::new() } else { join(choice, "accounts f") },
            ),
            ("account_columns", &parts::account_columns(choice)),
            ("accounts", &accounts),
            ("viewers", &viewers),
            ("join_viewers", &if apart { join(choice, "viewers w") } else { String::new() }),
            ("reach_columns", when(apart, ", w.audience_reach, w.new_viewers")),
            ("metrics", &parts::answers(choice, apart)),
            ("version", &METRIC_VERSION.to_string()),
            ("definitions", &definitions(choice).join("; ").replace('\'', "''")),
            ("group_by_axes", &in_groups.group_by(&axis_names(choice))),
            ("order_by", &order_by(choice)),
        ],
    )
}

/// What rows are told apart by beside the variant.
struct Keys {
    /// As expressions over the events.
    of_events: String,
    /// The names of the axes, those of variants too.
    names: String,
    /// What tells accounts apart, if followers are asked for.
    accounts: String,
}

impl Keys {
    fn new(choice: &Choice, events: &EventTable) -> Self {
        let mut of_events: String = choice
            .event_axes()
            .map(|(name, value)| format!(", {value} AS {}", quote(name)))
            .collect();
        // Rows of raw events are those of variants: what else tells them apart would tear viewers apart.
        let is_daily = events.form == Events::Daily;
        if let Some(Axis::Event(_, value)) = &choice.duration
            && is_daily
            && !choice.event_axes().any(|(name, _)| name == "duration")
        {
            of_events += &format!(", {value} AS duration");
        }
        let names = choice.axes.iter().map(Axis::name).filter(|name| *name != "variant_id");
        let names = names.map(|name| format!(", {}", quote(name))).collect();
        let mut accounts = String::new();
        if choice.uses(ACCOUNT_LEVEL) {
            let own = ["platform", "account_id", "account"];
            let is_own = |n: &&str| is_daily && events.dimensions.iter().any(|d| d == n);
            let own = own.into_iter().filter(is_own);
            for name in own {
                let alias = quote(&format!("clipflow: {name}"));
                of_events += &format!(", e.{name} AS {alias}");
                accounts += &format!(", {alias}");
            }
            if accounts.is_empty() {
                of_events += ", 1 AS \"clipflow: account\"";
                accounts = ", \"clipflow: account\"".to_owned();
            }
        }
        Self { of_events, names, accounts }
    }
}

fn roll_up(choice: &Choice, events: &EventTable, keys: &Keys, condition: Option<&str>) -> String {
    match events.form {
        Events::Raw => fill(
            RAW,
            &[
                ("keys", &keys.of_events),
                ("viewer_id", if needs_viewers(choice) { ", e.viewer_id" } else { "" }),
                ("counted", &counted(condition)),
            ],
        ),
        Events::Daily => {
            let others = rolled_fields().into_iter().map(|f| f.name().clone());
            let figures: Vec<String> =
                others.chain([ACCOUNT_LEVEL.to_owned()]).map(|f| format!("e.{f}")).collect();
            let filter = condition.map_or_else(String::new, |c| format!("WHERE {c}"));
            fill(
                DAILY,
                &[("keys", &keys.of_events), ("figures", &figures.join(", ")), ("filter", &filter)],
            )
        }
    }
}

/// The column that says which events count, behind a comma.
fn counted(condition: Option<&str>) -> String {
    condition.map_or_else(String::new, |c| format!(", coalesce({c}, FALSE) AS {}", quote(COUNTED)))
}

/// The hours of a row: of its day if days are told apart, else of its variant.
fn hours(choice: &Choice, events: &EventTable) -> String {
    let is_day = |axis: &&Axis| {
        let is_own = events.form == Events::Raw && events.dimensions.iter().any(|d| d == "day");
        axis.name() == "day" && matches!(axis, Axis::Event(..)) && !is_own
    };
    if !choice.axes.iter().any(|axis| is_day(&axis)) {
        return ", s.hours AS \"clipflow: hours\"".to_owned();
    }
    let moment = |sql: String| format!("CAST({sql} AS BIGINT)");
    let (start, end) = (moment(events.day_start("c.day")), moment(events.day_end("c.day")));
    // Rows of no variant have no hours: `least` and `greatest` pass over what is missing.
    format!(
        ", CASE WHEN s.until IS NOT NULL AND s.published IS NOT NULL THEN CAST(greatest(least(s.until, {end}) - greatest(s.published, {start}), 0) AS DOUBLE) / 3.6e9 END AS \"clipflow: hours\""
    )
}

/// `template` with each `{name}` replaced.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let lines = template.lines().filter(|line| !line.trim_start().starts_with("--"));
    let mut text = String::new();
    let mut rest = lines.collect::<Vec<_>>().join("\n");
    // In one pass: what is filled in may hold braces of its own.
    while let Some((before, after)) = rest.split_once('{') {
        text += before;
        let (name, behind) = after.split_once('}').unwrap_or((after, ""));
        text += values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value);
        rest = behind.to_owned();
    }
    text + &rest
}

/// Whether the roll-up by variant has to tell viewers apart.
fn needs_viewers(choice: &Choice) -> bool {
    ["starts", "completions"]
        .into_iter()
        .chain(NOT_ADDITIVE.iter().copied())
        .any(|i| choice.uses(i))
}

/// Columns that the join adds to those of the roll-up.
fn variant_columns(choice: &Choice) -> String {
    choice.joined_columns().map(|name| format!(", v.{}", quote(name))).collect()
}

fn viewers(choice: &Choice, counted: &str) -> String {
    let key = |axis: &Axis| match axis {
        Axis::Event(name, value) => format!("{value} AS {}, ", quote(name)),
        Axis::Variant(name) => format!("v.{0} AS {0}, ", quote(name)),
    };
    let keys: String = choice.axes.iter().map(key).collect();
    // The variants first: a hash join holds its first table in memory, and they are the few.
    let events = if choice.variant_axes().next().is_some() {
        "variants v RIGHT JOIN events e ON v.variant_id = e.variant_id"
    } else {
        "events e"
    };
    let text = fill(VIEWERS, &[("keys", &keys), ("events", events), ("counted", counted)]);
    format!(",\nviewers AS (\n{}\n)", text.trim())
}

/// A join of `table`, whose alias is its last letter, on the axes.
fn join(choice: &Choice, table: &str) -> String {
    let alias = table.split(' ').next_back().unwrap_or(table);
    let same =
        |axis: &Axis| format!("({alias}.{0} IS NOT DISTINCT FROM g.{0})", quote(axis.name()));
    let all: Vec<String> = choice.axes.iter().map(same).collect();
    match all.is_empty() {
        // One row, or none without an event that counts.
        true => format!("LEFT JOIN {table} ON TRUE"),
        false => format!("LEFT JOIN {table} ON {}", all.join(" AND ")),
    }
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
            Figure::Part(metric, _) => {
                format!("{name} = sum over the rows that report all parts of {}", metric.name)
            }
            Figure::Count("audience_reach") => format!("{name} = distinct viewers"),
            Figure::Count("new_viewers") => format!("{name} = distinct viewers by referral"),
            Figure::Count(_) => format!("{name} = sum"),
        }
    };
    choice.figures.iter().map(of).collect()
}

fn axis_names(choice: &Choice) -> String {
    choice.axes.iter().map(|a| quote(a.name())).collect::<Vec<_>>().join(", ")
}

fn order_by(choice: &Choice) -> String {
    let names = axis_names(choice);
    if names.is_empty() { names } else { format!("ORDER BY {names}") }
}
