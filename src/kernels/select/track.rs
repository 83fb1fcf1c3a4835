//! The signals that the selection sums over time.

use crate::model::Signal;

/// Below this mean luma the picture counts as nearly black.
const DARK_LUMA: f64 = 0.08;

/// What a source needs to have for something to be measured in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::kernels) enum Medium {
    /// A picture, as every source.
    Picture,
    /// Sound.
    Sound,
    /// Captions.
    Captions,
}

/// How a track comes from a column of `signals`.
#[derive(Debug, Clone, Copy)]
struct TrackSource {
    medium: Medium,
    column: &'static str,
    /// The cell of a typed row.
    cell: fn(&Signal) -> Option<f64>,
    /// What is summed of a cell.
    value: fn(f64) -> f64,
    /// The greatest mean, which rounding may exceed.
    most: f64,
}

/// The tracks, each with the medium it belongs to, its column of `signals`, what is summed of a cell
/// (the cell itself if nothing is said), and the greatest mean if there is one.
macro_rules! tracks {
    ($($(#[$doc:meta])+ $track:ident: $medium:ident, $column:ident
        $(as $value:expr)? $(, at most $most:literal)?;)+) => {
        /// A column of `signals`, or what is made of one, that has a mean over any stretch of time.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(in crate::kernels) enum Track {
            $($(#[$doc])+ $track,)+
        }

        impl Track {
            /// Every track, in order of its number.
            pub(super) const ALL: [Self; Self::COUNT] = [$(Self::$track,)+];
            /// Number of tracks.
            pub(super) const COUNT: usize = [$(stringify!($track)),+].len();
        }

        const SOURCES: [TrackSource; Track::COUNT] = [$(TrackSource {
            medium: Medium::$medium,
            column: stringify!($column),
            cell: |signal| signal.$column.into(),
            value: tracks!(@value $($value)?),
            most: tracks!(@most $($most)?),
        },)+];
    };
    (@value) => { |cell| cell };
    (@value $value:expr) => { $value };
    (@most) => { f64::INFINITY };
    (@most $most:literal) => { $most };
}

tracks! {
    /// How much the picture changes from frame to frame.
    Motion: Picture, motion;
    /// How bright the picture is.
    Luma: Picture, luma;
    /// Whether the picture is nearly black.
    Dark: Picture, luma as |luma| f64::from(luma < DARK_LUMA), at most 1.0;
    /// How colourful the picture is.
    Chroma: Picture, chroma;
    /// Caption characters a second.
    Captions: Captions, caption_density;
    /// Loudness as energy.
    Energy: Sound, loudness as energy;
    /// How strong onsets are.
    Onset: Sound, onset;
    /// How likely speech is.
    Speech: Sound, speech, at most 1.0;
    /// Share of the time that is silent.
    Silence: Sound, silence, at most 1.0;
}

fn energy(loudness: f64) -> f64 {
    10f64.powf(loudness.clamp(-70.0, 30.0) / 10.0)
}

impl Track {
    fn source(self) -> &'static TrackSource {
        &SOURCES[self as usize]
    }

    /// Name of the column of `signals`.
    pub(super) fn column(self) -> &'static str {
        self.source().column
    }

    /// Whether it is measured only where there is sound.
    pub(super) fn is_sound(self) -> bool {
        self.source().medium == Medium::Sound
    }

    /// The column's cell in a typed row.
    pub(super) fn cell(self, signal: &Signal) -> Option<f64> {
        (self.source().cell)(signal)
    }

    /// What is summed of a cell.
    pub(super) fn value(self, cell: f64) -> f64 {
        (self.source().value)(cell)
    }

    /// A mean without what rounding adds or takes.
    pub(super) fn bounded(self, mean: f64) -> f64 {
        mean.max(0.0).min(self.source().most)
    }
}
