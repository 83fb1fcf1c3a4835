//! Reads SubStation Alpha (`.ass`, `.ssa`): dialogue with the times of its syllables.
//!
//! Comments and drawings are no text; a line that stands in several layers is said once. See
//! <http://www.tcax.org/docs/ass-specs.htm>.

use super::{MarkedText, ParsedCue, clean, parse_time, seen};

/// The columns of a line of events where its section names none.
const FORMAT: [&str; 10] =
    ["layer", "start", "end", "style", "name", "marginl", "marginr", "marginv", "effect", "text"];

/// Whether a text is SubStation Alpha.
pub(super) fn is_substation(text: &str) -> bool {
    let starts = |line: &str| line.trim().eq_ignore_ascii_case("[script info]");
    text.lines().take(20).any(starts)
        || text.lines().any(|line| line.starts_with("Dialogue:") && line.matches(',').count() >= 8)
}

/// The cues of a text, in the order of the file.
pub(super) fn parse(text: &str) -> Vec<ParsedCue> {
    let mut format: Vec<String> = FORMAT.iter().map(|name| (*name).to_owned()).collect();
    let mut in_events = true;
    let mut cues: Vec<ParsedCue> = vec![];
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') && line.ends_with(']') {
            in_events = line.eq_ignore_ascii_case("[events]");
        } else if let Some(names) = value(line, "format").filter(|_| in_events) {
            format = names.split(',').map(|name| name.trim().to_ascii_lowercase()).collect();
        } else if let Some(cue) = value(line, "dialogue").and_then(|line| dialogue(line, &format))
            && !cues.contains(&cue)
        {
            cues.push(cue);
        }
    }
    cues
}

/// What stands behind the key of a line.
fn value<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let (found, value) = line.split_once(':')?;
    found.trim().eq_ignore_ascii_case(key).then(|| value.trim_start())
}

fn dialogue(line: &str, format: &[String]) -> Option<ParsedCue> {
    // The text is last and may hold commas.
    let cells: Vec<&str> = line.splitn(format.len(), ',').collect();
    let cell = |name: &str| {
        let at = format.iter().position(|known| known == name)?;
        cells.get(at).map(|cell| cell.trim())
    };
    let (start, end) = (parse_time(cell("start")?)?, parse_time(cell("end")?)?);
    let text = marked(cell("text")?, start);
    (!text.text.is_empty()).then_some(ParsedCue { start, end, text })
}

/// Text without overrides and drawings, with the times at which its syllables begin.
fn marked(body: &str, start: f64) -> MarkedText {
    let (mut text, mut syllables) = (String::new(), vec![]);
    let (mut is_drawing, mut time) = (false, start);
    let mut rest = body;
    while let Some(open) = rest.find('{') {
        let (before, behind) = rest.split_at(open);
        let Some(close) = behind.find('}') else { break };
        if !is_drawing {
            text.push_str(before);
        }
        for tag in behind.get(1..close).unwrap_or_default().split('\\').skip(1) {
            if let Some(mode) = tag.strip_prefix('p').and_then(|n| n.trim().parse::<u32>().ok()) {
                is_drawing = mode > 0;
            } else if let Some(syllable) = syllable(tag) {
                syllables.push(Syllable {
                    place: seen(&clean(&text).text),
                    time,
                    length: syllable,
                });
                time += syllable;
            }
        }
        rest = behind.get(close + 1..).unwrap_or_default();
    }
    if !is_drawing {
        text.push_str(rest);
    }
    let text = clean(&text).text;
    let marks = of_words(&text, &syllables);
    MarkedText { text, marks }
}

/// A stretch of text with a time of its own.
struct Syllable {
    /// Visible characters before it.
    place: usize,
    time: f64,
    length: f64,
}

/// The seconds that the syllable behind a karaoke tag lasts: `\k40`, `\kf30`, `\ko30`, `\K50`.
fn syllable(tag: &str) -> Option<f64> {
    let rest = tag.strip_prefix(['k', 'K'])?;
    let rest = rest.strip_prefix(['f', 'o']).unwrap_or(rest);
    rest.trim().parse::<f64>().ok().filter(|t| t.is_finite() && *t >= 0.0).map(|t| t / 100.0)
}

/// When each word begins: within a syllable of several words by their share of its characters. A syllable within a word
/// has no time of its own in `words`.
fn of_words(text: &str, syllables: &[Syllable]) -> Vec<(usize, f64)> {
    let all = seen(text);
    let (mut marks, mut count, mut is_space) = (vec![], 0, true);
    for c in text.chars() {
        if c.is_whitespace() {
            is_space = true;
            continue;
        }
        // Of several syllables at one place the last has the text.
        let at = syllables.iter().rposition(|syllable| syllable.place <= count);
        if let Some((at, syllable)) =
            at.and_then(|at| Some((at, syllables.get(at)?))).filter(|_| is_space)
        {
            let next = syllables.get(at + 1).map_or(all, |next| next.place).max(syllable.place + 1);
            let share = (count - syllable.place) as f64 / (next - syllable.place) as f64;
            marks.push((count, syllable.time + share * syllable.length));
        }
        (count, is_space) = (count + 1, false);
    }
    marks
}
