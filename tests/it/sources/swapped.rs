//! A file that is swapped for a link while it is read.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::counter::ffmpeg;
use crate::support::{clipflow, query, show, stderr};

/// Says that the races are over, also when one was lost.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// In races of before, two of twelve runs read the file outside.
#[test]
fn a_link_that_comes_after_the_check_leads_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let (inside, outside) = (folder.path().join("in"), folder.path().join("out"));
    fs::create_dir_all(&inside).unwrap();
    fs::create_dir_all(&outside).unwrap();
    let canary = outside.join("canary.mp4");
    let picture = ["-f", "lavfi", "-t", "6", "-i", "testsrc2=s=96x64:r=10"];
    let encoder = ["-c:v", "libx264", "-preset", "ultrafast", canary.to_str().unwrap()];
    ffmpeg(&[&picture[..], &encoder].concat());
    let (good, bad, name) = (inside.join("good"), inside.join("bad"), inside.join("a.mp4"));
    fs::write(inside.join("kept"), show::short()).unwrap();
    fs::copy(inside.join("kept"), &name).unwrap();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::SeqCst) {
                symlink(&canary, &bad).unwrap();
                fs::rename(&bad, &name).unwrap();
                fs::hard_link(inside.join("kept"), &good).unwrap();
                fs::rename(&good, &name).unwrap();
            }
        });
        let _over = Over(&over);
        for run in 0..6 {
            let out = format!("out{run}");
            let video = ["run", "a.mp4", "--out", &out, "--plan-only", "--min", "2", "--max", "4"];
            let output = clipflow(&inside, &video);
            assert!(matches!(output.status.code(), Some(0 | 3)), "{}", stderr(&output));
            let _ = fs::remove_dir_all(inside.join("out"));
            fs::rename(inside.join(&out), inside.join("out")).unwrap();
            let widths = query(&inside, "SELECT width FROM sources");
            assert!(widths.iter().all(|width| width != "96"), "run {run}: {widths:?}");
            let codes = query(&inside, "SELECT coalesce(error_code, 'ok') FROM outcomes");
            let is_known = |code: &String| code == "ok" || code.starts_with("source.");
            assert!(codes.iter().all(is_known), "{codes:?}");
        }
    });
}
