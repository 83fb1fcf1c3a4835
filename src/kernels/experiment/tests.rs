#![allow(clippy::unwrap_used, clippy::panic)]

use proptest::prelude::*;

use super::*;

/// Function, arguments and results of each line of the fixtures.
fn fixtures() -> impl Iterator<Item = (&'static str, Vec<f64>, Vec<f64>)> {
    let numbers = |text: &str| text.split(' ').map(|n| n.parse().unwrap()).collect();
    include_str!("fixtures.csv").lines().skip(1).map(move |line| {
        let mut cells = line.split(',');
        let mut cell = || cells.next().unwrap();
        (cell(), numbers(cell()), numbers(cell()))
    })
}

fn computed(function: &str, arguments: &[f64]) -> Vec<f64> {
    let a: Vec<Option<f64>> = arguments.iter().copied().map(Some).collect();
    match function {
        "wilson" => wilson(a[0], a[1], arguments[2]).map(|i| vec![i.low, i.high]).unwrap(),
        "two_proportion_z" => {
            two_proportion_z((a[0], a[1]), (a[2], a[3])).map(|t| vec![t.z, t.p]).unwrap()
        }
        "difference" => {
            let interval = difference_interval((a[0], a[1]), (a[2], a[3]), arguments[4]);
            interval.map(|i| vec![i.low, i.high]).unwrap()
        }
        "holm" => holm(&a).into_iter().map(Option::unwrap).collect(),
        "min_detectable_effect" => vec![min_detectable_effect(a[0], a[1], a[2]).unwrap()],
        "better" => vec![thompson_split(&[(a[0], a[1]), (a[2], a[3])], 11)[0].unwrap()],
        other => panic!("no function {other}"),
    }
}

#[test]
fn values_are_those_of_scipy_and_statsmodels() {
    let mut seen = 0;
    for (function, arguments, expected) in fixtures() {
        let found = computed(function, &arguments);
        assert_eq!(found.len(), expected.len());
        // Four standard errors of a share of draws.
        let tolerance =
            if function == "better" { 4.0 * 0.5 / f64::from(DRAWS).sqrt() } else { 1e-9 };
        for (found, expected) in found.iter().zip(&expected) {
            let near = (found - expected).abs() <= tolerance * expected.abs().max(1.0);
            assert!(near, "{function} of {arguments:?}: {found} and not {expected}");
        }
        seen += 1;
    }
    assert!(seen > 200);
}

/// Small chances hold relatively: 1e-30 is not 0.
#[test]
fn tails_are_exact_far_out() {
    let test = two_proportion_z((Some(900.0), Some(1000.0)), (Some(600.0), Some(1000.0))).unwrap();
    // 2 * scipy.stats.norm.sf(15.491933384829666)
    assert!((test.p / 3.932_833_179_348_514e-54 - 1.0).abs() < 1e-9, "{test:?}");
}

#[test]
fn what_is_missing_or_cannot_be_is_none() {
    for (k, n) in [
        (None, Some(5.0)),
        (Some(1.0), None),
        (Some(0.0), Some(0.0)),
        (Some(6.0), Some(5.0)),
        (Some(-1.0), Some(5.0)),
        (Some(f64::NAN), Some(5.0)),
        (Some(1.0), Some(f64::INFINITY)),
    ] {
        assert_eq!(wilson(k, n, 0.95), None);
        assert_eq!(two_proportion_z((k, n), (Some(1.0), Some(5.0))), None);
        assert_eq!(difference_interval((Some(1.0), Some(5.0)), (k, n), 0.95), None);
    }
    assert_eq!(min_detectable_effect(Some(0.0), Some(5.0), Some(5.0)), None);
    assert_eq!(min_detectable_effect(Some(0.5), Some(0.0), Some(5.0)), None);
    assert_eq!(
        holm(&[None, Some(0.02), Some(f64::NAN), Some(0.04)]),
        [None, Some(0.04), None, Some(0.04)]
    );
    let shares =
        thompson_split(&[(None, Some(3.0)), (Some(0.0), Some(0.0)), (Some(1.0), Some(2.0))], 1);
    assert_eq!(shares[0], None);
    assert!((shares[1].unwrap() + shares[2].unwrap() - 1.0).abs() < 1e-12);
    assert_eq!(thompson_split(&[], 1), []);
    assert!(checked_confidence(95.0).is_err() && checked_confidence(f64::NAN).is_err());
}

fn arms(counts: &[(f64, f64)]) -> Vec<Arm> {
    let arm = |(name, (k, n)): (char, &(f64, f64))| Arm {
        name: name.to_string(),
        successes: Some(*k),
        trials: Some(*n),
    };
    ('a'..).zip(counts).map(arm).collect()
}

#[test]
fn a_winner_is_named_only_where_every_comparison_says_so() {
    let verdict = judge(&arms(&[(300.0, 1000.0), (400.0, 1000.0), (310.0, 1000.0)]), 0.95, 1);
    assert_eq!(verdict.winner, Some(1));
    assert!(
        verdict.sentence.starts_with("b (40.00 %) wins over c (31.00 %), +"),
        "{}",
        verdict.sentence
    );
    assert!(verdict.arms[1].difference_interval.unwrap().low > 0.0);
    assert!(verdict.arms[1].share.unwrap() > 0.99);
    // Better than a alone is not enough.
    let verdict = judge(&arms(&[(300.0, 1000.0), (400.0, 1000.0), (380.0, 1000.0)]), 0.95, 1);
    assert_eq!(verdict.winner, None);
    let says = "no winner: b (40.00 %) cannot be told from c (38.00 %): p = 0.3592 after Holm's correction for 3 pairs; in a single test so many trials show differences from 6.11 points";
    assert_eq!(verdict.sentence, says);
}

#[test]
fn why_no_winner_is_named() {
    let why = |counts: &[(f64, f64)]| {
        let verdict = judge(&arms(counts), 0.95, 1);
        assert_eq!(verdict.winner, None);
        verdict.sentence
    };
    assert!(why(&[(5.0, 10.0)]).contains("there is one variant"));
    assert!(why(&[(900.0, 1000.0), (0.0, 0.0)]).contains("b has no trials"));
    // What is too small is listed and does not block.
    let counts = [(900.0, 1000.0), (5.0, 1000.0), (0.0, 0.0), (3.0, 3.0)];
    let verdict = judge(&arms(&counts), 0.95, 1);
    assert_eq!(verdict.winner, Some(0));
    let says = "; too small to be compared: c has no trials, d (3 trials)";
    assert!(verdict.sentence.ends_with(says), "{}", verdict.sentence);
    assert_eq!(
        verdict.arms.iter().map(|a| a.is_compared).collect::<Vec<_>>(),
        [true, true, false, false]
    );
    // p is 0.005, of a test that such counts cannot bear.
    assert!(why(&[(4.0, 4.0), (0.0, 4.0)]).contains("a and b have too few trials"));
    assert!(why(&[(50.0, 100.0), (50.0, 100.0)]).contains("cannot be told from"));
    assert!(judge(&[], 0.95, 1).winner.is_none());
}

proptest! {
    #[test]
    fn intervals_hold_the_rate_and_shrink_with_trials(k in 0..500_u32, more in 0..500_u32, c in 0.5..0.999_f64) {
        let (k, n) = (f64::from(k), f64::from(k + more) + 1.0);
        let interval = wilson(Some(k), Some(n), c).unwrap();
        prop_assert!(0.0 <= interval.low && interval.low <= k / n && k / n <= interval.high && interval.high <= 1.0);
        let mirrored = wilson(Some(n - k), Some(n), c).unwrap();
        prop_assert!((mirrored.low - (1.0 - interval.high)).abs() < 1e-12);
        let tenfold = wilson(Some(10.0 * k), Some(10.0 * n), c).unwrap();
        prop_assert!(tenfold.high - tenfold.low < interval.high - interval.low);
        let surer = wilson(Some(k), Some(n), c + 0.5 * (1.0 - c)).unwrap();
        prop_assert!(surer.low <= interval.low && surer.high >= interval.high);
    }

    #[test]
    fn comparisons_are_symmetric(a in 0..50_u32, b in 0..50_u32, c in 0..50_u32, d in 0..50_u32) {
        let arm = |k: u32, more: u32| (Some(f64::from(k)), Some(f64::from(k + more) + 1.0));
        let (x, y) = (arm(a, b), arm(c, d));
        match (two_proportion_z(x, y), two_proportion_z(y, x)) {
            (Some(one), Some(other)) => {
                prop_assert!((one.z + other.z).abs() < 1e-12 && (one.p - other.p).abs() < 1e-12);
                prop_assert!((0.0..=1.0).contains(&one.p));
            }
            (one, other) => prop_assert_eq!(one, other),
        }
        let (one, other) = (difference_interval(x, y, 0.9).unwrap(), difference_interval(y, x, 0.9).unwrap());
        prop_assert!((one.low + other.high).abs() < 1e-12);
        prop_assert!(one.low >= -1.0 - 1e-12 && one.high <= 1.0 + 1e-12);
    }

    #[test]
    fn holm_keeps_order_and_never_lowers(p in prop::collection::vec(prop::option::weighted(0.9, 0.0..1.0_f64), 0..12)) {
        let corrected = holm(&p);
        let tests = p.iter().flatten().count() as f64;
        for (i, (before, after)) in p.iter().zip(&corrected).enumerate() {
            prop_assert_eq!(before.is_some(), after.is_some());
            let (Some(before), Some(after)) = (before, after) else { continue };
            // Between no correction and Bonferroni's.
            prop_assert!(*after >= *before && *after <= (before * tests).min(1.0) + 1e-15);
            for (other, corrected) in p.iter().zip(&corrected).skip(i) {
                if let (Some(other), Some(corrected)) = (other, corrected) {
                    prop_assert!((before <= other) == (after <= corrected) || after == corrected);
                }
            }
        }
    }

    #[test]
    fn shares_add_up_and_repeat(counts in prop::collection::vec((0..30_u32, 0..30_u32), 1..6), seed in any::<u64>()) {
        let counts: Vec<_> =
            counts.iter().map(|(k, more)| (Some(f64::from(*k)), Some(f64::from(k + more)))).collect();
        let shares = thompson_split(&counts, seed);
        prop_assert!((shares.iter().flatten().sum::<f64>() - 1.0).abs() < 1e-9);
        prop_assert_eq!(shares, thompson_split(&counts, seed));
    }

    #[test]
    fn a_winner_is_the_best_and_its_interval_says_so(counts in prop::collection::vec((0..400_u32, 0..400_u32), 1..5)) {
        let arms = arms(&counts.iter().map(|(k, more)| (f64::from(*k), f64::from(k + more))).collect::<Vec<_>>());
        let verdict = judge(&arms, 0.95, 1);
        if let Some(winner) = verdict.winner {
            let others = verdict.arms.iter().enumerate();
            for (i, other) in others.filter(|(i, arm)| *i != winner && arm.is_compared) {
                prop_assert!(verdict.arms[winner].rate > other.rate, "{} and {}", winner, i);
            }
            let judged = verdict.arms[winner];
            prop_assert!(judged.difference_interval.unwrap().low > 0.0 && judged.p.unwrap() < 0.05);
            prop_assert!(verdict.sentence.contains(" wins over "));
        } else {
            prop_assert!(verdict.sentence.starts_with("no winner: "));
        }
    }
}
