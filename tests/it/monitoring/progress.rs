//! Progress for people and programs, and plans with figures.

use std::fs;

use serde_json::Value;

use super::super::support::{clipflow, show, stderr, stdout};

fn objects(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("one object a line")).collect()
}

#[test]
fn json_progress_is_one_object_a_line_and_right_when_the_work_was_done_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("a.mp4"), show::short()).unwrap();
    fs::copy(path.join("a.mp4"), path.join("b.mp4")).unwrap();
    fs::write(path.join("r.csv"), "source_url\na.mp4\nb.mp4\nmissing.mp4\n").unwrap();
    let cache = ["--cache", "--cache-dir", "kept"];
    for (out, cached) in [("one", 0), ("two", 2)] {
        let run = ["run", "r.csv", "--out", out, "--plan-only", "--progress", "json"];
        let output = clipflow(path, &[&run[..], &cache].concat());
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
        let objects = objects(&stderr(&output));
        let of = |event: &str| objects.iter().filter(|o| o["event"] == event).collect::<Vec<_>>();
        assert_eq!((of("stage_started").len(), of("stage_finished").len()), (2, 2));
        let analyze = of("stage_finished")[0];
        assert_eq!(analyze["stage"], "analyze");
        assert_eq!((&analyze["sources"], &analyze["sources_done"]), (&3.into(), &3.into()));
        assert_eq!((&analyze["failed"], &analyze["cached"]), (&1.into(), &cached.into()));
        let finished = of("source_finished");
        assert_eq!(finished.len(), 3);
        let failed: Vec<_> = finished.iter().filter(|o| !o["error_code"].is_null()).collect();
        assert_eq!(failed.len(), 1);
        assert_eq!(failed[0]["error_code"], "source.not_found");
        let hits = finished.iter().filter(|o| o["cached"] == true).count();
        assert_eq!(hits, cached);
    }
}

#[test]
fn the_forms_of_progress_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("a.mp4"), show::short()).unwrap();
    let said = |form: &str| {
        let _ = fs::remove_dir_all(path.join("out"));
        let video = ["run", "a.mp4", "--out", "out", "--max-clips", "1", "--max", "4"];
        let run = [&video[..], &["--progress", form]].concat();
        let output = clipflow(path, &run);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        stderr(&output)
    };
    assert_eq!((said("none"), said("bar")), (String::new(), String::new()), "this is no terminal");
    let lines = said("line");
    let last =
        |stage: &str| lines.lines().rfind(|line| line.starts_with(stage)).unwrap().to_owned();
    assert!(last("analyze: ").starts_with("analyze: 0:06 of 0:06 of video, "), "{lines}");
    assert!(last("render: ").contains(" of video, "), "{lines}");
    let wrong = clipflow(path, &["run", "a.mp4", "--out", "out", "--progress", "dots"]);
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn plans_are_printed_after_a_run_with_the_figures_of_media_work() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    show::requests(path);
    let output = clipflow(path, &["run", "requests.csv", "--out", "out", "--explain=analyze"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let said = stdout(&output);
    let of_step = |name: &str| {
        let start = said.find(&format!("── {name}: ")).unwrap_or_else(|| panic!("{name}: {said}"));
        let rest = &said[start..];
        let end = rest[3..].find("── ").map_or(rest.len(), |end| end + 3);
        let exec = rest[..end].lines().find(|line| line.contains("MediaExec")).unwrap();
        exec.to_owned()
    };
    let analysis = of_step("analysis");
    for figure in ["output_rows=3", "failed_rows=2", "retried_rows=0", "cache_hits=0"] {
        assert!(analysis.contains(figure), "{figure}: {analysis}");
    }
    let video = analysis.split_once("video_time=").unwrap().1;
    let video: f64 = video[..video.find('s').unwrap()].parse().unwrap();
    assert!((video - 30.0).abs() < 1.0, "{analysis}");
    for name in ["media_processes=", "media_cpu_time=", "wait_time=", "media_peak_memory_bytes="] {
        assert!(analysis.contains(name), "{name}: {analysis}");
    }
    assert!(of_step("rendered").contains("output_rows=1"));
    assert!(said.contains("7 requests: "), "the summary follows: {said}");
    let plan = clipflow(path, &["run", "requests.csv", "--out", "other", "--explain"]);
    assert!(stdout(&plan).starts_with("── cost") && !path.join("other").exists());
}
