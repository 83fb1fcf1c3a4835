//! The parts of metrics as columns of SQL: summed over the rows that report all of them.

use super::choice::{Choice, Figure};
use super::rows::Rows;
use crate::kernels::metrics::retention::COMPLETION_RATE;
use crate::kernels::metrics::{ACCOUNT_LEVEL, Metric, NOT_ADDITIVE};
use crate::query::events::quote;

/// Counts that the statement makes of others.
const DERIVED: [&str; 5] = ["holds", "completions", "starts", "playable_seconds", "hours"];

/// The column of the rows in which a count stands.
pub(super) fn column(input: &str) -> String {
    if DERIVED.contains(&input) { quote(&format!("clipflow: {input}")) } else { input.to_owned() }
}

/// The column of a part of a metric.
pub(super) fn part(metric: &Metric, input: &str) -> String {
    quote(&format!("clipflow: {}.{input}", metric.name))
}

/// The column of a count.
fn count(name: &str) -> String {
    quote(&format!("clipflow: #{name}"))
}

/// The column of the rows left out.
const LEFT_OUT: &str = "\"clipflow: left out\"";

/// The metrics whose parts are summed, each once.
fn metrics(choice: &Choice) -> Vec<&'static Metric> {
    let mut metrics: Vec<&'static Metric> = vec![];
    for (_, figure) in &choice.figures {
        if let Figure::Metric(metric) | Figure::Mean(metric) | Figure::Part(metric, _) = figure
            && !metrics.iter().any(|known| known.name == metric.name)
        {
            metrics.push(metric);
        }
    }
    metrics
}

fn is_reach(input: &str) -> bool {
    NOT_ADDITIVE.contains(&input)
}

/// Completions of a variant that are more than its views hold replays that cannot be taken out.
fn is_sound(metric: &Metric) -> String {
    let [completions, starts] = ["completions", "starts"].map(|input| part(metric, input));
    format!("{completions} <= {starts}")
}

/// Columns by variant: parts of metrics, counts, and how many rows report a part and not all.
pub(super) fn variant_sums(choice: &Choice, rows: Rows) -> String {
    let (mut columns, mut partial) = (vec![], vec![]);
    for metric in metrics(choice) {
        let complete = metric.complete_sql(column);
        let known: Vec<String> =
            metric.inputs.iter().map(|i| format!("{} IS NOT NULL", column(i))).collect();
        partial.push(format!("(NOT ({complete}) AND ({}))", known.join(" OR ")));
        for input in metric.inputs {
            let value = format!("CASE WHEN {complete} THEN {} END", column(input));
            let whole = match *input {
                // The same in all rows of a variant.
                "hours" | ACCOUNT_LEVEL => rows.max(&value),
                input if is_reach(input) => rows.only(&value),
                _ => rows.sum(&value),
            };
            columns.push(format!("{whole} AS {}", part(metric, input)));
        }
    }
    for (_, figure) in &choice.figures {
        if let Figure::Count(name) = figure {
            let value = column(name);
            let whole = match is_reach(name) {
                true => rows.only(&value),
                false => rows.sum(&value),
            };
            columns.push(format!("{whole} AS {}", count(name)));
        }
    }
    let partial = if partial.is_empty() { "FALSE".to_owned() } else { partial.join(" OR ") };
    let left_out = rows.sum(&format!("CASE WHEN {partial} THEN 1 ELSE 0 END"));
    columns.push(format!("{left_out} AS {LEFT_OUT}"));
    columns.join(",\n        ")
}

/// Columns of groups. `apart`: distinct viewers are counted elsewhere.
pub(super) fn group_sums(choice: &Choice, rows: Rows, apart: bool) -> String {
    let mut columns = vec![];
    let mut unsound = String::new();
    for metric in metrics(choice) {
        let is_completion = metric.name == COMPLETION_RATE.name;
        if is_completion {
            let is_sound = is_sound(metric);
            let count = rows.sum(&format!("CASE WHEN NOT ({is_sound}) THEN 1 ELSE 0 END"));
            unsound = format!(" + coalesce({count}, 0)");
        }
        for input in metric.inputs {
            let part = part(metric, input);
            let whole = match *input {
                ACCOUNT_LEVEL => continue,
                input if is_reach(input) && apart => continue,
                input if is_reach(input) => rows.only(&part),
                _ if is_completion && !choice.asks_parts() => {
                    rows.sum(&format!("CASE WHEN {} THEN {part} END", is_sound(metric)))
                }
                _ => rows.sum(&part),
            };
            columns.push(format!("{whole} AS {part}"));
        }
    }
    for (name, figure) in &choice.figures {
        match figure {
            Figure::Mean(metric) => {
                let parts: Vec<String> = metric.inputs.iter().map(|i| part(metric, i)).collect();
                columns.push(format!(
                    "mean_{}({}) AS {}",
                    metric.name,
                    parts.join(", "),
                    quote(name)
                ));
            }
            Figure::Count(name) if is_reach(name) && apart => {}
            Figure::Count(name) => {
                let of = count(name);
                columns.push(match is_reach(name) {
                    true => format!("{} AS {of}", rows.only(&of)),
                    false => format!("{} AS {of}", rows.sum(&of)),
                });
            }
            Figure::Metric(_) | Figure::Part(..) => {}
        }
    }
    let left_out = rows.sum(LEFT_OUT);
    columns.push(format!("coalesce({left_out}, 0){unsound} AS {LEFT_OUT}"));
    columns.join(",\n        ")
}

/// The followers of the accounts of each group: those of an account once, however many of its variants and
/// days there are.
pub(super) fn accounts(choice: &Choice, account_keys: &str) -> String {
    let with_followers = metrics(choice).into_iter().find(|m| m.inputs.contains(&ACCOUNT_LEVEL));
    let Some(metric) = with_followers else { return String::new() };
    let part = part(metric, ACCOUNT_LEVEL);
    let axes: String = choice.axes.iter().map(|a| format!("{}, ", quote(a.name()))).collect();
    let by = axes.trim_end_matches(", ");
    let by_account = format!("{axes}{}", account_keys.trim_start_matches(", "));
    let group = if by.is_empty() { String::new() } else { format!("GROUP BY {by}") };
    let followers =
        format!("max(CASE WHEN {} THEN {ACCOUNT_LEVEL} END)", metric.complete_sql(column));
    // A ratio to 1: what is added up are accounts, each once.
    format!(
        ",\naccounts AS (\n    SELECT {axes}sum(safe_ratio(most, 1)) AS {part}\n    FROM (SELECT {by_account}, {followers} AS most FROM figured GROUP BY {by_account})\n    {group}\n)"
    )
}

/// The column of followers, behind a comma, if there are any.
pub(super) fn account_columns(choice: &Choice) -> String {
    let with_followers = metrics(choice).into_iter().find(|m| m.inputs.contains(&ACCOUNT_LEVEL));
    with_followers.map_or_else(String::new, |m| format!(", f.{}", part(m, ACCOUNT_LEVEL)))
}

/// The asked columns over those of groups.
pub(super) fn answers(choice: &Choice, apart: bool) -> String {
    let at = |metric: &Metric, input: &&str| {
        if is_reach(input) && apart { (*input).to_owned() } else { part(metric, input) }
    };
    let answer = |(name, figure): &(String, Figure)| {
        let value = match figure {
            Figure::Metric(metric) => {
                let inputs: Vec<String> = metric.inputs.iter().map(|i| at(metric, i)).collect();
                format!("{}({})", metric.name, inputs.join(", "))
            }
            Figure::Part(metric, input) => at(metric, input),
            Figure::Count(name) if is_reach(name) && apart => (*name).to_owned(),
            Figure::Count(name) => count(name),
            Figure::Mean(_) => return quote(name),
        };
        format!("{value} AS {}", quote(name))
    };
    choice.figures.iter().map(answer).collect::<Vec<_>>().join(",\n    ")
}
