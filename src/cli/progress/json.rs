//! Progress for programs: one JSON object a line on standard error; docs/observability.md lists them.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::amount::StageAmount;
use crate::cli::print;
use crate::telemetry::{Event, Observer};

/// Shortest time between two objects `progress`.
const EVERY: Duration = Duration::from_millis(500);

/// Prints events as JSON.
#[derive(Debug, Default)]
pub(super) struct ProgressJson(Mutex<Option<(StageAmount, Option<Instant>)>>);

/// The object of a stage under way or at its end.
fn object(event: &str, amount: &StageAmount) -> Value {
    let elapsed = amount.elapsed();
    let slowest = amount
        .slowest()
        .map(|(location, seconds)| json!({ "location": location, "seconds": seconds }));
    json!({
        "event": event,
        "stage": amount.stage,
        "sources": amount.rows,
        "sources_done": amount.rows_done,
        "failed": amount.failed,
        "cached": amount.cached,
        "video_seconds": amount.done,
        "video_seconds_total": amount.total(),
        "rate": amount.done / elapsed.max(0.001),
        "elapsed": elapsed,
        "left": amount.left(elapsed),
        "slowest": slowest,
    })
}

impl Observer for ProgressJson {
    fn event(&self, event: &Event<'_>) {
        let mut stage = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match (event, stage.as_mut()) {
            (Event::StageStarted { stage: name, rows, seconds }, _) => {
                let amount = StageAmount::new(name, *rows, *seconds);
                print::notice(&object("stage_started", &amount).to_string());
                *stage = Some((amount, None));
            }
            (Event::Note { sentence }, _) => {
                print::notice(&json!({ "event": "note", "sentence": sentence }).to_string());
            }
            (Event::StageFinished { .. }, Some((amount, _))) => {
                print::notice(&object("stage_finished", amount).to_string());
                *stage = None;
            }
            (_, Some((amount, shown))) => {
                amount.event(event);
                if let Event::RowFinished { stage, location, error, cached, seconds } = event {
                    let code = error.map(|code| code.as_str());
                    let source = json!({
                        "event": "source_finished", "stage": stage, "location": location,
                        "error_code": code, "cached": cached, "seconds": seconds,
                    });
                    print::notice(&source.to_string());
                }
                if shown.is_none_or(|shown| shown.elapsed() >= EVERY) {
                    *shown = Some(Instant::now());
                    print::notice(&object("progress", amount).to_string());
                }
            }
            (_, None) => {}
        }
    }
}
