//! When words are said: no window begins or ends inside one.

use crate::model::Cue;

/// What the times of words are exact to, in seconds.
const EXACT: f64 = 0.04;
/// Longest that a word is said, in seconds: so much, and so much more for each of its characters. What its time holds
/// beyond that is a pause.
const LONGEST: (f64, f64) = (0.3, 0.08);

/// When words are said, as far as captions tell.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct WordTimes {
    /// Start and end in seconds, in order; none begins before the last ends.
    times: Vec<(f64, f64)>,
}

impl WordTimes {
    /// From times in any order, of several speakers perhaps.
    pub(super) fn new(times: &[(f64, f64)]) -> Self {
        let is_time =
            |(start, end): &&(f64, f64)| start.is_finite() && end.is_finite() && start < end;
        let mut times: Vec<(f64, f64)> = times.iter().filter(is_time).copied().collect();
        times.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        Self { times }
    }

    /// Start and end of the words of a cue that lasts until `end`, from their starts and texts.
    pub(super) fn of_cue<'a>(
        words: impl Iterator<Item = (f64, &'a str)>,
        end: f64,
    ) -> Vec<(f64, f64)> {
        let words: Vec<(f64, &str)> = words.collect();
        let time = |(i, (start, text)): (usize, &(f64, &str))| {
            let next = words.get(i + 1).map_or(end, |next| next.0);
            let longest = LONGEST.0 + LONGEST.1 * text.chars().count() as f64;
            (*start, next.min(start + longest))
        };
        words.iter().enumerate().map(time).collect()
    }

    /// Those of `cues`.
    pub(super) fn of_cues(cues: &[Cue]) -> Vec<(f64, f64)> {
        let of = |cue: &Cue| {
            let words = cue.words.iter().flatten().map(|word| (word.start, word.text.as_str()));
            Self::of_cue(words, cue.end)
        };
        cues.iter().flat_map(of).collect()
    }

    /// Whether a word is being said at `t`.
    pub(super) fn is_inside(&self, t: f64) -> bool {
        self.around(t).is_some()
    }

    /// The end of the word nearest to `t` that is being said there, its beginning or its end; `t` between words.
    pub(super) fn beside(&self, t: f64) -> f64 {
        let Some((start, end)) = self.around(t) else { return t };
        if t - start <= end - t { start } else { end }
    }

    /// The beginning of the word that is being said at `t`; `t` between words.
    pub(super) fn before(&self, t: f64) -> f64 {
        self.around(t).map_or(t, |(start, _)| start)
    }

    /// The word that is being said at `t`, but for what is left of it or begun of it within [`EXACT`].
    fn around(&self, t: f64) -> Option<(f64, f64)> {
        let begun = self.times.partition_point(|(start, _)| start + EXACT < t);
        // Voices may overlap, of a few speakers.
        let last = self.times[begun.saturating_sub(4)..begun].iter();
        last.rev().find(|(_, end)| t < end - EXACT).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_inside_a_word_or_between_two() {
        let said = [(1.0, "one"), (1.4, "two"), (4.0, "extraordinarily")];
        let words = WordTimes::new(&WordTimes::of_cue(said.into_iter(), 6.0));
        let inside = [1.2, 1.5, 4.2, 5.3].map(|t| words.is_inside(t));
        assert_eq!(inside, [true; 4]);
        // At its edges, and in the pause after it, however long its time is.
        let between = [0.9, 1.0, 1.02, 1.39, 1.41, 2.5, 3.9, 5.9].map(|t| words.is_inside(t));
        assert_eq!(between, [false; 8]);
        assert_eq!((words.beside(1.1), words.beside(1.35), words.beside(2.5)), (1.0, 1.4, 2.5));
        assert_eq!((words.before(1.35), words.before(3.0)), (1.0, 3.0));
    }
}
