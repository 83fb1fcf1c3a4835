#![allow(clippy::unwrap_used)]

mod offers;
mod planned;

use proptest::prelude::*;

use super::brief::{DESCRIPTION_CHARS, TITLE_CHARS};
use super::*;
use crate::kernels::ids::stable_id;
use crate::kernels::score::{Link, ScoreModels};
use crate::kernels::select::tests::cue;
use crate::kernels::text::graphemes;
use crate::model::edit::{CaptionStyle, EffectKind, Join, Layout};
use crate::model::{Keyphrase, Shot, Signal, Transition};

const BURNED: Option<CaptionMode> = Some(CaptionMode::Burned);

fn scorer() -> Scorer {
    Scorer::new(ScoreModels::built_in().unwrap()).unwrap()
}

/// As many as there are, also more than a clip may have.
fn best(brief: &ClipBrief, n: usize, platforms: &[&Platform]) -> Vec<Variant> {
    let audience = AudienceProfile::default();
    ClipOptions::new(brief, &audience, platforms, BURNED).unwrap().best(n, &scorer())
}

fn brief(start: f64, length: f64, fps: f64, size: (i64, i64), seed: u64) -> ClipBrief {
    let mut random = fastrand::Rng::with_seed(seed);
    let grid = |t: f64| start + ((t - start) * fps).round() / fps;
    let end = grid(start + length);
    let mut within =
        |margin: f64| grid(start + margin + random.f64() * (length - 2.0 * margin).max(0.0));
    let moments = [(start, 0.5), (within(1.5), 0.9), (within(1.5), 0.7)];
    let mut times: Vec<f64> = (0..6).map(|_| within(1.0)).collect();
    times.sort_by(f64::total_cmp);
    times.dedup();
    let titles = [
        ("statement", "Every edge hides another edge"),
        ("question", "What hides behind the edge?"),
    ];
    ClipBrief {
        start,
        end,
        language: Some("en".into()),
        width: size.0,
        height: size.1,
        area: None,
        fps,
        least: 0.0,
        most: f64::INFINITY,
        motion: 0.05,
        speech: Some(0.6),
        loudness_peak: None,
        cut_rate: 6.0,
        caption_density: 9.0,
        moments: moments.map(|(t, strength)| Moment { t, strength, silence: 0.1 }).to_vec(),
        endings: std::iter::once(end)
            .chain(times.iter().copied())
            .map(|t| Ending { t, quality: 0.7 })
            .collect(),
        pauses: times
            .windows(2)
            .step_by(2)
            .map(|pair| Stretch { start: pair[0], end: pair[1] })
            .filter(|pause| pause.end - pause.start > 0.6)
            .collect(),
        fillers: vec![],
        onsets: times.iter().step_by(2).copied().collect(),
        keyphrases: vec![Keyphrase { text: "Mandelbrot set".into(), weight: 1.0 }],
        titles: titles
            .map(|(style, text)| Title { style: style.into(), text: text.into() })
            .to_vec(),
        hook_text: Some("Every edge hides another edge.".into()),
        descriptions: vec!["Every edge hides another edge.".into(); DESCRIPTION_CHARS.len()],
        text_origin: "captions".into(),
        hashtags: vec![],
        text_note: None,
        said: vec![],
        topic: None,
        captioned: seed.is_multiple_of(2),
        size: None,
    }
}

prop_compose! {
    fn any_brief()(
        start in 0.0..500.0_f64,
        length in 4.0..240.0_f64,
        fps in prop::sample::select(vec![23.976, 25.0, 30.0, 59.94, 120.0]),
        size in prop::sample::select(vec![(201, 113), (320, 180), (640, 360), (1280, 720), (1920, 1080), (720, 1280), (640, 480), (3840, 2160)]),
        seed in 0_u64..1000,
    ) -> ClipBrief {
        brief(start, length, fps, size, seed)
    }
}

fn made(brief: &ClipBrief, n: usize) -> Vec<Variant> {
    let platforms = Platforms::built_in().unwrap().named::<&str>(&[]).unwrap();
    best(brief, n, &platforms)
}

proptest! {
    #[test]
    fn every_variant_is_valid_for_its_platform(brief in any_brief(), n in 1..12_usize) {
        for v in made(&brief, n) {
            let platform = Platforms::built_in().unwrap().named(&[&v.platform]).unwrap()[0];
            let edit = &v.edit;
            let near = 0.004;
            prop_assert!(v.duration >= platform.min_seconds - near);
            prop_assert!(v.duration <= platform.max_seconds + near);
            prop_assert!((edit.duration() - v.duration).abs() < 1e-9, "{} is not {}", edit.duration(), v.duration);
            prop_assert!(platform.sizes.contains(&(edit.width, edit.height)));
            let enlarged = upscale(edit.layout, (brief.width, brief.height), (edit.width, edit.height));
            let is_fallback = edit.layout == Layout::Fit && v.reason.contains("more than the source is sharp");
            prop_assert_eq!(enlarged > MAX_UPSCALE, is_fallback, "{}", v.reason);
            if is_fallback {
                // At the smallest size, and only where nothing else will do.
                prop_assert_eq!(platform.sizes.last(), Some(&(edit.width, edit.height)));
                let fits = |layout: &Layout| fitting_size(*layout, (brief.width, brief.height), platform).is_some();
                prop_assert!(!Layout::ALL.iter().any(fits));
            }
            prop_assert!(edit.fps <= platform.max_fps && edit.fps <= brief.fps && edit.fps >= MIN_FPS);
            prop_assert!(graphemes(&v.title) <= platform.limits.title_chars.min(TITLE_CHARS));
            prop_assert!(graphemes(&v.description) <= platform.limits.description_chars);
            prop_assert!(v.hashtags.len() <= platform.limits.hashtags);
            prop_assert_eq!(edit.caption_style == CaptionStyle::Off, !brief.captioned);
            prop_assert!(!edit.segments.is_empty());
            for s in &edit.segments {
                prop_assert!(s.start >= brief.start && s.end <= brief.end + 1e-9, "{s:?}");
                prop_assert!(s.end - s.start >= 0.29, "{s:?}");
                for t in [s.start, s.end] {
                    let frames = (t - brief.start) * brief.fps;
                    prop_assert!((frames - frames.round()).abs() < 1e-5, "{t} is on no frame");
                }
            }
            let shown = &edit.segments[usize::from(v.reason.contains("strongest moment first"))..];
            prop_assert!(shown.is_sorted_by(|a, b| a.end <= b.start));
            prop_assert!(edit.join == Join::Cut || edit.segments.len() == 2);
        }
    }

    #[test]
    fn a_teaser_shows_what_comes_again(brief in any_brief(), most in 10.0..100.0_f64) {
        let brief = ClipBrief { most, ..brief };
        for v in made(&brief, 60).iter().filter(|v| v.reason.contains("strongest moment first")) {
            prop_assert_eq!(v.edit.segments.len(), 2);
            let (teaser, whole) = (v.edit.segments[0], v.edit.segments[1]);
            prop_assert!(teaser.start > whole.start && teaser.end <= whole.end, "{:?}", v.edit.segments);
            prop_assert_eq!((whole.start, whole.end), (v.start, v.end));
        }
    }

    #[test]
    fn accents_are_where_the_variant_says_and_counts_them(brief in any_brief(), n in 1..100_usize) {
        for v in made(&brief, n) {
            let of = |kind: EffectKind| v.edit.effects.iter().filter(move |e| e.kind == kind);
            let (punches, glitches, corners) = (EffectKind::ZoomPunch, EffectKind::Glitch, EffectKind::Vignette);
            let counts = [punches, glitches, corners].map(|kind| of(kind).count());
            let said = ["zooms on beats", "a glitch on a beat", "darker corners"].map(|words| v.reason.contains(words));
            prop_assert_eq!(counts.map(|count| count > 0), said, "{} {:?}", v.reason, v.edit.effects);
            prop_assert!(counts.iter().filter(|count| **count > 0).count() <= 1);
            for at in of(punches).chain(of(glitches)).map(|e| e.at.unwrap()) {
                prop_assert!(brief.onsets.contains(&at));
                prop_assert!(v.edit.segments.iter().any(|s| s.start <= at && at < s.end), "{at} is not shown");
            }
            let accents = v.score_parts.iter().find(|p| p.feature == "accents").unwrap();
            let beats = (counts[0] + counts[1]) as f64 / v.duration.max(1.0);
            let wanted = if counts[2] > 0 { 0.02 } else { beats };
            prop_assert!((accents.value.unwrap() - wanted).abs() < 1e-12, "{accents:?} is not {wanted}");
            // Every onset that is shown has its punch.
            let is_shown = |t: &&f64| **t > v.start && v.edit.segments.iter().any(|s| s.start <= **t && **t < s.end);
            prop_assert!(counts[0] == 0 || counts[0] == brief.onsets.iter().filter(is_shown).count());
        }
    }

    #[test]
    fn no_variant_comes_twice(brief in any_brief(), onsets in 0..3_usize, small in any::<bool>(), n in 20..120_usize) {
        // One title, and layouts as few as can be: timings and accents are all that is left.
        let brief = ClipBrief {
            onsets: brief.onsets.iter().copied().take(onsets).collect(),
            titles: brief.titles[..if small { 1 } else { 2 }].to_vec(),
            ..brief
        };
        let asked: &[&str] = if small { &["x"] } else { &[] };
        let platforms = Platforms::built_in().unwrap().named(asked).unwrap();
        let variants = best(&brief, n, &platforms);
        let mut ids = std::collections::BTreeSet::new();
        for v in &variants {
            let edit = serde_json::to_string(&v.edit).unwrap();
            prop_assert!(ids.insert(stable_id([&v.platform, &edit, &v.title].map(|part| Some(part.as_str())))), "twice: {}", v.reason);
        }
    }

    #[test]
    fn scores_are_links_of_their_parts_and_ranked(brief in any_brief()) {
        let variants = made(&brief, 6);
        let intercept = ScoreModels::built_in().unwrap().viral_score.intercept;
        for (rank, v) in (1..).zip(&variants) {
            prop_assert_eq!(v.rank, rank);
            let sum = intercept + v.score_parts.iter().map(|p| p.part).sum::<f64>();
            prop_assert!((Link::Logistic.score(sum) - v.viral_score).abs() < 1e-12);
            prop_assert!((0.0..=1.0).contains(&v.viral_score));
        }
        prop_assert!(variants.is_sorted_by(|a, b| a.viral_score >= b.viral_score));
    }

    #[test]
    fn the_same_is_made_whatever_the_order_of_the_platforms(brief in any_brief()) {
        let audience = AudienceProfile::default();
        let one = platforms_for(&["x".into(), "tiktok".into()], &audience).unwrap();
        let other = platforms_for(&["tiktok".into(), "x".into()], &audience).unwrap();
        let make = |platforms: &[_]| make_variants(&brief, 5, &audience, platforms, BURNED, &scorer()).unwrap();
        prop_assert_eq!(make(&one), make(&other));
    }
}

#[test]
fn platforms_get_the_same_number_and_variants_differ() {
    let brief = brief(10.0, 30.0, 25.0, (1920, 1080), 2);
    let variants = made(&brief, 12);
    let mut counts = std::collections::BTreeMap::<String, usize>::new();
    variants.iter().for_each(|v| *counts.entry(v.platform.clone()).or_default() += 1);
    assert!(counts.values().all(|n| *n == 2) && counts.len() == 6, "{counts:?}");
    let layouts: std::collections::BTreeSet<_> = variants.iter().map(|v| v.edit.layout).collect();
    assert!(layouts.len() >= 3, "{layouts:?}");
    for (i, a) in variants.iter().enumerate() {
        for b in &variants[i + 1..] {
            assert_ne!(a.reason, b.reason);
        }
    }
}

#[test]
fn no_more_are_made_than_a_clip_may_have() {
    let brief = brief(10.0, 30.0, 25.0, (1920, 1080), 2);
    let platforms = Platforms::built_in().unwrap().named::<&str>(&[]).unwrap();
    let audience = AudienceProfile::default();
    let count = |n: usize| {
        make_variants(&brief, n, &audience, &platforms, BURNED, &scorer()).unwrap().len()
    };
    assert_eq!([3, usize::MAX].map(count), [3, MAX_VARIANTS as usize]);
}

#[test]
fn a_brief_of_somebodys_own_may_say_more_than_is_looked_at() {
    let mut brief = brief(10.0, 30.0, 25.0, (1920, 1080), 2);
    brief.moments =
        (0..600).map(|i| Moment { t: 10.0 + f64::from(i) * 0.04, ..brief.moments[1] }).collect();
    brief.titles =
        (0..600).map(|i| Title { text: i.to_string(), ..brief.titles[0].clone() }).collect();
    assert_eq!(made(&brief, 150).len(), 150);
}

#[test]
fn an_audience_moves_platforms_and_scores() {
    let brief = brief(10.0, 30.0, 25.0, (1280, 720), 2);
    let make = |json: &str| {
        let audience = AudienceProfile::parse(json).unwrap();
        let platforms = platforms_for(&[], &audience).unwrap();
        make_variants(&brief, 4, &audience, &platforms, BURNED, &scorer()).unwrap()
    };
    assert!(make(r#"{"platforms":["youtube"]}"#).iter().all(|v| v.platform == "shorts"));
    // Those asked for go before the audience's.
    let profile = AudienceProfile { platforms: vec!["x".into()], ..AudienceProfile::default() };
    let names = |asked: &[&str]| -> Vec<&str> {
        let asked: Vec<String> = asked.iter().map(|name| (*name).to_owned()).collect();
        platforms_for(&asked, &profile).unwrap().iter().map(|p| p.name.as_str()).collect()
    };
    assert_eq!(names(&[]), ["x"]);
    assert_eq!(names(&["x", "feed"]), ["x", "feed"]);
    assert_eq!(names(&["feed"]), ["feed"]);
    let keen = make(r#"{"platforms":["x"],"interests":["mandelbrot"]}"#);
    let bored = make(r#"{"platforms":["x"],"interests":["football"]}"#);
    assert!(keen[0].viral_score > bored[0].viral_score);
    assert!(keen[0].hashtags[0].to_lowercase().contains("mandelbrot"), "{:?}", keen[0].hashtags);
}

#[test]
fn a_brief_finds_the_moment_the_sentence_and_the_pause() {
    let signal = |i: usize| {
        let t = i as f64 * 0.25;
        let (loud, quiet) = ((6.0..9.0).contains(&t), (11.0..12.5).contains(&t));
        Signal {
            t,
            motion: if loud { 0.2 } else { 0.01 },
            loudness: Some(if loud {
                -10.0
            } else if quiet {
                -70.0
            } else {
                -24.0
            }),
            onset: Some(if t == 6.0 { 0.9 } else { 0.1 }),
            speech: Some(0.5),
            silence: Some(f64::from(u8::from(quiet))),
            ..Signal::default()
        }
    };
    let signals: Vec<Signal> = (0..80).map(signal).collect();
    let shot = |start: f64, end: f64| Shot {
        shot_id: 0,
        start,
        end,
        transition: Transition::Cut,
        score: 1.0,
        first_frame: (start * 25.0) as i64,
        last_frame: (end * 25.0) as i64 - 1,
        area: None,
    };
    let facts = ClipFacts {
        start: 2.0,
        end: 18.0,
        language: Some("en"),
        topic: None,
        size: (1280, 720),
        fps: 25.0,
        lengths: (5.0, 20.0),
    };
    let shots = [shot(0.0, 6.0), shot(6.0, 20.0)];
    let cues =
        [cue(6.2, 8.0, "Here is the volcano."), cue(13.0, 15.0, "The volcano sleeps again.")];
    let brief = clip_brief(&facts, &signals, &shots, &cues);
    assert_eq!(brief.moments[0].t, 2.0);
    assert!((brief.moments[1].t - 6.0).abs() < 0.3, "{:?}", brief.moments);
    assert!(brief.moments[1].strength > 0.7 && brief.moments[0].strength < 0.5);
    assert!(brief.endings.iter().any(|e| (e.t - 15.0).abs() < 0.05 && e.quality > 0.8));
    assert!(brief.pauses.iter().any(|p| p.start >= 11.0 && p.end <= 12.5), "{:?}", brief.pauses);
    assert_eq!(brief.onsets, [6.0]);
    assert!(brief.keyphrases.iter().any(|k| k.text.to_lowercase().contains("volcano")));
    assert_eq!((brief.text_origin.as_str(), brief.captioned), ("captions", true));
}

#[test]
fn variants_are_as_long_as_the_request_wants() {
    let brief = ClipBrief { least: 25.0, most: 31.0, ..brief(10.0, 30.0, 25.0, (1920, 1080), 2) };
    let variants = made(&brief, 12);
    assert!(variants.len() == 12);
    assert!(variants.iter().all(|v| v.duration > 24.9 && v.duration < 31.1));
}

#[test]
fn looping_platforms_ended_in_black() {
    let brief = brief(10.0, 30.0, 25.0, (1920, 1080), 2);
    let (mut ending, mut looping) = (0, 0);
    for v in made(&brief, 24) {
        let fades = v.edit.effects.iter().any(|e| e.kind == EffectKind::FadeOut);
        assert_eq!(fades, !["tiktok", "shorts", "reels"].contains(&&*v.platform), "{}", v.platform);
        if fades { ending += 1 } else { looping += 1 }
    }
    assert!(ending > 0 && looping > 0);
}

#[test]
fn a_small_picture_lay_over_one_in_which_nothing_moves() {
    let pictured = |motion: f64| {
        let brief = ClipBrief { motion, ..brief(10.0, 30.0, 25.0, (1920, 1080), 2) };
        let layouts: Vec<_> = made(&brief, 60).iter().map(|v| v.edit.layout).collect();
        layouts.contains(&crate::model::edit::Layout::PictureInPicture)
    };
    assert!(pictured(0.02) && !pictured(0.0003));
}

#[test]
fn a_variant_opened_or_ended_in_the_black_of_a_fade() {
    let luma = |t: f64| (0.4 * ((9.0 - t).max(t - 10.0))).clamp(0.0, 0.4);
    let signals: Vec<Signal> = (0..80)
        .map(|i| f64::from(i) * 0.25)
        .map(|t| Signal { t, luma: luma(t + 0.125), motion: 0.01, ..Signal::default() })
        .collect();
    let shot = |start: f64, end: f64| Shot {
        shot_id: 0,
        start,
        end,
        transition: Transition::Fade,
        score: 1.0,
        first_frame: (start * 25.0) as i64,
        last_frame: (end * 25.0) as i64 - 1,
        area: None,
    };
    let facts = ClipFacts {
        start: 0.0,
        end: 20.0,
        language: None,
        topic: None,
        size: (1280, 720),
        fps: 25.0,
        lengths: (5.0, 20.0),
    };
    let brief = clip_brief(&facts, &signals, &[shot(0.0, 9.6), shot(9.6, 20.0)], &[]);
    let (moment, ending) = (brief.moments[1].t, brief.endings[1].t);
    assert!((10.4..10.8).contains(&moment) && (8.2..8.6).contains(&ending), "{moment} {ending}");
}
