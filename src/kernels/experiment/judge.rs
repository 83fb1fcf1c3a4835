//! An experiment: all of its variants against each other.

use super::arm::Arm;
use super::compare::difference_within;
use super::looks::Looks;
use super::pairs::Tests;
use super::{
    Interval, counts, difference_interval, min_detectable_effect, thompson_split, two_sided, wilson,
};

/// Most arms of an experiment: their pairs are all tested.
pub const MAX_ARMS: usize = 1000;
/// Successes and failures that each arm of a test must have if both were the same, for its p-value
/// to be relied on (Cochran, "Some methods for strengthening the common χ² tests", Biometrics 10, 1954).
pub const LEAST_EXPECTED: f64 = 5.0;
/// Trials below which an arm is not compared, where nothing else is stated.
pub const DEFAULT_MIN_TRIALS: u32 = 10;

/// How an experiment is judged.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Confidence of intervals and of the verdict, above 0 and below 1.
    pub confidence: f64,
    /// The looks at it, which the verdict is corrected for.
    pub looks: Looks,
    /// Trials below which an arm is listed and not compared.
    pub min_trials: u32,
    /// Seed of the draws behind the proposed shares.
    pub seed: u64,
}

impl Plan {
    /// One look.
    pub fn new(confidence: f64, seed: u64) -> Self {
        Self { confidence, looks: Looks::one(), min_trials: DEFAULT_MIN_TRIALS, seed }
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
    /// Interval of that, corrected neither for the number of arms nor for looks.
    pub difference_interval: Option<Interval>,
    /// p of the test against the best other arm, corrected over all pairs.
    pub p: Option<f64>,
    /// Interval of the difference, corrected for pairs and looks.
    pub corrected_interval: Option<Interval>,
    /// p of the test against the best other arm, corrected for pairs and looks.
    pub corrected_p: Option<f64>,
    /// Difference from the best other arm that the trials of both would show, in one test.
    pub min_detectable_effect: Option<f64>,
    /// Share of the next trials.
    pub share: Option<f64>,
    /// Whether the arm has trials enough to be compared.
    pub is_compared: bool,
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

/// Compare `arms` with each other in one look; `confidence` is above 0 and below 1, `seed` for the proposed
/// shares. See [`judge_by`].
pub fn judge(arms: &[Arm], confidence: f64, seed: u64) -> Verdict {
    judge_by(arms, &Plan::new(confidence, seed))
}

/// Compare `arms` with each other.
///
/// The winner is the arm of the best rate if against every other arm that is compared the test is
/// significant after [`holm`](super::holm)'s correction over all pairs and that for looks ([`Looks`]), the
/// interval of the difference, corrected likewise, lies above 0, and there are counts enough for the test
/// ([`LEAST_EXPECTED`]). Arms with fewer trials than that are listed and not compared.
pub fn judge_by(arms: &[Arm], plan: &Plan) -> Verdict {
    let compared = Compared::new(arms, plan);
    let pairs: Vec<_> = arms.iter().map(Arm::pair).collect();
    let shares = thompson_split(&pairs, plan.seed);
    let judged = |(i, arm): (usize, &Arm)| {
        let other = compared.best(Some(i)).filter(|_| compared.is[i]);
        let facing = other.map(|o| &arms[o]);
        Judged {
            rate: arm.rate(),
            interval: wilson(arm.successes, arm.trials, plan.confidence),
            difference: facing.and_then(|o| Some(arm.rate()? - o.rate()?)),
            difference_interval: facing
                .and_then(|o| difference_interval(arm.pair(), o.pair(), plan.confidence)),
            p: other.and_then(|o| compared.tests.p(i, o)),
            corrected_interval: other.and_then(|o| compared.corrected_interval(i, o)),
            corrected_p: other.and_then(|o| compared.tests.corrected_p(i, o)),
            min_detectable_effect: facing.and_then(|o| detectable(arm, o)),
            share: shares[i],
            is_compared: compared.is[i],
        }
    };
    let judged: Vec<Judged> = arms.iter().enumerate().map(judged).collect();
    let (winner, sentence) = match compared.verdict(&judged) {
        Ok((winner, sentence)) => (Some(winner), sentence),
        Err(why) => (None, format!("no winner: {why}")),
    };
    let sentence = sentence + &compared.others();
    Verdict { arms: judged, winner, sentence }
}

/// The winner alone, for simulations.
pub fn winner(arms: &[Arm], plan: &Plan) -> Option<usize> {
    let compared = Compared::new(arms, plan);
    let first = compared.best(None)?;
    let mut rivals = compared.rivals(first).peekable();
    rivals.peek()?;
    rivals.all(|other| compared.is_better(first, other)).then_some(first)
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

/// The arms, which of them are compared, and the tests of those.
struct Compared<'a> {
    arms: &'a [Arm],
    is: Vec<bool>,
    tests: Tests,
    plan: &'a Plan,
}

impl<'a> Compared<'a> {
    fn new(arms: &'a [Arm], plan: &'a Plan) -> Self {
        let known = || arms.iter().filter_map(|a| counts(a.successes, a.trials));
        let (successes, trials) = known().fold((0.0, 0.0), |(k, n), arm| (k + arm.0, n + arm.1));
        let rate: f64 = if trials > 0.0 { successes / trials } else { 0.0 };
        // By the rate of all: an arm's own would leave out the ones that happen to do badly.
        let least = LEAST_EXPECTED / rate.min(1.0 - rate);
        let is_large = |arm: &Arm| {
            counts(arm.successes, arm.trials)
                .is_some_and(|(_, n)| n >= f64::from(plan.min_trials) && n >= least)
        };
        let is: Vec<bool> = arms.iter().map(is_large).collect();
        let tests = Tests::new(arms, &is, &plan.looks);
        Self { arms, is, tests, plan }
    }

    /// The arm of the best rate among those compared, the first of equal ones, without the one left out.
    fn best(&self, without: Option<usize>) -> Option<usize> {
        let arms = self.arms.iter().enumerate();
        let arms = arms.filter(|(i, _)| self.is[*i] && Some(*i) != without);
        let rates = arms.filter_map(|(i, arm)| Some((i, arm.rate()?)));
        rates.reduce(|best, other| if other.1 > best.1 { other } else { best }).map(|(i, _)| i)
    }

    /// The other arms that are compared. One without counts enough for a test against `first` is not beaten: both may
    /// have every trial as a success.
    fn rivals(&self, first: usize) -> impl Iterator<Item = usize> {
        (0..self.arms.len()).filter(move |i| *i != first && self.is[*i])
    }

    fn is_testable(&self, first: usize, other: usize) -> bool {
        is_enough(&self.arms[first], &self.arms[other])
    }

    fn corrected_interval(&self, i: usize, j: usize) -> Option<Interval> {
        let alpha = self.tests.alpha(i, j, 1.0 - self.plan.confidence)?;
        let deviations = match self.plan.looks.is_one() {
            true => two_sided(1.0 - alpha),
            false => self.plan.looks.threshold(alpha),
        };
        difference_within(self.arms[i].pair(), self.arms[j].pair(), deviations)
    }

    fn is_better(&self, first: usize, other: usize) -> bool {
        let p = self.tests.corrected_p(first, other).unwrap_or(1.0);
        p < 1.0 - self.plan.confidence
            && self.is_testable(first, other)
            && self.corrected_interval(first, other).is_some_and(|interval| interval.low > 0.0)
    }

    /// The winner and why it is; else why there is none.
    fn verdict(&self, judged: &[Judged]) -> Result<(usize, String), String> {
        let arms = self.arms;
        if let [_] | [] = arms {
            return Err("there is one variant, and nothing to compare it with".to_owned());
        }
        let largest = || {
            let all = 0..arms.len();
            all.reduce(|a, b| if trials(&arms[b]) > trials(&arms[a]) { b } else { a })
        };
        let first = self.best(None).or_else(largest).unwrap_or_default();
        let rivals: Vec<usize> = self.rivals(first).filter(|_| self.is[first]).collect();
        if !rivals.iter().any(|other| self.is_testable(first, *other)) {
            if let Some(empty) =
                arms.iter().find(|a| a.rate().is_none()).filter(|_| arms.len() == 2)
            {
                return Err(format!("{} has no trials to judge it by", empty.name));
            }
            let others = (0..arms.len()).filter(|i| *i != first);
            let other =
                others.reduce(|a, b| if trials(&arms[b]) > trials(&arms[a]) { b } else { a });
            return Err(format!(
                "{} and {} have too few trials for the test, which needs {LEAST_EXPECTED} successes and {LEAST_EXPECTED} failures to be expected of each",
                arms[first.min(other.unwrap_or(first))].name,
                arms[first.max(other.unwrap_or(first))].name,
            ));
        }
        let p = |other: usize| self.tests.corrected_p(first, other).unwrap_or(1.0);
        let unclear = rivals.iter().copied().filter(|o| !self.is_better(first, *o));
        if let Some(other) = unclear.max_by(|a, b| p(*a).total_cmp(&p(*b))) {
            return Err(format!(
                "{} cannot be told from {}: {}{}",
                with_rate(&arms[first]),
                with_rate(&arms[other]),
                self.chances(first, other),
                shows(&arms[first], &arms[other])
            ));
        }
        let second = self.best(Some(first)).unwrap_or(first);
        let points =
            |i: Interval| format!("{:+.2} to {:+.2} points", 100.0 * i.low, 100.0 * i.high);
        let by = judged[first].difference_interval.map_or_else(String::new, points);
        let mut sentence = format!(
            "{} wins over {}, {by}; {}",
            with_rate(&arms[first]),
            with_rate(&arms[second]),
            self.chances(first, second),
        );
        if let Some(corrected) =
            judged[first].corrected_interval.filter(|_| !self.plan.looks.is_one())
        {
            sentence += &format!(", by {} corrected likewise", points(corrected));
        }
        Ok((first, sentence))
    }

    /// p of a pair, and what it is corrected for.
    fn chances(&self, i: usize, j: usize) -> String {
        let pairs = match self.tests.count() {
            1 => String::new(),
            n => format!(" after Holm's correction for {n} pairs"),
        };
        let plain = format!("p {}{pairs}", chance(self.tests.p(i, j).unwrap_or(1.0)));
        let looks = &self.plan.looks;
        if looks.is_one() {
            return plain;
        }
        let corrected = chance(self.tests.corrected_p(i, j).unwrap_or(1.0));
        let planned = looks.planned();
        let which = match looks.look() {
            Some(look) if look > planned => {
                format!("at look {look}, {} after those planned", look - planned)
            }
            Some(look) => format!("at look {look} of {planned}"),
            None => format!("at one of {planned} looks"),
        };
        format!("{plain}, {corrected} also corrected for daily looks ({which})")
    }

    /// The arms that are not compared, as the end of a sentence.
    fn others(&self) -> String {
        let small = self.arms.iter().zip(&self.is).filter(|(_, is)| !**is);
        let small: Vec<String> = small
            .map(|(arm, _)| match arm.trials {
                Some(n) if n > 0.0 => format!("{} ({n} trials)", arm.name),
                _ => format!("{} has no trials", arm.name),
            })
            .collect();
        if small.is_empty() || self.arms.len() < 2 {
            return String::new();
        }
        format!("; too small to be compared: {}", small.join(", "))
    }
}

fn trials(arm: &Arm) -> f64 {
    arm.trials.unwrap_or(-1.0)
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
