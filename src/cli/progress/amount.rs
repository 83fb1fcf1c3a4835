//! How much of a stage is done, and how long the rest takes.

use std::collections::HashMap;
use std::time::Instant;

use crate::pipeline::clock;
use crate::telemetry::Event;

/// Time left is said once so many seconds have passed, and so great a share of the work is done.
const ESTIMATE_AFTER: (f64, f64) = (2.0, 0.02);
/// Seconds after which a source under way is named as the slowest.
const SLOW_AFTER: f64 = 10.0;

/// How much of a stage is done, in seconds of video.
#[derive(Debug, Clone)]
pub(in crate::cli) struct StageAmount {
    pub(in crate::cli) stage: String,
    started: Instant,
    /// Sources in all, and those that are done.
    pub(in crate::cli) rows: u64,
    pub(in crate::cli) rows_done: u64,
    pub(in crate::cli) failed: u64,
    /// Those of the done ones whose result was found in a cache, as after a run that was stopped.
    pub(in crate::cli) cached: u64,
    /// Seconds in all, where they were known before; else 0.
    known: f64,
    /// Seconds of the sources that have begun, and how many they are.
    expected: f64,
    begun: u64,
    pub(in crate::cli) done: f64,
    /// Sources under way, and since when.
    under_way: HashMap<String, Instant>,
}

impl StageAmount {
    pub(in crate::cli) fn new(stage: &str, rows: u64, seconds: f64) -> Self {
        Self {
            stage: stage.to_owned(),
            started: Instant::now(),
            rows,
            rows_done: 0,
            failed: 0,
            cached: 0,
            known: seconds,
            expected: 0.0,
            begun: 0,
            done: 0.0,
            under_way: HashMap::new(),
        }
    }

    /// Takes an event of the stage into account.
    pub(in crate::cli) fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::RowStarted { location, .. } => {
                self.under_way.insert((*location).to_owned(), Instant::now());
            }
            Event::Expected { seconds, .. } => {
                self.expected += seconds;
                self.begun += 1;
            }
            Event::Progress { seconds, .. } => self.done += seconds,
            Event::RowFinished { location, error, cached, .. } => {
                self.under_way.remove(*location);
                self.rows_done += 1;
                self.failed += u64::from(error.is_some());
                self.cached += u64::from(*cached);
            }
            _ => {}
        }
    }

    /// Seconds to go through in all, as far as can be told: sources that have not begun are taken to be as long
    /// as the others, and those found in a cache or failed have no more. `None` while nothing is known.
    pub(in crate::cli) fn total(&self) -> Option<f64> {
        if self.rows > 0 && self.rows_done >= self.rows {
            return Some(self.done);
        }
        if self.known > 0.0 {
            return Some(self.known.max(self.done));
        }
        // A source that failed is taken not to have begun: most fail before.
        let succeeded = self.rows_done.saturating_sub(self.cached + self.failed);
        let under_way = self.begun.saturating_sub(succeeded);
        let to_come = self.rows.saturating_sub(self.rows_done + under_way);
        let each = self.expected / self.begun as f64;
        (self.begun > 0).then(|| (self.expected + each * to_come as f64).max(self.done))
    }

    pub(in crate::cli) fn elapsed(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// Seconds until the stage is done, at the speed so far.
    pub(in crate::cli) fn left(&self, elapsed: f64) -> Option<f64> {
        let total = self.total()?;
        let is_early = elapsed < ESTIMATE_AFTER.0 || self.done < ESTIMATE_AFTER.1 * total;
        (!is_early && self.done > 0.0).then(|| (total - self.done) * elapsed / self.done)
    }

    /// The source that has been under way for longest, and for how many seconds.
    pub(in crate::cli) fn slowest(&self) -> Option<(&str, f64)> {
        let oldest = self.under_way.iter().min_by_key(|(_, since)| **since)?;
        Some((oldest.0, oldest.1.elapsed().as_secs_f64()))
    }

    /// `0:42 of 1:20, 12× real time, 0:03 left`.
    pub(in crate::cli) fn words(&self, elapsed: f64) -> String {
        let mut words = clock(self.done);
        if let Some(total) = self.total() {
            words += &format!(" of {}", clock(total));
        }
        words += &format!(" of video, {:.0}× real time", self.done / elapsed.max(0.001));
        if self.rows > 1 {
            words += &format!(", {} of {} sources", self.rows_done, self.rows);
        }
        if self.cached > 0 {
            words += &format!(", {} done before", self.cached);
        }
        if self.failed > 0 {
            words += &format!(", {} failed", self.failed);
        }
        if let Some(left) = self.left(elapsed) {
            words += &format!(", {} left", clock(left));
        }
        if let Some((location, seconds)) = self.slowest().filter(|(_, s)| *s > SLOW_AFTER)
            && self.rows > 1
        {
            let name = location.rsplit('/').next().unwrap_or(location);
            words += &format!(", slowest {name} for {}", clock(seconds));
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    #[test]
    fn progress_counts_seconds_and_says_what_is_left() {
        let mut amount = StageAmount::new("analyze", 4, 0.0);
        assert_eq!(amount.words(0.5), "0:00 of video, 0× real time, 0 of 4 sources");
        (amount.expected, amount.begun, amount.done) = (120.0, 2, 60.0);
        assert_eq!(amount.words(1.0), "1:00 of 4:00 of video, 60× real time, 0 of 4 sources");
        (amount.rows_done, amount.failed) = (1, 1);
        assert_eq!(
            amount.words(10.0),
            "1:00 of 3:00 of video, 6× real time, 1 of 4 sources, 1 failed, 0:20 left"
        );
        let mut render = StageAmount::new("render", 1, 90.0);
        render.done = 45.0;
        assert_eq!(render.words(15.0), "0:45 of 1:30 of video, 3× real time, 0:15 left");
    }

    #[test]
    fn sources_that_an_earlier_run_has_done_are_no_work_that_is_left() {
        let mut amount = StageAmount::new("analyze", 4, 0.0);
        let stage = "analyze";
        for location in ["/a.mp4", "/b.mp4", "/c.mp4"] {
            amount.event(&Event::RowStarted { stage, location });
        }
        for (location, error, cached) in
            [("/a.mp4", None, true), ("/b.mp4", Some(ErrorCode::MediaCorrupt), false)]
        {
            let seconds = 1.0;
            amount.event(&Event::RowFinished { stage, location, error, cached, seconds });
        }
        amount.event(&Event::Expected { stage, seconds: 60.0 });
        amount.event(&Event::Progress { stage, seconds: 30.0 });
        assert_eq!(amount.total(), Some(120.0), "one is under way, one has not begun");
        assert_eq!(amount.slowest().map(|(location, _)| location), Some("/c.mp4"));
        let words = amount.words(1.0);
        assert!(words.ends_with("2 of 4 sources, 1 done before, 1 failed"), "{words}");
    }
}
