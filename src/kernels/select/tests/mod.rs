#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use proptest::prelude::*;

use super::limits::FLASH;
use super::*;
use crate::error::{Error, ErrorCode};
use crate::model::{BoundKind, Cue, Shot, Signal, Transition};

mod lists;

pub(crate) fn shot(start: f64, end: f64) -> Shot {
    Shot {
        shot_id: 0,
        start,
        end,
        transition: Transition::Cut,
        score: 1.0,
        // A hundred a second, so that places with two digits stay where they are.
        first_frame: (start * 100.0).round() as i64,
        last_frame: (end * 100.0).round() as i64 - 1,
        area: None,
    }
}

pub(crate) fn cue(start: f64, end: f64, text: &str) -> Cue {
    Cue {
        cue_id: 0,
        start,
        end,
        text: text.into(),
        language: None,
        origin: "sidecar".into(),
        words: None,
    }
}

/// A source in which everything varies, the same for the same seed.
pub(crate) fn noisy_source(seed: u64, duration: f64) -> (Vec<Signal>, Vec<Shot>, Vec<Cue>) {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    let signals = (0..(duration / 0.25).ceil() as usize)
        .map(|i| Signal {
            t: i as f64 * 0.25,
            shot_score: random(),
            motion: random() * 0.2,
            luma: random(),
            chroma: random() * 0.3,
            saliency_x: 0.5,
            saliency_y: 0.5,
            loudness: Some(-50.0 + 40.0 * random()),
            onset: Some(random()),
            speech: Some(random()),
            silence: Some(if random() < 0.15 { random() } else { 0.0 }),
            caption_density: random() * 20.0,
        })
        .collect();
    let mut shots = Vec::new();
    let mut t = 0.0;
    while t < duration {
        let end = (t + 0.1 + random() * 8.0).min(duration);
        shots.push(Shot { score: random(), ..shot(t, end) });
        t = end;
    }
    let mut cues = Vec::new();
    let mut t = random() * 3.0;
    while t < duration {
        let end = t + 0.5 + random() * 3.0;
        cues.push(cue(t, end, if random() < 0.5 { "A sentence." } else { "and so" }));
        t = end + random() * 2.0 - 0.3;
    }
    (signals, shots, cues)
}

#[test]
fn what_lasts_for_ages_and_asks_for_ages_is_gone_through_all_the_same() {
    let columns = |end| OwnedColumns::new(&[], &[shot(0.0, end)], &[]);
    let params = SelectParams { min_clip_length: 0.5, max_clip_length: 1.0, max_clips: i64::MAX };
    let select = |end| {
        let source = PreparedSource::new(&columns(end).columns());
        source.select(&params, &Weights::default()).unwrap()
    };
    let ages = select(1e12);
    assert!(ages.candidates.len() <= 90_000, "{}", ages.candidates.len());
    assert_eq!(ages.chosen().count(), 100);
    // An hour is looked at as closely as ever.
    assert_eq!(select(3600.0).candidates.len(), 3600);
}

fn quiet_source(duration: f64, shots: &[f64]) -> (Vec<Signal>, Vec<Shot>) {
    let signals = (0..(duration * 4.0) as usize)
        .map(|i| Signal {
            t: i as f64 * 0.25,
            motion: 0.01,
            luma: 0.5,
            chroma: 0.1,
            ..Signal::default()
        })
        .collect();
    let edges: Vec<f64> =
        std::iter::once(0.0).chain(shots.iter().copied()).chain([duration]).collect();
    (signals, edges.windows(2).map(|e| shot(e[0], e[1])).collect())
}

fn select(
    signals: &[Signal],
    shots: &[Shot],
    cues: &[Cue],
    params: &SelectParams,
) -> Result<Selection, NoCandidate> {
    let columns = OwnedColumns::new(signals, shots, cues);
    PreparedSource::new(&columns.columns()).select(params, &Weights::default())
}

fn params(min_clip_length: f64, max_clip_length: f64, max_clips: i64) -> SelectParams {
    SelectParams { min_clip_length, max_clip_length, max_clips }
}

/// What must hold of every selection.
fn assert_sound(selection: &Selection, duration: f64, params: &SelectParams, shots: &[Shot]) {
    let candidates = &selection.candidates;
    assert!(!candidates.is_empty());
    assert!(
        candidates.len() as f64 <= 2.5 * duration + 12.0,
        "{} windows in {duration} s",
        candidates.len()
    );
    let mut ranks: Vec<_> = candidates.iter().map(|c| c.rank).collect();
    ranks.sort_unstable();
    assert!(ranks.iter().copied().eq(1..=candidates.len() as i64));
    for (i, c) in candidates.iter().enumerate() {
        assert_eq!(c.candidate_id, i as i64);
        assert!(c.start >= 0.0 && c.end <= duration, "{c:?}");
        assert_eq!(c.duration, c.end - c.start);
        assert!(
            c.duration >= params.min_clip_length - 1e-6
                && c.duration <= params.max_clip_length + 1e-6,
            "{c:?}"
        );
        for part in [c.score, c.hook, c.dark, c.start_quality, c.end_quality, c.length_fit] {
            assert!((0.0..=1.0).contains(&part), "{c:?}");
        }
        assert_eq!(c.chosen, c.reason.is_none());
        if c.start_kind == BoundKind::Shot {
            assert!(shots.iter().any(|s| s.start == c.start), "{c:?}");
        }
        if c.end_kind == BoundKind::Shot {
            assert!(shots.iter().any(|s| s.start == c.end), "{c:?}");
        }
        let flash = |t: f64, cut: f64| (cut - t).abs() > 1e-9 && (cut - t).abs() < FLASH;
        let natural = |kind| !matches!(kind, BoundKind::Source | BoundKind::Grid);
        for cut in shots.iter().map(|s| s.start).filter(|t| *t > 0.0) {
            assert!(
                !(natural(c.start_kind) && cut > c.start && flash(c.start, cut)),
                "{cut} {c:?}"
            );
            assert!(!(natural(c.end_kind) && cut < c.end && flash(c.end, cut)), "{cut} {c:?}");
        }
    }
    assert!(candidates.windows(2).all(|p| (p[0].start, p[0].end) < (p[1].start, p[1].end)));
    let chosen: Vec<_> = selection.chosen().collect();
    assert!(!chosen.is_empty() && chosen.len() as i64 <= params.max_clips);
    assert!(chosen.windows(2).all(|p| p[0].end <= p[1].start));
    for c in candidates {
        let cuts = shots.iter().filter(|s| s.start > c.start && s.start < c.end).count();
        assert!((c.cut_rate * c.duration - cuts as f64).abs() < 1e-6, "{c:?}");
        // The reasons are true.
        let overlaps = chosen.iter().filter(|w| w.start < c.end && c.start < w.end).count();
        match c.reason.as_deref() {
            None => assert_eq!(overlaps, 1),
            Some(why) if why.starts_with("overlaps the clip from") => {
                assert_eq!(overlaps, 1, "{why}")
            }
            Some(why) if why.starts_with("overlaps") => {
                assert!(
                    why.starts_with(&format!("overlaps {overlaps} clips")) && overlaps > 1,
                    "{why}"
                );
            }
            Some(why) => {
                assert!(why.starts_with("max_clips is reached") && overlaps == 0, "{why}");
                assert_eq!(chosen.len() as i64, params.max_clips);
                assert!(chosen.iter().all(|w| w.score >= c.score), "{why}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_source_gives_sound_windows(
        seed in any::<u64>(), duration in 5.0..400.0f64, min in 0.5..40.0f64, extra in 0.0..60.0f64,
        max_clips in 1..12i64, parts in 0..8u8,
    ) {
        let (mut signals, mut shots, mut cues) = noisy_source(seed, duration);
        if parts & 1 == 0 {
            cues.clear();
        }
        if parts & 2 == 0 {
            shots = vec![shot(0.0, duration)];
        }
        if parts & 4 == 0 {
            for s in &mut signals {
                (s.loudness, s.onset, s.speech, s.silence) = (None, None, None, None);
            }
        }
        let params = params(min, min + extra, max_clips);
        match select(&signals, &shots, &cues, &params) {
            Ok(selection) => {
                assert_sound(&selection, duration, &params, &shots);
                prop_assert_eq!(&select(&signals, &shots, &cues, &params).unwrap(), &selection);
                // Rows in another order are the same source.
                signals.reverse();
                shots.reverse();
                cues.reverse();
                prop_assert_eq!(&select(&signals, &shots, &cues, &params).unwrap(), &selection);
            }
            Err(why) => {
                prop_assert!(duration < min);
                prop_assert_eq!(why, NoCandidate::SourceTooShort { duration, min });
            }
        }
    }

    #[test]
    fn values_out_of_their_range_do_not_break_it(
        rows in prop::collection::vec((any::<f64>(), any::<f64>(), any::<f64>(), prop::option::of(any::<f64>())), 0..40),
        min in any::<f64>(), max in any::<f64>(), max_clips in any::<i64>(),
    ) {
        let signals: Vec<_> = rows.iter().enumerate().map(|(i, (t, a, b, c))| Signal {
            t: if i % 3 == 0 { *t } else { i as f64 }, motion: *a, luma: *b, chroma: *a, loudness: *c,
            onset: Some(*b), speech: *c, silence: Some(*a), caption_density: *b, ..Signal::default()
        }).collect();
        let shots: Vec<_> = rows.iter().take(5).map(|(_, a, b, _)| Shot { score: *b, ..shot(a % 50.0, b % 50.0) }).collect();
        let cues: Vec<_> = rows.iter().map(|(t, a, b, _)| cue(a % 50.0, b + t, "x.")).collect();
        for params in [params(min, max, max_clips), params(2.0, 5.0, 2)] {
            if let Ok(selection) = select(&[], &shots, &cues, &params) {
                prop_assert!(selection.candidates.iter().all(|c| (0.0..=1.0).contains(&c.score)));
            }
            if rows.iter().all(|r| r.0.abs() < 1e4)
                && let Ok(selection) = select(&signals, &[], &cues, &params)
            {
                prop_assert!(selection.candidates.iter().all(|c| (0.0..=1.0).contains(&c.score)));
            }
        }
    }
}

#[test]
fn the_lively_loud_passage_wins() {
    let cuts: Vec<f64> = (1..30).map(|i| f64::from(i) * 10.0).collect();
    let (mut signals, shots) = quiet_source(300.0, &cuts);
    for s in &mut signals {
        (s.loudness, s.onset, s.speech, s.silence) =
            (Some(-40.0), Some(0.02), Some(0.1), Some(0.0));
        if (120.0..150.0).contains(&s.t) {
            (s.motion, s.loudness, s.onset) = (0.15, Some(-12.0), Some(0.5));
        }
    }
    let selection = select(&signals, &shots, &[], &params(15.0, 60.0, 1)).unwrap();
    let best = selection.chosen().next().unwrap();
    assert_eq!((best.start, best.end, best.rank), (120.0, 150.0, 1), "{best:?}");
    assert!(
        best.strengths.contains("motion") && best.strengths.contains("hook"),
        "{}",
        best.strengths
    );
    assert_eq!((best.start_kind, best.end_kind), (BoundKind::Shot, BoundKind::Shot));
    let loser = selection.candidates.iter().find(|c| c.start == 130.0).unwrap();
    let reason = loser.reason.as_deref().unwrap();
    assert!(
        reason.starts_with("overlaps the clip from 120.00 s to 150.00 s, which scores 0."),
        "{reason}"
    );
    let far = selection.candidates.iter().find(|c| c.start == 200.0).unwrap();
    assert!(
        far.reason
            .as_deref()
            .unwrap()
            .starts_with("max_clips is reached: the 1 chosen clip scores 0.")
    );
}

#[test]
fn each_measure_moves_the_score_its_way() {
    let cuts: Vec<f64> = (1..20).map(|i| f64::from(i) * 20.0).collect();
    type Improve = (&'static str, fn(&mut Signal));
    let better: [Improve; 7] = [
        ("motion", |s| s.motion = 0.1),
        ("loudness", |s| s.loudness = Some(-10.0)),
        ("onset", |s| s.onset = Some(0.6)),
        ("speech", |s| s.speech = Some(0.9)),
        ("chroma", |s| s.chroma = 0.4),
        ("captions", |s| s.caption_density = 15.0),
        ("light", |_| {}),
    ];
    for (name, improve) in better {
        let (mut signals, shots) = quiet_source(400.0, &cuts);
        for s in &mut signals {
            (s.loudness, s.onset, s.speech, s.silence) =
                (Some(-30.0), Some(0.1), Some(0.2), Some(0.3));
            if (100.0..120.0).contains(&s.t) {
                improve(s);
            } else if name == "light" {
                s.luma = 0.01;
            }
        }
        let selection = select(&signals, &shots, &[], &params(20.0, 20.0, 1)).unwrap();
        let best = selection.chosen().next().unwrap();
        assert_eq!(best.start, 100.0, "{name}: {best:?}");
    }
}

#[test]
fn one_static_shot_without_sound_still_gives_clips() {
    let (signals, shots) = quiet_source(600.0, &[]);
    let wanted = params(15.0, 60.0, 3);
    let selection = select(&signals, &shots, &[], &wanted).unwrap();
    assert_sound(&selection, 600.0, &wanted, &shots);
    assert_eq!(selection.chosen().count(), 3);
    assert!(selection.candidates.iter().all(|c| c.loudness.is_none() && c.silence.is_none()));
}

#[test]
fn a_fixed_length_is_kept() {
    let (signals, shots, cues) = noisy_source(7, 120.0);
    let wanted = params(30.0, 30.0, 3);
    let selection = select(&signals, &shots, &cues, &wanted).unwrap();
    assert_sound(&selection, 120.0, &wanted, &shots);
    assert_eq!(selection.chosen().count(), 3);
}

#[test]
fn no_window_has_a_reason() {
    let (signals, shots) = quiet_source(10.0, &[]);
    let short = select(&signals, &shots, &[], &SelectParams::default()).unwrap_err();
    assert_eq!(
        short.to_string(),
        "the source lasts 10 s but min_clip_length is 15 s; lower min_clip_length or name a longer source"
    );
    assert_eq!(Error::from(short).code(), ErrorCode::SelectionNoCandidate);
    assert_eq!(select(&[], &[], &[], &SelectParams::default()), Err(NoCandidate::NothingMeasured));
    let wrong = params(10.0, 5.0, 1);
    assert_eq!(select(&signals, &shots, &[], &wrong), Err(NoCandidate::BadRequest(wrong)));
    let exact = select(&signals, &shots, &[], &params(10.0, 10.0, 1)).unwrap();
    assert_eq!((exact.candidates[0].start, exact.candidates[0].end), (0.0, 10.0));
}

#[test]
fn only_the_ratios_of_weights_count_and_parts_that_are_missing_drop_out() {
    let (signals, shots, cues) = noisy_source(3, 100.0);
    let owned = OwnedColumns::new(&signals, &shots, &cues);
    let prepared = PreparedSource::new(&owned.columns());
    let none = Weights {
        hook: 0.0,
        motion: 0.0,
        loudness: 0.0,
        loudness_peak: 0.0,
        onset: 0.0,
        speech: 0.0,
        sound: 0.0,
        cut_rate: 0.0,
        light: 0.0,
        chroma: 0.0,
        captions: 0.0,
        start: 0.0,
        end: 0.0,
        length: 0.0,
        topic: 0.0,
        replays: 0.0,
    };
    let only_start =
        |w| prepared.select(&SelectParams::default(), &Weights { start: w, ..none }).unwrap();
    assert!(only_start(0.1).candidates.iter().all(|c| (c.score - c.start_quality).abs() < 1e-12));
    assert_eq!(only_start(0.5), only_start(2.0));
    assert_eq!(only_start(f64::NAN).chosen().count(), 0);
    // A silent picture: sound weighs nothing, so the start alone decides again.
    let (signals, shots) = quiet_source(100.0, &[30.0, 50.0]);
    let owned = OwnedColumns::new(&signals, &shots, &[]);
    let weights = Weights { loudness: 1.0, speech: 1.0, captions: 1.0, start: 1.0, ..none };
    let silent =
        PreparedSource::new(&owned.columns()).select(&SelectParams::default(), &weights).unwrap();
    assert!(silent.candidates.iter().all(|c| (c.score - c.start_quality).abs() < 1e-12));
    let read: Weights = serde_json::from_str(r#"{"hook": 1}"#).unwrap();
    assert_eq!(read, Weights { hook: 1.0, ..Weights::default() });
}
