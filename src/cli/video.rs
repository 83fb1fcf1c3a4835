//! `clipflow shots` and `clipflow signals`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::args::VideoArgs;
use super::{OK, print};
use crate::error::Result;
use crate::exec::backend::AsyncBackend;
use crate::exec::{MediaRuntime, MediaRuntimeConfig};
use crate::media::MediaTools;
use crate::query::{SessionOptions, query_error, session};
use crate::source::{LocalFiles, Sources};
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
    let video = absolute(&args.video).to_string_lossy().replace('\'', "''");
    let sql = format!("{select} FROM {function}('{video}') ORDER BY {order}");
    let stream =
        ctx.sql(&sql).await.map_err(query_error)?.execute_stream().await.map_err(query_error)?;
    print::rows(stream, &args.output).await?;
    Ok(OK)
}

/// A path that somebody typed is one they may read: every file is allowed.
pub(super) fn runtime() -> Result<MediaRuntime> {
    Ok(MediaRuntime::new(MediaRuntimeConfig {
        tools: MediaTools::find()?,
        sources: Sources::new(vec![Box::new(LocalFiles::new([PathBuf::from("/")]))]),
        media_dir: std::env::temp_dir(),
        backend: Arc::new(AsyncBackend::new(1)),
        observer: Arc::new(Silent),
    }))
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}
