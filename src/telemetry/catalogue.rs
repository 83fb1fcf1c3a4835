//! Every metric there is: name, kind, unit, meaning and labels, declared once.

use super::metrics::{MetricKind, MetricSpec};

macro_rules! metrics {
    ($($id:ident = $kind:ident $name:literal $unit:literal [$($label:literal)*] $help:literal;)+) => {
        $(
            #[doc = $help]
            pub static $id: MetricSpec = MetricSpec {
                name: $name,
                kind: MetricKind::$kind,
                unit: $unit,
                help: $help,
                labels: &[$($label),*],
            };
        )+

        /// Every metric, in the order of the documentation.
        pub static METRICS: &[&MetricSpec] = &[$(&$id),+];
    };
}

metrics! {
    BUILD = Gauge "clipflow_build_info" "programs" ["version"] "Always 1; the version is its label.";
    RUNS = Counter "clipflow_runs_total" "runs" ["result"] "Runs that ended, by result: ok, rows_failed or an error code.";
    RUN_SECONDS = Gauge "clipflow_run_duration_seconds" "seconds" [] "Wall time of the last run.";
    REQUESTS = Counter "clipflow_requests_total" "requests" ["code"] "Requests by error code; empty where they were answered.";
    CLIPS = Counter "clipflow_clips_total" "clips" [] "Clips of answered requests.";
    VARIANTS = Counter "clipflow_variants_total" "variants" [] "Variants of those clips.";
    STAGE_SECONDS = Counter "clipflow_stage_seconds_total" "seconds" ["stage"] "Wall time of stages of media work.";
    STEP_SECONDS = Counter "clipflow_step_seconds_total" "seconds" ["step"] "Wall time of the statements of a run.";
    REUSED_ANALYSES = Counter "clipflow_reused_analyses_total" "sources" [] "Sources whose analysis the results held already.";
    STEP_ROWS = Counter "clipflow_step_rows_total" "rows" ["step"] "Rows that the statements of a run returned.";
    WORKERS = Gauge "clipflow_workers" "workers" ["backend"] "Rows that the backend runs at a time.";
    ROWS = Counter "clipflow_rows_total" "rows" ["stage" "backend" "code"] "Rows of media work that ended, by error code; empty on success.";
    ROW_SECONDS = Histogram "clipflow_row_duration_seconds" "seconds" ["stage" "backend"] "Time of a row of media work over all attempts, without waiting for a worker.";
    ROW_WAIT_SECONDS = Histogram "clipflow_row_wait_seconds" "seconds" ["stage"] "Time that a row waited: for its turn, a host, a worker or the next attempt.";
    ROW_RETRIES = Counter "clipflow_row_retries_total" "attempts" ["stage" "code"] "Further attempts at rows, by the error code of the one before.";
    ROWS_IN_FLIGHT = Gauge "clipflow_rows_in_flight" "rows" ["stage"] "Rows of media work that were taken and have not ended.";
    ROWS_RUNNING = Gauge "clipflow_rows_running" "rows" ["stage"] "Rows of media work that hold a worker; the others in flight wait or fetch.";
    SOURCE_BYTES_IN_FLIGHT = Gauge "clipflow_source_in_flight_bytes" "bytes" [] "Size of the sources of rows that hold a worker.";
    VIDEO_SECONDS = Counter "clipflow_video_seconds_total" "seconds" ["stage"] "Seconds of video gone through: decoded for analyze, encoded for render.";
    SOURCE_OPENS = Counter "clipflow_source_opens_total" "sources" ["host" "code"] "Sources opened, by host and error code; both empty for local files that were opened.";
    SOURCE_FETCH_SECONDS = Histogram "clipflow_source_fetch_seconds" "seconds" ["host"] "Time that fetching a remote source took.";
    SOURCE_FETCHED_BYTES = Counter "clipflow_source_fetched_bytes_total" "bytes" ["host"] "Bytes of remote sources that were fetched.";
    CACHE_LOOKUPS = Counter "clipflow_cache_lookups_total" "lookups" ["stage" "result"] "Rows looked up in the cache, by result: hit or miss.";
    HOST_CALLS = Counter "clipflow_host_calls_total" "calls" ["host"] "Calls made to a host.";
    HOST_FAILURES = Counter "clipflow_host_failures_total" "calls" ["host"] "Calls that the host did not answer, or not properly.";
    HOST_REFUSED = Counter "clipflow_host_refused_calls_total" "calls" ["host"] "Calls held back because of the state of the host.";
    HOST_RETRIES = Counter "clipflow_host_retries_total" "attempts" ["host"] "Retries of rows and requests that failed with this host.";
    HOST_BREAKER = Gauge "clipflow_host_breaker_state" "state" ["host"] "Circuit breaker of a host: 0 closed, 1 half open, 2 open.";
    PROCESSES = Counter "clipflow_media_processes_total" "processes" ["program" "stage" "end"] "Media processes that ended, by end: ok, failed, timeout or cancelled.";
    PROCESS_SECONDS = Histogram "clipflow_media_process_seconds" "seconds" ["program" "stage"] "Wall time of media processes.";
    PROCESS_CPU_SECONDS = Counter "clipflow_media_cpu_seconds_total" "seconds" ["program" "stage"] "CPU time of media processes.";
    PROCESS_MEMORY = Gauge "clipflow_media_peak_memory_bytes" "bytes" ["stage"] "Largest resident memory of a media process.";
    SANDBOX = Gauge "clipflow_sandbox_info" "layers" ["layer" "state"] "Always 1; confinement of media processes by each layer of the kernel: on, off because it was asked for, or missing in this system.";
    RENDERED_FILES = Counter "clipflow_rendered_files_total" "files" [] "Media files that were written.";
    RENDERED_BYTES = Counter "clipflow_rendered_bytes_total" "bytes" [] "Bytes of the media files that were written.";
    TABLE_BYTES = Counter "clipflow_table_written_bytes_total" "bytes" ["table"] "Bytes of table files that were written.";
    TABLE_ROWS = Counter "clipflow_table_written_rows_total" "rows" ["table"] "Rows of table files that were written.";
    SPANS_DROPPED = Counter "clipflow_spans_dropped_total" "spans" [] "Spans that were not recorded because there were too many.";
}
