//! `clipflow import-events`: exports of the platforms become events.

use std::fs;
use std::path::Path;
use std::process::Output;

use super::{answer, clipflow, performance, stderr, stdout};

fn import(folder: &Path, from: &str, export: &str, more: &[&str]) -> Output {
    fs::write(folder.join("export.csv"), export).unwrap();
    let args = ["import-events", "export.csv", "--from", from, "-o", "events.parquet"];
    clipflow(folder, &[&args[..], more].concat())
}

fn ask(folder: &Path, metrics: &str) -> Vec<String> {
    let output = performance(
        folder,
        &["--events", "events.parquet", "--metrics", metrics, "--by", "variant_id,platform,day"],
    );
    answer(&output)[1..].to_vec()
}

#[test]
fn youtube_studio() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("map.csv"), "content_id,variant_id\nabc,00000000000000aa\n").unwrap();
    let export = "\u{feff}Content,Video title,Video publish time,Views,Watch time (hours),Impressions,Impressions click-through rate (%),Likes,Comments added,Unique viewers\n\
        Total,,,\"1,300\",3.5,,,,,\n\
        abc,Best bits,\"May 1, 2026\",\"1,234\",2.5,\"10,000\",4.2,12,,900\n\
        def,Other v:00000000000000bb,\"May 1, 2026\",66,1,100,,0,0,\n\
        ghi,Nobody's,\"May 1, 2026\",66,1,100,,0,0,\n";
    let output = import(path, "youtube", export, &["--map", "map.csv", "--day", "2026-05-02"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(stdout(&output), "2 rows of 2 variants\n");
    assert!(
        stderr(&output).contains("1 rows are of no known variant")
            && stderr(&output).contains("ghi"),
        "{}",
        stderr(&output)
    );
    assert_eq!(
        ask(path, "views,watch_seconds,impressions,likes,comments,audience_reach,saves"),
        [
            "00000000000000aa,shorts,2026-05-02,1,1234,9000.0,10000,12,,900,",
            "00000000000000bb,shorts,2026-05-02,1,66,3600.0,100,0,0,,",
        ]
    );
}

#[test]
fn tiktok() {
    let folder = tempfile::tempdir().unwrap();
    let export = "Video ID,variant_id,Date,Video Views,Likes,Comments,Shares,Average watch time,Watched full video\n\
        1,00000000000000aa,2026-05-01,2.000,10,1,2,5.5s,25%\n\
        1,00000000000000aa,2026-05-02,-,10,1,2,5.5s,25%\n";
    let output = import(folder.path(), "tiktok", export, &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(
        ask(folder.path(), "views,views_100,watch_seconds,shares"),
        [
            "00000000000000aa,tiktok,2026-05-01,1,2000,500,11000.0,2",
            "00000000000000aa,tiktok,2026-05-02,1,,,,2"
        ],
        "of unknown views no share can be told"
    );
}

#[test]
fn instagram() {
    let folder = tempfile::tempdir().unwrap();
    let export = "Post ID,Description,Duration (sec),Date,Impressions,Reach,Likes,Shares,Follows,Comments,Saves,Plays\n\
        17,text v:00000000000000aa,30,05/13/2026,,80,7,1,0,2,3,\"1 000\"\n\
        17,text v:00000000000000aa,30,05/02/2026,,8,7,1,0,2,,10\n";
    let output = import(folder.path(), "instagram", export, &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(
        ask(folder.path(), "views,impressions,audience_reach,saves"),
        [
            "00000000000000aa,reels,2026-05-02,1,10,,8,",
            "00000000000000aa,reels,2026-05-13,1,1000,,80,3"
        ],
        "empty is not 0"
    );
}

#[test]
fn a_file_that_does_not_fit_is_told_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let error = |from: &str, export: &str, more: &[&str]| {
        let output = import(folder.path(), from, export, more);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(!folder.path().join("events.parquet").exists());
        stderr(&output)
    };
    let text = error("youtube", "a,b\n1,2\n", &[]);
    assert!(text.contains("no views") && text.contains("a, b"), "{text}");
    let text = error("tiktok", "Video ID,Date,Views\n1,2026-05-01,3\n", &[]);
    assert!(text.contains("--map"), "{text}");
    let text = error("tiktok", "variant_id,Views\na,3\n", &[]);
    assert!(text.contains("--day"), "{text}");
    let text = error("instagram", "variant_id,Date,Views\na,Lifetime,3\n", &[]);
    assert!(text.contains("Lifetime") && text.contains("--day"), "{text}");
    let text = error("tiktok", "variant_id,Date,Views\na,2026-05-01,1.2K\n", &[]);
    assert!(text.contains("Views of row 1 is \"1.2K\", which is no number"), "{text}");
    let text = error("tiktok", "variant_id,Date,Views\na,13/05/2026,1\na,05/13/2026,1\n", &[]);
    assert!(text.contains("day first and with the month first"), "{text}");
}
