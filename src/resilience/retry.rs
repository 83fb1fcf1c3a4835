//! Whether to retry after an error, and when.

use std::time::Duration;

use crate::config::ParallelConfig;
use crate::error::{Error, ErrorCode, Outlook};

/// Longest backoff.
pub const MAX_DELAY: Duration = Duration::from_secs(20);
/// Longest pause that a server may ask for; after a longer one there is no retry in this run.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(120);

/// Whether a retry after this error can succeed. Retryability is decided only here.
///
/// Faults of the network and of servers can pass. A source that is missing, forbidden or not a video,
/// a failed decoder or encoder, a full disk and a cancelled run stay the same. An error can override
/// its code (see [`Outlook`]).
pub fn may_change(error: &Error) -> bool {
    match error.outlook() {
        Outlook::Lasting => false,
        Outlook::Passing(_) => true,
        Outlook::ByCode => {
            matches!(error.code(), ErrorCode::SourceUnreachable | ErrorCode::SourceThrottled)
        }
    }
}

/// Whether a row that failed with this code in an earlier run is tried again by the next one, although
/// its inputs are unchanged: errors that can pass within a run, and those that depend on the machine and
/// its load.
pub fn may_have_passed(code: ErrorCode) -> bool {
    let here = matches!(
        code,
        ErrorCode::SourceChanged
            | ErrorCode::Timeout
            | ErrorCode::SetupMissingProgram
            | ErrorCode::TranscribeFailed
            | ErrorCode::StoreWrite
            | ErrorCode::WorkerCrashed
            | ErrorCode::Cancelled
    );
    here || may_change(&Error::new(code, String::new()))
}

/// Number and times of retries: exponential backoff with full jitter
/// (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>).
#[derive(Debug, Clone, PartialEq)]
pub struct RetryPolicy {
    /// Retries after the first attempt.
    pub max_retries: u32,
    /// Longest wait before the first retry.
    pub base: Duration,
    /// Whether the wait doubles with each retry, up to [`MAX_DELAY`].
    pub exponential: bool,
}

impl From<&ParallelConfig> for RetryPolicy {
    fn from(config: &ParallelConfig) -> Self {
        let base = Duration::try_from_secs_f64(config.retry_delay_seconds).unwrap_or_default();
        Self { max_retries: config.max_retries, base, exponential: config.exponential_backoff }
    }
}

impl RetryPolicy {
    /// Longest wait before a retry (0: the first), unless the server asks for more.
    pub fn ceiling(&self, retry: u32) -> Duration {
        let factor = if self.exponential { 2_u32.saturating_pow(retry) } else { 1 };
        self.base.saturating_mul(factor).min(MAX_DELAY)
    }

    /// Time to wait before a retry (0: the first) after `error`; `None` if there is no retry.
    /// `unit` is a random number in [0, 1).
    pub fn delay(&self, retry: u32, error: &Error, unit: f64) -> Option<Duration> {
        if retry >= self.max_retries || !may_change(error) {
            return None;
        }
        let asked = error.retry_after().unwrap_or_default();
        // The jitter is added: callers that were given the same pause do not return at once.
        (asked <= MAX_RETRY_AFTER)
            .then(|| asked + self.ceiling(retry).mul_f64(unit.clamp(0.0, 1.0)))
    }
}

/// Limits retries to a share of calls, so that they cannot multiply the load on a failing host.
#[derive(Debug)]
pub(super) struct RetryBudget {
    /// Credit; each call earns 1.
    earned: u32,
}

impl RetryBudget {
    /// Calls that earn one retry.
    const PRICE: u32 = 5;
    /// Initial retries, so that a small batch has some.
    const START: u32 = 10;
    /// Largest number of saved retries.
    const MAX: u32 = 100;

    pub(super) fn new() -> Self {
        Self { earned: Self::START * Self::PRICE }
    }

    /// Records a call.
    pub(super) fn earn(&mut self) {
        self.earned = (self.earned + 1).min(Self::MAX * Self::PRICE);
    }

    /// Takes one retry, if there is one.
    pub(super) fn spend(&mut self) -> bool {
        let left = self.earned.checked_sub(Self::PRICE);
        self.earned = left.unwrap_or(self.earned);
        left.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unreachable() -> Error {
        Error::new(ErrorCode::SourceUnreachable, "gone")
    }

    #[test]
    fn only_faults_of_network_and_servers_are_retried() {
        let can: Vec<_> = ErrorCode::ALL
            .iter()
            .filter(|code| may_change(&Error::new(**code, "x")))
            .map(|code| code.as_str())
            .collect();
        assert_eq!(can, ["source.unreachable", "source.throttled"]);
        let cut = Error::new(ErrorCode::SourceTruncated, "x").with_retry_after(Duration::ZERO);
        assert!(may_change(&cut));
        assert!(!may_change(&unreachable().lasting()));
    }

    #[test]
    fn the_defaults_are_200_ms_doubling_to_20_s() {
        let policy = RetryPolicy::from(&ParallelConfig { max_retries: 99, ..Default::default() });
        let ceilings: Vec<u128> = (0..9).map(|n| policy.ceiling(n).as_millis()).collect();
        assert_eq!(ceilings, [200, 400, 800, 1600, 3200, 6400, 12800, 20000, 20000]);
        assert_eq!(policy.ceiling(u32::MAX), MAX_DELAY);
    }

    #[test]
    fn a_server_that_asks_for_too_much_is_not_asked_again() {
        let policy = RetryPolicy::from(&ParallelConfig::default());
        let asks = |seconds| unreachable().with_retry_after(Duration::from_secs(seconds));
        assert_eq!(policy.delay(0, &asks(120), 0.0), Some(Duration::from_secs(120)));
        assert_eq!(policy.delay(0, &asks(121), 0.0), None);
    }

    proptest! {
        #[test]
        fn waits_lie_between_what_was_asked_for_and_the_ceiling_on_top(
            base in 0.0..30.0_f64,
            exponential: bool,
            max_retries in 0_u32..20,
            retry in 0_u32..40,
            unit in 0.0..1.0_f64,
            asked in proptest::option::of(0.0..300.0_f64),
        ) {
            let config = ParallelConfig {
                retry_delay_seconds: base,
                exponential_backoff: exponential,
                max_retries,
                ..Default::default()
            };
            let policy = RetryPolicy::from(&config);
            let error = match asked {
                Some(seconds) => unreachable().with_retry_after(Duration::from_secs_f64(seconds)),
                None => unreachable(),
            };
            let least = error.retry_after().unwrap_or_default();
            match policy.delay(retry, &error, unit) {
                None => prop_assert!(retry >= max_retries || least > MAX_RETRY_AFTER),
                Some(delay) => {
                    prop_assert!(retry < max_retries);
                    prop_assert!(delay >= least && delay <= least + policy.ceiling(retry));
                    prop_assert!(delay <= MAX_RETRY_AFTER + MAX_DELAY);
                }
            }
            prop_assert!(policy.ceiling(retry) <= MAX_DELAY);
            prop_assert!(policy.ceiling(retry) <= policy.ceiling(retry + 1));
        }

        #[test]
        fn retries_are_a_fifth_of_calls_and_a_few(calls in proptest::collection::vec(any::<bool>(), 0..2000)) {
            let mut budget = RetryBudget::new();
            let (mut made, mut retries) = (0, 0);
            for retry in calls {
                if !retry {
                    budget.earn();
                    made += 1;
                } else if budget.spend() {
                    retries += 1;
                }
                prop_assert!(retries <= made / 5 + RetryBudget::START);
            }
        }
    }
}
