//! Progress bars and warnings on standard error; bars only on a terminal.

use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::print;
use crate::telemetry::{Event, Observer};

/// Shows one progress bar for the current stage, and warnings.
#[derive(Debug, Default)]
pub(super) struct ProgressBars(Mutex<Option<Stage>>);

#[derive(Debug)]
struct Stage {
    bar: ProgressBar,
    seconds: f64,
    failed: u64,
    started: Instant,
}

impl Stage {
    fn show(&self) {
        let speed = self.seconds / self.started.elapsed().as_secs_f64().max(0.001);
        let failed =
            if self.failed > 0 { format!(", {} failed", self.failed) } else { String::new() };
        self.bar
            .set_message(format!("{:.0} s of video, {speed:.0}× real time{failed}", self.seconds));
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
        match event {
            Event::StageStarted { stage: name, rows, .. } => {
                let bar = ProgressBar::new(*rows);
                let style =
                    ProgressStyle::with_template("{prefix:>8} {bar:30} {pos}/{len} sources  {msg}");
                bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
                bar.set_prefix((*name).to_owned());
                bar.enable_steady_tick(Duration::from_millis(200));
                *stage = Some(Stage { bar, seconds: 0.0, failed: 0, started: Instant::now() });
            }
            Event::Progress { seconds, .. } => {
                if let Some(stage) = stage.as_mut() {
                    stage.seconds += seconds;
                    stage.show();
                }
            }
            Event::RowFinished { error, .. } => {
                if let Some(stage) = stage.as_mut() {
                    stage.failed += u64::from(error.is_some());
                    stage.bar.inc(1);
                    stage.show();
                }
            }
            Event::Note { .. } => NoteObserver.event(event),
            Event::StageFinished { .. } => {
                if let Some(stage) = stage.take() {
                    stage.bar.finish();
                }
            }
        }
    }
}
