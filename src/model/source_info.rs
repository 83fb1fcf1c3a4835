//! `sources`: one row per distinct source.

use serde::{Deserialize, Serialize};

use super::column::table;

table! {
    /// A stretch of a source in which its own clock runs on.
    #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
    pub struct TimePiece {
        /// When its first picture is shown, in seconds on the clock of all tables.
        pub start: f64,
        /// The same on the file's own clock, in seconds.
        pub on_file: f64,
    }
}

table! {
    /// What the container and its first picture and sound streams say, and what the analysis measured.
    #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
    pub struct SourceInfo {
        /// Version of ffmpeg that read it.
        pub tool_version: String,
        /// Container by its magic bytes (`mov`, `matroska`, …).
        pub container: String,
        /// Size of the file in bytes.
        pub bytes: i64,
        /// Duration in seconds: the end of the last decoded picture, counted from the container's start.
        pub duration: f64,
        /// Start time of the container in seconds, on its own clock; the clock of all tables starts here,
        /// as players count.
        pub start_offset: f64,
        /// The pieces of a recording whose clock jumps or wraps, in order, each following the one before; empty where it runs
        /// on.
        #[serde(default)]
        pub time_line: Vec<TimePiece>,
        /// What of the file is not read, and why: its end where it is cut short, further recordings in it; NULL where
        /// all is.
        #[serde(default)]
        pub file_note: Option<String>,
        /// Video codec (`h264`).
        pub video_codec: String,
        /// Display width in pixels, after rotation and pixel aspect.
        pub width: i64,
        /// Display height in pixels, after rotation and pixel aspect.
        pub height: i64,
        /// Left edge of the picture within baked-in bars, in pixels of `width`; NULL without bars, as are the next three.
        /// Variants frame this part of it; where bars change, `shots.area` tells those of each shot.
        pub active_x: Option<i64>,
        /// Its upper edge, in pixels of `height`.
        pub active_y: Option<i64>,
        /// Its width in pixels.
        pub active_width: Option<i64>,
        /// Its height in pixels.
        pub active_height: Option<i64>,
        /// Transfer of high dynamic range (`hlg`, `pq`); NULL for the usual one. Clips of it are tone-mapped to
        /// BT.709.
        pub hdr: Option<String>,
        /// Clockwise rotation in degrees that was applied: 0, 90, 180 or 270.
        pub rotation: i64,
        /// Average frame rate: frames by the time from the first picture to the end of the last.
        pub fps: f64,
        /// Frame rate of its moving parts, at which variants run: `fps`, or where the rate varies that of the frames
        /// which follow each other fastest.
        pub nominal_fps: f64,
        /// Whether the time between frames varies by more than a tenth.
        pub variable_fps: bool,
        /// Number of frames decoded.
        pub frames: i64,
        /// Audio codec; NULL without audio.
        pub audio_codec: Option<String>,
        /// Sample rate in Hz; NULL without audio.
        pub sample_rate: Option<i64>,
        /// Number of audio channels; NULL without audio.
        pub channels: Option<i64>,
        /// Number of the audio track that is heard, counted from 1; NULL without audio, and where all are mixed.
        pub audio_track: Option<i64>,
        /// ISO 639-3 language that the container states for it; NULL if it states none.
        #[serde(default)]
        pub audio_language: Option<String>,
        /// Why it is that one: `only` (there is no other), `asked` (by its number), `language` (of the request), `mix` (all
        /// together), `first` (the first that is not silent), `instead` (the
        /// same, because none is in the language that was named); NULL without audio.
        #[serde(default)]
        pub audio_choice: Option<String>,
        /// Number of audio tracks.
        pub audio_tracks: i64,
        /// What was found and done about the sound: a silent track that was passed over, channels that cancel
        /// each other or of which one is silent; NULL if nothing.
        pub audio_note: Option<String>,
        /// What is wrong with its channels, which is made right in clips and variants: `out_of_phase`, `left_only` or
        /// `right_only`; NULL if nothing.
        pub channel_fault: Option<String>,
        /// Integrated loudness by EBU R128 in LUFS; NULL without audio or when it is silent.
        pub loudness: Option<f64>,
        /// ISO 639-3 language of the cues, found from their text; NULL without cues.
        pub language: Option<String>,
        /// Number of subtitle tracks read, sidecars included.
        pub caption_tracks: i64,
        /// Encodings of captions that no mark named and that were guessed from their letters, such as
        /// `windows-1251`; NULL if there is none.
        pub caption_encoding: Option<String>,
        /// Captions that are left out, and why: those of the video's page that could not be fetched, files that are too
        /// large, cues that end before they begin; NULL if nothing is missing.
        #[serde(default)]
        pub caption_note: Option<String>,
        /// Chapters: of the container, else of the video's page or `NAME.info.json`; NULL if there are none.
        #[serde(default)]
        pub chapters: Option<Vec<Chapter>>,
        /// How often parts of it are replayed, by the video's page or `NAME.info.json`; NULL if nothing says so.
        #[serde(default)]
        pub replays: Option<Vec<Replay>>,
        /// Who transcribed its speech: the command, or the server and its model; NULL where the captions were enough or
        /// no transcriber was asked.
        #[serde(default)]
        pub transcriber: Option<String>,
        /// What became of the transcription: words that were left out because no voice says them, that no voice is
        /// heard, or why it failed; NULL if there is nothing to say.
        #[serde(default)]
        pub transcript_note: Option<String>,
        /// Code of the transcription's error; NULL if there is none.
        #[serde(default)]
        pub transcript_error: Option<String>,
    }
}

table! {
    /// A chapter of a source.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub struct Chapter {
        /// 0 for the first chapter of the source.
        pub chapter_id: i64,
        /// When it begins, in seconds.
        pub start: f64,
        /// When it ends, in seconds.
        pub end: f64,
        /// Its title; NULL without one.
        pub title: Option<String>,
    }
}

table! {
    /// How often a part of a source is replayed.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub struct Replay {
        /// When the part begins, in seconds.
        pub start: f64,
        /// When it ends, in seconds.
        pub end: f64,
        /// How often it is replayed, from 0 to 1, which is the most replayed part.
        pub value: f64,
    }
}
