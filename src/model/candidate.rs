//! `candidates`: one row per window of a source that was considered for a request.

use serde::{Deserialize, Serialize};

use super::column::table_of_arrays;
use super::spelled::spelled;

spelled! {
    /// What a window begins or ends with.
    BoundKind {
        /// The first frame of a shot; as an end, of the shot that is left out.
        Shot => "shot",
        /// A pause in speech or sound: it starts after one or ends in one.
        Pause => "pause",
        /// A sentence of the captions starts or ends.
        Sentence => "sentence",
        /// A chapter of the source starts.
        Chapter => "chapter",
        /// The picture is back from black, or last there before it.
        Fade => "fade",
        /// The source itself starts or ends.
        Source => "source",
        /// The request says so.
        Request => "request",
        /// Nothing: a regular step, taken where the source offers no better place.
        Grid => "grid",
    }
}

table_of_arrays! {
    /// A window, what was measured in it, and what became of it. Means are over time; sound is NULL
    /// where the source has none.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub struct Candidate {
        /// 0 for the first window of the request, by start, then end.
        pub candidate_id: i64,
        /// First moment, in seconds; a frame's PTS when `start_kind` is `shot` or `source`.
        pub start: f64,
        /// End, in seconds (exclusive); a frame's PTS when `end_kind` is `shot`.
        pub end: f64,
        /// `end - start`.
        pub duration: f64,
        /// What it starts with.
        pub start_kind: BoundKind,
        /// What it ends with.
        pub end_kind: BoundKind,
        /// Mean motion, in [0, 1].
        pub motion: f64,
        /// Shot boundaries inside, a second.
        pub cut_rate: f64,
        /// Mean momentary loudness, averaged as energy, in LUFS.
        pub loudness: Option<f64>,
        /// Highest momentary loudness, in LUFS.
        pub loudness_peak: Option<f64>,
        /// Mean onset strength, in [0, 1].
        pub onset: Option<f64>,
        /// Mean likelihood of speech, in [0, 1].
        pub speech: Option<f64>,
        /// Share of the time that is silent, in [0, 1].
        pub silence: Option<f64>,
        /// How strong the first three seconds are against the rest of the source, in [0, 1]; 0.5 is usual.
        pub hook: f64,
        /// Mean luma, in [0, 1].
        pub luma: f64,
        /// Share of the time that the picture is nearly black, in [0, 1].
        pub dark: f64,
        /// Mean distance of the colour from grey, in [0, 1].
        pub chroma: f64,
        /// Caption characters a second.
        pub caption_density: f64,
        /// How natural it is to start there, in [0, 1].
        pub start_quality: f64,
        /// How natural it is to end there, in [0, 1].
        pub end_quality: f64,
        /// 1 at the middle of the lengths asked for, 0 at the shortest and longest.
        pub length_fit: f64,
        /// How much of what is said is about the topic of the request (BM25), from 0 to 1 for the most in any of its
        /// windows; NULL without a topic, and where no window speaks of it.
        pub topic_match: Option<f64>,
        /// Mean of the heat map of replays over it, from 0 to 1; NULL where the source has none.
        pub replayed: Option<f64>,
        /// Weighted mean of the parts, in [0, 1].
        pub score: f64,
        /// Place by score among the windows of the request; 1 is the best.
        pub rank: i64,
        /// Whether it becomes a clip.
        pub chosen: bool,
        /// The parts that lift the score most, best first, each in [0, 1] with 0.5 as usual:
        /// `motion 0.91, hook 0.83`. Empty when no part is above the usual.
        pub strengths: String,
        /// Why it was not chosen, as a sentence; NULL when it was.
        pub reason: Option<String>,
    }
}
