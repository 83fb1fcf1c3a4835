//! The circuit breaker: after repeated failures a host is not called for a while, then probed.
//!
//! A state machine without clock, lock or task: the time is an argument.
//! (The pattern: M. Nygard, *Release It!*, 2nd ed., "Circuit Breaker".)

use std::time::Duration;

use serde::Serialize;

use crate::config::ParallelConfig;

/// When a breaker opens and closes.
#[derive(Debug, Clone, PartialEq)]
pub struct BreakerConfig {
    /// Consecutive failures that open it.
    pub in_a_row: u32,
    /// Time it stays open at first; doubles each time it opens again without having closed.
    pub recovery: Duration,
}

impl From<&ParallelConfig> for BreakerConfig {
    fn from(config: &ParallelConfig) -> Self {
        let recovery = Duration::try_from_secs_f64(config.recovery_timeout_seconds);
        Self {
            in_a_row: config.failure_threshold.max(1),
            recovery: recovery.unwrap_or(MAX_RECOVERY),
        }
    }
}

/// Length of the sliding window in seconds.
const WINDOW: usize = 10;
/// Fewest calls in the window that are evaluated.
const MIN_CALLS: u32 = 20;
/// Longest time it stays open, unless `recovery` is longer.
const MAX_RECOVERY: Duration = Duration::from_secs(60);
/// Probe calls that are let through when it is half open; all must succeed.
const PROBES: u32 = 3;

/// State of a breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// Admits all calls.
    Closed,
    /// Rejects all calls.
    Open,
    /// Admits three probe calls.
    HalfOpen,
}

impl BreakerState {
    /// `closed`, `open`, `half_open`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// Whether a call may proceed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It may; its outcome is recorded with this ticket.
    Go(BreakerTicket),
    /// It may not, for this long.
    Refused(Duration),
    /// The probe calls are running: ask again when one of them has ended.
    Wait,
}

/// An admitted call. Calls admitted before a change of state no longer count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerTicket(u64);

/// What a call shows about its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallOutcome {
    /// It answered.
    Success,
    /// It did not answer, or not properly.
    Failure,
    /// Nothing: the call was dropped, or failed on this side.
    Neither,
}

/// The breaker of one host; see the module.
#[derive(Debug)]
pub struct Breaker {
    config: BreakerConfig,
    phase: Phase,
    /// Counts changes of phase.
    generation: u64,
    /// Number of times it opened since it was last closed.
    openings: u32,
}

#[derive(Debug)]
enum Phase {
    Closed { seconds: [SecondCounts; WINDOW], in_a_row: u32 },
    Open { until: Duration },
    HalfOpen { under_way: u32, succeeded: u32 },
}

/// The calls of one second; `number` tells it from older seconds in the same slot.
#[derive(Debug, Clone, Copy, Default)]
struct SecondCounts {
    number: u64,
    calls: u32,
    failures: u32,
}

impl Breaker {
    /// A closed breaker.
    pub fn new(config: BreakerConfig) -> Self {
        Self { config, phase: closed(), generation: 0, openings: 0 }
    }

    /// Its state at `now`.
    pub fn state(&self, now: Duration) -> BreakerState {
        match self.phase {
            Phase::Closed { .. } => BreakerState::Closed,
            Phase::Open { until } if now < until => BreakerState::Open,
            Phase::Open { .. } | Phase::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    /// What [`Breaker::admit`] would return, without admitting a call: `None` if it would admit it.
    pub fn refusal(&self, now: Duration) -> Option<Admission> {
        match self.phase {
            Phase::Open { until } if now < until => Some(Admission::Refused(until - now)),
            Phase::HalfOpen { under_way, succeeded } if under_way + succeeded >= PROBES => {
                Some(Admission::Wait)
            }
            _ => None,
        }
    }

    /// Asks for admission of a call at `now`.
    pub fn admit(&mut self, now: Duration) -> Admission {
        if let Some(refusal) = self.refusal(now) {
            return refusal;
        }
        if let Phase::Open { .. } = self.phase {
            self.enter(Phase::HalfOpen { under_way: 0, succeeded: 0 });
        }
        if let Phase::HalfOpen { under_way, .. } = &mut self.phase {
            *under_way += 1;
        }
        Admission::Go(BreakerTicket(self.generation))
    }

    /// Records the outcome of a call at `now`. Every ticket is recorded once.
    pub fn record(&mut self, ticket: BreakerTicket, outcome: CallOutcome, now: Duration) {
        if ticket.0 != self.generation {
            return;
        }
        match &mut self.phase {
            Phase::Closed { seconds, in_a_row } => {
                if outcome == CallOutcome::Neither {
                    return;
                }
                let failed = outcome == CallOutcome::Failure;
                *in_a_row = if failed { *in_a_row + 1 } else { 0 };
                let (calls, failures) = count(seconds, now, failed);
                let half = calls >= MIN_CALLS && failures * 2 >= calls;
                if failed && (half || *in_a_row >= self.config.in_a_row) {
                    self.open(now);
                }
            }
            Phase::HalfOpen { under_way, succeeded } => {
                *under_way = under_way.saturating_sub(1);
                match outcome {
                    CallOutcome::Neither => {}
                    CallOutcome::Failure => self.open(now),
                    CallOutcome::Success => {
                        *succeeded += 1;
                        if *succeeded >= PROBES {
                            self.openings = 0;
                            self.enter(closed());
                        }
                    }
                }
            }
            // Opening started a new generation, in which no call has been admitted.
            Phase::Open { .. } => {}
        }
    }

    fn open(&mut self, now: Duration) {
        let longest = MAX_RECOVERY.max(self.config.recovery);
        let doubled = self.config.recovery.saturating_mul(2_u32.saturating_pow(self.openings));
        self.openings = self.openings.saturating_add(1);
        self.enter(Phase::Open { until: now.saturating_add(doubled.min(longest)) });
    }

    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.generation += 1;
    }
}

fn closed() -> Phase {
    Phase::Closed { seconds: [SecondCounts::default(); WINDOW], in_a_row: 0 }
}

/// Counts a call; returns the calls and failures of the window including it.
fn count(seconds: &mut [SecondCounts; WINDOW], now: Duration, failed: bool) -> (u32, u32) {
    let number = now.as_secs();
    let second = &mut seconds[(number % WINDOW as u64) as usize];
    if second.number != number {
        *second = SecondCounts { number, ..SecondCounts::default() };
    }
    second.calls = second.calls.saturating_add(1);
    second.failures = second.failures.saturating_add(u32::from(failed));
    let recent = seconds.iter().filter(|s| s.number + WINDOW as u64 > number);
    recent.fold((0, 0), |(calls, failures), s| (calls + s.calls, failures + s.failures))
}

#[cfg(test)]
mod tests;
