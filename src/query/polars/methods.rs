//! The expressions as methods: `use clipflow::{ClipflowExprs, ClipflowFrames};`.

use polars::prelude::{Expr, LazyFrame, col};

use super::{analytics, exprs};
use crate::error::Result;
use crate::kernels::metrics::Metric;
use crate::location::Location;

/// The kernels as methods of expressions: each is the function of that name in
/// [`query::polars`](crate::query::polars) with its first argument before the dot.
///
/// ```
/// use clipflow::ClipflowExprs;
/// use polars::prelude::*;
///
/// let posts = df!["text" => ["A solar panel lasts long."], "language" => ["en"]]?;
/// let titled = posts.lazy().select([col("text").clip_title(col("language"), lit(40))]).collect()?;
/// assert_eq!(titled.column("clip_title")?.str()?.get(0), Some("A solar panel lasts long"));
/// # Ok::<(), PolarsError>(())
/// ```
pub trait ClipflowExprs: Into<Expr> {
    /// Of a source URL and what else a request says: see [`exprs::validate_request`].
    fn validate_request(self, language: Expr, [min, max, clips]: [Expr; 3]) -> Expr {
        exprs::validate_request(self.into(), language, min, max, clips)
    }

    /// Of lists of signals: see [`exprs::select_clips`]; `[min, max, clips]` are the lengths in seconds and
    /// the number of clips.
    fn select_clips(self, shots: Expr, cues: Expr, [min, max, clips]: [Expr; 3]) -> Expr {
        exprs::select_clips(self.into(), shots, cues, min, max, clips)
    }

    /// Of lists of cues: see [`exprs::cues_in`].
    fn cues_in(self, language: Expr) -> Expr {
        exprs::cues_in(self.into(), language)
    }

    /// Of lists of signals: see [`exprs::reframe_path`].
    fn reframe_path(
        self,
        shots: Expr,
        span: [Expr; 2],
        source: [Expr; 2],
        size: [Expr; 2],
    ) -> Expr {
        exprs::reframe_path(self.into(), shots, span, source, size)
    }

    /// Of a brief ([`exprs::clip_brief`]): see [`exprs::make_variants`].
    fn make_variants(self, n: Expr, audience: Expr, [platforms, captions]: [Expr; 2]) -> Expr {
        exprs::make_variants(self.into(), n, audience, [platforms, captions])
    }

    /// Of a brief: see [`exprs::with_texts`].
    fn with_texts(self, texts: Expr) -> Expr {
        exprs::with_texts(self.into(), texts)
    }

    /// Of a source URL: see [`exprs::source_location`].
    fn source_location(self, base: impl Into<Location>) -> Expr {
        exprs::source_location(self.into(), base)
    }

    /// Of a source URL: see [`exprs::without_signature`].
    fn without_signature(self) -> Expr {
        exprs::without_signature(self.into())
    }

    /// Of a language tag: see [`exprs::same_language`].
    fn same_language(self, other: Expr) -> Expr {
        exprs::same_language(self.into(), other)
    }

    /// Of any value: see [`exprs::json_text`].
    fn json_text(self) -> Expr {
        exprs::json_text(self.into())
    }

    /// Of a text: see [`exprs::keyphrases`].
    fn keyphrases(self, language: Expr, most: Expr) -> Expr {
        exprs::keyphrases(self.into(), language, most)
    }

    /// Of keyphrases: see [`exprs::hashtags`].
    fn hashtags(self, interests: Expr, most: Expr) -> Expr {
        exprs::hashtags(self.into(), interests, most)
    }

    /// Of a text: see [`exprs::clip_title`].
    fn clip_title(self, language: Expr, most_chars: Expr) -> Expr {
        exprs::clip_title(self.into(), language, most_chars)
    }

    /// Of a sketch of viewers: see [`analytics::reach_estimate`].
    fn reach_estimate(self) -> Expr {
        analytics::reach_estimate(self.into())
    }

    /// Of successes: see [`exprs::wilson`].
    fn wilson(self, trials: Expr, confidence: Expr) -> Expr {
        exprs::wilson(self.into(), trials, confidence)
    }

    /// Of successes; `other` is successes and trials: see [`exprs::two_proportion_z`].
    fn two_proportion_z(self, trials: Expr, other: [Expr; 2]) -> Expr {
        exprs::two_proportion_z([self.into(), trials], other)
    }

    /// Of successes; `other` is successes and trials: see [`exprs::difference_interval`].
    fn difference_interval(self, trials: Expr, other: [Expr; 2], confidence: Expr) -> Expr {
        exprs::difference_interval([self.into(), trials], other, confidence)
    }

    /// Of lists of p-values: see [`exprs::holm`].
    fn holm(self) -> Expr {
        exprs::holm(self.into())
    }

    /// Of a rate: see [`exprs::min_detectable_effect`].
    fn min_detectable_effect(self, trials1: Expr, trials2: Expr) -> Expr {
        exprs::min_detectable_effect(self.into(), trials1, trials2)
    }

    /// Of lists of successes: see [`exprs::thompson_split`].
    fn thompson_split(self, trials: Expr, seed: Expr) -> Expr {
        exprs::thompson_split(self.into(), trials, seed)
    }

    /// Of hours after publication: see [`analytics::half_life`].
    fn half_life(self, views: Expr) -> Expr {
        analytics::half_life(self.into(), views)
    }
}

impl ClipflowExprs for Expr {}

/// Functions of tables of events and counts, as methods of lazy frames.
///
/// ```
/// use clipflow::ClipflowFrames;
/// use polars::prelude::*;
///
/// let posts = df!["views" => [200i64, 0], "shares" => [10i64, 0]]?;
/// let rates = posts.lazy().with_metrics(&["share_rate"])?.collect()?;
/// assert_eq!(rates.column("share_rate")?.f64()?.to_vec(), [Some(0.05), None]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait ClipflowFrames: Into<LazyFrame> {
    /// A column for each of `metrics`, row by row from the columns of counts that are named as
    /// [`Metric::inputs`].
    ///
    /// # Errors
    /// `query.invalid` for an unknown metric. A missing count is an error at `collect`.
    fn with_metrics(self, metrics: &[&str]) -> Result<LazyFrame> {
        let column = |name: &&str| {
            let inputs = Metric::find(name).map_or(&[] as &[&str], |metric| metric.inputs);
            let inputs: Vec<Expr> = inputs.iter().map(|input| col(*input)).collect();
            analytics::metric(name, &inputs)
        };
        let columns = metrics.iter().map(column).collect::<Result<Vec<_>>>()?;
        Ok(self.into().with_columns(columns))
    }

    /// Raw events as counts: see [`analytics::roll_up_events`].
    fn roll_up_events(self, keys: &[&str]) -> LazyFrame {
        analytics::roll_up_events(self.into(), keys)
    }

    /// Metrics of raw events by their own columns and those of `variants`: see [`analytics::performance`].
    ///
    /// # Errors
    /// As there.
    fn performance(
        self,
        variants: Option<LazyFrame>,
        metrics: &[&str],
        by: &[&str],
    ) -> Result<LazyFrame> {
        analytics::performance(self.into(), variants, metrics, by)
    }
}

impl ClipflowFrames for LazyFrame {}
