//! What a run would do and cost, without doing it.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::Schema;
use datafusion::common::ScalarValue;
use datafusion::datasource::MemTable;
use datafusion::physical_plan::displayable;
use serde::Deserialize;

use super::amounts::clock;
use super::session::RunSession;
use super::source_state::locations;
use super::statements::Statements;
use super::{RunConfig, describe, face_lists, publish};
use crate::cancel::CancelToken;
use crate::error::Result;
use crate::media::{self, VideoStream};
use crate::query::query_error;
use crate::query::results::register_view;
use crate::query::rows::row;
use crate::query::sql::{self, Step};
use crate::store::temporary_folder;

/// What a run will cost at the most, and its plans, step by step.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The steps in order.
    pub steps: Vec<StepPlan>,
    /// What the media work comes to.
    pub cost: Cost,
}

/// The plans of one step.
#[derive(Debug, Clone)]
pub struct StepPlan {
    /// The step, and the table it makes.
    pub name: &'static str,
    /// The optimized logical plan.
    pub logical: String,
    /// The physical plan.
    pub physical: String,
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
    /// Seconds that the analysis may take on this machine, by the size of the pictures; an estimate.
    pub analysis_time: f64,
    /// Seconds that the encoding may take at the most, likewise.
    pub encoding_time: f64,
    /// Bytes of the media files at the most, likewise.
    pub bytes: f64,
}

/// What a second of work on one core goes through, in pixels: measured on 720p, see docs/internals/performance.md.
const PIXELS_ANALYSED: f64 = 4.5e8;
/// The same for decoding, scaling and encoding.
const PIXELS_ENCODED: f64 = 1.1e8;
/// Bits of a file for each of its pixels.
const BITS_PER_PIXEL: f64 = 0.08;
/// Bytes of a second of sound.
const SOUND_BYTES: f64 = 16_000.0;
/// Most pixels of a picture that is written, for the estimate: platforms take no larger ones.
const MOST_PIXELS: f64 = 1920.0 * 1080.0;

impl Cost {
    /// Adds `decode` seconds of video to analyse and `encode` to encode, of that many pixels a second.
    fn add(&mut self, decode: f64, encode: f64, video: &VideoStream) {
        let cores = std::thread::available_parallelism().map_or(1.0, |n| n.get() as f64);
        let fps = video.average_fps.or(video.nominal_fps).unwrap_or(25.0);
        let pixels = (video.width * video.height) as f64;
        let written = pixels.min(MOST_PIXELS) * fps;
        self.decode_seconds += decode;
        self.encode_seconds += encode;
        self.analysis_time += decode * pixels * fps / PIXELS_ANALYSED / cores;
        self.encoding_time += encode * written / PIXELS_ENCODED / cores;
        self.bytes += encode * (written * BITS_PER_PIXEL / 8.0 + SOUND_BYTES);
    }
}

/// Plan a run of `config` and probe its sources, except those that would have to be fetched.
///
/// # Errors
/// As [`super::run()`], without its media work.
pub async fn explain(config: &RunConfig) -> Result<Explanation> {
    let folder = temporary_folder()?;
    let session = RunSession::to_explain(config, folder.path().to_path_buf()).await?;
    let statements = &session.statements;
    publish::register(&statements.ctx, &[])?;
    let cost = cost(&session).await?;
    let mut steps = vec![];
    describe::without_model(&statements.ctx)?;
    let choice = sql::CHOOSE.iter().chain(sql::SHAPE);
    let own = session.config.media_relations.contains_key("select_media");
    for step in choice.chain([&sql::RENDERED]).chain(sql::RENDER) {
        match step.name {
            "candidates" if own => {
                steps.push(planned(statements, &sql::CONSIDERED).await?);
                register_view(&statements.ctx, "unconsidered", sql::UNCONSIDERED).await?;
                steps.push(planned(statements, &sql::CANDIDATES_CONSIDERED).await?);
            }
            "candidates" => {
                register_view(&statements.ctx, "unconsidered", sql::NONE_UNCONSIDERED).await?;
                steps.push(planned(statements, step).await?);
            }
            "analysis" if session.config.transcription()?.is_some() => {
                steps.push(planned(statements, step).await?);
                steps.push(planned(statements, &sql::UNTRANSCRIBED).await?);
                steps.push(planned(statements, &sql::TRANSCRIBED).await?);
            }
            "faces" => {
                match session.config.faces()? {
                    Some(_) => {
                        steps.push(planned(statements, &sql::TRACKED).await?);
                        face_lists::with_detector(&statements.ctx).await?;
                    }
                    None => face_lists::without_detector(&statements.ctx)?,
                }
                steps.push(planned(statements, step).await?);
            }
            _ => steps.push(planned(statements, step).await?),
        }
    }
    Ok(Explanation { steps, cost })
}

/// The plans of one step; its table is registered empty, so that the next step can be planned.
async fn planned(statements: &Statements, step: &Step) -> Result<StepPlan> {
    let frame = statements.plan(step).await?;
    let schema: Schema = frame.schema().as_arrow().clone();
    let logical = frame.clone().into_optimized_plan().map_err(query_error)?;
    let physical = frame.create_physical_plan().await.map_err(query_error)?;
    let empty = MemTable::try_new(Arc::new(schema), vec![vec![]]).map_err(query_error)?;
    statements.ctx.register_table(step.name, Arc::new(empty)).map_err(query_error)?;
    Ok(StepPlan {
        name: step.name,
        logical: logical.display_indent().to_string(),
        physical: displayable(physical.as_ref()).indent(false).to_string(),
    })
}

async fn cost(session: &RunSession) -> Result<Cost> {
    #[derive(Deserialize)]
    struct Requests {
        requests: u64,
        rejected: u64,
    }
    let RunSession { config, statements, runtime, .. } = session;
    let counts = "SELECT count(*) AS requests, count(error_code) AS rejected FROM checked";
    let Requests { requests, rejected } = statements.row(counts).await?;
    let mut cost = Cost { requests, rejected, ..Cost::default() };
    for location in locations(statements).await? {
        cost.sources += 1;
        if runtime.sources.is_remote(&location) {
            cost.remote_sources += 1;
            continue;
        }
        let probe = runtime.sources.open(&location).await.and_then(|copy| {
            media::probe(&runtime.tools, &copy.path, &config.analyze.limits, &CancelToken::new())
        });
        let known = probe.ok().and_then(|probe| Some((probe.duration_hint?, probe.video)));
        let Some((seconds, video)) = known else {
            cost.unreadable_sources += 1;
            continue;
        };
        let clips = clip_seconds(statements, location, seconds).await?;
        cost.add(seconds, config.outputs_of_a_clip() * clips, &video);
    }
    Ok(cost)
}

/// Seconds of clips of a source at the most.
async fn clip_seconds(statements: &Statements, location: String, seconds: f64) -> Result<f64> {
    #[derive(Deserialize)]
    struct Clips {
        seconds: f64,
    }
    let parameters =
        vec![("location", ScalarValue::from(location)), ("seconds", ScalarValue::from(seconds))];
    let clips = statements.query_with(sql::summary::CLIP_SECONDS, parameters).await?;
    let Clips { seconds } = row(clips).await?;
    Ok(seconds)
}

/// The cost, then logical and physical plans.
impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.cost)?;
        for StepPlan { name, logical, physical } in &self.steps {
            write!(
                f,
                "\n── {name}: sql/run/{name}.sql\nlogical plan\n{}physical plan\n{}",
                indent(logical),
                indent(physical).trim_end()
            )?;
        }
        Ok(())
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
        writeln!(f, "clip-seconds to encode  {:>10.1}   at the most", self.encode_seconds)?;
        let total = self.analysis_time + self.encoding_time;
        writeln!(
            f,
            "estimated time          {:>10}   on this machine: {} to analyse, at most {} to encode",
            clock(total),
            clock(self.analysis_time),
            clock(self.encoding_time)
        )?;
        write!(f, "estimated size          {:>10.1}   MB at the most", self.bytes / 1e6)
    }
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}
