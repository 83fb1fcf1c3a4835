//! Rendering of variants that stand in the results: planned ones, or a choice of them in another format.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use datafusion::prelude::{col, lit};
use serde::Deserialize;

use super::amounts::{clock, plural};
use super::remains::Remains;
use super::session::{RunSession, stoppable};
use super::statements::{self, Statements};
use super::summary::Failures;
use super::{RunConfig, from_results};
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::ids::stable_id;
use crate::location::Location;
use crate::media::Format;
use crate::model::table::{TABLES, Table};
use crate::query::results::register_view;
use crate::query::statements::with_quoted_ends;
use crate::query::{self, SessionOptions, query_error, sql};
use crate::store::Dataset;

/// Which variants are rendered, and how.
#[derive(Debug, Clone)]
pub struct RenderChosen {
    /// `out` is where the results are; how sources are read and files rendered is as for a run.
    pub config: RunConfig,
    /// A condition on the columns of `variants`, in SQL.
    pub condition: String,
    /// Requests whose plain clips are rendered too.
    pub plain_clips_of: Vec<String>,
}

/// What was rendered.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// Variants that met the condition.
    pub variants: u64,
    /// Those whose files are there now.
    pub rendered: u64,
    /// Distinct files they are.
    pub files: u64,
    /// Their length in seconds.
    pub seconds: f64,
    /// Their size in bytes.
    pub bytes: u64,
    /// What went wrong, by code.
    pub failures: Vec<Failures>,
    /// `request_id`, `clip_id`, `variant_id` (NULL for a plain clip), `uri`, `container`, `bytes`,
    /// `error_code`, `error_message` of each file that was asked for.
    pub files_asked: Vec<RecordBatch>,
    /// Wall time.
    pub elapsed: Duration,
    /// The results.
    pub out: Location,
}

/// Render the variants that meet the condition, and list their files in `renditions` in place of those
/// they had. A file that is there already is found and not rendered again.
///
/// # Errors
/// `store.read` if there are no results, `query.invalid` for a condition that cannot be
/// understood; what concerns one variant is in the answer.
pub async fn render_chosen(chosen: &RenderChosen) -> Result<Rendered> {
    let remains = Remains::of(Arc::clone(&chosen.config.observer));
    let config = RunConfig { observer: remains.observer(), ..chosen.config.clone() };
    let chosen = RenderChosen { config, ..chosen.clone() };
    remains.named(stoppable(&chosen.config.stop, chosen.run()).await)
}

impl RenderChosen {
    async fn run(&self) -> Result<Rendered> {
        self.config.check()?;
        let mut session = RunSession::for_results(&self.config()).await?;
        self.select(&session.statements).await?;
        session.step(&sql::step("outputs")?).await?;
        check_captions(&session).await?;
        session.render().await?;
        session.step(&sql::step("files")?).await?;
        let rendered = self.rendered(&session).await?;
        session.monitor.ended(if rendered.failures.is_empty() { "ok" } else { "rows_failed" });
        session.write_stats().await?;
        if rendered.rendered > 0 || !rendered.failures.is_empty() {
            commit(&mut session).await?;
        }
        session.close().await;
        Ok(rendered)
    }

    /// The settings, for outputs that are in the results, with sources beside them.
    fn config(&self) -> RunConfig {
        let mut config = self.config.clone();
        config.plan_only = false;
        config.variants.plain_clips = !self.plain_clips_of.is_empty();
        let beside = config.out.clone().absolute().folder();
        config.base.get_or_insert(beside);
        config
    }

    /// `shaped`: the variants that meet the condition. `selected`: all clips, and the files that those
    /// asked for as plain ones are with these settings.
    async fn select(&self, statements: &Statements) -> Result<()> {
        let ctx = &statements.ctx;
        if !self.plain_clips_of.is_empty() {
            let ids = self.plain_clips_of.iter().map(|id| lit(id.as_str())).collect();
            let clips = ctx.table("clips").await.map_err(query_error)?;
            let is_asked = col("request_id").in_list(ids, false);
            let clips = clips.with_column("is_asked", is_asked).map_err(query_error)?;
            ctx.register_table("clips_asked", clips.into_view()).map_err(query_error)?;
            let selected = statements.query(sql::render::SELECTED).await?;
            ctx.deregister_table("selected").map_err(query_error)?;
            ctx.register_table("selected", selected.into_view()).map_err(query_error)?;
        }
        let fault = |e| {
            let error = query_error(e);
            let message = format!(
                "the condition {} cannot be understood: {}",
                self.condition,
                error.message()
            );
            Error::new(ErrorCode::QueryInvalid, message).with_source(error)
        };
        let variants = ctx.table("variants").await.map_err(query_error)?;
        // A column `end` needs no quotes here either.
        let condition =
            variants.parse_sql_expr(&with_quoted_ends(&self.condition)).map_err(fault)?;
        let met = variants.filter(condition).map_err(fault)?;
        ctx.register_table("shaped", met.into_view()).map(|_| ()).map_err(query_error)
    }

    async fn rendered(&self, session: &RunSession) -> Result<Rendered> {
        #[derive(Deserialize)]
        struct Totals {
            variants: u64,
            rendered: u64,
            files: u64,
            seconds: f64,
            bytes: u64,
        }
        let statements = &session.statements;
        let totals: Totals = statements.row(sql::render::TOTALS).await?;
        Ok(Rendered {
            variants: totals.variants,
            rendered: totals.rendered,
            files: totals.files,
            seconds: totals.seconds,
            bytes: totals.bytes,
            failures: statements.rows(sql::render::FAILURES).await?,
            files_asked: statements.collect(sql::render::FILES_ASKED).await?,
            elapsed: session.elapsed(),
            out: self.config.out.clone(),
        })
    }
}

/// Whether what was planned with captions in a text track can be written as the format asked for. A
/// format without a picture needs no captions.
async fn check_captions(session: &RunSession) -> Result<()> {
    #[derive(Deserialize)]
    struct Outputs {
        count: u64,
    }
    let format: Format = session.config.render.encoding.format;
    if format.has_text_track() || !format.has_picture() {
        return Ok(());
    }
    match session.statements.row(sql::render::SOFT_CAPTIONS).await? {
        Outputs { count: 0 } => Ok(()),
        Outputs { count } => Err(Error::new(
            ErrorCode::ConfigInvalid,
            format!(
                "soft captions are planned for {count} of the variants, and {format} has no text track; take mp4 or webm, or choose others"
            ),
        )),
    }
}

/// Put what was rendered (the table `files`) into the results as they stand by now: a shard with all
/// that they say of the requests concerned takes the place of those that said it.
async fn commit(session: &mut RunSession) -> Result<()> {
    let shard = stable_id([Some(format!("{:032x}", fastrand::u128(..)).as_str())]);
    let _lock = session.root.lock().await?;
    loop {
        let dataset = session.root.dataset().await?;
        write_tables(session, &dataset).await?;
        if session.commit(&dataset, &shard).await? {
            return Ok(());
        }
    }
}

/// Write the tables of the shard: for the requests concerned what `dataset` says of them, with the new
/// files.
async fn write_tables(session: &mut RunSession, dataset: &Dataset) -> Result<()> {
    let ctx = query::session(&SessionOptions::default(), None)?;
    from_results::register(&ctx, dataset).await?;
    statements::register(&ctx, "files", &session.statements.file("files")).await?;
    register_view(&ctx, "new_renditions", sql::step("renditions")?.sql).await?;
    for (name, sql) in sql::render::VIEWS {
        register_view(&ctx, name, sql).await?;
    }
    // What this run measured is written already; what others did is taken over.
    for table in TABLES.iter().filter(|table| table.owner != "run_id") {
        let frame = ctx.sql(&rows_of(table)).await.map_err(query_error)?;
        let path = session.statements.file(table.name);
        let entry = statements::write(frame, table.name, path).await?;
        session.writer.add(table.name, entry);
        session.statements.register(table.name).await?;
    }
    Ok(())
}

/// The rows of a table that are about the touched requests, as a query.
fn rows_of(table: &Table) -> String {
    let name = table.name;
    match (name, table.owner) {
        ("renditions", _) => sql::render::RENDITIONS.to_owned(),
        ("variants", _) => sql::render::VARIANTS.to_owned(),
        ("clips", _) => sql::render::CLIPS.to_owned(),
        (_, "source_id") => {
            format!(
                "SELECT * FROM {name} WHERE source_id IN (SELECT source_id FROM touched_sources)"
            )
        }
        _ => format!("SELECT * FROM {name} WHERE request_id IN (SELECT request_id FROM touched)"),
    }
}

impl fmt::Display for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} chosen, {} rendered", plural(self.variants, "variant"), self.rendered)?;
        for failures in &self.failures {
            writeln!(f, "{failures}")?;
        }
        let files = plural(self.files, "media file");
        let megabytes = self.bytes as f64 / 1e6;
        let seconds = self.elapsed.as_secs_f64();
        writeln!(
            f,
            "{files} ({} of video, {megabytes:.1} MB) in {seconds:.1} s",
            clock(self.seconds)
        )?;
        write!(f, "media:  {}", self.out.join("media"))
    }
}
