//! A million request rows from Parquet to Parquet with verdicts: clipflow, and the same rules as a
//! plain query of Polars and of DuckDB.
//!
//! `CLIPFLOW_BENCH_ROWS` (1,000,000), `CLIPFLOW_BENCH_REPEATS` (5), `PYTHON` (`python3`; DuckDB is
//! left out if that cannot `import duckdb`).
//!
//! The others do a little less: they take any two letters for a language, do not bring URLs to
//! their normal form, and don't hash the file that they write.

mod polars;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use clipflow::pipeline::{self, RunConfig};
use clipflow::query::{SessionOptions, session};
use datafusion::prelude::ParquetReadOptions;
use support::{Cost, Meter, Result, Spread, is_bench, repeats, requests, setting};
use tokio::runtime::Runtime;

/// Who does the work.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Engine {
    Clipflow,
    Polars,
    DuckDb,
}

/// The rows, where the answer goes, and what runs it.
struct Bench {
    folder: tempfile::TempDir,
    requests: PathBuf,
    runtime: Runtime,
    python: String,
}

fn main() -> Result<()> {
    if !is_bench() {
        return Ok(());
    }
    let rows = setting("CLIPFLOW_BENCH_ROWS", 1_000_000_usize)?;
    let repeats = repeats(5)?;
    let bench = Bench::new()?;
    let mut engines = vec![Engine::Clipflow, Engine::Polars];
    if bench.has_duckdb() {
        engines.push(Engine::DuckDb);
    } else {
        println!("no DuckDB: {} cannot import duckdb", bench.python);
    }
    for (with_ids, what) in [(true, "with ids"), (false, "without ids")] {
        requests::write_parquet(&bench.requests, rows, with_ids)?;
        println!(
            "\n{rows} rows {what}, a tenth invalid, Parquet to Parquet (zstd); median (least–most) of {repeats}"
        );
        println!("| | wall s | CPU s | rows/s | of clipflow's wall |");
        println!("|---|---|---|---|---|");
        // Without ids there is nothing that the others could do the same.
        let engines = if with_ids { &engines[..] } else { &engines[..1] };
        bench.compare(engines, rows, repeats)?;
    }
    Ok(())
}

impl Bench {
    fn new() -> Result<Self> {
        let folder = tempfile::tempdir_in(support::folder()?)?;
        Ok(Self {
            requests: folder.path().join("requests.parquet"),
            folder,
            runtime: tokio::runtime::Builder::new_multi_thread().enable_all().build()?,
            python: std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned()),
        })
    }

    fn has_duckdb(&self) -> bool {
        let output = Command::new(&self.python).args(["-c", "import duckdb"]).output();
        output.is_ok_and(|o| o.status.success())
    }

    fn compare(&self, engines: &[Engine], rows: usize, repeats: usize) -> Result<()> {
        let mut costs: Vec<Vec<Cost>> = vec![vec![]; engines.len()];
        let mut answers = vec![];
        for repeat in 0..repeats {
            for (engine, costs) in engines.iter().zip(&mut costs) {
                let verdicts = self.folder.path().join(format!("{engine:?}.parquet"));
                costs.push(self.run(*engine, &verdicts)?);
                if repeat == 0 {
                    answers.push(self.counts(&verdicts)?);
                }
            }
        }
        if let Some(other) = answers.iter().position(|a| *a != answers[0]) {
            let (left, right) = (&answers[0], &answers[other]);
            return Err(format!("{:?} answers {right:?}, clipflow {left:?}", engines[other]).into());
        }
        let wall = |costs: &[Cost]| Spread::of(costs.iter().map(|c| c.wall));
        for (engine, mine) in engines.iter().zip(&costs) {
            println!(
                "| {engine:?} | {} | {} | {:.0} | {:.2} |",
                wall(mine),
                Spread::of(mine.iter().map(|c| c.cpu)),
                rows as f64 / wall(mine).median,
                wall(mine).median / wall(&costs[0]).median,
            );
        }
        println!("\nverdicts: {:?}", answers.first());
        Ok(())
    }

    fn run(&self, engine: Engine, verdicts: &Path) -> Result<Cost> {
        let meter = Meter::start()?;
        match engine {
            Engine::Clipflow => self.runtime.block_on(async {
                let config = RunConfig::new(&self.requests, self.folder.path());
                pipeline::validate(&config).await?.write(verdicts)
            })?,
            Engine::Polars => polars::validate(&self.requests, verdicts, self.folder.path())?,
            Engine::DuckDb => return self.duckdb(verdicts),
        }
        meter.cost()
    }

    /// What the query took, without the start of Python.
    fn duckdb(&self, verdicts: &Path) -> Result<Cost> {
        let mut command = Command::new(&self.python);
        command.args(["-c", include_str!("duckdb.py")]);
        let output = command.args([&self.requests, verdicts]).arg(self.folder.path()).output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        let meter = Meter::start()?;
        File::open(verdicts)?.sync_all()?;
        let flush = meter.cost()?.wall;
        let text = String::from_utf8(output.stdout)?;
        let (wall, cpu) = text.trim().split_once(' ').ok_or("duckdb.py printed no times")?;
        Ok(Cost { wall: wall.parse::<f64>()? + flush, cpu: cpu.parse()? })
    }

    /// Rows of each code, and the first and last of them, to see that the answers are the same.
    fn counts(&self, verdicts: &Path) -> Result<BTreeMap<String, [i64; 3]>> {
        let batches = self.runtime.block_on(async {
            let ctx = session(&SessionOptions::default(), None)?;
            let path = verdicts.to_string_lossy();
            ctx.register_parquet("verdicts", path, ParquetReadOptions::default()).await?;
            let sql = r#"SELECT coalesce(error_code, 'valid')::VARCHAR, count(*), min("row")::BIGINT, max("row")::BIGINT FROM verdicts GROUP BY 1"#;
            Result::Ok(ctx.sql(sql).await?.collect().await?)
        })?;
        let mut counts = BTreeMap::new();
        for batch in &batches {
            for row in 0..batch.num_rows() {
                let number = |c: usize| batch.column(c).as_primitive::<Int64Type>().value(row);
                let code = batch.column(0).as_string::<i32>().value(row);
                counts.insert(code.to_owned(), [number(1), number(2), number(3)]);
            }
        }
        Ok(counts)
    }
}
