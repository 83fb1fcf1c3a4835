//! Measures the loudness of variants and brings it to the target of their platform.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, PipeReader};
use std::rc::Rc;

use super::encoding::{Format, arguments};
use super::graph::audio;
use super::graph::audio::{AudioOutput, CEILING_DB, Gain};
use super::inputs::{InputNumbers, audio_inputs};
use crate::error::{ErrorCode, Result};
use crate::media::input::ffmpeg_args;
use crate::media::process::MediaCommand;
use crate::media::render::context::RenderContext;
use crate::media::render::output::Output;
use crate::media::render::partial_file::PartialFile;
use crate::media::render::shape::EditShape;
use crate::model::edit::{Edit, Effect, EffectKind};

/// Sound at least this loud, in LUFS, is always brought to its target.
const LOUD: f64 = -55.0;
/// Below this is silence, in LUFS: the absolute gate of R128 with ffmpeg's rounding.
const SILENCE: f64 = -69.5;
/// Momentary loudness of digital silence and of 16-bit rounding noise, in LUFS.
const NO_SIGNAL: f64 = -90.0;
/// Quiet sound whose loudness varies by at least this much, in LU, is a signal and not noise.
const MOVES: f64 = 6.0;
/// Largest gain in either direction, in dB: from the gate to beyond the loudest target.
const MOST: f64 = 60.0;
/// Accepted distance from the target, in LU.
const NEAR: f64 = 0.4;
/// How often limited sound is measured again: limiting reduces the loudness.
const ROUNDS: usize = 4;

/// The measured loudness of an output's sound.
#[derive(Debug, Clone, Copy, PartialEq)]
struct LoudnessMeasure {
    /// Integrated loudness in LUFS; NaN without sound.
    loudness: f64,
    /// Highest sample in dBFS, which is what the limiter acts on.
    peak: f64,
    /// Range of the momentary (400 ms) loudness in LU, from the 10th to the 95th percentile.
    ///
    /// Moments without any signal are excluded.
    spread: f64,
}

impl LoudnessMeasure {
    /// Whether it is worth amplifying.
    ///
    /// Speech that was recorded far too quietly is amplified like any other: it has words and pauses.
    /// Quiet sound of constant loudness is the noise of a room or a cable and stays as it is, as does
    /// silence.
    fn is_heard(&self) -> bool {
        let signal = self.loudness >= LOUD || self.spread >= MOVES;
        self.loudness > SILENCE && signal
    }

    /// The gain that brings sound measured with the gain `before` to `target` in LUFS.
    ///
    /// `None` if it is not worth amplifying or is near enough.
    fn gain(&self, target: f64, before: Option<Gain>) -> Option<Gain> {
        let off = target - self.loudness;
        // Sound that has a gain was worth amplifying before.
        let heard = before.is_some() || self.is_heard();
        if !heard || off.is_nan() || off.abs() <= NEAR {
            return None;
        }
        let db = (before.map_or(0.0, |gain| gain.db) + off).clamp(-MOST, MOST);
        let limited = before.is_some_and(|gain| gain.limited) || self.peak + off > CEILING_DB;
        Some(Gain { db, limited })
    }
}

/// How the sound of an output is produced.
#[derive(Debug, Clone, Default)]
pub(crate) struct OutputSound {
    pub(crate) gain: Option<Gain>,
    /// The encoded sound for the output's file, if it was already encoded.
    pub(crate) encoded: Option<Rc<PartialFile>>,
}

/// The sounds of a pass's outputs at their edits' loudness, by EBU R128 (ITU-R BS.1770).
///
/// Sound that is not worth amplifying stays as it is (see [`LoudnessMeasure::is_heard`]). Decodes only
/// sound: once for all outputs, and again for those that need a limiter or are very quiet, whose result
/// must be measured.
///
/// For MP4 the second pass also encodes them, and what several outputs share; those copy it packet by
/// packet, to the same bytes that their own encoder would give. (WebM's millisecond time stamps would
/// differ.) For five outputs of which three sound alike, this saves 2 × 0.2 of 11 CPU seconds.
pub(crate) fn sounds(
    context: &RenderContext<'_>,
    seek: Option<f64>,
    outputs: &[&Output],
    shapes: &[Option<EditShape>],
) -> Result<Vec<OutputSound>> {
    let encode = context.settings.encoding.format == Format::Mp4;
    SoundPlan { context, seek, outputs, shapes, encode }.made()
}

/// The gain of an output that is rendered alone.
pub(crate) fn gain(
    context: &RenderContext<'_>,
    seek: Option<f64>,
    output: &Output,
    shape: Option<&EditShape>,
) -> Result<Option<Gain>> {
    let (outputs, shapes) = (&[output], &[shape.cloned()]);
    let sounds = SoundPlan { context, seek, outputs, shapes, encode: false }.made()?;
    Ok(sounds.first().and_then(|sound| sound.gain))
}

/// The work of measuring and encoding the sounds of a pass.
struct SoundPlan<'a> {
    context: &'a RenderContext<'a>,
    seek: Option<f64>,
    outputs: &'a [&'a Output],
    shapes: &'a [Option<EditShape>],
    /// Whether sound that is measured with a gain is also encoded.
    encode: bool,
}

impl SoundPlan<'_> {
    fn target(&self, number: usize) -> Option<f64> {
        let loudness = self.outputs[number].edit.as_ref().and_then(|edit| edit.loudness);
        loudness.filter(|target| target.is_finite())
    }

    fn made(&self) -> Result<Vec<OutputSound>> {
        let mut sounds = vec![OutputSound::default(); self.outputs.len()];
        if self.context.source.audio.is_none() {
            return Ok(sounds);
        }
        let (first, alike) = self.different();
        let shared = |number: usize| alike.iter().any(|(_, first)| *first == number);
        // Outputs to measure, and whether their gain is final: shared sound must equal that of an output
        // rendered alone.
        let mut open: Vec<(usize, bool)> =
            first.into_iter().map(|number| (number, false)).collect();
        for round in 0..=ROUNDS {
            if open.is_empty() || (round == ROUNDS && !self.encode) {
                break;
            }
            let numbers: Vec<usize> = open.iter().map(|(number, _)| *number).collect();
            let measured = self.measure(&numbers, &mut sounds)?;
            let mut again = Vec::new();
            for ((number, known), found) in open.into_iter().zip(measured) {
                let Some(target) = self.target(number).filter(|_| !known && round < ROUNDS) else {
                    continue;
                };
                let Some(gain) = found.gain(target, sounds[number].gain) else { continue };
                sounds[number].gain = Some(gain);
                // The gate excludes part of quiet sound, so its gain is not final.
                let known = !gain.limited && found.loudness >= LOUD;
                // Sound encoded with an earlier gain must be encoded again.
                let encoded = sounds[number].encoded.is_some();
                if !known || encoded || (self.encode && shared(number)) {
                    again.push((number, known));
                }
            }
            open = again;
        }
        for (number, first) in alike {
            sounds[number] = sounds[first].clone();
        }
        Ok(sounds)
    }

    /// Outputs with a loudness target and unique sound, and duplicates with their original.
    fn different(&self) -> (Vec<usize>, Vec<(usize, usize)>) {
        let (mut open, mut alike) = (Vec::new(), Vec::new());
        for number in (0..self.outputs.len()).filter(|number| self.target(*number).is_some()) {
            let same = |first: &&usize| sounds_alike(self.outputs[**first], self.outputs[number]);
            match open.iter().find(same) {
                Some(first) => alike.push((number, *first)),
                None => open.push(number),
            }
        }
        (open, alike)
    }

    /// Measures the outputs `which` with their current gains; encodes those that have one.
    fn measure(&self, which: &[usize], sounds: &mut [OutputSound]) -> Result<Vec<LoudnessMeasure>> {
        let RenderContext { tools, path, source, settings, cancel } = *self.context;
        let Some(audio) = source.audio else { return Ok(Vec::new()) };
        let heard = |number: &usize| AudioOutput {
            number: *number,
            output: self.outputs[*number],
            shape: self.shapes[*number].as_ref(),
            gain: sounds[*number].gain,
        };
        let heard: Vec<AudioOutput<'_>> = which.iter().map(heard).collect();
        let ahead = heard.iter().filter_map(|heard| heard.shape).find_map(EditShape::ahead);
        let inputs = InputNumbers { audio: 0, ahead_video: None, ahead_audio: ahead.map(|_| 1) };
        let limits = &settings.limits;
        let mut command = MediaCommand::ffmpeg(tools, limits);
        command.args(ffmpeg_args()).args(["-y", "-copyts"]);
        command.args(audio_inputs(path, source, self.seek, ahead, limits));
        let mut graph = audio::graph(source, audio, &heard, inputs);
        let (mut readers, mut outputs): (Vec<PipeReader>, Vec<OsString>) = (Vec::new(), Vec::new());
        for AudioOutput { number, output, gain, .. } in &heard {
            let mut label = format!("a{number}");
            if self.encode && gain.is_some() {
                graph.push_str(&format!(";[{label}]asplit[b{number}][c{number}]"));
                let file = PartialFile::beside(&output.path)?;
                outputs.extend(arguments::sound_file(settings, &format!("c{number}"), &file));
                sounds[*number].encoded = Some(Rc::new(file));
                label = format!("b{number}");
            }
            let (name, reader) = command.output_pipe()?;
            let name = name.replace(':', "\\\\:");
            graph.push_str(&format!(
                ";[{label}]ebur128=metadata=1:peak=sample,ametadata=mode=print:file={name}[m{number}]"
            ));
            readers.push(reader);
            outputs.extend(["-map".into(), format!("[m{number}]").into()]);
            outputs.extend(["-f".into(), "null".into(), "-".into()]);
        }
        command.args(["-filter_complex".into(), OsString::from(graph)]).args(outputs);
        let child = command.start(cancel)?;
        // ffmpeg writes to all pipes at once, so each is read in its own thread.
        let measured = std::thread::scope(|scope| {
            let threads: Vec<_> =
                readers.into_iter().map(|reader| scope.spawn(move || last(reader))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap_or(NOTHING)).collect()
        });
        child.wait()?.check(ErrorCode::RenderFailed)?;
        Ok(measured)
    }
}

/// Whether the edits of two outputs give the same sound.
fn sounds_alike(a: &Output, b: &Output) -> bool {
    let (Some(a), Some(b)) = (&a.edit, &b.edit) else { return false };
    let fades = |edit: &Edit| -> Vec<Effect> {
        let sound =
            |effect: &&Effect| matches!(effect.kind, EffectKind::FadeIn | EffectKind::FadeOut);
        edit.effects.iter().filter(sound).cloned().collect()
    };
    (&a.segments, a.join, a.fps, a.loudness) == (&b.segments, b.join, b.fps, b.loudness)
        && fades(a) == fades(b)
}

const NOTHING: LoudnessMeasure =
    LoudnessMeasure { loudness: f64::NAN, peak: f64::NEG_INFINITY, spread: 0.0 };

/// Parses the filter's report; the last integrated loudness covers all of the sound.
fn last(report: impl std::io::Read) -> LoudnessMeasure {
    let (mut found, mut moments) = (NOTHING, Vec::new());
    for line in BufReader::new(report).lines().map_while(std::io::Result::ok) {
        let Some((key, value)) = line.split_once('=') else { continue };
        let Ok(value) = value.trim().parse::<f64>() else { continue };
        if key == "lavfi.r128.I" {
            found.loudness = value;
        } else if key == "lavfi.r128.M" && value > NO_SIGNAL {
            moments.push(value);
        } else if key.starts_with("lavfi.r128.sample_peaks_ch") {
            // A linear amplitude.
            found.peak = found.peak.max(20.0 * value.max(1e-9).log10());
        }
    }
    found.spread = spread(moments);
    found
}

/// Distance from the 10th to the 95th percentile of `moments`.
fn spread(mut moments: Vec<f64>) -> f64 {
    moments.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| moments.get((moments.len() as f64 * share) as usize).copied();
    at(0.95).zip(at(0.1)).map_or(0.0, |(loud, quiet)| loud - quiet)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_loudness_and_the_highest_peak_count() {
        let report = "frame:0 pts:0\nlavfi.r128.I=-70.000\nlavfi.r128.sample_peaks_ch0=0.5\n\
                      lavfi.r128.I=-20.5\nlavfi.r128.sample_peaks_ch1=0.25\nlavfi.r128.S=nan\n";
        let found = last(report.as_bytes());
        assert!((found.loudness + 20.5).abs() < 1e-9);
        assert!((found.peak + 6.02).abs() < 0.01);
        assert!(last(&b""[..]).loudness.is_nan());
    }

    #[test]
    fn quiet_sound_counts_if_its_loudness_varies() {
        let found = |loudness, spread| LoudnessMeasure { loudness, peak: -30.0, spread };
        assert!(found(-54.0, 0.0).is_heard() && found(-60.0, 9.0).is_heard());
        assert!(!found(-60.0, 2.0).is_heard() && !found(-70.0, 30.0).is_heard());
        assert!(!NOTHING.is_heard());
        let moments = [-120.7, -75.0, -62.0, -61.0].map(|m| format!("lavfi.r128.M={m}\n"));
        assert!((last(moments.concat().as_bytes()).spread - 14.0).abs() < 1e-9);
    }
}
