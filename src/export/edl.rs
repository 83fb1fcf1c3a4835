//! Edit decision lists as CMX 3600 has them: one track, one frame rate, time codes that count every frame.

use std::fmt::Write as _;

use super::cuts::{Piece, Timeline};
use crate::error::{Error, ErrorCode, Result};

/// Frames of the list begin at one hour, as is usual.
const FIRST_HOUR: i64 = 3600;

/// All timelines one after the other.
///
/// # Errors
/// `config.invalid` if the sources have several frame rates.
pub(super) fn text(timelines: &[Timeline]) -> Result<String> {
    let pieces = || timelines.iter().flat_map(|timeline| &timeline.pieces);
    let Some(first) = pieces().next() else { return Ok(String::new()) };
    if let Some(other) = pieces().find(|piece| (piece.rate.fps() - first.rate.fps()).abs() > 1e-9) {
        let message = format!(
            "an EDL has one frame rate, and {} has {:.3} a second where {} has {:.3}; set request to those of one rate",
            other.file_name(),
            other.rate.fps(),
            first.file_name(),
            first.rate.fps()
        );
        return Err(Error::new(ErrorCode::ConfigInvalid, message).about("request"));
    }
    let mut text = "TITLE: clipflow\nFCM: NON-DROP FRAME\n\n".to_owned();
    let mut at = FIRST_HOUR * first.rate.fps().round() as i64;
    for (number, piece) in pieces().enumerate() {
        let until = at + piece.played();
        event(&mut text, number + 1, piece, (at, until));
        at = until;
    }
    Ok(text)
}

fn event(text: &mut String, number: usize, piece: &Piece, (at, until): (i64, i64)) {
    let code = |frames: i64| piece.rate.timecode(frames);
    let track = if piece.has_sound() { "B" } else { "V" };
    let _ = writeln!(
        text,
        "{number:03}  AX       {track:<5} C        {} {} {} {}",
        code(piece.from),
        code(piece.until),
        code(at),
        code(until)
    );
    if piece.is_retimed() {
        let speed = piece.rate.fps() * piece.speed;
        let _ = writeln!(text, "M2   AX       {speed:05.1}                {}", code(piece.from));
    }
    let _ = writeln!(text, "* FROM CLIP NAME: {}", plain(&piece.name));
    let _ = writeln!(text, "* SOURCE FILE: {}", plain(&piece.location));
    let _ = writeln!(text, "* LOC: {} RED     {}", code(at), plain(&piece.remark()));
    for line in &piece.lines {
        let place = at + ((line.from - piece.from) as f64 / piece.speed).round() as i64;
        let _ = writeln!(text, "* LOC: {} CYAN    {}", code(place), plain(&line.text));
    }
    text.push('\n');
}

/// Text on one line.
fn plain(text: &str) -> String {
    text.split(char::is_control).collect::<Vec<_>>().join(" ")
}
