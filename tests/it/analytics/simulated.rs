//! Experiments that are looked at each day, simulated: how often a winner is named where there is none, and how
//! often where there is one.
//!
//! `CLIPFLOW_SIMULATIONS` is the number of experiments of each kind (150; the figures of
//! `docs/user/experiments.md` are of 10,000), `CLIPFLOW_SIMULATION_SEED` the seed.

use clipflow::kernels::experiment::{Arm, DEFAULT_LOOKS, DEFAULT_MIN_TRIALS, Looks, Plan, winner};

/// How the trials of an arm are shared out over the days.
#[derive(Debug, Clone, Copy)]
enum Traffic {
    Even,
    /// Most on the first days, as videos have it.
    Falling,
    /// Most on the last days.
    Rising,
}

impl Traffic {
    fn trials(self, day: u32, days: u32) -> u32 {
        let (day, days) = (f64::from(day), f64::from(days));
        (match self {
            Self::Even => 200.0,
            Self::Falling => 2800.0 * 0.4 * 0.6_f64.powf(day) + 2.0,
            Self::Rising => 400.0 * (day + 1.0) / (days + 1.0),
        }) as u32
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn plan(looks: Looks) -> Plan {
    Plan { confidence: 0.95, looks, min_trials: DEFAULT_MIN_TRIALS, seed: 0 }
}

/// What came of one experiment.
struct Outcome {
    /// A winner at one of the looks, as verdicts are corrected for them.
    corrected: bool,
    /// At one of the looks, by the plain test.
    plain: bool,
    /// At the last look, by the plain test.
    at_end: bool,
}

struct Plans {
    looks: Vec<Plan>,
    one: Plan,
}

impl Plans {
    fn new(days: u32) -> Self {
        let look = |day| plan(Looks::new(Some(day), DEFAULT_LOOKS));
        Self { looks: (1..=days).map(look).collect(), one: plan(Looks::one()) }
    }

    fn run(&self, rates: &[f64], traffic: Traffic, rng: &mut fastrand::Rng) -> Outcome {
        let days = self.looks.len() as u32;
        let arm = |i: usize| Arm { name: i.to_string(), successes: Some(0.0), trials: Some(0.0) };
        let mut arms: Vec<Arm> = (0..rates.len()).map(arm).collect();
        let mut outcome = Outcome { corrected: false, plain: false, at_end: false };
        for (day, plan) in (0..).zip(&self.looks) {
            for (arm, rate) in arms.iter_mut().zip(rates) {
                let trials = traffic.trials(day, days);
                let successes = (0..trials).filter(|_| rng.f64() < *rate).count();
                arm.successes = arm.successes.map(|k| k + successes as f64);
                arm.trials = arm.trials.map(|n| n + f64::from(trials));
            }
            outcome.corrected |= winner(&arms, plan).is_some();
            outcome.at_end = winner(&arms, &self.one).is_some();
            outcome.plain |= outcome.at_end;
        }
        outcome
    }

    /// Shares of experiments with a winner: corrected, plain at any look, plain at the end.
    fn shares(
        &self,
        rates: &[f64],
        traffic: Traffic,
        runs: u64,
        rng: &mut fastrand::Rng,
    ) -> [f64; 3] {
        let mut counts = [0_u64; 3];
        for _ in 0..runs {
            let outcome = self.run(rates, traffic, rng);
            for (count, is) in
                counts.iter_mut().zip([outcome.corrected, outcome.plain, outcome.at_end])
            {
                *count += u64::from(is);
            }
        }
        counts.map(|count| count as f64 / runs as f64)
    }
}

#[test]
fn looking_each_day_names_no_more_winners_than_are_there() {
    let runs = setting("CLIPFLOW_SIMULATIONS", 150);
    let seed = setting("CLIPFLOW_SIMULATION_SEED", 1);
    let mut rng = fastrand::Rng::with_seed(seed);
    println!("{runs} experiments of each kind, seed {seed}");
    println!("arms  traffic  days  false winners: corrected, plain at any look, plain at the end");
    // What chance adds to a share of 5 %, three times out of a thousand.
    let chance = 3.0 * (0.05 * 0.95 / runs as f64).sqrt();
    for (arms, traffic, days) in [
        (2, Traffic::Even, 14),
        (3, Traffic::Even, 14),
        (10, Traffic::Even, 14),
        (2, Traffic::Falling, 14),
        (2, Traffic::Rising, 14),
        (3, Traffic::Falling, 14),
        (2, Traffic::Even, 28),
    ] {
        let plans = Plans::new(days);
        let [corrected, plain, end] = plans.shares(&vec![0.3; arms], traffic, runs, &mut rng);
        println!("{arms:>4}  {traffic:<8?} {days:>4}  {corrected:.4} {plain:.4} {end:.4}");
        // Days beyond those planned cost a little; see the documentation.
        let most = if days > DEFAULT_LOOKS { 0.065 } else { 0.05 };
        assert!(corrected <= most + chance, "{arms} arms, {traffic:?}, {days} days: {corrected}");
        assert!(arms > 2 || plain > 0.1, "peeking has a price: {plain}");
    }
    println!("arms  traffic  difference  winners: corrected, plain at the end, their ratio");
    for (arms, traffic, better) in [
        (2, Traffic::Even, 0.0345),
        (3, Traffic::Even, 0.041),
        (10, Traffic::Even, 0.052),
        (2, Traffic::Falling, 0.0345),
    ] {
        let plans = Plans::new(DEFAULT_LOOKS);
        let mut rates = vec![0.3; arms];
        rates[0] += better;
        let [corrected, _, end] = plans.shares(&rates, traffic, runs, &mut rng);
        let ratio = corrected / end;
        println!("{arms:>4}  {traffic:<8?} {better:.4}  {corrected:.4} {end:.4} {ratio:.3}");
        // Within 10 % of the plain test's, and what chance adds.
        let chance = 3.0 * (2.0 * 0.2 / (0.8 * runs as f64)).sqrt();
        assert!(ratio >= 0.9 - chance, "{arms} arms, {traffic:?}: {corrected} of {end}");
    }
}
