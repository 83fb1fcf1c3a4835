//! Reads SubViewer as YouTube writes it (`.sbv`): a line with start and end, lines of text, a blank line.

use super::{ParsedCue, clean, parse_time};

/// Whether a text is SubViewer: its first line that is not blank has two times.
pub(super) fn is_sbv(text: &str) -> bool {
    text.lines().find(|line| !line.trim().is_empty()).is_some_and(|line| times(line).is_some())
}

/// The cues of a text, in the order of the file.
pub(super) fn parse(text: &str) -> Vec<ParsedCue> {
    let mut cues = vec![];
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let Some((start, end)) = times(line) else { continue };
        let mut body: Vec<&str> = vec![];
        while let Some(line) =
            lines.next_if(|line| !line.trim().is_empty() && times(line).is_none())
        {
            body.push(line);
        }
        let text = clean(&body.join("\n").replace("[br]", "\n"));
        if !text.text.is_empty() {
            cues.push(ParsedCue { start, end, text });
        }
    }
    cues
}

/// Start and end of a line of times: `0:00:01.000,0:00:03.500`.
fn times(line: &str) -> Option<(f64, f64)> {
    let (start, end) = line.trim().split_once(',')?;
    (start.contains('.') && end.contains('.')).then_some(())?;
    Some((parse_time(start)?, parse_time(end)?))
}
