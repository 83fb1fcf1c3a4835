use super::*;
use crate::kernels::select::tests::{cue, shot};
use crate::kernels::select::{OwnedColumns, PreparedSource};
use crate::model::Signal;

fn bounds(silences: &[(f64, f64)], cuts: &[f64], cues: &[crate::model::Cue]) -> Bounds {
    let signals: Vec<Signal> = (0..160)
        .map(|i| {
            let t = f64::from(i) * 0.25;
            let quiet: f64 =
                silences.iter().map(|(a, b)| (b.min(t + 0.25) - a.max(t)).max(0.0)).sum::<f64>()
                    / 0.25;
            Signal {
                t,
                loudness: Some(-20.0),
                onset: Some(0.1),
                speech: Some(1.0 - quiet),
                silence: Some(quiet),
                ..Signal::default()
            }
        })
        .collect();
    let mut edges = vec![0.0];
    edges.extend(cuts);
    edges.push(40.0);
    let shots: Vec<_> = edges.windows(2).map(|e| shot(e[0], e[1])).collect();
    PreparedSource::new(&OwnedColumns::new(&signals, &shots, cues).columns()).bounds
}

fn places(bounds: &[Bound]) -> Vec<(f64, BoundKind)> {
    bounds.iter().map(|b| ((b.t * 1000.0).round() / 1000.0, b.kind)).collect()
}

#[test]
fn a_pause_gives_an_end_at_its_beginning_and_a_start_at_its_end() {
    let found = bounds(&[(10.0, 12.1)], &[], &[]);
    assert_eq!(places(&found.starts), [(0.0, BoundKind::Source), (11.95, BoundKind::Pause)]);
    assert_eq!(places(&found.ends), [(10.25, BoundKind::Pause), (40.0, BoundKind::Source)]);
}

#[test]
fn a_pause_beside_a_cut_moves_onto_it_and_makes_it_better() {
    let found = bounds(&[(10.0, 12.1)], &[10.5, 12.2, 20.0], &[]);
    assert_eq!(
        places(&found.starts)[1..],
        [(10.5, BoundKind::Shot), (12.2, BoundKind::Shot), (20.0, BoundKind::Shot)]
    );
    assert!(found.starts[2].quality > found.starts[3].quality + 0.2, "{:?}", found.starts);
    assert_eq!(places(&found.ends)[0], (10.5, BoundKind::Shot));
}

#[test]
fn shots_too_short_to_see_bound_nothing() {
    let found = bounds(&[], &[10.0, 10.2, 20.0], &[]);
    assert_eq!(
        places(&found.starts),
        [(0.0, BoundKind::Source), (10.2, BoundKind::Shot), (20.0, BoundKind::Shot)]
    );
    assert_eq!(
        places(&found.ends),
        [(10.0, BoundKind::Shot), (20.0, BoundKind::Shot), (40.0, BoundKind::Source)]
    );
}

#[test]
fn sentences_bound_and_cuts_inside_a_caption_are_worse() {
    let cues = [cue(5.0, 7.0, "This goes"), cue(7.0, 9.0, "on."), cue(9.5, 12.0, "Next one.")];
    let found = bounds(&[], &[6.0, 30.0], &cues);
    assert_eq!(
        places(&found.starts),
        [
            (0.0, BoundKind::Source),
            (4.85, BoundKind::Sentence),
            (6.0, BoundKind::Shot),
            (9.35, BoundKind::Sentence),
            (30.0, BoundKind::Shot)
        ]
    );
    assert_eq!(
        places(&found.ends),
        [
            (6.0, BoundKind::Shot),
            (9.25, BoundKind::Sentence),
            (12.25, BoundKind::Sentence),
            (30.0, BoundKind::Shot),
            (40.0, BoundKind::Source)
        ]
    );
    assert!(found.starts[2].quality < 0.7 * found.starts[4].quality);
}

#[test]
fn of_two_places_in_a_second_the_better_stays() {
    let cues = [cue(8.0, 10.6, "Done."), cue(10.65, 12.0, "and then")];
    let found = bounds(&[], &[10.05, 10.6], &cues);
    assert_eq!(places(&found.starts)[2..], [(10.6, BoundKind::Shot)]);
    assert_eq!(places(&found.ends)[0], (10.6, BoundKind::Shot));
}
