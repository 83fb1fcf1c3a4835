//! The reference pages, made from the code.

mod functions;

use std::fmt::Write as _;
use std::fs;

use arrow::array::{Array, RecordBatch};
use arrow::util::display::array_value_to_string;
use clipflow::ErrorCode;
use clipflow::config::{ParallelConfig, SETTINGS, Setting, SettingKind};
use clipflow::kernels::metrics::{METRIC_VERSION, METRICS, Metric};
use clipflow::query::SessionSettings;
use datafusion::common::config::ExtensionOptions;
use datafusion::prelude::SessionContext;

use super::super::support::{lines, rows};
use super::{hold, root};

const MADE: &str = "This page is made from the code; a test compares it.";

/// A session of a program that embeds the library.
fn session() -> SessionContext {
    let ctx = SessionContext::new();
    clipflow::register_all(&ctx).unwrap();
    ctx
}

#[test]
fn settings() {
    let mut text = format!(
        "# Settings\n\n{MADE} How a setting is given, and which of several places wins:\n[configuration](../user/configuration.md). \
         The environment variable of `max_workers` is `CLIPFLOW_MAX_WORKERS`, and so on.\n\
         In SQL they are `clipflow.max_workers` and so on.\n"
    );
    let defaults = ParallelConfig::default();
    let mut heading = "";
    for setting in SETTINGS {
        if setting.heading != heading {
            heading = setting.heading;
            let _ = writeln!(
                text,
                "\n## {heading}\n\n| setting | flag | default | allowed | |\n|---|---|---|---|---|"
            );
        }
        let default = defaults.get(setting.name).unwrap();
        let is_on = setting.kind == SettingKind::Switch && default == "true";
        let flag = if is_on { format!("no-{}", setting.flag) } else { setting.flag.to_owned() };
        let default = if default.is_empty() { String::new() } else { format!("`{default}`") };
        let _ = writeln!(
            text,
            "| `{}` | `--{flag}` | {default} | {} | {} |",
            setting.name,
            setting.allowed(),
            setting.description()
        );
    }
    text += "\n## Of a SQL session\n\nChanged by `SET clipflow.weights = '…'` in a session; a function that depends on one has it as its last argument too.\n\n\
        | setting | default | |\n|---|---|---|\n";
    for entry in SessionSettings::default().entries() {
        let name = entry.key.trim_start_matches("clipflow.");
        if Setting::find(name).is_none() {
            let default = if name == "base" { "the working folder" } else { "" };
            let _ = writeln!(text, "| `{}` | {default} | {} |", entry.key, entry.description);
        }
    }
    hold("reference/settings.md", &text);
}

#[tokio::test]
async fn error_codes() {
    let mut text = format!(
        "# Error codes\n\n{MADE} A code stands in `error_code` of `outcomes` and `variants`, beside a sentence that says what\n\
         to do, and on standard error when it belongs to the whole command. New codes may be added; existing ones keep their\n\
         spelling. \"Retried\": such a row is tried again in the same run (`may_change` in SQL), unless the server rules it out.\n\n\
         | code | retried | means |\n|---|---|---|\n"
    );
    let ctx = session();
    for code in ErrorCode::ALL {
        let retried = lines(&ctx, &format!("SELECT may_change('{code}')")).await;
        let retried = if retried == ["true"] { "yes" } else { "" };
        let meaning = code.meaning();
        let _ = writeln!(text, "| `{code}` | {retried} | {meaning} |");
    }
    text += "\n## Exit codes\n\n| code | means |\n|---|---|\n\
        | 0 | all rows were answered |\n\
        | 1 | a fault of the machine: disk full, no ffmpeg |\n\
        | 2 | bad usage or unreadable input |\n\
        | 3 | done, but some rows failed, or variants could not be rendered, each with its code; `fsck`: something is wrong |\n\
        | 4 | stopped: more requests failed than `--max-failures` allows |\n\
        | 130 | stopped by Ctrl-C |\n\
        | 143 | stopped by SIGTERM |\n";
    hold("reference/error-codes.md", &text);
}

#[tokio::test]
async fn platforms() {
    let ctx = session();
    let platforms = rows(&ctx, "SELECT * FROM platforms()").await;
    let text = format!(
        "# Platforms\n\n{MADE} In SQL: `SELECT * FROM platforms()`. The shares `safe_*` are of the picture's height and width,\n\
         `loudness` is in LUFS, and `sweet_seconds` is the length that scores best.\n\n{}\n\
         ## What platforms mean by their figures\n\nIn SQL: `SELECT * FROM platform_metrics()`. Used by \
         [imports](../user/analytics.md#imports-from-platforms).\n\n{}",
        turned(&platforms),
        table(&rows(&ctx, "SELECT * FROM platform_metrics()").await)
    );
    hold("reference/platforms.md", &text);
}

/// The counts that a row reports which is in the metric of a group.
fn needs(metric: &Metric) -> String {
    let (any, all) = metric.inputs.split_at(metric.alternatives());
    let any = if any.is_empty() { String::new() } else { format!("({}), ", any.join(", ")) };
    format!("{any}{}", all.join(", "))
}

#[test]
fn metrics() {
    let mut text = format!(
        "# Metrics\n\n{MADE} Definitions have version {METRIC_VERSION} (`metric_version`). Each metric is a function of\n\
         counts; `pooled_NAME` is the ratio of sums over a group, `mean_NAME` the mean of the rows' ratios. Metrics of distinct viewers\n\
         have no pooled form, because reach does not add up. A missing or zero denominator gives NULL. The counts are those of\n\
         [events](events.md). Prose: [analytics](../user/analytics.md#metrics).\n\n\
         A row is in the metric of a group if it reports the counts in the column *needs*; of counts in brackets one is enough, and\n\
         those that are reported are added up. `left_out` (in SQL `left_out_NAME`) says how many rows report a part and not all. Where\n\
         the counts come from, and what version {METRIC_VERSION} changed: [how events are counted](../user/counting.md).\n\n\
         | function | definition | needs | version | `pooled_` |\n|---|---|---|---|---|\n"
    );
    let aggregates = session().state().aggregate_functions().clone();
    for metric in METRICS {
        assert!(aggregates.contains_key(&format!("mean_{}", metric.name)));
        let pooled = aggregates.contains_key(&format!("pooled_{}", metric.name));
        let pooled = if pooled { "yes" } else { "" };
        let (name, inputs) = (metric.name, metric.inputs.join(", "));
        let needs = needs(metric);
        let _ = writeln!(
            text,
            "| `{name}({inputs})` | {} | {needs} | {METRIC_VERSION} | {pooled} |",
            metric.definition
        );
    }
    hold("reference/metrics.md", &text);
}

#[test]
fn cookbook() {
    let mut text = "# Cookbook\n\nQueries over a [results folder](results.md), from [`sql/cookbook`](../../sql/cookbook): \
        `clipflow sql results -f sql/cookbook/01_outcomes.sql`.\nA test runs each; this page is made from the files. \
        Queries over events: [recipes](analytics.md#recipes).\n"
        .to_owned();
    let mut files: Vec<_> = fs::read_dir(root().join("sql/cookbook")).unwrap().flatten().collect();
    files.sort_by_key(|file| file.path());
    for file in files {
        let recipe = fs::read_to_string(file.path()).unwrap();
        let title = recipe.lines().next().and_then(|line| line.strip_prefix("-- ")).unwrap();
        let end =
            title.find('?').map(|at| at + 1).or(title.find([':', ','])).unwrap_or(title.len());
        let _ = write!(text, "\n## {}\n\n```sql\n{}\n```\n", &title[..end], recipe.trim());
    }
    hold("user/cookbook.md", &text);
}

fn cell(column: &dyn Array, row: usize) -> String {
    array_value_to_string(column, row).unwrap().replace('|', ", ")
}

/// A row of the batch is a row of the table.
fn table(batch: &RecordBatch) -> String {
    let schema = batch.schema();
    let names: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
    let mut text = format!("| {} |\n|{}\n", names.join(" | "), "---|".repeat(names.len()));
    for row in 0..batch.num_rows() {
        let cells: Vec<String> = batch.columns().iter().map(|c| cell(c, row)).collect();
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text
}

/// A row of the batch is a column of the table.
fn turned(batch: &RecordBatch) -> String {
    let mut text = String::new();
    for (number, (field, column)) in batch.schema().fields().iter().zip(batch.columns()).enumerate()
    {
        let cells: Vec<String> = (0..batch.num_rows()).map(|row| cell(column, row)).collect();
        let _ = writeln!(text, "| `{}` | {} |", field.name(), cells.join(" | "));
        if number == 0 {
            let _ = writeln!(text, "|{}", "---|".repeat(cells.len() + 1));
        }
    }
    text
}

/// A page that no test makes would grow old here.
#[test]
fn every_reference_page_is_made_by_a_test() {
    let mut found: Vec<_> = fs::read_dir(root().join("docs/reference"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    let made = [
        "error-codes.md",
        "events.md",
        "functions.md",
        "metrics.md",
        "platforms.md",
        "settings.md",
        "source-tables.md",
        "table-functions.md",
        "tables.md",
    ];
    assert_eq!(found, made);
}
