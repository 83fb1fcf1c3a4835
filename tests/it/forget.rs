//! Requests that are forgotten: by a condition, or because they left their request file.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use clipflow::pipeline::{RunConfig, forget};
use tempfile::TempDir;

use super::support::{HEAD, clipflow, query, stderr, stdout};

/// A folder with the videos `a.mp4` and `b.mp4`.
static VIDEOS: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    for (name, picture) in [("a.mp4", "testsrc2"), ("b.mp4", "smptebars")] {
        let source = format!("{picture}=s=160x90:r=25:d=10");
        let status = Command::new("ffmpeg")
            .args(["-v", "error", "-f", "lavfi", "-i", &source, "-f", "lavfi", "-i", "sine=d=10"])
            .args(["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", "-shortest"])
            .arg(folder.path().join(name))
            .status()
            .unwrap();
        assert!(status.success());
    }
    folder
});

const ROWS: &str = "one,a.mp4,4,6,1\ntwo,a.mp4,4,6,1\nthree,b.mp4,4,6,1\n";

/// A folder with the videos and `requests.csv`, whose `rows` were run into `out`.
fn ran(rows: &str, more: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.mp4", "b.mp4"] {
        fs::hard_link(VIDEOS.path().join(name), folder.path().join(name))
            .or_else(|_| fs::copy(VIDEOS.path().join(name), folder.path().join(name)).map(|_| ()))
            .unwrap();
    }
    run(folder.path(), rows, more);
    folder
}

/// What the run of `rows` prints.
fn run(folder: &Path, rows: &str, more: &[&str]) -> String {
    fs::write(folder.join("requests.csv"), format!("{HEAD}{rows}")).unwrap();
    let output = clipflow(folder, &[&["run", "requests.csv", "-o", "out"], more].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    stdout(&output)
}

fn files(folder: &Path) -> Vec<String> {
    let names =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort();
    names
}

/// The request ids of each table that has them.
fn ids(folder: &Path) -> Vec<String> {
    let mut found = vec![];
    for table in ["requests", "outcomes", "candidates", "clips", "renditions"] {
        found.extend(query(folder, &format!("SELECT DISTINCT request_id FROM {table} ORDER BY 1")));
    }
    found.sort();
    found.dedup();
    found
}

#[test]
fn a_forgotten_request_takes_what_was_made_for_it_alone() {
    let folder = ran(ROWS, &["--name", "{source}-{start}", "--thumbnails"]);
    let out = folder.path().join("out");
    let forget = |args: &[&str]| {
        let output = clipflow(folder.path(), &[&["forget", "out", "--where"], args].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        stdout(&output)
    };
    let (media, posts) = (files(&out.join("media")), files(&out.join("posts")));
    assert_eq!(media.len(), 4, "two clips are one file: {media:?}");

    let dry = forget(&["request_id = 'three'", "--dry-run"]);
    assert!(dry.starts_with("would forget 1 request with 1 clip, 0 variants, 1 source "), "{dry}");
    assert!(dry.contains("and 1 media file ("), "{dry}");
    assert_eq!((files(&out.join("media")), files(&out.join("posts"))), (media, posts));
    assert_eq!(ids(folder.path()), ["one", "three", "two"]);

    let said = forget(&["source_url LIKE 'b.%'"]);
    assert!(said.starts_with("forgot 1 request with 1 clip"), "{said}");
    assert_eq!(ids(folder.path()), ["one", "two"]);
    for table in ["sources", "signals", "shots"] {
        let sources =
            query(folder.path(), &format!("SELECT count(DISTINCT source_id) FROM {table}"));
        assert_eq!(sources, ["1"], "{table}");
    }
    assert_eq!(files(&out.join("media")).len(), 2);
    let posts = files(&out.join("posts"));
    assert!(posts.iter().all(|name| !name.starts_with("b-")), "{posts:?}");
    assert!(posts.iter().any(|name| name.starts_with("a-")), "the names stay: {posts:?}");

    // The other request has the same file.
    let said = forget(&["request_id = 'one'"]);
    assert!(said.contains("0 sources of no other request and 0 media files"), "{said}");
    assert_eq!(ids(folder.path()), ["two"]);
    assert_eq!(files(&out.join("media")).len(), 2);
    assert!(forget(&["request_id = 'one'"]).starts_with("nothing to forget"));

    forget(&["true"]);
    assert_eq!(ids(folder.path()), Vec::<String>::new());
    assert_eq!(files(&out.join("media")), Vec::<String>::new());
    assert!(
        stdout(&clipflow(folder.path(), &["run", "requests.csv", "-o", "out"])).contains("3 clips")
    );
}

#[test]
fn requests_that_left_their_file_are_told_and_pruned() {
    let folder = ran(ROWS, &[]);
    // One row is changed, one gone, and one new; `two` stays.
    let now = "two,a.mp4,4,6,1\n,b.mp4,3,5,1\n";
    let said = run(folder.path(), now, &[]);
    let told = "2 requests of earlier runs are not in the request file any more (e.g. one of a.mp4), with their 2 clips; they stay in the results: --prune removes them, or clipflow forget";
    assert!(said.contains(told), "{said}");
    assert_eq!(query(folder.path(), "SELECT count(*) FROM requests"), ["4"]);

    let said = run(folder.path(), now, &["--prune"]);
    assert!(
        said.contains("nothing to do") && said.contains("clips: forgot 2 requests with 2 clips"),
        "{said}"
    );
    assert_eq!(query(folder.path(), "SELECT count(*) FROM requests"), ["2"]);
    assert_eq!(query(folder.path(), "SELECT count(*) FROM clips"), ["2"]);
    let listed = query(folder.path(), "SELECT count(DISTINCT uri) FROM renditions");
    assert_eq!(listed, [files(&folder.path().join("out/media")).len().to_string()]);

    // The run's own results are as they were: nothing is done again.
    let said = run(folder.path(), now, &[]);
    assert!(said.contains("nothing to do") && !said.contains("earlier runs"), "{said}");

    // Another file's requests are none of this one's business.
    fs::write(folder.path().join("more.csv"), format!("{HEAD}more,a.mp4,5,7,1\n")).unwrap();
    let output = clipflow(folder.path(), &["run", "more.csv", "-o", "out", "--prune"]);
    assert!(output.status.success() && !stdout(&output).contains("earlier runs"), "{output:?}");
    assert_eq!(query(folder.path(), "SELECT count(*) FROM requests"), ["3"]);
    let named = query(
        folder.path(),
        "SELECT DISTINCT regexp_replace(request_file, '.*/', '') FROM requests ORDER BY 1",
    );
    assert_eq!(named, ["more.csv", "requests.csv"]);
}

#[test]
fn what_cannot_be_forgotten_says_why() {
    let folder = ran("one,a.mp4,4,6,1\n", &[]);
    let fails = |dir: &str, condition: &str| {
        let output = clipflow(folder.path(), &["forget", dir, "--where", condition]);
        assert!(!output.status.success());
        stderr(&output)
    };
    assert!(fails("out", "colour = 'red'").contains("it is SQL over the columns of requests"));
    assert!(fails("nowhere", "true").contains("holds no results"));
    assert!(!folder.path().join("nowhere").exists());

    // A run under way may have found a file that it need not render.
    let staging = folder.path().join("out/_staging/run-x");
    fs::create_dir_all(&staging).unwrap();
    let lock = File::create(staging.join("lock")).unwrap();
    lock.lock().unwrap();
    assert!(fails("out", "true").contains("a run is writing to out"));
    assert_eq!(ids(folder.path()), ["one"]);
    drop(lock);
    let output = clipflow(folder.path(), &["forget", "out", "--where", "true"]);
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn readers_see_the_results_before_or_after() {
    let folder = ran(ROWS, &[]);
    let out = folder.path().join("out");
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut seen = vec![];
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                let sql = "SELECT count(DISTINCT r.request_id), count(DISTINCT c.request_id) FROM requests r LEFT JOIN clips c ON c.request_id = r.request_id";
                let output = clipflow(folder.path(), &["sql", "out", sql, "--format", "csv"]);
                // A file that is replaced between the opening and the reading of the results is an error, or (as after
                // any commit, see the store) a table without rows; never a part of the requests.
                if output.status.success() {
                    seen.extend(stdout(&output).lines().nth(1).map(str::to_owned));
                }
            }
            seen
        });
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let config = RunConfig::new("", out.as_path());
        for id in ["one", "three"] {
            let forgotten =
                runtime.block_on(forget(&config, &format!("request_id = '{id}'"), false)).unwrap();
            assert_eq!((forgotten.requests, forgotten.clips, forgotten.is_dry), (1, 1, false));
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        let seen = reader.join().unwrap();
        assert!(
            seen.iter().all(|row| ["3,3", "2,2", "1,1", "0,0"].contains(&row.as_str())),
            "{seen:?}"
        );
    });
    assert_eq!(ids(folder.path()), ["two"]);
}
