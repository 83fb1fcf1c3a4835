//! The faces in the chosen clips, by which windows are framed.

use serde::Deserialize;

use super::amounts::plural;
use super::face_lists::{with_detector, without_detector};
use super::session::RunSession;
use crate::error::Result;
use crate::query::sql;
use crate::telemetry::Event;

/// Make the table `face_lists`: the faces of each source in its chosen clips; empty without a detector, or where no
/// variants are asked for. A source in which they cannot be looked for is told of, and has none.
///
/// # Errors
/// Those of the statements.
pub(super) async fn run(session: &mut RunSession) -> Result<()> {
    #[derive(Deserialize)]
    struct Count {
        sources: u64,
    }
    if session.config.faces()?.is_none() || session.config.variants.count == 0 {
        return without_detector(&session.statements.ctx);
    }
    let counted = "SELECT count(DISTINCT source_id) AS sources FROM selected";
    let Count { sources } = session.statements.row(counted).await?;
    session.media_stage("track_faces", &sql::TRACKED, sources).await?;
    tell_failures(session).await?;
    with_detector(&session.statements.ctx).await
}

/// Tell the observer of sources in which no faces could be looked for.
async fn tell_failures(session: &RunSession) -> Result<()> {
    #[derive(Deserialize)]
    struct DetectionFailure {
        location: String,
        error_message: Option<String>,
    }
    let failed = "SELECT location, error_message FROM tracked WHERE error_code IS NOT NULL ORDER BY location";
    let failures: Vec<DetectionFailure> = session.statements.rows(failed).await?;
    let Some(DetectionFailure { location, error_message }) = failures.first() else {
        return Ok(());
    };
    let which = match failures.len() {
        1 => format!("of {location}"),
        n => format!("of {}, e.g. {location},", plural(n as u64, "source")),
    };
    let cause = error_message.as_deref().unwrap_or("an unknown error");
    let sentence = format!(
        "the faces {which} could not be looked for ({cause}); windows follow what draws the eye there"
    );
    session.config.observer.event(&Event::Note { sentence: &sentence });
    Ok(())
}
