//! The circuit breaker: a host that fails is left alone for a while, then asked carefully.
//!
//! A state machine without a clock, a lock or a task of its own: it is told the time.
//! (The pattern: M. Nygard, *Release It!*, 2nd ed., "Circuit Breaker".)

use std::time::Duration;

use crate::config::ParallelConfig;

/// When a breaker opens and closes.
#[derive(Debug, Clone, PartialEq)]
pub struct BreakerConfig {
    /// Failures in a row that open it.
    pub in_a_row: u32,
    /// How long it stays open the first time; doubles each time it opens again before it closed.
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

/// Seconds of the past that are looked at.
const WINDOW: usize = 10;
/// Fewer calls in the window than this say nothing.
const MIN_CALLS: u32 = 20;
/// Longest time it stays open, if it is not set longer.
const MAX_RECOVERY: Duration = Duration::from_secs(60);
/// Calls let through to see whether the host is back; as many have to succeed.
const PROBES: u32 = 3;

/// What a breaker does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// Lets everything through.
    Closed,
    /// Refuses everything.
    Open,
    /// Lets three calls through to see.
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

/// Whether a call may go ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It may; what became of it is to be told with this ticket.
    Go(Ticket),
    /// It may not, for so long.
    Refused(Duration),
    /// The calls that decide are under way: ask again when one of them has ended.
    Wait,
}

/// A call that was let through. Calls from before a change of state decide nothing any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket(u64);

/// What a call says about its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It answered.
    Success,
    /// It did not, or not properly.
    Failure,
    /// Nothing: the call was given up, or failed on this side.
    Neither,
}

/// See the module.
#[derive(Debug)]
pub struct Breaker {
    config: BreakerConfig,
    phase: Phase,
    /// Counts changes of phase.
    generation: u64,
    /// Times it opened since it was last closed.
    openings: u32,
}

#[derive(Debug)]
enum Phase {
    Closed { seconds: [Second; WINDOW], in_a_row: u32 },
    Open { until: Duration },
    HalfOpen { under_way: u32, succeeded: u32 },
}

/// The calls of one second, which is told apart from older ones in its place by its number.
#[derive(Debug, Clone, Copy, Default)]
struct Second {
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

    /// What [`Breaker::admit`] would say, without taking a place: `None` if it would let a call
    /// through.
    pub fn refusal(&self, now: Duration) -> Option<Admission> {
        match self.phase {
            Phase::Open { until } if now < until => Some(Admission::Refused(until - now)),
            Phase::HalfOpen { under_way, succeeded } if under_way + succeeded >= PROBES => {
                Some(Admission::Wait)
            }
            _ => None,
        }
    }

    /// Ask for a call at `now`.
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
        Admission::Go(Ticket(self.generation))
    }

    /// Tell what became of a call, at `now`. Every ticket is to come back once.
    pub fn record(&mut self, ticket: Ticket, outcome: Outcome, now: Duration) {
        if ticket.0 != self.generation {
            return;
        }
        match &mut self.phase {
            Phase::Closed { seconds, in_a_row } => {
                if outcome == Outcome::Neither {
                    return;
                }
                let failed = outcome == Outcome::Failure;
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
                    Outcome::Neither => {}
                    Outcome::Failure => self.open(now),
                    Outcome::Success => {
                        *succeeded += 1;
                        if *succeeded >= PROBES {
                            self.openings = 0;
                            self.enter(closed());
                        }
                    }
                }
            }
            // Entering it made a new generation, of which nothing is let through.
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
    Phase::Closed { seconds: [Second::default(); WINDOW], in_a_row: 0 }
}

/// Count a call; the calls and failures of the window with it.
fn count(seconds: &mut [Second; WINDOW], now: Duration, failed: bool) -> (u32, u32) {
    let number = now.as_secs();
    let place = &mut seconds[(number % WINDOW as u64) as usize];
    if place.number != number {
        *place = Second { number, ..Second::default() };
    }
    place.calls = place.calls.saturating_add(1);
    place.failures = place.failures.saturating_add(u32::from(failed));
    let recent = seconds.iter().filter(|s| s.number + WINDOW as u64 > number);
    recent.fold((0, 0), |(calls, failures), s| (calls + s.calls, failures + s.failures))
}

#[cfg(test)]
mod tests;
