//! The ffmpeg options of a format, codec and quality.

use std::ffi::OsString;
use std::path::Path;

use super::{Encoding, Format, FormatKind, Hardware, Quality, VideoCodec};
use crate::media::probe::KeptRange;
use crate::media::render::ffmpeg::graph::SCALER;
use crate::media::render::output::Output;
use crate::media::render::settings::RenderSettings;
use crate::media::render::source::RenderSource;

/// Duration of the priming samples of libopus, in milliseconds.
const OPUS_LEAD_MS: u32 = 7;

/// The filters that turn the picture of output `number` into an animation of `seconds`.
///
/// Empty for formats of video and sound.
pub(crate) fn tail(
    encoding: &Encoding,
    source: &RenderSource,
    output: &Output,
    seconds: f64,
    number: usize,
) -> String {
    match encoding.format.kind() {
        FormatKind::Video | FormatKind::Sound => String::new(),
        FormatKind::Animation => {
            let (wide, high) = encoding.animated(size(source, output));
            let (_, rate) = encoding.animation();
            let frames = encoding.animated_frames(seconds);
            // The last frame is held until the end, however long the source showed it.
            let mut graph = format!(
                ";[v{number}]fps=fps={rate}:start_time=0:round=near,tpad=stop=-1:stop_mode=clone,\
                 trim=end_frame={frames},scale={wide}:{high}:flags={SCALER}"
            );
            if encoding.format == Format::Gif {
                // One palette per frame: a shared one would keep all frames in memory.
                graph.push_str(&format!(
                    ",split[g{number}][h{number}];[g{number}]palettegen=stats_mode=single[p{number}];\
                     [h{number}][p{number}]paletteuse=new=1:dither=bayer:bayer_scale=4"
                ));
            }
            graph + &format!("[w{number}]")
        }
    }
}

/// Picture size of an output before it is scaled to an animation.
pub(crate) fn size(source: &RenderSource, output: &Output) -> (i64, i64) {
    let plain = (i64::from(source.width), i64::from(source.height));
    output.edit.as_ref().map_or(plain, |edit| (edit.width, edit.height))
}

/// The options of output `number`, without its file name.
///
/// They do not depend on the other outputs, the machine or the date: with one encoder thread the same
/// clip has the same bytes in every pass. The output counts `ticks` per second and is `length` ticks long.
pub(crate) fn output(
    source: &RenderSource,
    (ticks, length): (i64, i64),
    settings: &RenderSettings,
    (number, from): (usize, SoundFrom),
) -> Vec<OsString> {
    let encoding = &settings.encoding;
    let mut args = match encoding.format.kind() {
        FormatKind::Video => video(source, (ticks, length), settings, number),
        FormatKind::Animation => animation(encoding, number),
        FormatKind::Sound => Vec::new(),
    };
    args.extend(container(ticks, settings, (number, from)));
    args
}

/// Where an output's sound comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SoundFrom {
    /// The output has no sound.
    Nothing,
    /// The filtergraph of the pass.
    Graph,
    /// An input with the encoded sound, which is copied.
    Input(usize),
}

/// The options that encode the sound `[label]` alone to `file`, as it is in an MP4 output.
pub(crate) fn sound_file(settings: &RenderSettings, label: &str, file: &Path) -> Vec<OsString> {
    let mut args = sound(settings, label);
    args.extend(words(&["-fflags", "+bitexact", "-f", "mp4"]));
    let mut name = OsString::from("file:");
    name.push(file);
    args.push(name);
    args
}

/// The options of an MP4 file with the copied picture of input 0 and sound of output 0.
///
/// Times are as for [`output`].
pub(crate) fn copied(
    source: &RenderSource,
    (ticks, length): (i64, i64),
    settings: &RenderSettings,
) -> Vec<OsString> {
    let mut args = words(&["-map", "0:v:0", "-c:v", "copy", "-bsf:v"]);
    args.push(lasting(length).into());
    let from = source.audio.map_or(SoundFrom::Nothing, |_| SoundFrom::Graph);
    args.extend(container(ticks, settings, (0, from)));
    args
}

/// The options of sound and container of output `number`.
fn container(
    ticks: i64,
    settings: &RenderSettings,
    (number, from): (usize, SoundFrom),
) -> Vec<OsString> {
    let mut args = match from {
        SoundFrom::Nothing => Vec::new(),
        SoundFrom::Graph => sound(settings, &format!("a{number}")),
        SoundFrom::Input(input) => {
            // The bit rate is written to the file, as if an encoder had produced the sound.
            let (map, rate) = (format!("{input}:a:0"), sound_rate(settings));
            words(&["-map", &map, "-c:a", "copy", "-b:a", &rate])
        }
    };
    args.extend(words(&["-map_metadata", "-1", "-map_chapters", "-1", "-fflags", "+bitexact"]));
    // Packets are interleaved by time alone, never by thread timing.
    let queue = ["-max_interleave_delta", "0", "-max_muxing_queue_size", "65536"];
    match settings.encoding.format {
        Format::Mp4 => {
            let ticks = ticks.to_string();
            args.extend(words(&["-video_track_timescale", &ticks, "-movie_timescale", &ticks]));
            args.extend(words(&queue));
            args.extend(words(&["-movflags", "+faststart", "-f", "mp4"]));
        }
        Format::Webm => {
            args.extend(words(&queue));
            args.extend(words(&["-avoid_negative_ts", "disabled", "-f", "webm"]));
        }
        Format::Gif => args.extend(words(&["-loop", "0", "-f", "gif"])),
        Format::Webp => args.extend(words(&["-loop", "0", "-f", "webp"])),
        Format::Mp3 => args.extend(words(&["-id3v2_version", "0", "-f", "mp3"])),
        Format::Aac => args.extend(words(&["-movflags", "+faststart", "-f", "ipod"])),
        Format::Opus => args.extend(words(&["-f", "opus"])),
    }
    args
}

fn video(
    source: &RenderSource,
    (ticks, length): (i64, i64),
    settings: &RenderSettings,
    number: usize,
) -> Vec<OsString> {
    let mut args = words(&["-map", &format!("[v{number}]"), "-fps_mode", "vfr"]);
    args.extend(words(&["-enc_time_base:v", &format!("1:{ticks}")]));
    match &source.kept {
        Some(kept) => {
            args.extend(encoder_of(settings, Some(kept)));
            args.extend(words(&["-pix_fmt", "yuv420p10le", "-flags:v", "+bitexact"]));
        }
        None => {
            args.extend(encoder(settings));
            args.extend(words(&["-pix_fmt", "yuv420p", "-flags:v", "+bitexact"]));
        }
    }
    // The last frame lasts until the clip's end; ffmpeg would give it the mean frame duration.
    let length = match settings.encoding.format {
        Format::Webm => (length as f64 * 1000.0 / ticks as f64).round() as i64,
        _ => length,
    };
    args.push("-bsf:v".into());
    args.push(lasting(length).into());
    if let Some(kept) = &source.kept {
        args.extend(words(&["-colorspace", &kept.matrix, "-color_range", "tv"]));
        args.extend(words(&["-color_primaries", &kept.primaries, "-color_trc", &kept.transfer]));
    } else if source.rgb {
        args.extend(words(&["-colorspace", "bt709", "-color_range", "tv"]));
    } else if source.hdr.is_some() {
        args.extend(words(&["-colorspace", "bt709", "-color_range", "tv"]));
        args.extend(words(&["-color_primaries", "bt709", "-color_trc", "bt709"]));
    }
    args
}

/// The options of the picture codec and its quality.
///
/// The number of threads changes the bytes, so it is a setting and does not follow the machine. With one
/// thread, 18 of 18 runs of x264 on variable and 120 fps material gave the same bytes; with two they did
/// not.
pub(crate) fn encoder(settings: &RenderSettings) -> Vec<OsString> {
    encoder_of(settings, None)
}

/// [`encoder`], for colours of high dynamic range where they are kept.
fn encoder_of(settings: &RenderSettings, kept: Option<&KeptRange>) -> Vec<OsString> {
    let encoding = &settings.encoding;
    let codec = encoding.video_codec().unwrap_or_default();
    let threads = settings.encoder_threads.max(1);
    let lossless = encoding.quality == Quality::Lossless;
    let level = level(settings, codec).to_string();
    if let Some(name) = encoding.hardware.encoder(codec) {
        return hardware(encoding.hardware, &name, &level);
    }
    let count = threads.to_string();
    match codec {
        VideoCodec::H264 => {
            let rate = if lossless { ["-qp", "0"] } else { ["-crf", &level] };
            let mut args = words(&["-c:v", "libx264", "-preset", settings.preset.as_str()]);
            args.extend(words(&rate));
            args.extend(words(&["-threads:v", &count]));
            args
        }
        VideoCodec::Hevc => {
            let pools = if threads == 1 { "none".to_owned() } else { count.clone() };
            let rate = if lossless { "lossless=1".to_owned() } else { format!("crf={level}") };
            // Closed groups of pictures, so that players can seek to any keyframe, and no encoder banner.
            let mut own =
                format!("{rate}:pools={pools}:frame-threads=1:open-gop=0:info=0:log-level=error");
            own.push_str(&kept.map(KeptRange::x265).unwrap_or_default());
            let mut args = words(&["-c:v", "libx265", "-preset", settings.preset.as_str()]);
            args.extend(words(&["-x265-params", &own, "-tag:v", "hvc1", "-threads:v", &count]));
            args
        }
        VideoCodec::Av1 => {
            let mut own = format!("lp={threads}");
            own.push_str(&kept.map(KeptRange::svt_av1).unwrap_or_default());
            words(&["-c:v", "libsvtav1", "-preset", "8", "-crf", &level, "-svtav1-params", &own])
        }
        VideoCodec::Vp9 => {
            let mut args = words(&["-c:v", "libvpx-vp9", "-b:v", "0", "-crf", &level]);
            args.extend(words(&["-deadline", "good", "-cpu-used", "5", "-row-mt", "0"]));
            args.extend(words(&["-threads:v", &count]));
            if lossless {
                args.extend(words(&["-lossless", "1"]));
            }
            args
        }
    }
}

fn hardware(kind: Hardware, encoder: &str, level: &str) -> Vec<OsString> {
    let mut args = words(&["-c:v", encoder]);
    args.extend(match kind {
        Hardware::Nvenc => words(&["-rc", "constqp", "-qp", level]),
        Hardware::Qsv => words(&["-global_quality", level]),
        // Its scale is 1 to 100, higher is better.
        Hardware::Videotoolbox => {
            let level: f64 = level.parse().unwrap_or(24.0);
            words(&["-q:v", &format!("{:.0}", (100.0 - 1.75 * level).clamp(1.0, 100.0))])
        }
        Hardware::Off | Hardware::Auto => Vec::new(),
    });
    args
}

/// The codec's rate factor, from the table in the parent module.
fn level(settings: &RenderSettings, codec: VideoCodec) -> u8 {
    let [low, medium, high, best] = match codec {
        VideoCodec::H264 => {
            let crf = settings.crf;
            [
                crf.saturating_add(8).min(51),
                crf.saturating_add(4).min(51),
                crf,
                crf.saturating_sub(4),
            ]
        }
        VideoCodec::Hevc => [32, 28, 24, 20],
        VideoCodec::Av1 => [45, 38, 30, 24],
        VideoCodec::Vp9 => [40, 36, 31, 24],
    };
    match settings.encoding.quality {
        Quality::Low => low,
        Quality::Medium => medium,
        Quality::High => high,
        Quality::Best => best,
        // libvpx requires 0 with its lossless switch; the others ignore it.
        Quality::Lossless => 0,
    }
}

fn animation(encoding: &Encoding, number: usize) -> Vec<OsString> {
    let mut args = words(&["-map", &format!("[w{number}]"), "-fps_mode", "passthrough"]);
    if encoding.format == Format::Gif {
        args.extend(words(&["-enc_time_base:v", "1:100", "-c:v", "gif", "-flags:v", "+bitexact"]));
        return args;
    }
    args.extend(words(&["-enc_time_base:v", "1:1000", "-c:v", "libwebp_anim"]));
    let quality = match encoding.quality {
        Quality::Low => "50",
        Quality::Medium => "65",
        Quality::High => "80",
        Quality::Best => "90",
        Quality::Lossless => "100",
    };
    args.extend(words(&["-quality", quality]));
    if encoding.quality == Quality::Lossless {
        args.extend(words(&["-lossless", "1", "-pix_fmt", "bgra"]));
    } else {
        args.extend(words(&["-pix_fmt", "yuv420p"]));
    }
    args
}

/// Bit rate of the sound, within the maximum of Opus and MP3.
fn sound_rate(settings: &RenderSettings) -> String {
    let high = u64::from(settings.audio_bitrate);
    let rate = match settings.encoding.quality {
        Quality::Low => high * 3 / 5,
        Quality::Medium => high * 4 / 5,
        Quality::High => high,
        Quality::Best | Quality::Lossless => high * 8 / 5,
    };
    let most = match settings.encoding.format {
        Format::Webm | Format::Opus => 256_000,
        Format::Mp3 => 320_000,
        _ => u64::MAX,
    };
    rate.min(most).to_string()
}

fn sound(settings: &RenderSettings, label: &str) -> Vec<OsString> {
    let codec = match settings.encoding.format {
        Format::Webm | Format::Opus => "libopus",
        Format::Mp3 => "libmp3lame",
        _ => "aac",
    };
    let (map, rate) = (format!("[{label}]"), sound_rate(settings));
    let mut args = words(&["-map", &map, "-c:a", codec, "-b:a", &rate]);
    args.extend(words(&["-threads:a", "1", "-flags:a", "+bitexact"]));
    if settings.encoding.format == Format::Webm {
        // The priming samples would start before 0, and the muxer would then shift the picture. Players
        // subtract the priming, which the file states, from the time stamps.
        args.push("-bsf:a".into());
        args.push(format!("setts=ts=TS+{OPUS_LEAD_MS}").into());
    }
    args
}

/// The bitstream filter that sets packet durations so that the track is `length` ticks long.
///
/// The last packet in the file, which need not be the last one shown, lasts until `length`. The others
/// must not reach further; MP4 derives their durations from the time stamps.
fn lasting(length: i64) -> String {
    let duration = format!("if(isnan(NEXT_PTS)+eq(NEXT_PTS,NOPTS),max({length}-PTS,1),1)");
    format!("setts=pts=PTS:dts=DTS:duration='{duration}'")
}

/// Arguments from string slices.
pub(crate) fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}
