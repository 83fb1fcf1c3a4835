//! Clips as files: frame-exact cuts of a source, H.264 and AAC in fast-start MP4.
//!
//! A clip holds the frames with `start ≤ PTS < end`, neither more nor fewer, at the source's own
//! distances: a variable frame rate stays variable. Its sound is cut to the sample, starts with
//! the first frame and is as long as the clip; where the source has none, there is silence.
//! Pictures are upright, in square pixels, of even size, progressive, 8-bit 4:2:0. HDR is not
//! tone-mapped: its transfer and primaries stay as tags. A resolution that changes in mid-stream
//! is scaled to the first one.
//!
//! While ffmpeg writes the clips it also lists the PTS of every frame it decoded. Each written
//! file is probed and must hold exactly the listed frames at exactly their times before it gets
//! its name; the list also shows a seek that came down too late, which is then repeated from
//! further back.
//!
//! With [`RenderSettings::smart_cut`], packets of the source are copied where a clip changes nothing
//! but the span; such a file is decoded and compared frame by frame.
//!
//! A file that stands at a clip's path already and is whole is kept and measured, never written
//! over: what is on record of it stays true.
//!
//! The same source, span and settings give the same bytes, in whatever pass and beside whatever
//! other clips they are rendered, for one build of ffmpeg on one kind of processor and with one
//! thread for each encoder. With more threads they mostly do, but not on a variable or high frame
//! rate. That holds for every format and codec, software encoders only: HEVC, AV1, VP9, GIF, WebP and
//! sound alone too, as a test repeats. (AAC may leave noise to its decoder, which makes it up from
//! where it began: sound of passes that begin elsewhere can then differ, by what nobody hears.)

mod beside;
mod captions;
mod check;
mod command;
mod encoding;
mod formats;
mod frame_log;
mod graph;
mod index;
mod kept;
mod loudness;
mod measure;
mod part;
mod passes;
mod plan;
mod queue;
mod shape;
mod smart_cut;
mod source;
mod turns;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::probe::Probe;
use super::sniff::Demuxer;
use super::tools::{MediaLimits, MediaTools};
use crate::cancel::CancelToken;
use crate::error::{Error, ErrorCode, Result};
use crate::model::edit::CaptionMode;
use crate::model::{Cue, Edit, Rendition};

use check::Checker;
pub use encoding::{Encoding, Format, Hardware, Quality, VideoCodec};
use passes::{Job, Report};
use plan::Needs;
pub use plan::{Pass, plan_passes};
use queue::Queue;
use shape::Shape;
use source::Source;
pub use turns::{Share, Turns};

/// A clip to write, as it is or edited.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// Stable id of the file.
    pub rendition_id: String,
    /// Start in seconds from the container's start time: PTS of the first frame, or a time before
    /// it.
    pub start: f64,
    /// End in seconds on the same clock, exclusive.
    pub end: f64,
    /// Where the file appears once it is complete and checked.
    pub path: PathBuf,
    /// What is changed; `None` keeps picture, sound and times as they are. An edit's segments say
    /// what is shown, not `start` and `end`.
    pub edit: Option<Edit>,
    /// The source's captions, of which an edit shows those in its language.
    pub cues: Vec<Cue>,
}

impl Output {
    /// Start and end of what a pass reads of the source for it, in seconds.
    fn read(&self, shape: Option<&Shape>) -> (f64, f64) {
        shape.map_or((self.start, self.end), Shape::extent)
    }

    /// How it counts, if it is edited.
    fn shape(&self) -> Result<Option<Shape>> {
        self.edit.as_ref().map(Shape::new).transpose()
    }
}

/// x264's trade of CPU time against size at one quality.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// 0.8 × the CPU time of `Veryfast`, three times the size.
    Superfast,
    /// The default.
    #[default]
    Veryfast,
    /// 1.8 × the CPU time of `Veryfast`.
    Faster,
    /// 2.5 × the CPU time of `Veryfast`, two to three times its memory.
    Medium,
}

impl Preset {
    /// x264's name for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Superfast => "superfast",
            Self::Veryfast => "veryfast",
            Self::Faster => "faster",
            Self::Medium => "medium",
        }
    }

    /// Memory of one encoder in pictures, with one thread.
    ///
    /// Measured at 720p as growth of the resident memory for each output: `veryfast` 54 pictures,
    /// `medium` 123; the others from single outputs (148, 168, 200, 266 MB in all).
    const fn pictures(self) -> u64 {
        match self {
            Self::Superfast => 42,
            Self::Veryfast => 56,
            Self::Faster => 80,
            Self::Medium => 128,
        }
    }
}

/// How clips are encoded and what that may cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RenderSettings {
    /// x264's preset. Default: `veryfast`.
    pub preset: Preset,
    /// x264's constant rate factor, 0 (lossless) to 51. Default: 20, hard to tell from the source.
    pub crf: u8,
    /// Most pixels of a picture; larger ones are made smaller in the same shape. Default:
    /// 9,437,184 (4096 × 2304), the most of H.264 level 5.2, above which few players go on.
    pub max_pixels: u32,
    /// AAC bit rate in bits a second. Default: 160,000.
    pub audio_bitrate: u32,
    /// Threads of each encoder. They change the file's bytes, so they do not follow the machine;
    /// with more than one the bytes may differ from run to run. The decoder, the filters and the
    /// other clips' encoders run beside it in any case. Default: 1.
    pub encoder_threads: u32,
    /// Most outputs of one ffmpeg process. Default: 8.
    pub max_outputs: usize,
    /// Resident memory that all ffmpeg processes that render at one time should stay below
    /// together, in bytes, as long as one output fits. Default: 640 MiB.
    pub memory_bytes: u64,
    /// Format, codec and quality of the files. Default: what `preset` and `crf` say, in MP4.
    #[serde(default, skip_serializing_if = "Encoding::is_default")]
    pub encoding: Encoding,
    /// Write a still of each file with a picture beside it, as JPEG. Default: no.
    #[serde(default)]
    pub thumbnails: bool,
    /// Copy whole groups of pictures of an H.264 source where an output changes nothing but the span,
    /// and encode only the edges before and after them. Default: no.
    #[serde(default)]
    pub smart_cut: bool,
    /// Hard limits of each process.
    pub limits: MediaLimits,
}

impl RenderSettings {
    /// What reads the files beside which stills are written; `None` where none are: not asked for, or of a
    /// format without a picture, or of one that cannot be read back.
    pub(crate) fn stills(&self) -> Option<Demuxer> {
        let wanted = self.thumbnails && self.encoding.has_picture();
        self.encoding.format.demuxer().filter(|_| wanted)
    }

    /// Whether the numbers are ones that encoders take.
    ///
    /// # Errors
    /// `config.invalid` names the first that is not.
    pub fn check(&self) -> Result<()> {
        self.encoding.check()?;
        let wrong = |what: &str, value: u32, from: u32, to: u32| {
            let message = format!("{what} is {value}; give a number from {from} to {to}");
            Err(Error::new(ErrorCode::Config, message))
        };
        match *self {
            Self { crf: 52.., .. } => wrong("crf", self.crf.into(), 0, 51),
            Self { encoder_threads: 0 | 65.., .. } => {
                wrong("encoder_threads", self.encoder_threads, 1, 64)
            }
            Self { audio_bitrate: ..16_000 | 320_001.., .. } => {
                wrong("audio_bitrate", self.audio_bitrate, 16_000, 320_000)
            }
            _ => Ok(()),
        }
    }
}

impl Default for RenderSettings {
    fn default() -> Self {
        Self {
            preset: Preset::default(),
            crf: 20,
            max_pixels: 9_437_184,
            audio_bitrate: 160_000,
            encoder_threads: 1,
            max_outputs: 8,
            memory_bytes: 640 << 20,
            encoding: Encoding::default(),
            thumbnails: false,
            smart_cut: false,
            limits: MediaLimits::default(),
        }
    }
}

/// Renders sources, beside others that do.
#[derive(Debug)]
pub struct Renderer<'a> {
    /// ffmpeg and ffprobe.
    pub tools: &'a MediaTools,
    /// How clips are encoded.
    pub settings: &'a RenderSettings,
    /// Shared by all that render at one time.
    pub turns: &'a Turns,
    /// Ends it early.
    pub cancel: &'a CancelToken,
}

/// [`Renderer::render`] by somebody who has the machine for himself.
pub fn render(
    tools: &MediaTools,
    path: &Path,
    probe: &Probe,
    spans: &[Output],
    settings: &RenderSettings,
    cancel: &CancelToken,
    progress: &dyn Fn(f64),
) -> Vec<Result<Rendition>> {
    let turns = &Turns::default();
    Renderer { tools, settings, turns, cancel }.render(path, probe, spans, progress)
}

impl Renderer<'_> {
    /// Writes the clips `spans` of the source at `path`, and returns what was measured on each
    /// file, in the order of `spans`.
    ///
    /// Blocks until all are done. `progress` is told the share that is done, in [0, 1], on the
    /// calling thread.
    ///
    /// A span whose path holds a whole video of its length already is not rendered: the facts are
    /// those of that file, be it from an earlier call or of a process that was faster. A damaged
    /// file is replaced, by a complete one. Nothing is left behind for a clip that failed.
    ///
    /// # Errors
    /// Each clip has its own: [`ErrorCode::RenderFailed`] (bad span, or the encoder failed),
    /// [`ErrorCode::RenderMismatch`] (the file is not what was asked for, or the source has no
    /// frames there), [`ErrorCode::StoreWrite`], [`ErrorCode::Cancelled`], and those of a source
    /// that cannot be decoded.
    pub fn render(
        &self,
        path: &Path,
        probe: &Probe,
        spans: &[Output],
        progress: &dyn Fn(f64),
    ) -> Vec<Result<Rendition>> {
        let Self { tools, settings, turns, cancel } = *self;
        let mut source = Source::new(probe, settings.max_pixels);
        if let Err(error) = formats::fit(&mut source, &settings.encoding) {
            return spans.iter().map(|_| Err(Error::new(error.code(), error.message()))).collect();
        }
        let folders: BTreeSet<&Path> = spans.iter().filter_map(|span| span.path.parent()).collect();
        folders.into_iter().for_each(|folder| turns.sweep(folder, part::remove_abandoned));
        let checker = Checker { tools, path, source: &source, settings, cancel };
        let mut results: Vec<Result<Rendition>> =
            spans.iter().map(|_| Err(not_reached())).collect();
        let (mut sound, mut places, mut done) = (Vec::new(), Vec::new(), 0.0);
        for (place, span) in spans.iter().enumerate() {
            match check_span(span, settings).and_then(|()| checker.kept(span)) {
                Ok(None) => {
                    sound.push(span.clone());
                    places.push(place);
                }
                Ok(Some(facts)) => {
                    results[place] = beside::complete(&checker, span, facts);
                    done += length(span);
                }
                Err(error) => results[place] = Err(error),
            }
        }
        let memory_bytes = turns.memory(settings.memory_bytes);
        let planned =
            plan::divide(&source, &sound, &RenderSettings { memory_bytes, ..settings.clone() });
        let needs = Needs::new(&source, &sound, settings);
        let queue = Queue::new(planned.into_iter().map(|pass| pass.spans), needs);
        let job = Job { checker, turns, queue: &queue, spans: &sound };
        let mut meter = Meter {
            total: done + sound.iter().map(length).sum::<f64>(),
            done,
            said: 0.0,
            progress,
        };
        meter.tell(0.0);
        job.run(|report| match report {
            Report::Advanced(running) => meter.tell(running),
            Report::Finished(member, result) => {
                meter.done += length(&sound[member]);
                results[places[member]] = *result;
            }
        });
        meter.finished();
        results
    }
}

/// Says how far all passes are.
struct Meter<'a> {
    /// Seconds of all outputs.
    total: f64,
    /// Seconds of those that are done.
    done: f64,
    /// What was said last.
    said: f64,
    progress: &'a dyn Fn(f64),
}

impl Meter<'_> {
    /// Says it, with the seconds that passes under way have done, in steps of a thousandth, and
    /// never less than before: a pass may start again. All of it is said at the end alone.
    fn tell(&mut self, running: f64) {
        let share = ((self.done + running) / self.total).clamp(0.0, 0.999);
        if share >= self.said + 0.001 {
            self.said = share;
            (self.progress)(share);
        }
    }

    fn finished(&self) {
        (self.progress)(1.0);
    }
}

/// Seconds of the source that an output reads.
fn length(span: &Output) -> f64 {
    let (start, end) = extent(std::iter::once(span));
    (end - start).max(0.0)
}

/// First start and last end.
fn extent<'a>(spans: impl Iterator<Item = &'a Output>) -> (f64, f64) {
    spans.fold((f64::INFINITY, f64::NEG_INFINITY), |(start, end), span| {
        let shape = span.shape().ok().flatten();
        let read = span.read(shape.as_ref());
        (start.min(read.0), end.max(read.1))
    })
}

fn check_span(span: &Output, settings: &RenderSettings) -> Result<()> {
    if span.shape()?.is_some() {
        let soft = span.edit.as_ref().is_some_and(|edit| edit.caption_mode == CaptionMode::Soft);
        let format = settings.encoding.format;
        if soft && format.has_picture() && !format.has_text_track() {
            let message = format!("{format} has no text track for the captions; take mp4 or webm");
            return Err(Error::new(ErrorCode::RenderFailed, message));
        }
        return Ok(());
    }
    let fine = span.start.is_finite() && span.end.is_finite() && span.start >= -source::TOLERANCE;
    if fine && span.end - span.start > source::TOLERANCE {
        return Ok(());
    }
    let message = format!(
        "a clip from {} s to {} s cannot be cut; give a start below the end",
        span.start, span.end
    );
    Err(Error::new(ErrorCode::RenderFailed, message))
}

fn not_reached() -> Error {
    Error::new(ErrorCode::Internal, "a clip was left out of the plan; report this")
}
