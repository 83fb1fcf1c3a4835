//! Edited clips as files: layouts, segments, joins, effects and sound, on media made here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};

use clipflow::cancel::CancelToken;
use clipflow::error::{ErrorCode, Result};
use clipflow::media::MediaTools;
use clipflow::media::probe::{Probe, probe};
use clipflow::media::render::{
    MemoryShare, Output, RenderScheduler, RenderSettings, Renderer, plan_passes, render,
};
use clipflow::model::Rendition;
use clipflow::model::edit::{Anchor, Edit, Effect, EffectKind, Join, Layout, Segment};
use clipflow::sandbox::SandboxMode;
use tempfile::TempDir;

use super::support::counter::{ffmpeg, make, numbers};

/// Seconds of the source.
const LENGTH: f64 = 12.0;

struct Footage {
    folder: TempDir,
    path: PathBuf,
    probe: Probe,
    tools: MediaTools,
}

impl Footage {
    /// A file that ffmpeg makes of `args`.
    fn new(name: &str, args: &[&str]) -> Self {
        Self::of(|folder| {
            let path = folder.join(name);
            ffmpeg(&[args, &[path.to_str().unwrap()]].concat());
            path
        })
    }

    fn of(make: impl FnOnce(&Path) -> PathBuf) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = make(folder.path());
        let tools = MediaTools::find().unwrap();
        let limits = RenderSettings::default().limits;
        let probe = probe(&tools, &path, &limits, &CancelToken::new()).unwrap();
        Self { folder, path, probe, tools }
    }

    /// A bright square on grey that moves from the left edge to the right, and a tone.
    fn square() -> Self {
        let picture = format!("color=0x707070:s=640x360:r=25:d={LENGTH}");
        let square = format!("color=white:s=60x60:r=25:d={LENGTH}");
        let tone = format!("sine=f=440:r=48000:d={LENGTH}");
        let over = format!("[0][1]overlay=x='(W-w)*t/{LENGTH}':y=(H-h)/2");
        let inputs = ["-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", &square];
        let sound = ["-f", "lavfi", "-i", &tone, "-filter_complex", &over];
        let coded = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-shortest"];
        Self::new("square.mp4", &[&inputs[..], &sound, &coded].concat())
    }

    fn output(&self, name: &str, edit: Edit) -> Output {
        let start = edit.segments.iter().map(|s| s.start).fold(f64::INFINITY, f64::min);
        let end = edit.segments.iter().map(|s| s.end).fold(0.0, f64::max);
        Output {
            rendition_id: name.into(),
            start,
            end,
            path: self.folder.path().join(format!("out/{name}.mp4")),
            edit: Some(edit),
            cues: Vec::new(),
        }
    }

    fn render(&self, outputs: &[Output]) -> Vec<Result<Rendition>> {
        let (settings, cancel) = (RenderSettings::default(), CancelToken::new());
        render(&self.tools, &self.path, &self.probe, outputs, &settings, &cancel, &|_| ())
    }

    /// The same one process after another: what shares a decode is not divided among cores.
    fn render_in_turn(&self, outputs: &[Output]) -> Vec<Result<Rendition>> {
        let (settings, cancel) = (&RenderSettings::default(), &CancelToken::new());
        let scheduler = &RenderScheduler::new(MemoryShare { processes: 1, of: 1 });
        let renderer = Renderer { tools: &self.tools, settings, scheduler, cancel };
        renderer.render(&self.path, &self.probe, outputs, &|_| ())
    }

    /// Runs the lines of shell `before` ffmpeg, and `after` it; `"$@"` are its arguments.
    fn spy(&mut self, before: &str, after: &str) {
        let script =
            format!("#!/bin/sh\n{before}\n{} \"$@\"\n{after}\n", self.tools.ffmpeg.display());
        let spy = self.folder.path().join("ffmpeg");
        std::fs::write(&spy, script).unwrap();
        std::fs::set_permissions(&spy, std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .unwrap();
        self.tools.ffmpeg = spy;
        // It writes where no ffmpeg may.
        self.tools.sandbox = SandboxMode::Off;
    }

    /// Renders one edit and checks what is promised of every one.
    fn one(&self, edit: Edit) -> (PathBuf, Rendition) {
        let output = self.output("one", edit);
        let _ = std::fs::remove_file(&output.path);
        let facts = self.render(std::slice::from_ref(&output)).remove(0).unwrap();
        promised(&output, &facts);
        (output.path, facts)
    }
}

fn promised(output: &Output, facts: &Rendition) {
    let edit = output.edit.as_ref().unwrap();
    assert_eq!((facts.width, facts.height), (edit.width, edit.height), "{edit:?}");
    let frames = (edit.duration() * edit.fps).round() as i64;
    assert!((facts.frames - frames).abs() <= 1, "{} of {frames}: {edit:?}", facts.frames);
    assert!((facts.fps - edit.fps).abs() < 0.01, "{}", facts.fps);
}

fn edit(segments: &[(f64, f64, f64)]) -> Edit {
    let segment = |&(start, end, speed): &(f64, f64, f64)| Segment { start, end, speed };
    Edit::plain((180, 320), 25.0, segments.iter().map(segment))
}

fn effect(kind: EffectKind, at: Option<f64>) -> Effect {
    Effect { kind, at, strength: 1.0 }
}

/// The planes of each frame at `width` × `height`: 24-bit RGB, as shown.
fn pictures(path: &Path, width: usize, height: usize) -> Vec<Vec<u8>> {
    let size = format!("scale={width}:{height}:flags=area,format=rgb24");
    let args = ["-i", path.to_str().unwrap(), "-vf", &size, "-f", "rawvideo", "-"];
    ffmpeg(&args).chunks_exact(width * height * 3).map(<[u8]>::to_vec).collect()
}

/// Mean brightness of a picture, 0 to 255.
fn mean(picture: &[u8]) -> f64 {
    picture.iter().map(|v| f64::from(*v)).sum::<f64>() / picture.len() as f64
}

/// Middle of what is bright in a picture, as a share of its width.
fn bright_x(picture: &[u8], width: usize) -> Option<f64> {
    let at = picture.chunks_exact(3).enumerate().filter(|(_, p)| p[0] > 200);
    let places: Vec<f64> = at.map(|(n, _)| (n % width) as f64 + 0.5).collect();
    let count = places.len() as f64;
    (count > 0.0).then(|| places.iter().sum::<f64>() / count / width as f64)
}

fn loudness(path: &Path) -> f64 {
    let filter = "ebur128=metadata=1,ametadata=mode=print:key=lavfi.r128.I:file=-";
    let said =
        ffmpeg(&["-i", path.to_str().unwrap(), "-vn", "-af", filter, "-f", "null", "/dev/null"]);
    let said = String::from_utf8(said).unwrap();
    let last = said.lines().rev().find_map(|line| line.strip_prefix("lavfi.r128.I="));
    last.unwrap().parse().unwrap()
}

/// Where the square's middle is in the source, as a share of its width.
fn square_at(t: f64) -> f64 {
    ((640.0 - 60.0) * t / LENGTH + 30.0) / 640.0
}

#[test]
fn every_layout_fills_every_size() {
    let footage = Footage::square();
    let mut outputs = Vec::new();
    for layout in Layout::ALL {
        for (width, height) in [(180, 320), (240, 240), (192, 240), (320, 180)] {
            let reframe =
                vec![Anchor { t: 1.0, x: 0.2, y: 0.5 }, Anchor { t: 3.0, x: 0.4, y: 0.5 }];
            let edit = Edit { layout: *layout, width, height, reframe, ..edit(&[(1.0, 3.0, 1.0)]) };
            outputs.push(footage.output(&format!("{layout}-{width}x{height}"), edit));
        }
    }
    for (output, facts) in outputs.iter().zip(footage.render(&outputs)) {
        promised(output, &facts.unwrap());
        // No bars: the darkest of the edges is the grey of the source, or its blur.
        for picture in pictures(&output.path, 36, 36) {
            let edges = (0..36).flat_map(|n| [n, 35 * 36 + n, n * 36, n * 36 + 35]);
            let darkest = edges.map(|n| picture[n * 3]).min().unwrap();
            // The source has no colour.
            let tint = picture.chunks(3).map(|p| p[0].abs_diff(p[1]).max(p[2].abs_diff(p[1])));
            assert!(tint.max().unwrap() < 10, "{output:?}");
            assert!(darkest > 90, "{darkest} at an edge of {}", output.rendition_id);
        }
    }
}

#[test]
fn the_window_follows_its_path() {
    let footage = Footage::square();
    let anchor = |t: f64| Anchor { t, x: square_at(t), y: 0.5 };
    let reframe = vec![anchor(3.0), anchor(9.0)];
    let (path, _) = footage.one(Edit { reframe, ..edit(&[(3.0, 9.0, 1.0)]) });
    for (number, picture) in pictures(&path, 90, 160).iter().enumerate() {
        let x = bright_x(picture, 90).expect("the square is in the picture");
        assert!((x - 0.5).abs() < 0.04, "frame {number}: {x}");
    }
    // Without a path it stays in the middle, where the square is not yet at 3 s.
    let (path, _) = footage.one(edit(&[(0.0, 2.0, 1.0)]));
    assert_eq!(bright_x(&pictures(&path, 90, 160)[0], 90), None);
}

#[test]
fn two_anchors_of_one_time_are_a_jump() {
    let footage = Footage::square();
    let anchor = |t: f64, x: f64| Anchor { t, x, y: 0.5 };
    let x = square_at(6.0);
    let reframe = vec![anchor(5.0, 0.16), anchor(6.0, 0.16), anchor(6.0, x), anchor(7.0, x)];
    let (path, _) = footage.one(Edit { reframe, ..edit(&[(5.0, 7.0, 1.0)]) });
    let seen: Vec<bool> =
        pictures(&path, 90, 160).iter().map(|p| bright_x(p, 90).is_some()).collect();
    let first = seen.iter().position(|seen| *seen).unwrap();
    assert_eq!(first, 25);
    assert!(seen[25..].iter().all(|seen| *seen));
}

#[test]
fn segments_play_in_order_at_their_speeds() {
    let footage = Footage::square();
    let wide = Edit { width: 320, height: 180, ..edit(&[(1.0, 2.0, 1.0), (4.0, 8.0, 2.0)]) };
    let (path, facts) = footage.one(wide);
    assert_eq!(facts.frames, 75);
    let at: Vec<f64> =
        pictures(&path, 320, 180).iter().map(|p| bright_x(p, 320).unwrap()).collect();
    for (frame, source) in [(0, 1.0), (24, 1.96), (25, 4.0), (50, 6.0), (74, 7.92)] {
        assert!((at[frame] - square_at(source)).abs() < 0.012, "frame {frame}: {}", at[frame]);
    }
    assert!(facts.av_offset.unwrap().abs() < 0.03);
}

#[test]
fn a_cold_open_comes_first() {
    let footage = Footage::square();
    for join in [Join::Cut, Join::Dissolve, Join::Slide] {
        let segments = edit(&[(9.0, 11.0, 1.0), (1.0, 11.0, 1.0)]);
        let cold = Edit { width: 320, height: 180, join, ..segments };
        let (path, facts) = footage.one(cold);
        let overlap = if join == Join::Cut { 0 } else { 10 };
        assert_eq!(facts.frames, 300 - overlap);
        let pictures = pictures(&path, 320, 180);
        for (frame, source) in [(0, 9.0), (38, 10.52), (52, 1.08 + overlap as f64 / 25.0)] {
            let x = bright_x(&pictures[frame], 320).unwrap();
            assert!((x - square_at(source)).abs() < 0.012, "{join} frame {frame}: {x}");
        }
    }
}

#[test]
fn a_dissolve_shows_both() {
    let footage = Footage::square();
    let joined = Edit {
        width: 320,
        height: 180,
        join: Join::Dissolve,
        ..edit(&[(0.0, 2.0, 1.0), (8.0, 10.0, 1.0)])
    };
    let (path, facts) = footage.one(joined);
    assert_eq!(facts.frames, 90);
    let pictures = pictures(&path, 320, 180);
    let at = |frame: usize, share: f64| {
        let x = (share * 320.0) as usize;
        pictures[frame][(90 * 320 + x) * 3]
    };
    // In the middle of the join, 1.8 s and 8.2 s are half there each.
    let both = [at(45, square_at(1.8)), at(45, square_at(8.2))];
    assert!(both.iter().all(|v| (150..220).contains(v)), "{both:?}");
}

#[test]
fn effects_do_what_they_say() {
    let footage = Footage::square();
    let with = |effects: Vec<Effect>| {
        let wide = Edit { width: 320, height: 180, effects, ..edit(&[(1.0, 3.0, 1.0)]) };
        pictures(&footage.one(wide).0, 320, 180)
    };
    let plain = with(Vec::new());
    let mirrored = with(vec![effect(EffectKind::Mirror, None)]);
    let sum = bright_x(&plain[10], 320).unwrap() + bright_x(&mirrored[10], 320).unwrap();
    assert!((sum - 1.0).abs() < 0.02, "{sum}");
    let faded = with(vec![effect(EffectKind::FadeIn, None), effect(EffectKind::FadeOut, None)]);
    assert!(mean(&faded[0]) < 20.0 && mean(&faded[49]) < 25.0);
    assert!((mean(&faded[25]) - mean(&plain[25])).abs() < 3.0);
    let dark = with(vec![effect(EffectKind::Vignette, None)]);
    assert!(f64::from(dark[5][0]) < f64::from(plain[5][0]) * 0.8);
    let brown = with(vec![effect(EffectKind::Sepia, None)]);
    let corner = &brown[5][..3];
    assert!(corner[0] > corner[1] && corner[1] > corner[2], "{corner:?}");
    // The punch is over after half a second, and the square is larger in it.
    let bright = |p: &[u8]| p.chunks_exact(3).filter(|p| p[0] > 200).count() as f64;
    let punched = with(vec![effect(EffectKind::ZoomPunch, Some(2.0))]);
    assert!(bright(&punched[27]) > 1.3 * bright(&plain[27]));
    assert!((bright(&punched[40]) / bright(&plain[40]) - 1.0).abs() < 0.03);
    assert!((bright(&punched[20]) / bright(&plain[20]) - 1.0).abs() < 0.03);
}

#[test]
fn grayscale_has_no_colour_and_a_glitch_is_over_soon() {
    let bars = format!("testsrc2=s=640x360:r=25:d={LENGTH}");
    let coded = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"];
    let footage = Footage::new("bars.mp4", &[&["-f", "lavfi", "-i", &bars], &coded[..]].concat());
    let with = |effects: Vec<Effect>| {
        let wide = Edit { width: 320, height: 180, effects, ..edit(&[(1.0, 3.0, 1.0)]) };
        let (path, facts) = footage.one(wide);
        // A source without sound gives a variant without.
        assert_eq!(facts.audio_codec, None);
        pictures(&path, 64, 36)
    };
    let gray = with(vec![effect(EffectKind::Grayscale, None)]);
    let coloured = |p: &[u8]| p.chunks_exact(3).any(|p| p[0].abs_diff(p[1]) > 12);
    assert!(!coloured(&gray[10]));
    let plain = with(Vec::new());
    assert!(coloured(&plain[10]));
    let torn = with(vec![effect(EffectKind::Glitch, Some(2.0))]);
    let apart = |n: usize| {
        let pairs = torn[n].iter().zip(&plain[n]);
        pairs.map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / torn[n].len() as f64
    };
    assert!(apart(28) > 3.0 * apart(10).max(0.5), "{} {}", apart(28), apart(10));
    assert!(apart(45) < 1.5, "{}", apart(45));
}

#[test]
fn sound_is_as_loud_as_was_asked_for() {
    let quiet = Footage::square();
    // Soft noise with loud clicks: the gain alone would clip.
    let clicks = "aevalsrc='0.02*(random(0)-0.5)+0.9*lt(mod(t,1),0.002)':s=48000:d=12";
    let picture = "testsrc2=s=320x180:r=25:d=12";
    let peaky = Footage::new(
        "peaky.mp4",
        &["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", clicks, "-pix_fmt", "yuv420p"],
    );
    for (footage, target) in [(&quiet, -14.0), (&quiet, -30.0), (&peaky, -20.0)] {
        for segments in [&[(1.0, 9.0, 1.0)][..], &[(1.0, 4.0, 1.25), (6.0, 11.0, 1.0)]] {
            let asked = Edit { loudness: Some(target), ..edit(segments) };
            let found = loudness(&footage.one(asked).0);
            assert!((found - target).abs() < 1.0, "{found} instead of {target}");
        }
    }
}

#[test]
fn sound_that_outputs_share_is_encoded_once_and_has_the_bytes_of_one_alone() {
    let picture = ["-f", "lavfi", "-i", "testsrc2=s=640x360:r=25:d=12", "-f", "lavfi", "-i"];
    let peaks = "aevalsrc='0.02*(random(0)-0.5)+0.9*lt(mod(t,1),0.002)':s=48000:d=12";
    let tone = "sine=f=440:r=44100:d=9";
    let stream = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-output_ts_offset", "50"];
    // One gets a gain, one a limiter (by trying, and each try is encoded), one ends before its picture.
    for (mut footage, tries) in [
        (Footage::square(), false),
        (
            Footage::new("peaks.mp4", &[&picture[..], &[peaks, "-pix_fmt", "yuv420p"]].concat()),
            true,
        ),
        (Footage::new("mono.ts", &[&picture[..], &[tone], &stream].concat()), false),
    ] {
        let calls = footage.folder.path().join("calls");
        footage.spy(&format!("printf '%s\\n' \"$@\" >> {}", calls.display()), "");
        let of = |layout, segments: &[(f64, f64, f64)]| Edit {
            layout,
            loudness: Some(-20.0),
            ..edit(segments)
        };
        let whole = &[(1.0, 10.0, 1.0)];
        let outputs = [
            footage.output("fit", of(Layout::Fit, whole)),
            footage.output("split", of(Layout::Split, whole)),
            footage.output("low", Edit { height: 220, ..of(Layout::Fit, whole) }),
            footage.output("other", of(Layout::Fit, &[(1.0, 3.0, 1.0), (7.0, 10.0, 1.2)])),
        ];
        let encoders = || {
            let words = std::fs::read_to_string(&calls).unwrap();
            std::fs::remove_file(&calls).unwrap();
            words.lines().filter(|word| *word == "aac").count()
        };
        let together = footage.render_in_turn(&outputs);
        let count = encoders();
        assert!(if tries { count % 2 == 0 } else { count == 2 }, "{count}");
        for (output, facts) in outputs.iter().zip(&together) {
            let facts = facts.as_ref().unwrap();
            promised(output, facts);
            let found = loudness(&output.path);
            assert!((found + 20.0).abs() < 1.0, "{found}");
            std::fs::remove_file(&output.path).unwrap();
            let alone = footage.render(std::slice::from_ref(output)).remove(0).unwrap();
            assert_eq!(facts.blake3, alone.blake3, "{}: {output:?}", footage.path.display());
        }
        assert!(encoders() >= 2 * count);
    }
}

#[test]
fn odd_sources_keep_their_promises() {
    let picture = format!("testsrc2=s=322x242:r=30000/1001:d={LENGTH}");
    let tone = format!("sine=f=440:r=44100:d={LENGTH}");
    let inputs = ["-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", &tone, "-pix_fmt", "yuv420p"];
    let variable = ["-vf", "select='not(eq(mod(n,7),3))',setsar=4/3", "-fps_mode", "vfr"];
    let cases = [
        ("variable.mp4", &variable[..]),
        ("turned.mp4", &["-metadata:s:v", "rotate=90"][..]),
        ("stream.ts", &["-c:v", "libx264", "-g", "250", "-output_ts_offset", "50"][..]),
        ("film.mkv", &["-c:v", "libx264"][..]),
    ];
    for (name, options) in cases {
        let footage = Footage::new(name, &[&inputs[..], options].concat());
        let fps = 30_000.0 / 1001.0;
        let segments = edit(&[(8.0, 9.5, 1.0), (2.0, 6.0, 1.0), (6.5, 10.0, 1.1)]);
        for layout in [Layout::Crop, Layout::Fit] {
            footage.one(Edit { fps, layout, ..segments.clone() });
        }
    }
}

#[test]
fn a_teaser_is_shown_from_its_own_first_frame_where_a_seek_comes_down_late() {
    // A key frame each 24 s: a seek to some seconds before the teaser leads to the one within it.
    let rare = ["-g", "600", "-keyint_min", "600", "-sc_threshold", "0"];
    let footage = Footage::of(|folder| make(folder, "counter.ts", 1300, &rare));
    for teaser in [(47.0, 49.0), (44.0, 46.0)] {
        let segments = edit(&[(teaser.0, teaser.1, 1.0), (30.0, 50.0, 1.0)]);
        let whole = Edit { width: 256, height: 96, ..segments };
        let (path, _) = footage.one(whole);
        let frame = |t: f64| (t * 25.0).round() as usize;
        let wanted: Vec<usize> =
            (frame(teaser.0)..frame(teaser.1)).chain(frame(30.0)..frame(50.0)).collect();
        assert!(
            numbers(&path, "null") == wanted,
            "{teaser:?}: {:?}",
            &numbers(&path, "null")[..60]
        );
    }
}

#[test]
fn quiet_speech_is_made_loud_and_the_noise_of_a_room_is_not() {
    let picture = "testsrc2=s=320x180:r=25:d=12";
    let footage = |name: &str, sound: &str| {
        let sound = format!("{sound}:s=48000:d=12");
        let args = ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", &sound];
        // 24 bits: nothing is rounded away.
        Footage::new(name, &[&args[..], &["-pix_fmt", "yuv420p", "-c:a", "pcm_s24le"]].concat())
    };
    let one = |footage: &Footage| {
        let asked = Edit { loudness: Some(-14.0), ..edit(&[(1.0, 11.0, 1.0)]) };
        loudness(&footage.one(asked).0)
    };
    // Words and pauses, at −60 LUFS together, above faint noise.
    let words = "aevalsrc='0.0016*sin(2*PI*300*t)*lt(mod(t,1.3),0.8)+0.00002*(random(0)-0.5)'";
    // A few words above a murmur that R128's gate leaves out until both are made loud.
    let murmur = "aevalsrc='0.0017*sin(2*PI*300*t)*(0.22+0.78*lt(mod(t,4),0.6))'";
    for (name, sound) in [("speech.mov", words), ("murmur.mov", murmur)] {
        let found = one(&footage(name, sound));
        assert!((found + 14.0).abs() < 1.0, "{name}: {found}");
    }
    for (name, noise) in
        [("noise.mov", "aevalsrc='0.0025*(random(0)-0.5)'"), ("none.mov", "aevalsrc='0'")]
    {
        let footage = footage(name, noise);
        let (before, after) = (loudness(&footage.path), one(&footage));
        assert!(before < -56.0 && (after - before).abs() < 1.5, "{name}: {after} of {before}");
    }
}

#[test]
fn a_failing_output_does_not_fail_its_neighbours() {
    let footage = Footage::square();
    let outputs = [
        footage.output("fine", edit(&[(1.0, 2.0, 1.0)])),
        footage.output("late", edit(&[(50.0, 52.0, 1.0)])),
        footage.output("odd", Edit { width: 181, ..edit(&[(1.0, 2.0, 1.0)]) }),
        Output { edit: None, ..footage.output("plain", edit(&[(1.0, 2.0, 1.0)])) },
    ];
    let results = footage.render(&outputs);
    promised(&outputs[0], results[0].as_ref().unwrap());
    assert_eq!(results[1].as_ref().unwrap_err().code(), ErrorCode::RenderMismatch);
    assert_eq!(results[2].as_ref().unwrap_err().code(), ErrorCode::RenderFailed);
    assert_eq!(results[3].as_ref().unwrap().width, 640);
    assert!(!outputs[1].path.exists() && !outputs[2].path.exists());
    // What is whole is found again and not written over.
    let again = footage.render(&outputs[..1]).remove(0).unwrap();
    assert_eq!(&again, results[0].as_ref().unwrap());
}

#[test]
fn variants_and_their_clip_share_a_decode() {
    let footage = Footage::square();
    let mut outputs: Vec<Output> = (0..4)
        .map(|n| footage.output(&format!("v{n}"), edit(&[(1.0 + f64::from(n), 9.0, 1.0)])))
        .collect();
    outputs.push(Output { edit: None, ..footage.output("plain", edit(&[(1.0, 9.0, 1.0)])) });
    outputs.push(footage.output("cold", edit(&[(8.0, 9.0, 1.0), (1.0, 9.0, 1.0)])));
    let passes = plan_passes(&footage.probe, &outputs, &RenderSettings::default());
    let mut sizes: Vec<usize> = passes.iter().map(|pass| pass.spans.len()).collect();
    sizes.sort_unstable();
    // What is shown before what precedes it is read by itself.
    assert_eq!(sizes, [1, 5]);
    // The plain clip has the same bytes with edited ones beside it.
    let together = footage.render(&outputs);
    let plain = outputs[4].clone();
    std::fs::remove_file(&plain.path).unwrap();
    let alone = footage.render(&[plain]).remove(0).unwrap();
    assert_eq!(together[4].as_ref().unwrap().blake3, alone.blake3);
}

/// Of 28 files of real footage three differed from run to run: x264 looked at memory beside their pictures.
#[test]
fn the_same_edits_give_the_same_bytes_each_time() {
    let picture =
        format!("mandelbrot=s=640x360:r=25:start_scale=0.4,noise=alls=20,trim=duration={LENGTH}");
    let coded = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"];
    let mut footage =
        Footage::new("m.mp4", &[&["-f", "lavfi", "-i", &picture][..], &coded].concat());
    let sizes = [(1080, 1920), (540, 960), (540, 960), (608, 1080)];
    // The memory of a pass is zero where glibc is told so; without it the bytes differ in some runs alone.
    let told = footage.folder.path().join("told");
    footage.spy(&format!("env >> {}", told.display()), "");
    let hashes = || {
        let _ = std::fs::remove_dir_all(footage.folder.path().join("out"));
        let output = |(n, (width, height)): (usize, &(i64, i64))| {
            let vignette = effect(EffectKind::Vignette, None);
            let shape = Edit {
                width: *width,
                height: *height,
                effects: vec![vignette],
                ..edit(&[(1.0 + n as f64, 6.0, 1.25)])
            };
            footage.output(&format!("v{n}"), shape)
        };
        let outputs: Vec<Output> = sizes.iter().enumerate().map(output).collect();
        let facts = footage.render(&outputs);
        facts.into_iter().map(|facts| facts.unwrap().blake3).collect::<Vec<_>>()
    };
    let first = hashes();
    for _ in 0..3 {
        assert_eq!(hashes(), first);
    }
    let told = std::fs::read_to_string(told).unwrap();
    assert!(told.lines().any(|line| line == "MALLOC_PERTURB_=255"), "{told}");
}

#[test]
fn a_stopped_rendering_leaves_nothing() {
    let footage = Footage::of(|folder| make(folder, "counter.mp4", 300, &[]));
    let outputs = [footage.output("stopped", edit(&[(1.0, 9.0, 1.0)]))];
    let (settings, cancel) = (RenderSettings::default(), CancelToken::new());
    let stop = |_| cancel.cancel();
    let results =
        render(&footage.tools, &footage.path, &footage.probe, &outputs, &settings, &cancel, &stop);
    assert_eq!(results[0].as_ref().unwrap_err().code(), ErrorCode::Cancelled);
    let left = std::fs::read_dir(footage.folder.path().join("out")).map_or(0, Iterator::count);
    assert_eq!(left, 0);
}

/// The frames that each ffmpeg process decoded of its first input, by the reports that it writes.
fn decoded(reports: &Path) -> Vec<u64> {
    let files = std::fs::read_dir(reports).unwrap();
    let texts = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    let frames = |text: String| {
        let line = text.lines().find(|line| line.contains("Input stream #0:0 (video)"))?;
        line.split("; ").nth(1)?.split(' ').next()?.parse().ok()
    };
    texts.filter_map(frames).collect()
}

#[test]
fn two_sources_share_the_memory_of_rendering() {
    let mut sources = [Footage::square(), Footage::square()];
    let marks = tempfile::tempdir().unwrap();
    for footage in &mut sources {
        // Says when it begins and ends, and whether another one runs.
        let begins =
            format!("cd {}\nmkdir running || touch together\ntouch $$", marks.path().display());
        footage.spy(&begins, "code=$?\nrmdir running\nexit $code");
    }
    // Room for one pass of one output (84 MB by its estimate), and not for two.
    let settings = RenderSettings { memory_bytes: 120_000_000, ..RenderSettings::default() };
    let (scheduler, cancel) =
        (RenderScheduler::new(MemoryShare { processes: 2, of: 1 }), CancelToken::new());
    std::thread::scope(|scope| {
        for footage in &sources {
            scope.spawn(|| {
                let outputs = [0.0, 3.0].map(|start| {
                    footage.output(&format!("at{start}"), edit(&[(start, start + 8.0, 1.0)]))
                });
                let (tools, settings) = (&footage.tools, &settings);
                let renderer = Renderer { tools, settings, scheduler: &scheduler, cancel: &cancel };
                let results = renderer.render(&footage.path, &footage.probe, &outputs, &|_| ());
                assert!(results.iter().all(Result::is_ok), "{results:?}");
            });
        }
    });
    let names = std::fs::read_dir(marks.path()).unwrap().map(|e| e.unwrap().file_name());
    let names: Vec<_> = names.collect();
    // Each source had a process at least, and never two had one at a time.
    assert!(names.len() >= 2, "{names:?}");
    assert!(!names.iter().any(|name| name == "together"), "{names:?}");
}

#[test]
fn decoding_ends_with_the_last_frame_that_is_shown() {
    let mut footage = Footage::square();
    let reports = footage.folder.path().join("reports");
    std::fs::create_dir(&reports).unwrap();
    footage.spy(&format!("export FFREPORT=file={}/$$.log:level=40", reports.display()), "");
    for (name, segments) in
        [("early", &[(0.0, 2.0, 1.0)][..]), ("cold-open", &[(3.0, 4.0, 1.0), (0.0, 2.0, 1.0)])]
    {
        let output = footage.output(name, edit(segments));
        promised(&output, footage.render(std::slice::from_ref(&output))[0].as_ref().unwrap());
    }
    // 300 frames are in the source; a decoder has some more in hand than it has given away.
    let decoded = decoded(&reports);
    assert!(decoded.len() >= 2 && decoded.iter().all(|frames| *frames < 160), "{decoded:?}");
}
