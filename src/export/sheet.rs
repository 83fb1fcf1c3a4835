//! A row a piece.

use super::cuts::Timeline;
use crate::error::{Error, ErrorCode, Result};

const HEADER: [&str; 17] = [
    "timeline",
    "piece",
    "name",
    "file",
    "in",
    "out",
    "in_frame",
    "out_frame",
    "rate",
    "start",
    "end",
    "speed",
    "score",
    "reason",
    "title",
    "clip_id",
    "variant_id",
];

/// In and out are time codes at the source's rate; out is the frame after the last.
pub(super) fn text(timelines: &[Timeline]) -> Result<String> {
    let fault =
        |e: String| Error::new(ErrorCode::Internal, format!("the rows cannot be written ({e})"));
    let mut writer = csv::Writer::from_writer(vec![]);
    writer.write_record(HEADER).map_err(|e| fault(e.to_string()))?;
    for timeline in timelines {
        for (n, piece) in timeline.pieces.iter().enumerate() {
            let row = [
                timeline.name.clone(),
                (n + 1).to_string(),
                piece.name.clone(),
                piece.location.clone(),
                piece.rate.timecode(piece.from),
                piece.rate.timecode(piece.until),
                piece.from.to_string(),
                piece.until.to_string(),
                format!("{:.3}", piece.rate.fps()),
                piece.start.to_string(),
                piece.end.to_string(),
                piece.speed.to_string(),
                piece.score.to_string(),
                piece.reason.clone().unwrap_or_default(),
                piece.title.clone().unwrap_or_default(),
                piece.clip_id.clone(),
                piece.variant_id.clone().unwrap_or_default(),
            ];
            writer.write_record(&row).map_err(|e| fault(e.to_string()))?;
        }
    }
    let bytes = writer.into_inner().map_err(|e| fault(e.to_string()))?;
    String::from_utf8(bytes).map_err(|e| fault(e.to_string()))
}
