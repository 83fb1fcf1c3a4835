//! Progress and warnings on standard error.

mod amount;
mod bar;
mod json;
mod line;

use std::io::IsTerminal;
use std::sync::Arc;

use clap::ValueEnum;

#[cfg(feature = "mcp")]
pub(super) use amount::StageAmount;

use super::print;
use crate::telemetry::{Event, Observer};

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ProgressMode {
    /// A bar for the stage under way.
    Bar,
    /// A line of text.
    Line,
    /// One JSON object a line.
    Json,
    /// Warnings alone.
    None,
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

/// Progress and warnings; without a `mode`, bars on a terminal and warnings alone elsewhere or if `quiet`.
pub(super) fn observer(mode: Option<ProgressMode>, quiet: bool) -> Arc<dyn Observer> {
    let is_terminal = std::io::stderr().is_terminal();
    let default = if quiet || !is_terminal { ProgressMode::None } else { ProgressMode::Bar };
    match mode.unwrap_or(default) {
        // A bar redraws itself, which only a terminal can.
        ProgressMode::Bar if !is_terminal => Arc::new(NoteObserver),
        ProgressMode::Bar => Arc::new(bar::ProgressBars::default()),
        ProgressMode::Line => Arc::new(line::ProgressLine::default()),
        ProgressMode::Json => Arc::new(json::ProgressJson::default()),
        ProgressMode::None => Arc::new(NoteObserver),
    }
}
