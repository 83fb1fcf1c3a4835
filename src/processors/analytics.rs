//! [`ViralAnalyticsProcessor`]: performance of variants after posting.

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;

use crate::analytics::{
    self, ExperimentQuery, Experiments, Performance, PerformanceQuery, TrainQuery, Trained,
    TrainedWeights,
};
use crate::config::ParallelConfig;
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::experiment::{DEFAULT_CONFIDENCE, DEFAULT_LOOKS, DEFAULT_MIN_TRIALS};
use crate::kernels::score::Link;
use crate::location::Location;
use crate::query::NamedTable;
use crate::query::events::EventOptions;
use crate::query::query_error;

/// Metrics of the events at one place.
///
/// ```no_run
/// use clipflow::processors::ViralAnalyticsProcessor;
///
/// # async fn f() -> clipflow::Result<()> {
/// let processor = ViralAnalyticsProcessor::new("events.parquet");
/// let metrics = ["engagement_rate", "viral_coefficient", "audience_reach"];
/// let performance =
///     processor.batch_analyze_performance(Some("results".into()), &metrics, &["platform", "layout"]).await?;
/// println!("{} groups", performance.num_rows());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct ViralAnalyticsProcessor {
    events: Location,
    parallel: ParallelConfig,
    lag_hours: f64,
    reading: EventOptions,
    tables: Vec<NamedTable>,
}

impl ViralAnalyticsProcessor {
    /// Of `events`: raw events or daily aggregates, a file or folder, here or in an object store.
    pub fn new(events: impl Into<Location>) -> Self {
        Self {
            events: events.into(),
            parallel: ParallelConfig::default(),
            lag_hours: 0.0,
            reading: EventOptions::default(),
            tables: vec![],
        }
    }

    /// Use these settings. A query may take all of `memory_limit_gb`.
    #[must_use]
    pub fn with_config(mut self, parallel: ParallelConfig) -> Self {
        self.parallel = parallel;
        self
    }

    /// Leave out what came in the last `hours` before the moment the events are read as of.
    #[must_use]
    pub fn with_lag_hours(mut self, hours: f64) -> Self {
        self.lag_hours = hours;
        self
    }

    /// How times are read, and as of when; by default times name their zone or are in UTC, and now counts.
    #[must_use]
    pub fn with_reading(mut self, reading: EventOptions) -> Self {
        self.reading = reading;
        self
    }

    /// Tables of the user's own, whose columns can be grouped by; see
    /// [`PerformanceQuery::tables`](analytics::PerformanceQuery::tables).
    #[must_use]
    pub fn with_tables(mut self, tables: Vec<NamedTable>) -> Self {
        self.tables = tables;
        self
    }

    /// The plan of `metrics` by columns of the events and, with `results`, of their variants; nothing is
    /// read before its frame is executed.
    ///
    /// # Errors
    /// As [`analytics::performance`].
    pub async fn plan(
        &self,
        results: Option<Location>,
        metrics: &[&str],
        by: &[&str],
    ) -> Result<Performance> {
        let owned = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
        let query = PerformanceQuery {
            results,
            events: self.events.clone(),
            metrics: owned(metrics),
            by: owned(by),
            lag_hours: self.lag_hours,
            reading: self.reading.clone(),
            tables: self.tables.clone(),
            parallel: self.parallel.clone(),
        };
        analytics::performance(&query).await
    }

    /// Which variant of each experiment does better by `metric`, or which value of the column `by`, such as
    /// `layout`, whose variants are those of `results`.
    ///
    /// # Errors
    /// As [`analytics::experiment`].
    pub async fn experiment(
        &self,
        results: Option<Location>,
        metric: &str,
        by: Option<&str>,
    ) -> Result<Experiments> {
        analytics::experiment(&ExperimentQuery {
            results,
            events: self.events.clone(),
            metric: metric.to_owned(),
            by: by.map(str::to_owned),
            experiment: None,
            confidence: DEFAULT_CONFIDENCE,
            looks: DEFAULT_LOOKS,
            min_trials: DEFAULT_MIN_TRIALS,
            seed: 0,
            lag_hours: self.lag_hours,
            reading: self.reading.clone(),
            tables: self.tables.clone(),
            parallel: self.parallel.clone(),
        })
        .await
    }

    /// A score model that predicts `target` of the variants of `results`, fitted to the events.
    ///
    /// # Errors
    /// As [`analytics::train`].
    pub async fn train(&self, results: Location, target: &str) -> Result<Trained> {
        analytics::train(&self.training(results, target)).await
    }

    /// Weights of the selection, fitted to where viewers leave the variants of `results`.
    ///
    /// # Errors
    /// As [`analytics::train_selection`].
    pub async fn train_selection(&self, results: Location) -> Result<TrainedWeights> {
        analytics::train_selection(&self.training(results, "")).await
    }

    fn training(&self, results: Location, target: &str) -> TrainQuery {
        TrainQuery {
            results,
            events: self.events.clone(),
            target: target.to_owned(),
            link: Link::Logistic,
            trained_at: None,
            lag_hours: self.lag_hours,
            reading: self.reading.clone(),
            parallel: self.parallel.clone(),
        }
    }

    /// The rows of [`ViralAnalyticsProcessor::plan`].
    ///
    /// # Errors
    /// As there, and what the events turn out to hold.
    pub async fn batch_analyze_performance(
        &self,
        results: Option<Location>,
        metrics: &[&str],
        by: &[&str],
    ) -> Result<RecordBatch> {
        let frame = self.plan(results, metrics, by).await?.frame;
        let schema = std::sync::Arc::clone(frame.schema().inner());
        let batches = frame.collect().await.map_err(query_error)?;
        concat_batches(&schema, &batches).map_err(|e| {
            Error::new(ErrorCode::Internal, format!("rows of performance differ ({e})"))
                .with_source(e)
        })
    }
}
