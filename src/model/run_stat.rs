//! `run_stats`: what runs measured, one row per run, metric and labels.

use super::column::table_of_arrays;

table_of_arrays! {
    /// A metric of a run, as it stood when the run was committed.
    #[derive(Debug, Clone, PartialEq)]
    pub struct RunStat {
        /// The run; ids of later runs sort behind those of earlier ones.
        pub run_id: String,
        /// When the run started, in seconds since 1970.
        pub started: f64,
        /// Name of the metric by the conventions of Prometheus, with its unit.
        pub metric: String,
        /// `counter`, `gauge` or `histogram`.
        pub kind: String,
        /// `seconds`, `bytes` or what is counted.
        pub unit: String,
        /// The stage of media work, such as `analyze`; NULL for metrics without it.
        pub stage: Option<String>,
        /// The backend that ran it; NULL for metrics without it.
        pub backend: Option<String>,
        /// The host of sources; NULL for metrics without it and for files of this machine.
        pub host: Option<String>,
        /// The error code; NULL for metrics without it and where nothing failed.
        pub code: Option<String>,
        /// All labels as a JSON object.
        pub labels: String,
        /// The value; of a histogram the sum of its observations.
        pub value: f64,
        /// Observations of a histogram; NULL for other kinds.
        pub observations: Option<i64>,
        /// Median of a histogram, within 5 %.
        pub p50: Option<f64>,
        /// 90th percentile of a histogram, within 5 %.
        pub p90: Option<f64>,
        /// 99th percentile of a histogram, within 5 %.
        pub p99: Option<f64>,
        /// Largest observation of a histogram.
        pub max: Option<f64>,
    }
}
