//! Caption lines, and what is said in a span of a source.

use crate::model::Cue;

/// A caption line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line<'a> {
    /// The words, without markup.
    pub text: &'a str,
    /// When it appears, in seconds of the source.
    pub start: f64,
    /// When it disappears, in seconds.
    pub end: f64,
}

/// The lines that are shown mostly within `start` to `end` (exclusive), in order.
pub fn lines_in(cues: &[Cue], (start, end): (f64, f64)) -> Vec<Line<'_>> {
    let is_in = |cue: &&Cue| (start..end).contains(&((cue.start + cue.end) / 2.0));
    let lines = cues.iter().filter(is_in);
    lines.map(|cue| Line { text: &cue.text, start: cue.start, end: cue.end }).collect()
}

/// Joins lines into one text, separated by line feeds.
///
/// A line feed counts as a space only in scripts that use spaces.
pub fn said(lines: &[Line<'_>]) -> String {
    lines.iter().map(|line| line.text).collect::<Vec<_>>().join("\n")
}

/// Joins lines into one text, with spaces between them if their script uses spaces.
pub(in crate::kernels) fn joined(lines: &[&str]) -> String {
    let mut text = String::new();
    lines.iter().for_each(|line| super::writing::join(&mut text, line));
    text
}
