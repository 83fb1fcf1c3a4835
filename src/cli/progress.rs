//! Progress bars and warnings on standard error; bars only on a terminal.

use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::print;
use crate::pipeline::clock;
use crate::telemetry::{Event, Observer};

/// Time left is said once so many seconds have passed, and so great a share of the work is done.
const ESTIMATE_AFTER: (f64, f64) = (2.0, 0.02);

/// Shows one progress bar for the current stage, and warnings.
#[derive(Debug, Default)]
pub(super) struct ProgressBars(Mutex<Option<Stage>>);

#[derive(Debug)]
struct Stage {
    bar: ProgressBar,
    amount: Amount,
    started: Instant,
}

/// How much of a stage is done, in seconds of video.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Amount {
    /// Sources in all, and those that are done.
    rows: u64,
    rows_done: u64,
    failed: u64,
    /// Seconds in all, where they were known before; else 0.
    known: f64,
    /// Seconds of the sources that have begun, and how many they are.
    expected: f64,
    begun: u64,
    done: f64,
}

impl Amount {
    /// Seconds to go through in all, as far as can be told: sources that have not begun are taken to be as long
    /// as the others. `None` while nothing is known.
    fn total(&self) -> Option<f64> {
        if self.known > 0.0 {
            return Some(self.known.max(self.done));
        }
        let each = self.expected / self.begun as f64;
        (self.begun > 0).then(|| (each * self.rows.max(self.begun) as f64).max(self.done))
    }

    /// Seconds until the stage is done, at the speed so far.
    fn left(&self, elapsed: f64) -> Option<f64> {
        let total = self.total()?;
        let is_early = elapsed < ESTIMATE_AFTER.0 || self.done < ESTIMATE_AFTER.1 * total;
        (!is_early && self.done > 0.0).then(|| (total - self.done) * elapsed / self.done)
    }

    /// `0:42 of 1:20, 12× real time, 0:03 left`.
    fn words(&self, elapsed: f64) -> String {
        let mut words = clock(self.done);
        if let Some(total) = self.total() {
            words += &format!(" of {}", clock(total));
        }
        words += &format!(" of video, {:.0}× real time", self.done / elapsed.max(0.001));
        if self.rows > 1 {
            words += &format!(", {} of {} sources", self.rows_done, self.rows);
        }
        if self.failed > 0 {
            words += &format!(", {} failed", self.failed);
        }
        if let Some(left) = self.left(elapsed) {
            words += &format!(", {} left", clock(left));
        }
        words
    }
}

impl Stage {
    fn new(name: &str, rows: u64, seconds: f64) -> Self {
        let bar = ProgressBar::new(1000);
        let style = ProgressStyle::with_template("{prefix:>8} {bar:30} {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_prefix(name.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        let amount = Amount { rows, known: seconds, ..Amount::default() };
        Self { bar, amount, started: Instant::now() }
    }

    fn show(&self) {
        if let Some(total) = self.amount.total().filter(|total| *total > 0.0) {
            self.bar.set_position((self.amount.done / total * 1000.0) as u64);
        }
        self.bar.set_message(self.amount.words(self.started.elapsed().as_secs_f64()));
    }
}

/// Shows warnings only.
#[derive(Debug)]
pub(super) struct NoteObserver;

impl Observer for NoteObserver {
    fn event(&self, event: &Event<'_>) {
        if let Event::Note { sentence } = event {
            print::warning(sentence);
        }
    }
}

/// Bars and warnings, or warnings alone if `quiet` or standard error is not a terminal.
pub(super) fn observer(quiet: bool) -> std::sync::Arc<dyn Observer> {
    if quiet || !std::io::stderr().is_terminal() {
        std::sync::Arc::new(NoteObserver)
    } else {
        std::sync::Arc::new(ProgressBars::default())
    }
}

impl Observer for ProgressBars {
    fn event(&self, event: &Event<'_>) {
        let mut stage = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Event::StageStarted { stage: name, rows, seconds } = event {
            *stage = Some(Stage::new(name, *rows, *seconds));
            return;
        }
        if let Event::Note { .. } = event {
            return NoteObserver.event(event);
        }
        let Some(current) = stage.as_mut() else { return };
        match event {
            Event::Expected { seconds, .. } => {
                current.amount.expected += seconds;
                current.amount.begun += 1;
            }
            Event::Progress { seconds, .. } => current.amount.done += seconds,
            Event::RowFinished { error, .. } => {
                current.amount.rows_done += 1;
                current.amount.failed += u64::from(error.is_some());
            }
            Event::StageFinished { .. } => {
                current.show();
                current.bar.finish();
                *stage = None;
                return;
            }
            Event::StageStarted { .. } | Event::RowStarted { .. } | Event::Note { .. } => {}
        }
        current.show();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_counts_seconds_and_says_what_is_left() {
        let mut amount = Amount { rows: 4, ..Amount::default() };
        assert_eq!(amount.words(0.5), "0:00 of video, 0× real time, 0 of 4 sources");
        (amount.expected, amount.begun, amount.done) = (120.0, 2, 60.0);
        assert_eq!(amount.words(1.0), "1:00 of 4:00 of video, 60× real time, 0 of 4 sources");
        (amount.rows_done, amount.failed) = (1, 1);
        assert_eq!(
            amount.words(10.0),
            "1:00 of 4:00 of video, 6× real time, 1 of 4 sources, 1 failed, 0:30 left"
        );
        let render = Amount { rows: 1, known: 90.0, done: 45.0, ..Amount::default() };
        assert_eq!(render.words(15.0), "0:45 of 1:30 of video, 3× real time, 0:15 left");
    }
}
