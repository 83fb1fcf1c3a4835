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

/// How much further packets are listed than sound is cut, in seconds: decoding order is another
/// than that of the screen, and the end of a source shows in what comes after a clip.
const MORE: f64 = 2.0;
/// A line for each, as it comes.
const LISTED: &[&str] = &["-flush_packets", "1", "-f", "framecrc"];

/// A pass, as its command needs it.
pub(crate) struct PassCommand<'a> {
    pub(crate) path: &'a Path,
    pub(crate) source: &'a RenderSource,
    pub(crate) seek: Option<f64>,
    pub(crate) ahead: Option<ColdOpenInput<'a>>,
    pub(crate) outputs: &'a [&'a Output],
    /// Of each output, if it is edited.
    pub(crate) shapes: &'a [Option<EditShape>],
    pub(crate) sounds: &'a [OutputSound],
    /// The captions of each output, if some are burned in.
    pub(crate) captions: &'a [Option<BurnedCaptions>],
    /// The text track of each output, if it has one.
    pub(crate) tracks: &'a [Option<TextTrack>],
    pub(crate) settings: &'a RenderSettings,
    pub(crate) limits: &'a MediaLimits,
}

/// The arguments of a pass that begins to read at its seek and writes the clips to `files`, and
/// the list of frames that were decoded to standard output; those that were read ahead are listed
/// where that reading says.
///
/// All times are PTS as they stand in the file (`-copyts`): ffmpeg's own zero depends on which
/// streams are read (in MPEG-TS it is the earliest of those). `-noaccurate_seek` because what
/// comes before a clip is cut by its time stamp, not by ffmpeg's count from the seek's target.
/// Audio is read through an input of its own, so that a video frame never waits in memory for a
/// sound that comes much later or not at all.
///
/// A format of sound alone decodes no picture. Its list is then of the packets that a decoder would
/// get: whether the seek came down late and where the source ends shows in them as well.
///
/// A sound that was encoded before is copied from its file; the source's own is then not read.
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

/// What a pass reads.
struct PassInputs<'a> {
    inputs: InputNumbers,
    /// Sounds that were encoded before, and their inputs.
    encoded: Vec<(&'a Path, usize)>,
    /// The input of each output's text track.
    texts: Vec<Option<usize>>,
}

impl<'a> PassInputs<'a> {
    /// Adds the inputs to `args`; the source's sound only if the pass makes some of it.
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

/// Options of output `number`, without its name.
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

/// The outputs whose sound the pass makes.
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

/// The graph of all pictures.
fn pictures(plan: &PassCommand<'_>, inputs: InputNumbers) -> String {
    let PassCommand { source, outputs, shapes, captions, settings, .. } = *plan;
    let mut graph = video::graph(source, outputs, shapes, captions, inputs);
    for (number, output) in outputs.iter().enumerate() {
        let seconds = shapes[number].as_ref().map_or(output.end - output.start, EditShape::seconds);
        graph.push_str(&tail(&settings.encoding, source, output, seconds, number));
    }
    graph
}

/// The output that lists the decoded frames of the graph's end `label` in `file`.
fn list_of_frames(source: &RenderSource, label: &str, file: &str) -> Vec<OsString> {
    let (clock, label) = (format!("1:{}", source.ticks), format!("[{label}]"));
    let mut args = words(&["-map", &label, "-fps_mode", "vfr", "-enc_time_base", &clock]);
    args.extend(words(&["-c:v", "wrapped_avframe"]));
    args.extend(words(LISTED));
    args.push(file.into());
    args
}

/// The output that lists the packets of the picture, to shortly after the last clip.
fn list_of_packets(plan: &PassCommand<'_>) -> Vec<OsString> {
    let PassCommand { source, outputs, shapes, .. } = *plan;
    let ends = outputs.iter().zip(shapes).map(|(output, shape)| output.read(shape.as_ref()).1);
    let last = ends.fold(0.0, f64::max);
    let (stream, until) = (format!("0:{}", source.video), source.start + last + MORE);
    // Those that no decoder could begin with count too: it is the sound that is cut.
    let mut args = words(&["-map", &stream, "-c:v", "copy", "-copyinkf"]);
    args.extend(words(&["-to", &format!("{until:.6}")]));
    args.extend(words(LISTED));
    args.push("pipe:1".into());
    args
}
