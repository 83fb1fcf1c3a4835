//! Decodes a source's span and the clip cut from it, and compares them.

use std::io::{BufRead, BufReader, PipeReader, Read};
use std::path::Path;

use super::cut::SmartCutPlan;
use super::parameters::StreamParameters;
use crate::cancel::CancelToken;
use crate::error::{ErrorCode, Result};
use crate::media::input::{ffmpeg_args, input_args};
use crate::media::process::MediaCommand;
use crate::media::render::context::RenderContext;
use crate::media::render::ffmpeg::encoding::arguments::{encoder, words};
use crate::media::render::ffmpeg::graph::video::picture;
use crate::media::render::ffmpeg::inputs::video_input;
use crate::media::render::settings::{Preset, RenderSettings};
use crate::media::render::verify::facts::{compare_frames, mismatch};
use crate::media::render::verify::frame_log::FrameLog;
use crate::media::sniff::Demuxer;
use crate::media::tools::MediaLimits;

/// Side of the thumbnails by which frames of the edges are compared, in pixels.
const SIDE: usize = 32;
/// Largest difference of a frame's thumbnail after encoding, in one pixel and on average.
///
/// Measured at the lowest quality: below 6 and 1.2. Consecutive frames of a moving picture differ by more.
const FURTHEST: u8 = 12;
const MEAN: f64 = 2.0;

/// The frames that a decoder showed.
#[derive(Debug, Default)]
pub(super) struct DecodedFrames {
    pub(super) log: FrameLog,
    /// Checksum of each frame.
    pub(super) sums: Vec<u128>,
    /// Thumbnails of the frames at the edges, concatenated.
    pub(super) edges: Vec<u8>,
}

/// Decodes the ticks `from..until` of a source and encodes the edges.
pub(super) struct SpanDecoder<'a> {
    pub(super) context: &'a RenderContext<'a>,
    pub(super) limits: &'a MediaLimits,
    pub(super) cut: &'a SmartCutPlan,
    pub(super) parameters: StreamParameters,
    /// Largest number of frames decoded before one that is shown earlier.
    pub(super) depth: usize,
    pub(super) from: i64,
    pub(super) until: i64,
}

impl SpanDecoder<'_> {
    /// Decodes the span from `seek` on, and encodes its edges, each starting with an IDR.
    pub(super) fn run(
        &self,
        seek: Option<f64>,
        edges: &Path,
        tell: &dyn Fn(i64),
    ) -> Result<DecodedFrames> {
        let Self { context, limits, cut, from, until, .. } = *self;
        let (source, settings) = (context.source, context.settings);
        let clock = format!("1:{}", source.ticks);
        let mut command = MediaCommand::ffmpeg(context.tools, limits);
        command.reproducible().args(ffmpeg_args()).args(["-y", "-copyts"]);
        command.args(video_input(context.path, source, seek, limits));
        let mut graph =
            format!("[0:{}]settb=1/{},trim=end_pts={until}", source.video, source.ticks);
        if cut.encoded() == 0 {
            graph.push_str("[log]");
            command.args(["-filter_complex", &graph]).args(checksums(&clock));
            return read(command, None, context.cancel, tell);
        }
        let (start, end) = (cut.from, cut.until);
        graph.push_str(&format!(
            ",split[log][all];[all]select='gte(pts,{from})*(lt(pts,{start})+gte(pts,{end}))',\
             setpts='if(lt(PTS,{start}),PTS-{from},PTS-{end}+{start}-{from})',split[edge][near];\
             [edge]{}[v];[near]{}[small]",
            picture(source),
            small()
        ));
        command.args(["-filter_complex", &graph]).args(checksums(&clock));
        let (name, pipe) = command.output_pipe()?;
        command.args(["-map", "[small]", "-fps_mode", "passthrough", "-f", "rawvideo", &name]);
        command.args(["-map", "[v]", "-fps_mode", "vfr", "-enc_time_base:v", &clock]);
        command.args(encoder(settings)).args(self.edge_encoder(settings));
        let tail = ((start - from) as f64 - 0.5) / source.ticks as f64;
        let forced = format!("expr:gte(t,{tail:.9})*isnan(prev_forced_t)");
        if cut.head > 0 && cut.tail > 0 {
            command.args(["-force_key_frames", &forced, "-forced-idr", "1"]);
        }
        let ticks = source.ticks.to_string();
        command.args(["-video_track_timescale", &ticks, "-movie_timescale", &ticks]);
        command.args(["-map_metadata", "-1", "-fflags", "+bitexact", "-f", "mp4"]);
        let mut file = std::ffi::OsString::from("file:");
        file.push(edges);
        command.arg(file);
        read(command, Some(pipe), context.cancel, tell)
    }

    /// Encoder options that keep the edges within the decoder resources of the source.
    fn edge_encoder(&self, settings: &RenderSettings) -> Vec<std::ffi::OsString> {
        let StreamParameters { profile, references, free } = self.parameters;
        let own = match settings.preset {
            Preset::Superfast | Preset::Veryfast => 1,
            Preset::Faster => 2,
            Preset::Medium => 3,
        };
        let (pool, kept) = (references.clamp(1, 16), references.clamp(1, own));
        let pyramid = if self.depth > 1 && pool >= 4 { "normal" } else { "none" };
        let params = format!("sps-id={free}:ref={kept}:dpb-size={pool}:b-pyramid={pyramid}");
        let frames = if self.depth == 0 || pool < 2 { "0" } else { "3" };
        let mut args = words(&["-profile:v", profile, "-bf", frames, "-x264-params", &params]);
        args.extend(words(&["-pix_fmt", "yuv420p", "-flags:v", "+bitexact"]));
        args
    }
}

/// Decodes the clip `file` and compares its frames with those of the source.
///
/// The clip was made by `cut`; the source showed `source`, whose frames in the span start with number
/// `first`. The clip counts `ticks` per second, and its frames must be at `wanted`.
///
/// # Errors
/// `render.mismatch` if a frame differs.
pub(super) fn verify(
    context: &RenderContext<'_>,
    limits: &MediaLimits,
    (file, ticks): (&Path, i64),
    (cut, wanted): (&SmartCutPlan, &[i64]),
    (source, first): (&DecodedFrames, usize),
) -> Result<()> {
    let mut command = MediaCommand::ffmpeg(context.tools, limits);
    command.args(ffmpeg_args()).args(["-y", "-copyts"]);
    let fixed = ["-noautorotate", "-reinit_filter", "0"];
    command.args(input_args(Demuxer::Mov, file, limits, &fixed));
    let mut graph = format!("[0:v]settb=1/{ticks}");
    let clock = format!("1:{ticks}");
    let mut pipe = None;
    if cut.encoded() == 0 {
        graph.push_str("[log]");
        command.args(["-filter_complex", &graph]).args(checksums(&clock));
    } else {
        let (head, tail) = (cut.head, cut.head + cut.copied.len());
        graph.push_str(&format!(
            ",split[log][all];[all]select='lt(n,{head})+gte(n,{tail})',{}[small]",
            small()
        ));
        command.args(["-filter_complex", &graph]).args(checksums(&clock));
        let (name, reader) = command.output_pipe()?;
        command.args(["-map", "[small]", "-fps_mode", "passthrough", "-f", "rawvideo", &name]);
        pipe = Some(reader);
    }
    let shown = read(command, pipe, context.cancel, &|_| ())?;
    compare_frames(wanted.iter().copied(), &shown.log.frames)?;
    compare(cut, source.sums.get(first..).unwrap_or_default(), &source.edges, &shown)
}

/// Compares pictures: copied ones must be equal, those of the edges similar.
fn compare(cut: &SmartCutPlan, source: &[u128], edges: &[u8], shown: &DecodedFrames) -> Result<()> {
    let copied = cut.head..cut.head + cut.copied.len();
    let same = source.get(copied.clone()).zip(shown.sums.get(copied));
    if same.is_none_or(|(source, shown)| source != shown) {
        return Err(mismatch("a copied frame is not shown as in the source"));
    }
    let size = SIDE * SIDE;
    if edges.len() != cut.encoded() * size || shown.edges.len() != edges.len() {
        return Err(mismatch("frames at its edges are missing"));
    }
    let mut pairs = edges.chunks_exact(size).zip(shown.edges.chunks_exact(size));
    if !pairs.all(|(source, shown)| are_near(source, shown)) {
        return Err(mismatch("a frame at its edges is not the source's"));
    }
    Ok(())
}

fn are_near(a: &[u8], b: &[u8]) -> bool {
    let apart = a.iter().zip(b).map(|(a, b)| a.abs_diff(*b));
    let (furthest, sum) = apart
        .fold((0, 0_u64), |(furthest, sum), apart| (apart.max(furthest), sum + u64::from(apart)));
    furthest <= FURTHEST && sum as f64 <= MEAN * a.len().max(1) as f64
}

/// Filters that make the thumbnails.
fn small() -> String {
    format!("extractplanes=y,scale={SIDE}:{SIDE}:flags=area+accurate_rnd+bitexact")
}

/// Options that write the checksums of `[log]` to standard output.
fn checksums(clock: &str) -> Vec<std::ffi::OsString> {
    let mut args = words(&["-map", "[log]", "-fps_mode", "passthrough", "-enc_time_base", clock]);
    args.extend(words(&["-c:v", "rawvideo", "-flush_packets", "1"]));
    args.extend(words(&["-f", "framehash", "-hash", "murmur3", "pipe:1"]));
    args
}

/// Runs `command` and reads its checksums and thumbnails; `tell` receives each PTS.
fn read(
    mut command: MediaCommand,
    small: Option<PipeReader>,
    cancel: &CancelToken,
    tell: &dyn Fn(i64),
) -> Result<DecodedFrames> {
    let reader = command.stdout_pipe()?;
    let child = command.start(cancel)?;
    // ffmpeg writes to both pipes, either of which would otherwise fill up.
    let shown = std::thread::scope(|scope| {
        let small = small.map(|mut pipe| {
            scope.spawn(move || {
                let mut bytes = Vec::new();
                // A broken pipe shows in the exit status.
                let _ = pipe.read_to_end(&mut bytes);
                bytes
            })
        });
        let mut shown = frames(reader, tell);
        shown.edges = small.and_then(|thread| thread.join().ok()).unwrap_or_default();
        shown
    });
    child.wait()?.check(ErrorCode::RenderFailed)?;
    Ok(shown)
}

/// Reads ffmpeg's `framehash` text: lines of `stream, dts, pts, duration, size, checksum`.
fn frames(from: impl Read, tell: &dyn Fn(i64)) -> DecodedFrames {
    let mut shown = DecodedFrames::default();
    for line in BufReader::new(from).lines().map_while(std::io::Result::ok) {
        let mut columns = line.split(',').map(str::trim);
        let pts = columns.nth(2).and_then(|pts| pts.parse().ok());
        let sum = columns.next_back().and_then(|sum| u128::from_str_radix(sum, 16).ok());
        let (Some(pts), Some(sum)) = (pts, sum) else { continue };
        shown.log.frames.push(pts);
        shown.sums.push(sum);
        tell(pts);
    }
    shown
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const CUT: SmartCutPlan = SmartCutPlan { copied: 5..8, from: 0, until: 0, head: 1, tail: 1 };

    fn shown(sums: &[u128], edges: Vec<u8>) -> DecodedFrames {
        DecodedFrames { sums: sums.to_vec(), edges, ..DecodedFrames::default() }
    }

    fn edges(first: u8, second: u8) -> Vec<u8> {
        [first, second].iter().flat_map(|value| vec![*value; SIDE * SIDE]).collect()
    }

    #[test]
    fn copied_frames_must_be_equal_and_edges_similar() {
        let compare =
            |shown: &DecodedFrames| compare(&CUT, &[1, 2, 3, 4, 5], &edges(50, 90), shown);
        // The checksums of encoded frames do not count.
        assert!(compare(&shown(&[9, 2, 3, 4, 9], edges(51, 89))).is_ok());
        assert!(compare(&shown(&[9, 2, 4, 3, 9], edges(51, 89))).is_err());
        assert!(compare(&shown(&[9, 2, 3], edges(51, 89))).is_err());
        assert!(compare(&shown(&[9, 2, 3, 4, 9], edges(90, 50))).is_err());
        assert!(compare(&shown(&[9, 2, 3, 4, 9], edges(51, 89)[1..].to_vec())).is_err());
        let mut spot = edges(50, 90);
        spot[7] += FURTHEST + 1;
        assert!(compare(&shown(&[9, 2, 3, 4, 9], spot)).is_err());
    }

    #[test]
    fn checksums_are_read_with_their_times() {
        let text = "#format: frame checksums\n#hash: murmur3\n\
                    0,         10,         10,        1,    36864, 0a\n\
                    0, 20, 20, 1, 36864, ff\nbroken\n";
        let shown = frames(text.as_bytes(), &|_| ());
        assert_eq!((shown.log.frames, shown.sums), (vec![10, 20], vec![10, 255]));
    }
}
