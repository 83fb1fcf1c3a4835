//! The functions of the module: whole runs and queries.

use std::sync::Arc;

use clipflow::analytics::{
    ExperimentQuery, PerformanceQuery, TrainQuery, experiment as experiment_of,
    performance as performance_of, train as train_of, train_selection,
};
use clipflow::config::SETTINGS;
use clipflow::datafusion::prelude::{col, lit};
use clipflow::kernels::experiment::{DEFAULT_CONFIDENCE, DEFAULT_LOOKS, DEFAULT_MIN_TRIALS};
use clipflow::kernels::score::Link;
use clipflow::pipeline::{self, RenderChosen};
use clipflow::{BenchmarkOptions, CancelToken, ErrorCode, Location, RunConfig, query_error};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde_json::{Value, json};

use crate::errors::{OrRaise, not_json};
use crate::requests::requests;
use crate::settings::{OF_RUNS, configure, parallel, reading};
use crate::table::Table;
use crate::wait::{Stop, observed, runtime, wait_for};

fn config(
    rows: &Bound<'_, PyAny>,
    out: String,
    settings: &Bound<'_, PyDict>,
    stop: Option<&Stop>,
) -> PyResult<RunConfig> {
    let mut config = RunConfig::new(requests(rows)?, out);
    configure(&mut config, settings)?;
    config.stop = stop.map_or_else(CancelToken::new, |stop| stop.0.clone());
    Ok(config)
}

/// Run requests into the dataset `out`; how it went as JSON. `posts` is the template of names of a folder of named
/// files, empty for the default one.
#[pyfunction]
#[pyo3(signature = (rows, out, settings, posts = None, progress = None, stop = None))]
pub(crate) fn run(
    py: Python<'_>,
    rows: &Bound<'_, PyAny>,
    out: String,
    settings: &Bound<'_, PyDict>,
    posts: Option<String>,
    progress: Option<Py<PyAny>>,
    stop: Option<&Stop>,
) -> PyResult<String> {
    let config = config(rows, out, settings, stop)?;
    let stop = config.stop.clone();
    observed(py, &stop, progress.as_ref(), |observer| {
        let config = RunConfig { observer, ..config };
        move || {
            runtime()?.block_on(async {
                let summary = pipeline::run(&config).await?;
                let template = posts.as_deref().filter(|template| !template.is_empty());
                let posts = match &posts {
                    Some(_) => pipeline::write_posts(&config, template).await?,
                    None => None,
                };
                Ok(json!({
                    "rows": summary.rows,
                    "answered": summary.answered,
                    "failed": summary.failed(),
                    "failures": summary.failures,
                    "failed_clips": summary.failed_clips,
                    "failed_variants": summary.failed_variants,
                    "clips": summary.clips,
                    "variants": summary.variants,
                    "files": summary.files,
                    "clip_seconds": summary.clip_seconds,
                    "bytes": summary.bytes,
                    "sources": summary.sources,
                    "source_seconds": summary.source_seconds,
                    "elapsed": summary.elapsed.as_secs_f64(),
                    "reused": summary.reused,
                    "advice": summary.advice,
                    "is_complete": summary.is_complete(),
                    "posts": posts.map(|posts| posts.folder),
                    "text": summary.to_string(),
                })
                .to_string())
            })
        }
    })
}

/// Check requests without touching their sources: the number of rows, of invalid rows, and every row with its
/// verdict.
#[pyfunction]
pub(crate) fn validate(
    py: Python<'_>,
    rows: &Bound<'_, PyAny>,
    settings: &Bound<'_, PyDict>,
) -> PyResult<(u64, u64, Table)> {
    let config = config(rows, ".".to_owned(), settings, None)?;
    let stop = config.stop.clone();
    let (checked, frame) = wait_for(py, &stop, move || async move {
        let checked = pipeline::validate(&config).await?;
        let frame = checked.ctx.table("checked").await.map_err(query_error)?;
        let frame = frame.sort(vec![col("row").sort(true, false)]).map_err(query_error)?;
        Ok((checked, frame))
    })?;
    let (rows, invalid) = (checked.rows, checked.invalid);
    Ok((rows, invalid, Table::kept(frame, Arc::new(checked))))
}

/// Render the variants of `results` that meet `condition`; how it went as JSON, and the files.
#[pyfunction]
#[pyo3(signature = (results, condition, settings, progress = None, stop = None))]
pub(crate) fn render(
    py: Python<'_>,
    results: String,
    condition: String,
    settings: &Bound<'_, PyDict>,
    progress: Option<Py<PyAny>>,
    stop: Option<&Stop>,
) -> PyResult<(String, Vec<Table>)> {
    // There are no requests: what is rendered stands in the results.
    let mut config = RunConfig::new("", results);
    configure(&mut config, settings)?;
    config.stop = stop.map_or_else(CancelToken::new, |stop| stop.0.clone());
    let stop = config.stop.clone();
    let rendered = observed(py, &stop, progress.as_ref(), |observer| {
        let config = RunConfig { observer, ..config };
        let chosen = RenderChosen { config, condition, plain_clips_of: vec![] };
        move || runtime()?.block_on(pipeline::render_chosen(&chosen))
    })?;
    let summary = json!({
        "variants": rendered.variants,
        "rendered": rendered.rendered,
        "files": rendered.files,
        "seconds": rendered.seconds,
        "bytes": rendered.bytes,
        "failures": rendered.failures,
        "elapsed": rendered.elapsed.as_secs_f64(),
        "text": rendered.to_string(),
    });
    Ok((summary.to_string(), rendered.files_asked.into_iter().map(Table::batch).collect()))
}

/// How events are read: options that the queries share, from a dict.
struct EventArguments {
    lag_hours: f64,
    reading: clipflow::query::events::EventOptions,
}

fn event_arguments(options: &Bound<'_, PyDict>) -> PyResult<EventArguments> {
    let text = |name: &str| -> PyResult<Option<String>> {
        options.get_item(name)?.filter(|v| !v.is_none()).map(|v| v.extract()).transpose()
    };
    let lag = options.get_item("lag_hours")?.filter(|v| !v.is_none());
    let (unit, zone, as_of) = (text("time_unit")?, text("time_zone")?, text("as_of")?);
    Ok(EventArguments {
        lag_hours: lag.map(|v| v.extract()).transpose()?.unwrap_or_default(),
        reading: reading(unit.as_deref(), zone.as_deref(), as_of.as_deref())?,
    })
}

/// Metrics of events by columns; of the variants `only`, if they are named.
#[pyfunction]
#[pyo3(signature = (events, results, metrics, by, options, settings, only = None))]
#[allow(clippy::too_many_arguments)]
pub(crate) fn performance(
    py: Python<'_>,
    events: String,
    results: Option<String>,
    metrics: Vec<String>,
    by: Vec<String>,
    options: &Bound<'_, PyDict>,
    settings: &Bound<'_, PyDict>,
    only: Option<Vec<String>>,
) -> PyResult<Table> {
    let EventArguments { lag_hours, reading } = event_arguments(options)?;
    let query = PerformanceQuery {
        results: results.map(Location::from),
        events: events.into(),
        metrics,
        by,
        lag_hours,
        reading,
        tables: vec![],
        parallel: parallel(settings)?,
    };
    let frame = wait_for(py, &CancelToken::new(), move || async move {
        let frame = performance_of(&query).await?.frame;
        let Some(only) = only else { return Ok(frame) };
        let ids = only.into_iter().map(lit).collect();
        frame.filter(col("variant_id").in_list(ids, false)).map_err(query_error)
    })?;
    Ok(Table::query(frame))
}

/// Which variant of each experiment does better: the rows, each experiment with its verdict, and remarks.
#[pyfunction]
#[pyo3(signature = (events, results, metric, by, options, settings))]
#[allow(clippy::type_complexity)]
pub(crate) fn experiment(
    py: Python<'_>,
    events: String,
    results: Option<String>,
    metric: String,
    by: Option<String>,
    options: &Bound<'_, PyDict>,
    settings: &Bound<'_, PyDict>,
) -> PyResult<(Table, Vec<(String, String)>, Vec<String>)> {
    let EventArguments { lag_hours, reading } = event_arguments(options)?;
    let given = |name: &str| -> PyResult<Option<Bound<'_, PyAny>>> {
        Ok(options.get_item(name)?.filter(|value| !value.is_none()))
    };
    let of = |name: &str| given(name);
    let query = ExperimentQuery {
        results: results.map(Location::from),
        events: events.into(),
        metric,
        by,
        experiment: of("experiment")?.map(|v| v.extract()).transpose()?,
        confidence: of("confidence")?.map_or(Ok(DEFAULT_CONFIDENCE), |v| v.extract())?,
        looks: of("looks")?.map_or(Ok(DEFAULT_LOOKS), |v| v.extract())?,
        min_trials: of("min_trials")?.map_or(Ok(DEFAULT_MIN_TRIALS), |v| v.extract())?,
        seed: of("seed")?.map_or(Ok(0), |v| v.extract())?,
        lag_hours,
        reading,
        tables: vec![],
        parallel: parallel(settings)?,
    };
    let found =
        wait_for(py, &CancelToken::new(), move || async move { experiment_of(&query).await })?;
    let verdicts = found.verdicts().into_iter();
    let verdicts = verdicts.map(|(id, verdict)| (id.to_owned(), verdict.to_owned())).collect();
    let remarks = found.notes.iter().chain(&found.warnings).cloned().collect();
    Ok((Table::batch(found.batch().or_raise()?), verdicts, remarks))
}

/// A score model (or, with `selection`, weights of the selection) fitted to events: its JSON, its quality as JSON,
/// and warnings.
#[pyfunction]
pub(crate) fn train(
    py: Python<'_>,
    results: String,
    events: String,
    target: String,
    selection: bool,
    options: &Bound<'_, PyDict>,
    settings: &Bound<'_, PyDict>,
) -> PyResult<(String, String, Vec<String>)> {
    let EventArguments { lag_hours, reading } = event_arguments(options)?;
    let link: Option<String> = options.get_item("link")?.map(|v| v.extract()).transpose()?;
    let query = TrainQuery {
        results: results.into(),
        events: events.into(),
        target,
        link: if link.as_deref() == Some("linear") { Link::Identity } else { Link::Logistic },
        trained_at: None,
        lag_hours,
        reading,
        parallel: parallel(settings)?,
    };
    let (model, quality, warnings) = wait_for(py, &CancelToken::new(), move || async move {
        if selection {
            let trained = train_selection(&query).await?;
            return Ok((trained.file.to_json()?, trained.quality, trained.warnings));
        }
        let trained = train_of(&query).await?;
        Ok((trained.model.to_json()?, trained.quality, trained.warnings))
    })?;
    let quality = json!({
        "rows": quality.rows,
        "groups": quality.groups,
        "folds": quality.folds,
        "trials": quality.trials,
        "spearman": quality.spearman,
        "loss": quality.loss,
        "baseline_loss": quality.baseline_loss,
        "standard_errors": quality.standard_errors,
    });
    Ok((model, quality.to_string(), warnings))
}

/// The backends measured on this machine: the report as JSON. `parts` empty: all; `sizes` replaces the numbers of
/// rows of each part by its name.
#[pyfunction]
pub(crate) fn benchmark(
    py: Python<'_>,
    quick: bool,
    parts: Vec<String>,
    sizes: &Bound<'_, PyDict>,
    settings: &Bound<'_, PyDict>,
) -> PyResult<String> {
    let mut options = BenchmarkOptions::new(quick);
    options.parallel = parallel(settings)?;
    if !parts.is_empty() {
        options.parts.retain(|part| parts.iter().any(|name| name == part.as_str()));
    }
    for (name, value) in sizes {
        let name: String = name.extract()?;
        match name.as_str() {
            "kernel_rows" => options.kernel_rows = value.extract()?,
            "media_rows" => options.media_rows = value.extract()?,
            "viral_rows" => options.viral_rows = value.extract()?,
            "fetch_rows" => options.fetch_rows = value.extract()?,
            "stream_rows" => options.stream_rows = value.extract()?,
            "repeats" => options.repeats = value.extract()?,
            _ => {
                let names = "kernel_rows, media_rows, viral_rows, fetch_rows, stream_rows, repeats";
                let message = format!("there is no size {name}; there are {names}");
                return Err(crate::errors::failed(ErrorCode::ConfigInvalid, message));
            }
        }
    }
    let report = wait_for(py, &CancelToken::new(), move || async move {
        clipflow::run_comprehensive_benchmark(&options).await
    })?;
    let mut value = serde_json::to_value(&report).map_err(not_json)?;
    value["text"] = Value::String(report.to_string());
    Ok(value.to_string())
}

/// The tables of a results dataset.
#[pyfunction]
pub(crate) fn table_names() -> Vec<&'static str> {
    clipflow::model::table::TABLES.iter().map(|table| table.name).collect()
}

/// Every setting of a batch with its description.
#[pyfunction]
pub(crate) fn setting_names() -> Vec<(&'static str, &'static str)> {
    SETTINGS.iter().map(|s| (s.name, s.description())).collect()
}

/// Every further setting of a run with its description.
#[pyfunction]
pub(crate) fn run_setting_names() -> Vec<(&'static str, &'static str)> {
    OF_RUNS.to_vec()
}

/// Every error code with its meaning.
#[pyfunction]
pub(crate) fn error_codes() -> Vec<(&'static str, &'static str)> {
    ErrorCode::ALL.iter().map(|code| (code.as_str(), code.meaning())).collect()
}
