//! Channels that cancel each other, or of which one is silent, are right in clips and variants.

use std::process::Command;

use super::super::support::query;
use super::{ffmpeg, run};

/// Mean volume in dB of a file's channel, or of the sum of both.
fn volume(folder: &std::path::Path, file: &str, of: &str) -> f64 {
    let filter = format!("pan=mono|c0={of},volumedetect");
    let mut command = Command::new("ffmpeg");
    command
        .current_dir(folder)
        .args(["-nostdin", "-i", file, "-vn", "-af", &filter, "-f", "null", "-"]);
    let text = String::from_utf8_lossy(&command.output().unwrap().stderr).into_owned();
    let mean = text.split("mean_volume: ").nth(1).and_then(|t| t.split(' ').next()).unwrap();
    mean.parse().unwrap()
}

#[test]
fn clips_of_faulty_channels_are_heard_on_one_speaker_and_on_two() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let talk = "aevalsrc='0.3*sin(2*PI*440*t)*gt(mod(t,3),1)':s=48000:d=8";
    let inputs = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=8", "-f", "lavfi", "-i", talk];
    let codec = ["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"];
    for (name, pan) in [
        ("phase.mp4", "pan=stereo|c0=c0|c1=-1*c0"),
        ("left.mp4", "pan=stereo|c0=c0|c1=0*c0"),
        ("right.mp4", "pan=stereo|c0=0*c0|c1=c0"),
        ("usual.mp4", "pan=stereo|c0=c0|c1=0.5*c0"),
    ] {
        ffmpeg(folder, &[&inputs[..], &["-af", pan], &codec, &[name]].concat());
    }
    let videos = ["phase.mp4", "left.mp4", "right.mp4", "usual.mp4"];
    let asked = ["--min", "3", "--max", "4", "--variants", "1", "--platforms", "x", "--smart-cut"];
    run(folder, &[&videos[..], &asked].concat());
    let faults =
        "SELECT regexp_replace(location, '.*/', ''), channel_fault FROM sources ORDER BY 1";
    let wanted =
        ["left.mp4,left_only", "phase.mp4,out_of_phase", "right.mp4,right_only", "usual.mp4,"];
    assert_eq!(query(folder, faults), wanted);
    let files = query(
        folder,
        "SELECT r.uri, s.channel_fault FROM renditions r JOIN clips c ON c.clip_id = r.clip_id
         JOIN sources s ON s.source_id = c.source_id",
    );
    assert!(files.len() >= 8, "{files:?}");
    for row in files {
        let (uri, fault) = row.split_once(',').unwrap();
        let heard = |of: &str| volume(&folder.join("out"), uri, of);
        let (sum, left, right) = (heard("0.5*c0+0.5*c1"), heard("c0"), heard("c1"));
        assert!(sum > -25.0, "{sum}: {row}");
        let apart = if fault.is_empty() { 6.0 } else { 0.0 };
        assert!((left - right - apart).abs() < 1.0, "{left} and {right}: {row}");
    }
}
