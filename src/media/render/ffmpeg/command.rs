//! The ffmpeg command of a pass.

use std::ffi::OsString;
use std::path::Path;

use super::captions::{BurnedCaptions, TextTrack};
use super::encoding::arguments::{SoundFrom, output, tail, words};
use super::graph::audio::AudioOutput;
use super::graph::{audio, video};
use super::inputs::{ColdOpenInput, InputNumbers, audio_inputs, video_input};
use super::loudness::OutputSound;
use crate::media::input::{ffmpeg_args, input_args};
use crate::media::render::output::Output;
use crate::media::render::settings::RenderSettings;
use crate::media::render::shape::EditShape;
use crate::media::render::source::RenderSource;
use crate::media::sniff::Demuxer;
use crate::media::tools::MediaLimits;

/// How far beyond the sound's end packets are listed, in seconds.
///
/// Decoding order differs from presentation order, and the end of a source shows in what follows a clip.
const MORE: f64 = 2.0;
/// Options that list one line per frame, unbuffered.
const LISTED: &[&str] = &["-flush_packets", "1", "-f", "framecrc"];

/// All that the command of a pass is made from.
pub(crate) struct PassCommand<'a> {
    pub(crate) path: &'a Path,
    pub(crate) source: &'a RenderSource,
    pub(crate) seek: Option<f64>,
    pub(crate) ahead: Option<ColdOpenInput<'a>>,
    pub(crate) outputs: &'a [&'a Output],
    /// The shape of each output that is edited.
    pub(crate) shapes: &'a [Option<EditShape>],
    pub(crate) sounds: &'a [OutputSound],
    /// The burned-in captions of each output, if any.
    pub(crate) captions: &'a [Option<BurnedCaptions>],
    /// The text track of each output, if any.
    pub(crate) tracks: &'a [Option<TextTrack>],
    pub(crate) settings: &'a RenderSettings,
    pub(crate) limits: &'a MediaLimits,
}

/// The arguments of a pass, which writes `files` and lists decoded frames on stdout.
///
/// The frames of a cold open are listed in the pipe that its input names.
///
/// All times are PTS as they stand in the file (`-copyts`): ffmpeg's own zero depends on which streams
/// are read (in MPEG-TS it is the earliest of those). `-noaccurate_seek` is used because frames before a
/// clip are cut by time stamp, not by ffmpeg's count from the seek target. Audio has its own input, so
/// that a video frame never waits in memory for sound that comes much later or not at all.
///
/// An audio format decodes no picture. Its listing is of packets instead, which equally show where the
/// seek landed and where the source ends.
///
/// Sound that was already encoded is copied from its file; that of the source is then not read.
pub(crate) fn arguments(plan: &PassCommand<'_>, files: &[&Path]) -> Vec<OsString> {
    let PassCommand { source, ahead, settings, limits, .. } = *plan;
    let picture = settings.encoding.has_picture();
    let heard = heard(plan);
    let audio = source.audio.filter(|_| !heard.is_empty());
    let mut args = ffmpeg_args();
    args.extend(words(&["-y", "-copyts", "-filter_complex_threads"]));
    args.push(limits.threads.to_string().into());
    let read = PassInputs::new(plan, audio.is_some(), &mut args);
    if picture {
        args.extend(["-filter_complex".into(), pictures(plan, read.inputs).into()]);
    }
    if let Some(audio) = audio {
        let graph = audio::graph(source, audio, &heard, read.inputs);
        args.extend(["-filter_complex".into(), graph.into()]);
    }
    if picture {
        args.extend(list_of_frames(source, "log", "pipe:1"));
        args.extend(ahead.into_iter().flat_map(|ahead| list_of_frames(source, "ahead", ahead.log)));
    } else {
        args.extend(list_of_packets(plan));
    }
    for (number, file) in files.iter().enumerate() {
        args.extend(written(plan, &read, number));
        let mut name = OsString::from("file:");
        name.push(file);
        args.push(name);
    }
    args
}

/// The inputs of a pass.
struct PassInputs<'a> {
    inputs: InputNumbers,
    /// Files of sound that was already encoded, with their input numbers.
    encoded: Vec<(&'a Path, usize)>,
    /// Input number of each output's text track.
    texts: Vec<Option<usize>>,
}

impl<'a> PassInputs<'a> {
    /// Adds the inputs to `args`, that of the source's sound only if `sound`.
    fn new(plan: &PassCommand<'a>, sound: bool, args: &mut Vec<OsString>) -> Self {
        let PassCommand { path, source, seek, ahead, sounds, tracks, settings, limits, .. } = *plan;
        let mut count = 0;
        let mut input = |added: Vec<OsString>| {
            args.extend(added);
            count += 1;
            count - 1
        };
        input(video_input(path, source, seek, limits));
        let audio = |seek| audio_inputs(path, source, seek, None, limits);
        let seen = ahead.filter(|_| settings.encoding.has_picture());
        let inputs = InputNumbers {
            audio: if sound { input(audio(seek)) } else { 0 },
            ahead_video: seen.map(|ahead| input(video_input(path, source, ahead.seek, limits))),
            ahead_audio: ahead.filter(|_| sound).map(|ahead| input(audio(ahead.seek))),
        };
        let mut encoded: Vec<(&Path, usize)> = Vec::new();
        for file in sounds.iter().filter_map(|sound| sound.encoded.as_deref()) {
            if encoded.iter().all(|(known, _)| **known != **file) {
                encoded.push((file, input(input_args(Demuxer::Mov, file, limits, &[]))));
            }
        }
        let text = |track: &Option<TextTrack>| track.as_ref().map(|track| input(track.input()));
        Self { inputs, encoded, texts: tracks.iter().map(text).collect() }
    }

    fn encoded(&self, sound: &OutputSound) -> Option<usize> {
        let own = sound.encoded.as_deref()?;
        self.encoded.iter().find(|(known, _)| **own == **known).map(|(_, input)| *input)
    }
}

/// The options of output `number`, without its file name.
fn written(plan: &PassCommand<'_>, read: &PassInputs<'_>, number: usize) -> Vec<OsString> {
    let PassCommand { source, outputs, shapes, sounds, tracks, settings, .. } = *plan;
    let clock = match &shapes[number] {
        Some(shape) => (shape.clock.ticks, shape.frames * shape.clock.step()),
        None => {
            let length = outputs[number].end - outputs[number].start;
            (source.ticks, (length * source.ticks as f64).round() as i64)
        }
    };
    let from = match read.encoded(&sounds[number]) {
        Some(input) => SoundFrom::Input(input),
        None => source.audio.map_or(SoundFrom::Nothing, |_| SoundFrom::Graph),
    };
    let mut args = output(source, clock, settings, (number, from));
    let text = tracks[number].iter().zip(read.texts[number]);
    args.extend(text.flat_map(|(text, input)| text.output(input, settings.encoding.format)));
    args
}

/// The outputs whose sound this pass encodes.
fn heard<'a>(plan: &PassCommand<'a>) -> Vec<AudioOutput<'a>> {
    let all = plan.outputs.iter().zip(plan.shapes).zip(plan.sounds).enumerate();
    let own = all.filter(|(_, (_, sound))| sound.encoded.is_none());
    own.map(|(number, ((output, shape), sound))| AudioOutput {
        number,
        output,
        shape: shape.as_ref(),
        gain: sound.gain,
    })
    .collect()
}

/// The filtergraph of all pictures.
fn pictures(plan: &PassCommand<'_>, inputs: InputNumbers) -> String {
    let PassCommand { source, outputs, shapes, captions, settings, .. } = *plan;
    let mut graph = video::graph(source, outputs, shapes, captions, inputs);
    for (number, output) in outputs.iter().enumerate() {
        let seconds = shapes[number].as_ref().map_or(output.end - output.start, EditShape::seconds);
        graph.push_str(&tail(&settings.encoding, source, output, seconds, number));
    }
    graph
}

/// The output that lists the decoded frames of the graph's output `label` to `file`.
fn list_of_frames(source: &RenderSource, label: &str, file: &str) -> Vec<OsString> {
    let (clock, label) = (format!("1:{}", source.ticks), format!("[{label}]"));
    let mut args = words(&["-map", &label, "-fps_mode", "vfr", "-enc_time_base", &clock]);
    args.extend(words(&["-c:v", "wrapped_avframe"]));
    args.extend(words(LISTED));
    args.push(file.into());
    args
}

/// The output that lists the picture's packets until shortly after the last clip.
fn list_of_packets(plan: &PassCommand<'_>) -> Vec<OsString> {
    let PassCommand { source, outputs, shapes, .. } = *plan;
    let ends =
        outputs.iter().zip(shapes).map(|(output, shape)| output.source_span(shape.as_ref()).1);
    let last = ends.fold(0.0, f64::max);
    let (stream, until) = (format!("0:{}", source.video), source.start + last + MORE);
    // Including leading packets that no decoder could start at: only the sound is cut.
    let mut args = words(&["-map", &stream, "-c:v", "copy", "-copyinkf"]);
    args.extend(words(&["-to", &format!("{until:.6}")]));
    args.extend(words(LISTED));
    args.push("pipe:1".into());
    args
}
