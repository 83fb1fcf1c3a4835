//! The sound graph of a pass.

use std::fmt::Write as _;

use super::{FilterGraph, effects};
use crate::kernels::audio::ChannelFault;
use crate::media::mixed::mixed;
use crate::media::render::ffmpeg::inputs::InputNumbers;
use crate::media::render::output::Output;
use crate::media::render::shape::{EditShape, ShapePart};
use crate::media::render::source::{RenderSource, SourceAudio, TOLERANCE};
use crate::model::edit::{Edit, Join};

/// Fade at each edge of a segment, in seconds: a cut within a waveform would click.
const EDGE: f64 = 0.005;

/// Highest sample after the gain, in dBFS: headroom for inter-sample peaks and the encoder.
pub(crate) const CEILING_DB: f64 = -1.5;

/// The gain that a measurement asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Gain {
    /// In dB.
    pub(crate) db: f64,
    /// Whether the gain would clip without a limiter.
    pub(crate) limited: bool,
}

impl Gain {
    /// The filters that apply the gain.
    pub(crate) fn filters(self) -> String {
        let limiter = if self.limited {
            let ceiling = 10.0_f64.powf(CEILING_DB / 20.0);
            format!(",alimiter=limit={ceiling:.4}:level=0:attack=5:release=50:latency=1")
        } else {
            String::new()
        };
        format!("volume={:.3}dB{limiter}", self.db)
    }
}

/// An output whose sound the graph produces.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AudioOutput<'a> {
    /// Number of the output in its pass.
    pub(crate) number: usize,
    pub(crate) output: &'a Output,
    pub(crate) shape: Option<&'a EditShape>,
    pub(crate) gain: Option<Gain>,
}

/// The graph that copies one decode to each output, ending in `[a0]`, `[a1]`, ….
///
/// Each copy is cut to the sample at start and end, gaps are filled with silence, and it is exactly as long
/// as its clip.
pub(crate) fn graph(
    source: &RenderSource,
    audio: SourceAudio,
    heard: &[AudioOutput<'_>],
    inputs: InputNumbers,
) -> String {
    let sample = sampler(source, audio);
    let ends = heard.iter().map(|heard| heard.output.source_span(heard.shape).1);
    let last = ends.map(&sample).max().unwrap_or(0);
    let mut names = Vec::new();
    for AudioOutput { number, shape, .. } in heard {
        match shape {
            None => names.push(format!("t{number}")),
            Some(shape) => names.extend(pieces(shape, *number, false)),
        }
    }
    let mut graph = FilterGraph::default();
    let starts = heard.iter().map(|heard| heard.output.source_span(heard.shape).0);
    let first = starts.map(&sample).min().unwrap_or(0);
    let read = format!("asettb=1/{},atrim=end_pts={last},asplit={}", audio.rate, names.len());
    let label = tracks(&mut graph, source, audio, (inputs.audio, first), "mix");
    graph.add(&[label], &read, &names);
    for AudioOutput { number, output, shape, gain } in heard {
        let (Some(edit), Some(shape)) = (&output.edit, shape) else {
            let cut = stretch(source, audio, (output.start, output.end), None);
            graph.add(&[format!("t{number}")], &cut, &[format!("a{number}")]);
            continue;
        };
        if let (Some(input), Some(part)) = (inputs.ahead_audio, shape.ahead()) {
            let own = pieces(shape, *number, true);
            let (begin, end) = part.extent();
            let (begin, end) = (sample(begin), sample(end));
            let read = format!("asettb=1/{},atrim=end_pts={end},asplit={}", audio.rate, own.len());
            let mix = format!("mix{number}");
            let label = tracks(&mut graph, source, audio, (input, begin), &mix);
            graph.add(&[label], &read, &own);
        }
        edited(&mut graph, source, audio, (edit, shape, *gain), *number);
    }
    graph.text()
}

/// The label of the sound of `input`; where tracks are mixed, they are from sample `first` on.
fn tracks(
    graph: &mut FilterGraph,
    source: &RenderSource,
    audio: SourceAudio,
    (input, first): (usize, i64),
    label: &str,
) -> String {
    let (statements, label) =
        mixed(input, (audio.stream, &source.mixed), audio.rate, first.max(0), label);
    graph.0.extend(statements.split_terminator(';').map(str::to_owned));
    label
}

/// Converts seconds on the clips' clock to samples of the source.
fn sampler(source: &RenderSource, audio: SourceAudio) -> impl Fn(f64) -> i64 {
    let (start, rate) = (source.start, f64::from(audio.rate));
    move |seconds| ((start + seconds) * rate).round() as i64
}

/// Labels of the segments of output `number` in its cold open (`ahead`) or in the rest.
fn pieces(shape: &EditShape, number: usize, ahead: bool) -> Vec<String> {
    let of_part = |(part, found): (usize, &ShapePart)| {
        let count = if found.ahead == ahead { found.segments.len() } else { 0 };
        (0..count).map(move |segment| format!("t{number}p{part}s{segment}")).collect::<Vec<_>>()
    };
    shape.parts.iter().enumerate().flat_map(of_part).collect()
}

/// The filter that makes the channels right: one is turned, or the one with sound is heard on both sides.
fn mended(source: &RenderSource, audio: SourceAudio) -> &'static str {
    match source.fault.filter(|_| audio.channels == 2) {
        Some(ChannelFault::OutOfPhase) => ",pan=stereo|c0=c0|c1=-1*c1",
        Some(ChannelFault::LeftOnly) => ",pan=stereo|c0=c0|c1=c0",
        Some(ChannelFault::RightOnly) => ",pan=stereo|c0=c1|c1=c1",
        None => "",
    }
}

/// Filters for the sound from `start` to `end` in the clips' rate and layout.
///
/// The result is exactly as long as the span, or has the `samples` of `played` at its speed.
fn stretch(
    source: &RenderSource,
    audio: SourceAudio,
    (start, end): (f64, f64),
    played: Option<(f64, i64)>,
) -> String {
    let sample = sampler(source, audio);
    let (from, until, rate) = (sample(start), sample(end), audio.out_rate());
    let whole = ((end - start) * f64::from(rate)).round() as i64;
    let mut text = format!("atrim=start_pts={from}:end_pts={until},asetpts=PTS-{from}");
    text.push_str(mended(source, audio));
    let gap = source.gap;
    let _ = write!(text, ",aresample={rate}:async=1:first_pts=0:min_hard_comp={gap}");
    let _ = write!(text, ",aformat=sample_fmts=fltp:channel_layouts={}", audio.out_layout());
    let _ = write!(text, ",apad=whole_len={whole},atrim=end_sample={whole}");
    if let Some((speed, samples)) = played {
        if speed < 0.5 {
            let _ = write!(text, ",atempo=0.5,atempo={:.6}", speed / 0.5);
        } else if (speed - 1.0).abs() > 1e-9 {
            let _ = write!(text, ",atempo={speed:.6}");
        }
        // A tempo change may miss the length by some samples.
        let _ = write!(text, ",apad=whole_len={samples},atrim=end_sample={samples}");
    }
    text
}

/// Adds the sound of an edit: segments at their speeds, joined parts, fades and gain.
fn edited(
    graph: &mut FilterGraph,
    source: &RenderSource,
    audio: SourceAudio,
    (edit, shape, gain): (&Edit, &EditShape, Option<Gain>),
    number: usize,
) {
    let rate = f64::from(audio.out_rate());
    let mut parts = Vec::new();
    for (index, part) in shape.parts.iter().enumerate() {
        let whole = (shape.clock.seconds(part.frames) * rate).round() as i64;
        parts.push(self::part(graph, source, audio, part, &format!("t{number}p{index}"), whole));
    }
    let samples = (shape.seconds() * rate).round() as i64;
    let joined = join(graph, edit, shape, parts);
    let mut filters = effects::fades(edit, shape, "afade");
    if let Some(gain) = gain {
        filters.push(gain.filters());
    }
    filters.push(format!("aformat=sample_fmts=fltp:channel_layouts={}", audio.out_layout()));
    filters.push(format!("apad=whole_len={samples},atrim=end_sample={samples},asettb=1/{rate},asetpts=NB_CONSUMED_SAMPLES"));
    graph.add(&[joined], &filters.join(","), &[format!("a{number}")]);
}

/// Adds the segments of a part one after another, `whole` samples in all; returns the label.
fn part(
    graph: &mut FilterGraph,
    source: &RenderSource,
    audio: SourceAudio,
    part: &ShapePart,
    name: &str,
    whole: i64,
) -> String {
    let (rate, count) = (f64::from(audio.out_rate()), part.segments.len());
    let (mut seen, mut done, mut ends) = (0.0, 0, Vec::with_capacity(count));
    for (index, segment) in part.segments.iter().enumerate() {
        seen += segment.seen();
        let until = if index + 1 == count { whole } else { (seen * rate).round() as i64 };
        let samples = (until - done).max(1);
        done = until;
        let span = (segment.start, segment.end);
        let mut filters = stretch(source, audio, span, Some((segment.speed, samples)));
        // Where the source continues without a gap, nothing can click.
        let goes_on = |other: Option<f64>, here: f64| {
            other.is_some_and(|other| (other - here).abs() < TOLERANCE)
        };
        let before = index.checked_sub(1).map(|before| part.segments[before].end);
        let after = part.segments.get(index + 1).map(|after| after.start);
        if !goes_on(before, segment.start) {
            let _ = write!(filters, ",afade=t=in:st=0:d={EDGE}");
        }
        if !goes_on(after, segment.end) {
            let start = (samples as f64 / rate - EDGE).max(0.0);
            let _ = write!(filters, ",afade=t=out:st={start:.6}:d={EDGE}");
        }
        let to = format!("{name}s{index}e");
        graph.add(&[format!("{name}s{index}")], &filters, std::slice::from_ref(&to));
        ends.push(to);
    }
    if count == 1 {
        return ends.remove(0);
    }
    let to = format!("{name}c");
    graph.add(&ends, &format!("concat=n={count}:v=0:a=1"), std::slice::from_ref(&to));
    to
}

/// Joins the parts like their pictures; returns the label.
fn join(graph: &mut FilterGraph, edit: &Edit, shape: &EditShape, parts: Vec<String>) -> String {
    let Some(first) = parts.first().cloned() else { return String::new() };
    if parts.len() == 1 {
        return first;
    }
    if edit.join == Join::Cut {
        let to = format!("{first}j");
        graph.add(&parts, &format!("concat=n={}:v=0:a=1", parts.len()), std::slice::from_ref(&to));
        return to;
    }
    let cross = format!("acrossfade=d={:.6}:c1=tri:c2=tri", shape.clock.seconds(shape.overlap));
    parts.into_iter().skip(1).fold(first, |whole, next| {
        let to = format!("{whole}j");
        graph.add(&[whole, next], &cross, std::slice::from_ref(&to));
        to
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limiter_only_where_it_would_clip() {
        assert_eq!(Gain { db: -3.0, limited: false }.filters(), "volume=-3.000dB");
        assert!(Gain { db: 6.0, limited: true }.filters().contains("alimiter=limit=0.8414"));
    }
}
