//! `clipflow shots` and `clipflow signals`.

use std::path::PathBuf;
use std::sync::Arc;

use super::args::VideoArgs;
use super::{OK, print};
use crate::config::ParallelConfig;
use crate::error::Result;
use crate::exec::backend::AsyncBackend;
use crate::exec::{MediaRuntime, MediaRuntimeConfig};
use crate::media::MediaTools;
use crate::query::{SessionOptions, query_error, session};
use crate::resilience::Resilience;
use crate::source::Sources;
use crate::telemetry::Silent;

pub(super) async fn shots(args: VideoArgs) -> Result<u8> {
    print_table(args, r#"SELECT start, "end", transition, score"#, "shots", "start").await
}

pub(super) async fn signals(args: VideoArgs) -> Result<u8> {
    print_table(args, "SELECT *", "signals", "t").await
}

async fn print_table(args: VideoArgs, select: &str, function: &str, order: &str) -> Result<u8> {
    let options = SessionOptions { base: ".".into(), ..SessionOptions::default() };
    let ctx = session(&options, Some(Arc::new(runtime()?)))?;
    let video = args.video.to_string_lossy().replace('\'', "''");
    let sql = format!("{select} FROM {function}('{video}') ORDER BY {order}");
    let stream =
        ctx.sql(&sql).await.map_err(query_error)?.execute_stream().await.map_err(query_error)?;
    print::rows(stream, &args.output).await?;
    Ok(OK)
}

/// A path that somebody typed is one they may read: every file is allowed.
pub(super) fn runtime() -> Result<MediaRuntime> {
    let config = ParallelConfig::default();
    let resilience = Resilience::new(&config);
    Ok(MediaRuntime::new(MediaRuntimeConfig {
        tools: MediaTools::find()?,
        sources: Sources::standard([PathBuf::from("/")], &config, &resilience.hosts),
        media_dir: std::env::temp_dir(),
        backend: Arc::new(AsyncBackend::new(1)),
        resilience,
        observer: Arc::new(Silent),
    }))
}
