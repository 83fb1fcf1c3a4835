//! What only worker processes can, and what they must not leave behind.

use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use clipflow::ErrorCode;
use clipflow::cancel::CancelToken;
use clipflow::config::{BackendType, ParallelConfig};
use clipflow::exec::backend::{Backend, ProcessBackend, ProcessConfig, build};
use clipflow::exec::{AnalyzeWork, BatchOptions, Work, WorkSpec};
use clipflow::media::AnalyzeSettings;
use futures::{StreamExt, TryStreamExt};

use super::rig::{Rig, batch, codes, one, rows};
use crate::support::waiting::{eventually, until};
use crate::support::workers::{below, kill, program, runs};

fn two() -> ProcessConfig {
    ProcessConfig { workers: 2, ..ProcessConfig::default() }
}

fn rows_a_task(chunk_size: usize) -> BatchOptions {
    BatchOptions { chunk_size, ..BatchOptions::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_costs_the_row_that_caused_it() {
    let (rig, backend) = Rig::processes(two());
    let rows = rig.answers("cpu", &["", "abort", "", "", "kill", "err", ""], rows_a_task(7)).await;
    let crashed = Some("worker_crashed");
    assert_eq!(
        codes(&rows),
        [
            (0, None),
            (1, crashed),
            (2, None),
            (3, None),
            (4, crashed),
            (5, Some("media.corrupt")),
            (6, None)
        ]
    );
    assert!(rows[1].message.as_ref().unwrap().contains("SIGABRT"), "{:?}", rows[1]);
    assert!(rows[4].message.as_ref().unwrap().contains("SIGKILL"), "{:?}", rows[4]);
    let deaths = backend.deaths();
    // A row alone kills two workers and no more.
    rig.answers("media", &["", "abort", ""], rows_a_task(1)).await;
    assert_eq!(backend.deaths(), deaths + 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_takes_too_much_memory_ends_its_worker_and_no_other() {
    let (rig, _) = Rig::processes(ProcessConfig { memory_bytes: 256 << 20, ..two() });
    let rows = rig.answers("media", &["", "allocate", "", ""], rows_a_task(1)).await;
    assert_eq!(codes(&rows), [(0, None), (1, Some("worker_crashed")), (2, None), (3, None)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_killed_at_random_lose_no_row_and_answer_none_twice() {
    const ROWS: i64 = 1500;
    const KILLS: usize = 50;
    let (rig, backend) = Rig::processes(two());
    let orders = vec!["nap 1"; ROWS as usize];
    let options = BatchOptions { ordered: false, ..BatchOptions::default() };
    let mut answers = rig.stream("media", one(batch(0, &orders)), options);
    let mut random = fastrand::Rng::with_seed(7);
    let (mut found, mut kills) = (vec![], 0);
    while let Some(answer) = answers.next().await {
        found.extend(rows(&[answer.unwrap()]));
        // A row that is hit twice has its code and not its answer: the second kill waits until the
        // row that was hit is through, whichever it was.
        if found.len() % 24 == 0 && kills < KILLS {
            let ids = backend.process_ids();
            if let Some(id) = random.choice(&ids) {
                kill(i32::try_from(*id).unwrap());
                kills += 1;
            }
        }
    }
    assert_eq!(kills, KILLS);
    assert!(backend.deaths() > 0, "some were killed with a row");
    found.sort_by_key(|row| row.number);
    let numbers: Vec<i64> = found.iter().map(|r| r.number).collect();
    assert_eq!(numbers, (0..ROWS).collect::<Vec<_>>(), "each row once");
    let failed: Vec<_> = found.iter().filter(|r| r.code.is_some()).collect();
    assert!(failed.is_empty(), "{failed:?}");
    assert!(found.iter().all(|r| r.square == Some(r.number * r.number)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_between_rows_costs_nothing() {
    let (rig, backend) = Rig::processes(two());
    for _ in 0..10 {
        assert_eq!(codes(&rig.answers("media", &[""], rows_a_task(1)).await), [(0, None)]);
        backend.process_ids().iter().for_each(|id| kill(i32::try_from(*id).unwrap()));
    }
    assert_eq!(backend.deaths(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_obeys_is_kept_and_one_that_does_not_is_ended() {
    let (rig, backend) = Rig::processes(ProcessConfig { workers: 1, ..two() });
    let timeout = Some(Duration::from_millis(200));
    let options = BatchOptions { timeout, ..rows_a_task(1) };
    let rows = rig.answers("media", &["", "wait"], options.clone()).await;
    assert_eq!(codes(&rows), [(0, None), (1, Some("timeout"))]);
    let before = backend.process_ids();
    assert_eq!(before.len(), 1);
    let rows = rig.answers("media", &["", "gate never", ""], options).await;
    assert_eq!(codes(&rows), [(0, None), (1, Some("timeout")), (2, None)]);
    let after = backend.process_ids();
    assert!(after.len() == 1 && after != before, "{before:?} {after:?}");
    assert_eq!(backend.deaths(), 0, "it was us");
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_start_with_the_first_row_and_end_when_idle_and_with_the_backend() {
    let idle = Duration::from_millis(200);
    let (rig, backend) = Rig::processes(ProcessConfig { idle, ..two() });
    assert!(backend.process_ids().is_empty());
    rig.answers("media", &["gate open", "gate open"][..0], rows_a_task(1)).await;
    assert!(backend.process_ids().is_empty());
    rig.answers("media", &[""], rows_a_task(1)).await;
    let first = backend.process_ids();
    assert_eq!(first.len(), 1, "one row, one worker");
    eventually("the idle worker is let go", || backend.process_ids().is_empty()).await;
    // It closes its own affairs before it ends.
    let process = i32::try_from(first[0]).unwrap();
    eventually("the idle worker ends", || !runs(process)).await;
    drop((rig, backend));

    let (rig, backend) = Rig::processes(two());
    rig.answers("media", &["", ""], rows_a_task(1)).await;
    let ids = backend.process_ids();
    assert!(!ids.is_empty());
    drop((rig, backend));
    let gone = || ids.iter().all(|id| !runs(i32::try_from(*id).unwrap()));
    eventually("the workers end with their backend", gone).await;
}

#[test]
fn nothing_is_left_when_the_coordinator_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut coordinator = Command::new(program()).arg(folder.path()).spawn().unwrap();
    let id = i32::try_from(coordinator.id()).unwrap();
    let mut all = vec![];
    until("the worker's ffmpeg encodes", || {
        all = below(id);
        let named = |name: &str| all.iter().filter(|p| p.name == name).count();
        named("ffmpeg") == 1 && all.len() >= 3
    });
    coordinator.kill().unwrap();
    coordinator.wait().unwrap();
    until("workers and ffmpeg end", || all.iter().all(|p| !runs(p.id)));
}

#[test]
fn a_killed_worker_takes_its_ffmpeg_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut coordinator = Command::new(program()).arg(folder.path()).spawn().unwrap();
    let id = i32::try_from(coordinator.id()).unwrap();
    let encoder = || below(id).into_iter().find(|p| p.name == "ffmpeg");
    until("the worker's ffmpeg encodes", || encoder().is_some());
    let first = encoder().unwrap();
    kill(first.parent);
    until("its ffmpeg ends", || !runs(first.id));
    until("the row is tried again", || encoder().is_some());
    let second = encoder().unwrap();
    assert_ne!(second.parent, first.parent);
    coordinator.kill().unwrap();
    coordinator.wait().unwrap();
    until("all ends", || !runs(second.id) && !runs(second.parent));
}

/// A worker started by hand, with what it said first.
fn worker_by_hand(parent: u32) -> (std::process::Child, Vec<u8>) {
    let mut child = Command::new(program())
        .env("CLIPFLOW_WORKER", format!("1:{parent}:abc"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
    let mut hello = vec![0; 16];
    let read = child.stdout.as_mut().unwrap().read(&mut hello).unwrap();
    hello.truncate(read);
    (child, hello)
}

#[test]
fn a_worker_ends_with_its_standard_input_and_without_its_coordinator() {
    let (mut child, hello) = worker_by_hand(std::process::id());
    assert!(hello.starts_with(b"CFw1"), "{hello:?}");
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    // Started by a process that is gone: it says nothing and does not become the program itself.
    let (mut child, hello) = worker_by_hand(1);
    assert!(hello.is_empty());
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn nonsense_on_its_standard_input_ends_a_worker() {
    let (mut child, _) = worker_by_hand(std::process::id());
    child.stdin.as_mut().unwrap().write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let status = child.wait().unwrap();
    assert_eq!((status.code(), status.signal()), (Some(0), None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_no_worker_is_named() {
    let silent = Duration::from_millis(300);
    for (name, why) in [
        ("/bin/true", "ended with status 0"),
        ("/bin/cat", "no greeting within 0.3 s"),
        ("/bin/ls", "its first message is not a greeting"),
        ("/no/such/program", "cannot be started"),
    ] {
        let program = Some(PathBuf::from(name));
        let (rig, _) = Rig::processes(ProcessConfig { program, hello: silent, ..two() });
        let answers = rig.stream("media", one(batch(0, &["", ""])), rows_a_task(1));
        let error = answers.try_collect::<Vec<_>>().await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::ConfigInvalid, "{name}");
        assert!(error.message().contains(name) && error.message().contains(why), "{error}");
    }
}

#[test]
fn a_program_that_is_not_prepared_is_told_what_to_do() {
    // This test binary has a main of its own.
    let error = ProcessBackend::new(ProcessConfig::default()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::ConfigInvalid);
    assert!(error.message().contains("run_if_worker()"), "{error}");
    let config = ParallelConfig { backend: BackendType::Dask, ..ParallelConfig::default() };
    let error = build(&config).unwrap_err();
    assert_eq!(error.code(), ErrorCode::ConfigInvalid);
    assert!(error.message().contains("run and render alone"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_another_process_cannot_build_is_named() {
    #[derive(Debug)]
    struct Mine(Option<WorkSpec>);
    impl Work for Mine {
        fn name(&self) -> &'static str {
            "mine"
        }
        fn input_columns(&self) -> Vec<clipflow::exec::InputColumn> {
            vec![]
        }
        fn output_fields(&self) -> Vec<arrow::datatypes::Field> {
            vec![]
        }
        fn spec(&self) -> Option<WorkSpec> {
            self.0.clone()
        }
        fn run(
            &self,
            _: &arrow::array::RecordBatch,
            _: &clipflow::exec::WorkEnv,
            _: &CancelToken,
        ) -> clipflow::Result<Vec<arrow::array::ArrayRef>> {
            Ok(vec![])
        }
    }
    let (rig, _) = Rig::processes(two());
    let unknown = WorkSpec::Registered { name: "mine".into(), settings: serde_json::Value::Null };
    for (spec, why) in [(None, "no spec()"), (Some(unknown), "register_work(\"mine\"")] {
        let (backend, env) = (Arc::clone(&rig.backend) as Arc<dyn Backend>, Arc::clone(&rig.env));
        let input = one(batch(0, &["", ""]));
        let options = BatchOptions::default();
        let answers = clipflow::exec::run_batches(
            backend,
            Arc::new(Mine(spec)),
            env,
            input,
            options,
            &rig.cancel,
        );
        let error = answers.try_collect::<Vec<_>>().await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::ConfigInvalid);
        assert!(error.message().contains(why), "{error}");
    }
}

#[test]
fn every_work_of_the_crate_can_be_built_from_its_own_description() {
    let analyze = AnalyzeWork::new(AnalyzeSettings::default());
    let render = clipflow::exec::RenderWork::new(clipflow::media::RenderSettings::default());
    let works: [&dyn Work; 4] =
        [&analyze, &render, &clipflow::exec::ValidateWork, &clipflow::exec::SelectWork];
    for work in works {
        let spec = work.spec().unwrap();
        let json = serde_json::to_string(&spec).unwrap();
        let again: WorkSpec = serde_json::from_str(&json).unwrap();
        assert_eq!(again, spec);
        let built = again.build().unwrap();
        assert_eq!(built.name(), work.name());
        assert_eq!(built.output_fields(), work.output_fields());
        let key = |work: &dyn Work| work.cacheable().and_then(|work| work.cache_key());
        assert_eq!(key(built.as_ref()), key(work));
    }
}
