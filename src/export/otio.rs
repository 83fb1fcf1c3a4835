//! OpenTimelineIO: <https://opentimelineio.readthedocs.io/en/latest/tutorials/otio-serialized-schema.html>.

use serde_json::{Value, json};

use super::cuts::{Piece, Timeline};
use super::rate::Rate;
use crate::error::{Error, ErrorCode, Result};

/// One timeline, or a collection of them.
pub(super) fn text(timelines: &[Timeline]) -> Result<String> {
    let mut all: Vec<Value> = timelines.iter().map(timeline).collect();
    let value = match (all.pop(), all.is_empty()) {
        (Some(only), true) => only,
        (last, _) => {
            all.extend(last);
            json!({
                "OTIO_SCHEMA": "SerializableCollection.1",
                "metadata": {},
                "name": "clipflow",
                "children": all,
            })
        }
    };
    serde_json::to_string_pretty(&value).map(|text| text + "\n").map_err(|e| {
        Error::new(ErrorCode::Internal, format!("the timelines cannot be written ({e})"))
    })
}

fn timeline(timeline: &Timeline) -> Value {
    let track = |kind: &str| {
        let heard = |piece: &&Piece| kind == "Video" || piece.has_sound();
        json!({
            "OTIO_SCHEMA": "Track.1",
            "metadata": {},
            "name": kind,
            "kind": kind,
            "source_range": null,
            "effects": [],
            "markers": [],
            "children": timeline.pieces.iter().filter(heard).map(|p| clip(p, kind == "Video")).collect::<Vec<_>>(),
        })
    };
    let has_sound = timeline.pieces.iter().all(Piece::has_sound);
    let tracks: Vec<Value> =
        ["Video"].into_iter().chain(has_sound.then_some("Audio")).map(track).collect();
    json!({
        "OTIO_SCHEMA": "Timeline.1",
        "metadata": {},
        "name": timeline.name,
        "global_start_time": null,
        "tracks": {
            "OTIO_SCHEMA": "Stack.1",
            "metadata": {},
            "name": "tracks",
            "source_range": null,
            "effects": [],
            "markers": [],
            "children": tracks,
        },
    })
}

fn time(rate: Rate, frames: i64) -> Value {
    json!({"OTIO_SCHEMA": "RationalTime.1", "rate": rate.fps(), "value": frames as f64})
}

fn range(rate: Rate, from: i64, frames: i64) -> Value {
    json!({
        "OTIO_SCHEMA": "TimeRange.1",
        "start_time": time(rate, from),
        "duration": time(rate, frames),
    })
}

fn clip(piece: &Piece, is_marked: bool) -> Value {
    let mut markers = vec![];
    if is_marked {
        markers.push(marker(piece, "PINK", (piece.from, 1), &piece.remark()));
        for line in &piece.lines {
            markers.push(marker(piece, "CYAN", (line.from, line.frames), &line.text));
        }
    }
    let effects = match piece.is_retimed() {
        false => vec![],
        true => vec![json!({
            "OTIO_SCHEMA": "LinearTimeWarp.1",
            "metadata": {},
            "name": "speed",
            "effect_name": "LinearTimeWarp",
            "time_scalar": piece.speed,
        })],
    };
    json!({
        "OTIO_SCHEMA": "Clip.2",
        "metadata": {"clipflow": {
            "clip_id": piece.clip_id,
            "variant_id": piece.variant_id,
            "clip_rank": piece.clip_rank,
            "start": piece.start,
            "end": piece.end,
            "score": piece.score,
            "title": piece.title,
            "reason": piece.reason,
        }},
        "name": piece.name,
        "source_range": range(piece.rate, piece.from, piece.played()),
        "effects": effects,
        "markers": markers,
        "active_media_reference_key": "DEFAULT_MEDIA",
        "media_references": {"DEFAULT_MEDIA": {
            "OTIO_SCHEMA": "ExternalReference.1",
            "metadata": {},
            "name": piece.file_name(),
            "available_range": range(piece.rate, 0, piece.source_frames),
            "target_url": piece.url(),
        }},
    })
}

fn marker(piece: &Piece, color: &str, (from, frames): (i64, i64), text: &str) -> Value {
    json!({
        "OTIO_SCHEMA": "Marker.2",
        "metadata": {},
        "name": text,
        "comment": text,
        "color": color,
        "marked_range": range(piece.rate, from, frames),
    })
}
