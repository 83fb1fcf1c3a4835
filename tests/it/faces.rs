//! Faces from a detector's file to the windows of variants. The detector is a small network that takes magenta spots for faces;
//! `make faces` does the same with CenterFace.

use std::fs;
use std::path::Path;

use super::support::counter::ffmpeg;
use super::support::{clipflow, query, stderr, stdout, tiny_detector};

/// Twelve seconds of a magenta spot at three quarters of the width, beside much that moves and is grey; a voice speaks.
fn spot(path: &Path) {
    let far = "exp(-((X-160)*(X-160)+(Y-160)*(Y-160))/7200)";
    let spot = format!(
        "color=c=black:s=320x320:d=0.04:r=25,format=rgba,geq=r='255*{far}':g=0:b='255*{far}':a='255*{far}',loop=-1:1"
    );
    let voice =
        "flite=voice=slt:text='The river moved the sand away from under the stones of the bridge.'";
    let graph = "[0:v]hue=s=0[grey];[grey][1:v]overlay=x=800+12*sin(t):y=180:shortest=1[v];[2:a]aresample=48000,apad[a]";
    ffmpeg(&[
        "-f",
        "lavfi",
        "-i",
        "testsrc2=s=1280x720:r=25:d=12",
        "-f",
        "lavfi",
        "-i",
        &spot,
        "-f",
        "lavfi",
        "-i",
        voice,
        "-filter_complex",
        graph,
        "-map",
        "[v]",
        "-map",
        "[a]",
        "-t",
        "12",
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-pix_fmt",
        "yuv420p",
        "-c:a",
        "aac",
        path.to_str().unwrap(),
    ]);
}

fn run(folder: &Path, out: &str, more: &[&str]) -> String {
    let asked = ["run", "requests.csv", "--out", out, "--plan-only", "--variants", "4"];
    let output = clipflow(folder, &[&asked[..], &["--platforms", "tiktok"], more].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    stdout(&output)
}

#[test]
fn windows_frame_the_face_that_a_detector_finds() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    spot(&folder.join("talk.mp4"));
    let header = "request_id,source_url,min_clip_length,max_clip_length,max_clips";
    fs::write(folder.join("requests.csv"), format!("{header}\na,talk.mp4,5,8,1\n")).unwrap();
    let model = tiny_detector::write(folder);
    let model = model.to_str().unwrap();
    run(folder, "out", &["--face-model", model]);

    let seen = "SELECT count(*) > 50, count(DISTINCT track), min(x + width / 2) > 0.7, max(x + width / 2) < 0.8,
        count(*) FILTER (WHERE detected) > 15, min(t) >= (SELECT min(start) FROM clips)
        FROM faces";
    assert_eq!(query(folder, seen), ["true,1,true,true,true,true"]);
    let signals = "SELECT min(face_count), max(face_count), min(face_size) > 0.1 FROM face_signals";
    assert_eq!(query(folder, signals), ["1,1,true"]);
    // The window may have a dead zone of 18 % of its width around the spot.
    let framed = "SELECT count(*) > 0, bool_and(abs(anchor['x'] - 0.75) < 0.06)
        FROM (SELECT unnest(reframe) AS anchor FROM variants WHERE layout = 'crop')";
    assert_eq!(query(folder, framed), ["true,true"]);
    let again = "SELECT count(*) FROM variants v JOIN source_lists l ON l.source_id = v.source_id
        WHERE v.layout = 'crop' AND json_text(v.reframe) <> json_text(framed_path(l.signals, l.shots, l.faces, v.start, v.\"end\", l.info['width'],
            l.info['height'], v.width, v.height, 'crop'))";
    assert_eq!(query(folder, again), ["0"]);
    // The same run again has nothing to do; without a detector the results have no faces.
    run(folder, "out", &["--face-model", model]);
    run(folder, "without", &[]);
    assert_eq!(query(folder, "SELECT count(*) FROM faces('without')"), ["0"]);
}

#[test]
fn a_file_that_is_no_detector_is_refused_before_any_work() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("requests.csv"), "source_url\nmissing.mp4\n").unwrap();
    let files = [
        ("text.onnx", b"no model".to_vec(), "cannot be used: the file"),
        ("empty.onnx", vec![], "has no network"),
        ("strides.onnx", tiny_detector::network(9), "has an operator of size 9"),
        ("smaller.onnx", tiny_detector::network(2), "holds another network"),
        ("cut.onnx", tiny_detector::network(4)[..900].to_vec(), "ends too early"),
    ];
    for (name, content, sentence) in files {
        fs::write(folder.join(name), content).unwrap();
        let output =
            clipflow(folder, &["run", "requests.csv", "--out", "out", "--face-model", name]);
        let said = stderr(&output);
        assert!(said.contains("--face-model") && said.contains(sentence), "{name}: {said}");
        assert!(!folder.join("out").exists(), "{name}");
    }
    let output =
        clipflow(folder, &["run", "requests.csv", "--out", "out", "--face-model", "none.onnx"]);
    assert!(stderr(&output).contains("cannot be read"), "{}", stderr(&output));
}
