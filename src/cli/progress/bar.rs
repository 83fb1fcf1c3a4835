//! One progress bar for the stage under way.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::NoteObserver;
use super::amount::StageAmount;
use crate::telemetry::{Event, Observer};

/// Shows one progress bar for the current stage, and warnings.
#[derive(Debug, Default)]
pub(super) struct ProgressBars(Mutex<Option<StageBar>>);

#[derive(Debug)]
struct StageBar {
    bar: ProgressBar,
    amount: StageAmount,
}

impl StageBar {
    fn new(name: &str, rows: u64, seconds: f64) -> Self {
        let bar = ProgressBar::new(1000);
        let style = ProgressStyle::with_template("{prefix:>8} {bar:30} {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_prefix(name.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar, amount: StageAmount::new(name, rows, seconds) }
    }

    fn show(&self) {
        if let Some(total) = self.amount.total().filter(|total| *total > 0.0) {
            self.bar.set_position((self.amount.done / total * 1000.0) as u64);
        }
        self.bar.set_message(self.amount.words(self.amount.elapsed()));
    }
}

impl Observer for ProgressBars {
    fn event(&self, event: &Event<'_>) {
        let mut stage = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match (event, stage.as_mut()) {
            (Event::StageStarted { stage: name, rows, seconds }, _) => {
                *stage = Some(StageBar::new(name, *rows, *seconds));
            }
            (Event::Note { .. }, Some(current)) => {
                current.bar.suspend(|| NoteObserver.event(event));
            }
            (Event::Note { .. }, None) => NoteObserver.event(event),
            (Event::StageFinished { .. }, Some(current)) => {
                current.show();
                current.bar.finish();
                *stage = None;
            }
            (_, Some(current)) => {
                current.amount.event(event);
                current.show();
            }
            (_, None) => {}
        }
    }
}
