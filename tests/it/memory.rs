//! `--memory-limit`: what media work takes is known before it starts, and what cannot fit says what it needs.

use std::fs;

use super::support::counter::ffmpeg;
use super::support::{clipflow, query, stderr};

#[test]
fn a_file_that_does_not_fit_names_the_limit_at_which_it_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let source = path.join("a.mp4");
    let picture = ["-f", "lavfi", "-t", "4", "-i", "testsrc2=s=1280x720:r=25"];
    let encoder = ["-c:v", "libx264", "-preset", "ultrafast", source.to_str().unwrap()];
    ffmpeg(&[&picture[..], &encoder].concat());
    let run = |limit: &str| {
        let _ = fs::remove_dir_all(path.join("out"));
        let clip = ["run", "a.mp4", "--out", "out", "--min", "2", "--max", "3", "--max-clips", "1"];
        clipflow(path, &[&clip[..], &["--memory-limit", limit]].concat())
    };
    let output = run("0.25");
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let told = query(path, "SELECT error_code, error_message FROM outcomes");
    let [told] = told.as_slice() else { panic!("{told:?}") };
    assert!(told.starts_with("media.limits,"), "{told}");
    let enough = told.split("raise memory_limit_gb to ").nth(1).unwrap();
    let enough = enough.split(' ').next().unwrap();
    assert!((0.25..0.5).contains(&enough.parse::<f64>().unwrap()), "{told}");
    let output = run(enough);
    assert_eq!(output.status.code(), Some(0), "{enough}: {}", stderr(&output));
    let used = query(
        path,
        "SELECT CAST(max(value) AS BIGINT) FROM run_stats WHERE metric = 'clipflow_media_peak_memory_bytes'",
    );
    let used: f64 = used[0].parse().unwrap();
    assert!(used < enough.parse::<f64>().unwrap() * 1e9, "{used} bytes under {enough} GB");
}
