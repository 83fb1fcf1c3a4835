//! Raw events to counts, distinct viewers and rates: clipflow, DuckDB and Polars over the same files.
//!
//! `CLIPFLOW_BENCH_EVENTS` (20,000,000; the bars are for 100,000,000), `CLIPFLOW_BENCH_FOLDER` (where
//! the files are made and found again; removed at the end if it is not given),
//! `CLIPFLOW_BENCH_QUERY` (`rollup`, `join`, `matrix`, `growth`; all if not given), `CLIPFLOW_BENCH_REPEATS` (3),
//! `CLIPFLOW_BENCH_ENGINES` (`clipflow,duckdb,polars`), `CLIPFLOW_BENCH_TEXT` (1: viewers are texts of 16
//! hexadecimal digits, not numbers), `PYTHON` (`python3`; an engine that it cannot import is left out).

mod generate;
mod matrix;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use arrow::array::AsArray;
use arrow::compute::{cast, sum};
use arrow::datatypes::{DataType, Float64Type};
use clipflow::config::ParallelConfig;
use clipflow::query::{SessionOptions, session};
use datafusion::prelude::ParquetReadOptions;
use serde_json::{Value, json};
use support::{Result, Spread, is_bench, repeats, setting, verdict};

/// The limit that clipflow is given, and what the process may take with it.
const LIMIT: usize = 3 << 29;
const MEMORY_BAR: f64 = 2.0;

const ROLLUP: &str = "SELECT *,
    engagement_rate(likes, comments, shares, saves, views) AS engagement_rate, share_rate(shares, views) AS share_rate,
    hook_rate(views_3s, impressions) AS hook_rate, hold_rate(views_15s, views_3s) AS hold_rate,
    completion_rate(first_completions, first_views) AS completion_rate, frequency(impressions, audience_reach) AS frequency,
    viral_coefficient(shares, audience_reach, new_viewers) AS viral_coefficient
FROM rollup_events((SELECT variant_id, platform, event, viewer_id, value FROM events))";

fn join() -> String {
    let figures = [
        "impressions",
        "views",
        "views_2s",
        "views_3s",
        "views_6s",
        "views_15s",
        "views_25",
        "views_50",
        "views_75",
        "views_100",
        "likes",
        "comments",
        "shares",
        "saves",
        "clicks",
        "follows",
        "referral_views",
        "watch_seconds",
    ];
    let sums: Vec<String> = figures.iter().map(|f| format!("sum({f}) AS {f}")).collect();
    format!(
        "SELECT *, engagement_rate(likes, comments, shares, saves, views) AS engagement_rate,
            hook_rate(views_3s, impressions) AS hook_rate, share_rate(shares, views) AS share_rate
        FROM (SELECT platform, layout, caption_style, {} FROM rollup_events((SELECT variant_id, platform, event, value FROM events)) r
            JOIN variants v ON v.variant_id = r.variant_id GROUP BY platform, layout, caption_style)",
        sums.join(", ")
    )
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().collect();
    if let [_, child, query, events, variants, ..] = args.as_slice()
        && child == "--child"
    {
        println!("{}", measure(query, events.as_ref(), variants.as_ref())?);
        return Ok(());
    }
    if let [_, child, engine, rest @ ..] = args.as_slice()
        && (child.as_str(), engine.as_str()) == ("--cell", "datafusion")
    {
        return matrix::plain_datafusion(rest);
    }
    if !is_bench() {
        return Ok(());
    }
    let rows = setting("CLIPFLOW_BENCH_EVENTS", 20_000_000_u64)?;
    let query = std::env::var("CLIPFLOW_BENCH_QUERY").unwrap_or_default();
    let kept = std::env::var_os("CLIPFLOW_BENCH_FOLDER").map(PathBuf::from);
    let temporary = tempfile::tempdir_in(support::folder()?)?;
    let folder = kept.unwrap_or_else(|| temporary.path().to_path_buf());
    for (name, bar) in [("rollup", 0.7), ("join", 1.0)] {
        if query.is_empty() || query == name {
            compare(&folder, name, rows, bar)?;
        }
    }
    if query.is_empty() || query == "matrix" {
        matrix::matrix(&folder, rows)?;
    }
    if query.is_empty() || query == "growth" {
        growth(&folder, rows)?;
    }
    Ok(())
}

/// The events and variants for that many rows, made if they are not there.
fn files(folder: &Path, rows: u64) -> Result<(PathBuf, PathBuf)> {
    let text = setting("CLIPFLOW_BENCH_TEXT", 0_u8)? == 1;
    let folder = folder.join(format!("{rows}{}", if text { "-text" } else { "" }));
    let (events, variants) = (folder.join("events"), folder.join("variants.parquet"));
    // The variants are written last: with them, all is there.
    if !variants.is_file() {
        let count = (rows / 100).max(1);
        generate::events(&events, rows, count, rows / 10 + 1, text)?;
        generate::variants(&variants, count)?;
    }
    Ok((events, variants))
}

fn engines() -> Vec<String> {
    let wanted = std::env::var("CLIPFLOW_BENCH_ENGINES");
    let wanted = wanted.unwrap_or_else(|_| "clipflow,duckdb,polars".to_owned());
    let (there, missing): (Vec<String>, Vec<String>) =
        wanted.split(',').map(str::to_owned).partition(|engine| {
            let name = engine.split('-').next().unwrap_or_default();
            let import = format!("import {name}, pyarrow");
            name == "clipflow"
                || Command::new(python())
                    .args(["-c", &import])
                    .output()
                    .is_ok_and(|o| o.status.success())
        });
    if !missing.is_empty() {
        println!("left out, since {} cannot import them: {}", python(), missing.join(", "));
    }
    there
}

fn python() -> String {
    std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

fn compare(folder: &Path, query: &str, rows: u64, bar: f64) -> Result<()> {
    let (events, variants) = files(folder, rows)?;
    let (repeats, engines) = (repeats(3)?, engines());
    let mut runs: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for _ in 0..repeats {
        for engine in &engines {
            runs.entry(engine).or_default().push(run(engine, query, &events, &variants)?);
        }
    }
    println!("\n{query} of {rows} events; median (least–most) of {repeats}");
    println!("| | seconds | events/s | peak memory GiB |");
    println!("|---|---|---|---|");
    let seconds = |engine: &str| {
        let all = runs.get(engine).into_iter().flatten();
        Spread::of(all.filter_map(|r| r["seconds"].as_f64()))
    };
    let memory = |engine: &str| {
        let all = runs.get(engine).into_iter().flatten();
        Spread::of(all.filter_map(|r| r["memory"].as_f64())).max / f64::from(1 << 30)
    };
    for engine in &engines {
        let spread = seconds(engine);
        let (speed, memory) = (rows as f64 / spread.median, memory(engine));
        println!("| {engine} | {spread} | {speed:.0} | {memory:.2} |");
    }
    let others = engines.iter().filter(|e| *e != "clipflow").map(|e| seconds(e).median);
    let best = others.fold(f64::NAN, f64::min);
    if engines.iter().any(|e| e == "clipflow") {
        let ratio = seconds("clipflow").median / best;
        println!("of the faster of the others: {ratio:.2} (bar {bar}: {})", verdict(ratio, bar));
        let memory = memory("clipflow");
        println!(
            "peak memory: {memory:.2} GiB (bar {MEMORY_BAR}: {})",
            verdict(memory, MEMORY_BAR)
        );
    }
    let answers: Vec<&Value> = runs.values().filter_map(|r| r.first()).collect();
    answers.windows(2).try_for_each(|pair| same(pair[0], pair[1]))
}

/// Whether two engines give the same sums.
fn same(left: &Value, right: &Value) -> Result<()> {
    let (Some(a), Some(b)) = (left["sums"].as_object(), right["sums"].as_object()) else {
        return Err("an engine printed no sums".into());
    };
    let mut compared = 0;
    for (name, mine) in a {
        let Some(other) = b.get(name) else { continue };
        let (mine, other) = (mine.as_f64().unwrap_or(0.0), other.as_f64().unwrap_or(0.0));
        if (mine - other).abs() > 1e-9 * mine.abs().max(1.0) {
            return Err(format!("the engines differ in {name}: {mine} and {other}").into());
        }
        compared += 1;
    }
    if left["rows"] != right["rows"] || compared < 20 {
        return Err(format!(
            "the engines give {} and {} rows, {compared} sums",
            left["rows"], right["rows"]
        )
        .into());
    }
    Ok(())
}

fn growth(folder: &Path, most: u64) -> Result<()> {
    println!("\nhow the roll-up grows");
    println!("| events | seconds | ns an event |");
    println!("|---|---|---|");
    for rows in [1_000_000, 10_000_000, 100_000_000].into_iter().filter(|r| *r <= most) {
        let (events, variants) = files(folder, rows)?;
        let seconds = (0..repeats(3)?)
            .map(|_| {
                Ok(run("clipflow", "rollup", &events, &variants)?["seconds"]
                    .as_f64()
                    .unwrap_or(0.0))
            })
            .collect::<Result<Vec<_>>>()?;
        let seconds = Spread::of(seconds);
        println!("| {rows} | {seconds} | {:.0} |", seconds.median * 1e9 / rows as f64);
    }
    Ok(())
}

/// A run in a process of its own: what it took and what came out.
fn run(engine: &str, query: &str, events: &Path, variants: &Path) -> Result<Value> {
    let mut command = if engine == "clipflow" {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--child");
        command
    } else {
        let mut command = Command::new(python());
        command.args(["-c", include_str!("engines.py"), engine]);
        command
    };
    let output = command.arg(query).arg(events).arg(variants).output()?;
    if !output.status.success() {
        return Err(format!("{engine}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn measure(query: &str, events: &Path, variants: &Path) -> Result<Value> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let started = Instant::now();
    let sql = if query == "rollup" { ROLLUP.to_owned() } else { join() };
    let batches = runtime.block_on(async {
        let options = SessionOptions {
            parallel: ParallelConfig::default(),
            memory_bytes: Some(LIMIT),
            ..SessionOptions::default()
        };
        let ctx = session(&options, None)?;
        let parquet = ParquetReadOptions::default;
        ctx.register_parquet("events", events.to_string_lossy(), parquet()).await?;
        ctx.register_parquet("variants", variants.to_string_lossy(), parquet()).await?;
        Result::Ok(ctx.sql(&sql).await?.collect().await?)
    })?;
    let seconds = started.elapsed().as_secs_f64();
    let mut sums = serde_json::Map::new();
    for batch in &batches {
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            if field.data_type().is_numeric() {
                let floats = cast(column, &DataType::Float64)?;
                let sum = sum(floats.as_primitive::<Float64Type>()).unwrap_or(0.0);
                let before = sums.get(field.name()).and_then(Value::as_f64).unwrap_or(0.0);
                sums.insert(field.name().clone(), json!(before + sum));
            }
        }
    }
    let rows: usize = batches.iter().map(|b| b.num_rows()).sum();
    Ok(json!({ "seconds": seconds, "memory": peak_memory()?, "rows": rows, "sums": sums }))
}

fn peak_memory() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse::<f64>()? * 1024.0)
}
