//! Sources whose clock jumps, wraps, restarts or has gaps: clips and variants show and sound what is there, together.
//!
//! The picture is white and a tone sounds at the same uneven moments.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::super::support::{clipflow, query, stderr};
use super::ffmpeg;

/// Seconds of a recording.
const SECONDS: f64 = 14.0;
/// When its picture is white and a tone sounds, in seconds.
const MOMENTS: [f64; 14] =
    [0.7, 1.6, 2.7, 4.0, 4.8, 5.8, 7.0, 7.6, 8.3, 9.2, 10.3, 11.6, 12.4, 13.4];
/// A frame, and what an encoder's delay may add to it, in seconds.
const FRAME: f64 = 1.0 / 30.0 + 0.012;

/// A recording of flashes and beeps.
fn recording(folder: &Path, name: &str, rest: &[&str]) {
    let white: Vec<String> =
        MOMENTS.iter().map(|t| format!("between(t,{},{})", t - 0.001, t + 0.068)).collect();
    let tone: Vec<String> =
        MOMENTS.iter().map(|t| format!("between(t,{t},{})", t + 0.06)).collect();
    let picture = format!(
        "testsrc2=s=320x180:r=30:d={SECONDS},eq=brightness=-0.35,drawbox=x=0:y=0:w=iw:h=ih:color=white:t=fill:enable='{}'",
        white.join("+")
    );
    let sound = format!(
        "aevalsrc='0.5*sin(2*PI*1000*t)*({})+0.002*sin(2*PI*200*t)':s=48000:d={SECONDS}",
        tone.join("+")
    );
    let inputs = ["-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", &sound];
    let codec = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "30", "-bf", "2", "-c:a", "aac"];
    ffmpeg(folder, &[&inputs[..], &codec, rest, &[name]].concat());
}

fn bytes(command: &mut Command) -> Vec<u8> {
    command.output().unwrap().stdout
}

/// When the picture becomes white.
fn flashes(file: &Path) -> Vec<f64> {
    let mut probe = Command::new("ffprobe");
    probe.args(["-v", "error", "-select_streams", "V:0", "-show_entries"]);
    probe.args(["frame=best_effort_timestamp_time", "-of", "csv=p=0"]).arg(file);
    let lines = String::from_utf8(bytes(&mut probe)).unwrap();
    let times = lines.lines().filter_map(|line| line.split(',').next()?.parse::<f64>().ok());
    let mut decode = Command::new("ffmpeg");
    decode.args(["-nostdin", "-v", "error", "-i"]).arg(file);
    decode.args(["-map", "0:V:0", "-fps_mode", "passthrough", "-vf", "scale=16:16,format=gray"]);
    let raw = bytes(decode.args(["-f", "rawvideo", "-"]));
    let is_white = |picture: &[u8]| picture.iter().map(|p| u32::from(*p)).sum::<u32>() > 150 * 256;
    let (mut found, mut before) = (vec![], true);
    for (at, picture) in times.zip(raw.chunks_exact(256)) {
        let now = is_white(picture);
        if now && !before {
            found.push(at);
        }
        before = now;
    }
    found
}

/// When the tone begins.
fn beeps(file: &Path) -> Vec<f64> {
    let mut decode = Command::new("ffmpeg");
    decode.args(["-nostdin", "-v", "error", "-i"]).arg(file);
    decode.args(["-map", "0:a:0", "-af", "aresample=48000:async=1:first_pts=0", "-ac", "1"]);
    let raw = bytes(decode.args(["-f", "f32le", "-"]));
    let samples: Vec<f32> =
        raw.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]).abs()).collect();
    let loud: Vec<f32> =
        samples.chunks(96).map(|piece| piece.iter().copied().fold(0.0, f32::max)).collect();
    let top = loud.iter().copied().fold(0.0, f32::max);
    let mut found: Vec<f64> = vec![];
    let mut last = usize::MAX / 2;
    for (n, _) in loud.iter().enumerate().filter(|(_, level)| **level > 0.3 * top) {
        if last == usize::MAX / 2 || n > last + 100 {
            found.push(n as f64 * 96.0 / 48_000.0);
        }
        last = n;
    }
    found
}

/// Joins files byte by byte.
fn joined(folder: &Path, parts: &[&str], name: &str) {
    let all: Vec<u8> = parts.iter().flat_map(|part| fs::read(folder.join(part)).unwrap()).collect();
    fs::write(folder.join(name), all).unwrap();
}

/// Runs requests of spans of `name` and checks the clips and variants against the moments of its one time line.
fn check(folder: &Path, name: &str, duration: f64, moments: &[f64], spans: &[(f64, f64)]) {
    let mut rows = String::from("request_id,source_url,start,end\n");
    for (n, (start, end)) in spans.iter().enumerate() {
        rows += &format!("{n},{name},{start},{end}\n");
    }
    fs::write(folder.join("requests.csv"), rows).unwrap();
    let args = ["run", "requests.csv", "-o", "out", "--variants", "1", "--platforms", "x"];
    let output = clipflow(folder, &args);
    assert!(output.status.success(), "{name}: {}", stderr(&output));
    let found: f64 = query(folder, "SELECT duration FROM sources")[0].parse().unwrap();
    assert!((found - duration).abs() < 0.2, "{name} lasts {found} s instead of {duration} s");
    // What jumps is in pieces; what only has a gap or an edit list is not.
    let pieces = query(folder, "SELECT coalesce(cardinality(time_line), 0) FROM sources");
    let jumps = ["restart.ts", "ahead.ts", "minute.ts", "back.ts", "restart.vob", "restart.mpg"]
        .contains(&name);
    let want = if jumps {
        "2"
    } else if name == "wrap.ts" {
        "1"
    } else {
        "0"
    };
    assert_eq!(pieces, [want], "{name}");
    let files = "SELECT r.uri, c.start, c.\"end\", v.segments[1]['speed'] FROM renditions r
        JOIN clips c ON c.clip_id = r.clip_id LEFT JOIN variants v ON v.variant_id = r.variant_id
        WHERE v.variant_id IS NULL OR cardinality(v.segments) = 1 ORDER BY r.uri";
    let files = query(folder, files);
    assert!(files.len() >= spans.len(), "{name}: {files:?}");
    for row in files {
        let cells: Vec<&str> = row.split(',').collect();
        let (start, end): (f64, f64) = (cells[1].parse().unwrap(), cells[2].parse().unwrap());
        if !cells[3].is_empty() && cells[3] != "1.0" {
            continue;
        }
        let file = folder.join("out").join(cells[0]);
        let inside =
            moments.iter().map(|t| t - start).filter(|t| *t > 0.1 && *t < end - start - 0.15);
        let want: Vec<f64> = inside.collect();
        let (seen, heard) = (flashes(&file), beeps(&file));
        for moment in &want {
            let near = |all: &[f64]| all.iter().any(|t| (t - moment).abs() <= FRAME);
            assert!(near(&seen), "{name} {row}: no flash at {moment} s in {seen:?}, of {want:?}");
            assert!(near(&heard), "{name} {row}: no beep at {moment} s in {heard:?}, of {want:?}");
        }
        let in_view = |t: &&f64| **t > 0.1 && **t < end - start - 0.15;
        assert_eq!(seen.iter().filter(in_view).count(), want.len(), "{name} {row}: {seen:?}");
    }
    fs::remove_dir_all(folder.join("out")).unwrap();
}

fn later(seconds: f64) -> Vec<f64> {
    MOMENTS.iter().copied().chain(MOMENTS.map(|t| t + seconds)).collect()
}

#[test]
fn picture_and_sound_of_joined_recordings_stay_together() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    recording(folder, "base.mp4", &[]);
    let copy = ["-c", "copy", "-f", "mpegts"];
    ffmpeg(folder, &[&["-i", "base.mp4"][..], &copy, &["a.ts"]].concat());
    let spans = [(1.0, 6.0), (11.0, 17.0), (13.9, 19.0), (20.0, 27.0)];
    // The clock begins anew, jumps ahead, and jumps back.
    joined(folder, &["a.ts", "a.ts"], "restart.ts");
    check(folder, "restart.ts", 28.0, &later(SECONDS), &spans);
    for (offset, name) in [("5000", "ahead.ts"), ("60", "minute.ts")] {
        let moved = [&["-itsoffset", offset, "-i", "base.mp4"][..], &copy, &["b.ts"]].concat();
        ffmpeg(folder, &moved);
        joined(folder, &["a.ts", "b.ts"], name);
        check(folder, name, 28.0, &later(SECONDS), &spans);
    }
    joined(folder, &["b.ts", "a.ts"], "back.ts");
    check(folder, "back.ts", 28.0, &later(SECONDS), &spans);
}

#[test]
fn joined_program_streams_have_one_clock() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (codec, kind, name, joined_as) in [
        ("mpeg2video", "vob", "a.vob", "restart.vob"),
        ("mpeg1video", "mpeg", "a.mpg", "restart.mpg"),
    ] {
        recording(folder, "base.mp4", &[]);
        let coding = ["-c:v", codec, "-q:v", "4", "-c:a", "mp2", "-f", kind, name];
        ffmpeg(folder, &[&["-i", "base.mp4"][..], &coding].concat());
        joined(folder, &[name, name], joined_as);
        check(folder, joined_as, 28.0, &later(SECONDS), &[(1.0, 6.0), (11.0, 17.0), (20.0, 27.0)]);
    }
}

#[test]
fn a_clock_that_wraps_runs_on_and_a_gap_stays_one() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    recording(folder, "base.mp4", &[]);
    let ts = ["-c", "copy", "-copyts", "-mpegts_copyts", "1", "-muxdelay", "0", "-f", "mpegts"];
    let wraps = [&["-itsoffset", "95438", "-i", "base.mp4"][..], &ts, &["wrap.ts"]].concat();
    ffmpeg(folder, &wraps);
    let spans = [(1.0, 5.0), (2.9, 8.0), (7.5, 13.0)];
    check(folder, "wrap.ts", SECONDS, &MOMENTS, &spans);
    // The recorder lost four seconds.
    for (offset, name) in [("10", "a.ts"), ("28", "b.ts")] {
        let part = ["-itsoffset", offset, "-i", "base.mp4", "-c", "copy", "-f", "mpegts", name];
        ffmpeg(folder, &part);
    }
    joined(folder, &["a.ts", "b.ts"], "gap.ts");
    check(folder, "gap.ts", 32.0, &later(18.0), &[(1.0, 6.0), (12.0, 22.0), (15.0, 21.0)]);
}

#[test]
fn edit_lists_and_late_starts_are_on_the_clock_of_players() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    recording(folder, "base.mp4", &[]);
    ffmpeg(folder, &["-ss", "3.37", "-i", "base.mp4", "-c", "copy", "edit_list.mp4"]);
    let cut: Vec<f64> = MOMENTS.iter().map(|t| t - 3.37).filter(|t| *t > 0.0).collect();
    check(folder, "edit_list.mp4", SECONDS - 3.37, &cut, &[(0.2, 4.0), (5.0, 10.0)]);
    let offset = ["-itsoffset", "7", "-i", "base.mp4", "-c", "copy", "-copyts", "late.mkv"];
    ffmpeg(folder, &offset);
    check(folder, "late.mkv", SECONDS, &MOMENTS, &[(0.2, 4.0), (5.0, 10.0)]);
}
