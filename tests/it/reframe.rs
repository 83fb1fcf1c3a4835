//! The window of a tall picture over a wide one, from the file to its path.

use clipflow::cancel::CancelToken;
use clipflow::kernels::reframe::{Gaze, reframe_path};
use clipflow::media::probe::probe;
use clipflow::media::render::{Output, RenderSettings, render};
use clipflow::media::{AnalyzeSettings, MediaTools, analyze};
use clipflow::model::edit::{Anchor, Edit, Effect, EffectKind, Layout, Segment};

use super::support::counter::ffmpeg;

/// Where the middle of the square is at `t`, as share of the width: the scenes of [`film`].
fn square(t: f64) -> f64 {
    let room = 1.0 - 64.0 / 640.0;
    0.05 + room * if t < 8.0 { 0.5 + 0.5 * (t * 0.7).sin() } else { 0.5 - 0.4 * (t * 0.5).cos() }
}

/// A square that wanders over a still pattern, a cut at 8 s, and another one over another.
fn film(to: &str) {
    let scene = |background: &str, colour: &str, x: &str, from: u32| {
        format!(
            "{background}:s=640x360:r=25:d=16,format=yuv420p[b{from}];\
             color={colour}:s=64x64:r=25:d=16[s{from}];\
             [b{from}][s{from}]overlay=x='(W-w)*({x})':y=150,trim={from}:{to},setpts=PTS-STARTPTS[v{from}]",
            to = from + 8
        )
    };
    let first = scene("color=0x305030", "white", "0.5+0.5*sin(t*0.7)", 0);
    let second = scene("smptebars=", "black", "0.5-0.4*cos(t*0.5)", 8).replace("bars=:", "bars=");
    let graph = format!("{first};{second};[v0][v8]concat=n=2");
    ffmpeg(&["-filter_complex", &graph, "-c:v", "libx264", "-preset", "ultrafast", to]);
}

fn at(path: &[Anchor], t: f64) -> f64 {
    let next = path.partition_point(|a| a.t <= t);
    match (next.checked_sub(1).and_then(|i| path.get(i)), path.get(next)) {
        (Some(a), Some(b)) => a.x + (b.x - a.x) * (t - a.t) / (b.t - a.t),
        (Some(only), None) | (None, Some(only)) => only.x,
        (None, None) => 0.5,
    }
}

#[test]
fn a_moving_object_stays_inside_the_window() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("film.mp4");
    film(file.to_str().expect("UTF-8"));
    let tools = MediaTools::find().expect("ffmpeg is installed");
    let settings = AnalyzeSettings::default();
    let found = analyze(&tools, &file, &settings, &CancelToken::new(), &|_| ()).expect("analysed");
    let column = |value: fn(&clipflow::model::Signal) -> f64| -> Vec<f64> {
        found.signals.iter().map(value).collect()
    };
    let (t, x, y) = (column(|s| s.t), column(|s| s.saliency_x), column(|s| s.saliency_y));
    let shots: Vec<f64> = found.shots.iter().map(|shot| shot.start).collect();
    assert_eq!(shots.len(), 2, "{shots:?}");
    let gaze = Gaze { t: &t, x: &x, y: &y, shot_start: &shots, ..Gaze::default() };
    let path = reframe_path(gaze, (0.0, 16.0), (640.0, 360.0), (1080.0, 1920.0));
    let window = 360.0 * 9.0 / 16.0 / 640.0;
    let mut inside = 0;
    for frame in 0..400 {
        // A little later: the cut's own frame is the next shot's, whatever the rounding.
        let now = f64::from(frame) / 25.0 + 1e-6;
        // The whole square.
        let off = (at(&path, now) - square(now)).abs() + 32.0 / 640.0;
        inside += usize::from(off <= window / 2.0);
        let moved = (at(&path, now) - at(&path, now - 0.04)).abs();
        assert!(frame == 0 || frame == 200 || moved <= 0.02, "{moved} at {now}");
    }
    assert!(inside >= 392, "{inside} of 400 frames");
}

/// A window that never rests, and more cuts and accents than an expression of ffmpeg's may have terms: the
/// graph is longer than an argument may be.
#[test]
fn a_restless_edit_of_many_pieces_is_rendered() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("film.mp4");
    film(file.to_str().expect("UTF-8"));
    let anchor = |n: u32| {
        let share = f64::from(n) / 2999.0;
        Anchor { t: 16.0 * share, x: 0.5 + 0.2 * (share * 900.0).sin(), y: 0.5 }
    };
    let segment = |n: u32| {
        let start = 0.12 * f64::from(n);
        Segment { start, end: start + 0.08, speed: 1.0 }
    };
    let accent = |n: u32| Effect {
        kind: EffectKind::ZoomPunch,
        at: Some(0.12 * f64::from(n)),
        strength: 0.5,
    };
    let edit = Edit {
        layout: Layout::Grid,
        reframe: (0..3000).map(anchor).collect(),
        effects: (0..110).map(accent).collect(),
        ..Edit::plain((180, 320), 25.0, (0..130).map(segment))
    };
    let output = Output {
        rendition_id: "restless".into(),
        start: 0.0,
        end: 16.0,
        path: folder.path().join("restless.mp4"),
        edit: Some(edit),
        cues: Vec::new(),
    };
    let (tools, cancel) = (MediaTools::find().expect("ffmpeg is installed"), CancelToken::new());
    let settings = RenderSettings::default();
    let probe = probe(&tools, &file, &settings.limits, &cancel).expect("a probe");
    let done = render(&tools, &file, &probe, &[output], &settings, &cancel, &|_| ());
    let facts = done.into_iter().next().expect("an answer").expect("a file");
    assert_eq!((facts.frames, facts.width, facts.height), (260, 180, 320));
}
