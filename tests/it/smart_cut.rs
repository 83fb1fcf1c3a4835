//! Smart cut: whole groups of pictures copied, edges encoded, and each frame the source's.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use clipflow::cancel::CancelToken;
use clipflow::media::MediaTools;
use clipflow::media::probe::{Probe, probe};
use clipflow::media::render::{Output, Quality, RenderSettings, render};
use clipflow::model::Rendition;
use clipflow::model::edit::{Edit, Effect, EffectKind, Segment};
use tempfile::TempDir;

use super::support::counter::{HEIGHT, WIDTH, ffmpeg, make, numbers, sound, ticks, times};

/// A source in a folder of its own, with its frames' times and numbers read from the file itself.
struct Footage {
    folder: TempDir,
    path: PathBuf,
    probe: Probe,
    frames: Vec<(f64, usize)>,
}

impl Footage {
    fn new(make: impl FnOnce(&Path) -> PathBuf) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = make(folder.path());
        let tools = MediaTools::find().expect("ffmpeg is installed");
        let limits = RenderSettings::default().limits;
        let probe = probe(&tools, &path, &limits, &CancelToken::new()).expect("a video");
        let frames = times(&path).into_iter().zip(numbers(&path, "null")).collect();
        Self { folder, path, probe, frames }
    }

    /// 12 s, 25 frames a second, with closed groups of one second unless `options` say otherwise.
    fn usual(options: &[&str]) -> Self {
        Self::new(|folder| make(folder, "a.mp4", 300, &h264(options)))
    }

    fn output(&self, name: &str, (start, end): (f64, f64)) -> Output {
        Output {
            rendition_id: name.into(),
            start,
            end,
            path: self.folder.path().join(format!("out/{name}.mp4")),
            edit: None,
            cues: Vec::new(),
        }
    }

    fn render(&self, output: &Output, settings: &RenderSettings) -> Rendition {
        let tools = MediaTools::find().unwrap();
        let cancel = CancelToken::new();
        let outputs = std::slice::from_ref(output);
        let mut results =
            render(&tools, &self.path, &self.probe, outputs, settings, &cancel, &|_| ());
        let left = std::fs::read_dir(output.path.parent().unwrap()).unwrap();
        let parts = left.filter(|entry| {
            entry.as_ref().unwrap().file_name().to_string_lossy().ends_with(".part")
        });
        assert_eq!(parts.count(), 0, "temporary files are left");
        results.pop().unwrap().unwrap_or_else(|error| panic!("{error} ({:?})", error.code()))
    }

    /// Renders `span` by smart cut, checks each frame's number and time and the sound, and says how
    /// many packets were copied.
    fn cut(&self, name: &str, span: (f64, f64)) -> usize {
        let output = self.output(name, span);
        let facts = self.render(&output, &smart());
        self.check(&output, &facts);
        let copied = self.copied(&output.path);
        assert_eq!(facts.copied_frames.unwrap_or(0), copied as i64, "{name}");
        copied
    }

    fn check(&self, output: &Output, facts: &Rendition) {
        let what = &output.rendition_id;
        let within =
            |(time, _): &&(f64, usize)| *time >= output.start - 0.001 && *time < output.end - 0.001;
        let wanted: Vec<_> = self.frames.iter().filter(within).copied().collect();
        assert!(!wanted.is_empty(), "{what}: bad test");
        let found = numbers(&output.path, "null");
        assert_eq!(found, wanted.iter().map(|frame| frame.1).collect::<Vec<_>>(), "{what}");
        assert_eq!(facts.frames, wanted.len() as i64, "{what}");
        let length = output.end - output.start;
        assert!((facts.duration - length).abs() < 0.0015, "{what}: {} s", facts.duration);
        for (shown, (time, _)) in times(&output.path).iter().zip(&wanted) {
            let distance = time - wanted[0].0;
            assert!((shown - distance).abs() < 0.0006, "{what}: {shown} instead of {distance}");
        }
        if self.probe.audio.is_some() {
            assert_eq!(facts.av_offset, Some(0.0), "{what}");
            let heard = sound(&output.path).len() as f64 / 48_000.0;
            assert!((0.0..0.022).contains(&(heard - length)), "{what}: {heard} s of sound");
        } else {
            assert_eq!(facts.audio_codec, None, "{what}");
        }
    }

    /// Packets of the clip that are the source's, byte for byte.
    fn copied(&self, clip: &Path) -> usize {
        let source: HashSet<String> = packets(&self.path).into_iter().collect();
        packets(clip).iter().filter(|packet| source.contains(*packet)).count()
    }
}

fn smart() -> RenderSettings {
    RenderSettings { smart_cut: true, ..RenderSettings::default() }
}

fn h264<'a>(options: &[&'a str]) -> Vec<&'a str> {
    let usual = ["-c:v", "libx264", "-preset", "veryfast", "-g", "25", "-bf", "3"];
    let rest = ["-pix_fmt", "yuv420p", "-c:a", "aac"];
    [&usual[..], &rest[..], options].concat()
}

/// Size and checksum of each packet of the picture, in the order of decoding.
fn packets(path: &Path) -> Vec<String> {
    let file = path.to_str().unwrap();
    let copy = ["-i", file, "-map", "0:v:0", "-c", "copy", "-f", "framemd5", "-"];
    rows(&copy)
}

/// Checksum of each frame as decoded.
fn pictures(path: &Path) -> Vec<String> {
    let file = path.to_str().unwrap();
    rows(&["-i", file, "-map", "0:v:0", "-fps_mode", "passthrough", "-f", "framemd5", "-"])
}

fn rows(args: &[&str]) -> Vec<String> {
    let text = String::from_utf8(ffmpeg(args)).unwrap();
    let rows = text.lines().filter(|line| !line.starts_with('#'));
    rows.map(|row| row.split(',').skip(4).map(str::trim).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn whole_groups_are_copied_and_edges_are_encoded() {
    let footage = Footage::usual(&[]);
    // Frames 35 to 164: those from 50 to 149 are whole groups.
    assert_eq!(footage.cut("both", (1.4, 6.6)), 100);
    assert_eq!(footage.cut("head", (1.4, 6.0)), 100);
    assert_eq!(footage.cut("tail", (2.0, 6.6)), 100);
    let out = |name: &str| footage.folder.path().join(format!("out/{name}.mp4"));
    let (source, clip) = (pictures(&footage.path), pictures(&out("both")));
    assert_eq!(clip[15..115], source[50..150]);
    assert!(clip[..15].iter().chain(&clip[115..]).all(|frame| !source.contains(frame)));
    // The tone of each second is where its frame is.
    let heard = ticks(&out("both"));
    assert_eq!(heard.len(), 5);
    for (number, at) in heard.iter().enumerate() {
        assert!((at - 0.6 - number as f64).abs() < 0.003, "{at}");
    }
}

#[test]
fn a_span_of_whole_groups_is_a_copy() {
    let footage = Footage::usual(&[]);
    let output = footage.output("whole", (3.0, 8.0));
    footage.check(&output, &footage.render(&output, &smart()));
    assert_eq!(packets(&output.path), packets(&footage.path)[75..200]);
    // To the end of the source, and all of it.
    assert_eq!(footage.cut("end", (10.0, 12.0)), 50);
    assert_eq!(footage.cut("all", (0.0, 12.0)), 300);
}

#[test]
fn the_same_cut_has_the_same_bytes() {
    let footage = Footage::usual(&[]);
    let (a, b) = (footage.output("a", (1.4, 6.6)), footage.output("b", (1.4, 6.6)));
    let (one, two) = (footage.render(&a, &smart()), footage.render(&b, &smart()));
    assert_eq!(one.blake3, two.blake3);
    assert!(footage.copied(&a.path) > 0);
}

#[test]
fn where_little_can_be_copied_all_is_encoded() {
    let footage = Footage::usual(&["-g", "100"]);
    let (a, b) = (footage.output("a", (0.4, 3.6)), footage.output("b", (0.4, 3.6)));
    let facts = footage.render(&a, &smart());
    footage.check(&a, &facts);
    assert_eq!(footage.copied(&a.path), 0);
    assert_eq!(facts.blake3, footage.render(&b, &RenderSettings::default()).blake3);
    // Of 265 frames, 100 are a whole group; of 150, too.
    assert_eq!(footage.cut("third", (0.6, 11.2)), 0);
    assert_eq!(footage.cut("half", (3.0, 9.0)), 100);
}

#[test]
fn it_is_off_by_default() {
    let footage = Footage::usual(&[]);
    let output = footage.output("off", (2.0, 6.0));
    footage.render(&output, &RenderSettings::default());
    assert_eq!(footage.copied(&output.path), 0);
}

#[test]
fn any_kind_of_stream_comes_out_right() {
    for (name, options) in [
        ("no-b", &["-bf", "0"][..]),
        ("one-b", &["-bf", "1"]),
        ("pyramid", &["-bf", "8", "-x264-params", "b-pyramid=strict:ref=8"]),
        ("baseline", &["-profile:v", "baseline"]),
        ("main", &["-profile:v", "main", "-g", "50"]),
        ("intra", &["-g", "1"]),
        ("ids", &["-x264-params", "sps-id=1"]),
        ("silent", &["-an"]),
        ("clock", &["-video_track_timescale", "90000"]),
    ] {
        let footage = Footage::usual(options);
        assert!(footage.cut(name, (1.4, 7.6)) >= 100, "{name}");
    }
}

#[test]
fn open_groups_come_out_right() {
    // Only the first picture begins a closed group.
    let open = "keyint=25:min-keyint=25:scenecut=0:open-gop=1";
    let footage = Footage::usual(&["-x264-params", open]);
    assert_eq!(footage.cut("open", (1.4, 7.6)), 0);
    assert_eq!(footage.cut("all", (0.0, 12.0)), 300);
}

#[test]
fn interlaced_and_other_formats_are_encoded() {
    for (name, options) in [
        ("interlaced", &["-x264-params", "interlaced=1"][..]),
        ("yuv444", &["-pix_fmt", "yuv444p"]),
        ("deep", &["-pix_fmt", "yuv420p10le"]),
        ("hevc", &["-c:v", "libx265", "-x265-params", "log-level=error"]),
    ] {
        let footage = Footage::usual(options);
        let output = footage.output(name, (2.0, 6.0));
        let facts = footage.render(&output, &smart());
        assert_eq!((facts.frames, facts.video_codec.as_str()), (100, "h264"), "{name}");
        assert_eq!(footage.copied(&output.path), 0, "{name}");
    }
}

#[test]
fn a_variable_rate_and_other_starts_are_kept() {
    // Every frame that a three or a five divides is left out.
    let uneven = ["-vf", "select='mod(n,3)*mod(n,5)'", "-fps_mode", "vfr"];
    let footage = Footage::new(|folder| make(folder, "v.mp4", 300, &h264(&uneven)));
    let keys = key_times(&footage.path);
    assert!(footage.cut("whole", (keys[1], keys[4])) > 70);
    let key = footage.frames.iter().position(|(time, _)| *time > keys[1] - 0.001).unwrap();
    assert!(footage.cut("between", (footage.frames[key - 5].0, keys[4] + 0.3)) > 70);
    let footage = Footage::usual(&["-output_ts_offset", "3.7"]);
    assert!(footage.probe.start_time > 3.6, "{}", footage.probe.start_time);
    let at = |number: usize| footage.frames[number].0;
    assert_eq!(footage.cut("late", (at(35), at(165))), 100);
    assert_eq!(footage.cut("late whole", (at(50), at(150))), 100);
}

#[test]
fn an_edit_list_that_begins_amid_a_group_is_kept() {
    let footage = Footage::new(|folder| {
        let whole = make(folder, "whole.mp4", 300, &h264(&[]));
        let path = folder.join("edited.mp4");
        let (from, to) = (whole.to_str().unwrap(), path.to_str().unwrap());
        ffmpeg(&["-ss", "2.32", "-i", from, "-c", "copy", to]);
        path
    });
    assert!(footage.frames[0].1 > 50, "{:?}", footage.frames[0]);
    let at = |number: usize| footage.frames.iter().find(|frame| frame.1 == number).unwrap().0;
    assert_eq!(footage.cut("later", (at(90), at(215))), 100);
    assert!(footage.cut("first", (at(58), at(160))) <= 100);
}

#[test]
fn each_quality_is_compared_with_success() {
    let footage = Footage::usual(&[]);
    for quality in [Quality::Low, Quality::Medium, Quality::Best] {
        let mut settings = smart();
        settings.encoding.quality = quality;
        let output = footage.output(quality.as_str(), (1.4, 6.6));
        footage.check(&output, &footage.render(&output, &settings));
        assert_eq!(footage.copied(&output.path), 100, "{quality}");
    }
}

#[test]
fn an_edit_that_only_cuts_is_copied_with_its_own_sound() {
    let footage = Footage::usual(&[]);
    let span = Segment { start: 1.4, end: 6.6, speed: 1.0 };
    let edit =
        Edit { loudness: Some(-20.0), ..Edit::plain((WIDTH as i64, HEIGHT as i64), 25.0, [span]) };
    let cut = |name: &str, edit: Edit| {
        let output = Output { edit: Some(edit), ..footage.output(name, (1.4, 6.6)) };
        let facts = footage.render(&output, &smart());
        assert_eq!(facts.frames, 130, "{name}");
        (footage.copied(&output.path), output)
    };
    let (copied, output) = cut("span", edit.clone());
    assert_eq!(copied, 100);
    assert_eq!(numbers(&output.path, "null"), (35..165).collect::<Vec<_>>());
    let mirror = Effect { kind: EffectKind::Mirror, at: None, strength: 1.0 };
    assert_eq!(cut("mirror", Edit { effects: vec![mirror], ..edit.clone() }).0, 0);
    let faster = vec![Segment { start: 1.4, end: 7.64, speed: 1.2 }];
    assert_eq!(cut("faster", Edit { segments: faster, ..edit.clone() }).0, 0);
    let smaller = Edit { width: 128, height: 48, ..edit };
    assert_eq!(cut("smaller", smaller).0, 0);
}

/// When the keyframes are shown, in seconds.
fn key_times(path: &Path) -> Vec<f64> {
    let file = path.to_str().unwrap();
    let entries = ["-select_streams", "v", "-skip_frame", "nokey", "-show_entries"];
    let times = super::support::counter::probe(file, &[&entries[..], &["frame=pts_time"]].concat());
    times.iter().filter_map(|time| time.parse().ok()).collect()
}
