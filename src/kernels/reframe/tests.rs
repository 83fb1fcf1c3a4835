#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::path::FASTEST;
use super::*;

const WIDE: (f64, f64) = (1280.0, 720.0);
const TALL: (f64, f64) = (1080.0, 1920.0);

/// Buckets of 0.5 s with `x` at their middles.
fn path(x: impl Fn(f64) -> f64, seconds: f64, shots: &[f64]) -> Vec<Anchor> {
    let t: Vec<f64> = (0..(seconds * 2.0) as usize).map(|i| i as f64 / 2.0).collect();
    let x: Vec<f64> = t.iter().map(|t| x(t + 0.25)).collect();
    let y = vec![0.5; t.len()];
    let gaze = Gaze { t: &t, x: &x, y: &y, shot_start: shots, ..Gaze::default() };
    reframe_path(gaze, (0.0, seconds), WIDE, TALL)
}

fn at(path: &[Anchor], t: f64) -> f64 {
    let next = path.partition_point(|a| a.t <= t);
    match (next.checked_sub(1).and_then(|i| path.get(i)), path.get(next)) {
        (Some(a), Some(b)) => a.x + (b.x - a.x) * (t - a.t) / (b.t - a.t),
        (Some(a), None) => a.x,
        (None, Some(b)) => b.x,
        (None, None) => 0.5,
    }
}

#[test]
fn holds_still_while_the_subject_sways() {
    let anchors = path(|t| 0.4 + 0.03 * (t * 2.0).sin(), 20.0, &[0.0]);
    assert!(anchors.len() <= 2, "{anchors:?}");
    assert!(anchors.iter().all(|a| (a.x - 0.4).abs() < 0.03));
}

#[test]
fn keeps_a_walking_subject_inside_and_turns_seldom() {
    let subject = |t: f64| 0.5 + 0.35 * (t * 0.5).sin();
    let anchors = path(subject, 30.0, &[0.0]);
    let window = 9.0 / 16.0 / (16.0 / 9.0);
    for frame in 0..30 * 25 {
        let t = f64::from(frame) / 25.0;
        assert!((at(&anchors, t) - subject(t)).abs() < 0.4 * window, "at {t}");
    }
    assert!(anchors.len() < 90, "{}", anchors.len());
}

/// Whether a window of 9:16 over 16:9 at `place` has `subject` near its middle.
fn near(place: f64, subject: f64) -> bool {
    (place - subject).abs() <= 0.07 * 81.0 / 256.0 + 1e-9
}

#[test]
fn a_still_window_leans_towards_the_middle() {
    let anchors = path(|_| 0.35, 5.0, &[0.0]);
    assert!(anchors[0].x > 0.36 && near(anchors[0].x, 0.35), "{anchors:?}");
    let middle = path(|_| 0.5, 5.0, &[0.0]);
    assert_eq!(middle[0].x, 0.5);
}

#[test]
fn a_close_up_follows_both_ways() {
    let gaze = Gaze {
        t: &[0.0, 0.5],
        x: &[0.7, 0.7],
        y: &[0.2, 0.2],
        shot_start: &[0.0],
        ..Gaze::default()
    };
    let anchors = window_path(gaze, (0.0, 1.0), (0.25, 0.25));
    assert!((anchors[0].x - 0.7).abs() < 0.04 && (anchors[0].y - 0.2).abs() < 0.04, "{anchors:?}");
    assert!(window_path(gaze, (0.0, 1.0), (1.0, 1.0)).is_empty());
    assert!(window_path(gaze, (0.0, 1e12), (0.25, 0.25)).is_empty(), "nothing lasts so long");
    assert!(window_path(gaze, (0.0, 1.0), (0.5, f64::NAN)).is_empty());
}

#[test]
fn jumps_at_a_cut_and_only_there() {
    let anchors = path(|t| if t < 5.0 { 0.3 } else { 0.7 }, 10.0, &[0.0, 5.0]);
    let jumps: Vec<_> = anchors.windows(2).filter(|w| w[0].t == w[1].t).collect();
    assert_eq!(jumps.len(), 1);
    assert_eq!(jumps[0][0].t, 5.0);
    assert!(near(at(&anchors, 4.99), 0.3) && near(at(&anchors, 5.0), 0.7));
}

#[test]
fn a_bucket_across_a_cut_is_not_believed() {
    // The cut is in the middle of the bucket from 4.5 to 5.
    let anchors = path(|t| if t < 4.7 { 0.3 } else { 0.7 }, 10.0, &[0.0, 4.75]);
    assert!(near(at(&anchors, 4.7), 0.3) && near(at(&anchors, 4.75), 0.7));
}

#[test]
fn nothing_to_follow_is_the_middle() {
    let gaze = Gaze { t: &[0.0], x: &[0.1], y: &[0.1], shot_start: &[], ..Gaze::default() };
    assert!(reframe_path(gaze, (0.0, 5.0), WIDE, WIDE).is_empty());
    assert!(reframe_path(gaze, (5.0, 5.0), WIDE, TALL).is_empty());
    assert!(reframe_path(gaze, (0.0, f64::NAN), WIDE, TALL).is_empty());
    assert!(reframe_path(Gaze::default(), (0.0, 5.0), WIDE, TALL).is_empty());
}

proptest! {
    #[test]
    fn stays_in_the_picture_and_never_runs(
        places in prop::collection::vec((0.0..=1.0f64, 0.0..=1.0f64), 1..80),
        mut shots in prop::collection::vec(0.0..40.0f64, 0..6),
        start in 0.0..10.0f64,
        length in 0.1..40.0f64,
        shape in 0.2..4.0f64,
    ) {
        shots.sort_by(f64::total_cmp);
        let t: Vec<f64> = (0..places.len()).map(|i| i as f64 / 2.0).collect();
        let (x, y): (Vec<f64>, Vec<f64>) = places.into_iter().unzip();
        let gaze = Gaze { t: &t, x: &x, y: &y, shot_start: &shots, ..Gaze::default() };
        let end = start + length;
        let anchors = reframe_path(gaze, (start, end), WIDE, (1000.0 * shape, 1000.0));
        let narrower = shape / (WIDE.0 / WIDE.1);
        let (width, height) = (narrower.min(1.0), narrower.recip().min(1.0));
        for a in &anchors {
            prop_assert!(a.t >= start && a.t <= end);
            prop_assert!(a.x >= width / 2.0 - 1e-9 && a.x <= 1.0 - width / 2.0 + 1e-9);
            prop_assert!(a.y >= height / 2.0 - 1e-9 && a.y <= 1.0 - height / 2.0 + 1e-9);
        }
        for pair in anchors.windows(2) {
            let passed = pair[1].t - pair[0].t;
            prop_assert!(passed >= 0.0);
            if passed == 0.0 {
                prop_assert!(shots.contains(&pair[0].t));
            } else {
                let most = FASTEST * passed + 0.005;
                prop_assert!((pair[1].x - pair[0].x).abs() <= most);
                prop_assert!((pair[1].y - pair[0].y).abs() <= most);
            }
        }
    }
}

/// A face a twelfth of the picture wide, at 12 pictures a second.
fn faces(
    track: i64,
    x: impl Fn(f64) -> f64,
    speaks: impl Fn(f64) -> bool,
    to: f64,
) -> Vec<SeenFace> {
    let face = |k: usize| {
        let t = k as f64 / 12.0;
        let (width, height) = (0.085, 0.2);
        let speaking = if speaks(t) { 0.9 } else { 0.05 };
        let (x, y) = (x(t) - 0.5 * width, 0.3);
        SeenFace { t, track, x, y, width, height, eyes: y + 0.07, looks: 0.0, speaking }
    };
    (0..(to * 12.0) as usize).map(face).collect()
}

fn framed(faces: &[SeenFace], seconds: f64, shots: &[f64]) -> Vec<Anchor> {
    // What draws the eye is somewhere else.
    let gaze =
        Gaze { t: &[0.0], x: &[0.1], y: &[0.9], shot_start: shots, faces, ..Gaze::default() };
    reframe_path(gaze, (0.0, seconds), WIDE, TALL)
}

const SHARE: f64 = 81.0 / 256.0;

fn moves(path: &[Anchor]) -> usize {
    path.windows(2)
        .filter(|pair| pair[0].t < pair[1].t && (pair[0].x - pair[1].x).abs() > 1e-6)
        .count()
}

#[test]
fn a_face_that_sways_is_held_and_not_hunted() {
    let seen = faces(0, |t| 0.7 + 0.02 * (t * 1.3).sin(), |_| true, 30.0);
    let path = framed(&seen, 30.0, &[0.0]);
    assert_eq!(moves(&path), 0, "{path:?}");
    assert!((path[0].x - 0.7).abs() < 0.03, "{path:?}");
}

#[test]
fn a_face_that_sits_down_elsewhere_is_followed_in_one_move() {
    let seen =
        faces(0, |t| if t < 10.0 { 0.4 } else { 0.4 + 0.2 * (t - 10.0).min(1.0) }, |_| true, 20.0);
    let path = framed(&seen, 20.0, &[0.0]);
    for face in &seen {
        let (left, right) = (at(&path, face.t) - SHARE / 2.0, at(&path, face.t) + SHARE / 2.0);
        assert!(left <= face.x && face.x + face.width <= right, "at {}: {path:?}", face.t);
    }
    let still = |from: f64, to: f64| (at(&path, from) - at(&path, to)).abs() < 1e-6;
    assert!(still(0.0, 8.0) && still(13.0, 19.0), "{path:?}");
}

#[test]
fn who_speaks_is_framed_after_a_hold_and_never_the_wall_between() {
    let mut seen = faces(0, |_| 0.2, |t| t < 6.0, 12.0);
    // A word thrown in is no reason to change.
    seen.extend(faces(1, |_| 0.8, |t| t >= 6.0 || (2.0..2.5).contains(&t), 12.0));
    let path = framed(&seen, 12.0, &[0.0]);
    for k in 0..120 {
        let (t, x) = (f64::from(k) / 10.0, at(&path, f64::from(k) / 10.0));
        let is_on = |face: f64| (x - face).abs() < 0.5 * SHARE - 0.05;
        assert!(is_on(0.2) || is_on(0.8), "at {t}: {x}");
        assert!(t > 5.0 || is_on(0.2), "at {t}: {x}");
        assert!(t < 7.0 || is_on(0.8), "at {t}: {x}");
    }
    let jumps = path.windows(2).filter(|pair| pair[0].t == pair[1].t).count();
    assert_eq!(jumps, 1, "{path:?}");
}

#[test]
fn faces_that_fit_together_are_shown_together() {
    let mut seen = faces(0, |_| 0.45, |t| t < 6.0, 12.0);
    seen.extend(faces(1, |_| 0.6, |t| t >= 6.0, 12.0));
    let path = framed(&seen, 12.0, &[0.0]);
    assert_eq!(path.len(), 1 + usize::from(path.len() > 1), "{path:?}");
    assert!((path[0].x - 0.525).abs() < 0.04, "{path:?}");
}

#[test]
fn a_shot_without_faces_follows_what_draws_the_eye() {
    let seen = faces(0, |_| 0.8, |_| true, 5.0);
    let t: Vec<f64> = (0..40).map(|bucket| f64::from(bucket) / 4.0).collect();
    let aside = vec![0.1; t.len()];
    let (shot_start, faces) = (&[0.0, 5.0][..], seen.as_slice());
    let gaze = Gaze { t: &t, x: &aside, y: &aside, shot_start, faces, ..Gaze::default() };
    let path = reframe_path(gaze, (0.0, 10.0), WIDE, TALL);
    assert!(at(&path, 4.9) > 0.7 && at(&path, 5.1) < 0.4, "{path:?}");
}

#[test]
fn eyes_are_in_the_upper_third_of_a_close_up() {
    let seen = faces(0, |_| 0.5, |_| true, 5.0);
    let gaze = Gaze { shot_start: &[0.0], faces: &seen, ..Gaze::default() };
    let path = window_path(gaze, (0.0, 5.0), (0.5, 0.5));
    // Eyes are at 0.37 of the picture: the window's middle is a sixth of its height below them.
    assert!((path[0].y - (0.37 + 0.5 / 6.0)).abs() < 0.01, "{path:?}");
}

proptest! {
    #[test]
    fn frames_any_faces_within_the_picture_and_never_runs(
        given in prop::collection::vec((0.0..20.0f64, 0..4i64, -0.2..1.1f64, -0.2..1.1f64, 0.01..1.5f64, 0.0..1.0f64), 0..120),
        mut shots in prop::collection::vec(0.0..20.0f64, 0..4),
        shape in 0.2..4.0f64,
    ) {
        shots.sort_by(f64::total_cmp);
        let mut seen: Vec<SeenFace> = given
            .into_iter()
            .map(|(t, track, x, y, size, speaking)| SeenFace {
                t, track, x, y, width: size, height: size, eyes: y + 0.3 * size, looks: size - 0.5, speaking,
            })
            .collect();
        seen.sort_by(|a, b| a.track.cmp(&b.track).then(a.t.total_cmp(&b.t)));
        let gaze = Gaze { t: &[0.0], x: &[0.5], y: &[0.5], shot_start: &shots, speech: &[0.5], faces: &seen };
        let path = reframe_path(gaze, (0.0, 20.0), WIDE, (1000.0 * shape, 1000.0));
        let narrower = shape / (WIDE.0 / WIDE.1);
        let (width, height) = (narrower.min(1.0), narrower.recip().min(1.0));
        for a in &path {
            prop_assert!(a.t >= 0.0 && a.t <= 20.0);
            prop_assert!(a.x >= width / 2.0 - 1e-9 && a.x <= 1.0 - width / 2.0 + 1e-9);
            prop_assert!(a.y >= height / 2.0 - 1e-9 && a.y <= 1.0 - height / 2.0 + 1e-9);
        }
        for pair in path.windows(2) {
            let passed = pair[1].t - pair[0].t;
            prop_assert!(passed >= 0.0);
            if passed > 0.0 {
                let most = FASTEST * passed + 0.005;
                prop_assert!((pair[1].x - pair[0].x).abs() <= most);
                prop_assert!((pair[1].y - pair[0].y).abs() <= most);
            }
        }
    }
}
