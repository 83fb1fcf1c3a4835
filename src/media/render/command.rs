//! The ffmpeg command of a pass.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::Path;

use super::source::{Audio, Source};
use super::{ClipSpan, RenderSettings};
use crate::media::input::{ffmpeg_args, input_args};

/// Converting is exact and the same on every machine.
const SCALER: &str = "bicubic+accurate_rnd+full_chroma_int+bitexact";

/// The arguments of a pass over `spans` that begins to read at `seek` and writes the clips to
/// `files`, and the list of frames that were decoded to standard output.
///
/// All times are PTS as they stand in the file (`-copyts`): ffmpeg's own zero depends on which
/// streams are read (in MPEG-TS it is the earliest of those). `-noaccurate_seek` because what
/// comes before a clip is cut by its time stamp, not by ffmpeg's count from the seek's target.
/// Audio is read through an input of its own, so that a video frame never waits in memory for a
/// sound that comes much later or not at all.
pub(super) fn arguments(
    path: &Path,
    source: &Source,
    seek: Option<f64>,
    spans: &[&ClipSpan],
    files: &[&Path],
    settings: &RenderSettings,
) -> Vec<OsString> {
    let mut args = ffmpeg_args();
    args.extend(words(&["-y", "-copyts", "-filter_complex_threads"]));
    args.push(settings.limits.threads.to_string().into());
    let target = seek.map(|seconds| format!("{seconds:.6}"));
    let mut extra = Vec::new();
    if let Some(target) = &target {
        extra.extend(["-noaccurate_seek", "-ss", target]);
    }
    let audio_extra = extra.clone();
    // A picture that changes its size in mid-stream goes to the scaler, which takes it, instead of
    // starting all filters anew. A filter that turns pictures would not take it: such a source
    // fails. (An angle that is no quarter turn is left out, as the size would change with it.)
    if !source.turned {
        extra.extend(["-noautorotate", "-reinit_filter", "0"]);
    }
    args.extend(input_args(source.demuxer, path, &settings.limits, &extra));
    if source.audio.is_some() {
        args.extend(input_args(source.demuxer, path, &settings.limits, &audio_extra));
    }
    args.extend(["-filter_complex".into(), video_graph(source, spans).into()]);
    if let Some(audio) = source.audio {
        args.extend(["-filter_complex".into(), audio_graph(source, audio, spans).into()]);
    }
    let clock = format!("1:{}", source.ticks);
    args.extend(words(&["-map", "[log]", "-fps_mode", "vfr", "-enc_time_base", &clock]));
    args.extend(words(&["-c:v", "wrapped_avframe", "-flush_packets", "1", "-f", "framecrc"]));
    args.push("pipe:1".into());
    for (number, (span, file)) in spans.iter().zip(files).enumerate() {
        args.extend(output(source, span, settings, number));
        let mut name = OsString::from("file:");
        name.push(file);
        args.push(name);
    }
    args
}

/// One decode, copied to the log and, upright, square, even and progressive, to each clip's trim.
///
/// Nothing before a clip's own trim knows where the pass begins or ends, so that a picture does
/// not depend on it.
fn video_graph(source: &Source, spans: &[&ClipSpan]) -> String {
    let ticks = source.ticks;
    let last = spans.iter().map(|span| source.first_tick(span.end)).max().unwrap_or(0);
    // `write!` to a String cannot fail.
    let mut graph = format!("[0:{}]settb=1/{ticks},split[list][all]", source.video);
    let _ = write!(graph, ";[list]trim=end_pts={last}[log];[all]{}", picture(source));
    let _ = write!(graph, ",split={}", spans.len());
    for number in 0..spans.len() {
        let _ = write!(graph, "[s{number}]");
    }
    for (number, span) in spans.iter().enumerate() {
        let (from, until) = (source.first_tick(span.start), source.first_tick(span.end));
        let (zero, near) = (source.tick(span.start), source.tolerance());
        let _ = write!(graph, ";[s{number}]trim=start_pts={from}:end_pts={until}");
        // A frame at the start is time 0. Where a clip begins between two frames, its first frame
        // stands from the start, and the others keep their distance to it and to the sound.
        let _ = write!(
            graph,
            ",setpts='if(lte(STARTPTS-{zero},{near}),PTS-STARTPTS,if(eq(N,0),0,PTS-{zero}))'[v{number}]"
        );
    }
    graph
}

/// Filters that make the picture what a clip holds.
fn picture(source: &Source) -> String {
    let (wide, high) = source.scaled;
    // First of all, for behind it the size is the same for good.
    let mut filters = format!("scale={wide}:{high}:flags={SCALER}");
    if source.rgb {
        filters.push_str(":out_color_matrix=bt709");
    }
    if !source.plain {
        filters.push_str(":out_range=tv");
    }
    filters.push_str(",format=yuv420p");
    // Frame for frame, and only those that the decoder marks as interlaced; it halves the clock.
    filters.push_str(",bwdif=mode=send_frame:parity=auto:deint=interlaced");
    let _ = write!(filters, ",settb=1/{}", source.ticks);
    if (wide, high) != (source.width, source.height) {
        let _ = write!(filters, ",crop={}:{}:0:0", source.width, source.height);
    }
    filters.push_str(",setsar=1");
    filters
}

/// One decode, copied to each clip: cut to the sample at its start and end, missing sound filled
/// with silence, exactly as long as the clip.
fn audio_graph(source: &Source, audio: Audio, spans: &[&ClipSpan]) -> String {
    let rate = f64::from(audio.rate);
    let sample = |seconds: f64| ((source.start + seconds) * rate).round() as i64;
    let last = spans.iter().map(|span| sample(span.end)).max().unwrap_or(0);
    let mut graph = format!("[1:{}]asettb=1/{},atrim=end_pts={last}", audio.stream, audio.rate);
    let _ = write!(graph, ",asplit={}", spans.len());
    for number in 0..spans.len() {
        let _ = write!(graph, "[t{number}]");
    }
    let (out_rate, layout) = (audio.out_rate(), audio.out_layout());
    for (number, span) in spans.iter().enumerate() {
        let (from, until) = (sample(span.start), sample(span.end));
        let whole = ((span.end - span.start) * f64::from(out_rate)).round() as i64;
        let _ = write!(graph, ";[t{number}]atrim=start_pts={from}:end_pts={until}");
        let _ = write!(graph, ",asetpts=PTS-{from}");
        // Gaps of more than 50 ms become silence; smaller ones are jitter of the time stamps.
        let _ = write!(graph, ",aresample={out_rate}:async=1:first_pts=0:min_hard_comp=0.05");
        let _ = write!(graph, ",aformat=sample_fmts=fltp:channel_layouts={layout}");
        let _ = write!(graph, ",apad=whole_len={whole},atrim=end_sample={whole}[a{number}]");
    }
    graph
}

/// Options of output `number`. Nothing in them depends on the other outputs, the machine or the
/// day: with one encoder thread the same clip has the same bytes in whatever pass it is rendered.
fn output(
    source: &Source,
    span: &ClipSpan,
    settings: &RenderSettings,
    number: usize,
) -> Vec<OsString> {
    let (clock, ticks) = (format!("1:{}", source.ticks), source.ticks.to_string());
    let mut args = words(&["-map", &format!("[v{number}]"), "-fps_mode", "vfr"]);
    args.extend(words(&["-enc_time_base:v", &clock, "-c:v", "libx264"]));
    args.extend(words(&["-preset", settings.preset.as_str(), "-crf", &settings.crf.to_string()]));
    // The number of threads is part of x264's result; it is a setting, not the machine's. With one,
    // 18 of 18 runs on variable and 120 fps material gave the same bytes; with two they did not.
    args.extend(words(&["-threads:v", &settings.encoder_threads.to_string()]));
    args.extend(words(&["-pix_fmt", "yuv420p", "-flags:v", "+bitexact"]));
    // The last frame stands until the clip's end; ffmpeg would give it a mean frame's length.
    let length = ((span.end - span.start) * source.ticks as f64).round() as i64;
    args.push("-bsf:v".into());
    args.push(format!("setts=pts=PTS:dts=DTS:duration='{}'", last_until(length)).into());
    if source.rgb {
        args.extend(words(&["-colorspace", "bt709", "-color_range", "tv"]));
    }
    if source.audio.is_some() {
        let rate = settings.audio_bitrate.to_string();
        args.extend(words(&["-map", &format!("[a{number}]"), "-c:a", "aac", "-b:a", &rate]));
        args.extend(words(&["-threads:a", "1", "-flags:a", "+bitexact"]));
    }
    args.extend(words(&["-map_metadata", "-1", "-map_chapters", "-1", "-fflags", "+bitexact"]));
    args.extend(words(&["-video_track_timescale", &ticks, "-movie_timescale", &ticks]));
    // Packets are interleaved by their times alone, never by which thread came first.
    args.extend(words(&["-max_interleave_delta", "0", "-max_muxing_queue_size", "65536"]));
    args.extend(words(&["-movflags", "+faststart", "-f", "mp4"]));
    args
}

/// Duration of a packet, as an expression: of the last one in the file, which need not be the
/// last one shown, what is left until `length`. The others must not reach further; MP4 takes
/// their durations from the time stamps.
fn last_until(length: i64) -> String {
    format!("if(isnan(NEXT_PTS)+eq(NEXT_PTS,NOPTS),max({length}-PTS,1),1)")
}

fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}
