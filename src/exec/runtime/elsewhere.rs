//! Rows that another machine runs: the side that sends them, and the side that runs them.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;

use super::MediaRuntime;
use super::measure::RowMeter;
use super::run::{RowRun, unless_cancelled};
use crate::cancel::CancelToken;
use crate::error::Result;
use crate::exec::Work;
use crate::exec::backend::{RemoteOutcome, RemoteRow, RemoteRows};
use crate::exec::inputs::columns_read;
use crate::exec::prefetch::acquire;
use crate::exec::work_cache::{CacheLookup, WorkCache};
use crate::resilience::HostKey;

impl MediaRuntime {
    /// Runs a row for another machine, as [`MediaRuntime::run_work`] does.
    ///
    /// # Errors
    /// `cancelled`; an error of the row is in the outcome.
    #[cfg(feature = "distributed")]
    pub(crate) async fn run_for_another(&self, row: RemoteRow) -> Result<RemoteOutcome> {
        let RemoteRow { work, row, cancel } = row;
        let RowRun { result, details, .. } = self.unless_stopped(&work, &row, &cancel).await?;
        Ok(RemoteOutcome { result, figures: details })
    }

    /// Looks a row up in the cache and sends it elsewhere if it is not there. What is cached, and the records of
    /// its media processes, are as if it had run here.
    pub(super) async fn run_elsewhere(
        &self,
        remote: &dyn RemoteRows,
        work: &Arc<dyn Work>,
        row: &RecordBatch,
        (location, host): (&str, Option<&HostKey>),
        cancel: &CancelToken,
        meter: &mut RowMeter<'_>,
    ) -> Result<RowRun> {
        let sent = self.look_up_or_send(remote, work, row, host, cancel, meter);
        let (result, attempts, elapsed) = match sent.await {
            Ok(outcome) => {
                let figures = outcome.figures;
                meter.ran_elsewhere(work.name(), &figures);
                let elapsed = Duration::try_from_secs_f64(figures.seconds).unwrap_or_default();
                (outcome.result, figures.attempts, elapsed)
            }
            Err(error) => {
                meter.end(Some(&error), 1, Duration::ZERO);
                return Err(error);
            }
        };
        let (figures, details) = meter.end(result.as_ref().err(), attempts, elapsed);
        self.report(work.as_ref(), location, result.as_ref().err(), &figures);
        Ok(RowRun { result, figures, details })
    }

    async fn look_up_or_send(
        &self,
        remote: &dyn RemoteRows,
        work: &Arc<dyn Work>,
        row: &RecordBatch,
        host: Option<&HostKey>,
        cancel: &CancelToken,
        meter: &mut RowMeter<'_>,
    ) -> Result<RemoteOutcome> {
        // Bounds the rows that are elsewhere, each with a lock of the cache.
        let _slot = unless_cancelled(cancel, acquire(&self.slots)).await?;
        let miss = {
            let _prefetch =
                unless_cancelled(cancel, self.prefetch.enter(self.hosts(), host)).await?;
            let looked_up = WorkCache::look_up(self.cache.as_deref(), &self.sources, work, row);
            match unless_cancelled(cancel, async { Ok(looked_up.await) }).await? {
                CacheLookup::Hit(columns) => {
                    meter.looked_up(true);
                    let figures =
                        crate::exec::backend::RemoteFigures { attempts: 1, ..Default::default() };
                    return Ok(RemoteOutcome { result: Ok(columns), figures });
                }
                CacheLookup::Miss(miss) => miss,
            }
        };
        if miss.is_cacheable() {
            meter.looked_up(false);
        }
        let row = match columns_read(work.as_ref(), row) {
            Ok(row) => row,
            Err(error) => {
                return Ok(RemoteOutcome { result: Err(error), figures: Default::default() });
            }
        };
        let row = RemoteRow { work: Arc::clone(work), row, cancel: cancel.clone() };
        let outcome = unless_cancelled(cancel, remote.run_row(row)).await?;
        if let (Ok(columns), Some(validator)) = (&outcome.result, &outcome.figures.validator) {
            miss.store(validator, columns).await;
        }
        Ok(outcome)
    }
}
