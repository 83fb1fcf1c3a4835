//! Smart cut: copies whole groups of pictures and encodes only the edges around them.
//!
//! It applies to clips that change nothing but the span. The source is decoded once, for the checksums of
//! its frames and for the edges; the written clip is decoded too. The clip is accepted if each of its
//! frames is at its time, each copied frame has the source's checksum, and the frames of the edges
//! resemble the source's. Otherwise the clip is encoded as a whole. Decoding twice costs a fraction of
//! encoding once (figures: docs/user/formats.md).
//!
//! Source and edges have separate parameter sets in one sample entry, distinguished by their identifiers
//! (ISO/IEC 14496-15). The edges use the source's profile and need no more decoded picture buffers or
//! reordering than the source.

mod cut;
mod decode;
mod packets;
mod parameters;
mod picture;

use std::ffi::OsString;
use std::fs::File;
use std::path::Path;

use super::context::RenderContext;
use super::ffmpeg::encoding::arguments::copied;
use super::ffmpeg::encoding::{Format, Hardware, Quality, VideoCodec};
use super::ffmpeg::graph::audio;
use super::ffmpeg::graph::audio::AudioOutput;
use super::ffmpeg::inputs::{InputNumbers, audio_inputs};
use super::ffmpeg::{captions, loudness};
use super::output::Output;
use super::partial_file::PartialFile;
use super::shape::EditShape;
use super::source::TOLERANCE;
use super::verify::facts::mismatch;
use crate::error::{ErrorCode, Result};
use crate::media::input::{ffmpeg_args, input_args};
use crate::media::process::MediaCommand;
use crate::media::sniff::Demuxer;
use crate::media::tools::MediaLimits;
use crate::model::Rendition;
use crate::model::edit::{Edit, Layout};

use cut::SmartCutPlan;
use decode::SpanDecoder;
use packets::PacketTrack;
use parameters::{StreamParameters, joined};
use picture::{ClipSample, SampleDescription};

/// Renders outputs by smart cut.
pub(super) struct SmartCut<'a> {
    pub(super) context: &'a RenderContext<'a>,
    pub(super) limits: &'a MediaLimits,
}

impl SmartCut<'_> {
    /// Renders `output` by smart cut; `None` if it must be encoded as a whole.
    ///
    /// # Errors
    /// `cancelled`.
    pub(super) fn attempt(&self, output: &Output, tell: &dyn Fn(f64)) -> Result<Option<Rendition>> {
        if !self.fits(output) {
            return Ok(None);
        }
        match self.cut(output, tell) {
            Ok(facts) => {
                let rendition = output.rendition_id.as_str();
                let copied = facts.copied_frames.unwrap_or(0);
                tracing::debug!(rendition, "{copied} of its {} frames are copied", facts.frames);
                Ok(Some(facts))
            }
            Err(error) => {
                self.context.cancel.check()?;
                let rendition = output.rendition_id.as_str();
                tracing::debug!(rendition, "encoded as a whole, not copied: {error}");
                Ok(None)
            }
        }
    }

    /// Whether source, settings and output allow packets to be copied.
    fn fits(&self, output: &Output) -> bool {
        let RenderContext { source, settings, .. } = self.context;
        let encoding = &settings.encoding;
        let size = (i64::from(source.width), i64::from(source.height));
        settings.smart_cut
            && source.copyable
            && encoding.format == Format::Mp4
            && encoding.video_codec() == Some(VideoCodec::H264)
            && encoding.hardware == Hardware::Off
            && encoding.quality != Quality::Lossless
            && output.edit.as_ref().is_none_or(|edit| only_cuts(edit, size))
            && captions::burned(&[output]).is_ok_and(|burned| burned.iter().all(Option::is_none))
            && captions::tracks(&[output], settings.encoding.format)
                .is_ok_and(|tracks| tracks.iter().all(Option::is_none))
    }

    fn cut(&self, output: &Output, tell: &dyn Fn(f64)) -> Result<Rendition> {
        let Self { context, limits } = *self;
        let source = context.source;
        let shape = output.shape()?;
        let (start, end) = output.source_span(shape.as_ref());
        let (from, until) = (source.first_tick(start), source.first_tick(end));
        let seek = source.seek(start, 0);
        let span = (source.start + seek.unwrap_or(0.0), source.start + end);
        let track = packets::list(context, (context.path, source.video), Some(span))?;
        let parameters = StreamParameters::new(&track.avcc)
            .ok_or_else(|| mismatch("it is not one progressive 8-bit stream"))?;
        let file = context.tools.open(context.path)?;
        let cut = divided(&track, &file, from, until)?;
        let ticks: Vec<i64> = track.packets[cut.copied.clone()].iter().map(|p| p.tick).collect();
        let depth = picture::depth(&ticks);
        let edges = PartialFile::beside(&output.path)?;
        // The edges start at 0, so that their file needs no edit list.
        let ticks_shown = track.packets.iter().map(|packet| packet.tick);
        let zero = ticks_shown.filter(|tick| *tick >= from).min().unwrap_or(from);
        let reading =
            SpanDecoder { context, limits, cut: &cut, parameters, depth, from: zero, until };
        let part = |tick: i64| (tick - from).max(0) as f64 / (until - from).max(1) as f64;
        let shown = reading.run(seek, &edges, &|tick| tell(part(tick) * 0.7))?;
        let first = shown.log.frames.partition_point(|tick| *tick < from);
        let frames = shown.log.within(from, until);
        if source.stands_at(start, &shown.log.frames).is_some() {
            return Err(mismatch("an earlier picture is on screen at its start"));
        }
        matches(frames, &ticks, &cut)?;
        if first == 0 && seek.is_some() {
            return Err(mismatch("its first frame may be missing"));
        }
        let wanted = context.wanted(output, shape.as_ref(), frames);
        in_step(shape.as_ref(), frames, &wanted.frames, source.ticks)?;
        let clip = ClipFrames { ticks: wanted.ticks, length: wanted.length, pts: &wanted.frames };
        let picture = self.picture(output, (&track, &file, &cut), &edges, &clip)?;
        drop(edges);
        let whole = self.with_sound(output, shape, &picture, seek, &clip)?;
        drop(picture);
        tell(0.8);
        let (file, wanted) = ((&*whole, clip.ticks), (&cut, clip.pts));
        decode::verify(context, limits, file, wanted, (&shown, first))?;
        let facts = context.accept(output, whole, &shown.log)?;
        Ok(Rendition { copied_frames: i64::try_from(cut.copied.len()).ok(), ..facts })
    }

    /// Writes the clip's picture track.
    fn picture(
        &self,
        output: &Output,
        (track, file, cut): (&PacketTrack, &File, &SmartCutPlan),
        edges: &Path,
        clip: &ClipFrames<'_>,
    ) -> Result<PartialFile> {
        let edges_track = match cut.encoded() {
            0 => None,
            _ => Some(packets::list(self.context, (edges, 0), None)?),
        };
        let edges = open(edges)?;
        let samples = samples(track, edges_track.as_ref().map(|track| (track, &edges)), cut, clip)?;
        let (width, height) = (self.context.source.width, self.context.source.height);
        let side = |side: u32| u16::try_from(side).map_err(|_| mismatch("it is too large"));
        let entry = SampleDescription {
            avcc: joined(&track.avcc, edges_track.as_ref().map(|track| &track.avcc)),
            size: (side(width)?, side(height)?),
            ticks: u32::try_from(clip.ticks).map_err(|_| mismatch("its clock is too fine"))?,
        };
        let picture = PartialFile::beside(&output.path)?;
        picture::write(&picture, &samples, (file, &edges), entry)?;
        Ok(picture)
    }

    /// Writes the clip: copies the picture track and encodes the sound, index first.
    fn with_sound(
        &self,
        output: &Output,
        shape: Option<EditShape>,
        picture: &Path,
        seek: Option<f64>,
        clip: &ClipFrames<'_>,
    ) -> Result<PartialFile> {
        let Self { context, limits } = *self;
        let RenderContext { source, settings, path, .. } = *context;
        let mut command = MediaCommand::ffmpeg(context.tools, limits);
        command.args(ffmpeg_args()).args(["-y", "-copyts"]);
        command.args(input_args(Demuxer::Mov, picture, limits, &[]));
        if let Some(sound) = source.audio {
            let shape = shape.as_ref();
            let gain = loudness::gain(context, seek, output, shape)?;
            let inputs = InputNumbers { audio: 1, ahead_video: None, ahead_audio: None };
            let heard = AudioOutput { number: 0, output, shape, gain };
            let graph = audio::graph(source, sound, &[heard], inputs);
            command.args(audio_inputs(path, source, seek, None, limits));
            command.args(["-filter_complex", &graph]);
        }
        let length = (clip.length * clip.ticks as f64).round() as i64;
        command.args(copied(source, (clip.ticks, length), settings));
        let file = PartialFile::beside(&output.path)?;
        let mut name = OsString::from("file:");
        name.push(&*file);
        command.arg(name);
        command.start(context.cancel)?.wait()?.check(ErrorCode::RenderFailed)?;
        Ok(file)
    }
}

/// The frame times of a clip.
struct ClipFrames<'a> {
    /// Ticks per second.
    ticks: i64,
    /// Duration in seconds.
    length: f64,
    /// PTS in ticks, in presentation order.
    pts: &'a [i64],
}

/// Whether an edit shows one span of the source unchanged; its sound may change.
fn only_cuts(edit: &Edit, size: (i64, i64)) -> bool {
    let [segment] = edit.segments.as_slice() else { return false };
    (edit.width, edit.height) == size
        && matches!(edit.layout, Layout::Crop | Layout::Fit)
        && edit.effects.is_empty()
        && (segment.speed - 1.0).abs() < 1e-9
}

fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(|cause| mismatch("a file cannot be opened").with_source(cause))
}

/// Chooses the packets that are copied.
fn divided(track: &PacketTrack, file: &File, from: i64, until: i64) -> Result<SmartCutPlan> {
    let mut shown = Vec::with_capacity(track.packets.len());
    for packet in &track.packets {
        let near = packet.tick >= from;
        shown.push((packet.tick, near && packet.is_closed(file)?));
    }
    let cut = cut::choose(&shown, from, until)
        .ok_or_else(|| mismatch("too little of it is in whole groups of pictures"))?;
    if track.packets[cut.copied.clone()].iter().any(|packet| packet.discarded) {
        return Err(mismatch("an edit list leaves out some of its frames"));
    }
    Ok(cut)
}

/// Checks that the decoder showed a frame per packet, the copied ones at their times.
fn matches(frames: &[i64], copied: &[i64], cut: &SmartCutPlan) -> Result<()> {
    let mut copied = copied.to_vec();
    copied.sort_unstable();
    let tail = cut.head + copied.len();
    let counted = frames.len() == tail + cut.tail;
    if counted && frames.get(cut.head..tail) == Some(&copied) {
        return Ok(());
    }
    Err(mismatch("the decoder shows other frames than there are packets"))
}

/// Checks that an edit's constant rate is the source's, so no frame is dropped or repeated.
fn in_step(shape: Option<&EditShape>, frames: &[i64], wanted: &[i64], ticks: i64) -> Result<()> {
    let first = frames.first().copied().unwrap_or(0);
    let Some(shape) = shape.filter(|_| frames.len() > 1) else {
        return if frames.len() == wanted.len() {
            Ok(())
        } else {
            Err(mismatch("frames are missing"))
        };
    };
    let unit = shape.clock.ticks as f64;
    let near = |(frame, wanted): (&i64, &i64)| {
        ((frame - first) as f64 / ticks as f64 - *wanted as f64 / unit).abs() <= 2.0 * TOLERANCE
    };
    if frames.len() == wanted.len() && frames.iter().zip(wanted).all(near) {
        return Ok(());
    }
    Err(mismatch("its frame rate is not the source's"))
}

/// The clip's packets in decoding order: head, copied, tail.
///
/// The time of each is that of its rank in presentation order.
fn samples(
    track: &PacketTrack,
    edges: Option<(&PacketTrack, &File)>,
    cut: &SmartCutPlan,
    clip: &ClipFrames<'_>,
) -> Result<Vec<ClipSample>> {
    let odd = || mismatch("its edges were not encoded frame by frame");
    let copied = &track.packets[cut.copied.clone()];
    let encoded = edges.map_or(&[][..], |(track, _)| track.packets.as_slice());
    if encoded.len() != cut.encoded() {
        return Err(odd());
    }
    let (head, tail) = encoded.split_at(cut.head);
    let mut samples = Vec::with_capacity(clip.pts.len());
    for (packets, own) in [(head, false), (copied, true), (tail, false)] {
        if let (Some(first), Some((_, file)), false) = (packets.first(), edges, own)
            && !first.is_closed(file)?
        {
            return Err(odd());
        }
        let done = samples.len();
        let mut order: Vec<usize> = (0..packets.len()).collect();
        order.sort_by_key(|place| packets[*place].tick);
        let mut ranks = vec![0; packets.len()];
        order.iter().enumerate().for_each(|(rank, place)| ranks[*place] = rank);
        for (packet, rank) in packets.iter().zip(ranks) {
            let pts = *clip.pts.get(done + rank).ok_or_else(odd)?;
            samples.push(ClipSample { packet: *packet, copied: own, pts });
        }
    }
    Ok(samples)
}
