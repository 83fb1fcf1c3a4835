//! Requests, videos and results in an S3 bucket, through the command.

use std::fs;
use std::path::Path;

use hyper::Method;

use crate::support::counter::probe;
use crate::support::s3::{Harm, S3, SECRET};
use crate::support::{HEAD, csv_rows, show, stderr, stdout};

const RESULTS: &str = "s3://bucket/results";

/// A bucket with `short.mp4`, and `requests.csv` of `rows` of an id and a source.
fn bucket(rows: &[(&str, &str)]) -> S3 {
    let server = S3::start();
    fs::write(server.bucket().join("short.mp4"), show::short()).unwrap();
    requests(&server, "requests.csv", rows);
    server
}

fn requests(server: &S3, name: &str, rows: &[(&str, &str)]) {
    let rows: String = rows.iter().map(|(id, url)| format!("{id},{url},2,4,1\n")).collect();
    fs::write(server.bucket().join(name), HEAD.to_owned() + &rows).unwrap();
}

/// Run `requests` into the bucket; standard error.
fn run(server: &S3, requests: &str, code: i32) -> String {
    run_with(server, requests, &[], code)
}

fn run_with(server: &S3, requests: &str, more: &[&str], code: i32) -> String {
    let folder = tempfile::tempdir().unwrap();
    let requests = format!("s3://bucket/{requests}");
    let args = [&["run", &requests, "--out", RESULTS], more].concat();
    let output = server.clipflow(folder.path(), &args);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(code), "{said}{}", stdout(&output));
    assert!(!said.contains(SECRET) && !stdout(&output).contains(SECRET));
    said
}

fn query(server: &S3, sql: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    csv_rows(sql, &server.clipflow(folder.path(), &["sql", RESULTS, sql, "--format", "csv"]))
}

/// Names and contents of the files in `folder` of the dataset, sorted.
fn files(server: &S3, folder: &str) -> Vec<(String, Vec<u8>)> {
    let folder = server.bucket().join("results").join(folder);
    let read = |path: &Path| {
        (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap())
    };
    let mut all: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| read(&entry.unwrap().path())).collect();
    all.sort();
    all
}

#[test]
fn requests_videos_and_results_lie_in_a_bucket() {
    let server = bucket(&[("a", "s3://bucket/short.mp4"), ("b", "short.mp4")]);
    run(&server, "requests.csv", 0);
    assert_eq!(query(&server, "SELECT count(*) FROM clips"), ["2"]);
    let outcomes = query(&server, "SELECT request_id, status FROM outcomes ORDER BY 1");
    assert_eq!(outcomes, ["a,ok", "b,ok"]);
    // A query over other results reads these as well, through a store of its own.
    let elsewhere = server.clipflow(
        show::finished(),
        &[
            "sql",
            "out",
            "SELECT count(*) FROM clips('s3://bucket/results/')",
            "--format",
            "csv",
            "--allow-root",
            "s3://bucket/",
        ],
    );
    assert_eq!(stdout(&elsewhere), "count(*)\n2\n", "{}", stderr(&elsewhere));
    let media = files(&server, "media");
    assert!(!media.is_empty());
    for (name, _) in media {
        let file = server.bucket().join("results/media").join(name);
        let seconds = probe(file.to_str().unwrap(), &["-show_entries", "format=duration"]);
        let seconds: f64 = seconds[0].parse().unwrap();
        assert!((1.9..4.2).contains(&seconds), "{seconds} s");
    }
}

#[test]
fn stills_lie_beside_the_files_in_a_bucket() {
    let server = bucket(&[("a", "short.mp4")]);
    let sent = || server.statuses(&Method::PUT, "/results/media/").len();
    run(&server, "requests.csv", 0);
    let named = query(&server, "SELECT uri, thumbnail_uri FROM renditions");
    let uri = named[0].strip_suffix(',').unwrap();
    assert_eq!(sent(), 1);
    // Asked for later, it is added to the file that is there.
    let still = format!("{}jpg", uri.strip_suffix("mp4").unwrap());
    let path = server.bucket().join("results").join(&still);
    run_with(&server, "requests.csv", &["--thumbnails"], 0);
    let named = query(&server, "SELECT uri, thumbnail_uri FROM renditions");
    assert_eq!(named, [format!("{uri},{still}")]);
    assert_eq!(probe(path.to_str().unwrap(), &["-show_entries", "stream=codec_name"]), ["mjpeg"]);
    // Then it is there for every request of the same file.
    let before = sent();
    run_with(&server, "requests.csv", &["--thumbnails"], 0);
    requests(&server, "more.csv", &[("b", "short.mp4")]);
    run_with(&server, "more.csv", &["--thumbnails"], 0);
    assert_eq!(sent(), before);
    // One that is lost is made again.
    fs::remove_file(&path).unwrap();
    run_with(&server, "requests.csv", &["--thumbnails"], 0);
    assert!(path.is_file());
}

#[test]
fn a_request_is_forgotten_in_a_bucket() {
    let server = bucket(&[("a", "short.mp4"), ("b", "long.mp4")]);
    fs::write(server.bucket().join("long.mp4"), show::short()).unwrap();
    run_with(&server, "requests.csv", &["--thumbnails"], 0);
    assert_eq!(files(&server, "media").len(), 4);
    let folder = tempfile::tempdir().unwrap();
    let forget = |more: &[&str]| {
        let args = [&["forget", RESULTS, "--where", "request_id = 'b'"], more].concat();
        let output = server.clipflow(folder.path(), &args);
        assert!(output.status.success(), "{}", stderr(&output));
        stdout(&output)
    };
    assert!(forget(&["--dry-run"]).starts_with("would forget 1 request with 1 clip"));
    assert_eq!(files(&server, "media").len(), 4);
    let said = forget(&[]);
    assert!(
        said.starts_with("forgot 1 request with 1 clip") && said.contains("1 media file"),
        "{said}"
    );
    assert_eq!((files(&server, "media").len(), files(&server, "_media").len()), (2, 1));
    assert_eq!(query(&server, "SELECT request_id FROM renditions"), ["a"]);
    assert_eq!(query(&server, "SELECT count(*) FROM sources"), ["1"]);
    // What is asked for again is made again.
    run_with(&server, "requests.csv", &["--thumbnails"], 0);
    assert_eq!(files(&server, "media").len(), 4);
    let named = query(&server, "SELECT DISTINCT request_file FROM requests");
    assert_eq!(named, ["s3://bucket/requests.csv"]);
}

#[test]
fn captions_lie_beside_the_files_in_a_bucket() {
    let server = bucket(&[("a", "show.mp4")]);
    show::make(&server.bucket().join("show.mp4"));
    let beside = ["--variants", "1", "--platforms", "feed", "--captions", "sidecar"];
    let asked = [&beside[..], &["--variants-only"]].concat();
    run_with(&server, "requests.csv", &asked, 0);
    let captions = query(&server, "SELECT captions_uri FROM renditions").remove(0);
    let srt = server.bucket().join("results").join(captions);
    let vtt = srt.with_extension("vtt");
    let before = fs::read_to_string(&srt).unwrap();
    assert!(before.contains("-->") && fs::read_to_string(&vtt).unwrap().starts_with("WEBVTT"));
    for lost in [&srt, &vtt] {
        fs::remove_file(lost).unwrap();
        run_with(&server, "requests.csv", &asked, 0);
        assert!(vtt.is_file());
        assert_eq!(fs::read_to_string(&srt).unwrap(), before);
    }
}

#[test]
fn the_same_run_again_changes_nothing_and_other_requests_are_added() {
    let server = bucket(&[("a", "short.mp4")]);
    run(&server, "requests.csv", 0);
    let (commits, media) = (files(&server, "_commit"), files(&server, "media"));
    let uploads = server.statuses(&Method::PUT, "/media/").len();
    assert_eq!(uploads, 1, "{} media files", media.len());
    run(&server, "requests.csv", 0);
    assert_eq!(files(&server, "_commit"), commits);
    assert_eq!(files(&server, "media"), media);
    assert_eq!(server.statuses(&Method::PUT, "/media/").len(), uploads);

    fs::write(server.bucket().join("other.mp4"), show::short()).unwrap();
    requests(&server, "more.csv", &[("b", "other.mp4")]);
    run(&server, "more.csv", 0);
    let outcomes = query(&server, "SELECT request_id, status FROM outcomes ORDER BY 1");
    assert_eq!(outcomes, ["a,ok", "b,ok"]);
    assert_eq!(query(&server, "SELECT count(*) FROM clips"), ["2"]);
    assert_eq!(files(&server, "_commit").len(), commits.len() + 1);
}

#[test]
fn lost_replies_and_busy_answers_neither_lose_nor_double_anything() {
    let server = bucket(&[("a", "short.mp4"), ("b", "short.mp4")]);
    server.trap(Method::PUT, "/results/_commit/0", 1, Harm::LoseReply);
    server.trap(Method::PUT, "/results/clips/", 1, Harm::Busy);
    server.trap(Method::PUT, "/results/media/", 1, Harm::Busy);
    run(&server, "requests.csv", 0);
    assert_eq!(server.traps_left(), 0, "all befell a request");
    let commits = server.statuses(&Method::PUT, "/results/_commit/0");
    assert_eq!(commits, [0, 412], "the second try finds the first");
    assert_eq!(server.statuses(&Method::PUT, "/results/clips/"), [503, 200]);
    assert!(server.statuses(&Method::PUT, "/results/media/").contains(&503));
    let outcomes = query(&server, "SELECT request_id, status FROM outcomes ORDER BY 1");
    assert_eq!(outcomes, ["a,ok", "b,ok"]);
    let clips = query(&server, "SELECT request_id, count(*) FROM clips GROUP BY 1 ORDER BY 1");
    assert_eq!(clips, ["a,1", "b,1"]);
    let manifests = files(&server, "_commit").iter().filter(|f| f.0.ends_with(".json")).count();
    assert_eq!(manifests, 1, "one commit");
}

#[test]
fn a_missing_object_is_a_failed_row() {
    let server = bucket(&[("a", "short.mp4"), ("b", "s3://bucket/none.mp4")]);
    run(&server, "requests.csv", 3);
    let outcomes = query(&server, "SELECT request_id, status, error_code FROM outcomes ORDER BY 1");
    assert_eq!(outcomes, ["a,ok,", "b,failed,source.not_found"]);
}

#[test]
fn a_wrong_secret_names_the_variables_and_not_the_secret() {
    let server = bucket(&[("a", "short.mp4")]);
    let folder = tempfile::tempdir().unwrap();
    let wrong = "not-the-secret-93ac";
    for args in [
        vec!["run", "s3://bucket/requests.csv", "--out", RESULTS],
        vec!["sql", RESULTS, "SELECT count(*) FROM clips"],
    ] {
        let output = server.clipflow_with(folder.path(), &args, wrong);
        let said = stderr(&output) + &stdout(&output);
        assert!(output.status.code().is_some_and(|code| code > 0), "{said}");
        assert!(said.contains("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"), "{said}");
        assert!(!said.contains(wrong), "{said}");
    }
    assert!(!server.bucket().join("results").exists(), "nothing was written");
}
