//! How a run went, read from its tables.

use std::fmt;
use std::time::Duration;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use datafusion::prelude::SessionContext;

use super::{RunConfig, steps};
use crate::cache::CacheStats;
use crate::error::Result;
use crate::location::Location;
use crate::query::{query_error, sql};
use crate::resilience::HostState;

/// How a run went.
#[derive(Debug, Clone, PartialEq)]
pub struct RunSummary {
    /// Request rows.
    pub rows: u64,
    /// Requests answered with clips.
    pub answered: u64,
    /// Failed requests by code, most frequent first: code, count, one example's sentence.
    pub failures: Vec<(String, u64, String)>,
    /// Variants of answered requests that have no file though they were to have one, by code: as `failures`.
    pub failed_variants: Vec<(String, u64, String)>,
    /// Clips of answered requests that were to have variants and fit none of their platforms: how many, and
    /// of the first the request and why.
    pub without_variants: Option<(u64, String)>,
    /// Clips of answered requests.
    pub clips: u64,
    /// Variants of those clips.
    pub variants: u64,
    /// Distinct media files they are.
    pub files: u64,
    /// Their total length in seconds, each file once.
    pub clip_seconds: f64,
    /// Their total size in bytes, each file once.
    pub bytes: u64,
    /// Distinct sources analysed.
    pub sources: u64,
    /// Their total length in seconds.
    pub source_seconds: f64,
    /// Wall time of this call.
    pub elapsed: Duration,
    /// Whether an earlier run of the same requests, settings and files had already done it all.
    pub reused: bool,
    /// The hosts and buckets that were asked, by name, and how they are doing.
    pub hosts: Vec<HostState>,
    /// What the cache of analyses has done, if it is on.
    pub cache: Option<CacheStats>,
    /// The results dataset.
    pub out: Location,
}

impl RunSummary {
    /// Failed request rows.
    pub fn failed(&self) -> u64 {
        self.rows - self.answered
    }

    /// Whether every request was answered, with all its files.
    pub fn is_complete(&self) -> bool {
        self.failed() == 0 && self.failed_variants.is_empty()
    }
}

/// Read it from the tables `checked`, `outcomes`, `sources`, `clips`, `renditions` of `ctx`.
pub(super) async fn read(
    ctx: &SessionContext,
    config: &RunConfig,
    elapsed: Duration,
    reused: bool,
) -> Result<RunSummary> {
    let totals = numbers(
        ctx,
        r#"WITH mine AS (SELECT * FROM outcomes WHERE request_id IN (SELECT request_id FROM checked)),
             files AS (SELECT DISTINCT r.uri, r.duration, r.bytes FROM renditions r JOIN mine m ON m.request_id = r.request_id),
             used AS (SELECT duration FROM sources WHERE source_id IN (SELECT source_id FROM mine))
           SELECT * FROM (SELECT count(*), count(*) FILTER (WHERE status = 'ok'), coalesce(sum(clips), 0), coalesce(sum(variants), 0) AS variants FROM mine)
             CROSS JOIN (SELECT count(*) AS files, coalesce(sum(duration), 0), coalesce(sum(bytes), 0) FROM files)
             CROSS JOIN (SELECT count(*) AS sources, coalesce(sum(duration), 0) AS seconds FROM used)"#,
    )
    .await?;
    let total = |i: usize| totals.get(i).copied().unwrap_or(0.0);
    Ok(RunSummary {
        rows: total(0) as u64,
        answered: total(1) as u64,
        failures: failures(ctx).await?,
        failed_variants: failed_variants(ctx).await?,
        without_variants: unshaped(ctx, config).await?,
        clips: total(2) as u64,
        variants: total(3) as u64,
        files: total(4) as u64,
        clip_seconds: total(5),
        bytes: total(6) as u64,
        sources: total(7) as u64,
        source_seconds: total(8),
        elapsed,
        reused,
        hosts: vec![],
        cache: None,
        out: config.out.clone(),
    })
}

async fn failures(ctx: &SessionContext) -> Result<Vec<(String, u64, String)>> {
    let sql = r#"SELECT error_code, CAST(count(*) AS VARCHAR), first_value(error_message ORDER BY "row")
        FROM outcomes WHERE status = 'failed' AND request_id IN (SELECT request_id FROM checked)
        GROUP BY error_code ORDER BY count(*) DESC, error_code"#;
    counted(ctx, sql).await
}

async fn failed_variants(ctx: &SessionContext) -> Result<Vec<(String, u64, String)>> {
    let sql = "SELECT error_code, CAST(count(*) AS VARCHAR), min(error_message) FROM variants
        WHERE error_code IS NOT NULL AND request_id IN (SELECT request_id FROM checked)
        GROUP BY error_code ORDER BY count(*) DESC, error_code";
    counted(ctx, sql).await
}

async fn unshaped(ctx: &SessionContext, config: &RunConfig) -> Result<Option<(u64, String)>> {
    let frame = steps::plan(ctx, &sql::UNSHAPED, &config.parameters()).await?;
    let batches = frame.collect().await.map_err(query_error)?;
    let clips: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let Some(first) = batches.iter().find(|b| b.num_rows() > 0) else { return Ok(None) };
    let [requests, whys] = [texts_of(first, 0)?, texts_of(first, 1)?];
    let example = requests.first().zip(whys.first());
    Ok(example.map(|(request, why)| (clips as u64, format!("of request {request}: {why}"))))
}

/// The rows of a query: a text, a number as text, a text.
pub(super) async fn counted(ctx: &SessionContext, sql: &str) -> Result<Vec<(String, u64, String)>> {
    let batches = collect(ctx, sql).await?;
    let mut rows = vec![];
    for batch in &batches {
        let columns = (0..3).map(|i| texts_of(batch, i)).collect::<Result<Vec<_>>>()?;
        for ((code, count), message) in columns[0].iter().zip(&columns[1]).zip(&columns[2]) {
            rows.push((code.clone(), count.parse().unwrap_or(0), message.clone()));
        }
    }
    Ok(rows)
}

/// The first column of a query as text, without NULLs.
pub(super) async fn texts(ctx: &SessionContext, sql: &str) -> Result<Vec<String>> {
    let mut all = vec![];
    for batch in collect(ctx, sql).await? {
        all.extend(texts_of(&batch, 0)?);
    }
    Ok(all)
}

/// The first row of a query as numbers; a NULL is 0.
pub(super) async fn numbers(ctx: &SessionContext, sql: &str) -> Result<Vec<f64>> {
    let batches = collect(ctx, sql).await?;
    let Some(batch) = batches.iter().find(|b| b.num_rows() > 0) else { return Ok(vec![]) };
    let number = |column: &arrow::array::ArrayRef| {
        let floats = cast(column, &DataType::Float64).map_err(|e| query_error(e.into()))?;
        Ok(floats.as_primitive::<Float64Type>().iter().next().flatten().unwrap_or(0.0))
    };
    batch.columns().iter().map(number).collect()
}

/// All rows of a query.
pub(super) async fn collect(ctx: &SessionContext, sql: &str) -> Result<Vec<RecordBatch>> {
    ctx.sql(sql).await.map_err(query_error)?.collect().await.map_err(query_error)
}

fn texts_of(batch: &RecordBatch, column: usize) -> Result<Vec<String>> {
    let texts = cast(batch.column(column), &DataType::Utf8).map_err(|e| query_error(e.into()))?;
    Ok(texts.as_string::<i32>().iter().flatten().map(str::to_owned).collect())
}

impl fmt::Display for RunSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}: {} answered with {}{}, {} failed",
            plural(self.rows, "request"),
            self.answered,
            plural(self.clips, "clip"),
            match self.variants {
                0 => String::new(),
                n => format!(" in {}", plural(n, "variant")),
            },
            self.failed()
        )?;
        for (code, count, example) in &self.failures {
            writeln!(f, "  {count:>5} × {code}  e.g. {example}")?;
        }
        if !self.failed_variants.is_empty() {
            let count = self.failed_variants.iter().map(|(_, count, _)| count).sum();
            writeln!(f, "{} could not be rendered", plural(count, "variant"))?;
        }
        for (code, count, example) in &self.failed_variants {
            writeln!(f, "  {count:>5} × {code}  e.g. {example}")?;
        }
        if let Some((clips, example)) = &self.without_variants {
            let have = if *clips == 1 { "has" } else { "have" };
            writeln!(f, "{} {have} no variants, e.g. {example}", plural(*clips, "clip"))?;
        }
        writeln!(
            f,
            "{} ({} of video) analysed; {} ({} of video, {:.1} MB)",
            plural(self.sources, "source"),
            clock(self.source_seconds),
            plural(self.files, "media file"),
            clock(self.clip_seconds),
            self.bytes as f64 / 1e6
        )?;
        if self.reused {
            writeln!(
                f,
                "nothing to do: an earlier run had done the same requests, settings and files"
            )?;
        } else {
            let seconds = self.elapsed.as_secs_f64();
            let speed = if seconds > 0.0 { self.source_seconds / seconds } else { 0.0 };
            writeln!(f, "in {seconds:.1} s: {speed:.1} s of source a second")?;
        }
        for host in self.hosts.iter().filter(|h| h.failures > 0 || h.retries > 0) {
            let HostState { host, state, attempts, failures, refused, retries, .. } = host;
            let state = state.as_str();
            writeln!(
                f,
                "{host}: {failures} of {attempts} calls failed, {refused} held back, {retries} retries, breaker {state}"
            )?;
        }
        if let Some(cache) = self.cache {
            write!(f, "cache: {} of {} analyses found", cache.hits, cache.hits + cache.misses)?;
            let trouble = if cache.faults > 0 { "; it cannot be used (-v says why)" } else { "" };
            writeln!(f, ", {} added{trouble}", cache.stored)?;
        }
        write!(f, "tables: {}/*/*.parquet", self.out)?;
        if self.files > 0 {
            write!(f, "\nmedia:  {}", self.out.join("media"))?;
        }
        Ok(())
    }
}

/// `1 clip`, `2 clips`.
pub(crate) fn plural(n: u64, one: &str) -> String {
    format!("{n} {one}{}", if n == 1 { "" } else { "s" })
}

/// `1:02:03` or `2:03`.
pub(super) fn clock(seconds: f64) -> String {
    let s = seconds.round() as u64;
    match s / 3600 {
        0 => format!("{}:{:02}", s / 60, s % 60),
        h => format!("{h}:{:02}:{:02}", s / 60 % 60, s % 60),
    }
}
