//! Requests whose times count frames: what they are in seconds, once the rate of their source is known.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use futures::{StreamExt, stream};
use serde::Deserialize;

use super::session::RunSession;
use super::statements;
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::frame_timecode::FrameTimecode;
use crate::media;
use crate::query::{query_error, sql};
use crate::store::cannot_write;

/// The times of a request, in the order in which the table `checked` joins them.
const TIMES: [&str; 4] = ["start", "end", "within_start", "within_end"];

/// Sources that are probed at a time.
const SOURCES_AT_A_TIME: usize = 4;

/// Times of requests of one source, joined by `|`; those that count no frames are empty.
#[derive(Debug, Clone, Deserialize)]
struct FrameTimes {
    location: String,
    timecodes: String,
}

/// The same in seconds.
type TimesInSeconds = [Option<f64>; 4];

/// Give requests of the table `checked` whose times count frames the seconds that these are in their source.
///
/// # Errors
/// Those of the statements, and `cancelled`. What concerns one source or one time is the error of its requests.
pub(super) async fn settle(session: &RunSession) -> Result<()> {
    let wanted: Vec<FrameTimes> = session.statements.rows(sql::FRAME_TIMES).await?;
    if wanted.is_empty() {
        return Ok(());
    }
    let sources: Vec<Vec<FrameTimes>> =
        wanted.chunk_by(|a, b| a.location == b.location).map(<[FrameTimes]>::to_vec).collect();
    let found: Vec<Vec<(FrameTimes, Result<TimesInSeconds>)>> = stream::iter(sources)
        .map(|times| in_seconds(session, times))
        .buffered(SOURCES_AT_A_TIME)
        .collect()
        .await;
    session.config.stop.check()?;
    let rows: Vec<_> = found.into_iter().flatten().collect();
    let ctx = &session.statements.ctx;
    ctx.register_batch("frame_times", batch(&rows)?).map_err(query_error)?;
    let frame = session.statements.query(sql::TIMED_REQUESTS).await?;
    let written = session.statements.folder.join("checked-timed.parquet");
    statements::write(frame, "checked", written.clone()).await?;
    let target = session.statements.file("checked");
    std::fs::rename(&written, &target).map_err(|e| cannot_write(&target, e))?;
    session.statements.register("checked").await
}

/// The times of the requests of one source.
async fn in_seconds(
    session: &RunSession,
    times: Vec<FrameTimes>,
) -> Vec<(FrameTimes, Result<TimesInSeconds>)> {
    let location = times.first().map(|times| times.location.clone()).unwrap_or_default();
    match frame_rate(session, &location).await {
        Ok(fps) => times
            .into_iter()
            .map(|times| {
                let seconds = of_texts(&times.timecodes, fps);
                (times, seconds)
            })
            .collect(),
        Err(error) => {
            let same = || Error::new(error.code(), error.message());
            times.into_iter().map(|times| (times, Err(same()))).collect()
        }
    }
}

/// The frame rate by which a source counts; 0 if it has no picture.
async fn frame_rate(session: &RunSession, location: &str) -> Result<f64> {
    let (runtime, config) = (&session.runtime, &session.config);
    let copy = runtime.sources.open(location).await?;
    let (tools, limits) = (runtime.tools.clone(), config.analyze.limits.clone());
    let (path, stop) = (copy.path.clone(), config.stop.clone());
    let probed = tokio::task::spawn_blocking(move || media::probe(&tools, &path, &limits, &stop));
    let probe = probed.await.map_err(|e| {
        let message = format!("the frame rate could not be told ({e}); report this");
        Error::new(ErrorCode::Internal, message)
    })??;
    Ok(FrameTimecode::rate_of(probe.video.average_fps, probe.video.nominal_fps))
}

/// The seconds of joined times in a source of so many frames a second.
///
/// # Errors
/// `invalid_request.bad_value` with the first time that the source does not have.
fn of_texts(joined: &str, fps: f64) -> Result<TimesInSeconds> {
    let mut seconds = TimesInSeconds::default();
    for ((text, name), seconds) in joined.split('|').zip(TIMES).zip(&mut seconds) {
        let Some(time) = FrameTimecode::parse(text) else { continue };
        let known = time.seconds_at(fps).map_err(|sentence| {
            Error::new(ErrorCode::InvalidRequestBadValue, format!("{name} {sentence}"))
        })?;
        *seconds = Some(known);
    }
    Ok(seconds)
}

/// The table `frame_times`.
fn batch(rows: &[(FrameTimes, Result<TimesInSeconds>)]) -> Result<RecordBatch> {
    let text = |cells: Vec<Option<&str>>| Arc::new(StringArray::from(cells)) as ArrayRef;
    let fault = |of: fn(&Error) -> &str| {
        text(rows.iter().map(|(_, seconds)| seconds.as_ref().err().map(of)).collect())
    };
    let mut columns = vec![
        ("location", text(rows.iter().map(|(times, _)| Some(times.location.as_str())).collect())),
        ("timecodes", text(rows.iter().map(|(times, _)| Some(times.timecodes.as_str())).collect())),
        ("error_code", fault(|error| error.code().as_str())),
        ("error_message", fault(Error::message)),
    ];
    for (place, name) in TIMES.into_iter().enumerate() {
        let cells = rows.iter().map(|(_, seconds)| seconds.as_ref().ok()?[place]);
        columns.push((name, Arc::new(cells.collect::<Float64Array>()) as ArrayRef));
    }
    let columns = columns.into_iter().map(|(name, column)| (name, column, true));
    RecordBatch::try_from_iter_with_nullable(columns)
        .map_err(|e| Error::new(ErrorCode::Internal, format!("the times are no table ({e})")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn joined_times_are_told_apart() {
        assert_eq!(
            of_texts("|0:00:02:05|0:00:01:00|", 25.0).unwrap(),
            [None, Some(2.2), Some(1.0), None]
        );
        let error = of_texts("0:00:01:30|||", 25.0).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidRequestBadValue);
        assert!(error.message().starts_with("start 00:00:01:30 has the frame 30, but"), "{error}");
    }
}
