//! Accents beside cuts and captions: which there are, and for which timings.

use super::choose::ACCENTS;
use super::timing::Timing;

/// One option; its number is its place in [`ALL`](Self::ALL).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Accents {
    Clean,
    Punches,
    Vignette,
    Glitch,
}

impl Accents {
    pub(super) const ALL: [Self; ACCENTS] =
        [Self::Clean, Self::Punches, Self::Vignette, Self::Glitch];

    /// Accents a second of what is played; `None` where there is nothing to put them on.
    pub(super) fn a_second(self, timing: &Timing) -> Option<f64> {
        let on_beats = |count: usize| (count > 0).then(|| count as f64 / timing.duration.max(1.0));
        match self {
            Self::Clean => Some(0.0),
            // All the time, but hardly seen.
            Self::Vignette => Some(0.02),
            Self::Glitch => on_beats(timing.beats.min(1)),
            Self::Punches => on_beats(timing.beats),
        }
    }

    /// What they are, as the end of a sentence.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Clean => "",
            Self::Punches => ", zooms on beats",
            Self::Vignette => ", darker corners",
            Self::Glitch => ", a glitch on a beat",
        }
    }
}
