#![allow(clippy::unwrap_used, clippy::panic)]

use proptest::prelude::*;
use rand_distr::{Binomial, Distribution, StandardNormal};
use rand_pcg::Pcg64;
use rand_pcg::rand_core::SeedableRng;

use super::*;

const NAMING: Naming<'static> = Naming { rate: "hook_rate", rows: "variants", groups: "clips" };

/// What the generated rates are made of, for each standard deviation of a feature.
const WEIGHTS: [f64; 5] = [0.5, -0.3, 0.2, 0.0, 0.0];

/// `clips` of five variants each; `noise` is the standard deviation of what no feature explains.
fn rows(seed: u64, clips: usize, weights: &[f64; 5], noise: f64, link: Link) -> Vec<Row> {
    let mut generator = Pcg64::seed_from_u64(seed);
    let mut normal = move || -> f64 { StandardNormal.sample(&mut generator) };
    let mut counts = Pcg64::seed_from_u64(seed + 1);
    let mut rows = vec![];
    for clip in 0..clips {
        // Variants of a clip share some of their features and of their luck.
        let (shared, luck) = (normal(), noise * normal());
        for _ in 0..5 {
            let features: Vec<f64> =
                (0..5).map(|i| if i == 1 { shared } else { normal() }).collect();
            let sum: f64 = features.iter().zip(weights).map(|(f, w)| f * w).sum::<f64>() + luck;
            let rate = match link {
                Link::Logistic => link.score(sum - 1.0),
                Link::Identity => (0.3 + 0.1 * sum).clamp(0.0, 1.0),
            };
            let trials = (2000.0 * normal().exp()).ceil();
            let successes = Binomial::new(trials as u64, rate).unwrap().sample(&mut counts) as f64;
            // In units of their own.
            let features =
                features.iter().enumerate().map(|(i, f)| 10.0 + f * (i + 1) as f64).collect();
            rows.push(Row {
                features,
                successes,
                trials,
                group: format!("clip {clip}"),
                stratum: 0,
            });
        }
    }
    rows
}

#[test]
fn known_weights_are_recovered() {
    for (link, unit, usual) in [(Link::Logistic, 1.0, -1.0), (Link::Identity, 0.1, 0.3)] {
        let fitted = fit(&rows(3, 80, &WEIGHTS, 0.05, link), link, NAMING).unwrap();
        for (i, (found, expected)) in fitted.coefficients.iter().zip(WEIGHTS).enumerate() {
            let weight = found.weight / found.scale * (i + 1) as f64 / unit;
            assert!((weight - expected).abs() < 0.05, "{link:?} {i}: {weight} and not {expected}");
        }
        let offset: f64 = fitted
            .coefficients
            .iter()
            .zip(WEIGHTS)
            .enumerate()
            .map(|(i, (c, w))| (c.mean - 10.0) / (i + 1) as f64 * w * unit)
            .sum();
        assert!((fitted.intercepts[0] - offset - usual).abs() < 0.05, "{:?}", fitted.intercepts);
        let quality = &fitted.quality;
        assert!(quality.spearman.unwrap() > 0.9, "{quality:?}");
        assert!(quality.loss < 0.2 * quality.baseline_loss, "{quality:?}");
        assert_eq!(quality.calibration.iter().map(|b| b.rows).sum::<usize>(), 400);
        for bin in &quality.calibration {
            assert!((bin.predicted - bin.measured).abs() < 0.03, "{bin:?}");
        }
    }
}

/// What features do not explain is told from what they do.
#[test]
fn random_targets_are_refused() {
    let mut accepted = 0;
    for seed in 0..40 {
        let rows = rows(100 + 2 * seed, 16, &[0.0; 5], 0.3, Link::Logistic);
        match fit(&rows, Link::Logistic, NAMING) {
            Ok(_) => accepted += 1,
            Err(e) => {
                assert_eq!(e.code(), ErrorCode::FitNoBetter);
                assert!(
                    e.message().contains("do not predict hook_rate better than its mean"),
                    "{e}"
                );
            }
        }
    }
    // By two standard errors about one of forty.
    assert!(accepted <= 2, "{accepted} of 40");
}

#[test]
fn too_few_are_refused() {
    let rows = rows(1, 9, &WEIGHTS, 0.0, Link::Logistic);
    let error = fit(&rows, Link::Logistic, NAMING).unwrap_err();
    assert_eq!(error.code(), ErrorCode::FitTooFew);
    assert_eq!(
        error.message(),
        "45 variants of 9 clips have events with hook_rate; a fit takes 30 of 10 at least"
    );
    assert!(fit(&[], Link::Identity, NAMING).is_err());
}

#[test]
fn missing_features_and_those_that_do_not_vary_do_no_harm() {
    let mut rows = rows(5, 60, &WEIGHTS, 0.0, Link::Logistic);
    for (i, row) in rows.iter_mut().enumerate() {
        row.features[3] = 7.0;
        row.features[4] = f64::NAN;
        if i % 10 == 0 {
            row.features[0] = f64::NAN;
        }
    }
    let fitted = fit(&rows, Link::Logistic, NAMING).unwrap();
    assert_eq!((fitted.coefficients[3].weight, fitted.coefficients[4].weight), (0.0, 0.0));
    assert!((fitted.coefficients[0].weight - 0.5).abs() < 0.1);
}

#[test]
fn rates_that_are_all_alike_are_refused_and_not_fitted() {
    for successes in [0.0, 10.0] {
        let mut rows = rows(5, 20, &WEIGHTS, 0.0, Link::Logistic);
        rows.iter_mut().for_each(|r| (r.successes, r.trials) = (successes, 10.0));
        for link in [Link::Logistic, Link::Identity] {
            let error = fit(&rows, link, NAMING).unwrap_err();
            assert_eq!(error.code(), ErrorCode::FitNoBetter);
        }
    }
}

/// One stratum's mean is no merit of a feature that tells the strata apart.
#[test]
fn means_of_strata_are_not_explained_by_features() {
    let mut rows = rows(8, 40, &[0.0; 5], 0.1, Link::Logistic);
    for (i, row) in rows.iter_mut().enumerate() {
        row.stratum = i % 2;
        row.features[0] = row.stratum as f64;
        row.successes = (row.successes * if row.stratum == 0 { 1.0 } else { 0.3 }).round();
    }
    let error = fit(&rows, Link::Logistic, NAMING).unwrap_err();
    assert_eq!(error.code(), ErrorCode::FitNoBetter);
    rows.iter_mut().for_each(|r| r.stratum = 0);
    assert!(fit(&rows, Link::Logistic, NAMING).unwrap().coefficients[0].weight < -0.3);
}

#[test]
fn the_same_rows_give_the_same_fit() {
    let rows = rows(3, 30, &WEIGHTS, 0.1, Link::Logistic);
    let once = fit(&rows, Link::Logistic, NAMING).unwrap();
    assert_eq!(once, fit(&rows, Link::Logistic, NAMING).unwrap());
}

/// scipy.stats.spearmanr
#[test]
fn rank_correlations_are_those_of_scipy() {
    let rho = spearman(&[1.0, 2.0, 2.0, 4.0, 9.0, -3.0], &[2.0, 2.0, 5.0, 1.0, 8.0, 0.0]).unwrap();
    assert!((rho - SCIPY).abs() < 1e-12, "{rho}");
    assert_eq!(spearman(&[1.0, 1.0], &[1.0, 2.0]), None);
    assert_eq!(spearman(&[1.0], &[1.0]), None);
    assert_eq!(spearman(&[1.0, f64::NAN], &[1.0, 2.0]), None);
}

const SCIPY: f64 = 0.6029411764705883;

proptest! {
    #[test]
    fn rank_correlations_are_bounded_and_know_order_alone(pairs in prop::collection::vec((-9..9_i32, -9..9_i32), 2..20)) {
        let a: Vec<f64> = pairs.iter().map(|p| f64::from(p.0)).collect();
        let b: Vec<f64> = pairs.iter().map(|p| f64::from(p.1)).collect();
        let stretched: Vec<f64> = a.iter().map(|v| v.powi(3) + 5.0).collect();
        let rho = spearman(&a, &b);
        prop_assert_eq!(rho, spearman(&stretched, &b));
        if let Some(rho) = rho {
            prop_assert!((-1.0 - 1e-12..=1.0 + 1e-12).contains(&rho));
            let turned: Vec<f64> = a.iter().map(|v| -v).collect();
            prop_assert!((spearman(&turned, &b).unwrap() + rho).abs() < 1e-12);
        }
    }
}
