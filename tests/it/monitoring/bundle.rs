//! `clipflow debug`, and what it is made of.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rawzip::ZipArchive;

use super::super::support::{clipflow, show, stderr};

/// The files of a ZIP file whose content is stored.
fn unpacked(path: &Path) -> BTreeMap<String, String> {
    let data = fs::read(path).unwrap();
    let archive = ZipArchive::from_slice(&data).unwrap();
    let mut files = BTreeMap::new();
    for entry in archive.entries() {
        let entry = entry.unwrap();
        let name = String::from_utf8(entry.file_path().as_bytes().to_vec()).unwrap();
        let stored = archive.get_entry(entry.wayfinder()).unwrap();
        files.insert(name, String::from_utf8(stored.data().to_vec()).unwrap());
    }
    files
}

#[test]
fn a_bundle_has_what_is_known_of_a_request_that_failed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    show::requests(path);
    // A video that ends too early is one that ffprobe has something to say about.
    let whole = fs::read(path.join("show.mp4")).unwrap();
    fs::write(path.join("notes.mp4"), &whole[..whole.len() / 2]).unwrap();
    let run = ["run", "requests.csv", "--out", "out"];
    assert_eq!(clipflow(path, &run).status.code(), Some(3));
    let output = clipflow(path, &["debug", "out", "text", "-o", "b.zip"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let files = unpacked(&path.join("b.zip"));
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    let expected = [
        "README.txt",
        "candidates.json",
        "clips.json",
        "outcomes.json",
        "plan.txt",
        "processes.json",
        "renditions.json",
        "requests.json",
        "run_stats.json",
        "settings.toml",
        "sources.json",
        "variants.json",
        "versions.json",
    ];
    assert_eq!(names, expected);
    let outcome: serde_json::Value = serde_json::from_str(&files["outcomes.json"]).unwrap();
    assert_eq!(
        (outcome["request_id"].as_str(), outcome["status"].as_str()),
        (Some("text"), Some("failed"))
    );
    let record: serde_json::Value = serde_json::from_str(&files["processes.json"]).unwrap();
    let row = &record["row"];
    assert_eq!(row["error_code"], outcome["error_code"]);
    let process = &row["processes"][0];
    assert_eq!(process["program"], "ffprobe");
    assert!(process["args"].as_array().unwrap().len() > 3, "{process}");
    assert!(!process["stderr"].as_str().unwrap().is_empty(), "{process}");
    assert!(files["plan.txt"].contains("MediaExec: analyze"), "{}", files["plan.txt"]);
    assert!(files["versions.json"].contains("ffmpeg version"), "{}", files["versions.json"]);
    assert!(files["settings.toml"].contains("max_retries = \"2\""), "{}", files["settings.toml"]);
    let good = clipflow(path, &["debug", "out", "good", "-o", "g.zip"]);
    assert!(good.status.success(), "{}", stderr(&good));
    let files = unpacked(&path.join("g.zip"));
    assert_eq!(files["clips.json"].lines().count(), 2);
    assert_eq!(files["processes.json"], "", "rows without a failure are not kept");
    let none = clipflow(path, &["debug", "out", "nobody"]);
    assert_eq!(none.status.code(), Some(2));
    assert!(stderr(&none).contains("have no request nobody"), "{}", stderr(&none));
}

#[test]
fn with_debug_all_rows_are_kept_and_forgetting_removes_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    show::requests(path);
    let run = ["run", "requests.csv", "--out", "out", "--debug"];
    assert_eq!(clipflow(path, &run).status.code(), Some(3));
    let output = clipflow(path, &["debug", "out", "good", "-o", "b.zip"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let files = unpacked(&path.join("b.zip"));
    let stages: Vec<String> = files["processes.json"]
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["row"]["stage"].to_string()
        })
        .collect();
    assert_eq!(stages, ["\"analyze\"", "\"render\""]);
    assert!(path.join("out/_debug").is_dir());
    let forgotten = clipflow(path, &["forget", "out", "--where", "request_id = 'good'"]);
    assert!(forgotten.status.success(), "{}", stderr(&forgotten));
    assert!(!path.join("out/_debug").exists());
    let stats = super::super::support::query(path, "SELECT count(*) > 20 FROM run_stats");
    assert_eq!(stats, ["true"], "what a run measured is of no request alone");
}
