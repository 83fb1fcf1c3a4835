//! The progress of a run as notifications to the client.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rmcp::RoleServer;
use rmcp::model::ProgressNotificationParam;
use rmcp::service::RequestContext;
use tokio::sync::mpsc;

use crate::cli::progress::StageAmount;
use crate::telemetry::{Event, Observer};

/// Shortest time between two notifications.
const EVERY: Duration = Duration::from_millis(500);
/// Notifications that wait for a slow client; more are dropped.
const WAITING: usize = 16;

/// How far a run is, in seconds of video gone through.
#[derive(Debug)]
struct ProgressReport {
    progress: f64,
    total: Option<f64>,
    message: String,
}

/// Collects the notes of a run, and reports its progress.
#[derive(Debug)]
pub(super) struct RunObserver {
    reports: Option<mpsc::Sender<ProgressReport>>,
    seen: Mutex<SeenEvents>,
}

#[derive(Debug, Default)]
struct SeenEvents {
    stage: Option<StageAmount>,
    /// Seconds of video of the stages that are over.
    before: f64,
    /// The progress that was reported last, and when.
    reported: Option<(f64, Instant)>,
    notes: Vec<String>,
}

impl SeenEvents {
    /// What is to be reported: progress must grow, and not too often.
    fn report(&mut self) -> Option<ProgressReport> {
        let stage = self.stage.as_ref()?;
        let progress = self.before + stage.done;
        let is_due =
            self.reported.is_none_or(|(last, when)| progress > last && when.elapsed() >= EVERY);
        if !is_due {
            return None;
        }
        self.reported = Some((progress, Instant::now()));
        let total = stage.total().map(|total| self.before + total);
        let message = format!("{}: {}", stage.stage, stage.words(stage.elapsed()));
        Some(ProgressReport { progress, total, message })
    }
}

impl RunObserver {
    /// Of a call whose client may have asked for progress.
    pub(super) fn new(context: &RequestContext<RoleServer>) -> Self {
        let reports = context.meta.get_progress_token().map(|token| {
            let (sender, mut reports) = mpsc::channel::<ProgressReport>(WAITING);
            let peer = context.peer.clone();
            tokio::spawn(async move {
                while let Some(ProgressReport { progress, total, message }) = reports.recv().await {
                    let mut told = ProgressNotificationParam::new(token.clone(), progress);
                    told = told.with_message(message);
                    if let Some(total) = total {
                        told = told.with_total(total);
                    }
                    if peer.notify_progress(told).await.is_err() {
                        return;
                    }
                }
            });
            sender
        });
        Self { reports, seen: Mutex::default() }
    }

    /// The notes so far.
    pub(super) fn notes(&self) -> Vec<String> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).notes.clone()
    }
}

impl Observer for RunObserver {
    fn event(&self, event: &Event<'_>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::StageStarted { stage, rows, seconds } => {
                seen.stage = Some(StageAmount::new(stage, *rows, *seconds));
            }
            Event::Note { sentence } => seen.notes.push((*sentence).to_owned()),
            Event::StageFinished { .. } => {
                let done = seen.stage.take().map_or(0.0, |stage| stage.done);
                seen.before += done;
            }
            event => {
                if let Some(stage) = seen.stage.as_mut() {
                    stage.event(event);
                }
            }
        }
        let Some(sender) = &self.reports else { return };
        if let Some(report) = seen.report() {
            // A client that does not keep up misses some.
            let _ = sender.try_send(report);
        }
    }
}
