//! The facts about a source that rendering uses, from its [`Probe`].

use crate::kernels::audio::ChannelFault;
use crate::kernels::layout::even;
use crate::media::input::MAX_PIXELS;
use crate::media::probe::{Hdr, KeptRange, Probe};
use crate::media::shape::StoredShape;
use crate::media::sniff::Demuxer;
use crate::model::edit::Edit;

/// Frames up to this many seconds before a start still belong to it.
///
/// Half the shortest usual frame (480 per second), and more than a time stamp loses when Matroska rounds
/// to milliseconds.
pub(crate) const TOLERANCE: f64 = 0.001;
/// A picture comes at once that comes within this many seconds, if the frames of the source last as long.
const AT_ONCE: f64 = 0.12;

/// The chosen streams of a source, and size and clock of the clips made from them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RenderSource {
    pub(crate) demuxer: Demuxer,
    /// Start of the container on its own clock, in seconds.
    pub(crate) start: f64,
    /// Index of the video stream in the file.
    pub(crate) video: usize,
    pub(crate) audio: Option<SourceAudio>,
    /// The streams of the sound where several are mixed; else empty.
    pub(crate) mixed: Vec<usize>,
    pub(crate) coded_width: u32,
    pub(crate) coded_height: u32,
    /// Upright, in square pixels and not too large.
    pub(crate) scaled: (u32, u32),
    /// Size of the clips: the same, made even by dropping the last column or row.
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Size and pixels of the decoded picture, as the stream states them, upright.
    pub(crate) stored: StoredShape,
    /// Width of the upright picture in square pixels, in which areas are given.
    pub(crate) shown_width: u32,
    /// Whether ffmpeg turns or mirrors it. A filter of ours would leave its tag on the clip, which players turn once more.
    pub(crate) turned: bool,
    /// Nominal frame rate.
    pub(crate) fps: f64,
    /// Ticks per second of the clips' clock.
    pub(crate) ticks: i64,
    /// Whether the decoder already gives 8-bit 4:2:0 in limited range.
    pub(crate) plain: bool,
    pub(crate) rgb: bool,
    /// Its transfer, if that is to become one of standard dynamic range.
    pub(crate) hdr: Option<Hdr>,
    /// Its colours, if they are to stay of high dynamic range.
    pub(crate) kept: Option<KeptRange>,
    /// Whether its packets can be copied into clips: H.264 in MP4, upright, in square pixels, of even
    /// size.
    pub(crate) copyable: bool,
    /// What is wrong with the channels of its sound.
    pub(crate) fault: Option<ChannelFault>,
    /// Least difference in seconds between time stamps and samples of its sound that is a gap or an overlap: smaller ones
    /// are jitter. Where recordings are joined, their sound overlaps by less than a packet.
    pub(crate) gap: f64,
    /// Starts before which a picture stands for long, as ticks: the [first](Self::first_tick) and that picture's.
    pub(crate) standing: Vec<(i64, i64)>,
}

/// The chosen audio stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SourceAudio {
    /// Index of the stream in the file.
    pub(crate) stream: usize,
    /// Sample rate of the source in Hz.
    pub(crate) rate: u32,
    pub(crate) channels: u32,
}

impl SourceAudio {
    /// Sample rate of the clips in Hz: one that every player supports.
    pub(crate) fn out_rate(self) -> u32 {
        if self.rate == 44_100 { 44_100 } else { 48_000 }
    }

    /// Channel layout of the clips.
    pub(crate) fn out_layout(self) -> &'static str {
        if self.channels == 1 { "mono" } else { "stereo" }
    }
}

impl RenderSource {
    pub(crate) fn new(probe: &Probe, max_pixels: u32) -> Self {
        let video = &probe.video;
        let side = |length: i64| u32::try_from(length).unwrap_or(0);
        let stored = (side(video.stored_width), side(video.stored_height));
        let upright = if video.rotation % 180 == 90 { (stored.1, stored.0) } else { stored };
        let shown = (side(video.width), side(video.height));
        // A pixel aspect that gives an absurd picture size is ignored.
        let fits = |side: u32| (2..=16_384).contains(&side);
        let fits = fits(shown.0) && fits(shown.1) && pixels(shown) <= MAX_PIXELS;
        let exact = if fits { shown } else { upright };
        let exact_width = exact.0;
        let fault = probe.audio.as_ref().and_then(|audio| audio.fault);
        let bounded = bound(exact, max_pixels);
        let (exact, stretched) = (bounded, bounded != upright);
        let (width, height) = (even(exact.0), even(exact.1));
        let small = exact.0 < 2 || exact.1 < 2;
        let scaled = if stretched || small { (width, height) } else { exact };
        let is_upright = video.rotation == 0 && !video.mirrored;
        let plain = video.pixel_format == "yuv420p";
        let rate = video.average_fps.or(video.nominal_fps).filter(|fps| (0.01..1e4).contains(fps));
        Self {
            demuxer: probe.demuxer,
            start: probe.start_time,
            video: video.index,
            audio: probe.audio.as_ref().map(|audio| SourceAudio {
                stream: audio.index,
                rate: audio.sample_rate.max(1),
                channels: audio.channels,
            }),
            mixed: probe.audio.as_ref().map(|audio| audio.mixed.clone()).unwrap_or_default(),
            coded_width: stored.0,
            coded_height: stored.1,
            scaled,
            width,
            height,
            // That of a turned one is the shape that ffmpeg gives it.
            stored: StoredShape::from(video).turned(video.rotation),
            shown_width: exact_width.max(1),
            turned: video.mirrored || video.rotation != 0,
            fps: rate.unwrap_or(25.0),
            ticks: ticks(video.time_base),
            plain,
            rgb: ["rgb", "bgr", "gbr", "argb", "abgr", "0rgb", "0bgr", "pal8"]
                .iter()
                .any(|start| video.pixel_format.starts_with(start)),
            hdr: video.hdr,
            kept: None,
            copyable: probe.demuxer == Demuxer::Mov
                && video.codec == "h264"
                && plain
                && video.hdr.is_none()
                && is_upright
                && fault.is_none()
                && stored == (width, height)
                && scaled == stored,
            fault,
            gap: if probe.mended.is_some() { 0.01 } else { 0.05 },
            standing: Vec::new(),
        }
    }

    /// Lets the high dynamic range of the source stay; returns whether it has one.
    pub(crate) fn keep_range(&mut self, probe: &Probe) -> bool {
        self.kept = self.hdr.take().and(probe.video.range.clone());
        self.kept.is_some()
    }

    /// Size of the clips' picture, before an edit.
    pub(crate) fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// How long before a clip's start reading begins, in seconds.
    ///
    /// In containers with a keyframe index a seek lands on the preceding keyframe; one more second
    /// covers pictures that follow a keyframe in the file and precede it on the screen (open GOP),
    /// and lets the audio decoder settle. In other containers a seek lands anywhere, so the margin
    /// must cover a whole GOP.
    pub(crate) fn margin(&self) -> f64 {
        match self.demuxer {
            Demuxer::Mov | Demuxer::Matroska | Demuxer::Avi | Demuxer::Asf | Demuxer::Mxf => 1.0,
            _ => 12.0,
        }
    }

    /// Where to seek for a clip at `start`, in seconds; `None` is the first packet.
    ///
    /// Each further `attempt` goes further back.
    pub(crate) fn seek(&self, start: f64, attempt: u32) -> Option<f64> {
        let margin = match attempt {
            0 => self.margin(),
            1 | 2 => self.margin() * 8.0_f64.powi(attempt as i32),
            _ => f64::INFINITY,
        };
        let target = start - margin;
        (target > 0.0).then_some(target)
    }

    /// Tick of the first frame at or after `seconds` on the clips' clock, within the tolerance.
    pub(crate) fn first_tick(&self, seconds: f64) -> i64 {
        ((self.start + seconds - TOLERANCE) * self.ticks as f64).ceil() as i64
    }

    /// Tick of the picture that is on screen at `start`: the first frame from there on, or an earlier one that stands
    /// for long.
    pub(crate) fn shown_tick(&self, start: f64) -> i64 {
        let first = self.first_tick(start);
        self.standing.iter().find(|known| known.0 == first).map_or(first, |known| known.1)
    }

    /// Which picture of `frames` (ticks, in order) is on screen at `start`, if it is not the first one from there on:
    /// as the two ticks of [`standing`](Self::standing).
    pub(crate) fn stands_at(&self, start: f64, frames: &[i64]) -> Option<(i64, i64)> {
        let first = self.first_tick(start);
        let next = frames.partition_point(|pts| *pts < first);
        let before = *next.checked_sub(1).and_then(|at| frames.get(at))?;
        // Within a frame of a start the next one will do.
        let near = (self.ticks as f64 * (1.2 / self.fps).min(AT_ONCE)) as i64;
        let stands = frames.get(next).is_none_or(|pts| pts - self.tick(start) > near);
        stands.then_some((first, before))
    }

    /// The source as an edit frames it, and the filter that cuts it out of the clips' picture; `None` if all of it is
    /// framed.
    pub(crate) fn framed(&self, edit: &Edit) -> Option<(Self, String)> {
        let area = edit.area?;
        let share = f64::from(self.width) / f64::from(self.shown_width);
        let side = |length: i64| ((length.max(0) as f64 * share).round() as u32) & !1;
        let (x, y) = (side(area.x), side(area.y));
        let width = side(area.width).min(self.width.saturating_sub(x));
        let height = side(area.height).min(self.height.saturating_sub(y));
        if width < 16 || height < 16 || (width, height) == self.size() {
            return None;
        }
        let source = Self { width, height, ..self.clone() };
        Some((source, format!("crop={width}:{height}:{x}:{y}")))
    }

    /// Tick at `seconds` on the clips' clock.
    pub(crate) fn tick(&self, seconds: f64) -> i64 {
        ((self.start + seconds) * self.ticks as f64).round() as i64
    }

    /// [`TOLERANCE`] in ticks.
    pub(crate) fn tolerance(&self) -> i64 {
        (TOLERANCE * self.ticks as f64).ceil() as i64
    }
}

/// Ticks per second on which every time stamp in units of `time_base` seconds is whole.
///
/// At least 10,000; 90,000 if no such clock fits.
fn ticks(time_base: f64) -> i64 {
    const FINEST: f64 = 10_000_000.0;
    // Numerators are 1 or 1001, or small (`3/125`).
    let whole = (1..=1001).find_map(|num| {
        let den = f64::from(num) / time_base;
        let near = (den - den.round()).abs() < den * 1e-12;
        (near && (1.0..=FINEST).contains(&den)).then(|| den.round() as i64)
    });
    match whole {
        Some(den) => den * ((10_000 + den - 1) / den),
        None => 90_000,
    }
}

/// `size` scaled to at most `most` pixels at the same aspect ratio.
fn bound(size: (u32, u32), most: u32) -> (u32, u32) {
    let most = f64::from(most.max(4));
    let scale = (most / pixels(size).max(1) as f64).sqrt();
    if scale >= 1.0 {
        return size;
    }
    let side = |side: u32| (f64::from(side) * scale).floor().max(2.0) as u32;
    (side(size.0), side(size.1))
}

fn pixels(size: (u32, u32)) -> u64 {
    u64::from(size.0) * u64::from(size.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn large_pictures_shrink_in_shape() {
        assert_eq!(bound((7680, 4320), 9_437_184), (4096, 2304));
        assert_eq!(bound((3840, 2160), 9_437_184), (3840, 2160));
        assert_eq!(bound((0, 0), 0), (0, 0));
    }

    #[test]
    fn usual_clocks_are_kept() {
        for (num, den, wanted) in [
            (1, 12_800, 12_800),
            (1, 90_000, 90_000),
            (1, 1000, 10_000),
            (1, 25, 10_000),
            (1001, 30_000, 30_000),
            (3, 125, 10_000),
        ] {
            assert_eq!(ticks(f64::from(num) / f64::from(den)), wanted, "{num}/{den}");
        }
        for odd in [0.0, f64::NAN, -1.0, 1e-9, f64::INFINITY] {
            assert_eq!(ticks(odd), 90_000);
        }
    }

    proptest! {
        #[test]
        fn every_time_stamp_is_a_whole_tick(den in 1_i64..10_000_000, ntsc in any::<bool>()) {
            let num = if ntsc { 1001 } else { 1 };
            let ticks = ticks(num as f64 / den as f64);
            prop_assert!((10_000..=10_009_999).contains(&ticks));
            prop_assert_eq!((num * ticks) % den, 0);
        }
    }
}
