//! What a run would do and cost, without doing it.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::Schema;
use datafusion::datasource::MemTable;
use datafusion::physical_plan::displayable;
use datafusion::prelude::SessionContext;

use super::checked::check_requests;
use super::requests::Requests;
use super::run::locations;
use super::{RunConfig, describe, publish, steps, summary};
use crate::cancel::CancelToken;
use crate::error::Result;
use crate::media::{self, MediaTools};
use crate::query::sql::{self, Step};
use crate::query::{query_error, register_media_relations, session};
use crate::store::temporary_folder;

/// The plans of a run, step by step, and what it will cost at the most.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// Name of the step, logical plan, physical plan.
    pub steps: Vec<(&'static str, String, String)>,
    /// What the media work comes to.
    pub cost: Cost,
}

/// What the media work of a run comes to.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Cost {
    /// Request rows.
    pub requests: u64,
    /// Of which rejected before any work.
    pub rejected: u64,
    /// Distinct sources.
    pub sources: u64,
    /// Of which cannot be opened.
    pub unreadable_sources: u64,
    /// Of which would have to be fetched to be measured, and are not in the figures below.
    pub remote_sources: u64,
    /// Seconds of video to decode for the analysis, as the containers say.
    pub decode_seconds: f64,
    /// Seconds of clips and variants to encode at the most: `max_clips` × `max_clip_length`, never more
    /// than the source has, and equal requests once; each variant as long as its clip.
    pub encode_seconds: f64,
}

/// Plan a run of `config` and probe its sources, except those that would have to be fetched.
///
/// # Errors
/// As [`super::run()`], without its media work.
pub async fn explain(config: &RunConfig) -> Result<Explanation> {
    config.check()?;
    let config = &config.clone().with_text_model()?;
    let tools = MediaTools::find()?;
    let folder = temporary_folder()?;
    let parameters = config.parameters();
    let requests = Requests::at_hand(config, folder.path()).await?;
    let config = &requests.config;
    check_requests(&requests, &parameters, folder.path()).await?;
    let media_dir = folder.path().join("media");
    let runtime = Arc::new(config.runtime(tools.clone(), media_dir, config.resilience())?);
    let ctx = session(&config.session_options(), Some(runtime))?;
    register_media_relations(&ctx, &config.session_options())?;
    steps::register(&ctx, "checked", &folder.path().join("checked.parquet")).await?;
    publish::register(&ctx, &[])?;
    let cost = cost(config, &ctx, &tools).await?;
    let mut steps = vec![];
    describe::nobody(&ctx)?;
    let choice = sql::CHOOSE.iter().chain(sql::SHAPE);
    for step in choice.chain([&sql::RENDERED]).chain(sql::RENDER) {
        steps.push(planned(&ctx, step, &parameters).await?);
    }
    Ok(Explanation { steps, cost })
}

/// The plans of one step; its table is registered empty, so that the next step can be planned.
async fn planned(
    ctx: &SessionContext,
    step: &Step,
    parameters: &steps::Parameters,
) -> Result<(&'static str, String, String)> {
    let frame = steps::plan(ctx, step, parameters).await?;
    let schema: Schema = frame.schema().as_arrow().clone();
    let logical = frame.clone().into_optimized_plan().map_err(query_error)?;
    let physical = frame.create_physical_plan().await.map_err(query_error)?;
    let empty = MemTable::try_new(Arc::new(schema), vec![vec![]]).map_err(query_error)?;
    ctx.register_table(step.name, Arc::new(empty)).map_err(query_error)?;
    Ok((
        step.name,
        logical.display_indent().to_string(),
        displayable(physical.as_ref()).indent(false).to_string(),
    ))
}

async fn cost(config: &RunConfig, ctx: &SessionContext, tools: &MediaTools) -> Result<Cost> {
    let rows = summary::numbers(ctx, "SELECT count(*), count(error_code) FROM checked").await?;
    let mut cost = Cost {
        requests: rows.first().map_or(0, |n| *n as u64),
        rejected: rows.get(1).map_or(0, |n| *n as u64),
        ..Cost::default()
    };
    let sources = config.sources(&config.resilience().hosts);
    for location in locations(ctx).await? {
        cost.sources += 1;
        if sources.is_remote(&location) {
            cost.remote_sources += 1;
            continue;
        }
        let probe = sources.open(&location).await.and_then(|copy| {
            media::probe(tools, &copy.path, &config.analyze.limits, &CancelToken::new())
        });
        let Some(seconds) = probe.ok().and_then(|p| p.duration_hint) else {
            cost.unreadable_sources += 1;
            continue;
        };
        cost.decode_seconds += seconds;
        let text = location.replace('\'', "''");
        let wanted = format!(
            "SELECT sum(least(max_clips * least(max_clip_length, {seconds}), {seconds})) FROM (
                 SELECT DISTINCT language, min_clip_length, max_clip_length, max_clips FROM checked
                 WHERE error_code IS NULL AND location = '{text}' AND min_clip_length <= {seconds})"
        );
        cost.encode_seconds += config.outputs_of_a_clip()
            * summary::numbers(ctx, &wanted).await?.first().copied().unwrap_or(0.0);
    }
    Ok(cost)
}

impl Explanation {
    /// The physical plans with lines cut to `width` characters, then the cost.
    pub fn brief(&self, width: usize) -> String {
        let steps = self.steps.iter().map(|(name, _, physical)| {
            let cut = |line: &str| match line.char_indices().nth(width.saturating_sub(3)) {
                Some((at, _)) => format!("  {}…\n", &line[..at]),
                None => format!("  {line}\n"),
            };
            format!(
                "── {name}: sql/run/{name}.sql\n{}",
                physical.lines().map(cut).collect::<String>()
            )
        });
        format!("{}{}", steps.collect::<String>(), self.cost)
    }
}

/// Logical and physical plans in full, then the cost.
impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, logical, physical) in &self.steps {
            writeln!(
                f,
                "── {name}: sql/run/{name}.sql\nlogical plan\n{}physical plan\n{}",
                indent(logical),
                indent(physical)
            )?;
        }
        write!(f, "{}", self.cost)
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "── cost")?;
        writeln!(
            f,
            "requests                {:>10}   of which rejected {}",
            self.requests, self.rejected
        )?;
        writeln!(
            f,
            "distinct sources        {:>10}   of which unreadable {}",
            self.sources, self.unreadable_sources
        )?;
        if self.remote_sources > 0 {
            writeln!(
                f,
                "                                    of which remote {}: not fetched, not measured",
                self.remote_sources
            )?;
        }
        writeln!(f, "source-seconds to decode{:>10.1}", self.decode_seconds)?;
        write!(f, "clip-seconds to encode  {:>10.1}   at the most", self.encode_seconds)
    }
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}
