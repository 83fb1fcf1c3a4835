//! Injected time and randomness: of the system, and scripted for tests.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::watch;

/// A monotonic clock.
pub trait Clock: Debug + Send + Sync {
    /// Time since an arbitrary start.
    fn now(&self) -> Duration;

    /// Completes once `duration` has passed.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// The machine's monotonic clock.
#[derive(Debug)]
pub struct SystemClock(Instant);

impl SystemClock {
    /// A clock that starts at 0.
    pub fn new() -> Self {
        Self(Instant::now())
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(duration).boxed()
    }
}

/// A clock that tests control. Clones share the time.
#[derive(Debug, Clone)]
pub struct ScriptedClock {
    time: Arc<watch::Sender<Duration>>,
    naps: Arc<Mutex<Vec<Duration>>>,
    jumps: bool,
}

impl ScriptedClock {
    /// A clock at 0 that only [`ScriptedClock::advance`] advances.
    pub fn new() -> Self {
        Self {
            time: Arc::new(watch::Sender::new(Duration::ZERO)),
            naps: Arc::default(),
            jumps: false,
        }
    }

    /// A clock at 0 that jumps to the end of each sleep at once.
    pub fn jumping() -> Self {
        Self { jumps: true, ..Self::new() }
    }

    /// Advances by `duration` and wakes sleeps that are over.
    pub fn advance(&self, duration: Duration) {
        self.time.send_modify(|now| *now += duration);
    }

    /// All sleeps so far, in order.
    pub fn naps(&self) -> Vec<Duration> {
        self.naps.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Default for ScriptedClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for ScriptedClock {
    fn now(&self) -> Duration {
        *self.time.borrow()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.naps.lock().unwrap_or_else(PoisonError::into_inner).push(duration);
        let end = self.now() + duration;
        if self.jumps {
            self.time.send_modify(|now| *now = end.max(*now));
            return tokio::task::yield_now().boxed();
        }
        let mut time = self.time.subscribe();
        async move {
            // An error means that the clock was dropped, so that nothing can advance it.
            let _ = time.wait_for(|now| *now >= end).await;
        }
        .boxed()
    }
}

/// Random numbers for waits, so that calls that failed together are not retried together.
#[derive(Debug)]
pub struct Jitter(Mutex<fastrand::Rng>);

impl Jitter {
    /// Different numbers each time.
    pub fn new() -> Self {
        Self(Mutex::new(fastrand::Rng::new()))
    }

    /// The same numbers each time.
    pub fn seeded(seed: u64) -> Self {
        Self(Mutex::new(fastrand::Rng::with_seed(seed)))
    }

    /// A number in [0, 1).
    pub fn unit(&self) -> f64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).f64()
    }
}

impl Default for Jitter {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test]
    async fn a_scripted_sleep_ends_when_its_time_is_reached() {
        let clock = ScriptedClock::new();
        let mut sleep = clock.sleep(3 * SECOND);
        clock.advance(2 * SECOND);
        assert!((&mut sleep).now_or_never().is_none());
        clock.advance(SECOND);
        sleep.await;
        assert_eq!(clock.now(), 3 * SECOND);
    }

    #[tokio::test]
    async fn a_jumping_clock_sleeps_no_time() {
        let clock = ScriptedClock::jumping();
        clock.sleep(3600 * SECOND).await;
        clock.sleep(SECOND).await;
        assert_eq!(clock.now(), 3601 * SECOND);
        assert_eq!(clock.naps(), [3600 * SECOND, SECOND]);
    }

    #[tokio::test]
    async fn the_system_clock_advances() {
        let clock = SystemClock::new();
        let before = clock.now();
        clock.sleep(Duration::from_millis(1)).await;
        assert!(clock.now() >= before + Duration::from_millis(1));
    }
}
