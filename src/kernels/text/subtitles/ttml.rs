//! Reads TTML (`.ttml`, `.dfxp`, `.xml`): paragraphs and spans with times, as broadcasters and Netflix write them.
//!
//! Times are clock times (`00:00:01.500`, with frames `00:00:01:12`) or offsets (`1.5s`, `1500ms`, `36f`, `48000t`), of a
//! paragraph or, where that has none, of its span; those of a `div` or `body` around are added. See
//! <https://www.w3.org/TR/ttml2/>.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::{ParsedCue, clean};

/// Frames a second where the file names none.
const FRAME_RATE: f64 = 30.0;
/// Latest time in seconds (100 days).
const MAX_SECONDS: f64 = 8_640_000.0;

/// Whether a text is TTML.
pub(super) fn is_ttml(text: &str) -> bool {
    let head = &text[..text.floor_char_boundary(2000)];
    head.contains("<tt ") || head.contains("<tt>") || head.contains(":tt ")
}

#[derive(Debug, Clone, Copy)]
struct Rates {
    frames: f64,
    ticks: f64,
}

/// An element that is open: its local name, and when it begins and ends.
struct Open {
    name: String,
    start: f64,
    end: Option<f64>,
    has_times: bool,
}

/// The cues of a text, in the order of the file; what follows damage is left out.
pub(super) fn parse(text: &str) -> Vec<ParsedCue> {
    let mut reader = Reader::from_str(text);
    let mut rates = Rates { frames: FRAME_RATE, ticks: 1.0 };
    let (mut open, mut cues, mut said): (Vec<Open>, Vec<ParsedCue>, String) =
        (vec![], vec![], String::new());
    loop {
        match reader.read_event() {
            Ok(Event::Start(element)) => {
                if element.local_name().as_ref() == "tt" {
                    rates = rates_of(&element);
                }
                let one = opened(&element, &open, rates);
                if one.has_times && matches!(one.name.as_str(), "p" | "span") {
                    said.clear();
                }
                open.push(one);
            }
            Ok(Event::Empty(element)) if element.local_name().as_ref() == "br" => said.push('\n'),
            Ok(Event::Text(part)) => {
                if open.iter().any(|one| one.name == "p") {
                    let part: &str = part.as_ref();
                    // White space around is that of the file's layout.
                    let words: Vec<&str> = part.split_whitespace().collect();
                    let (before, after) = (
                        part.starts_with(char::is_whitespace),
                        part.ends_with(char::is_whitespace),
                    );
                    said.push_str(if before { " " } else { "" });
                    said.push_str(&words.join(" "));
                    said.push_str(if after && !words.is_empty() { " " } else { "" });
                }
            }
            Ok(Event::GeneralRef(entity)) => {
                said.push('&');
                said.push_str(entity.as_ref());
                said.push(';');
            }
            Ok(Event::End(_)) => {
                let Some(one) = open.pop() else { break };
                let is_text = one.name == "p" || one.name == "span";
                if let (true, true, Some(end)) = (is_text, one.has_times, one.end) {
                    let text = clean(&std::mem::take(&mut said));
                    if !text.text.is_empty() {
                        cues.push(ParsedCue { start: one.start, end, text });
                    }
                }
            }
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
    cues
}

/// The value of an attribute by its local name.
fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = element.attributes().flatten();
    let mut values = found.filter(|one| one.key.local_name().as_ref() == name);
    values.next().map(|one| one.value.into_owned())
}

fn rates_of(element: &BytesStart<'_>) -> Rates {
    let number = |name: &str| attribute(element, name)?.trim().parse::<f64>().ok();
    let frames = number("frameRate").filter(|rate| *rate > 0.0).unwrap_or(FRAME_RATE);
    let multiplier = attribute(element, "frameRateMultiplier").and_then(|text| {
        let (above, below) = text.split_once([' ', ':'])?;
        Some(above.trim().parse::<f64>().ok()? / below.trim().parse::<f64>().ok()?)
    });
    let multiplier = multiplier.filter(|m| m.is_finite() && *m > 0.0).unwrap_or(1.0);
    Rates {
        frames: frames * multiplier,
        ticks: number("tickRate").filter(|rate| *rate > 0.0).unwrap_or(1.0),
    }
}

fn opened(element: &BytesStart<'_>, around: &[Open], rates: Rates) -> Open {
    let time = |name: &str| attribute(element, name).and_then(|text| seconds(&text, rates));
    let (begin, end, duration) = (time("begin"), time("end"), time("dur"));
    let base = around.last().map_or(0.0, |one| one.start);
    let start = base + begin.unwrap_or(0.0);
    let own_end = end.map(|end| base + end).or_else(|| duration.map(|length| start + length));
    Open {
        name: element.local_name().as_ref().to_owned(),
        start,
        end: own_end.or_else(|| around.last().and_then(|one| one.end)),
        has_times: begin.is_some() && own_end.is_some(),
    }
}

fn seconds(text: &str, rates: Rates) -> Option<f64> {
    let text = text.trim();
    let found = if text.contains(':') {
        let parts: Vec<f64> =
            text.split(':').map(|part| part.parse::<f64>().ok()).collect::<Option<_>>()?;
        match parts.as_slice() {
            [hours, minutes, seconds] => hours * 3600.0 + minutes * 60.0 + seconds,
            [hours, minutes, seconds, frames] => {
                hours * 3600.0 + minutes * 60.0 + seconds + frames / rates.frames
            }
            _ => return None,
        }
    } else {
        let at = text.find(|c: char| c.is_ascii_alphabetic())?;
        let number: f64 = text[..at].parse().ok()?;
        match &text[at..] {
            "h" => number * 3600.0,
            "m" => number * 60.0,
            "s" => number,
            "ms" => number / 1000.0,
            "f" => number / rates.frames,
            "t" => number / rates.ticks,
            _ => return None,
        }
    };
    (found.is_finite() && (0.0..=MAX_SECONDS).contains(&found)).then_some(found)
}
