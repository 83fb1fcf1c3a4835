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
    let gaze = Gaze { t: &t, x: &x, y: &y, shot_start: shots };
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
    let gaze = Gaze { t: &[0.0, 0.5], x: &[0.7, 0.7], y: &[0.2, 0.2], shot_start: &[0.0] };
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
    let gaze = Gaze { t: &[0.0], x: &[0.1], y: &[0.1], shot_start: &[] };
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
        let gaze = Gaze { t: &t, x: &x, y: &y, shot_start: &shots };
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
