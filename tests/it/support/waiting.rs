//! Waiting for what another thread or process does.

use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Looks until it is so.
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "{what}: not within two minutes");
        std::thread::sleep(LOOK_EVERY);
    }
}

/// The same without holding a thread.
pub async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "{what}: not within two minutes");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
