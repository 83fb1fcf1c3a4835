//! What was measured: as tables for people, as Parquet and JSON for programs.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use serde::Serialize;

use super::BenchmarkPart;
use crate::error::{Error, ErrorCode, Result};
use crate::store::{TableWriter, cannot_write};

/// One measured case.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measurement {
    /// Which part of the benchmark: `backends`, `scalability`, `memory`, `errors`, `viral`.
    pub part: String,
    /// What the work mostly waits for: `kernel`, `media`, `io`.
    pub kind: String,
    /// `validate`, `select`, `analyze`, `fetch`, `fragile`, `variants`.
    pub work: String,
    /// The backend.
    pub backend: String,
    /// Rows worked on at a time.
    pub workers: i64,
    /// Rows of the batch.
    pub rows: i64,
    /// Rows of it that failed.
    pub failed_rows: i64,
    /// Measurements.
    pub repeats: i64,
    /// Seconds, the median.
    pub wall: f64,
    /// Seconds, the shortest.
    pub wall_min: f64,
    /// Seconds, the longest.
    pub wall_max: f64,
    /// CPU seconds of this process and all it started, the median.
    pub cpu: f64,
    /// Most resident bytes of this process and all it started, where that was looked at.
    pub peak_bytes: Option<i64>,
    /// Wall time over that of the fastest of the backends that were named, on the same rows.
    pub of_best: Option<f64>,
    /// Wall time with one worker over this one.
    pub speedup: Option<f64>,
    /// Seconds that a failed row costs more than one that is answered; less than 0 if it is cheaper.
    pub seconds_a_failure: Option<f64>,
}

impl Measurement {
    /// Rows worked on in a second.
    pub fn rows_per_second(&self) -> f64 {
        self.rows as f64 / self.wall
    }

    fn fields() -> Vec<Field> {
        let field = |name: &str, data_type: DataType| Field::new(name, data_type, false);
        let maybe = |name: &str, data_type: DataType| Field::new(name, data_type, true);
        vec![
            field("part", DataType::Utf8),
            field("kind", DataType::Utf8),
            field("work", DataType::Utf8),
            field("backend", DataType::Utf8),
            field("workers", DataType::Int64),
            field("rows", DataType::Int64),
            field("failed_rows", DataType::Int64),
            field("repeats", DataType::Int64),
            field("wall", DataType::Float64),
            field("wall_min", DataType::Float64),
            field("wall_max", DataType::Float64),
            field("cpu", DataType::Float64),
            maybe("peak_bytes", DataType::Int64),
            maybe("of_best", DataType::Float64),
            maybe("speedup", DataType::Float64),
            maybe("seconds_a_failure", DataType::Float64),
        ]
    }
}

/// All that was measured. `Display`: the tables.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BenchmarkReport {
    /// Version of clipflow.
    pub clipflow: String,
    /// Cores that it may use.
    pub cores: usize,
    /// Whether it was the short form.
    pub quick: bool,
    /// Seconds that it took.
    pub seconds: f64,
    /// What was left out, and why.
    pub notes: Vec<String>,
    /// The cases, in the order they were measured.
    pub measurements: Vec<Measurement>,
}

impl BenchmarkReport {
    /// The cases of a part.
    pub fn part(&self, part: BenchmarkPart) -> impl Iterator<Item = &Measurement> {
        self.measurements.iter().filter(move |m| m.part == part.as_str())
    }

    /// What was measured and how, as a line.
    pub fn heading(&self) -> String {
        let quick = if self.quick { ", quick" } else { "" };
        format!(
            "clipflow {}, {} cores{quick}; median (least–most) of the repeats",
            self.clipflow, self.cores
        )
    }

    /// The table of a part, with its title; empty if it has no cases. `Display` has those of all parts.
    pub fn table(&self, part: BenchmarkPart) -> impl fmt::Display {
        PartTable { report: self, part }
    }

    /// The cases as a table.
    ///
    /// # Errors
    /// `internal` if they do not make one.
    pub fn to_batch(&self) -> Result<RecordBatch> {
        let fields: Vec<FieldRef> = Measurement::fields().into_iter().map(Arc::new).collect();
        serde_arrow::to_record_batch(&fields, &self.measurements).map_err(|e| {
            Error::new(ErrorCode::Internal, format!("the measurements make no table: {e}"))
                .with_source(e)
        })
    }

    /// Write `benchmark.parquet` (the cases) and `benchmark.json` (all of this) to `folder`.
    ///
    /// # Errors
    /// `store.write`.
    pub fn write(&self, folder: &Path) -> Result<[PathBuf; 2]> {
        std::fs::create_dir_all(folder).map_err(|e| cannot_write(folder, e))?;
        let [parquet, json] = ["parquet", "json"].map(|e| folder.join(format!("benchmark.{e}")));
        let batch = self.to_batch()?;
        let schema = Arc::new(Schema::new(Measurement::fields()));
        let mut writer = TableWriter::create("benchmark", parquet.clone(), schema)?;
        writer.write(&batch)?;
        writer.finish()?;
        let text = serde_json::to_string_pretty(self)
            .map_err(|e| Error::new(ErrorCode::Internal, format!("the report is no JSON: {e}")))?;
        std::fs::write(&json, text + "\n").map_err(|e| cannot_write(&json, e))?;
        Ok([parquet, json])
    }
}

impl fmt::Display for BenchmarkReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}; {:.0} s", self.heading(), self.seconds)?;
        BenchmarkPart::ALL.into_iter().try_for_each(|part| write!(f, "{}", self.table(part)))?;
        self.notes.iter().try_for_each(|note| write!(f, "\nnote: {note}"))
    }
}

struct PartTable<'a> {
    report: &'a BenchmarkReport,
    part: BenchmarkPart,
}

impl fmt::Display for PartTable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = columns(self.part);
        let cells = |m: &Measurement| columns.iter().map(|(_, cell)| cell(m)).collect();
        let rows: Vec<Vec<String>> = self.report.part(self.part).map(cells).collect();
        if rows.is_empty() {
            return Ok(());
        }
        writeln!(f, "\n{}", self.part.title())?;
        let header = columns.iter().map(|(name, _)| (*name).to_owned()).collect();
        write_table(f, header, &rows)
    }
}

type ReportColumn = (&'static str, fn(&Measurement) -> String);

/// What is printed of a part.
fn columns(part: BenchmarkPart) -> Vec<ReportColumn> {
    let what: ReportColumn = ("work", |m| format!("{} ({})", m.work, m.kind));
    let rows: ReportColumn = ("rows", |m| m.rows.to_string());
    let backend: ReportColumn = ("backend", |m| m.backend.clone());
    let workers: ReportColumn = ("workers", |m| m.workers.to_string());
    let wall: ReportColumn = ("wall", |m| {
        let [middle, least, most] = [m.wall, m.wall_min, m.wall_max].map(duration);
        format!("{middle} ({least}–{most})")
    });
    let cpu: ReportColumn = ("CPU", |m| duration(m.cpu));
    let speed: ReportColumn = ("rows/s", |m| significant(m.rows_per_second()));
    match part {
        BenchmarkPart::Backends | BenchmarkPart::Viral => {
            let best: ReportColumn = ("of the best", |m| ratio(m.of_best));
            vec![what, rows, backend, wall, cpu, speed, best]
        }
        BenchmarkPart::Scalability => {
            let speedup: ReportColumn = ("speed-up", |m| ratio(m.speedup));
            vec![what, rows, workers, wall, cpu, speed, speedup]
        }
        BenchmarkPart::Memory => {
            let peak: ReportColumn = ("peak MB", |m| {
                m.peak_bytes.map_or_else(String::new, |b| format!("{:.0}", b as f64 / 1e6))
            });
            vec![what, rows, backend, wall, speed, peak]
        }
        BenchmarkPart::Errors => {
            let failed: ReportColumn = ("failed", |m| m.failed_rows.to_string());
            let cost: ReportColumn = ("a failure costs", |m| {
                // A row that fails early saves what the others cost.
                m.seconds_a_failure.map_or_else(String::new, |s| match s <= 0.0 {
                    true => "nothing".to_owned(),
                    false => duration(s),
                })
            });
            vec![what, rows, failed, backend, wall, cpu, cost]
        }
    }
}

fn ratio(value: Option<f64>) -> String {
    value.map_or_else(String::new, |v| format!("{v:.2}"))
}

/// Seconds in the unit that suits them, to three digits.
fn duration(seconds: f64) -> String {
    match seconds {
        s if s >= 1.0 => format!("{} s", significant(s)),
        s if s >= 1e-3 => format!("{} ms", significant(s * 1e3)),
        s if s > 0.0 => format!("{} µs", significant(s * 1e6)),
        _ => "0".to_owned(),
    }
}

fn significant(value: f64) -> String {
    match value {
        v if v >= 100.0 => format!("{v:.0}"),
        v if v >= 10.0 => format!("{v:.1}"),
        v => format!("{v:.2}"),
    }
}

/// A table as Markdown has it, its columns aligned.
fn write_table(
    f: &mut fmt::Formatter<'_>,
    header: Vec<String>,
    rows: &[Vec<String>],
) -> fmt::Result {
    let widths: Vec<usize> = (0..header.len())
        .map(|i| {
            let cells = rows.iter().chain([&header]).filter_map(|row| row.get(i));
            cells.map(|c| c.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let mut line = |row: &[String]| {
        row.iter().zip(&widths).try_for_each(|(cell, width)| write!(f, "| {cell:<width$} "))?;
        writeln!(f, "|")
    };
    line(&header)?;
    line(&widths.iter().map(|w| "-".repeat(*w)).collect::<Vec<_>>())?;
    rows.iter().try_for_each(|row| line(row))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn report() -> BenchmarkReport {
        let measurement = |part: BenchmarkPart, wall: f64| Measurement {
            part: part.as_str().to_owned(),
            kind: "kernel".to_owned(),
            work: "validate".to_owned(),
            backend: "auto".to_owned(),
            workers: 2,
            rows: 1000,
            failed_rows: 10,
            repeats: 3,
            wall,
            wall_min: wall / 2.0,
            wall_max: wall * 2.0,
            cpu: wall * 1.5,
            peak_bytes: Some(120_000_000),
            of_best: Some(1.04),
            speedup: None,
            seconds_a_failure: Some(-0.002),
        };
        BenchmarkReport {
            clipflow: "0".to_owned(),
            cores: 2,
            quick: true,
            seconds: 3.2,
            notes: vec!["the backend dask is left out".to_owned()],
            measurements: vec![
                measurement(BenchmarkPart::Backends, 0.0123),
                measurement(BenchmarkPart::Memory, 1.5),
                measurement(BenchmarkPart::Errors, 4e-5),
            ],
        }
    }

    #[test]
    fn the_tables_are_aligned_and_say_what_was_measured() {
        let text = report().to_string();
        assert!(
            text.contains("| validate (kernel) | 1000 | auto    | 12.3 ms (6.15 ms–24.6 ms) |"),
            "{text}"
        );
        assert!(text.contains("| 1.04        |") && text.contains("| 120     |"), "{text}");
        assert!(text.contains("| nothing         |") && text.contains("40.0 µs"), "{text}");
        assert!(!text.contains("speed-up"), "a part without cases is not printed: {text}");
        assert!(text.ends_with("note: the backend dask is left out"), "{text}");
        for table in text.split("\n\n").skip(1).map(|t| t.lines().filter(|l| l.starts_with('|'))) {
            let widths: Vec<usize> = table.map(|l| l.chars().count()).collect();
            assert!(widths.windows(2).all(|w| w[0] == w[1]), "{text}");
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let report = report();
        let [parquet, json] = report.write(&folder.path().join("new")).unwrap();
        let file = std::fs::File::open(parquet).unwrap();
        let mut reader =
            parquet::arrow::arrow_reader::ParquetRecordBatchReader::try_new(file, 100).unwrap();
        assert_eq!(reader.next().unwrap().unwrap(), report.to_batch().unwrap());
        let value: serde_json::Value =
            serde_json::from_reader(std::fs::File::open(json).unwrap()).unwrap();
        assert_eq!(value["measurements"][1]["part"], "memory");
        assert_eq!(value["notes"].as_array().unwrap().len(), 1);
    }
}
