//! How a run went, read from its tables.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::advice;
use super::amounts::{clock, plural};
use super::forget::{Forgotten, LeftOver};
use super::session::RunSession;
use super::statements::{AnalyzedStep, Statements};
use crate::cache::CacheStats;
use crate::error::Result;
use crate::location::Location;
use crate::query::sql;
use crate::resilience::HostState;

/// How a run went.
#[derive(Debug, Clone, PartialEq)]
pub struct RunSummary {
    /// Request rows.
    pub rows: u64,
    /// Requests answered with clips.
    pub answered: u64,
    /// Failed requests by code, most frequent first.
    pub failures: Vec<Failures>,
    /// Clips of answered requests that have no file of their own though they were to have one, by code.
    pub failed_clips: Vec<Failures>,
    /// Variants of answered requests that have no file though they were to have one, by code.
    pub failed_variants: Vec<Failures>,
    /// Clips of answered requests that were to have variants and fit none of their platforms: how many, and
    /// of the first the request and why.
    pub without_variants: Option<(u64, String)>,
    /// What a person must know beside the counts, each as a sentence: sources without captions, variants without
    /// captions or texts, sizes other than the platform's, platforms that are called otherwise.
    pub advice: Vec<String>,
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
    /// Rows of the request file that stay as earlier runs left them, where only some were to be done again.
    pub settled: u64,
    /// Whether an earlier run of the same requests, settings and files had already done it all.
    pub reused: bool,
    /// The hosts and buckets that were asked, by name, and how they are doing.
    pub hosts: Vec<HostState>,
    /// What the cache of analyses has done, if it is on.
    pub cache: Option<CacheStats>,
    /// Requests of earlier runs of the same request file that are not in it any more, as the run found them.
    pub left_over: Option<LeftOver>,
    /// What was removed of them, if that was asked for.
    pub pruned: Option<Forgotten>,
    /// The plans of the run's statements with what their operators did, if they were asked for.
    pub plans: Vec<AnalyzedStep>,
    /// The results dataset.
    pub out: Location,
}

impl RunSummary {
    /// Failed request rows.
    pub fn failed(&self) -> u64 {
        self.rows - self.answered
    }

    /// What failed, a sentence for each code.
    pub fn faults(&self) -> impl Iterator<Item = String> {
        let said = |what: &'static str| {
            move |failures: &Failures| {
                let Failures { error_code, count, example } = failures;
                format!("{} failed: {error_code}, e.g. {example}", plural(*count, what))
            }
        };
        let variants = self.failed_variants.iter().map(said("variant"));
        let clips = self.failed_clips.iter().map(said("clip"));
        self.failures.iter().map(said("request")).chain(clips).chain(variants)
    }

    /// Whether every request was answered, with all its files.
    pub fn is_complete(&self) -> bool {
        self.failed() == 0 && self.failed_clips.is_empty() && self.failed_variants.is_empty()
    }
}

/// Read it from the tables `checked`, `outcomes`, `sources`, `clips`, `variants`, `renditions` of a session.
pub(super) async fn read(session: &RunSession, reused: bool) -> Result<RunSummary> {
    #[derive(Deserialize)]
    struct Totals {
        requests: u64,
        answered: u64,
        clips: u64,
        variants: u64,
        files: u64,
        clip_seconds: f64,
        bytes: u64,
        sources: u64,
        source_seconds: f64,
    }
    let statements = &session.statements;
    let totals: Totals = statements.row(sql::summary::TOTALS).await?;
    Ok(RunSummary {
        rows: totals.requests,
        answered: totals.answered,
        failures: statements.rows(sql::summary::FAILED_REQUESTS).await?,
        failed_clips: statements.rows(sql::summary::FAILED_CLIPS).await?,
        failed_variants: statements.rows(sql::summary::FAILED_VARIANTS).await?,
        without_variants: without_variants(statements).await?,
        advice: advice::read(session).await?,
        clips: totals.clips,
        variants: totals.variants,
        files: totals.files,
        clip_seconds: totals.clip_seconds,
        bytes: totals.bytes,
        sources: totals.sources,
        source_seconds: totals.source_seconds,
        elapsed: session.elapsed(),
        settled: 0,
        reused,
        hosts: vec![],
        cache: None,
        left_over: None,
        pruned: None,
        plans: vec![],
        out: session.config.out.clone(),
    })
}

async fn without_variants(statements: &Statements) -> Result<Option<(u64, String)>> {
    #[derive(Deserialize)]
    struct Clip {
        request_id: String,
        why: Option<String>,
    }
    let clips: Vec<Clip> = statements.rows(sql::summary::WITHOUT_VARIANTS).await?;
    let example = clips.first().map(|clip| {
        format!("of request {}: {}", clip.request_id, clip.why.as_deref().unwrap_or_default())
    });
    Ok(example.map(|example| (clips.len() as u64, example)))
}

/// Rows that failed with one error code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failures {
    /// The code.
    pub error_code: String,
    /// Rows.
    pub count: u64,
    /// The sentence of one of them.
    pub example: String,
}

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { error_code, count, example } = self;
        write!(f, "  {count:>5} × {error_code}  e.g. {example}")
    }
}

impl RunSummary {
    /// What was done, how fast, and how hosts and cache did.
    fn fmt_work(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} ({} of video) analysed; {} ({} of video, {:.1} MB)",
            plural(self.sources, "source"),
            clock(self.source_seconds),
            plural(self.files, "media file"),
            clock(self.clip_seconds),
            self.bytes as f64 / 1e6
        )?;
        if self.settled > 0 {
            let (rows, stay) = match self.settled {
                1 => ("1 other request".to_owned(), "stays as an earlier run left it"),
                n => (format!("{n} other requests"), "stay as earlier runs left them"),
            };
            writeln!(f, "{rows} of the request file {stay}")?;
        }
        if self.reused && self.settled > 0 && self.rows == 0 {
            writeln!(
                f,
                "nothing to do: no request is new, to be tried again or of a changed source"
            )?;
        } else if self.reused {
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
        Ok(())
    }
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
        for failures in &self.failures {
            writeln!(f, "{failures}")?;
        }
        for (failed, what) in [(&self.failed_clips, "clip"), (&self.failed_variants, "variant")] {
            if !failed.is_empty() {
                let count = failed.iter().map(|failures| failures.count).sum();
                writeln!(f, "{} could not be rendered", plural(count, what))?;
            }
            for failures in failed {
                writeln!(f, "{failures}")?;
            }
        }
        if let Some((clips, example)) = &self.without_variants {
            let have = if *clips == 1 { "has" } else { "have" };
            writeln!(f, "{} {have} no variants, e.g. {example}", plural(*clips, "clip"))?;
        }
        for sentence in &self.advice {
            writeln!(f, "note: {sentence}")?;
        }
        self.fmt_work(f)?;
        if let Some(left_over) = &self.left_over {
            write!(f, "{left_over}")?;
            match &self.pruned {
                Some(pruned) => writeln!(f, ": {pruned}")?,
                None => writeln!(
                    f,
                    "; they stay in the results: --prune removes them, or clipflow forget"
                )?,
            }
        }
        write!(f, "tables: {}/*/*.parquet", self.out)?;
        if self.files > 0 {
            write!(f, "\nmedia:  {}", self.out.join("media"))?;
        }
        Ok(())
    }
}
