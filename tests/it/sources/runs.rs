//! Whole runs over web servers: what fails for a while succeeds, what is dead costs little, what was
//! fetched is not fetched again.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use clipflow::config::ParallelConfig;
use clipflow::pipeline::{self, RunConfig};
use clipflow::query::{SessionOptions, register_media_relations, session};
use clipflow::resilience::{HostKey, Hosts, Resilience};
use clipflow::source::{LocalCopy, Source, Sources};
use clipflow::{Error, ErrorCode};

use crate::support::http::{Server, Then, empty, file, head};
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
    let fetches =
        || server.requests().iter().filter(|r| r.method == "GET" && r.path == "/a.mp4").count();
    assert_eq!(fetches(), 1);
    // The same again: the tag is the same, nothing is done; another tag: all is.
    assert!(pipeline::run(&config).await.unwrap().reused);
    assert_eq!(fetches(), 1);
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
