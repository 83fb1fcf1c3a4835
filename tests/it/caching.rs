//! Analyses kept for other runs.

use std::fs;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use clipflow::cache::CacheKeyFn;
use clipflow::pipeline::{self, RunConfig};

use super::support::gated::{Gate, files};
use super::support::waiting::until;
use super::support::{HEAD, clipflow, csv_rows, show, stderr};

fn sources(folder: &Path, names: &[&str]) -> Gate {
    show::make(&folder.join("a.mp4"));
    let mut requests = HEAD.to_owned();
    for name in names {
        if *name != "a" {
            fs::copy(folder.join("a.mp4"), folder.join(format!("{name}.mp4"))).unwrap();
        }
        requests.push_str(&format!("{name},{name}.mp4,4,8,1\n"));
    }
    fs::write(folder.join("r.csv"), requests).unwrap();
    Gate::new(folder)
}

/// A run with the cache: what it says, and the sources it analysed.
fn cached(gate: &Gate, out: &str, more: &[&str]) -> (String, Vec<String>) {
    let args = [&["run", "r.csv", "--out", out, "--cache", "--cache-dir", "cache"], more].concat();
    let (code, said) = gate.run(&args);
    assert_eq!(code, Some(0), "{said}");
    let analysed =
        gate.calls().into_iter().filter_map(|c| Some(c.strip_prefix("analyze ")?.into()));
    (said, analysed.collect())
}

#[test]
fn a_new_request_over_a_source_that_the_results_hold_decodes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    show::make(&path.join("show.mp4"));
    let rows = |out: &str, sql: &str| {
        csv_rows(sql, &clipflow(path, &["sql", out, sql, "--format", "csv"]))
    };
    let run = |requests: &str, out: &str| {
        fs::write(path.join("r.csv"), format!("{HEAD}{requests}")).unwrap();
        let output = clipflow(path, &["run", "r.csv", "--out", out, "--plan-only"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let reused = "SELECT value FROM run_stats WHERE metric = 'clipflow_reused_analyses_total' ORDER BY run_id";
        rows(out, reused)
    };
    assert_eq!(run("a,show.mp4,4,9,2\n", "out"), [""; 0]);
    let others = "b,show.mp4,3,6,3\nc,./show.mp4,6,12,1\n";
    assert_eq!(run(others, "out"), ["1.0"]);
    assert_eq!(run(others, "fresh"), [""; 0]);
    let chosen = "SELECT request_id, start, \"end\", score, hook_text FROM clips WHERE request_id IN ('b', 'c') ORDER BY 1, 2";
    assert_eq!(rows("out", chosen), rows("fresh", chosen));
    // A source that changed is analysed again.
    let file = fs::File::options().write(true).open(path.join("show.mp4")).unwrap();
    file.set_modified(UNIX_EPOCH + Duration::from_secs(1_000_000_000)).unwrap();
    assert_eq!(run("d,show.mp4,4,9,2\n", "out"), ["1.0"], "of the run before");
}

#[test]
fn another_run_finds_what_was_analysed() {
    let folder = tempfile::tempdir().unwrap();
    let gate = sources(folder.path(), &["a", "b"]);
    gate.open("all");
    let (said, analysed) = cached(&gate, "one", &[]);
    assert!(said.contains("cache: 0 of 2 analyses found, 2 added"), "{said}");
    assert_eq!(analysed, ["a.mp4", "b.mp4"]);
    let (said, analysed) = cached(&gate, "two", &[]);
    assert!(said.contains("cache: 2 of 2 analyses found, 0 added"), "{said}");
    assert!(analysed.is_empty());
    assert_eq!(gate.tables("one"), gate.tables("two"));
    // A source that changed, and captions that appeared.
    fs::write(folder.path().join("b.srt"), "1\n00:00:01,000 --> 00:00:02,000\nHello.\n").unwrap();
    let changed = fs::File::open(folder.path().join("a.mp4")).unwrap();
    changed.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    assert_eq!(cached(&gate, "three", &[]).1, ["a.mp4", "b.mp4"]);
    // Kept for no time at all.
    let (said, analysed) = cached(&gate, "four", &["--cache-ttl", "0.0000001"]);
    assert_eq!(analysed, ["a.mp4", "b.mp4"], "{said}");
    let (code, said) = gate.run(&["cache", "clear", "--cache-dir", "cache"]);
    assert_eq!((code, said.contains("4 analyses")), (Some(0), true), "{said}");
    assert_eq!(files(&folder.path().join("cache")), Vec::<String>::new());
}

#[test]
fn a_damaged_entry_is_found_and_done_again() {
    let folder = tempfile::tempdir().unwrap();
    let gate = sources(folder.path(), &["a", "b"]);
    gate.open("all");
    cached(&gate, "one", &[]);
    let (code, listed) = gate.run(&["cache", "ls", "--cache-dir", "cache", "--format", "csv"]);
    assert_eq!(code, Some(0), "{listed}");
    assert_eq!(listed.lines().count(), 3);
    assert!(listed.contains("/a.mp4,analyze,") && listed.contains("/b.mp4,analyze,"), "{listed}");
    let entries = files(&folder.path().join("cache"));
    let poisoned = folder.path().join("cache").join(&entries[0]);
    let mut bytes = fs::read(&poisoned).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    fs::write(&poisoned, &bytes).unwrap();
    let (said, analysed) = cached(&gate, "two", &[]);
    assert_eq!(analysed.len(), 1, "{said}");
    assert_eq!(gate.tables("one"), gate.tables("two"));
    let verify = ["cache", "verify", "--cache-dir", "cache"];
    assert_eq!(gate.run(&verify).0, Some(0), "it was replaced by a good one");
    fs::write(&poisoned, &bytes[..middle]).unwrap();
    let (code, said) = gate.run(&verify);
    assert_eq!((code, said.contains("is damaged: removed")), (Some(3), true), "{said}");
    assert_eq!(files(&folder.path().join("cache")).len(), 1);
    assert_eq!(gate.run(&verify).0, Some(0));
}

#[test]
fn two_processes_that_start_the_same_analysis_do_it_once() {
    let folder = tempfile::tempdir().unwrap();
    let gate = sources(folder.path(), &["a"]);
    let run =
        |out| gate.start(&["-vv", "run", "r.csv", "--out", out, "--cache", "--cache-dir", "cache"]);
    let first = run("one");
    until("the first one analyses", || gate.peek().len() == 1);
    let mut second = run("two");
    second.wait_for_line("waiting for what another process is making");
    assert_eq!(gate.peek().len(), 1);
    gate.open("all");
    for running in [first, second] {
        let (status, said) = running.end();
        assert_eq!(status.code(), Some(0), "{said}");
    }
    let calls = gate.calls();
    assert_eq!(calls.iter().filter(|c| c.starts_with("analyze")).count(), 1, "{calls:?}");
    assert_eq!(gate.tables("one"), gate.tables("two"));
    assert_eq!(files(&folder.path().join("cache")).len(), 1, "no lock is left");
}

#[test]
fn one_that_is_killed_lets_the_other_do_it() {
    let folder = tempfile::tempdir().unwrap();
    let gate = sources(folder.path(), &["a"]);
    let run = |out| gate.start(&["run", "r.csv", "--out", out, "--cache", "--cache-dir", "cache"]);
    let mut first = run("one");
    until("the first one analyses", || gate.peek().len() == 1);
    let second = run("two");
    first.child.kill().unwrap();
    until("the second one analyses", || gate.peek().len() == 2);
    gate.open("all");
    let (status, said) = second.end();
    assert_eq!(status.code(), Some(0), "{said}");
}

#[test]
fn a_cache_that_cannot_be_used_costs_nothing_but_itself() {
    let folder = tempfile::tempdir().unwrap();
    let gate = sources(folder.path(), &["a"]);
    gate.open("all");
    fs::write(folder.path().join("file"), "").unwrap();
    let args = ["run", "r.csv", "--out", "out", "--cache", "--cache-dir", "file/cache"];
    let (code, said) = gate.run(&args);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("it cannot be used"), "{said}");
    let (code, said) = gate.run(&["cache", "ls", "--cache-dir", "file/cache"]);
    assert_eq!(code, Some(1), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_that_a_key_calls_the_same_share_an_analysis_and_stay_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    show::make(&path.join("a.mp4"));
    fs::copy(path.join("a.mp4"), path.join("b.mp4")).unwrap();
    fs::write(path.join("r.csv"), format!("{HEAD}a,a.mp4,4,8,1\nb,b.mp4,4,8,1\n")).unwrap();
    let mut config = RunConfig::new(path.join("r.csv"), path.join("out"));
    config.parallel.enable_caching = true;
    config.parallel.cache_dir = path.join("cache").to_string_lossy().into_owned();
    // Same size, same content: good enough here.
    config.cache_key = Some(CacheKeyFn::new(|subject| {
        subject.validator.unwrap_or_default().split('-').next().unwrap_or_default().to_owned()
    }));
    let summary = pipeline::run(&config).await.unwrap();
    let stats = summary.cache.unwrap();
    assert_eq!((stats.hits, stats.misses, stats.stored), (1, 1, 1));
    assert_eq!((summary.answered, summary.clips, summary.sources), (2, 2, 2));
    let rows = super::support::query(
        path,
        "SELECT count(*), count(DISTINCT source_id), count(DISTINCT validator) FROM sources",
    );
    assert_eq!(rows, ["2,2,2"]);
    // Other settings have other keys, whatever the closure says.
    config.out = path.join("other").into();
    config.analyze.buckets_per_second *= 2.0;
    let stats = pipeline::run(&config).await.unwrap().cache.unwrap();
    assert_eq!((stats.hits, stats.misses), (1, 1));
}
