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

mod context;
mod ffmpeg;
mod output;
mod partial_file;
mod schedule;
mod settings;
mod shape;
mod sidecars;
mod smart_cut;
mod source;
mod verify;

use std::collections::BTreeSet;
use std::path::Path;

use crate::cancel::CancelToken;
use crate::error::{Error, Result};
use crate::media::probe::Probe;
use crate::media::tools::MediaTools;
use crate::model::Rendition;

use context::RenderContext;
use output::{check_span, length, not_reached};
use schedule::passes::{PassReport, PassRunner};
use schedule::plan::{MemoryNeeds, divide};
use schedule::queue::PassQueue;
use source::RenderSource;
use verify::compare;

pub use ffmpeg::encoding::{Encoding, Format, Hardware, Quality, VideoCodec};
pub use output::Output;
pub use schedule::plan::{Pass, plan_passes};
pub use schedule::slots::{MemoryShare, RenderScheduler};
pub use settings::{Preset, RenderSettings};

/// Renders sources, beside others that do.
#[derive(Debug)]
pub struct Renderer<'a> {
    /// ffmpeg and ffprobe.
    pub tools: &'a MediaTools,
    /// How clips are encoded.
    pub settings: &'a RenderSettings,
    /// Shared by all that render at one time.
    pub scheduler: &'a RenderScheduler,
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
    let scheduler = &RenderScheduler::default();
    Renderer { tools, settings, scheduler, cancel }.render(path, probe, spans, progress)
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
        let Self { tools, settings, scheduler, cancel } = *self;
        let mut source = RenderSource::new(probe, settings.max_pixels);
        if let Err(error) = compare::fit(&mut source, &settings.encoding) {
            return spans.iter().map(|_| Err(Error::new(error.code(), error.message()))).collect();
        }
        let folders: BTreeSet<&Path> = spans.iter().filter_map(|span| span.path.parent()).collect();
        folders
            .into_iter()
            .for_each(|folder| scheduler.sweep(folder, partial_file::remove_abandoned));
        let context = RenderContext { tools, path, source: &source, settings, cancel };
        let mut results: Vec<Result<Rendition>> =
            spans.iter().map(|_| Err(not_reached())).collect();
        let (mut sound, mut places, mut done) = (Vec::new(), Vec::new(), 0.0);
        for (place, span) in spans.iter().enumerate() {
            match check_span(span, settings).and_then(|()| context.kept(span)) {
                Ok(None) => {
                    sound.push(span.clone());
                    places.push(place);
                }
                Ok(Some(facts)) => {
                    results[place] = sidecars::complete(&context, span, facts);
                    done += length(span);
                }
                Err(error) => results[place] = Err(error),
            }
        }
        let memory_bytes = scheduler.memory(settings.memory_bytes);
        let planned = divide(&source, &sound, &RenderSettings { memory_bytes, ..settings.clone() });
        let needs = MemoryNeeds::new(&source, &sound, settings);
        let queue = PassQueue::new(planned.into_iter().map(|pass| pass.spans), needs);
        let job = PassRunner { context, scheduler, queue: &queue, spans: &sound };
        let mut meter = ProgressMeter {
            total: done + sound.iter().map(length).sum::<f64>(),
            done,
            said: 0.0,
            progress,
        };
        meter.tell(0.0);
        job.run(|report| match report {
            PassReport::Advanced(running) => meter.tell(running),
            PassReport::Finished(member, result) => {
                meter.done += length(&sound[member]);
                results[places[member]] = *result;
            }
        });
        meter.finished();
        results
    }
}

/// Says how far all passes are.
struct ProgressMeter<'a> {
    /// Seconds of all outputs.
    total: f64,
    /// Seconds of those that are done.
    done: f64,
    /// What was said last.
    said: f64,
    progress: &'a dyn Fn(f64),
}

impl ProgressMeter<'_> {
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
