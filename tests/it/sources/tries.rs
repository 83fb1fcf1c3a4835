//! How often a row is tried, and how long it waits and may take: by a clock of the test's.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Int64Type};
use async_trait::async_trait;
use clipflow::cancel::CancelToken;
use clipflow::config::ParallelConfig;
use clipflow::exec::{AnalyzeWork, InputColumn, MediaRuntime, PATH_COLUMN, Work, WorkEnv};
use clipflow::media::AnalyzeSettings;
use clipflow::resilience::{Clock, Jitter, Resilience, ScriptedClock};
use clipflow::source::{LocalCopy, Source, Sources};
use clipflow::{Error, ErrorCode};

use crate::support::bare_runtime;
use crate::support::http::{Server, file};
use crate::support::waiting::eventually;

/// Fails as it is told, and counts.
#[derive(Debug)]
struct Failing {
    error: Error,
    opened: Arc<AtomicUsize>,
}

#[async_trait]
impl Source for Failing {
    fn serves(&self, _: &str) -> bool {
        true
    }

    async fn validator(&self, _: &str) -> clipflow::Result<Option<String>> {
        Err(self.error.copy())
    }

    async fn open(&self, _: &str) -> clipflow::Result<LocalCopy> {
        self.opened.fetch_add(1, Ordering::SeqCst);
        Err(self.error.copy())
    }
}

fn failing(
    config: &ParallelConfig,
    clock: &ScriptedClock,
    error: Error,
) -> (Arc<MediaRuntime>, Arc<AtomicUsize>) {
    let opened = Arc::new(AtomicUsize::new(0));
    let resilience = Resilience::with_clock(config, Arc::new(clock.clone()), Jitter::seeded(1));
    let source = Failing { error, opened: Arc::clone(&opened) };
    (Arc::new(bare_runtime(Sources::new(vec![Box::new(source)]), 2, resilience)), opened)
}

fn row(location: &str) -> RecordBatch {
    let column = arrow::array::StringArray::from(vec![location]);
    RecordBatch::try_from_iter([("location", Arc::new(column) as _)]).unwrap()
}

fn analyze() -> Arc<AnalyzeWork> {
    Arc::new(AnalyzeWork::new(AnalyzeSettings::default()))
}

#[tokio::test]
async fn a_row_waits_longer_each_time_and_as_long_as_it_is_asked_to() {
    let config = ParallelConfig { max_retries: 4, ..ParallelConfig::default() };
    let gone = || Error::new(ErrorCode::SourceUnreachable, "gone; wait");
    for (error, asked) in [(gone(), 0), (gone().with_retry_after(Duration::from_secs(30)), 30)] {
        let clock = ScriptedClock::jumping();
        let (runtime, opened) = failing(&config, &clock, error);
        let token = runtime.token();
        let columns = runtime.run_row(analyze(), row("http://a/x.mp4"), token).await.unwrap();
        let attempts = columns[columns.len() - 2].as_primitive::<Int64Type>().value(0);
        assert_eq!((attempts, opened.load(Ordering::SeqCst)), (5, 5));
        let naps = clock.naps();
        assert_eq!(naps.len(), 4);
        for (retry, nap) in naps.iter().enumerate() {
            let least = Duration::from_secs(asked);
            let most = least + Duration::from_millis(200 << retry);
            assert!(*nap >= least && *nap <= most, "{retry}: {nap:?}");
        }
    }
}

#[tokio::test]
async fn what_cannot_change_is_tried_once() {
    let clock = ScriptedClock::jumping();
    for error in [
        Error::new(ErrorCode::SourceNotFound, "x"),
        Error::new(ErrorCode::SourceForbidden, "x"),
        Error::new(ErrorCode::MediaCorrupt, "x"),
        Error::new(ErrorCode::SourceUnreachable, "x").lasting(),
        Error::new(ErrorCode::SourceThrottled, "x").with_retry_after(Duration::from_secs(121)),
    ] {
        let (runtime, opened) = failing(&ParallelConfig::default(), &clock, error);
        let token = runtime.token();
        runtime.run_row(analyze(), row("http://a/x.mp4"), token).await.unwrap();
        assert_eq!(opened.load(Ordering::SeqCst), 1);
    }
    assert!(clock.naps().is_empty());
}

#[tokio::test]
async fn cancelling_ends_a_row_that_waits_for_its_next_try() {
    let clock = ScriptedClock::new();
    let error = Error::new(ErrorCode::SourceUnreachable, "gone; wait");
    let (runtime, opened) = failing(&ParallelConfig::default(), &clock, error);
    let token = runtime.token();
    let running = tokio::spawn(Arc::clone(&runtime).run_work(analyze(), row("http://a/x"), token));
    while clock.naps().is_empty() {
        tokio::task::yield_now().await;
    }
    runtime.cancel();
    let error = running.await.unwrap().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Cancelled);
    assert_eq!((opened.load(Ordering::SeqCst), clock.now()), (1, Duration::ZERO));
}

#[tokio::test]
async fn retries_of_one_host_are_a_share_of_its_calls() {
    let clock = ScriptedClock::jumping();
    let config = ParallelConfig { circuit_breaker_enabled: false, ..ParallelConfig::default() };
    let error = Error::new(ErrorCode::SourceUnreachable, "gone; wait");
    let (runtime, opened) = failing(&config, &clock, error);
    for i in 0..100 {
        let (runtime, token) = (Arc::clone(&runtime), runtime.token());
        runtime.run_row(analyze(), row(&format!("http://a/{i}")), token).await.unwrap();
    }
    // The source makes no calls through the guard here: there is the small change only.
    assert_eq!(opened.load(Ordering::SeqCst), 110);
    assert_eq!(runtime.hosts().snapshot()[0].retries, 10);
}

/// Work that waits for what the test lets happen.
#[derive(Debug)]
struct Gated {
    begun: AtomicUsize,
    /// Rows that may end.
    may_end: Mutex<usize>,
    opened: Condvar,
}

impl Gated {
    fn new(may_end: usize) -> Arc<Self> {
        Arc::new(Self {
            begun: AtomicUsize::new(0),
            may_end: Mutex::new(may_end),
            opened: Condvar::new(),
        })
    }
}

impl Work for Gated {
    fn name(&self) -> &'static str {
        "gated"
    }

    fn input_columns(&self) -> Vec<InputColumn> {
        vec![InputColumn::any("location")]
    }

    fn output_fields(&self) -> Vec<Field> {
        vec![Field::new("bytes", DataType::Int64, true)]
    }

    fn needs_source(&self) -> bool {
        true
    }

    fn run(
        &self,
        rows: &RecordBatch,
        _: &WorkEnv,
        cancel: &CancelToken,
    ) -> clipflow::Result<Vec<ArrayRef>> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        let mut may_end = self.may_end.lock().unwrap();
        while *may_end == 0 {
            cancel.check()?;
            may_end = self.opened.wait_timeout(may_end, Duration::from_millis(5)).unwrap().0;
        }
        *may_end -= 1;
        let path = rows.column_by_name(PATH_COLUMN).unwrap().as_string::<i32>().value(0);
        let bytes = fs::metadata(path).unwrap().len();
        Ok(vec![Arc::new(Int64Array::from(vec![i64::try_from(bytes).unwrap()]))])
    }
}

/// A runtime over web servers.
fn over_http(config: &ParallelConfig, workers: usize) -> Arc<MediaRuntime> {
    let resilience = Resilience::new(config);
    let no_roots: [&str; 0] = [];
    let sources = Sources::standard(no_roots, config, &resilience.hosts);
    Arc::new(bare_runtime(sources, workers, resilience))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_takes_too_long_is_ended_and_waiting_for_a_turn_is_not_counted() {
    let server = Server::start(|request, stream| file(request, stream, b"video", "\"v1\""));
    let spool = tempfile::tempdir().unwrap();
    let config = ParallelConfig {
        allow_private: true,
        timeout: 0.3,
        spool_dir: spool.path().to_string_lossy().into_owned(),
        ..ParallelConfig::default()
    };
    let runtime = over_http(&config, 1);
    let (stuck, quick) = (Gated::new(0), Gated::new(1));
    let run = |work: &Arc<Gated>, path: &str| {
        let token = runtime.token();
        let work: Arc<dyn Work> = Arc::clone(work) as _;
        tokio::spawn(Arc::clone(&runtime).run_work(work, row(&server.url(path)), token))
    };
    let first = run(&stuck, "/a");
    eventually("the first row begins", || stuck.begun.load(Ordering::SeqCst) == 1).await;
    // It waits for longer than it may take.
    let second = run(&quick, "/b");
    assert_eq!(first.await.unwrap().unwrap_err().code(), ErrorCode::Timeout);
    assert!(second.await.unwrap().is_ok());
}
