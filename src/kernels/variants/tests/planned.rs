//! What is planned for a clip, beyond what is offered.

use std::collections::BTreeSet;

use super::super::timing::{Timing, timings};
use super::*;
use crate::kernels::select::tests::{cue, shot};
use crate::model::edit::{Edit, SafeZone};
use crate::model::{Cue, CueWord};

#[test]
fn cold_opens_are_pushed_out_where_it_loops_and_dissolve_elsewhere() {
    let brief = brief(10.0, 30.0, 25.0, (1920, 1080), 2);
    for platform in Platforms::built_in().unwrap().iter() {
        let cold = |t: &Timing| (t.cold() > 0.0).then(|| t.join());
        let joins: BTreeSet<Join> = timings(&brief, platform).iter().filter_map(cold).collect();
        let soft = if platform.loops { Join::Slide } else { Join::Dissolve };
        assert_eq!(joins, [Join::Cut, soft].into(), "{}", platform.name);
    }
}

#[test]
fn no_picture_changes_its_colours_or_sides_unasked() {
    let variants = made(&brief(10.0, 30.0, 25.0, (1920, 1080), 2), 60);
    let unasked =
        [EffectKind::Mirror, EffectKind::Sepia, EffectKind::Grayscale, EffectKind::FadeIn];
    assert!(!variants.iter().flat_map(|v| &v.edit.effects).any(|e| unasked.contains(&e.kind)));
}

#[test]
fn equal_pictures_are_equal_edits() {
    let quiet = ClipBrief { captioned: false, ..brief(10.0, 30.0, 25.0, (1920, 1080), 2) };
    let spanish = ClipBrief { language: Some("es".into()), ..quiet.clone() };
    let edits = |brief: &ClipBrief| made(brief, 60).into_iter().map(|v| v.edit).collect::<Vec<_>>();
    assert_eq!(edits(&quiet), edits(&spanish));
    for edit in edits(&quiet) {
        let is_clear = edit.layout == Layout::PictureInPicture;
        assert_eq!(edit.safe_zone != SafeZone::default(), is_clear, "{}", edit.layout);
    }
    // Shown captions are in a language, and those that are drawn keep clear of the platform's buttons.
    let spoken = ClipBrief { captioned: true, ..quiet };
    let shown = |mode| -> Vec<Edit> {
        let platforms = Platforms::built_in().unwrap().named(&["tiktok"]).unwrap();
        let audience = AudienceProfile::default();
        let made = make_variants(&spoken, 9, &audience, &platforms, mode, &scorer()).unwrap();
        made.into_iter().map(|v| v.edit).filter(|e| e.layout != Layout::PictureInPicture).collect()
    };
    let said = |mode| -> BTreeSet<(bool, bool)> {
        let of = |e: &Edit| (e.language.is_some(), e.safe_zone != SafeZone::default());
        shown(mode).iter().map(of).collect()
    };
    assert_eq!(said(BURNED), [(true, true)].into());
    assert_eq!(said(Some(CaptionMode::Soft)), [(true, false)].into());
    assert_eq!(said(None), [(false, false)].into());
}

#[test]
fn slides_that_stand_for_seconds_have_frames_enough() {
    let facts = ClipFacts {
        start: 0.0,
        end: 30.0,
        language: None,
        topic: None,
        size: (1280, 720),
        fps: 0.2,
        lengths: (5.0, 60.0),
    };
    let shots: Vec<Shot> =
        (0..8).map(|i| f64::from(i) * 5.0).map(|start| shot(start, start + 5.0)).collect();
    let variants = made(&clip_brief(&facts, &[], &shots, &[]), 120);
    assert!(variants.iter().any(|v| v.reason.contains("strongest moment first")));
    for v in &variants {
        assert_eq!(v.edit.fps, MIN_FPS);
        assert!(v.edit.segments.iter().all(|s| s.end - s.start > 0.29), "{:?}", v.edit.segments);
    }
}

#[test]
fn a_neighbours_line_is_not_the_clips_and_no_space_cuts_a_word_in_two() {
    let facts = ClipFacts {
        start: 10.0,
        end: 20.0,
        language: Some("zh"),
        topic: None,
        size: (1280, 720),
        fps: 25.0,
        lengths: (5.0, 20.0),
    };
    let cues = [
        cue(7.0, 10.5, "上一句话。"),
        cue(11.0, 13.0, "今天我们看看人工"),
        cue(13.0, 15.0, "智能是什么。"),
        cue(15.0, 17.0, "人工智能很有用。"),
    ];
    let brief = clip_brief(&facts, &[], &[], &cues);
    let hook = brief.hook_text.unwrap();
    assert!(hook.starts_with("今天"), "{hook}");
    assert!(brief.keyphrases.iter().any(|k| k.text.contains("人工智能")), "{:?}", brief.keyphrases);
    // What is seen of it is still shown.
    assert!(clip_brief(&facts, &[], &[], &cues[..1]).captioned);
}

#[test]
fn filler_words_and_the_breath_beside_them_are_cut_out_as_one() {
    let word = |(start, text): (f64, &str)| CueWord { start, text: text.into() };
    let words = [
        (2.0, "So"),
        (2.5, "um,"),
        (3.1, "we"),
        (3.4, "went"),
        (4.0, "uh,"),
        (4.3, "er"),
        (4.8, "home."),
    ];
    let cue = Cue {
        language: Some("eng".into()),
        words: Some(words.map(word).to_vec()),
        ..cue(2.0, 6.0, "So um, we went uh, er home.")
    };
    let facts = ClipFacts {
        start: 0.0,
        end: 12.0,
        language: Some("en"),
        topic: None,
        size: (1280, 720),
        fps: 25.0,
        lengths: (5.0, 20.0),
    };
    let brief = clip_brief(&facts, &[], &[], std::slice::from_ref(&cue));
    let cut: Vec<(f64, f64)> = brief.pauses.iter().map(|p| (p.start, p.end)).collect();
    assert_eq!(brief.fillers.len(), 3);
    for (from, to) in [(2.5, 3.06), (4.0, 4.76)] {
        let is_near = |c: &(f64, f64)| (c.0 - from).abs() < 0.03 && (c.1 - to).abs() < 0.03;
        assert!(cut.iter().any(is_near), "{cut:?}");
    }
    let tight = made(&brief, 120).into_iter().find(|v| v.reason.contains("filler words")).unwrap();
    let shown = |t: f64| tight.edit.segments.iter().any(|s| s.start <= t && t < s.end);
    assert!(!shown(2.8) && !shown(4.4) && shown(2.2) && shown(3.2) && shown(5.0));
}
