//! Merges picture, sound and captions on one grid of time buckets.

use super::Analysis;
use super::captions::{self, CaptionTrack};
use super::page::{self, SourcePage};
use super::readers::DecodedPictures;
use crate::kernels::audio::{Audio, AudioBucket, ChannelFault};
use crate::kernels::visual::Visual;
use crate::media::probe::Probe;
use crate::model::{PictureArea, Signal, SourceInfo, TimePiece};

/// Spread of the frame intervals, as a share of their mean, that makes a variable frame rate.
const VARIABLE: f64 = 0.1;

/// Merges the parts of an analysis.
pub(super) fn merge(
    probe: &Probe,
    pictures: DecodedPictures,
    audio: Option<Audio>,
    (tracks, beside): (Vec<CaptionTrack>, SourcePage),
    buckets_per_second: f64,
) -> Analysis {
    let DecodedPictures { visual, end, .. } = pictures;
    // A rounding error in the end must not add a row.
    let buckets = (end * buckets_per_second - 1e-6).ceil().max(0.0) as usize;
    let density = captions::density(&tracks, buckets, buckets_per_second);
    let signals = signals(&visual, audio.as_ref(), density, buckets_per_second);
    let (fps, variable_fps) = rate(&visual, end, probe.video.time_base);
    let areas = visual.shots.iter().map(|shot| (shot.start, shot.end, shot.area));
    let (width, height) = (probe.video.width, probe.video.height);
    // Bars that change may leave all of the picture to one shot or another.
    let active = PictureArea::shown(areas, (0.0, end))
        .filter(|area| (area.width, area.height) != (width, height));
    let fault = audio.as_ref().and_then(|audio| audio.channel_fault);
    let heard = audio.as_ref().and(probe.audio.as_ref());
    let info = SourceInfo {
        tool_version: probe.tool_version.clone(),
        container: probe.demuxer.as_str().to_owned(),
        bytes: i64::try_from(probe.bytes).unwrap_or(i64::MAX),
        duration: end,
        start_offset: probe.mended.as_ref().map_or(probe.start_time, |mended| mended.start()),
        time_line: time_line(probe),
        file_note: None,
        video_codec: probe.video.codec.clone(),
        width: probe.video.width,
        height: probe.video.height,
        active_x: active.map(|area| area.x),
        active_y: active.map(|area| area.y),
        active_width: active.map(|area| area.width),
        active_height: active.map(|area| area.height),
        hdr: probe.video.hdr.map(|hdr| hdr.as_str().to_owned()),
        rotation: probe.video.rotation,
        fps,
        nominal_fps: if variable_fps { nominal(fps, visual.moving_interval) } else { fps },
        variable_fps,
        frames: visual.frames,
        audio_codec: heard.map(|a| a.codec.clone()),
        sample_rate: heard.map(|a| i64::from(a.sample_rate)),
        channels: heard.map(|a| i64::from(a.channels)),
        audio_track: heard.and(probe.audio_track).map(|n| n as i64),
        audio_language: heard.and_then(|a| a.language.clone()),
        audio_choice: heard.and(probe.audio_choice).map(|choice| choice.as_str().to_owned()),
        audio_tracks: probe.audio_tracks as i64,
        audio_note: audio_note(probe, audio.as_ref()),
        channel_fault: fault.map(|fault| fault.as_str().to_owned()),
        loudness: audio.as_ref().and_then(|a| a.loudness),
        language: captions::language(&tracks),
        caption_tracks: tracks.len() as i64,
        caption_encoding: captions::encodings(&tracks),
        caption_note: beside.caption_note,
        chapters: page::of_container(&probe.chapters, probe.start_time, end).or(beside.chapters),
        replays: beside.replays,
        transcriber: None,
        transcript_note: None,
        transcript_error: None,
    };
    Analysis { info, signals, shots: visual.shots, cues: captions::cues(&tracks) }
}

/// The mean frame rate, and whether the time between frames varies.
fn rate(visual: &Visual, end: f64, time_base: f64) -> (f64, bool) {
    let shown = end - visual.shots.first().map_or(0.0, |shot| shot.start);
    let fps = if shown > 0.0 { visual.frames as f64 / shown } else { 0.0 };
    let spread = visual.max_frame_interval - visual.min_frame_interval;
    // Time stamps are rounded to the time base, which alone makes intervals differ by two ticks.
    (fps, fps > 0.0 && spread > VARIABLE / fps + 2.0 * time_base)
}

/// The pieces of a source whose clock jumps, on the clock of the tables.
fn time_line(probe: &Probe) -> Vec<TimePiece> {
    let pieces = probe.mended.iter().flat_map(|mended| mended.pieces());
    let on_table = |at: f64| ((at - probe.start_time).max(0.0) * 1e6).round() / 1e6;
    pieces
        .map(|piece| TimePiece { start: on_table(piece.mapped), on_file: piece.on_file })
        .collect()
}

/// The frame rate of moving parts that last `interval` seconds from frame to frame, at least the mean rate: one of the
/// usual rates that is within two hundredths of it.
fn nominal(mean: f64, interval: f64) -> f64 {
    let found = if interval > 0.0 { (1.0 / interval).max(mean) } else { mean };
    let ntsc = |rate: f64| rate * 1000.0 / 1001.0;
    let usual = [ntsc(24.0), 24.0, 25.0, ntsc(30.0), 30.0, 48.0, 50.0, ntsc(60.0), 60.0, 120.0];
    let off = |rate: &f64| (rate / found - 1.0).abs();
    let nearest = usual.into_iter().min_by(|a, b| off(a).total_cmp(&off(b)));
    nearest.filter(|rate| off(rate) < 0.02).unwrap_or(found)
}

/// What was found and done about the sound.
fn audio_note(probe: &Probe, audio: Option<&Audio>) -> Option<String> {
    let fault = audio.and_then(|audio| audio.channel_fault).map(|fault| match fault {
        ChannelFault::OutOfPhase => {
            "one channel is the other upside down, so that on one speaker nothing is heard; it is turned in clips"
        }
        ChannelFault::LeftOnly => "only the left channel has sound, which clips have on both",
        ChannelFault::RightOnly => "only the right channel has sound, which clips have on both",
    });
    let notes: Vec<String> =
        probe.audio_note.iter().cloned().chain(fault.map(str::to_owned)).collect();
    (!notes.is_empty()).then(|| notes.join("; "))
}

/// The signal rows: picture and sound of each bucket, with its caption density.
fn signals(
    visual: &Visual,
    audio: Option<&Audio>,
    density: Vec<f64>,
    buckets_per_second: f64,
) -> Vec<Signal> {
    let first = visual.buckets.first().map_or(0, |b| (b.t * buckets_per_second).round() as usize);
    let signal = |(k, caption_density): (usize, f64)| {
        let t = k as f64 / buckets_per_second;
        let picture = picture(&visual.buckets, k.checked_sub(first));
        let sound = audio.map(|audio| {
            // Sound that ends before the picture is followed by silence.
            audio.buckets.get(k).copied().unwrap_or(AudioBucket::silent(t))
        });
        Signal {
            t,
            loudness: sound.map(|s| s.loudness),
            onset: sound.map(|s| s.onset),
            speech: sound.map(|s| s.speech),
            silence: sound.map(|s| s.silence),
            caption_density,
            ..picture
        }
    };
    density.into_iter().enumerate().map(signal).collect()
}

/// The picture values of a bucket: black before the first picture, held after the last.
fn picture(buckets: &[Signal], k: Option<usize>) -> Signal {
    let black = Signal { saliency_x: 0.5, saliency_y: 0.5, ..Signal::default() };
    let Some(k) = k else { return black };
    buckets.get(k).cloned().unwrap_or_else(|| {
        let held = buckets.last().cloned().unwrap_or(black);
        Signal { shot_score: 0.0, motion: 0.0, ..held }
    })
}
