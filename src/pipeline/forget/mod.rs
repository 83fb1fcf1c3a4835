//! Removes requests from a results dataset, with everything that was made for them alone.
//!
//! One commit takes the place of the shards that hold rows of the requests, so that readers see all of them
//! or none. Media files go after it, and only those that no other request uses.

mod left_over;
mod rewrite;

use std::fmt;

use datafusion::prelude::{SessionContext, col, lit};
use serde::Deserialize;

pub use left_over::LeftOver;
pub(super) use left_over::{LeftOverRequests, find};

use super::RunConfig;
use super::amounts::plural;
use super::monitor::remove_rows;
use super::posts;
use crate::error::{Error, ErrorCode, Result};
use crate::location::Location;
use crate::query::results::{register_dataset, register_view};
use crate::query::rows::{row, rows};
use crate::query::{SessionOptions, query_error, session, sql};
use crate::store::{Dataset, DatasetRoot};

/// What was removed from a results dataset, or would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forgotten {
    /// Requests.
    pub requests: u64,
    /// Their clips.
    pub clips: u64,
    /// The variants of those.
    pub variants: u64,
    /// Sources that no other request names.
    pub sources: u64,
    /// Media files that no other request uses.
    pub files: u64,
    /// Their size in bytes.
    pub bytes: u64,
    /// Whether it was only counted.
    pub is_dry: bool,
    /// The results.
    pub out: Location,
}

impl fmt::Display for Forgotten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.requests == 0 {
            return write!(f, "nothing to forget: {} has no such request", self.out);
        }
        write!(
            f,
            "{} {} with {}, {}, {} of no other request and {} ({:.1} MB) in {}",
            if self.is_dry { "would forget" } else { "forgot" },
            plural(self.requests, "request"),
            plural(self.clips, "clip"),
            plural(self.variants, "variant"),
            plural(self.sources, "source"),
            plural(self.files, "media file"),
            self.bytes as f64 / 1e6,
            self.out,
        )
    }
}

/// Removes the requests that meet `condition`, SQL over the columns of `requests`, from the results of
/// `config`: their rows in every table, the sources that no other request names, the media files that no
/// other request uses, and the names of those in the folder `posts`. With `is_dry` it only counts them.
///
/// Readers see the results as they were before or as they are after it. Media files that a run under way may
/// count on are not removed under it: while one writes to the same folder, this is refused. (Runs into an
/// object store cannot be seen from here: start this when none is under way.)
///
/// # Errors
/// `store.read` if there are no results, `query.invalid` for a condition that cannot be understood,
/// `store.write` if they cannot be written, or a run is under way.
pub async fn forget(config: &RunConfig, condition: &str, is_dry: bool) -> Result<Forgotten> {
    Removal::new(config)?.remove(&Which::Condition(condition), None, is_dry).await
}

/// Removes these requests, except those that another file has by now; the shard that is left has the id
/// `shard`, of the run that found them left over.
pub(super) async fn prune(
    config: &RunConfig,
    left_over: &LeftOverRequests,
    shard: &str,
) -> Result<Forgotten> {
    Removal::new(config)?.remove(&Which::LeftOver(left_over), Some(shard), false).await
}

/// The requests to remove.
enum Which<'a> {
    Condition(&'a str),
    LeftOver(&'a LeftOverRequests),
}

/// A removal from one dataset.
struct Removal<'a> {
    config: &'a RunConfig,
    root: DatasetRoot,
}

/// A media file to remove.
#[derive(Debug, Deserialize)]
struct DoomedFile {
    uri: String,
}

impl<'a> Removal<'a> {
    fn new(config: &'a RunConfig) -> Result<Self> {
        Ok(Self { config, root: config.place(&config.resilience())? })
    }

    async fn remove(
        &self,
        which: &Which<'_>,
        shard: Option<&str>,
        is_dry: bool,
    ) -> Result<Forgotten> {
        // Results that do not exist are not created for their lock.
        self.root.existing().await?;
        let _lock = if is_dry { None } else { self.root.lock().await? };
        loop {
            let dataset = self.root.existing().await?;
            let ctx = self.session(&dataset, which).await?;
            let forgotten = self.totals(&ctx, is_dry).await?;
            if is_dry || forgotten.requests == 0 {
                return Ok(forgotten);
            }
            self.check_idle()?;
            let query = ctx.sql("SELECT uri FROM doomed_files").await.map_err(query_error)?;
            let files: Vec<DoomedFile> = rows(query).await?;
            if !rewrite::commit(&self.root, self.config, &ctx, &dataset, shard).await? {
                continue;
            }
            let uris: Vec<String> = files.into_iter().map(|file| file.uri).collect();
            if let DatasetRoot::Folder(folder) = &self.root {
                remove_rows(folder);
            }
            self.root.remove_media(&uris).await?;
            posts::refresh(self.config).await?;
            return Ok(forgotten);
        }
    }

    /// A session with the dataset, and what is to go as the tables `doomed`, `doomed_sources` and
    /// `doomed_files`.
    async fn session(&self, dataset: &Dataset, which: &Which<'_>) -> Result<SessionContext> {
        let ctx = session(&options(self.config), None)?;
        register_dataset(&ctx, dataset).await?;
        let requests = ctx.table("requests").await.map_err(query_error)?;
        let chosen = match which {
            Which::Condition(condition) => {
                let fault = |e| not_understood(condition, query_error(e));
                let condition = requests.parse_sql_expr(condition).map_err(fault)?;
                requests.filter(condition).map_err(fault)?
            }
            Which::LeftOver(LeftOverRequests { ids, file, .. }) => {
                let ids = rewrite::batch_of("request_id", ids.clone())?;
                ctx.register_batch("left_over", ids).map_err(query_error)?;
                let sql = "SELECT r.request_id FROM of_file r LEFT SEMI JOIN left_over l ON l.request_id = r.request_id";
                let of_file = requests.filter(col("request_file").eq(lit(file.as_str())));
                let of_file = of_file.map_err(query_error)?.into_view();
                ctx.register_table("of_file", of_file).map_err(query_error)?;
                ctx.sql(sql).await.map_err(query_error)?
            }
        };
        let chosen = chosen.select(vec![col("request_id")]).and_then(|f| f.distinct());
        let chosen = chosen.map_err(query_error)?.cache().await.map_err(query_error)?;
        ctx.register_table("doomed", chosen.into_view()).map_err(query_error)?;
        register_view(&ctx, "doomed_sources", sql::forget::DOOMED_SOURCES).await?;
        register_view(&ctx, "doomed_files", sql::forget::DOOMED_FILES).await?;
        Ok(ctx)
    }

    async fn totals(&self, ctx: &SessionContext, is_dry: bool) -> Result<Forgotten> {
        #[derive(Deserialize)]
        struct Totals {
            requests: u64,
            clips: u64,
            variants: u64,
            sources: u64,
            files: u64,
            bytes: u64,
        }
        let Totals { requests, clips, variants, sources, files, bytes } =
            row(ctx.sql(sql::forget::TOTALS).await.map_err(query_error)?).await?;
        let out = self.config.out.clone();
        Ok(Forgotten { requests, clips, variants, sources, files, bytes, is_dry, out })
    }

    /// # Errors
    /// `store.write` while a run writes to the folder: it may count on media files that exist.
    fn check_idle(&self) -> Result<()> {
        if !self.root.is_written_to() {
            return Ok(());
        }
        let out = &self.config.out;
        let message = format!(
            "a run is writing to {out}, and may use the files that would be removed; repeat this when it has ended"
        );
        Err(Error::new(ErrorCode::StoreWrite, message))
    }
}

/// A session that keeps the order of rows.
fn options(config: &RunConfig) -> SessionOptions {
    let parallel = config.parallel.clone();
    SessionOptions { parallel, partitions: 1, ..SessionOptions::default() }
}

fn not_understood(condition: &str, cause: Error) -> Error {
    let message = format!(
        "the condition {condition} cannot be understood: {}; it is SQL over the columns of requests, as after WHERE",
        cause.message()
    );
    Error::new(ErrorCode::QueryInvalid, message).with_source(cause)
}
