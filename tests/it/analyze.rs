//! Analysis of real media: clocks, shapes, streams, captions, and what is refused.

use std::path::{Path, PathBuf};

use clipflow::cancel::CancelToken;
use clipflow::error::{ErrorCode, Result};
use clipflow::media::{
    Analysis, AnalysisProgress, AnalyzeSettings, MediaLimits, MediaTools, analyze, probe,
};
use tempfile::TempDir;

use super::support::counter::ffmpeg;

/// A folder for media, and how to make and analyse them.
struct Bench {
    folder: TempDir,
    tools: MediaTools,
}

const PICTURE: [&str; 4] = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=4"];
const TONE: [&str; 4] = ["-f", "lavfi", "-i", "sine=d=4:r=48000"];
const X264: [&str; 4] = ["-c:v", "libx264", "-preset", "ultrafast"];
const SRT: &str = "1\n00:00:00,500 --> 00:00:01,500\nHello <i>there</i>\n\n\
    2\n00:00:02,000 --> 00:00:03,000\nSecond line\n";

impl Bench {
    fn new() -> Self {
        let tools = MediaTools::find().expect("ffmpeg is installed");
        Self { folder: tempfile::tempdir().expect("a folder"), tools }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.at(name).to_str().expect("UTF-8").to_owned()
    }

    /// Runs ffmpeg with the options of `parts`, writing `name`.
    fn make(&self, name: &str, parts: &[&[&str]]) -> PathBuf {
        let output = self.text(name);
        ffmpeg(&[&parts.concat()[..], &[&output]].concat());
        self.at(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        std::fs::write(self.at(name), bytes).expect("room for test media");
        self.at(name)
    }

    fn try_analyze(&self, path: &Path) -> Result<Analysis> {
        let settings = AnalyzeSettings::default();
        analyze(&self.tools, path, &settings, &CancelToken::new(), &|_| ())
    }

    fn analyze(&self, path: &Path) -> Analysis {
        self.try_analyze(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    fn code(&self, path: &Path) -> ErrorCode {
        let error = self.try_analyze(path).expect_err("an error");
        assert!(!error.message().contains(self.folder.path().to_str().expect("UTF-8")), "{error}");
        assert!(error.message().len() > 20, "a sentence, not {error}");
        error.code()
    }
}

fn near(a: f64, b: f64, by: f64) -> bool {
    (a - b).abs() <= by
}

/// As Windows' editor writes it: UTF-16 with a byte order mark.
fn utf16(text: &str) -> Vec<u8> {
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

/// Start and end of the loud stretch, from the silence column.
fn sounding(analysis: &Analysis) -> (f64, f64) {
    let loud = |s: &&clipflow::model::Signal| s.silence.is_some_and(|silence| silence < 0.5);
    let first = analysis.signals.iter().find(loud).expect("sound").t;
    let last = analysis.signals.iter().rfind(loud).expect("sound").t;
    (first, last + 0.25)
}

#[test]
fn an_ordinary_file_has_all_columns() {
    let bench = Bench::new();
    let path = bench.make("a.mp4", &[&PICTURE, &TONE, &X264, &["-c:a", "aac"]]);
    let seconds = std::cell::RefCell::new(Vec::new());
    let expected = std::cell::Cell::new(0.0);
    let report = |progress: AnalysisProgress| match progress {
        AnalysisProgress::Expected(of) => expected.set(of),
        AnalysisProgress::Analysed(at) => seconds.borrow_mut().push(at),
    };
    let settings = AnalyzeSettings::default();
    let found = analyze(&bench.tools, &path, &settings, &CancelToken::new(), &report);
    let Analysis { info, signals, shots, cues } = found.expect("an analysis");
    assert_eq!((info.container.as_str(), info.video_codec.as_str()), ("mov", "h264"));
    assert_eq!((info.width, info.height, info.rotation, info.frames), (320, 180, 0, 100));
    assert!(near(info.duration, 4.0, 1e-9) && near(info.fps, 25.0, 1e-9) && !info.variable_fps);
    assert_eq!(info.audio_codec.as_deref(), Some("aac"));
    assert_eq!((info.sample_rate, info.channels), (Some(48_000), Some(1)));
    // A sine of amplitude 1/8 is −21.1 dB full scale at 440 Hz, and K-weighting takes 0.7 off.
    assert!(info.loudness.is_some_and(|l| near(l, -21.8, 0.5)), "{:?}", info.loudness);
    assert_eq!(info.bytes.unsigned_abs(), std::fs::metadata(&path).expect("a file").len());
    let times: Vec<f64> = signals.iter().map(|s| s.t).collect();
    assert_eq!(times, (0..16).map(|k| f64::from(k) / 4.0).collect::<Vec<_>>());
    assert!(signals.iter().all(|s| s.loudness.is_some() && s.luma > 0.0));
    assert_eq!((shots.len(), cues.len()), (1, 0));
    assert!(seconds.borrow().windows(2).all(|pair| pair[0] < pair[1]));
    assert!(seconds.borrow().len() >= 3, "{seconds:?}");
    assert!(near(expected.get(), 4.0, 0.1), "{expected:?}");
}

#[test]
fn a_variable_frame_rate_keeps_every_time_stamp() {
    let bench = Bench::new();
    // Every frame up to 45, then every third: a cut to white at frame 90 of 30 a second, 3.0 s.
    let graph = "color=black:s=320x180:r=30:d=3[a];color=white:s=320x180:r=30:d=1[b];\
        [a][b]concat,select='not(mod(n,3))+lt(n,45)'";
    for name in ["v.mp4", "v.mkv"] {
        let options = ["-f", "lavfi", "-i", graph, "-fps_mode", "vfr"];
        let found = bench.analyze(&bench.make(name, &[&options, &X264]));
        // 45 + 25 frames; the last one, at 3.9 s, lasts as the container says.
        assert_eq!(found.info.frames, 70, "{name}");
        assert!(found.info.variable_fps, "{name}");
        assert!(near(found.info.duration, 4.0, 0.07), "{name} {}", found.info.duration);
        let cut = found.shots.get(1).expect("a cut");
        assert!(near(cut.start, 3.0, 1e-3), "{name} {cut:?}");
        assert_eq!(cut.first_frame, 60, "{name}");
    }
}

#[test]
fn the_clock_starts_with_the_container() {
    let bench = Bench::new();
    let late = ["-itsoffset", "0.5"];
    for name in ["late-picture.mkv", "late-picture.ts"] {
        let parts: [&[&str]; 6] =
            [&late, &PICTURE, &TONE, &["-map", "0:v", "-map", "1:a"], &X264, &["-c:a", "aac"]];
        let found = bench.analyze(&bench.make(name, &parts));
        let start = found.shots.first().expect("a shot").start;
        // Plus the two frames that B-frames, or the 21 ms that AAC's priming, put before.
        assert!(near(start, 0.5, 0.05), "{name} {start}");
        assert_eq!(sounding(&found).0, 0.0, "{name}");
        assert!(near(found.info.duration, 4.5, 0.05), "{name}");
        let black = found.signals.first().expect("a row");
        assert_eq!((black.luma, black.saliency_x), (0.0, 0.5), "{name}");
    }
    let parts: [&[&str]; 6] =
        [&PICTURE, &["-itsoffset", "1"], &TONE, &["-t", "4"], &X264, &["-c:a", "aac"]];
    for name in ["late-sound.mkv", "late-sound.mp4"] {
        let found = bench.analyze(&bench.make(name, &parts));
        assert_eq!(sounding(&found), (1.0, 4.0), "{name}");
    }
    // All of it ten seconds late: the tables do not show it, the offset does.
    let base = bench.text("late-sound.mkv");
    let shifted = bench.make("shifted.mkv", &[&["-itsoffset", "10", "-i", &base, "-c", "copy"]]);
    let found = bench.analyze(&shifted);
    assert!(near(found.info.start_offset, 10.0, 0.05), "{}", found.info.start_offset);
    assert!(near(found.info.duration, 4.0, 0.05));
    assert_eq!(sounding(&found), (1.0, 4.0));
}

#[test]
fn a_late_start_in_matroska_is_not_taken_for_missing_pictures() {
    let bench = Bench::new();
    bench.make("base.mp4", &[&PICTURE, &TONE, &X264, &["-bf", "0", "-c:a", "aac"]]);
    let base = bench.text("base.mp4");
    // Its DURATION tags say 7 s, of which 4 hold anything.
    let inputs = ["-itsoffset", "3", "-i", &base, "-c", "copy"];
    let found = bench.analyze(&bench.make("offset.mkv", &[&inputs]));
    assert!(near(found.info.start_offset, 3.0, 0.05), "{}", found.info.start_offset);
    assert!(near(found.info.duration, 4.0, 0.05), "{}", found.info.duration);
    let start = found.shots.first().expect("a shot").start;
    assert!(near(start, 0.0, 0.05), "{start}");
    assert_eq!(found.info.frames, 100);
    // The picture starts 3 s after the sound.
    let maps = ["-i", &base, "-map", "0:v", "-map", "1:a"];
    let found = bench.analyze(&bench.make("late.mkv", &[&inputs[..4], &maps, &["-c", "copy"]]));
    let start = found.shots.first().expect("a shot").start;
    assert!(near(start, 3.0, 0.05), "{start}");
    assert!(near(found.info.duration, 7.0, 0.05), "{}", found.info.duration);
    assert_eq!((found.info.frames, sounding(&found).0), (100, 0.0));
    // Half of it is half of it all the same.
    let bytes = std::fs::read(bench.at("offset.mkv")).expect("a file");
    let half = bench.write("half.mkv", &bytes[..bytes.len() / 2]);
    assert_eq!(bench.code(&half), ErrorCode::SourceTruncated);
}

#[test]
fn a_stream_that_is_not_used_still_starts_the_clock() {
    let bench = Bench::new();
    // The second sound track starts first, by a second.
    let late: [&[&str]; 4] = [
        &["-itsoffset", "1"],
        &PICTURE,
        &["-itsoffset", "1"],
        &["-f", "lavfi", "-i", "sine=d=4:r=48000"],
    ];
    let maps = ["-map", "0", "-map", "1", "-map", "2", "-c:a", "aac", "-ac:a:0", "2"];
    let path = bench.make("early.ts", &[&late.concat(), &TONE, &maps, &X264]);
    let found = bench.analyze(&path);
    assert_eq!(found.info.channels, Some(2));
    let start = found.shots.first().expect("a shot").start;
    assert!(near(start, 1.0, 0.05), "{start}");
    assert_eq!(sounding(&found).0, 1.0);
}

#[test]
fn a_gap_in_the_sound_does_not_shift_what_follows() {
    let bench = Bench::new();
    let gap = ["-af", "aselect='not(between(t,1,2))'", "-c:a", "aac"];
    let found = bench.analyze(&bench.make("gap.mkv", &[&PICTURE, &TONE, &gap, &X264]));
    let silent: Vec<f64> =
        found.signals.iter().filter(|s| s.silence > Some(0.5)).map(|s| s.t).collect();
    assert_eq!(silent.get(..4), Some(&[1.0, 1.25, 1.5, 1.75][..]), "{silent:?}");
    assert!(silent.len() <= 5, "{silent:?}");
}

#[test]
fn turned_and_anamorphic_pictures_have_their_shown_shape() {
    let bench = Bench::new();
    // A bright block at the left of the stored picture.
    let block = "color=black:s=320x180:r=25:d=2,drawbox=x=10:y=80:w=40:h=20:color=white:t=fill";
    let source = bench.make("flat.mp4", &[&["-f", "lavfi", "-i", block], &X264]);
    let source = source.to_str().expect("UTF-8");
    let flat = bench.analyze(Path::new(source));
    assert!(flat.signals[2].saliency_x < 0.3, "{:?}", flat.signals[2]);
    let mut tops = Vec::new();
    for degrees in ["90", "270"] {
        let tag = format!("rotate={degrees}");
        let name = format!("turned-{degrees}.mp4");
        let path = bench.make(&name, &[&["-i", source, "-c", "copy", "-metadata:s:v", &tag]]);
        let found = bench.analyze(&path);
        assert_eq!((found.info.width, found.info.height), (180, 320));
        assert_eq!(found.info.rotation % 180, 90);
        // Turned by ffmpeg's own choice for the same file, the block is where we say.
        let raw = ffmpeg(&[
            "-i",
            path.to_str().expect("UTF-8"),
            "-frames:v",
            "1",
            "-vf",
            "scale=2:2:flags=area,format=gray",
            "-f",
            "rawvideo",
            "-",
        ]);
        let top = u32::from(raw[0]) + u32::from(raw[1]) > u32::from(raw[2]) + u32::from(raw[3]);
        let y = found.signals[2].saliency_y;
        assert_eq!(y < 0.3, top, "{degrees}: {y}");
        assert_eq!(y > 0.7, !top, "{degrees}: {y}");
        tops.push(top);
    }
    assert!(tops[0] != tops[1], "{tops:?}");
    let wide = bench.make("wide.mp4", &[&PICTURE, &["-vf", "setsar=4/3"], &X264]);
    let info = bench.analyze(&wide).info;
    assert_eq!((info.width, info.height), (427, 180));
}

#[test]
fn a_source_without_sound_has_no_sound_columns() {
    let bench = Bench::new();
    let found = bench.analyze(&bench.make("mute.mp4", &[&PICTURE, &X264]));
    assert_eq!((found.info.audio_codec, found.info.loudness), (None, None));
    let none = |s: &clipflow::model::Signal| {
        s.loudness.is_none() && s.onset.is_none() && s.speech.is_none() && s.silence.is_none()
    };
    assert!(found.signals.iter().all(none));
}

#[test]
fn of_several_streams_the_default_or_largest_is_taken() {
    let bench = Bench::new();
    let small = ["-f", "lavfi", "-i", "color=s=64x36:r=10:d=4"];
    let maps = ["-map", "0:v", "-map", "1:v", "-map", "2:a", "-map", "2:a", "-disposition:v", "0"];
    let sound = ["-c:a", "aac"];
    let path = bench.make("several.mkv", &[&small, &PICTURE, &TONE, &maps, &X264, &sound]);
    assert_eq!(bench.analyze(&path).info.width, 320);
    let path = path.to_str().expect("UTF-8").to_owned();
    let chosen = ["-i", &path, "-map", "0", "-c", "copy", "-disposition:v:0", "default"];
    assert_eq!(bench.analyze(&bench.make("chosen.mkv", &[&chosen])).info.width, 64);
}

#[test]
fn attached_pictures_are_no_video_and_do_no_harm() {
    let bench = Bench::new();
    let video = bench.text("plain.mp4");
    bench.make("plain.mp4", &[&PICTURE, &TONE, &X264, &["-c:a", "aac"]]);
    let cover = bench.text("cover.jpg");
    let still = ["-f", "lavfi", "-i", "testsrc2=s=600x600:d=1", "-frames:v", "1"];
    bench.make("cover.jpg", &[&still]);
    let inputs = ["-i", &video, "-i", &cover, "-map", "0", "-map", "1", "-c", "copy"];
    let with = bench.make("with.mp4", &[&inputs, &["-disposition:v:1", "attached_pic"]]);
    let found = bench.analyze(&with);
    assert_eq!((found.info.width, found.info.frames), (320, 100));
    let song = ["-i", &cover, "-map", "0:a", "-map", "1", "-c:v", "copy"];
    let art = bench.make("art.mp3", &[&TONE, &song, &["-disposition:v", "attached_pic"]]);
    assert_eq!(bench.code(&art), ErrorCode::MediaNoVideo);
}

#[test]
fn captions_come_from_tracks_and_from_files_beside() {
    let bench = Bench::new();
    bench.make("base.mp4", &[&PICTURE, &X264]);
    let (base, srt) = (bench.text("base.mp4"), bench.text("lines"));
    bench.write("lines", SRT);
    let inputs = ["-i", &base, "-f", "srt", "-i", &srt, "-map", "0", "-map", "1", "-c", "copy"];
    let tag = ["-metadata:s:s:0", "language=ger"];
    let mov = bench.make("mov.mp4", &[&inputs, &["-c:s", "mov_text"], &tag]);
    let mkv = bench.make("mkv.mkv", &[&inputs, &["-map", "1", "-c:s:1", "ass"], &tag]);
    for (path, tracks) in [(mov, 1_usize), (mkv, 2)] {
        let found = bench.analyze(&path);
        assert_eq!(found.info.caption_tracks, tracks as i64);
        assert_eq!(found.cues.len(), 2 * tracks);
        let first = found.cues.first().expect("a cue");
        assert_eq!((first.start, first.end, first.text.as_str()), (0.5, 1.5, "Hello there"));
        assert_eq!((first.language.as_deref(), first.origin.as_str()), (Some("deu"), "embedded"));
        // Ten letters in a second, in the buckets of 0.5–1.5 s and 2–3 s.
        let dense: Vec<bool> =
            found.signals.iter().map(|s| near(s.caption_density, 10.0, 1e-6)).collect();
        let wanted: Vec<bool> =
            (0..16).map(|k| (2..6).contains(&k) || (8..12).contains(&k)).collect();
        assert_eq!(dense, wanted);
    }
    // A track that ends up empty, and sidecars.
    let mkv = bench.text("mkv.mkv");
    let empty = bench.make("empty.mkv", &[&["-i", &mkv, "-ss", "3.4", "-map", "0"], &X264]);
    assert_eq!(bench.analyze(&empty).cues, []);
    let talk = bench.make("talk.mp4", &[&["-i", &base, "-c", "copy"]]);
    bench.write("talk.fr.srt", "1\r\n00:00:01,000 --> 00:00:02,000\r\nD\u{e9}j\u{e0} vu\r\n");
    bench.write("talk.vtt", utf16("WEBVTT\n\n00:01.000 --> 00:02.000\nHi"));
    let found = bench.analyze(&talk);
    let seen: Vec<_> = found
        .cues
        .iter()
        .map(|c| (c.text.as_str(), c.language.as_deref(), c.origin.as_str()))
        .collect();
    assert_eq!(seen, [("Déjà vu", Some("fra"), "sidecar"), ("Hi", None, "sidecar")]);
}

#[test]
fn words_have_their_times_where_captions_tell() {
    let bench = Bench::new();
    bench.make("base.mp4", &[&PICTURE, &X264]);
    let timed =
        "WEBVTT\n\n00:00.500 --> 00:03.000\nHello<00:00:01.250><c> there,</c>\n<00:02.000>you\n";
    bench.write("lines", timed);
    let (base, vtt) = (bench.text("base.mp4"), bench.text("lines"));
    let inputs = ["-i", &base, "-f", "webvtt", "-i", &vtt, "-map", "0", "-map", "1", "-c", "copy"];
    let embedded = bench.make("track.mkv", &[&inputs]);
    let beside = bench.make("beside.mp4", &[&["-i", &base, "-c", "copy"]]);
    bench.write("beside.en.vtt", timed);
    for path in [embedded, beside] {
        let cues = bench.analyze(&path).cues;
        assert_eq!(cues.len(), 1, "{}", path.display());
        assert_eq!((cues[0].start, cues[0].end), (0.5, 3.0));
        assert_eq!(cues[0].text, "Hello there,\nyou");
        let words: Vec<_> =
            cues[0].words.iter().flatten().map(|w| (w.start, w.text.as_str())).collect();
        assert_eq!(words, [(0.5, "Hello"), (1.25, "there,"), (2.0, "you")]);
    }
}

#[test]
fn twelve_kinds_of_bad_file_have_their_codes() {
    let bench = Bench::new();
    let fast = ["-c:a", "aac", "-movflags", "+faststart"];
    let good = bench.make("good.mp4", &[&PICTURE, &TONE, &X264, &fast]);
    let bytes = std::fs::read(&good).expect("a file");
    let position = |mark: &[u8]| bytes.windows(4).position(|w| w == mark).expect("the box");
    let good = good.to_str().expect("UTF-8");
    let header = &bytes[..position(b"mdat") - 4];
    // All sample durations 0: no frame rate.
    let mut still = bytes.clone();
    let table = position(b"stts") + 8;
    let entries =
        u32::from_be_bytes([still[table], still[table + 1], still[table + 2], still[table + 3]]);
    for entry in 0..entries as usize {
        still[table + 8 + 8 * entry..table + 12 + 8 * entry].fill(0);
    }
    bench.make("plain.mkv", &[&["-i", good, "-c", "copy"]]);
    let mkv = std::fs::read(bench.at("plain.mkv")).expect("a file");
    let no_frames = ["-i", good, "-map", "0:v", "-vf", "select=0"];
    for (what, path, code) in [
        ("empty", bench.write("empty.mp4", ""), ErrorCode::SourceTruncated),
        ("text", bench.write("text.mp4", "Dear diary,\n"), ErrorCode::SourceUnsupported),
        (
            "truncated",
            bench.write("cut.mp4", &bytes[..bytes.len() / 2]),
            ErrorCode::SourceTruncated,
        ),
        ("truncated", bench.write("cut.mkv", &mkv[..mkv.len() / 2]), ErrorCode::SourceTruncated),
        ("header only", bench.write("header.mp4", header), ErrorCode::MediaCorrupt),
        ("no index", bench.write("ftyp.mp4", &bytes[..32]), ErrorCode::SourceTruncated),
        ("audio only", bench.make("a.m4a", &[&["-i", good, "-vn"]]), ErrorCode::MediaNoVideo),
        ("0 fps", bench.write("still.mp4", &still), ErrorCode::MediaCorrupt),
        ("zero length", bench.make("zero.mp4", &[&no_frames, &X264]), ErrorCode::MediaCorrupt),
        ("folder", bench.folder.path().to_path_buf(), ErrorCode::SourceUnsupported),
        ("missing", bench.at("missing.mp4"), ErrorCode::SourceNotFound),
        (
            "playlist",
            bench.write("l.mp4", "#EXTM3U\n#EXTINF:4,\ngood.mp4\n"),
            ErrorCode::SourceBlocked,
        ),
    ] {
        assert_eq!(bench.code(&path), code, "{what}");
    }
    // A wrong extension is no fault.
    assert_eq!(bench.analyze(&bench.write("film.txt", &bytes)).info.frames, 100);
    unreadable_is_forbidden(&bench, &bytes);
}

/// A file without read permission; root may read it nevertheless.
fn unreadable_is_forbidden(bench: &Bench, bytes: &[u8]) {
    use std::os::unix::fs::PermissionsExt;
    let path = bench.write("secret.mp4", bytes);
    let none = std::fs::Permissions::from_mode(0o000);
    std::fs::set_permissions(&path, none).expect("our own file");
    if std::fs::File::open(&path).is_err() {
        assert_eq!(bench.code(&path), ErrorCode::SourceForbidden);
    } else {
        assert_eq!(bench.analyze(&path).info.frames, 100);
    }
}

#[test]
fn damage_in_the_middle_costs_no_more_than_itself() {
    let bench = Bench::new();
    let path = bench.make("hurt.mkv", &[&PICTURE, &TONE, &X264, &["-c:a", "aac", "-g", "25"]]);
    let mut bytes = std::fs::read(&path).expect("a file");
    let middle = bytes.len() / 2;
    bytes[middle..middle + 200].fill(0x55);
    let found = bench.analyze(&bench.write("hurt.mkv", bytes));
    assert!(found.info.frames > 90, "{}", found.info.frames);
    assert!(near(found.info.duration, 4.0, 0.1), "{}", found.info.duration);
}

#[test]
fn limits_have_codes() {
    let bench = Bench::new();
    let path = bench.make("long.mp4", &[&PICTURE, &X264]);
    let run = |limits: MediaLimits, cancel: &CancelToken| {
        let settings = AnalyzeSettings { limits, ..AnalyzeSettings::default() };
        analyze(&bench.tools, &path, &settings, cancel, &|_| ()).expect_err("an error").code()
    };
    let starved = MediaLimits { memory_bytes: 64 << 20, ..MediaLimits::default() };
    let code = run(starved, &CancelToken::new());
    assert!(matches!(
        code,
        ErrorCode::MediaLimits | ErrorCode::MediaCrashed | ErrorCode::MediaCorrupt
    ));
    let hurried =
        MediaLimits { timeout: std::time::Duration::from_millis(1), ..MediaLimits::default() };
    assert_eq!(run(hurried, &CancelToken::new()), ErrorCode::MediaTimeout);
    let cancel = CancelToken::new();
    cancel.cancel();
    assert_eq!(run(MediaLimits::default(), &cancel), ErrorCode::Cancelled);
    // More streams than are allowed.
    let source = path.to_str().expect("UTF-8");
    let mut options = vec!["-i", source, "-c", "copy"];
    options.extend(["-map", "0:v"].repeat(20));
    assert_eq!(bench.code(&bench.make("many.mkv", &[&options])), ErrorCode::MediaLimits);
}

#[test]
fn cancelling_in_the_middle_ends_the_decoder() {
    let bench = Bench::new();
    let long = ["-f", "lavfi", "-i", "testsrc2=s=1280x720:r=25:d=20"];
    let path = bench.make("long.mp4", &[&long, &X264]);
    let cancel = CancelToken::new();
    let settings = AnalyzeSettings::default();
    let stop = |_| cancel.cancel();
    let error = analyze(&bench.tools, &path, &settings, &cancel, &stop).expect_err("an error");
    assert_eq!(error.code(), ErrorCode::Cancelled);
}

#[test]
fn a_playlist_in_a_container_s_clothes_opens_nothing() {
    let bench = Bench::new();
    // Sniffed as MPEG audio by its first bytes, an HLS playlist by the rest.
    let path = bench.write("evil.mp3", b"\xff\xfb\x90\x64\n#EXTM3U\n#EXTINF:4,\ngood.mp4\n");
    bench.make("good.mp4", &[&PICTURE, &X264]);
    let limits = MediaLimits::default();
    let found = probe(&bench.tools, &path, &limits, &CancelToken::new());
    assert!(found.is_err(), "{found:?}");
}
