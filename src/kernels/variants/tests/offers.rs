//! What is offered for clips that allow little.

use super::super::timing::timings;
use super::*;

/// A clip from 0 to `end` that may open at its start and at `hook`, and end at `endings` too.
fn plain(end: f64, hook: f64, endings: &[f64], onsets: &[f64]) -> ClipBrief {
    let ending = |t: &f64| Ending { t: *t, quality: 0.7 };
    ClipBrief {
        moments: [(0.0, 0.5), (hook, 0.9)]
            .map(|(t, strength)| Moment { t, strength, silence: 0.0 })
            .to_vec(),
        endings: std::iter::once(&end).chain(endings).map(ending).collect(),
        pauses: vec![],
        onsets: onsets.to_vec(),
        ..brief(0.0, end, 25.0, (1280, 720), 1)
    }
}

fn made_for(brief: &ClipBrief, platform: &str, n: usize) -> Vec<Variant> {
    let platforms = Platforms::built_in().unwrap().named(&[platform]).unwrap();
    best(brief, n, &platforms)
}

#[test]
fn a_variant_without_the_beat_has_no_accent_on_it() {
    let pause = Stretch { start: 12.0, end: 14.0 };
    let brief = ClipBrief { pauses: vec![pause], ..plain(20.0, 10.0, &[], &[2.0, 13.0]) };
    let variants = made_for(&brief, "tiktok", 400);
    let counts = |of: &dyn Fn(&&Variant) -> bool| -> std::collections::BTreeSet<usize> {
        let beats = |v: &Variant| v.edit.effects.iter().filter(|e| e.at.is_some()).count();
        variants.iter().filter(of).map(beats).collect()
    };
    let is_tight = |v: &&Variant| v.reason.contains("without its pauses");
    assert_eq!(counts(&|v| v.start == 0.0 && !is_tight(v)), [0, 1, 2].into());
    assert_eq!(counts(&|v| v.start == 0.0 && is_tight(v)), [0, 1].into());
    assert_eq!(counts(&|v| v.start == 10.0 && !is_tight(v)), [0, 1].into());
    assert_eq!(counts(&|v| v.start == 10.0 && is_tight(v)), [0].into());
}

#[test]
fn a_platform_that_does_not_take_the_whole_gets_what_hooks_there_are() {
    let spans = |brief: &ClipBrief| -> Vec<(f64, f64)> {
        let mut spans: Vec<_> =
            made_for(brief, "feed", 9).iter().map(|v| (v.start, v.end)).collect();
        spans.dedup();
        spans
    };
    assert_eq!(spans(&plain(100.0, 80.0, &[80.0], &[])), [(80.0, 100.0)]);
    assert!(spans(&plain(100.0, 10.0, &[80.0], &[])).is_empty());
}

#[test]
fn a_teaser_needs_its_moment_and_an_early_end_is_one_option() {
    let feed = Platforms::built_in().unwrap().named(&["feed"]).unwrap()[0];
    let shapes = |brief: &ClipBrief| -> Vec<timing::Shape> {
        let mut shapes: Vec<_> = timings(brief, feed).iter().map(|t| t.shape).collect();
        shapes.dedup();
        shapes
    };
    use timing::Shape::{ColdOpen, Hook, Short, Whole};
    // What is played ends at 30: the moment at 80 never comes.
    assert_eq!(shapes(&plain(100.0, 80.0, &[30.0], &[])), [Whole, Hook(1)]);
    // Right at the end it does.
    assert!(shapes(&plain(100.0, 28.0, &[30.0], &[])).contains(&ColdOpen(Join::Cut)));
    assert!(!shapes(&plain(100.0, 28.04, &[30.0], &[])).contains(&ColdOpen(Join::Cut)));
    assert!(shapes(&plain(100.0, 80.0, &[30.0, 55.0], &[])).contains(&Short));
}

#[test]
fn interests_match_words_not_letters() {
    let keyphrases = ["birthday party", "robots"]
        .map(|text| Keyphrase { text: text.into(), weight: 1.0 })
        .to_vec();
    let brief = ClipBrief { keyphrases, ..plain(20.0, 10.0, &[], &[]) };
    let share = |interests: &str| {
        let audience = AudienceProfile::parse(&format!("{{\"interests\":{interests}}}")).unwrap();
        let platforms = Platforms::built_in().unwrap().named(&["x"]).unwrap();
        let made = make_variants(&brief, 1, &audience, &platforms, BURNED, &scorer()).unwrap();
        made[0].score_parts.iter().find(|p| p.feature == "interest_match").unwrap().value
    };
    assert_eq!(share(r#"["art"]"#), Some(0.0));
    assert_eq!(share(r#"["Robots "]"#), Some(1.0));
    assert_eq!(share(r#"["", "robot", "cooking"]"#), Some(0.5));
    assert_eq!(share(r#"[" "]"#), None);
}
