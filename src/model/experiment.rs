//! `experiments`: one row per variant of an experiment, as `clipflow experiment` gives it.

use serde::{Deserialize, Serialize};

use super::column::table;

table! {
    /// A variant of an experiment. Rates and what is made of them are NULL where there are no trials.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub struct ExperimentRow {
        /// The experiment.
        pub experiment_id: String,
        /// The variant.
        pub variant_id: String,
        /// Trials, such as impressions.
        pub trials: Option<i64>,
        /// Those that succeeded, such as views of 3 s.
        pub successes: Option<i64>,
        /// Successes by trials.
        pub rate: Option<f64>,
        /// Lower end of the rate's interval.
        pub low: Option<f64>,
        /// Upper end of the rate's interval.
        pub high: Option<f64>,
        /// The rate less that of the best other variant.
        pub difference: Option<f64>,
        /// Lower end of the difference's interval.
        pub difference_low: Option<f64>,
        /// Upper end of the difference's interval.
        pub difference_high: Option<f64>,
        /// p of the test against the best other variant, after Holm's correction over all pairs.
        pub p: Option<f64>,
        /// Lower end of the difference's interval, corrected for pairs and looks.
        pub corrected_low: Option<f64>,
        /// Upper end of it.
        pub corrected_high: Option<f64>,
        /// p corrected for pairs and looks, by which a winner is named.
        pub corrected_p: Option<f64>,
        /// The look this is: the days on which the experiment has events; NULL where they do not say when.
        pub look: Option<i64>,
        /// The looks planned.
        pub looks: i64,
        /// Whether the variant has trials enough to be compared.
        pub compared: bool,
        /// Least difference from the best other variant that so many trials show.
        pub min_detectable_effect: Option<f64>,
        /// Proposed share of the next trials.
        pub share: Option<f64>,
        /// Whether it is the experiment's winner.
        pub winner: bool,
        /// The winner and by how much, or why there is none, as a sentence; the same for the whole experiment.
        pub verdict: String,
        /// Confidence of the intervals and of the verdict.
        pub confidence: f64,
        /// The metric.
        pub metric: String,
        /// How it is computed.
        pub definition: String,
        /// Version of the definition.
        pub metric_version: i64,
        /// Rows of its events that report a part of the metric and not all, and so are not counted.
        pub left_out: i64,
    }
}
