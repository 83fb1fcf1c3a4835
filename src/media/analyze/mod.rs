//! Analyses a file into its `sources` row, signals, shots and cues, in one decode.
//!
//! One ffmpeg process decodes the chosen video and audio stream once and writes to pipes: small
//! pictures, their time stamps, samples, and each text subtitle track. Each pipe is read as it
//! fills, so memory does not grow with the length of the source beyond the rows that are
//! returned.
//!
//! **The clock** of all results starts at the container's start time, as players count. Picture
//! times are the PTS themselves (`framecrc` of the frames' headers beside the raw pictures, in
//! the stream's own time base); frames are neither dropped nor doubled. Sound is placed on the
//! same clock: a late start and gaps are filled with silence.
//!
//! **Damage.** Everything that decodes is analysed. A source of which less than nine tenths of the
//! stated duration decode, while the decoder reports errors, is [`ErrorCode::SourceTruncated`]; one
//! without a single picture is [`ErrorCode::MediaCorrupt`].

mod bars;
mod captions;
mod command;
mod merge;
mod page;
mod readers;
mod whole;

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::failure::Finished;
use super::probe::{Probe, probe_for};
use super::process::MediaCommand;
use super::sniff::Demuxer;
use super::tools::{MediaLimits, MediaTools};
use crate::cancel::CancelToken;
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::audio::Audio;
use crate::kernels::sound_wish::SoundWish;
use crate::model::{Cue, Shot, Signal, SourceInfo};

use captions::CaptionTrack;
pub use captions::sidecar_state;
use command::AnalysisProcess;
use page::SourcePage;
use readers::DecodedPictures;

/// Largest output of `ffmpeg -version`, in bytes.
const VERSION_BYTES: usize = 64 << 10;

/// Finest division of the signals; finer than frames is useless.
const MAX_BUCKETS_PER_SECOND: f64 = 100.0;
/// Share of the stated duration that must decode when the decoder reports errors.
const ENOUGH: f64 = 0.9;

/// How a source is analysed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnalyzeSettings {
    /// Signal rows a second, above 0 and up to 100. Default: 4.
    pub buckets_per_second: f64,
    /// Limits of the decoder process.
    pub limits: MediaLimits,
    /// The sound track that is wanted. Default: the first that is not silent.
    #[serde(default, skip_serializing_if = "SoundWish::is_any")]
    pub sound: SoundWish,
}

impl Default for AnalyzeSettings {
    fn default() -> Self {
        Self { buckets_per_second: 4.0, limits: MediaLimits::default(), sound: SoundWish::Any }
    }
}

/// The result of analysing a source.
#[derive(Debug, Clone, PartialEq)]
pub struct Analysis {
    /// The `sources` row.
    pub info: SourceInfo,
    /// One row per time bucket, from 0 to the duration.
    pub signals: Vec<Signal>,
    /// The shots, in time order.
    pub shots: Vec<Shot>,
    /// The caption lines of all text tracks and sidecars, in time order.
    pub cues: Vec<Cue>,
}

/// How far an analysis is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum AnalysisProgress {
    /// The seconds that the container says the source has, before its analysis begins.
    Expected(f64),
    /// The seconds of the source that are analysed.
    Analysed(f64),
}

/// Analyses the file at `path`.
///
/// `progress` is called in this thread, about once per second of the source.
///
/// # Errors
/// Those of [`probe_for`]; [`ErrorCode::SourceTruncated`] and
/// [`ErrorCode::MediaCorrupt`] as described above; [`ErrorCode::MediaTimeout`],
/// [`ErrorCode::MediaCrashed`] and [`ErrorCode::MediaLimits`] of the decoder;
/// [`ErrorCode::Cancelled`]; [`ErrorCode::ConfigInvalid`] for settings out of range.
pub fn analyze(
    tools: &MediaTools,
    path: &Path,
    settings: &AnalyzeSettings,
    cancel: &CancelToken,
    progress: &dyn Fn(AnalysisProgress),
) -> Result<Analysis> {
    let rate = settings.buckets_per_second;
    if !(rate > 0.0 && rate <= MAX_BUCKETS_PER_SECOND) {
        return Err(Error::new(
            ErrorCode::ConfigInvalid,
            format!(
                "{rate} signal rows a second are not possible; choose more than 0 and up to 100"
            ),
        ));
    }
    let probe = probe_for(tools, path, &settings.limits, &settings.sound, cancel)?;
    tools.check_memory("analysing this source", memory(&probe))?;
    if let Some(seconds) = probe.duration_hint {
        progress(AnalysisProgress::Expected(seconds));
    }
    let analysed = |seconds: f64| progress(AnalysisProgress::Analysed(seconds));
    let file = probe.file(path);
    let mut decoded = decode(tools, file, &probe, settings, cancel, &analysed)?;
    if decoded.pictures.decoded == 0 && decoded.finished.last_words().is_empty() {
        check_decoder(tools, &settings.limits, cancel)?;
    }
    judge(&probe, &decoded)?;
    decoded.tracks.extend(captions::sidecars(path));
    let visual = &mut decoded.pictures.visual;
    let from = (tools, &settings.limits);
    bars::measure(from, file, &probe, (&mut visual.shots, &visual.bars), cancel)?;
    let mut page = SourcePage::beside(path, decoded.pictures.end);
    page.caption_note = captions::note(path, &decoded.tracks, page.caption_note.take());
    let lengths = lengths(&probe, &decoded);
    let is_damaged = !decoded.finished.last_words().is_empty();
    let mut analysis =
        merge::merge(&probe, decoded.pictures, decoded.audio, (decoded.tracks, page), rate);
    analysis.info.file_note = whole::note(path, probe.demuxer, lengths, is_damaged);
    Ok(analysis)
}

/// Estimated resident memory of an analysis, in bytes: ffmpeg and its libraries, the decoder's pictures, and our own.
/// Measured: 146 MB at 720p.
fn memory(probe: &Probe) -> u64 {
    let side = |pixels: i64| u64::try_from(pixels).unwrap_or(0);
    let pixels = side(probe.video.stored_width).saturating_mul(side(probe.video.stored_height));
    (120_u64 << 20).saturating_add((pixels / 2 * 3).saturating_mul(12))
}

/// The output of one run of the decoder.
struct DecoderOutput {
    pictures: DecodedPictures,
    audio: Option<Audio>,
    tracks: Vec<CaptionTrack>,
    finished: Finished,
}

fn decode(
    tools: &MediaTools,
    path: &Path,
    probe: &Probe,
    settings: &AnalyzeSettings,
    cancel: &CancelToken,
    progress: &dyn Fn(f64),
) -> Result<DecoderOutput> {
    let job = AnalysisProcess::new(tools, path, probe, &settings.limits)?;
    let rate = settings.buckets_per_second;
    let AnalysisProcess { command, pictures, stamps, audio, subtitles } = job;
    let child = command.start(cancel)?;
    std::thread::scope(|scope| {
        // Each pipe has its own thread: ffmpeg fills them in any order and would block forever on one
        // that is not read. The pictures are read in this thread.
        let audio = probe
            .audio
            .as_ref()
            .zip(audio)
            .map(|(stream, pipe)| scope.spawn(move || readers::read_audio(pipe, stream, rate)));
        let tracks: Vec<_> = subtitles
            .into_iter()
            .map(|(stream, pipe)| scope.spawn(move || captions::read_track(pipe, stream)))
            .collect();
        let pictures = readers::read_pictures(pictures, stamps, rate, progress);
        let audio = audio.map(|thread| thread.join().unwrap_or_else(|_| Err(broken_reader())));
        let tracks: Vec<_> =
            tracks.into_iter().map(|t| t.join().unwrap_or_else(|_| Err(broken_reader()))).collect();
        let finished = child.wait()?;
        // A reader that fails closes its pipe, which makes ffmpeg fail too: the reader's error comes
        // first, unless the process was stopped from outside.
        if finished.success() || finished.stop.is_none() {
            let pictures = pictures?;
            let audio = audio.transpose()?.flatten();
            let tracks = tracks.into_iter().collect::<Result<Vec<_>>>()?;
            finished.check(ErrorCode::MediaCorrupt).map_err(|error| {
                let nothing = pictures.decoded == 0 && error.code() == ErrorCode::MediaCorrupt;
                if nothing { no_picture(&finished.last_words()) } else { error }
            })?;
            return Ok(DecoderOutput { pictures, audio, tracks, finished });
        }
        finished.check(ErrorCode::MediaCorrupt)?;
        Err(broken_reader())
    })
}

/// Checks that the decoder is ffmpeg, after it exited without output or message.
fn check_decoder(tools: &MediaTools, limits: &MediaLimits, cancel: &CancelToken) -> Result<()> {
    let mut command = MediaCommand::ffmpeg(tools, limits);
    command.arg("-version");
    let (said, _) = command.capture(cancel, VERSION_BYTES)?;
    if said.starts_with(b"ffmpeg version") {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::SetupMissingProgram,
        format!("{} is not ffmpeg; correct or unset CLIPFLOW_FFMPEG", tools.ffmpeg.display()),
    ))
}

/// Checks that enough of the source was decoded.
fn judge(probe: &Probe, decoded: &DecoderOutput) -> Result<()> {
    let pictures = &decoded.pictures;
    let said = decoded.finished.last_words();
    if pictures.visual.frames == 0 {
        return Err(no_picture(&said));
    }
    let first = pictures.visual.shots.first().map_or(0.0, |shot| shot.start);
    let piled_up = pictures.decoded / 2 > pictures.visual.frames.unsigned_abs();
    if pictures.end <= first || piled_up {
        return Err(Error::new(
            ErrorCode::MediaCorrupt,
            "the source's pictures take no time (0 fps): its time stamps are broken; export it again",
        ));
    }
    let (stated, found) = lengths(probe, decoded);
    if found < ENOUGH * stated && !said.is_empty() {
        let message = format!(
            "the source says it lasts {stated:.1} s, but only {found:.1} s of it can be decoded; \
             fetch or export it again"
        );
        return Err(Error::new(ErrorCode::SourceTruncated, message).with_source(said));
    }
    Ok(())
}

/// How long the source's header says that it lasts, 0 if it does not, and how much of it was decoded, in seconds.
fn lengths(probe: &Probe, decoded: &DecoderOutput) -> (f64, f64) {
    let is_stated = matches!(
        probe.demuxer,
        Demuxer::Mov
            | Demuxer::Matroska
            | Demuxer::Avi
            | Demuxer::Flv
            | Demuxer::Asf
            | Demuxer::Mxf
    );
    let end = decoded.pictures.end;
    let heard = decoded.audio.as_ref().map_or(0.0, |audio| audio.seconds);
    match probe.video.duration {
        _ if !is_stated => (0.0, end),
        Some(stated) => (stated, end - probe.video.start_time),
        None => (probe.duration_hint.unwrap_or(0.0), end.max(heard)),
    }
}

fn no_picture(said: &str) -> Error {
    let error = Error::new(
        ErrorCode::MediaCorrupt,
        "the source holds no picture that can be decoded; fetch or export it again",
    );
    if said.is_empty() { error } else { error.with_source(said.to_owned()) }
}

fn broken_reader() -> Error {
    Error::new(ErrorCode::Internal, "the decoder's output could not be read; report this")
}
