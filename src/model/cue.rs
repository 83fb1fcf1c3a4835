//! `cues`: one row per caption line of a source.

use serde::{Deserialize, Serialize};

use super::column::table;

table! {
    /// A caption line. Times are on the same clock as the shots.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub struct Cue {
        /// 0 for the first cue of the source, over all its tracks.
        pub cue_id: i64,
        /// When the line appears, in seconds.
        pub start: f64,
        /// When it goes, in seconds.
        pub end: f64,
        /// The words, without markup; lines are separated by `\n`.
        pub text: String,
        /// ISO 639-3 code of the track (`eng`): from its text where that is certain, else from its tag or
        /// file name; NULL when unknown.
        pub language: Option<String>,
        /// `embedded`, `sidecar` (a file beside the source, captions of the video's page included), `automatic` (such
        /// a file made by speech recognition: `NAME.en.auto.vtt`) or `transcriber`.
        pub origin: String,
        /// When its words are said, in order, if the captions tell; NULL if not.
        #[serde(default)]
        pub words: Option<Vec<CueWord>>,
    }
}

table! {
    /// A word of a caption line, or a few that have one time together.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub struct CueWord {
        /// When it is said, in seconds; it ends where the next begins, or the line.
        pub start: f64,
        /// As it stands in the line, without the spaces around it.
        pub text: String,
    }
}
