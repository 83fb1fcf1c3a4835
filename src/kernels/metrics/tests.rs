#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::reach::cumulative_reach;
use super::time::{half_life, half_life_hour};
use super::*;

fn of(name: &str, counts: &[Option<f64>]) -> Option<f64> {
    let metric = Metric::find(name).unwrap();
    assert_eq!(metric.inputs.len(), counts.len(), "{name}");
    (metric.of)(counts)
}

#[test]
fn known_answers() {
    let n = |v: f64| Some(v);
    assert_eq!(of("engagement_rate", &[n(6.0), n(2.0), n(1.0), n(1.0), n(100.0)]), n(0.1));
    assert_eq!(of("engagement_rate", &[n(6.0), None, None, None, n(100.0)]), n(0.06));
    assert_eq!(of("engagement_rate", &[None, None, None, None, n(100.0)]), None);
    assert_eq!(of("viral_coefficient", &[n(10.0), n(100.0), n(5.0)]), n(0.05));
    assert_eq!(of("viral_coefficient", &[n(10.0), n(100.0), None]), None);
    assert_eq!(of("viral_coefficient", &[n(0.0), n(100.0), n(0.0)]), None);
    assert_eq!(of("social_lift", &[n(150.0), n(50.0)]), n(1.5));
    assert_eq!(of("social_lift", &[n(50.0), n(50.0)]), None);
    assert_eq!(of("completion_rate", &[n(5.0), n(4.0)]), None);
    assert_eq!(of("completion_rate", &[n(4.0), n(4.0)]), n(1.0));
    assert_eq!(of("average_watch_ratio", &[n(30.0), n(20.0)]), n(1.5));
}

#[test]
fn reach_of_generations() {
    let reach = |k, seeds, n| cumulative_reach(Some(k), Some(seeds), Some(n));
    assert_eq!(reach(1.0, 10.0, 3.0), Some(40.0));
    assert_eq!(reach(0.0, 10.0, 3.0), Some(10.0));
    assert!((reach(0.5, 100.0, 2.0).unwrap() - 175.0).abs() < 1e-9);
    assert!((reach(1.0 + 1e-12, 10.0, 3.0).unwrap() - 40.0).abs() < 1e-8);
    assert_eq!(reach(-1.0, 10.0, 3.0), None);
    assert_eq!(reach(10.0, 10.0, 1e6), None);
    assert_eq!(cumulative_reach(None, Some(1.0), Some(1.0)), None);
}

#[test]
fn half_of_the_views() {
    assert_eq!(half_life(&[]), None);
    assert_eq!(half_life(&[0.0; 10]), None);
    assert_eq!(half_life(&[10.0]), Some(0.5));
    assert_eq!(half_life(&[0.0, 5.0, 5.0]), Some(2.0));
    let mut late = vec![1.0; WEEK];
    late.extend([1000.0]);
    assert_eq!(half_life(&late), Some(84.0), "what comes after a week does not count");
    assert_eq!(half_life_hour(167.9), Some(167));
    assert_eq!(half_life_hour(168.0), None);
    assert_eq!(half_life_hour(-0.1), None);
}

const WEEK: usize = super::time::HALF_LIFE_HOURS;

proptest! {
    #[test]
    fn no_metric_gives_0_nan_or_infinity_for_want_of_a_denominator(
        counts in proptest::collection::vec(proptest::option::of(0..5_i32), 5)
    ) {
        for metric in METRICS {
            let counts: Vec<Option<f64>> =
                counts.iter().take(metric.inputs.len()).map(|c| c.map(f64::from)).collect();
            if let Some(value) = (metric.of)(&counts) {
                prop_assert!(value.is_finite() && value >= 0.0, "{} of {counts:?}", metric.name);
            }
            let last = *counts.last().unwrap();
            if last.is_none_or(|d| d == 0.0) && !["social_lift", "viral_coefficient"].contains(&metric.name) {
                prop_assert_eq!((metric.of)(&counts), None);
            }
        }
    }
}
