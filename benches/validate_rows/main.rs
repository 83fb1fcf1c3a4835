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
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use clipflow::pipeline::{self, RunConfig};
use clipflow::query::{SessionOptions, session};
use datafusion::prelude::ParquetReadOptions;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use support::{Cost, Meter, Result, Spread, is_bench, repeats, setting};
use tokio::runtime::Runtime;

/// Rows that are generated at a time.
const CHUNK: usize = 65_536;

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
        bench.generate(rows, with_ids)?;
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

    /// Requests of which a tenth is invalid, each kind as often as any other.
    fn generate(&self, rows: usize, with_ids: bool) -> Result<()> {
        let zstd = Compression::ZSTD(ZstdLevel::default());
        let properties = WriterProperties::builder().set_compression(zstd).build();
        let mut writer = None;
        for start in (0..rows).step_by(CHUNK) {
            let batch = requests(start..rows.min(start + CHUNK), with_ids)?;
            if writer.is_none() {
                let file = File::create(&self.requests)?;
                writer =
                    Some(ArrowWriter::try_new(file, batch.schema(), Some(properties.clone()))?);
            }
            if let Some(writer) = &mut writer {
                writer.write(&batch)?;
            }
        }
        writer.map(ArrowWriter::close).transpose()?;
        Ok(())
    }
}

/// What is wrong with a row, if anything: one in ten, in turn.
fn fault(row: usize) -> Option<usize> {
    row.is_multiple_of(10).then_some(row / 10 % 8)
}

fn requests(rows: std::ops::Range<usize>, with_ids: bool) -> Result<RecordBatch> {
    let is = |row: usize, kind: usize| fault(row) == Some(kind);
    let text = |of: &dyn Fn(usize) -> Option<String>| -> ArrayRef {
        Arc::new(rows.clone().map(of).collect::<StringArray>())
    };
    let length = |of: &dyn Fn(usize) -> Option<f64>| -> ArrayRef {
        Arc::new(rows.clone().map(of).collect::<Float64Array>())
    };
    let urls = text(&|row| match fault(row) {
        Some(0) => None,
        Some(1) => Some(format!("ht!tp://videos.example.org/{row}.mp4")),
        // A third of the rows names a file.
        _ if row % 3 == 0 => Some(format!("footage/{}/talk-{row}.mp4", row % 977)),
        _ => Some(format!("https://videos.example.org/channel-{}/{row}.mp4", row % 977)),
    });
    let languages = text(&|row| match row % 4 {
        _ if is(row, 2) => Some("english".to_owned()),
        0 => None,
        n => Some(["", "en", "pt-BR", "deu"][n].to_owned()),
    });
    let min = length(&|row| match fault(row) {
        Some(3) => Some(0.1),
        Some(4) => Some(90.0),
        _ => (row % 5 > 0).then_some(10.0 + (row % 7) as f64),
    });
    let max = length(&|row| match fault(row) {
        Some(4) => Some(30.0),
        Some(5) => Some(900.0),
        _ => (row % 6 > 0).then_some(30.0 + (row % 11) as f64),
    });
    let clips = rows.clone().map(|row| match fault(row) {
        Some(6) => Some(0),
        _ => (row % 2 > 0).then_some(1 + (row % 5) as i64),
    });
    let clips: Int64Array = clips.collect();
    // The last kind repeats the id of the row before it.
    let ids = text(&|row| Some(format!("request-{:08}", if is(row, 7) { row - 1 } else { row })));
    let campaigns = text(&|row| Some(format!("campaign-{}", row % 250)));
    let mut columns: Vec<(&str, ArrayRef, bool)> = vec![
        ("source_url", urls, true),
        ("language", languages, true),
        ("min_clip_length", min, true),
        ("max_clip_length", max, true),
        ("max_clips", Arc::new(clips), true),
        ("campaign", campaigns, true),
    ];
    if with_ids {
        columns.push(("request_id", ids, true));
    }
    Ok(RecordBatch::try_from_iter_with_nullable(columns)?)
}
