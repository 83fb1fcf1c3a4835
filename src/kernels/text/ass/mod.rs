//! Burned-in captions as an Advanced SubStation Alpha document for libass.
//!
//! Format: <https://github.com/libass/libass/wiki/ASS-File-Format-Guide>.

mod karaoke;

use std::fmt::Write;

use super::captions::{CaptionLine, CaptionRoom, drawn_width, shown_in};
use crate::model::edit::{CaptionStyle, Edit};
use crate::model::{Cue, CueWord};
use karaoke::karaoke;

/// The typefaces with which captions can be drawn.
pub trait FontFaces {
    /// Whether any face covers this character.
    fn covers(&self, c: char) -> bool;
    /// The best family for `text` in `language` (ISO 639-3); `None` without any face.
    fn family(&self, text: &str, language: Option<&str>) -> Option<String>;
}

/// A document of captions to burn in.
#[derive(Debug, Clone, PartialEq)]
pub struct AssDocument {
    /// The document; `None` if no caption is visible.
    pub document: Option<String>,
    /// Number of cues that are left out because no face covers their characters.
    pub unreadable: usize,
    /// Number of cues that are left out, or parts of which are, because there is no time to show them.
    pub left_out: usize,
}

/// The look of a caption style; sizes are shares of the shorter side of the picture.
struct CaptionLook {
    size: f64,
    lines: usize,
    /// Width of the widest line in em; less if the picture is narrow.
    widest: f64,
    outline: f64,
    shadow: f64,
    bold: bool,
    /// `&HAABBGGRR`: text, text not yet spoken, outline, shadow or box.
    colours: [&'static str; 4],
    /// 1: outline and shadow, 4: one box behind all lines.
    border: u8,
}

const WHITE: &str = "&H00FFFFFF";
const BLACK: &str = "&H00000000";
const YELLOW: &str = "&H0000D7FF";
const DIM: &str = "&H60000000";
/// Largest share of a cue's letters that may be dropped (symbols and emoji are not counted).
const MOST_MISSING: f64 = 0.1;
/// Smallest margins, as shares, where the safe zone requires less.
const LEAST_MARGIN: f64 = 0.05;
/// Factor by which captions are larger in a wide picture, which a phone shows small.
const WIDE_SIZE: f64 = 1.12;
/// Smallest bottom margin in a tall picture, where captions are placed higher.
const TALL_BOTTOM: f64 = 0.22;
/// Approximate em as a share of the font size, which is a line's height.
const EM: f64 = 0.9;
/// Share of the style's size to which a text is drawn smaller at most; what is wider still is broken.
const SMALLEST: f64 = 0.6;
/// How much larger a popping text is for a moment.
const POP: f64 = 1.07;

fn look(style: CaptionStyle) -> Option<CaptionLook> {
    let look = match style {
        CaptionStyle::BoldPop => CaptionLook {
            size: 0.095,
            lines: 1,
            widest: 9.0,
            outline: 0.09,
            shadow: 0.03,
            bold: true,
            colours: [WHITE, WHITE, BLACK, "&H80000000"],
            border: 1,
        },
        CaptionStyle::Karaoke => CaptionLook {
            size: 0.07,
            lines: 2,
            widest: 14.0,
            outline: 0.08,
            shadow: 0.02,
            bold: true,
            colours: [YELLOW, WHITE, BLACK, "&H80000000"],
            border: 1,
        },
        CaptionStyle::Classic => CaptionLook {
            size: 0.06,
            lines: 2,
            widest: 21.0,
            outline: 0.06,
            shadow: 0.02,
            bold: false,
            colours: [WHITE, WHITE, BLACK, "&H80000000"],
            border: 1,
        },
        CaptionStyle::Minimal => CaptionLook {
            size: 0.048,
            lines: 2,
            widest: 21.0,
            outline: 0.0,
            shadow: 0.22,
            bold: false,
            colours: [WHITE, WHITE, BLACK, DIM],
            border: 4,
        },
        CaptionStyle::Off => return None,
    };
    Some(look)
}

/// The captions of `edit`, on the variant's clock and inside its safe zone.
///
/// `cues` are on the source's clock and in the edit's language.
pub fn document(edit: &Edit, cues: &[Cue], faces: &dyn FontFaces) -> AssDocument {
    let Some(look) = look(edit.caption_style) else {
        return AssDocument { document: None, unreadable: 0, left_out: 0 };
    };
    let mut unreadable = 0;
    let mut readable = Vec::with_capacity(cues.len());
    for cue in cues {
        match drawable(&cue.text, faces) {
            Some(text) => {
                readable.push(Cue { text, words: drawable_words(cue, faces), ..cue.clone() })
            }
            None => unreadable += 1,
        }
    }
    let all: String = readable.iter().map(|cue| cue.text.as_str()).collect();
    let language = readable.iter().find_map(|cue| cue.language.as_deref());
    let Some(family) = faces.family(&all, language.or(edit.language.as_deref())) else {
        let unreadable = unreadable + readable.len();
        return AssDocument { document: None, unreadable, left_out: 0 };
    };
    let page = CaptionPage::new(edit, &look);
    let (lines, left_out) = shown_in(edit, &readable, page.room);
    if lines.is_empty() {
        return AssDocument { document: None, unreadable, left_out };
    }
    let mut text = page.header(&look, &family);
    for line in &lines {
        page.event(&mut text, edit.caption_style, line);
    }
    AssDocument { document: Some(text), unreadable, left_out }
}

/// `text` without uncovered characters; `None` if too many of its letters are uncovered.
fn drawable(text: &str, faces: &dyn FontFaces) -> Option<String> {
    let kept = covered(text, faces);
    let count = |t: &str| t.chars().filter(|c| c.is_alphanumeric()).count() as f64;
    let (all, left) = (count(text), count(&kept));
    let enough = all - left <= MOST_MISSING * all && kept.chars().any(|c| !is_invisible(c));
    enough.then_some(kept)
}

/// The words of a cue without uncovered characters.
fn drawable_words(cue: &Cue, faces: &dyn FontFaces) -> Option<Vec<CueWord>> {
    let drawn = |word: &CueWord| CueWord { text: covered(&word.text, faces), ..word.clone() };
    Some(cue.words.as_ref()?.iter().map(drawn).collect())
}

fn covered(text: &str, faces: &dyn FontFaces) -> String {
    let kept = |c: &char| (!c.is_control() || *c == '\n') && (is_invisible(*c) || faces.covers(*c));
    text.chars().filter(kept).collect()
}

fn is_invisible(c: char) -> bool {
    c.is_whitespace() || is_joiner(c)
}

/// Whether a character shapes or orders its neighbours and has no glyph of its own.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FE00}'..='\u{FE0F}')
}

/// The placement of captions, in pixels of the variant.
struct CaptionPage {
    width: f64,
    height: f64,
    /// Left, right and bottom margin.
    margins: [f64; 3],
    size: f64,
    room: CaptionRoom,
    /// Width inside the margins and the outline.
    inside: f64,
}

impl CaptionPage {
    fn new(edit: &Edit, look: &CaptionLook) -> Self {
        let (width, height) = (edit.width as f64, edit.height as f64);
        let zone = edit.safe_zone;
        let share = |wanted: f64, least: f64| if wanted > least { wanted.min(0.45) } else { least };
        let (left, right) = (share(zone.left, LEAST_MARGIN), share(zone.right, LEAST_MARGIN));
        let lowest = if height > 1.2 * width { TALL_BOTTOM } else { LEAST_MARGIN + 0.02 };
        let bottom = share(zone.bottom, lowest);
        let inside = width * (1.0 - left - right);
        let wider = if width > 1.2 * height { WIDE_SIZE } else { 1.0 };
        let size = look.size * width.min(height) * wider;
        // The outline and the pop animation need some of the width.
        let room = CaptionRoom {
            width: (0.92 * inside / (size * EM)).min(look.widest),
            lines: look.lines,
            smallest: SMALLEST,
        };
        Self {
            width,
            height,
            // The outline lies outside the line.
            margins: [left * width, right * width, bottom * height + look.outline * size],
            size,
            room,
            inside: 0.99 * inside - 2.0 * (look.outline + look.shadow) * size,
        }
    }

    fn header(&self, look: &CaptionLook, family: &str) -> String {
        let [text, later, edge, back] = look.colours;
        let [left, right, bottom] = self.margins.map(f64::round);
        let (size, bold) = (self.size.round(), if look.bold { -1 } else { 0 });
        let (outline, shadow) = (look.outline * self.size, look.shadow * self.size);
        // A comma would end the field; family names come from installed fonts.
        let family: String = family
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
            .collect();
        // WrapStyle 2: lines are broken here; encoding −1: the direction of each line is detected.
        format!(
            "[Script Info]\nScriptType: v4.00+\nPlayResX: {}\nPlayResY: {}\nWrapStyle: 2\n\
             ScaledBorderAndShadow: yes\nYCbCr Matrix: None\n\n[V4+ Styles]\n\
             Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, \
             Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, \
             Shadow, Alignment, MarginL, MarginR, MarginV, Encoding\n\
             Style: Caption,{family},{size},{text},{later},{edge},{back},{bold},0,0,0,100,100,0,0,{},\
             {outline:.1},{shadow:.1},2,{left},{right},{bottom},-1\n\n[Events]\n\
             Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n",
            self.width, self.height, look.border,
        )
    }

    fn event(&self, out: &mut String, style: CaptionStyle, line: &CaptionLine) {
        let start = (line.start * 100.0).round() as i64;
        let end = (line.end * 100.0 + 1e-6).floor() as i64;
        if end <= start {
            return;
        }
        let widest = line.text.split('\n').map(drawn_width).fold(0.0, f64::max) * self.size * EM;
        let room = if style == CaptionStyle::BoldPop { self.inside / POP } else { self.inside };
        // What is too wide is drawn smaller.
        let scale = (100.0 * room / widest.max(1.0)).min(100.0).floor();
        let mut tags = String::new();
        if style == CaptionStyle::BoldPop {
            let pop = |share: f64| (scale * share).round();
            let (small, large) = (pop(0.8), pop(POP));
            let _ = write!(
                tags,
                "{{\\fscx{small}\\fscy{small}\\t(0,80,\\fscx{large}\\fscy{large})\\t(80,150,\\fscx{scale}\\fscy{scale})}}"
            );
        } else if scale < 100.0 {
            let _ = write!(tags, "{{\\fscx{scale}\\fscy{scale}}}");
        }
        let body = if style == CaptionStyle::Karaoke {
            karaoke(line, start, end)
        } else {
            escape(&line.text)
        };
        // The tags of karaoke have letters too: the direction is that of the text alone.
        let mut lines = line.text.split('\n');
        let mark = |drawn: &str| {
            let mark = line.direction.mark(lines.next().unwrap_or_default());
            mark.map_or_else(|| drawn.to_owned(), |mark| format!("{mark}{drawn}"))
        };
        let body = body.split("\\N").map(mark).collect::<Vec<_>>().join("\\N");
        let (start, end) = (clock(start), clock(end));
        let _ = writeln!(out, "Dialogue: 0,{start},{end},Caption,,0,0,0,,{tags}{body}");
    }
}

/// Escapes text so that libass draws it literally, except for our line breaks.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\N"),
            '{' | '}' => {
                out.push('\\');
                out.push(c);
            }
            // An invisible word joiner keeps the next letter from forming an escape.
            '\\' => out.push_str("\\\u{2060}"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

fn clock(hundredths: i64) -> String {
    let (seconds, part) = (hundredths / 100, hundredths % 100);
    format!("{}:{:02}:{:02}.{part:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests;
