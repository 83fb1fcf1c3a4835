//! Whole runs over web servers: what fails for a while succeeds, what is dead costs little, what was
//! fetched is not fetched again.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Int64Type};
use async_trait::async_trait;
use clipflow::config::ParallelConfig;
use clipflow::exec::{AnalyzeWork, MediaRuntime, PATH_COLUMN, Work, WorkEnv};
use clipflow::media::{AnalyzeSettings, CancelToken};
use clipflow::pipeline::{self, RunConfig};
use clipflow::query::{SessionOptions, register_media_relations, session};
use clipflow::resilience::{Clock, HostKey, Hosts, Jitter, Resilience, ScriptedClock};
use clipflow::source::{LocalCopy, Source, Sources};
use clipflow::{Error, ErrorCode};

use crate::support::http::{Server, Then, empty, file, head};
use crate::support::waiting::eventually;
use crate::support::{HEAD, bare_runtime, query, show};

/// A run over `rows` of an id and a URL.
fn config(folder: &Path, rows: impl IntoIterator<Item = (String, String)>) -> RunConfig {
    let rows = rows.into_iter().map(|(id, url)| format!("{id},{url},2,4,1\n"));
    fs::write(folder.join("r.csv"), HEAD.to_owned() + &rows.collect::<String>()).unwrap();
    let mut config = RunConfig::new(folder.join("r.csv"), folder.join("out"));
    config.parallel = ParallelConfig {
        allow_private: true,
        retry_delay_seconds: 0.01,
        spool_dir: folder.join("spool").to_string_lossy().into_owned(),
        ..ParallelConfig::default()
    };
    config
}

fn outcomes(folder: &Path) -> Vec<String> {
    query(
        folder,
        "SELECT request_id, status, error_code, attempts FROM outcomes ORDER BY request_id",
    )
}

fn one(url: String) -> [(String, String); 1] {
    [("a".to_owned(), url)]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_at_first_is_tried_again_and_the_row_says_how_often() {
    let asked: Mutex<HashMap<String, usize>> = Mutex::default();
    let server = Server::start(move |request, stream| {
        let mut asked = asked.lock().unwrap();
        let times = asked.entry(request.path.clone()).or_default();
        *times += usize::from(!request.is_head());
        let (times, content) = (*times, show::short());
        if request.is_head() {
            return file(request, stream, content, "\"v1\"");
        }
        match (request.path.as_str(), times) {
            ("/busy.mp4" | "/never.mp4", 1) => empty(stream, 503, &["Retry-After: 0"]),
            ("/cut.mp4", 1 | 2) => {
                use std::io::Write;
                head(stream, 200, &[&format!("Content-Length: {}", content.len())]);
                let _ = stream.write_all(&content[..content.len() / 2]);
                Then::Close
            }
            ("/never.mp4", _) => empty(stream, 500, &[]),
            ("/gone.mp4", _) => empty(stream, 404, &[]),
            _ => file(request, stream, content, "\"v1\""),
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let rows = ["busy", "cut", "fine", "gone", "never"];
    let rows = rows.map(|name| (name.to_owned(), server.url(&format!("/{name}.mp4"))));
    let summary = pipeline::run(&config(folder.path(), rows)).await.unwrap();
    assert_eq!((summary.rows, summary.answered), (5, 3));
    assert_eq!(
        outcomes(folder.path()),
        [
            "busy,ok,,2",
            "cut,ok,,3",
            "fine,ok,,1",
            "gone,failed,source.not_found,1",
            "never,failed,source.unreachable,3"
        ]
    );
    assert_eq!(fs::read_dir(folder.path().join("spool")).unwrap().count(), 0, "nothing is left");
}

/// The bar: 1,000 requests to a dead host in one run cost at most 60 connections, and those to other
/// hosts are answered.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_requests_to_a_dead_host_are_few_connections_and_others_are_answered() {
    let dead = Server::dead();
    let fine = Server::start(|request, stream| file(request, stream, show::short(), "\"v1\""));
    let folder = tempfile::tempdir().unwrap();
    let lost = (0..1000).map(|i| (format!("dead{i}"), dead.url(&format!("/{i}.mp4"))));
    let good = (0..4).map(|i| (format!("fine{i}"), fine.url(&format!("/{i}.mp4"))));
    let mut config = config(folder.path(), lost.chain(good));
    config.parallel.recovery_timeout_seconds = 0.2;
    let summary = pipeline::run(&config).await.unwrap();
    assert_eq!((summary.rows, summary.answered), (1004, 4));
    println!("{} connections to the dead host; {summary}", dead.connections());
    let [one, other] = summary.hosts.as_slice() else { panic!("two hosts: {:?}", summary.hosts) };
    let (gone, up) = if one.failures > 0 { (one, other) } else { (other, one) };
    assert_eq!(gone.attempts, dead.connections() as u64, "what the statistics say is so");
    assert_eq!((gone.failures, up.failures), (gone.attempts, 0));
    assert!(dead.connections() <= 60, "{} connections", dead.connections());
    let codes = query(
        folder.path(),
        "SELECT left(request_id, 4) AS host, status, error_code, count(*) FROM outcomes GROUP BY 1, 2, 3 ORDER BY 1",
    );
    assert_eq!(codes, ["dead,failed,source.unreachable,1000", "fine,ok,,4"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_of_twenty_requests_is_fetched_once_for_analysis_and_rendering() {
    let server = Server::start(|request, stream| file(request, stream, show::short(), "\"v1\""));
    let folder = tempfile::tempdir().unwrap();
    let rows = (0..20).map(|i| (format!("r{i}"), server.url("/a.mp4")));
    let config = config(folder.path(), rows);
    let summary = pipeline::run(&config).await.unwrap();
    assert_eq!((summary.answered, summary.sources), (20, 1));
    assert_eq!(server.count("GET"), 1);
    // The same again: the tag is the same, nothing is done; another tag: all is.
    assert!(pipeline::run(&config).await.unwrap().reused);
    assert_eq!(server.count("GET"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn signatures_are_in_no_answer_and_a_failed_request_can_still_be_tried_again() {
    let server = Server::start(|request, stream| match request.path.as_str() {
        path if path.starts_with("/gone") => empty(stream, 403, &[]),
        _ => file(request, stream, show::short(), "\"v1\""),
    });
    let folder = tempfile::tempdir().unwrap();
    let urls = ["/a.mp4?id=7&X-Amz-Signature=5ec2e7", "/gone.mp4?v=1&token=5ec2e7"];
    let rows = urls.map(|u| (u[1..2].to_owned(), server.url(u)));
    let summary = pipeline::run(&config(folder.path(), rows)).await.unwrap();
    assert_eq!(summary.answered, 1);
    assert!(!summary.to_string().contains("5ec2e7"), "{summary}");
    let shown = [server.url("/a.mp4?id=7&X-Amz-Signature=…"), server.url("/gone.mp4?v=1&token=…")];
    let answers = query(folder.path(), "SELECT source_url FROM outcomes ORDER BY request_id");
    assert_eq!(answers, shown);
    let message =
        query(folder.path(), "SELECT error_message FROM outcomes WHERE status = 'failed'");
    assert!(!message[0].contains("5ec2e7"), "{message:?}");
    for view in ["why", "clip_files"] {
        let places = query(folder.path(), &format!("SELECT DISTINCT location FROM {view}"));
        assert_eq!(places, shown[..1], "{view}");
    }
    // What is sent again is what was asked.
    let again = query(folder.path(), "SELECT source_url FROM dead_letters");
    assert_eq!(again, [server.url(urls[1])]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_tag_makes_the_next_run_anew() {
    let version = Arc::new(AtomicUsize::new(1));
    let served = Arc::clone(&version);
    let server = Server::start(move |request, stream| {
        let tag = format!("\"v{}\"", served.load(Ordering::SeqCst));
        file(request, stream, show::short(), &tag)
    });
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), one(server.url("/a.mp4")));
    assert!(!pipeline::run(&config).await.unwrap().reused);
    version.store(2, Ordering::SeqCst);
    assert!(!pipeline::run(&config).await.unwrap().reused);
    assert_eq!(query(folder.path(), "SELECT validator FROM sources"), ["\"\"\"v2\"\"\""]);
    assert_eq!(outcomes(folder.path()), ["a,ok,,1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_changes_while_the_run_is_under_way_gives_no_clips_of_two_versions() {
    let fetched = AtomicUsize::new(0);
    let server = Server::start(move |request, stream| {
        let before = fetched.load(Ordering::SeqCst);
        fetched.fetch_add(usize::from(!request.is_head()), Ordering::SeqCst);
        file(request, stream, show::short(), &format!("\"v{}\"", before.min(1)))
    });
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), one(server.url("/a.mp4")));
    pipeline::run(&config).await.unwrap();
    assert_eq!(outcomes(folder.path()), ["a,failed,source.changed,1"]);
    // Next time it stays as it is.
    let summary = pipeline::run(&config).await.unwrap();
    assert!(!summary.reused && summary.answered == 1, "{summary}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_failed_of_a_passing_fault_is_tried_by_the_next_run() {
    let up = Arc::new(AtomicBool::new(false));
    let is_up = Arc::clone(&up);
    let server = Server::start(move |request, stream| {
        match request.is_head() || is_up.load(Ordering::SeqCst) {
            true => file(request, stream, show::short(), "\"v1\""),
            false => empty(stream, 502, &[]),
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), one(server.url("/a.mp4")));
    pipeline::run(&config).await.unwrap();
    assert_eq!(outcomes(folder.path()), ["a,failed,source.unreachable,3"]);
    up.store(true, Ordering::SeqCst);
    pipeline::run(&config).await.unwrap();
    assert_eq!(outcomes(folder.path()), ["a,ok,,1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_fetches_nothing_and_says_so() {
    let server = Server::start(|request, stream| file(request, stream, show::short(), "\"v1\""));
    let folder = tempfile::tempdir().unwrap();
    show::make(&folder.path().join("show.mp4"));
    let rows = [
        ("a".to_owned(), server.url("/a.mp4")),
        ("b".to_owned(), "https://youtu.be/a-b_c1234XY".to_owned()),
        ("c".to_owned(), "show.mp4".to_owned()),
    ];
    let cost = pipeline::explain(&config(folder.path(), rows)).await.unwrap().cost;
    assert_eq!((cost.sources, cost.remote_sources, cost.unreadable_sources), (3, 2, 0));
    assert!((cost.decode_seconds - 30.0).abs() < 1.0);
    assert!(cost.to_string().contains("remote 2: not fetched"), "{cost}");
    assert_eq!(server.connections(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_larger_than_the_limit_fails_its_row_and_no_other() {
    let server = Server::start(|request, stream| {
        if request.path == "/large.mp4" {
            head(stream, 200, &["Content-Length: 5000000000", "Connection: close"]);
            return Then::Close;
        }
        file(request, stream, show::short(), "\"v1\"")
    });
    let folder = tempfile::tempdir().unwrap();
    let rows = ["large", "small"].map(|n| (n.to_owned(), server.url(&format!("/{n}.mp4"))));
    let mut config = config(folder.path(), rows);
    config.parallel.max_source_gb = 0.1;
    pipeline::run(&config).await.unwrap();
    assert_eq!(outcomes(folder.path()), ["large,failed,source.too_large,1", "small,ok,,1"]);
}

/// Sources that answer when the test lets them.
#[derive(Debug, Clone)]
struct Scripted {
    hosts: Hosts,
    /// Rows of the other host that are done.
    done: Arc<AtomicUsize>,
    all: usize,
    told: Arc<tokio::sync::Notify>,
}

#[async_trait]
impl Source for Scripted {
    fn serves(&self, _: &str) -> bool {
        true
    }

    async fn validator(&self, _: &str) -> clipflow::Result<Option<String>> {
        Ok(None)
    }

    /// Those of the slow host answer when all of the other are done.
    async fn open(&self, location: &str) -> clipflow::Result<LocalCopy> {
        let guard = self.hosts.guard(&HostKey::of(location).unwrap());
        let slow = location.contains("slow");
        guard
            .fetch(|_slot| async move {
                while slow && self.done.load(Ordering::SeqCst) < self.all {
                    self.told.notified().await;
                }
                if !slow {
                    self.done.fetch_add(1, Ordering::SeqCst);
                }
                self.told.notify_waiters();
                self.told.notify_one();
                Err(Error::new(ErrorCode::SourceNotFound, "nothing; give something"))
            })
            .await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_slow_host_do_not_keep_out_those_of_another() {
    let resilience = Resilience::new(&ParallelConfig::default());
    let hosts = resilience.hosts.clone();
    let all = 300;
    let source = Scripted { hosts: hosts.clone(), done: Arc::default(), all, told: Arc::default() };
    let runtime = Arc::new(bare_runtime(Sources::new(vec![Box::new(source)]), 2, resilience));
    let options = SessionOptions::default();
    let ctx = session(&options, Some(Arc::clone(&runtime))).unwrap();
    register_media_relations(&ctx, &options).unwrap();
    // The slow ones come first.
    let sql = "SELECT error_code FROM analyze_media((SELECT location FROM (
        SELECT 'http://slow.example.com/' || value AS location, value AS n FROM generate_series(1, 300)
        UNION ALL SELECT 'http://other.example.com/' || value, 1000 + value FROM generate_series(1, 300))
        ORDER BY n))";
    let answer = async { ctx.sql(sql).await.unwrap().collect().await.unwrap() };
    let rows = tokio::time::timeout(Duration::from_secs(60), answer).await;
    let rows = rows.expect("the slow host's rows hold up the others'");
    assert_eq!(rows.iter().map(|b| b.num_rows()).sum::<usize>(), 600);
    let states = runtime.hosts().snapshot();
    assert_eq!(states.iter().map(|s| s.attempts).collect::<Vec<_>>(), [300, 300]);
}

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

    fn input_columns(&self) -> &'static [&'static str] {
        &["location"]
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
