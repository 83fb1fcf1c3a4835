//! The comprehensive benchmark: every case is measured, every answer is checked.

use std::fs;

use clipflow::config::ParallelConfig;
use clipflow::processors::benchmark::{BenchmarkOptions, BenchmarkPart};
use clipflow::processors::run_comprehensive_benchmark;

use super::support::{clipflow, stderr, stdout};

/// As small as it gets, with two workers.
fn tiny() -> BenchmarkOptions {
    BenchmarkOptions {
        kernel_rows: vec![3, 40],
        media_rows: vec![1, 4],
        stream_rows: vec![1000, 20_000],
        repeats: 1,
        parallel: ParallelConfig {
            max_workers: 2,
            worker_program: env!("CARGO_BIN_EXE_clipflow").to_owned(),
            ..ParallelConfig::default()
        },
        ..BenchmarkOptions::new(true)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_backend_is_measured_on_every_batch() {
    let options = BenchmarkOptions { parts: vec![BenchmarkPart::Backends], ..tiny() };
    let report = run_comprehensive_benchmark(&options).await.unwrap();
    let mut cases: Vec<String> = report
        .part(BenchmarkPart::Backends)
        .map(|m| format!("{} {} {} {}", m.kind, m.work, m.rows, m.backend))
        .collect();
    cases.sort();
    let mut expected = vec![];
    for batch in [
        "kernel validate 3",
        "kernel validate 40",
        "kernel select 3",
        "kernel select 40",
        "media analyze 1",
        "media analyze 4",
    ] {
        for backend in ["thread", "process", "joblib", "async", "auto"] {
            expected.push(format!("{batch} {backend}"));
        }
    }
    expected.sort();
    assert_eq!(cases, expected);
    for same_rows in report.measurements.chunks(5) {
        let ratio = |m: &clipflow::processors::benchmark::Measurement| m.of_best.unwrap();
        let best = same_rows.iter().filter(|m| m.backend != "auto").map(ratio);
        assert_eq!(best.fold(f64::INFINITY, f64::min), 1.0);
        assert!(same_rows.iter().all(|m| m.wall > 0.0 && m.failed_rows == 0 && m.workers == 2));
    }
    assert!(report.notes.is_empty(), "{:?}", report.notes);
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_from_requests_to_variants_are_measured_on_every_backend() {
    let options =
        BenchmarkOptions { parts: vec![BenchmarkPart::Viral], viral_rows: vec![1], ..tiny() };
    let report = run_comprehensive_benchmark(&options).await.unwrap();
    let cases =
        report.part(BenchmarkPart::Viral).map(|m| format!("{} {} {}", m.work, m.rows, m.backend));
    let expected = ["thread", "process", "joblib", "async", "auto"];
    assert_eq!(cases.collect::<Vec<_>>(), expected.map(|b| format!("variants 1 {b}")));
    // A run encodes: it takes longer than any query alone, and ffmpeg's CPU time counts.
    assert!(report.measurements.iter().all(|m| m.wall > 0.05 && m.cpu > 0.05));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_parts_are_measured_and_a_program_without_workers_says_so() {
    let parallel = ParallelConfig { worker_program: String::new(), ..tiny().parallel };
    let parts = vec![BenchmarkPart::Scalability, BenchmarkPart::Memory, BenchmarkPart::Errors];
    let options = BenchmarkOptions { parts, parallel, ..tiny() };
    let report = run_comprehensive_benchmark(&options).await.unwrap();
    let alone: Vec<_> =
        report.part(BenchmarkPart::Scalability).filter(|m| m.workers == 1).collect();
    assert_eq!(alone.len(), 2);
    assert!(alone.iter().all(|m| m.speedup == Some(1.0)));
    let memory: Vec<_> = report.part(BenchmarkPart::Memory).collect();
    assert_eq!(memory.iter().map(|m| m.rows).collect::<Vec<_>>(), [1000, 20_000]);
    assert!(memory.iter().all(|m| m.peak_bytes.unwrap() > 1 << 20));
    let failed: Vec<i64> = report.part(BenchmarkPart::Errors).map(|m| m.failed_rows).collect();
    assert_eq!(failed, [0, 10, 100, 1000, 0, 0, 2]);
    let process = "the backend process is left out: ";
    assert_eq!(report.notes.iter().filter(|n| n.starts_with(process)).count(), 1);
}

#[test]
fn the_command_prints_tables_and_writes_them() {
    let folder = tempfile::tempdir().unwrap();
    let args = ["bench", "--quick", "--part", "memory", "--out", "report"];
    let output = clipflow(folder.path(), &args);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(text.contains("| work              | rows   | backend | wall"), "{text}");
    assert!(text.contains("| validate (kernel) | 100000 | process |"), "{text}");
    assert!(stderr(&output).contains("memory: 10000 rows through auto …"));
    let parquet = fs::read(folder.path().join("report/benchmark.parquet")).unwrap();
    assert_eq!(&parquet[..4], b"PAR1");
    let json = fs::read(folder.path().join("report/benchmark.json")).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["quick"], true);
    assert_eq!(json["measurements"].as_array().unwrap().len(), 4);
    assert_eq!(clipflow(folder.path(), &["bench", "--part", "no_such"]).status.code(), Some(2));
}
