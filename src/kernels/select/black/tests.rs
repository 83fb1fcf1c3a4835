#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::super::tests::shot;
use super::super::{OwnedColumns, PreparedSource, SelectParams, Weights};
use crate::model::{BoundKind, Candidate, Signal};

/// A film as bright as `luma` says, in buckets of a quarter of a second, with shots that begin at `cuts`.
fn candidates(
    luma: impl Fn(f64) -> f64,
    cuts: &[f64],
    duration: f64,
    (min, max): (f64, f64),
) -> Vec<Candidate> {
    // What a bucket shows on average, as the analysis measures it.
    let mean =
        |t: f64| (0..10).map(|i| luma(t + f64::from(i) * 0.025 + 0.0125)).sum::<f64>() / 10.0;
    let signals: Vec<Signal> = (0..(duration * 4.0) as usize)
        .map(|i| i as f64 * 0.25)
        .map(|t| Signal { t, luma: mean(t), motion: 0.01, ..Signal::default() })
        .collect();
    let edges: Vec<f64> =
        std::iter::once(0.0).chain(cuts.iter().copied()).chain([duration]).collect();
    let shots: Vec<_> = edges.windows(2).map(|e| shot(e[0], e[1])).collect();
    let owned = OwnedColumns::new(&signals, &shots, &[]);
    let wanted = SelectParams { min_clip_length: min, max_clip_length: max, max_clips: 3 };
    let selection = PreparedSource::new(&owned.columns()).select(&wanted, &Weights::default());
    selection.unwrap().candidates
}

/// Bright, but for a fade to black in `out..gone` and one back in `black..back`.
fn through_black(t: f64, [out, gone, black, back]: [f64; 4]) -> f64 {
    0.4 * ((gone - t) / (gone - out)).max((t - black) / (back - black)).clamp(0.0, 1.0)
}

#[test]
fn a_clip_opened_on_the_black_of_a_fade() {
    let fade = |t| through_black(t, [19.0, 20.0, 21.0, 22.0]);
    for candidate in candidates(fade, &[20.5], 40.0, (6.0, 20.0)) {
        let Candidate { start, end, .. } = candidate;
        assert!(fade(start) >= 0.15 && fade(end - 0.04) >= 0.15, "{start} to {end}");
    }
    let starts = candidates(fade, &[20.5], 40.0, (6.0, 18.0));
    assert!(starts.iter().any(|c| c.start_kind == BoundKind::Fade && (c.start - 21.5).abs() < 0.3));
    assert!(starts.iter().any(|c| c.end_kind == BoundKind::Fade && (c.end - 19.5).abs() < 0.3));
}

#[test]
fn a_clip_opened_on_the_black_before_a_film() {
    let late = |t| if t < 1.01 { 0.001 } else { 0.4 };
    let found = candidates(late, &[1.01], 30.0, (6.0, 12.0));
    assert!(found.iter().all(|c| c.start >= 1.01), "{:?}", found[0]);
    assert_eq!((found[0].start, found[0].start_kind), (1.01, BoundKind::Shot));
    // Without a shot boundary, too.
    let fading = |t: f64| (0.2 * t).min(0.4);
    let found = candidates(fading, &[], 30.0, (6.0, 12.0));
    assert!(found.iter().all(|c| fading(c.start) >= 0.1), "{:?}", found[0]);
    assert_eq!(found[0].start_kind, BoundKind::Fade);
}

#[test]
fn a_clip_ended_in_the_black_after_a_film() {
    let ending = |t: f64| ((28.0 - t) * 0.4).clamp(0.0, 0.4);
    let found = candidates(ending, &[], 30.0, (12.0, 30.0));
    let last = found.iter().map(|c| c.end).fold(0.0, f64::max);
    assert!((27.0..=27.8).contains(&last), "{last}");
}

#[test]
fn a_fade_shorter_than_a_bucket_left_black_frames_at_the_start() {
    let fade = |t| through_black(t, [9.5, 9.92, 10.08, 10.5]);
    let found = candidates(fade, &[10.0], 30.0, (4.0, 12.0));
    assert!(found.iter().all(|c| fade(c.start) > 0.1 && fade(c.end - 0.04) > 0.1));
}

#[test]
fn black_stays_where_nothing_else_is_left() {
    let late = |t| if t < 3.0 { 0.001 } else { 0.4 };
    let found = candidates(late, &[3.0], 10.0, (9.0, 12.0));
    // As much as the shortest clip allows is left out.
    assert!(found.iter().any(|c| c.start == 1.0 && c.end == 10.0), "{found:?}");
    let none = candidates(|_| 0.001, &[], 7.0, (3.0, 5.0));
    assert_eq!(none[0].start, 0.0);
}

#[test]
fn a_film_that_is_dark_on_purpose_keeps_its_places() {
    let cuts = [10.0, 20.0, 30.0];
    let night = |t: f64| 0.012 + 0.006 * (t * 3.0).sin();
    let dim = |t: f64| if (10.0..20.0).contains(&t) { 0.05 } else { 0.5 };
    let long = |t: f64| if (10.0..20.0).contains(&t) { 0.01 } else { 0.5 };
    let found = |luma: &dyn Fn(f64) -> f64| -> Vec<(f64, f64, BoundKind, BoundKind)> {
        let found = candidates(luma, &cuts, 40.0, (5.0, 20.0));
        found.iter().map(|c| (c.start, c.end, c.start_kind, c.end_kind)).collect()
    };
    let bright = found(&|_| 0.5);
    for luma in [&night as &dyn Fn(f64) -> f64, &dim, &long] {
        assert_eq!(found(luma), bright);
    }
}

proptest! {
    #[test]
    fn lengths_stay_what_was_asked_for_around_black(
        fades in prop::collection::vec((0.0..60.0f64, 0.05..2.0f64, 0.0..9.0f64), 0..6),
        cuts in prop::collection::btree_set(1..59u8, 0..8),
        min in 1.0..30.0f64, extra in 0.0..20.0f64,
    ) {
        let luma = |t: f64| {
            let one = |(at, length, black): &(f64, f64, f64)| {
                through_black(t, [*at, at + length, at + length + black, at + 2.0 * length + black])
            };
            fades.iter().map(one).fold(0.4, f64::min)
        };
        let cuts: Vec<f64> = cuts.into_iter().map(f64::from).collect();
        let found = candidates(luma, &cuts, 60.0, (min, min + extra));
        prop_assert!(!found.is_empty());
        for c in &found {
            prop_assert!(c.start >= 0.0 && c.end <= 60.0);
            prop_assert!(c.duration >= min - 1e-6 && c.duration <= min + extra + 1e-6, "{c:?}");
        }
    }
}
