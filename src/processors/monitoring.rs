//! What a processor tells of its batches: metrics, traces and logs.

use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt, stream};

use super::clip::VideoClipProcessor;
use crate::error::Result;
use crate::telemetry::logs::{LogEntry, subscribe};
use crate::telemetry::{MetricSample, chrome, prometheus};

impl VideoClipProcessor {
    /// Every metric of this processor and its clones as it is now: rows, failures by code, retries, caches, hosts,
    /// media processes, with the quantiles of times.
    ///
    /// ```no_run
    /// # let processor = clipflow::processors::VideoClipProcessor::new("results");
    /// for metric in processor.get_performance_metrics() {
    ///     println!("{} {:?}: {} {}", metric.name, metric.labels, metric.value, metric.unit);
    /// }
    /// ```
    pub fn get_performance_metrics(&self) -> Vec<MetricSample> {
        self.job.metrics()
    }

    /// The metrics at intervals while batches run: at once, then every `every`, and once more when no batch is under
    /// way any more, with which the stream ends.
    pub fn stream_performance_metrics(
        &self,
        every: Duration,
    ) -> impl Stream<Item = Vec<MetricSample>> + Send + use<> {
        let (job, threads) = (self.job.clone(), Arc::clone(&self.threads));
        stream::unfold(Some(false), move |state| {
            let (job, threads) = (job.clone(), Arc::clone(&threads));
            async move {
                let is_later = state?;
                if is_later {
                    let ended = {
                        let job = job.clone();
                        async move { Ok(job.idle_within(every).await) }
                    };
                    // Without threads of its own there is no batch either.
                    let is_over = threads.run(ended).await.unwrap_or(true);
                    return Some((job.metrics(), (!is_over).then_some(true)));
                }
                Some((job.metrics(), Some(true)))
            }
        })
        .boxed()
    }

    /// The metrics in the text format of Prometheus.
    pub fn export_metrics_to_prometheus(&self) -> String {
        prometheus::text(&self.job.metrics())
    }

    /// Sends the metrics that have changed to the DogStatsD agent of the setting `datadog_url`; returns the number of
    /// datagrams.
    ///
    /// # Errors
    /// `config.invalid` if the setting names none, `internal` if the agent cannot be reached.
    pub fn export_metrics_to_datadog(&self) -> Result<usize> {
        self.job.send_to_datadog()
    }

    /// The traces of the last batches as JSON that Perfetto and Chrome open; without spans unless
    /// `enable_tracing` is set.
    pub fn export_traces(&self) -> String {
        chrome::document(&self.job.spans(), "clipflow").to_string()
    }

    /// Gives the log events of clipflow in this program to `logger`, as long as this processor or a clone of it
    /// lives. Events of all processors are among them: a program has one log.
    ///
    /// ```no_run
    /// # fn main() -> clipflow::Result<()> {
    /// let mut processor = clipflow::processors::VideoClipProcessor::new("results");
    /// processor.set_logger(|entry| eprintln!("{} {}: {}", entry.level, entry.target, entry.message))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `config.invalid` if the program has a subscriber of `tracing` without a
    /// [`LogLayer`](crate::telemetry::logs::LogLayer).
    pub fn set_logger(&mut self, logger: impl Fn(&LogEntry) + Send + Sync + 'static) -> Result<()> {
        self.job.logger = Some(subscribe(Arc::new(logger))?);
        Ok(())
    }

    /// The last log events since the first batch with the setting `debug`, oldest first; without it none.
    pub fn get_debug_logs(&self) -> Vec<LogEntry> {
        self.job.debug_logs()
    }
}
