//! Kernels on joblib and auto, and what plans say of the choice.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Float64Array, RecordBatch, StringArray};
use clipflow::cancel::CancelToken;
use clipflow::config::{BackendType, ParallelConfig};
use clipflow::exec::backend::{AutoBackend, Backend, Task};
use clipflow::exec::{AnalyzeWork, BatchOptions, ValidateWork, WorkEnv};
use clipflow::media::AnalyzeSettings;
use clipflow::pipeline::{self, RunConfig};
use futures::TryStreamExt;

use super::rig::{Rig, WORKERS, batch, one, rows};
use crate::support::waiting::eventually;

fn one_chunk() -> BatchOptions {
    BatchOptions { chunk_size: 10_000, ..BatchOptions::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn joblib_spreads_one_chunk_over_its_threads() {
    for (backend, threads) in [(BackendType::Joblib, WORKERS), (BackendType::Thread, 1)] {
        let rig = Rig::new(backend);
        let answers = rig.stream("cpu", one(batch(0, &["gate open"; 300])), one_chunk());
        let reader = tokio::spawn(answers.try_collect::<Vec<_>>());
        eventually("its threads have work", || rig.running() == threads).await;
        rig.open("open");
        let rows = rows(&reader.await.unwrap().unwrap());
        let numbers: Vec<i64> = rows.iter().map(|r| r.number).collect();
        assert_eq!(numbers, (0..300).collect::<Vec<_>>(), "{backend}");
        assert_eq!(rig.peak(), threads);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_take_long_are_not_left_to_one_thread() {
    let rig = Rig::new(BackendType::Joblib);
    // Cheap rows, measured first, then dear ones that would all be in one piece of that size.
    let orders = [["progress"; 200].as_slice(), &["nap 5"; 64]].concat();
    rig.answers("cpu", &orders, one_chunk()).await;
    let dear = rig.journal().into_iter().filter(|(_, number)| *number >= 200);
    let (mut running, mut shared) = (0, 0);
    for (began, _) in dear {
        running = if began { running + 1 } else { running - 1 };
        shared += usize::from(began && running > 1);
    }
    assert!(shared > 20, "{shared} of 64 rows began beside another");
}

fn task(rows: usize) -> Task {
    let urls = StringArray::from(vec!["talk.mp4"; rows]);
    let lengths = Float64Array::from(vec![30.0; rows]);
    let rows = RecordBatch::try_from_iter([
        ("source_url", Arc::new(urls) as _),
        ("max_clip_length", Arc::new(lengths) as _),
    ]);
    let env = Arc::new(WorkEnv::bare());
    Task::new(Arc::new(ValidateWork), rows.unwrap(), env, CancelToken::new())
}

#[tokio::test(flavor = "multi_thread")]
async fn auto_measures_a_kernel_and_then_knows_where_it_goes() {
    let config = ParallelConfig { max_workers: 4, ..ParallelConfig::default() };
    let auto = AutoBackend::new(&config);
    let place = |rows| auto.choice(&ValidateWork, rows).backend;
    assert!(auto.choice(&ValidateWork, Some(1)).reason.contains("not measured yet"));
    auto.run(task(5000)).await.unwrap();
    assert_eq!(place(Some(1)), None, "a row is checked where it is asked for");
    assert_eq!(place(Some(10_000_000)), Some(BackendType::Joblib));
    assert_eq!(place(None), Some(BackendType::Joblib));
    let reason = auto.choice(&ValidateWork, Some(1_000_000)).to_string();
    for part in ["joblib × 4 (auto: 1000000 rows × ", " µs: joblib ", "thread "] {
        assert!(reason.contains(part), "{reason}");
    }
    let analyze = AnalyzeWork::new(AnalyzeSettings::default());
    let choice = auto.choice(&analyze, None).to_string();
    assert!(choice.starts_with("async × 4 (auto: media rows wait for media processes"), "{choice}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_names_the_backend_and_why() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("requests.csv"), "source_url\nno-such.mp4\n").unwrap();
    for (backend, said) in [
        (BackendType::Auto, "MediaExec: analyze, backend=async × 2 (auto: media rows wait"),
        (BackendType::Thread, "MediaExec: analyze, backend=thread × 2 (as configured)"),
    ] {
        let config = RunConfig {
            parallel: ParallelConfig { backend, max_workers: 2, ..ParallelConfig::default() },
            ..RunConfig::new(folder.path().join("requests.csv"), folder.path().join("out"))
        };
        let plan = pipeline::explain(&config).await.unwrap().to_string();
        assert!(plan.contains(said), "{plan}");
    }
}

#[test]
fn settings_become_options() {
    let config = ParallelConfig { chunk_size: 7, timeout: 1.5, ..ParallelConfig::default() };
    let options = BatchOptions::from(&config);
    assert_eq!((options.chunk_size, options.timeout), (7, Some(Duration::from_millis(1500))));
    assert_eq!(BatchOptions::from(&ParallelConfig::default()).timeout, None);
}
