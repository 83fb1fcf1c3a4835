//! Chapters of each source, as descriptions of videos have them: a time and a title a line, from 0:00 on.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::cuts::{Piece, Timeline};

/// A block for each source, headed by its file where there are several.
pub(super) fn text(timelines: &[Timeline]) -> String {
    let mut sources: BTreeMap<&str, Vec<&Piece>> = BTreeMap::new();
    for piece in timelines.iter().flat_map(|timeline| &timeline.pieces) {
        sources.entry(&piece.location).or_default().push(piece);
    }
    let has_several = sources.len() > 1;
    let mut text = String::new();
    for (location, mut pieces) in sources {
        pieces.sort_by(|a, b| a.start.total_cmp(&b.start));
        pieces.dedup_by_key(|piece| piece.start.to_bits());
        if has_several {
            let _ = writeln!(text, "{}# {location}", if text.is_empty() { "" } else { "\n" });
        }
        // The first chapter of a list begins with the video.
        if pieces.first().is_some_and(|piece| piece.start >= 1.0) {
            let _ = writeln!(text, "0:00 Start");
        }
        for piece in pieces {
            let _ = writeln!(text, "{} {}", clock(piece.start), piece.name);
        }
    }
    text
}

fn clock(seconds: f64) -> String {
    let whole = seconds.max(0.0).floor() as u64;
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}
