//! Rendering of variants that stand in the results: planned ones, or a choice of them in another format.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use datafusion::prelude::{SessionContext, col, lit};

use super::publish::Publisher;
use super::run::{CancelOnDrop, render_outputs, run_step, stoppable};
use super::summary::{self, clock, plural};
use super::{Engine, RunConfig, from_results, merge, steps};
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::ids::stable_id;
use crate::location::Location;
use crate::media::{Format, MediaTools};
use crate::model::table::TABLES;
use crate::query::results::{register_store, register_view};
use crate::query::sql;
use crate::query::{query_error, register_media_relations, session};
use crate::store::{Dataset, DatasetRoot, ShardWriter};

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
    /// What went wrong: code, variants, one example's sentence.
    pub failures: Vec<(String, u64, String)>,
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
    stoppable(&chosen.config.stop, chosen.run()).await
}

impl RenderChosen {
    async fn run(&self) -> Result<Rendered> {
        self.config.check()?;
        let config = self.config();
        let started = Instant::now();
        let tools = MediaTools::find()?;
        let config = config.decided(&tools).await?;
        let place = config.place(&config.resilience())?;
        let dataset = place.existing().await?;
        place.prepare().await?;
        let mut writer = place.begin(&config.work_dir(), analysis_of(&dataset))?;
        let engine = Engine::with(&config, tools, &place)?;
        let runtime = Arc::new(engine.for_run(place.media_dir(&writer), &config.stop));
        let cancel = CancelOnDrop(Arc::clone(&runtime));
        let ctx = session(&config.session_options(), Some(Arc::clone(&runtime)))?;
        register_store(&ctx.runtime_env(), &place);
        register_media_relations(&ctx, &config.session_options())?;
        from_results::register(&ctx, &dataset).await?;
        self.choose(&ctx, &config).await?;
        let parameters = config.parameters();
        run_step(&ctx, &sql::step("outputs")?, &parameters, &mut writer).await?;
        check_captions(&ctx, config.render.encoding.format).await?;
        let publisher = Publisher::new(&place, place.media_dir(&writer), &config.render);
        render_outputs(&ctx, &parameters, &writer, &runtime, &publisher).await?;
        run_step(&ctx, &sql::step("files")?, &parameters, &mut writer).await?;
        let rendered = self.rendered(&ctx, started).await?;
        if rendered.rendered > 0 || !rendered.failures.is_empty() {
            commit(&place, &ctx, &mut writer).await?;
        }
        engine.runs_are_done().await;
        drop(cancel);
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
    async fn choose(&self, ctx: &SessionContext, config: &RunConfig) -> Result<()> {
        if config.variants.plain_clips {
            let ids = self.plain_clips_of.iter().map(|id| lit(id.as_str())).collect();
            let clips = ctx.table("clips").await.map_err(query_error)?;
            let is_asked = col("request_id").in_list(ids, false);
            let clips = clips.with_column("is_asked", is_asked).map_err(query_error)?;
            ctx.register_table("clips_asked", clips.into_view()).map_err(query_error)?;
            let settings = config.render_settings().replace('\'', "''");
            // The others stay, for their variants: they are no files of their own.
            let sql = format!(
                r#"SELECT * EXCEPT (media_id, is_asked), CASE WHEN is_asked THEN
                       stable_id(source_id, start, "end", '{settings}') END AS media_id FROM clips_asked"#
            );
            register_view(ctx, "selected", &sql).await?;
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
        let condition = variants.parse_sql_expr(&self.condition).map_err(fault)?;
        let met = variants.filter(condition).map_err(fault)?;
        ctx.register_table("shaped", met.into_view()).map(|_| ()).map_err(query_error)
    }

    async fn rendered(&self, ctx: &SessionContext, started: Instant) -> Result<Rendered> {
        let totals = summary::numbers(
            ctx,
            "WITH media AS (
                 SELECT DISTINCT facts['rendition_id'] AS id, facts['duration'] AS seconds, facts['bytes'] AS bytes
                 FROM files WHERE error_code IS NULL AND facts IS NOT NULL)
             SELECT * FROM (SELECT count(*), count(facts) FILTER (WHERE error_code IS NULL) FROM files)
                 CROSS JOIN (SELECT count(*) AS media, coalesce(sum(seconds), 0), coalesce(sum(bytes), 0) FROM media)",
        )
        .await?;
        let total = |i: usize| totals.get(i).copied().unwrap_or(0.0);
        let failures = summary::counted(
            ctx,
            "SELECT error_code, CAST(count(*) AS VARCHAR), min(error_message) FROM files
             WHERE error_code IS NOT NULL GROUP BY error_code ORDER BY count(*) DESC, error_code",
        )
        .await?;
        let files_asked = summary::collect(
            ctx,
            "SELECT request_id, clip_id, variant_id, facts['container'] AS container, facts['bytes'] AS bytes,
                 coalesce(uri, 'media/' || facts['rendition_id'] || '.' || facts['container']) AS uri,
                 error_code, error_message
             FROM files ORDER BY request_id, clip_rank, variant_rank",
        )
        .await?;
        Ok(Rendered {
            files_asked,
            variants: total(0) as u64,
            rendered: total(1) as u64,
            files: total(2) as u64,
            seconds: total(3),
            bytes: total(4) as u64,
            failures,
            elapsed: started.elapsed(),
            out: self.config.out.clone(),
        })
    }
}

/// Whether what was planned with captions in a text track can be written as `format`: sound alone needs none.
async fn check_captions(ctx: &SessionContext, format: Format) -> Result<()> {
    if format.has_text_track() || !format.has_picture() {
        return Ok(());
    }
    let counts =
        summary::numbers(ctx, "SELECT count(*) FROM outputs WHERE edit['caption_mode'] = 'soft'");
    match counts.await?.first() {
        Some(count) if *count > 0.0 => Err(Error::new(
            ErrorCode::ConfigInvalid,
            format!(
                "soft captions are planned for {count} of the variants, and {format} has no text track; take mp4 or webm, or choose others"
            ),
        )),
        _ => Ok(()),
    }
}

/// How the sources of the results were analysed, if all were in one way.
fn analysis_of(dataset: &Dataset) -> String {
    let mut ways: Vec<&str> =
        dataset.shards().iter().map(|shard| shard.analysis.as_str()).collect();
    ways.sort_unstable();
    ways.dedup();
    match ways.as_slice() {
        [one] => (*one).to_owned(),
        several => stable_id(several.iter().map(|way| Some(*way))),
    }
}

/// Put what was rendered (`files` of `ctx`) into the results as they stand by now: a shard with all
/// that they say of the requests concerned takes the place of those that said it.
async fn commit(place: &DatasetRoot, ctx: &SessionContext, writer: &mut ShardWriter) -> Result<()> {
    let files = writer.staging().join("files.parquet");
    let shard = stable_id([Some(format!("{:032x}", fastrand::u128(..)).as_str())]);
    let _lock = place.lock().await?;
    loop {
        let dataset = place.dataset().await?;
        let reader = session(&crate::query::SessionOptions::default(), None)?;
        from_results::register(&reader, &dataset).await?;
        steps::register(&reader, "files", &files).await?;
        for (name, sql) in own_tables()? {
            let frame = reader.sql(&sql).await.map_err(query_error)?;
            let path = writer.staging().join(format!("{name}.parquet"));
            let entry = steps::write(frame, name, path.clone()).await?;
            writer.add(name, entry);
            steps::register(ctx, name, &path).await?;
        }
        merge::take_over(ctx, &dataset, writer).await?;
        if let Some(manifest) = place.commit(&dataset, writer, &shard).await? {
            place.remove_replaced(&dataset, &manifest).await;
            return Ok(());
        }
        merge::forget(ctx, writer).await?;
    }
}

/// For each table the rows of the requests whose variants were rendered or could not be, as a query.
fn own_tables() -> Result<Vec<(&'static str, String)>> {
    let requests = "SELECT request_id FROM files
        WHERE CASE WHEN error_code IS NULL THEN facts IS NOT NULL ELSE variant_id IS NOT NULL END";
    let rendered = "SELECT coalesce(variant_id, clip_id) AS id FROM files WHERE error_code IS NULL AND facts IS NOT NULL";
    let failed =
        "SELECT variant_id AS id, min(error_code) AS code, min(error_message) AS message FROM files
        WHERE error_code IS NOT NULL AND variant_id NOT IN (
            SELECT variant_id FROM renditions WHERE variant_id IS NOT NULL)
        GROUP BY variant_id";
    let new = sql::step("renditions")?.sql;
    let all = TABLES.iter().map(|table| {
        let name = table.name;
        let sql = match (name, table.owner) {
            // A request that was asked again in the meantime may have other variants.
            ("renditions", _) => format!(
                "SELECT * FROM ({new}) WHERE coalesce(variant_id, clip_id) IN (
                     SELECT variant_id FROM variants UNION ALL SELECT clip_id FROM clips) UNION ALL BY NAME
                 SELECT * FROM renditions WHERE request_id IN ({requests})
                     AND coalesce(variant_id, clip_id) NOT IN ({rendered})"
            ),
            // One that has a file of before keeps it, whatever became of the new one.
            ("variants", _) => format!(
                "SELECT v.* EXCEPT (error_code, error_message),
                     CASE WHEN d.id IS NULL THEN coalesce(f.code, v.error_code) END AS error_code,
                     CASE WHEN d.id IS NULL THEN coalesce(f.message, v.error_message) END AS error_message
                 FROM variants v LEFT JOIN (SELECT DISTINCT id FROM ({rendered})) d ON d.id = v.variant_id
                     LEFT JOIN ({failed}) f ON f.id = v.variant_id
                 WHERE v.request_id IN ({requests})"
            ),
            // The file that a clip is now.
            ("clips", _) => format!(
                "SELECT c.* REPLACE (coalesce(f.media_id, c.media_id) AS media_id)
                 FROM clips c LEFT JOIN (
                     SELECT DISTINCT clip_id, facts['rendition_id'] AS media_id FROM files
                     WHERE variant_id IS NULL AND error_code IS NULL AND facts IS NOT NULL
                 ) f ON f.clip_id = c.clip_id
                 WHERE c.request_id IN ({requests})"
            ),
            (_, "source_id") => format!(
                "SELECT * FROM {name} WHERE source_id IN (
                     SELECT source_id FROM outcomes WHERE request_id IN ({requests}))"
            ),
            _ => format!("SELECT * FROM {name} WHERE request_id IN ({requests})"),
        };
        (name, sql)
    });
    Ok(all.collect())
}

impl fmt::Display for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} chosen, {} rendered", plural(self.variants, "variant"), self.rendered)?;
        for (code, count, example) in &self.failures {
            writeln!(f, "  {count:>5} × {code}  e.g. {example}")?;
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
