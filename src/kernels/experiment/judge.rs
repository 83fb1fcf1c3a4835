//! An experiment: all of its variants against each other.

use super::{
    Interval, counts, difference_interval, holm, min_detectable_effect, thompson_split,
    two_proportion_z, wilson,
};

/// Most arms of an experiment: their pairs are all tested.
pub const MAX_ARMS: usize = 1000;
/// Successes and failures that each arm of a test must have if both were the same, for its p-value
/// to be relied on (Cochran, "Some methods for strengthening the common χ² tests", Biometrics 10, 1954).
pub const LEAST_EXPECTED: f64 = 5.0;

/// A variant of an experiment.
#[derive(Debug, Clone, PartialEq)]
pub struct Arm {
    /// Its name.
    pub name: String,
    /// Trials that succeeded.
    pub successes: Option<f64>,
    /// Trials.
    pub trials: Option<f64>,
}

impl Arm {
    fn pair(&self) -> (Option<f64>, Option<f64>) {
        (self.successes, self.trials)
    }

    fn rate(&self) -> Option<f64> {
        counts(self.successes, self.trials).map(|(k, n)| k / n)
    }
}

/// What is known of an arm. All is missing where its trials are.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Judged {
    /// Successes by trials.
    pub rate: Option<f64>,
    /// Interval of the rate.
    pub interval: Option<Interval>,
    /// The rate less that of the best other arm.
    pub difference: Option<f64>,
    /// Interval of that, not corrected for the number of arms.
    pub difference_interval: Option<Interval>,
    /// p of the test against the best other arm, corrected over all pairs.
    pub p: Option<f64>,
    /// Difference from the best other arm that the trials of both would show, in one test.
    pub min_detectable_effect: Option<f64>,
    /// Share of the next trials.
    pub share: Option<f64>,
}

/// An experiment's outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// In the order of the arms.
    pub arms: Vec<Judged>,
    /// The arm that is better than each other, if the counts say so.
    pub winner: Option<usize>,
    /// That, or why there is none, as a sentence.
    pub sentence: String,
}

/// Compare `arms` with each other; `confidence` is above 0 and below 1, `seed` for the proposed shares.
///
/// The winner is the arm of the best rate if against every other arm the test is significant after
/// [`holm`]'s correction over all pairs, the interval of the difference lies above 0, and there are counts
/// enough for the test ([`LEAST_EXPECTED`]). An arm without trials could be anything: then there is none.
pub fn judge(arms: &[Arm], confidence: f64, seed: u64) -> Verdict {
    let tests = Tests::new(arms);
    let pairs: Vec<_> = arms.iter().map(Arm::pair).collect();
    let shares = thompson_split(&pairs, seed);
    let judged = |(i, arm): (usize, &Arm)| {
        let other = best(arms, Some(i));
        let facing = other.map(|o| &arms[o]);
        Judged {
            rate: arm.rate(),
            interval: wilson(arm.successes, arm.trials, confidence),
            difference: facing.and_then(|o| Some(arm.rate()? - o.rate()?)),
            difference_interval: facing
                .and_then(|o| difference_interval(arm.pair(), o.pair(), confidence)),
            p: other.and_then(|o| tests.p(i, o)),
            min_detectable_effect: facing.and_then(|o| detectable(arm, o)),
            share: shares[i],
        }
    };
    let judged: Vec<Judged> = arms.iter().enumerate().map(judged).collect();
    let (winner, sentence) = match verdict(arms, &judged, &tests, confidence) {
        Ok((winner, sentence)) => (Some(winner), sentence),
        Err(why) => (None, format!("no winner: {why}")),
    };
    Verdict { arms: judged, winner, sentence }
}

/// The arm of the best rate, the first of equal ones, without the one left out.
fn best(arms: &[Arm], without: Option<usize>) -> Option<usize> {
    let rates = arms.iter().enumerate().filter(|(i, _)| Some(*i) != without);
    let rates = rates.filter_map(|(i, arm)| Some((i, arm.rate()?)));
    rates.reduce(|best, other| if other.1 > best.1 { other } else { best }).map(|(i, _)| i)
}

/// The rate of two arms together, if they have trials.
fn pooled(a: &Arm, b: &Arm) -> Option<(f64, f64, f64)> {
    let ((k1, n1), (k2, n2)) = (counts(a.successes, a.trials)?, counts(b.successes, b.trials)?);
    Some(((k1 + k2) / (n1 + n2), n1, n2))
}

fn detectable(a: &Arm, b: &Arm) -> Option<f64> {
    let (rate, n1, n2) = pooled(a, b)?;
    min_detectable_effect(Some(rate), Some(n1), Some(n2))
}

fn is_enough(a: &Arm, b: &Arm) -> bool {
    pooled(a, b).is_some_and(|(rate, n1, n2)| n1.min(n2) * rate.min(1.0 - rate) >= LEAST_EXPECTED)
}

/// The corrected p-values of all pairs.
struct Tests {
    arms: usize,
    p: Vec<Option<f64>>,
}

impl Tests {
    fn new(arms: &[Arm]) -> Self {
        let mut p = Vec::with_capacity(arms.len() * arms.len().saturating_sub(1) / 2);
        for (i, a) in arms.iter().enumerate() {
            for b in &arms[i + 1..] {
                // All alike is a test too: it finds no difference.
                let alike = || a.rate().zip(b.rate()).map(|_| 1.0);
                p.push(two_proportion_z(a.pair(), b.pair()).map(|t| t.p).or_else(alike));
            }
        }
        Self { arms: arms.len(), p: holm(&p) }
    }

    fn p(&self, i: usize, j: usize) -> Option<f64> {
        let (i, j) = (i.min(j), i.max(j));
        // The rows before row `i` of the triangle hold arms − 1, arms − 2, … pairs.
        let before = i * (2 * self.arms - i - 1) / 2;
        self.p.get(before + j - i - 1).copied().flatten()
    }

    fn count(&self) -> usize {
        self.p.iter().flatten().count()
    }
}

/// The winner and why it is; else why there is none.
fn verdict(
    arms: &[Arm],
    judged: &[Judged],
    tests: &Tests,
    confidence: f64,
) -> Result<(usize, String), String> {
    if let Some(empty) = arms.iter().find(|a| a.rate().is_none()) {
        return Err(format!("{} has no trials to judge it by", empty.name));
    }
    let (Some(first), Some(_)) = (best(arms, None), arms.get(1)) else {
        return Err("there is one variant, and nothing to compare it with".to_owned());
    };
    let others = || (0..arms.len()).filter(|i| *i != first);
    let p = |other: usize| tests.p(first, other).unwrap_or(1.0);
    let is_better = |other: usize| {
        let interval = difference_interval(arms[first].pair(), arms[other].pair(), confidence);
        p(other) < 1.0 - confidence && interval.is_some_and(|i| i.low > 0.0)
    };
    if let Some(other) = others().find(|o| !is_enough(&arms[first], &arms[*o])) {
        return Err(format!(
            "{} and {} have too few trials for the test, which needs {LEAST_EXPECTED} successes and {LEAST_EXPECTED} failures to be expected of each",
            arms[first].name, arms[other].name
        ));
    }
    let pairs = match tests.count() {
        1 => String::new(),
        n => format!(" after Holm's correction for {n} pairs"),
    };
    let unclear = others().filter(|o| !is_better(*o)).max_by(|a, b| p(*a).total_cmp(&p(*b)));
    if let Some(other) = unclear {
        return Err(format!(
            "{} cannot be told from {}: p {}{pairs}{}",
            with_rate(&arms[first]),
            with_rate(&arms[other]),
            chance(p(other)),
            shows(&arms[first], &arms[other])
        ));
    }
    let second = best(arms, Some(first)).unwrap_or(first);
    let by = judged[first].difference_interval.map_or(String::new(), |i| {
        format!(", {:+.2} to {:+.2} points", 100.0 * i.low, 100.0 * i.high)
    });
    let sentence = format!(
        "{} wins over {}{by}; p {}{pairs}",
        with_rate(&arms[first]),
        with_rate(&arms[second]),
        chance(p(second)),
    );
    Ok((first, sentence))
}

fn with_rate(arm: &Arm) -> String {
    format!("{} ({:.2} %)", arm.name, 100.0 * arm.rate().unwrap_or_default())
}

fn shows(a: &Arm, b: &Arm) -> String {
    let points = |d: f64| {
        format!("; in a single test so many trials show differences from {:.2} points", 100.0 * d)
    };
    detectable(a, b).map(points).unwrap_or_default()
}

fn chance(p: f64) -> String {
    if p < 0.0001 { "< 0.0001".to_owned() } else { format!("= {p:.4}") }
}
