//! Runs the passes of a source concurrently, within the limits of the scheduler.

use std::io::Read;
use std::path::Path;
use std::sync::mpsc::{Sender, channel};

use super::queue::PassQueue;
use super::slots::RenderScheduler;
use crate::error::{Error, ErrorCode, Result};
use crate::media::process::MediaCommand;
use crate::media::render::context::RenderContext;
use crate::media::render::ffmpeg::command::PassCommand;
use crate::media::render::ffmpeg::inputs::ColdOpenInput;
use crate::media::render::ffmpeg::{captions, command, loudness};
use crate::media::render::output::{Output, extent, length, not_reached};
use crate::media::render::partial_file::PartialFile;
use crate::media::render::shape::EditShape;
use crate::media::render::sidecars;
use crate::media::render::smart_cut::SmartCut;
use crate::media::render::source::RenderSource;
use crate::media::render::verify::frame_log::FrameLog;
use crate::media::tools::MediaLimits;
use crate::model::Rendition;

/// Runs all passes of one call to render.
pub(crate) struct PassRunner<'a> {
    pub(crate) context: RenderContext<'a>,
    pub(crate) scheduler: &'a RenderScheduler,
    pub(crate) queue: &'a PassQueue,
    pub(crate) spans: &'a [Output],
}

/// An event that the passes report to the caller.
pub(crate) enum PassReport {
    /// Seconds of outputs done so far by the running passes.
    Advanced(f64),
    /// The result of one output.
    Finished(usize, Box<Result<Rendition>>),
}

/// The frames that a pass decoded, as ffmpeg lists them.
#[derive(Default)]
struct FrameListing {
    log: FrameLog,
    /// Whether the seek landed behind the first required frame, or at no frame at all.
    late: bool,
}

impl FrameListing {
    /// Reads the listing to its end, or until it shows that the seek landed too late.
    fn read(
        from: impl Read,
        source: &RenderSource,
        (seek, first): (Option<f64>, i64),
        tell: impl Fn(i64),
    ) -> Self {
        let mut late = seek.is_some();
        let log = FrameLog::read(from, source.ticks, |pts| {
            late &= pts >= first;
            tell(pts);
            !late
        });
        Self { log, late }
    }
}

/// What a pass has decoded.
struct EncodedPass {
    log: FrameLog,
    /// Starts at which an earlier picture stands, as in [`RenderSource::standing`].
    standing: Vec<(i64, i64)>,
}

/// The starts of what `spans` show at which an earlier picture stands, by the frames of the pass and of its cold open.
fn standing(
    source: &RenderSource,
    spans: &[&Output],
    shapes: &[Option<EditShape>],
    (log, ahead): (&FrameLog, &FrameLog),
) -> Vec<(i64, i64)> {
    let mut found = Vec::new();
    for (span, shape) in spans.iter().zip(shapes) {
        let Some(shape) = shape else {
            found.extend(source.stands_at(span.start, &log.frames));
            continue;
        };
        for part in &shape.parts {
            let log = if part.ahead { ahead } else { log };
            let starts = part.segments.iter().map(|segment| segment.start);
            found.extend(starts.filter_map(|start| source.stands_at(start, &log.frames)));
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// A message from a worker thread.
enum WorkerMessage {
    /// Finished share of its pass times the seconds of its outputs.
    Advanced(f64),
    Finished(Vec<(usize, Result<Rendition>)>),
}

impl PassRunner<'_> {
    /// Runs all passes; calls `report` on this thread, once with the result of each output.
    pub(crate) fn run(&self, mut report: impl FnMut(PassReport)) {
        let workers = self.scheduler.processes().min(self.spans.len());
        let (sender, receiver) = channel();
        std::thread::scope(|scope| {
            for worker in 0..workers {
                let sender = sender.clone();
                scope.spawn(move || self.work(worker, &sender));
            }
            drop(sender);
            let mut running = vec![0.0; workers];
            for (worker, said) in receiver {
                match said {
                    WorkerMessage::Advanced(seconds) => running[worker] = seconds,
                    WorkerMessage::Finished(results) => {
                        running[worker] = 0.0;
                        for (member, result) in results {
                            report(PassReport::Finished(member, Box::new(result)));
                        }
                    }
                }
                report(PassReport::Advanced(running.iter().sum()));
            }
        });
    }

    /// Runs passes until none is left; after a cancellation the rest fail as cancelled.
    fn work(&self, worker: usize, sender: &Sender<(usize, WorkerMessage)>) {
        let RenderContext { tools, settings, cancel, .. } = self.context;
        let memory_bytes = settings.memory_bytes.min(tools.memory_bytes);
        // The receiver outlives all workers.
        let say = |said| sender.send((worker, said)).unwrap_or_default();
        loop {
            match self.scheduler.take(memory_bytes, cancel, |free| self.queue.next(free)) {
                Ok(None) => return,
                Ok(Some((pass, _turn))) => {
                    let members: Vec<&Output> = pass.iter().map(|n| &self.spans[*n]).collect();
                    let seconds: f64 = members.iter().map(|member| length(member)).sum();
                    let results =
                        self.pass(&members, &|share| say(WorkerMessage::Advanced(share * seconds)));
                    say(WorkerMessage::Finished(pass.into_iter().zip(results).collect()));
                }
                Err(error) => {
                    let left = self.queue.rest().into_iter().flatten();
                    let stopped =
                        left.map(|member| (member, Err(Error::new(error.code(), error.message()))));
                    return say(WorkerMessage::Finished(stopped.collect()));
                }
            }
        }
    }

    /// Renders one pass: by smart cut where possible, else by encoding.
    fn pass(&self, spans: &[&Output], tell: &dyn Fn(f64)) -> Vec<Result<Rendition>> {
        let each = |(number, span): (usize, &&Output)| {
            let part = |share: f64| tell((number as f64 + share) / spans.len() as f64);
            self.copied(span, &part)
        };
        let copied: Vec<_> = spans.iter().enumerate().map(each).collect();
        let left = spans.iter().zip(&copied).filter(|(_, done)| done.is_none());
        let left: Vec<&Output> = left.map(|(span, _)| *span).collect();
        let mut encoded = self.encoded(&left, tell).into_iter();
        let all = copied.into_iter().map(|done| done.or_else(|| encoded.next()));
        all.map(|done| done.unwrap_or_else(|| Err(not_reached()))).collect()
    }

    /// Renders the output by smart cut; `None` if it must be encoded.
    fn copied(&self, span: &Output, tell: &dyn Fn(f64)) -> Option<Result<Rendition>> {
        let (context, limits) = (&self.context, &self.limits());
        let facts = SmartCut { context, limits }.attempt(span, tell).transpose()?;
        Some(facts.and_then(|facts| sidecars::complete(context, span, facts)))
    }

    /// Encodes `spans` together, or each alone if that fails, to contain a failure.
    fn encoded(&self, spans: &[&Output], tell: &dyn Fn(f64)) -> Vec<Result<Rendition>> {
        if spans.is_empty() {
            return Vec::new();
        }
        match self.together(spans, tell) {
            Ok(results) => results,
            Err(error) if spans.len() == 1 => vec![Err(error)],
            Err(_) => {
                let alone = |span: &&Output| {
                    self.context.cancel.check()?;
                    self.together(&[*span], tell)?.pop().unwrap_or_else(|| Err(not_reached()))
                };
                spans.iter().map(alone).collect()
            }
        }
    }

    /// Encodes all of `spans` in one ffmpeg process; the outer error is that of the process.
    fn together(&self, spans: &[&Output], tell: &dyn Fn(f64)) -> Result<Vec<Result<Rendition>>> {
        self.context.cancel.check()?;
        let files: Vec<PartialFile> =
            spans.iter().map(|span| PartialFile::beside(&span.path)).collect::<Result<_>>()?;
        let pass = self.encode(spans, &files, tell)?;
        if pass.standing.is_empty() || !self.context.source.standing.is_empty() {
            return Ok(self.accepted(spans, files, &pass.log));
        }
        // Known only now: again, with what is on screen where a start has no picture of its own.
        let source = RenderSource { standing: pass.standing, ..self.context.source.clone() };
        let context = RenderContext { source: &source, ..self.context };
        let again = PassRunner { context, ..*self };
        let pass = again.encode(spans, &files, tell)?;
        Ok(again.accepted(spans, files, &pass.log))
    }

    /// The results of outputs whose files are written.
    fn accepted(
        &self,
        spans: &[&Output],
        files: Vec<PartialFile>,
        log: &FrameLog,
    ) -> Vec<Result<Rendition>> {
        let check = |(span, file): (&&Output, PartialFile)| {
            sidecars::complete(&self.context, span, self.context.accept(span, file, log)?)
        };
        spans.iter().zip(files).map(check).collect()
    }

    /// Runs ffmpeg until it decodes a frame before the first clip, each time from further back.
    ///
    /// Only then is it certain that none of the clip's frames is missing.
    fn encode(
        &self,
        spans: &[&Output],
        files: &[PartialFile],
        tell: &dyn Fn(f64),
    ) -> Result<EncodedPass> {
        const ATTEMPTS: u32 = 4;
        let RenderContext { path, source, settings, .. } = self.context;
        let limits = &self.limits();
        let names: Vec<&Path> = files.iter().map(|file| &**file).collect();
        let shapes: Vec<_> = spans.iter().map(|span| span.shape()).collect::<Result<_>>()?;
        let (captions, tracks) =
            (captions::burned(spans)?, captions::tracks(spans, settings.encoding.format)?);
        let (start, _) = extent(spans.iter().copied());
        let teaser = shapes.iter().flatten().find_map(EditShape::ahead).map(|part| part.extent().0);
        let mut tried = None;
        for attempt in 0..ATTEMPTS {
            let seek = source.seek(start, attempt);
            let ahead = teaser.and_then(|start| source.seek(start, attempt));
            if tried == Some((seek, ahead)) {
                continue;
            }
            tried = Some((seek, ahead));
            // If the seek of the picture landed too late, that of the sound may have too.
            let sounds = loudness::sounds(&self.context, seek, spans, &shapes)?;
            let plan = PassCommand {
                path,
                source,
                seek,
                ahead: teaser.map(|_| ColdOpenInput { seek: ahead, log: "" }),
                outputs: spans,
                shapes: &shapes,
                sounds: &sounds,
                captions: &captions,
                tracks: &tracks,
                settings,
                limits,
            };
            if let Some(pass) = self.attempt(plan, &names, teaser, tell)? {
                return Ok(pass);
            }
        }
        Err(Error::new(
            ErrorCode::RenderMismatch,
            "the clip's first frame could not be reached in the source; export the source again",
        ))
    }

    /// Runs ffmpeg once, writing to `names`; `None` if a seek landed too late.
    fn attempt(
        &self,
        plan: PassCommand<'_>,
        names: &[&Path],
        teaser: Option<f64>,
        tell: &dyn Fn(f64),
    ) -> Result<Option<EncodedPass>> {
        let RenderContext { tools, source, settings, cancel, .. } = self.context;
        let mut command = MediaCommand::ffmpeg(tools, plan.limits);
        command.reproducible();
        let ahead_pipe = teaser.filter(|_| settings.encoding.has_picture());
        let ahead_pipe = ahead_pipe.map(|_| command.output_pipe()).transpose()?;
        let log = ahead_pipe.as_ref().map_or_else(String::new, |(name, _)| name.clone());
        let log = log.as_str();
        let plan =
            PassCommand { ahead: plan.ahead.map(|ahead| ColdOpenInput { log, ..ahead }), ..plan };
        let (spans, shapes) = (plan.outputs, plan.shapes);
        let (start, end) = extent(spans.iter().copied());
        let (first, all) = (source.first_tick(start), (end - start) * source.ticks as f64);
        let (seek, ahead_seek) = (plan.seek, plan.ahead.and_then(|ahead| ahead.seek));
        command.args(command::arguments(&plan, names));
        for captions in plan.captions.iter().flatten() {
            command.reads(captions.path());
        }
        let reader = command.stdout_pipe()?;
        let child = command.start(cancel)?;
        let (log, ahead) = std::thread::scope(|scope| {
            let ahead = ahead_pipe.map(|(_, reader)| {
                let first = teaser.map_or(0, |start| source.first_tick(start));
                // Closing the reader ends ffmpeg.
                let read = move || FrameListing::read(reader, source, (ahead_seek, first), |_| ());
                scope.spawn(read)
            });
            let log = FrameListing::read(reader, source, (seek, first), |pts| {
                tell((pts - first).max(0) as f64 / all);
            });
            if log.late && !log.log.frames.is_empty() {
                child.stop();
            }
            (log, ahead.and_then(|thread| thread.join().ok()).unwrap_or_default())
        });
        let finished = child.wait()?;
        let late = (log.late || ahead.late) && !cancel.is_cancelled();
        let read = !log.log.frames.is_empty() || !ahead.log.frames.is_empty();
        if late && (finished.success() || read) {
            return Ok(None);
        }
        let standing = standing(source, spans, shapes, (&log.log, &ahead.log));
        // An output without any frame of its own fails: it is written again.
        if standing.is_empty() || !source.standing.is_empty() || cancel.is_cancelled() {
            finished.check(ErrorCode::RenderFailed)?;
        }
        Ok(Some(EncodedPass { log: log.log, standing }))
    }

    /// The process limits of a pass.
    ///
    /// Concurrent passes decode and filter with one thread each: threads that wait for each other cost
    /// 7 % of the CPU time of five outputs.
    fn limits(&self) -> MediaLimits {
        let limits = &self.context.settings.limits;
        let threads = if self.scheduler.processes() > 1 { 1 } else { limits.threads };
        MediaLimits { threads, ..limits.clone() }
    }
}
