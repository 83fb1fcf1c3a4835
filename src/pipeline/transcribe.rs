//! The transcripts of sources that have no captions in the language asked for.

use super::session::RunSession;
use super::statements;
use crate::error::Result;
use crate::query::results::register_view;
use crate::query::sql;

/// Add transcripts to the table `analysis`, if a transcriber is named. A source that cannot be transcribed keeps the captions
/// that it has; what went wrong stands in `sources`.
///
/// # Errors
/// Those of the statements.
pub(super) async fn run(session: &mut RunSession) -> Result<()> {
    if session.config.transcription()?.is_none() {
        return Ok(());
    }
    let sources = session.statements.run(&sql::UNTRANSCRIBED).await?.rows;
    if sources == 0 {
        return Ok(());
    }
    session.media_stage("transcribe", &sql::TRANSCRIBED, sources).await?;
    let (ctx, analysed) = (&session.statements.ctx, session.statements.file("analysis"));
    statements::register(ctx, "analysed", &analysed).await?;
    register_view(ctx, "analysis", &sql::with_transcripts()).await
}
