//! `clipflow shots` and `clipflow signals`.

use super::args::VideoArgs;
use super::{OK, print};
use crate::error::Result;
use crate::query::{SessionOptions, query_error, session};

pub(super) async fn shots(args: VideoArgs) -> Result<u8> {
    print_table(args, r#"SELECT start, "end", transition, score"#, "shots", "start").await
}

pub(super) async fn signals(args: VideoArgs) -> Result<u8> {
    print_table(args, "SELECT *", "signals", "t").await
}

async fn print_table(args: VideoArgs, select: &str, function: &str, order: &str) -> Result<u8> {
    let options = SessionOptions { base: ".".into(), ..SessionOptions::default() };
    let ctx = session(&options, None)?;
    let video = args.video.to_string_lossy().replace('\'', "''");
    let sql = format!("{select} FROM {function}('{video}') ORDER BY {order}");
    let stream =
        ctx.sql(&sql).await.map_err(query_error)?.execute_stream().await.map_err(query_error)?;
    print::rows(stream, &args.output).await?;
    Ok(OK)
}
