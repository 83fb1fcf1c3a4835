//! `clipflow report`: the page has what the tables have, no text of a user becomes markup, and it stays small.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::support::s3::S3;
use super::support::{HEAD, clipflow, query, show, stderr, stdout};

/// Text that would do harm as markup.
const HOSTILE: &str = "</script><script>alert(1)</script><!--<img src=x onerror=alert(2)>";
/// A name that would do harm as markup or in a command.
const NAME: &str = "a \"b\" 'c' <img src=x onerror=alert(3)> # ü 100%.mp4";

/// What `report` prints about the results in `folder/out`, which must succeed.
fn said(folder: &Path, args: &[&str]) -> (String, String) {
    let output = clipflow(folder, &[&["report", "out", "-o", "report.html"], args].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    (stdout(&output), stderr(&output))
}

/// The page of the results in `folder/out`, and its data.
fn page(folder: &Path, args: &[&str]) -> (String, Value) {
    said(folder, args);
    let html = fs::read_to_string(folder.join("report.html")).unwrap();
    let data = data(&html);
    (html, data)
}

fn data(html: &str) -> Value {
    let (_, rest) = html.split_once("type=\"application/json\">").expect("the page has data");
    let (json, _) = rest.split_once("</script>").expect("the data end");
    serde_json::from_str(json).expect("the data are JSON")
}

fn run(folder: &Path, requests: &str, args: &[&str], code: i32) {
    fs::write(folder.join("requests.csv"), requests).unwrap();
    let output = clipflow(folder, &[&["run", "requests.csv", "--out", "out"], args].concat());
    assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
}

fn length(value: &Value) -> usize {
    value.as_array().expect("a list").len()
}

fn number(folder: &Path, sql: &str) -> usize {
    query(folder, sql)[0].parse().unwrap()
}

#[test]
fn the_page_has_what_the_tables_have() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    show::make(&path.join("show.mp4"));
    let requests = format!("{HEAD}one,show.mp4,4,8,2\ntwo,lost.mp4,4,8,1\nthree,show.mp4,9,5,1\n");
    run(path, &requests, &["--variants", "2", "--platforms", "tiktok", "--thumbnails"], 3);
    let (html, data) = page(path, &[]);
    assert!(html.contains("default-src 'none'") && html.starts_with("<!doctype html>"));
    for (list, table) in [
        ("requests", "outcomes"),
        ("sources", "sources"),
        ("clips", "clips"),
        ("variants", "variants"),
        ("files", "renditions"),
    ] {
        let rows = number(path, &format!("SELECT count(*) FROM {table}"));
        assert_eq!(length(&data[list]), rows, "{list}");
    }
    let windows = &data["windows"][0];
    assert_eq!(length(&windows["score"]), number(path, "SELECT count(*) FROM candidates"));
    assert_eq!(length(&windows["chosen"]), 2);
    assert_eq!(windows["adds_up"], true, "the built-in weights give the scores");
    assert!(length(&windows["parts"]) >= 2);
    let timeline = &data["timelines"][0];
    for (lane, table) in [("shots", "shots"), ("cues", "cues")] {
        let rows = number(path, &format!("SELECT count(*) FROM {table}"));
        assert_eq!(length(&timeline[lane]), rows, "{lane}");
    }
    assert!(length(&timeline["motion"]) > 100);
    assert_eq!(length(&timeline["stills"]["jpeg"]), 16);
    let jpeg = timeline["stills"]["jpeg"][0].as_str().unwrap();
    assert!(jpeg.starts_with("/9j/"), "a JPEG in Base64");
    for file in data["files"].as_array().unwrap() {
        let base = path.join(data["about"]["base"].as_str().unwrap());
        for name in ["uri", "thumbnail"] {
            assert!(base.join(file[name].as_str().unwrap()).is_file(), "{file}");
        }
    }
    let totals = &data["totals"];
    assert_eq!([&totals["requests"], &totals["valid"], &totals["answered"]], [3, 2, 1]);
    let codes: Vec<&str> =
        data["failures"].as_array().unwrap().iter().map(|f| f["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["invalid_request.bad_length", "source.not_found"]);
    assert!(data["failures"][1]["advice"].as_str().unwrap().contains("exists"));
    assert!(data["again"].as_str().unwrap().contains("dead_letters"));
    assert_eq!(data["posted"], Value::Null);
}

#[test]
fn texts_and_names_of_users_stay_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join(NAME), show::short()).unwrap();
    let captions = format!("1\n00:00:00,200 --> 00:00:05,500\n{HOSTILE}\n");
    fs::write(path.join(NAME.replace(".mp4", ".en.srt")), captions).unwrap();
    let quoted = format!("\"{}\"", NAME.replace('"', "\"\""));
    let requests = format!(
        "request_id,source_url,min_clip_length,max_clip_length,max_clips,topic\n\"{HOSTILE}\",{quoted},2,4,1,\"{HOSTILE}\"\n"
    );
    run(path, &requests, &["--variants", "1", "--plan-only"], 0);
    let (html, data) = page(path, &[]);
    assert_eq!(html.matches("<script").count(), 3, "data, library and the page's own");
    assert_eq!(html.matches("</script>").count(), 3);
    assert!(!html.contains("<img") && !html.contains("<!--"), "no text is markup");
    assert_eq!(data["requests"][0]["id"], HOSTILE);
    assert_eq!(data["requests"][0]["topic"], HOSTILE);
    assert!(data["sources"][0]["location"].as_str().unwrap().ends_with(NAME));
    assert_eq!(length(&data["timelines"][0]["stills"]["jpeg"]), 16, "the name is no obstacle");
}

#[test]
fn a_thousand_clips_stay_small() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    show::make(&path.join("show.mp4"));
    for n in 0..5 {
        fs::copy(path.join("show.mp4"), path.join(format!("show{n}.mp4"))).unwrap();
    }
    let rows: String = (0..340).map(|n| format!("r{n},show{}.mp4,4,8,3\n", n % 5)).collect();
    run(path, &format!("{HEAD}{rows}"), &["--variants", "2", "--plan-only"], 0);
    let (html, data) = page(path, &["--stills", "1"]);
    assert!(length(&data["clips"]) >= 1000, "{}", data["totals"]);
    assert_eq!(length(&data["variants"]) as i64, data["totals"]["variants"].as_i64().unwrap());
    assert!(html.len() < 12_000_000, "{} bytes", html.len());
    let stills: usize = data["timelines"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|t| t["stills"]["jpeg"].as_array())
        .flatten()
        .map(|jpeg| jpeg.as_str().unwrap().len())
        .sum();
    assert!((1..=1_000_000).contains(&stills), "{stills} bytes of stills");
    assert_eq!(data["files"], Value::Array(vec![]));
}

#[test]
fn what_is_missing_is_said_and_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    run(path, &format!("{HEAD}one,lost.mp4,4,8,1\n"), &[], 3);
    let (printed, _) = said(path, &[]);
    assert_eq!(printed.split(" (").next().unwrap(), "report.html shows 0 clips and 0 sources");
    let data = data(&fs::read_to_string(path.join("report.html")).unwrap());
    assert_eq!((length(&data["sources"]), length(&data["requests"])), (0, 1));
    // Again, over the page that is there.
    said(path, &["--stills", "0"]);
    let output = clipflow(path, &["report", "nowhere", "-o", "other.html"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("store.read") && !path.join("other.html").exists());
    let output = clipflow(path, &["report", "out", "-o", "no/folder/r.html"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
}

#[test]
fn sources_elsewhere_are_read_when_they_are_allowed() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (path, video) = (folder.path(), other.path().join("short.mp4"));
    fs::write(&video, show::short()).unwrap();
    let root = other.path().to_str().unwrap();
    let requests = format!("{HEAD}one,{},2,4,1\n", video.display());
    run(path, &requests, &["--allow-root", root], 0);
    let (_, data) = page(path, &[]);
    let why = data["timelines"][0]["no_stills"].as_str().unwrap();
    assert!(why.contains("lies outside") && why.contains("--allow-root"), "{why}");
    let (_, data) = page(path, &["--allow-root", root]);
    assert_eq!(length(&data["timelines"][0]["stills"]["jpeg"]), 16);
}

#[test]
fn events_become_figures_and_experiments() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("short.mp4"), show::short()).unwrap();
    let requests = "request_id,source_url,min_clip_length,max_clip_length,max_clips,experiment_id\none,short.mp4,2,4,1,hooks\n";
    run(path, requests, &["--variants", "2", "--platforms", "tiktok,x", "--plan-only"], 0);
    let ids = query(path, "SELECT variant_id FROM variants ORDER BY 1");
    assert_eq!(ids.len(), 2);
    let events = format!(
        "variant_id,day,impressions,views,views_3s,likes\n{},2026-05-01,1000,500,300,10\n{},2026-05-01,1000,600,420,10\n",
        ids[0], ids[1]
    );
    fs::write(path.join("events.csv"), events).unwrap();
    let (_, data) = page(path, &["--events", "events.csv"]);
    let posted = &data["posted"];
    assert_eq!(posted["variants"][0]["name"], ids[1].as_str(), "most views first");
    let hook = posted["metrics"].as_array().unwrap().iter().position(|m| m == "hook_rate").unwrap();
    assert_eq!(posted["variants"][0]["values"][hook], 0.42);
    let arms = posted["experiments"].as_array().unwrap();
    assert!(
        arms.iter().any(|arm| arm["metric"] == "hook_rate" && arm["winner"] == true),
        "{arms:?}"
    );
    let output = clipflow(path, &["report", "out", "-o", "x.html", "--events", "lost.csv"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
}

#[test]
fn results_in_an_object_store_have_a_page_too() {
    let server = S3::start();
    fs::write(server.bucket().join("short.mp4"), show::short()).unwrap();
    fs::write(server.bucket().join("requests.csv"), format!("{HEAD}one,short.mp4,2,4,1\n"))
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let results = "s3://bucket/results";
    let output =
        server.clipflow(folder.path(), &["run", "s3://bucket/requests.csv", "--out", results]);
    assert!(output.status.success(), "{}", stderr(&output));
    let output = server.clipflow(folder.path(), &["report", results, "-o", "report.html"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let data = data(&fs::read_to_string(folder.path().join("report.html")).unwrap());
    assert_eq!((&data["about"]["base"], length(&data["clips"])), (&Value::Null, 1));
    assert!(data["files"][0]["uri"].as_str().unwrap().starts_with("media/"));
}
