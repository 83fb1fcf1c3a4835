//! Rate limit in calls per second.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use super::Clock;

/// A [`Clock`] as governor's clock.
#[derive(Debug, Clone)]
struct SharedClock(Arc<dyn Clock>);

impl GovernorClock for SharedClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.now()
    }
}

/// Burst in seconds: the calls of a tenth of a second may come at once, so that short waits need not be
/// exact.
const BURST_SECONDS: f64 = 0.1;

/// A token bucket that holds the calls of [`BURST_SECONDS`].
#[derive(Debug)]
pub(super) struct RateLimit {
    limiter: RateLimiter<NotKeyed, InMemoryState, SharedClock, NoOpMiddleware<Duration>>,
    clock: Arc<dyn Clock>,
}

impl RateLimit {
    /// Limits to `per_second` calls per second; `None` if that is no limit (0, or not a number).
    pub(super) fn new(per_second: f64, clock: &Arc<dyn Clock>) -> Option<Self> {
        if per_second.is_nan() || per_second <= 0.0 {
            return None;
        }
        let quota = Quota::with_period(Duration::try_from_secs_f64(1.0 / per_second).ok()?)?;
        let burst =
            NonZeroU32::new((per_second * BURST_SECONDS).ceil() as u32).unwrap_or(NonZeroU32::MIN);
        let limiter = RateLimiter::direct_with_clock(
            quota.allow_burst(burst),
            SharedClock(Arc::clone(clock)),
        );
        Some(Self { limiter, clock: Arc::clone(clock) })
    }

    /// Takes a token; else the time until there is one.
    pub(super) fn take(&self) -> Result<(), Duration> {
        self.limiter.check().map_err(|until| until.wait_time_from(self.clock.now()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::resilience::ScriptedClock;
    use proptest::prelude::*;

    #[test]
    fn zero_is_no_limit() {
        let clock: Arc<dyn Clock> = Arc::new(ScriptedClock::new());
        for no_limit in [0.0, -1.0, f64::NAN] {
            assert!(RateLimit::new(no_limit, &clock).is_none());
        }
    }

    proptest! {
        #[test]
        fn no_second_has_more_than_its_calls_and_a_tenth(
            per_second in 0.1..200.0_f64,
            pauses in proptest::collection::vec(0_u64..2000, 1..200),
        ) {
            let scripted = ScriptedClock::new();
            let clock: Arc<dyn Clock> = Arc::new(scripted.clone());
            let limit = RateLimit::new(per_second, &clock).unwrap();
            let mut taken = vec![];
            for pause in pauses {
                scripted.advance(Duration::from_millis(pause));
                while let Err(wait) = limit.take() {
                    prop_assert!(wait.as_secs_f64() <= 1.0 / per_second + 1e-6);
                    scripted.advance(wait.max(Duration::from_nanos(1)));
                }
                taken.push(clock.now().as_secs_f64());
            }
            for (i, start) in taken.iter().enumerate() {
                let second = taken[i..].iter().take_while(|t| **t < start + 1.0).count() as f64;
                prop_assert!(second <= per_second * (1.0 + BURST_SECONDS) + 2.0, "{second}");
            }
        }
    }
}
