//! `clipflow performance` as users type it, over metrics and groupings, beside other engines: each cell a
//! process of its own, from its start to the last byte of a CSV file.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use datafusion::prelude::{CsvReadOptions, ParquetReadOptions, SessionContext};

use crate::support::processes::peak;
use crate::support::{Result, Spread, repeats, verdict};
use crate::{engines, files, python};

const METRICS: [&str; 3] = ["engagement_rate", "audience_reach", "completion_rate"];
const GROUPINGS: [&str; 5] = ["platform", "variant_id", "variant_id,platform", "day", "layout"];

/// Of the time of the fastest of the others: in each cell, and as the geometric mean.
const CELL_BAR: f64 = 0.8;
const MEAN_BAR: f64 = 0.5;
/// GiB.
const MEMORY_BAR: f64 = 1.5;

/// What is asked of an engine.
struct Cell<'a> {
    metric: &'a str,
    by: &'a str,
    events: &'a Path,
    variants: &'a Path,
}

/// Prints the matrix over `rows` events.
///
/// # Errors
/// If an engine fails, or gives another answer.
pub fn matrix(folder: &Path, rows: u64) -> Result<()> {
    let (events, variants) = files(folder, rows)?;
    let mut engines = engines();
    engines.push("datafusion".to_owned());
    println!(
        "\n{rows} events, whole processes; median seconds of {}, and of the fastest other's time",
        repeats(3)?
    );
    println!("| metric | by | {} | ratio | peak GiB |", engines.join(" | "));
    println!("|{}", "---|".repeat(engines.len() + 4));
    let (mut ratios, mut most) = (vec![], 0.0_f64);
    for metric in METRICS {
        for by in GROUPINGS {
            let cell = Cell { metric, by, events: &events, variants: &variants };
            let (ratio, memory) = cell.compare(folder, &engines)?;
            ratios.push(ratio);
            most = most.max(memory);
        }
    }
    let mean = (ratios.iter().map(|r| r.ln()).sum::<f64>() / ratios.len() as f64).exp();
    let worst = ratios.iter().copied().fold(0.0, f64::max);
    println!("worst cell: {worst:.2} (bar {CELL_BAR}: {})", verdict(worst, CELL_BAR));
    println!("geometric mean: {mean:.2} (bar {MEAN_BAR}: {})", verdict(mean, MEAN_BAR));
    println!("peak memory: {most:.2} GiB (bar {MEMORY_BAR}: {})", verdict(most, MEMORY_BAR));
    Ok(())
}

impl Cell<'_> {
    /// Prints the row of the cell: clipflow's part of the fastest other's time, and its peak memory.
    fn compare(&self, folder: &Path, engines: &[String]) -> Result<(f64, f64)> {
        let answer = |engine: &str| folder.join(format!("answer-{engine}.csv"));
        let mut seconds: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for _ in 0..repeats(3)? {
            for engine in engines {
                let mut command = self.command(engine, &answer(engine))?;
                let started = Instant::now();
                let output = command.output()?;
                seconds.entry(engine).or_default().push(started.elapsed().as_secs_f64());
                if !output.status.success() {
                    let text = String::from_utf8_lossy(&output.stderr);
                    return Err(format!("{engine}: {text}").into());
                }
            }
        }
        let median =
            |engine: &str| Spread::of(seconds.get(engine).into_iter().flatten().copied()).median;
        let mine = median("clipflow");
        let others = engines.iter().filter(|e| *e != "clipflow");
        let best = others.clone().map(|e| median(e)).fold(f64::NAN, f64::min);
        let mut quiet = self.command("clipflow", &answer("clipflow"))?;
        let memory = peak(quiet.stdout(std::process::Stdio::null()))?.own_bytes as f64;
        let memory = memory / f64::from(1 << 30);
        let cells: Vec<String> = engines.iter().map(|e| format!("{:.2}", median(e))).collect();
        let Self { metric, by, .. } = self;
        println!("| {metric} | {by} | {} | {:.2} | {memory:.2} |", cells.join(" | "), mine / best);
        let expected = self.read(&answer("clipflow"))?;
        for other in others {
            if self.read(&answer(other))? != expected {
                return Err(format!("{other} gives another {metric} by {by}").into());
            }
        }
        Ok((mine / best, memory))
    }

    fn command(&self, engine: &str, answer: &Path) -> Result<Command> {
        let mut command = match engine {
            "clipflow" => {
                let mut command = Command::new(env!("CARGO_BIN_EXE_clipflow"));
                command.args(["performance", "--metrics", self.metric, "--by", self.by]);
                command.arg("--events").arg(self.events).arg("--output").arg(answer);
                if self.by == "layout" {
                    command.arg("--table").arg(format!("own={}", self.variants.display()));
                }
                return Ok(command);
            }
            "datafusion" => {
                let mut command = Command::new(std::env::current_exe()?);
                command.args(["--cell", engine]);
                command
            }
            _ => {
                let mut command = Command::new(python());
                command.args(["-c", include_str!("cells.py"), engine]);
                command
            }
        };
        command.args([self.metric, self.by]).arg(self.events).arg(self.variants).arg(answer);
        Ok(command)
    }

    /// The rows of an answer: what is grouped by, the number of variants, the metric.
    fn read(&self, answer: &Path) -> Result<Vec<String>> {
        // The others have no rows of variants without a view.
        let variants = if self.metric == "completion_rate" { "" } else { "variants, " };
        let columns = format!("{}, {variants}round({}, 9)", self.by, self.metric);
        let sql = format!("SELECT {columns} FROM answer WHERE {} IS NOT NULL", self.metric);
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let batches = runtime.block_on(async {
            let ctx = SessionContext::new();
            let path = answer.to_string_lossy();
            ctx.register_csv("answer", path, CsvReadOptions::default()).await?;
            Result::Ok(ctx.sql(&sql).await?.collect().await?)
        })?;
        let text = datafusion::arrow::util::pretty::pretty_format_batches(&batches)?.to_string();
        Ok(text.lines().map(str::to_owned).collect())
    }
}

/// One cell in a session of DataFusion alone: METRIC BY EVENTS VARIANTS ANSWER.
///
/// # Errors
/// DataFusion's.
pub fn plain_datafusion(arguments: &[String]) -> Result<()> {
    let [metric, by, events, variants, answer] = arguments else {
        return Err("give METRIC BY EVENTS VARIANTS ANSWER".into());
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let ctx = SessionContext::new();
        let parquet = ParquetReadOptions::default;
        ctx.register_parquet("events", events, parquet()).await?;
        ctx.register_parquet("variants", variants, parquet()).await?;
        let frame = ctx.sql(&plain_query(metric, by)).await?;
        let options =
            datafusion::dataframe::DataFrameWriteOptions::new().with_single_file_output(true);
        frame.write_csv(answer, options, None).await?;
        Ok(())
    })
}

fn plain_query(metric: &str, by: &str) -> String {
    let chosen = by.replace("day", "CAST(ts AS DATE) AS day");
    let join = if by == "layout" { "LEFT JOIN variants v USING (variant_id)" } else { "" };
    let of_one = by.contains("variant_id");
    let variants = if of_one { "1" } else { "count(DISTINCT variant_id)" };
    let count = |what: &str| format!("count(CASE WHEN {what} THEN 1 END)");
    let rate = |above: &str, below: &str| {
        format!("CAST({} AS DOUBLE) / nullif({}, 0)", count(above), count(below))
    };
    let (value, source) = match metric {
        "engagement_rate" => {
            let above = "event IN ('like', 'comment', 'share', 'save')";
            (rate(above, "event = 'view'"), format!("events {join}"))
        }
        "audience_reach" => ("count(DISTINCT viewer_id)".to_owned(), format!("events {join}")),
        _ => {
            let own = if of_one { by.to_owned() } else { format!("{by}, variant_id") };
            let columns = own.replace("day", "CAST(ts AS DATE) AS day");
            let source = format!(
                "(SELECT {columns}, bool_or(event = 'view') AS began, bool_or(event = 'view_100') AS ended
                FROM events {join} WHERE event IN ('view', 'view_100') GROUP BY {}, viewer_id)",
                own.replace("day", "CAST(ts AS DATE)")
            );
            (rate("began AND ended", "began"), source)
        }
    };
    let chosen = if metric == "completion_rate" { by.to_owned() } else { chosen };
    let grouped = if metric == "completion_rate" {
        by.to_owned()
    } else {
        by.replace("day", "CAST(ts AS DATE)")
    };
    format!(
        "SELECT {chosen}, {variants} AS variants, {value} AS {metric} FROM {source} GROUP BY {grouped} ORDER BY {by}"
    )
}
