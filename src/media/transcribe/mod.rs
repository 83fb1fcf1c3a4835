//! Transcribes the speech of a source: by a command that the user names, or a server of the OpenAI form.
//!
//! ffmpeg decodes the source's track once to 16 kHz; a voice is sought in it on the way
//! ([`VoiceDetector`](crate::kernels::audio::VoiceDetector)). Without a voice no transcriber is asked: on silence and
//! music they invent. What is longer than a transcriber takes is cut in pauses. Words where no voice is heard are left
//! out, and counted.

mod command;
#[cfg(feature = "http")]
mod server;
mod settings;
mod sound;

use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;

use super::tools::{MediaLimits, MediaTools};
use crate::cancel::CancelToken;
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::audio::ChannelFault;
use crate::kernels::sound_wish::SoundWish;
use crate::kernels::text::{RawCue, Transcript, detect_language, to_iso639_3};
use crate::model::Cue;
pub use settings::{TranscribeSettings, TranscriberSettings};
use sound::DecodedSound;

/// The setting that names the variable with a server's key.
const KEY_ENV: &str = "transcribe_key_env";
/// Least seconds of voice for which a transcriber is asked.
const LEAST_VOICE: f64 = 0.2;

/// Transcribes sound.
pub trait Transcriber: Debug + Send + Sync {
    /// What it is, as it stands in `sources.transcriber`: without keys and signatures.
    fn identity(&self) -> String;

    /// Longest sound that it takes, in seconds.
    fn most_seconds(&self) -> f64 {
        f64::INFINITY
    }

    /// What is said in the WAV file `sound` (16 kHz, one channel, 16 bits), in `language` (an ISO 639 tag) if that is
    /// known. `scratch` is an empty folder for its files.
    ///
    /// # Errors
    /// `transcribe.failed`, `setup.missing_program`, `media.timeout`, `run.cancelled`; those of a server.
    fn transcribe(
        &self,
        sound: &Path,
        language: Option<&str>,
        scratch: &Path,
        cancel: &CancelToken,
    ) -> Result<Transcript>;
}

/// The sound that is transcribed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SoundQuery {
    /// The track.
    pub track: SoundWish,
    /// What is wrong with its channels, as far as an analysis has found out.
    pub fault: Option<ChannelFault>,
}

/// What was said in a source.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Transcription {
    /// Caption lines with the times of their words, in order.
    pub cues: Vec<Cue>,
    /// ISO 639-3 code of their language; `None` if it is unknown.
    pub language: Option<String>,
    /// What was left out, as the end of a sentence; `None` if nothing was.
    pub note: Option<String>,
}

/// Transcribes the file at `path`. `progress` gets the seconds that are there, then those that are done.
///
/// # Errors
/// Those of [`probe`](super::probe()), of the decoder and of the transcriber.
pub fn transcribe(
    tools: &MediaTools,
    path: &Path,
    transcriber: &Arc<dyn Transcriber>,
    (limits, sound): (&MediaLimits, &SoundQuery),
    language: Option<&str>,
    cancel: &CancelToken,
    progress: &dyn Fn(TranscriptionProgress),
) -> Result<Transcription> {
    let folder = tempfile::tempdir().map_err(|e| cannot_write(&std::env::temp_dir(), e))?;
    let Some(sound) = DecodedSound::of(tools, path, (limits, sound), folder.path(), cancel)? else {
        return Ok(noted("the source has no sound"));
    };
    progress(TranscriptionProgress::Expected(sound.voice.seconds()));
    if sound.voice.voiced_seconds() < LEAST_VOICE {
        return Ok(noted("no voice is heard"));
    }
    let mut whole = Transcript::default();
    for (n, (start, end)) in sound.voice.pieces(transcriber.most_seconds()).into_iter().enumerate()
    {
        cancel.check()?;
        let scratch = folder.path().join(format!("piece-{n}"));
        std::fs::create_dir(&scratch).map_err(|e| cannot_write(&scratch, e))?;
        let piece = sound.piece(start, end)?;
        let heard = transcriber.transcribe(&piece, language, &scratch, cancel)?;
        whole.append(heard.later(start));
        progress(TranscriptionProgress::Transcribed(end - start));
    }
    let left_out = whole.hold_against(&sound.voice);
    let cues = whole.cues();
    let text: Vec<&str> = cues.iter().map(|cue| cue.text.as_str()).collect();
    let language = whole
        .language
        .or_else(|| language.and_then(to_iso639_3))
        .or_else(|| detect_language(&text.join("\n")));
    let words = left_out.without_voice + left_out.doubtful;
    let note = match (cues.is_empty(), words) {
        (true, 0) => Some("the transcriber heard no words".to_owned()),
        (_, 0) => None,
        (_, 1) => Some("1 word was left out: no voice says it".to_owned()),
        (_, n) => Some(format!("{n} words were left out: no voice says them, or they repeat")),
    };
    Ok(Transcription { cues: rows(cues, language.as_deref()), language, note })
}

/// How far a transcription is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TranscriptionProgress {
    /// The seconds of sound that there are.
    Expected(f64),
    /// The seconds of sound that were transcribed now.
    Transcribed(f64),
}

fn cannot_write(path: &Path, cause: std::io::Error) -> Error {
    let sentence =
        format!("cannot write {} ({cause}); make room there or set TMPDIR", path.display());
    Error::new(ErrorCode::StoreWrite, sentence).with_source(cause)
}

fn noted(note: &str) -> Transcription {
    Transcription { note: Some(note.to_owned()), ..Transcription::default() }
}

fn rows(cues: Vec<RawCue>, language: Option<&str>) -> Vec<Cue> {
    let row = |(n, cue): (usize, RawCue)| Cue {
        cue_id: n as i64,
        start: cue.start,
        end: cue.end,
        text: cue.text,
        language: language.map(str::to_owned),
        origin: "transcriber".to_owned(),
        words: cue.words,
    };
    cues.into_iter().enumerate().map(row).collect()
}
