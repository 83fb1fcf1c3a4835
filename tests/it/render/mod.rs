//! Clips as files: real media in, exact clips out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod files;

use std::path::{Path, PathBuf};

use clipflow::cancel::CancelToken;
use clipflow::error::Result;
use clipflow::media::MediaTools;
use clipflow::media::probe::{Probe, probe};
use clipflow::media::render::{Output, RenderSettings, plan_passes, render};
use clipflow::model::Rendition;
use tempfile::TempDir;

use super::support::counter::{self, ffmpeg, make, numbers, sound, ticks, times};

/// A source in a folder of its own, with its frames' times and numbers read from the file itself.
struct Footage {
    folder: TempDir,
    path: PathBuf,
    probe: Probe,
    tools: MediaTools,
    frames: Vec<(f64, usize)>,
}

impl Footage {
    fn new(make: impl FnOnce(&Path) -> PathBuf) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = make(folder.path());
        let tools = MediaTools::find().expect("ffmpeg is installed");
        let settings = RenderSettings::default();
        let probe = probe(&tools, &path, &settings.limits, &CancelToken::new()).expect("a video");
        Self { folder, path, probe, tools, frames: Vec::new() }
    }

    /// Reads the frames' numbers and times; `filters` bring the picture back to the counter's.
    fn read(mut self) -> Self {
        let (times, numbers) = (times(&self.path), numbers(&self.path, "null"));
        assert_eq!(times.len(), numbers.len());
        self.frames = times.into_iter().zip(numbers).collect();
        self
    }

    fn spans(&self, times: &[(f64, f64)]) -> Vec<Output> {
        let span = |(number, (start, end)): (usize, &(f64, f64))| Output {
            rendition_id: format!("r{number}"),
            start: *start,
            end: *end,
            path: self.folder.path().join(format!("out/r{number}.mp4")),
            edit: None,
            cues: Vec::new(),
        };
        times.iter().enumerate().map(span).collect()
    }

    fn render(&self, spans: &[Output]) -> Vec<Result<Rendition>> {
        self.render_with(spans, &RenderSettings::default())
    }

    fn render_with(&self, spans: &[Output], settings: &RenderSettings) -> Vec<Result<Rendition>> {
        let cancel = CancelToken::new();
        render(&self.tools, &self.path, &self.probe, spans, settings, &cancel, &|_| ())
    }

    /// Removes the clips, so that the next call renders them anew.
    fn clear(&self) {
        std::fs::remove_dir_all(self.folder.path().join("out")).expect("clips");
    }

    /// PTS of the first frame at `seconds` or later, as shots have it.
    fn frame_at(&self, seconds: f64) -> f64 {
        let later = self.frames.iter().map(|frame| frame.0).find(|time| *time >= seconds - 0.001);
        later.expect("the source is longer")
    }

    /// Spans from frame to frame.
    fn on_frames(&self, times: &[(f64, f64)]) -> Vec<Output> {
        let snap = |(start, end): &(f64, f64)| (self.frame_at(*start), self.frame_at(*end));
        self.spans(&times.iter().map(snap).collect::<Vec<_>>())
    }

    /// The frames that belong into a clip.
    fn wanted(&self, span: &Output) -> Vec<(f64, usize)> {
        let within =
            |(time, _): &&(f64, usize)| *time >= span.start - 0.001 && *time < span.end - 0.001;
        self.frames.iter().filter(within).copied().collect()
    }

    /// Checks numbers, count and times of a clip that begins on a frame.
    fn check(&self, span: &Output, result: &Result<Rendition>) {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let what = format!("{name} {}..{}", span.start, span.end);
        let facts =
            result.as_ref().unwrap_or_else(|error| panic!("{what}: {error} ({:?})", error.code()));
        let wanted = self.wanted(span);
        assert!(!wanted.is_empty(), "{what}: bad test");
        let found = numbers(&span.path, "null");
        assert_eq!(found, wanted.iter().map(|frame| frame.1).collect::<Vec<_>>(), "{what}");
        assert_eq!(facts.frames, wanted.len() as i64, "{what}");
        let length = span.end - span.start;
        assert!((facts.duration - length).abs() < 0.0015, "{what}: {} s long", facts.duration);
        let shown = times(&span.path);
        for (shown, wanted_time) in shown.iter().zip(&wanted) {
            let distance = wanted_time.0 - wanted[0].0;
            assert!((shown - distance).abs() < 0.0006, "{what}: {shown} instead of {distance}");
        }
        assert_eq!(
            facts.blake3,
            blake3::hash(&std::fs::read(&span.path).unwrap()).to_hex().as_str()
        );
        assert_eq!(facts.bytes, std::fs::metadata(&span.path).unwrap().len() as i64);
    }

    /// How far the ticks of a clip are from the frames they were recorded with, in seconds.
    /// Frame n was recorded at n / 25 s, and ticks at whole seconds.
    fn drift(&self, clip: &Path) -> Vec<f64> {
        let (times, numbers) = (times(clip), numbers(clip, "null"));
        let recorded = |tick: f64| {
            let at = times.iter().rposition(|time| *time <= tick + 1e-6)?;
            Some(numbers[at] as f64 / 25.0 + tick - times[at])
        };
        ticks(clip).into_iter().filter_map(recorded).map(|at| at - at.round()).collect()
    }

    /// Names of the files in the output folder.
    fn outputs(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.folder.path().join("out")) else {
            return Vec::new();
        };
        let name = |entry: std::io::Result<std::fs::DirEntry>| {
            entry.expect("an entry").file_name().to_string_lossy().into_owned()
        };
        let mut names: Vec<String> = entries.map(name).collect();
        names.sort();
        names
    }
}

const LONG_GOP: &[&str] = &[
    "-c:v",
    "libx264",
    "-preset",
    "veryfast",
    "-bf",
    "3",
    "-x264-params",
    "keyint=250:min-keyint=250:scenecut=0:open-gop=1:b-pyramid=normal",
    "-pix_fmt",
    "yuv420p",
    "-c:a",
    "aac",
];

/// Neighbours, an overlap, a start amid the pictures that precede a keyframe on the screen but
/// follow it in the file, and a clip far away.
const CUTS: &[(f64, f64)] = &[(9.96, 11.2), (11.2, 12.0), (10.6, 11.8), (3.0, 3.4), (22.0, 23.48)];

fn exact_and_in_sync(footage: &Footage) {
    let spans = footage.on_frames(CUTS);
    let whole = footage.drift(&footage.path);
    let own = whole[whole.len() / 2];
    for (span, result) in spans.iter().zip(footage.render(&spans)) {
        footage.check(span, &result);
        let facts = result.expect("checked");
        let length = span.end - span.start;
        assert!((facts.fps - 25.0).abs() < 0.2, "{}", facts.fps);
        assert_eq!((facts.width, facts.height), (256, 96));
        assert_eq!(
            (facts.video_codec.as_str(), facts.audio_codec.as_deref()),
            ("h264", Some("aac"))
        );
        assert_eq!(facts.av_offset, Some(0.0));
        // AAC fills its last frame of 1024 samples.
        let heard = sound(&span.path).len() as f64 / counter::RATE;
        assert!((0.0..0.022).contains(&(heard - length)), "{heard} s of sound for {length} s");
        // What the container itself is off by is not ours to mend.
        let drift = footage.drift(&span.path);
        assert!(length < 1.1 || !drift.is_empty(), "no tick in {:?}", span.path);
        for off in drift {
            assert!((off - own).abs() < 0.003, "{:?}: {off} s, {own} s in the source", span.path);
        }
    }
}

#[test]
fn long_open_gop_in_mp4_is_cut_exactly() {
    let footage = Footage::new(|folder| make(folder, "a.mp4", 600, LONG_GOP)).read();
    exact_and_in_sync(&footage);
}

#[test]
fn a_start_offset_in_matroska_is_taken_off() {
    let options = [LONG_GOP, &["-output_ts_offset", "7.777"]].concat();
    let footage = Footage::new(|folder| make(folder, "a.mkv", 600, &options)).read();
    assert!(footage.probe.start_time > 7.7, "{}", footage.probe.start_time);
    exact_and_in_sync(&footage);
}

#[test]
fn transport_and_program_streams_are_cut_exactly() {
    let footage = Footage::new(|folder| make(folder, "a.ts", 600, LONG_GOP)).read();
    assert!(footage.probe.start_time > 1.0, "{}", footage.probe.start_time);
    exact_and_in_sync(&footage);
    let options = ["-c:v", "mpeg2video", "-q:v", "3", "-bf", "2", "-g", "50", "-c:a", "mp2"];
    let footage = Footage::new(|folder| make(folder, "a.mpg", 600, &options)).read();
    exact_and_in_sync(&footage);
}

#[test]
fn avi_without_time_stamps_is_cut_exactly() {
    let options = ["-c:v", "mpeg4", "-q:v", "3", "-bf", "2", "-g", "100", "-c:a", "mp3"];
    let footage = Footage::new(|folder| make(folder, "a.avi", 600, &options)).read();
    exact_and_in_sync(&footage);
}

#[test]
fn an_edit_list_that_begins_amid_a_gop_is_kept() {
    let footage = Footage::new(|folder| {
        let whole = make(folder, "whole.mp4", 700, LONG_GOP);
        let path = folder.join("edited.mp4");
        ffmpeg(&[
            "-ss",
            "3.32",
            "-i",
            whole.to_str().unwrap(),
            "-c",
            "copy",
            path.to_str().unwrap(),
        ]);
        path
    })
    .read();
    assert!(footage.frames[0].1 > 70, "{:?}", footage.frames[0]);
    exact_and_in_sync(&footage);
}

#[test]
fn a_seek_that_comes_down_too_late_is_repeated_from_further_back() {
    // A transport stream has no index, and this GOP is longer than the first margin.
    let options = [
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-x264-params",
        "keyint=500:min-keyint=500:scenecut=0",
        "-pix_fmt",
        "yuv420p",
        "-c:a",
        "aac",
    ];
    let footage = Footage::new(|folder| make(folder, "a.ts", 900, &options)).read();
    let spans = footage.on_frames(&[(35.0, 35.6), (19.0, 19.4)]);
    let plan = plan_passes(&footage.probe, &spans, &RenderSettings::default());
    assert!(plan.iter().any(|pass| pass.seek.is_some_and(|seek| seek > 5.0)), "{plan:?}");
    for (span, result) in spans.iter().zip(footage.render(&spans)) {
        footage.check(span, &result);
    }
}

const UNEVEN: &str = "settb=1/1000,setpts='N*40+3*mod(N*N,7)+1500*gt(N,120)'";

fn uneven(number: i64) -> i64 {
    number * 40 + 3 * (number * number % 7) + if number > 120 { 1500 } else { 0 }
}

#[test]
fn a_variable_frame_rate_keeps_every_time() {
    for name in ["v.mkv", "v.mp4"] {
        let options =
            [LONG_GOP, &["-vf", UNEVEN, "-fps_mode", "passthrough", "-enc_time_base", "1:1000"]]
                .concat();
        let footage = Footage::new(|folder| make(folder, name, 300, &options)).read();
        let at = |number: i64| (uneven(number) - uneven(0)) as f64 / 1000.0 + footage.frames[0].0;
        for (number, frame) in footage.frames.iter().enumerate() {
            assert!((frame.0 - at(number as i64)).abs() < 0.0011, "bad test: {number} {frame:?}");
        }
        // The second holds the gap of 1.5 s, the third ends amid it.
        let spans = footage.spans(&[
            (at(31), at(97)),
            (at(97), at(140)),
            (at(90), at(120) + 1.0),
            (at(250), at(260)),
        ]);
        for (span, result) in spans.iter().zip(footage.render(&spans)) {
            footage.check(span, &result);
            assert_eq!(result.unwrap().av_offset, Some(0.0));
        }
    }
}

#[test]
fn a_start_between_frames_holds_the_next_frame_and_keeps_the_sound_in_place() {
    let footage = Footage::new(|folder| make(folder, "a.mp4", 250, LONG_GOP)).read();
    let first = footage.frames[0].0;
    // 30 ms after frame 49, 10 ms before frame 50.
    let spans = footage.spans(&[(first + 1.99, first + 4.01)]);
    let facts = footage.render(&spans).remove(0).expect("a clip");
    assert_eq!(numbers(&spans[0].path, "null"), (50..101).collect::<Vec<_>>());
    let shown = times(&spans[0].path);
    assert!(shown[0].abs() < 1e-6 && (shown[1] - 0.05).abs() < 0.001, "{shown:?}");
    assert_eq!(facts.av_offset, Some(0.0));
    let heard = ticks(&spans[0].path);
    // Ticks at 2 and 3 s; where AAC starts, its first milliseconds are too soft to count.
    assert!(heard.iter().any(|tick| (tick - 1.01).abs() < 0.003), "{heard:?}");
}

#[test]
fn sound_that_starts_late_or_ends_early_is_filled_with_silence() {
    let footage = Footage::new(|folder| {
        let whole = make(folder, "whole.mkv", 500, LONG_GOP);
        let (whole, path) = (whole.to_str().unwrap(), folder.join("gaps.mkv"));
        let part = folder.join("part.mkv");
        let part = part.to_str().unwrap();
        ffmpeg(&["-ss", "5", "-i", whole, "-t", "5.5", "-vn", "-c:a", "pcm_s16le", part]);
        let joined = ["-c", "copy", path.to_str().unwrap()];
        let inputs = ["-i", whole, "-itsoffset", "5", "-i", part, "-map", "0:v", "-map", "1:a"];
        ffmpeg(&[&inputs[..], &joined].concat());
        path
    })
    .read();
    let spans = footage.spans(&[(4.0, 6.52), (1.0, 2.0), (9.52, 12.0), (15.0, 16.0)]);
    let loud = |range: &[f32]| range.iter().any(|sample| sample.abs() > 0.01);
    let mut heard = Vec::new();
    for (span, result) in spans.iter().zip(footage.render(&spans)) {
        assert_eq!(result.expect("a clip").av_offset, Some(0.0));
        let sound = sound(&span.path);
        let length = sound.len() as f64 / counter::RATE;
        assert!((0.0..0.022).contains(&(length - (span.end - span.start))), "{length}");
        heard.push(sound);
    }
    let seconds = |seconds: f64| (seconds * counter::RATE) as usize;
    assert!(!loud(&heard[0][..seconds(0.98)]) && loud(&heard[0][seconds(0.99)..seconds(1.1)]));
    assert!(loud(&heard[0][seconds(1.98)..seconds(2.1)]));
    assert!(!loud(&heard[1]) && !loud(&heard[3]));
    assert!(loud(&heard[2][seconds(0.45)..seconds(0.6)]) && !loud(&heard[2][seconds(1.1)..]));
}

#[test]
fn a_silent_source_gives_a_file_without_sound() {
    let options = ["-map", "0:v", "-c:v", "libx264", "-pix_fmt", "yuv420p"];
    let footage = Footage::new(|folder| make(folder, "a.mp4", 100, &options)).read();
    let spans = footage.spans(&[(1.0, 2.0), (2.0, 4.0)]);
    for (span, result) in spans.iter().zip(footage.render(&spans)) {
        footage.check(span, &result);
        let facts = result.unwrap();
        assert_eq!((facts.audio_codec, facts.av_offset), (None, None));
    }
}

#[test]
fn pictures_become_upright_square_even_and_8_bit() {
    let footage = Footage::new(|folder| {
        let plain = make(folder, "plain.mp4", 100, LONG_GOP);
        let path = folder.join("turned.mp4");
        let tag = ["-c", "copy", "-metadata:s:v:0", "rotate=90", path.to_str().unwrap()];
        ffmpeg(&[&["-i", plain.to_str().unwrap()], &tag[..]].concat());
        path
    });
    let spans = footage.spans(&[(1.0, 2.0)]);
    let facts = footage.render(&spans).remove(0).expect("a clip");
    assert_eq!((facts.width, facts.height), (96, 256));
    // Turned a quarter to the left; back again it is the counter, and no tag turns it once more.
    assert_eq!(numbers(&spans[0].path, "transpose=clock"), (25..50).collect::<Vec<_>>());

    // Pixels twice as wide as high, 10-bit 4:4:4, an odd height.
    let options = [
        "-vf",
        "crop=255:95:0:0,setsar=2/1",
        "-c:v",
        "libx264",
        "-pix_fmt",
        "yuv444p10le",
        "-c:a",
        "aac",
    ];
    let footage = Footage::new(|folder| make(folder, "wide.mkv", 100, &options));
    let spans = footage.spans(&[(1.0, 2.0)]);
    let facts = footage.render(&spans).remove(0).expect("a clip");
    assert_eq!((facts.width, facts.height), (510, 94));
    let said = counter::probe(
        spans[0].path.to_str().unwrap(),
        &["-select_streams", "v", "-show_entries", "stream=sample_aspect_ratio,pix_fmt"],
    );
    assert_eq!(said, ["1:1", "yuv420p"]);
    assert_eq!(numbers(&spans[0].path, "null").len(), 25);
}

#[test]
fn a_picture_that_changes_its_size_is_scaled_to_the_first() {
    let footage = Footage::new(|folder| {
        let one = make(folder, "one.ts", 100, LONG_GOP);
        let options = [LONG_GOP, &["-vf", "scale=512:192", "-output_ts_offset", "4.2"]].concat();
        let two = make(folder, "two.ts", 100, &options);
        let path = folder.join("both.ts");
        std::fs::write(&path, [std::fs::read(one).unwrap(), std::fs::read(two).unwrap()].concat())
            .unwrap();
        path
    })
    .read();
    let spans = footage.spans(&[(footage.frames[75].0, footage.frames[120].0)]);
    let result = footage.render(&spans).remove(0);
    footage.check(&spans[0], &result);
    let facts = result.expect("checked");
    assert_eq!((facts.width, facts.height, facts.frames), (256, 96, 45));
}

#[test]
fn interlaced_pictures_become_progressive_frame_for_frame() {
    let options = [
        "-vf",
        "setfield=tff",
        "-flags",
        "+ilme+ildct",
        "-c:v",
        "mpeg2video",
        "-q:v",
        "2",
        "-bf",
        "2",
        "-c:a",
        "mp2",
    ];
    let footage = Footage::new(|folder| make(folder, "i.mkv", 200, &options)).read();
    let spans = footage.on_frames(&[(2.0, 3.0), (3.0, 4.0), (5.0, 5.04)]);
    let results = footage.render(&spans);
    for (span, result) in spans.iter().zip(&results) {
        footage.check(span, result);
    }
    let said = counter::probe(
        spans[0].path.to_str().unwrap(),
        &[
            "-select_streams",
            "v",
            "-read_intervals",
            "%+#1",
            "-show_entries",
            "frame=interlaced_frame",
        ],
    );
    assert_eq!(said, ["0"]);
    // The pictures next to a clip's ends take part in its own, whatever the pass.
    footage.clear();
    let alone = footage.render(&spans[..1]).remove(0).expect("a clip").blake3;
    assert_eq!(results[0].as_ref().expect("checked").blake3, alone);
}
