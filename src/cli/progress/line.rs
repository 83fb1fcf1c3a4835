//! Progress as a line of text: rewritten on a terminal, repeated now and then elsewhere.

use std::io::{IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::NoteObserver;
use super::amount::StageAmount;
use crate::telemetry::{Event, Observer};

/// Shortest time between two lines on a terminal, and elsewhere.
const EVERY: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(5)];

/// Shows one line for the current stage, and warnings.
#[derive(Debug)]
pub(super) struct ProgressLine {
    is_terminal: bool,
    stage: Mutex<Option<(StageAmount, Instant)>>,
}

impl Default for ProgressLine {
    fn default() -> Self {
        Self { is_terminal: std::io::stderr().is_terminal(), stage: Mutex::default() }
    }
}

impl ProgressLine {
    fn show(&self, amount: &StageAmount, is_last: bool) {
        let text = format!("{}: {}", amount.stage, amount.words(amount.elapsed()));
        let end = if self.is_terminal && !is_last { "" } else { "\n" };
        let start = if self.is_terminal { "\r\x1b[2K" } else { "" };
        // Progress that cannot be shown is no reason to stop.
        let _ = write!(std::io::stderr(), "{start}{text}{end}");
    }
}

impl Observer for ProgressLine {
    fn event(&self, event: &Event<'_>) {
        let mut stage = self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        match (event, stage.as_mut()) {
            (Event::StageStarted { stage: name, rows, seconds }, _) => {
                *stage = Some((StageAmount::new(name, *rows, *seconds), Instant::now()));
            }
            (Event::Note { .. }, _) => NoteObserver.event(event),
            (Event::StageFinished { .. }, Some((amount, _))) => {
                self.show(amount, true);
                *stage = None;
            }
            (_, Some((amount, shown))) => {
                amount.event(event);
                if shown.elapsed() >= EVERY[usize::from(!self.is_terminal)] {
                    *shown = Instant::now();
                    self.show(amount, false);
                }
            }
            (_, None) => {}
        }
    }
}
