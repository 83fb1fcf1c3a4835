//! Renders clips and variants of a source as frame-exact, verified media files.
//!
//! **Frames.** A clip holds the frames with `start ≤ PTS < end` at the source's own intervals: a
//! variable frame rate stays variable. Its sound is cut to the sample, starts with the first frame
//! and is as long as the clip; a source without sound gives silence. Pictures are upright, in square
//! pixels, of even size, progressive, 8-bit 4:2:0. HDR is tone-mapped to
//! BT.709. If size or pixels change in mid-stream, all frames are shown in the first size, in their own shape. A clip
//! that starts while an earlier picture stands, in a gap or between slides, begins with that picture.
//!
//! **Verification.** While ffmpeg writes the clips it also lists the PTS of every frame it decoded.
//! Each written file is probed and must hold exactly the listed frames at exactly their times before
//! it gets its name. The list also shows a seek that landed too late; the pass is then repeated from
//! further back.
//!
//! **Smart cut.** With [`RenderSettings::smart_cut`], packets of the source are copied where a clip
//! changes nothing but the span; such a file is decoded and compared frame by frame.
//!
//! **Existing files.** A complete file at a clip's path is kept and measured, never overwritten, so
//! that recorded facts about it stay true.
//!
//! **Reproducibility.** The same source, span and settings give the same bytes, whatever other clips
//! are rendered in the same pass, for one build of ffmpeg on one kind of processor and with one thread
//! per encoder. With more threads the bytes may differ on variable or high frame rates. This holds for
//! every format and codec with software encoders; a test repeats HEVC, AV1, VP9, GIF, WebP and sound
//! alone. (AAC can leave noise to its decoder, which generates it from where decoding began: the sound
//! of passes that begin elsewhere can then differ inaudibly.)

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
use crate::media::probe::{Hdr, Probe};
use crate::media::tools::MediaTools;
use crate::model::Rendition;

use context::RenderContext;
use output::{check_span, length, not_reached};
use schedule::passes::{PassReport, PassRunner};
use schedule::plan::{MemoryNeeds, divide};
use schedule::queue::PassQueue;
use source::RenderSource;
use verify::compare;

pub use ffmpeg::encoding::{DynamicRange, Encoding, Format, Hardware, Quality, VideoCodec};
pub use output::Output;
pub use schedule::plan::{Pass, plan_passes};
pub use schedule::slots::{MemoryShare, RenderScheduler};
pub use settings::{Preset, RenderSettings};

/// Renders the outputs of one source at a time, sharing the machine with other renderers.
#[derive(Debug)]
pub struct Renderer<'a> {
    /// ffmpeg and ffprobe.
    pub tools: &'a MediaTools,
    /// How clips are encoded.
    pub settings: &'a RenderSettings,
    /// Shared by all renderers that run at the same time.
    pub scheduler: &'a RenderScheduler,
    /// Stops rendering early.
    pub cancel: &'a CancelToken,
}

/// [`Renderer::render`] with exclusive use of the machine.
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
    /// Writes the clips `spans` of the source at `path` and returns the facts of each file.
    ///
    /// The results are in the order of `spans`. Blocks until all are done. `progress` receives the
    /// finished share, in [0, 1], on the calling thread.
    ///
    /// A span whose path already holds a complete file of its length is not rendered: its facts are
    /// those of that file, from an earlier call or from another process that was faster. A damaged
    /// file is replaced by a complete one. A failed clip leaves no file behind.
    ///
    /// # Errors
    /// Each clip has its own: `render.failed` (invalid span, or the encoder failed), `render.mismatch`
    /// (the file differs from what was requested, or the source has no frames in the span),
    /// `store.write`, `cancelled`, and those of a source that cannot be decoded.
    pub fn render(
        &self,
        path: &Path,
        probe: &Probe,
        spans: &[Output],
        progress: &dyn Fn(f64),
    ) -> Vec<Result<Rendition>> {
        let Self { tools, settings, scheduler, cancel } = *self;
        let (mut source, settings) = ranged(probe, settings);
        let settings = &settings;
        if let Err(error) = compare::fit(&mut source, &settings.encoding) {
            return spans.iter().map(|_| Err(Error::new(error.code(), error.message()))).collect();
        }
        let folders: BTreeSet<&Path> = spans.iter().filter_map(|span| span.path.parent()).collect();
        folders
            .into_iter()
            .for_each(|folder| scheduler.sweep(folder, partial_file::remove_abandoned));
        let path = probe.file(path);
        let context = RenderContext { tools, path, source: &source, settings, cancel };
        let mut results: Vec<Result<Rendition>> =
            spans.iter().map(|_| Err(not_reached())).collect();
        let (mut pending, mut places, mut done) = (Vec::new(), Vec::new(), 0.0);
        let needs = MemoryNeeds::new(&source, spans, settings);
        for (place, span) in spans.iter().enumerate() {
            // What exists takes no memory.
            let state = check_span(span, settings).and_then(|()| context.existing(span));
            let state = state.and_then(|facts| {
                let fits = || tools.check_memory("rendering this file", needs.of(&[place]));
                facts.map_or_else(|| fits().map(|()| None), |facts| Ok(Some(facts)))
            });
            match state {
                Ok(None) => {
                    pending.push(span.clone());
                    places.push(place);
                }
                Ok(Some(facts)) => {
                    results[place] = sidecars::complete(&context, span, facts);
                    done += length(span);
                }
                Err(error) => results[place] = Err(error),
            }
        }
        let memory_bytes = scheduler.memory(settings.memory_bytes).min(tools.memory_bytes);
        let planned =
            divide(&source, &pending, &RenderSettings { memory_bytes, ..settings.clone() });
        let needs = MemoryNeeds::new(&source, &pending, settings);
        let queue = PassQueue::new(planned.into_iter().map(|pass| pass.spans), needs);
        let runner = PassRunner { context, scheduler, queue: &queue, spans: &pending };
        let mut meter = ProgressMeter {
            total: done + pending.iter().map(length).sum::<f64>(),
            done,
            reported: 0.0,
            progress,
        };
        meter.advance(0.0);
        runner.run(|report| match report {
            PassReport::Advanced(running) => meter.advance(running),
            PassReport::Finished(member, result) => {
                meter.done += length(&pending[member]);
                results[places[member]] = *result;
            }
        });
        meter.finished();
        with_range(&source, results)
    }
}

/// The source, and how it is encoded: otherwise where its high dynamic range is kept.
fn ranged(probe: &Probe, settings: &RenderSettings) -> (RenderSource, RenderSettings) {
    let mut source = RenderSource::new(probe, settings.max_pixels);
    let is_kept = settings.encoding.hdr == DynamicRange::Keep && source.keep_range(probe);
    let encoding = if is_kept { settings.encoding.of_hdr() } else { settings.encoding };
    (source, RenderSettings { encoding, ..settings.clone() })
}

/// The facts with the transfer of the high dynamic range that was kept.
fn with_range(
    source: &RenderSource,
    mut results: Vec<Result<Rendition>>,
) -> Vec<Result<Rendition>> {
    let transfer = source.kept.as_ref().and_then(|kept| Hdr::of_transfer(&kept.transfer));
    let name = transfer.map(|hdr| hdr.as_str().to_owned());
    results.iter_mut().flatten().for_each(|file| file.hdr.clone_from(&name));
    results
}

/// Combines the progress of all passes into one share.
struct ProgressMeter<'a> {
    /// Seconds of all outputs.
    total: f64,
    /// Seconds of the finished outputs.
    done: f64,
    /// The share reported last.
    reported: f64,
    progress: &'a dyn Fn(f64),
}

impl ProgressMeter<'_> {
    /// Reports the share, given the seconds done by the running passes.
    ///
    /// Reports in steps of a thousandth and never less than before, since a pass may start again.
    /// Only [`Self::finished`] reports 1.
    fn advance(&mut self, running: f64) {
        let share = ((self.done + running) / self.total).clamp(0.0, 0.999);
        if share >= self.reported + 0.001 {
            self.reported = share;
            (self.progress)(share);
        }
    }

    fn finished(&self) {
        (self.progress)(1.0);
    }
}
