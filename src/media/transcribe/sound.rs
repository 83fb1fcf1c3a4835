//! The sound of a source at 16 kHz, on disk, and where a voice is in it.

use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::{SoundQuery, cannot_write};
use crate::cancel::CancelToken;
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::audio::{ChannelFault, VOICE, VOICE_FRAME, VOICE_RATE, VoiceDetector};
use crate::kernels::text::VoiceTimes;
use crate::media::input::{ffmpeg_args, input_args};
use crate::media::mixed::of_stream;
use crate::media::probe::probe_for;
use crate::media::process::MediaCommand;
use crate::media::tools::{MediaLimits, MediaTools};

/// Bytes of a sample.
const SAMPLE: u64 = 2;
/// Bytes per read.
const CHUNK: usize = 64 << 10;

/// The sound of a source, decoded.
#[derive(Debug)]
pub(super) struct DecodedSound {
    /// Samples of 16 bits, without a header.
    samples: PathBuf,
    /// Where a voice is heard.
    pub(super) voice: VoiceTimes,
}

impl DecodedSound {
    /// Decodes the track of the file at `path` that is heard into `folder`, on the clock of the source; `None` if there is
    /// none.
    pub(super) fn of(
        tools: &MediaTools,
        path: &Path,
        (limits, query): (&MediaLimits, &SoundQuery),
        folder: &Path,
        cancel: &CancelToken,
    ) -> Result<Option<Self>> {
        let probe = probe_for(tools, path, limits, &query.track, cancel)?;
        let Some(stream) = &probe.audio else { return Ok(None) };
        let mut command = MediaCommand::ffmpeg(tools, limits);
        command.args(ffmpeg_args());
        command.args(input_args(probe.demuxer, probe.file(path), limits, &["-vn", "-sn", "-dn"]));
        let (name, mut pipe) = command.output_pipe()?;
        // As the analysis hears it: gaps and a late start are silence. Channels that cancel each other would be
        // silent together.
        let filter = format!(
            "{}aresample={VOICE_RATE}:async=1:min_hard_comp=0.02:first_pts=0,\
             aformat=sample_fmts=s16:channel_layouts=mono",
            one_channel(query.fault.filter(|_| stream.channels == 2))
        );
        let (mix, label) = of_stream(stream, "mix");
        command.args(["-filter_complex", &format!("{mix}[{label}]{filter}[sound]")]);
        command.args(["-map", "[sound]", "-c:a", "pcm_s16le", "-f", "s16le", &name]);
        let child = command.start(cancel)?;
        let samples = folder.join("samples");
        let read = keep(&mut pipe, &samples);
        drop(pipe);
        let finished = child.wait()?;
        finished.check(ErrorCode::MediaCorrupt)?;
        let frame = VOICE_FRAME as f64 / f64::from(VOICE_RATE);
        Ok(Some(Self { samples, voice: VoiceTimes::new(read?, frame, VOICE) }))
    }

    /// A WAV file of the sound from `start` to `end` seconds; the last one stays valid until the next call.
    pub(super) fn piece(&self, start: f64, end: f64) -> Result<PathBuf> {
        let path = self.samples.with_file_name("sound.wav");
        let fault = |e: std::io::Error| cannot_write(&path, e);
        let at = |seconds: f64| (seconds * f64::from(VOICE_RATE)).round() as u64 * SAMPLE;
        let mut from = File::open(&self.samples).map_err(fault)?;
        let all = from.metadata().map_err(fault)?.len();
        let (first, last) = (at(start).min(all), at(end).min(all));
        from.seek(SeekFrom::Start(first)).map_err(fault)?;
        let mut to = BufWriter::new(File::create(&path).map_err(fault)?);
        to.write_all(&header(last - first)).map_err(fault)?;
        std::io::copy(&mut from.take(last - first), &mut to).map_err(fault)?;
        to.flush().map_err(fault)?;
        Ok(path)
    }
}

/// The filter that makes one channel of two of which one is silent or upside down.
fn one_channel(fault: Option<ChannelFault>) -> &'static str {
    match fault {
        Some(ChannelFault::OutOfPhase) => "pan=mono|c0=0.5*c0-0.5*c1,",
        Some(ChannelFault::LeftOnly) => "pan=mono|c0=c0,",
        Some(ChannelFault::RightOnly) => "pan=mono|c0=c1,",
        None => "",
    }
}

/// Writes the samples of a pipe to a file; returns the likelihoods of a voice.
fn keep(pipe: &mut impl Read, path: &Path) -> Result<Vec<f32>> {
    let mut to = BufWriter::new(File::create(path).map_err(|e| cannot_write(path, e))?);
    let mut detector = VoiceDetector::new();
    let mut bytes = vec![0_u8; CHUNK];
    let mut samples = Vec::with_capacity(CHUNK / 2);
    let mut kept = 0;
    loop {
        let read = match pipe.read(bytes.get_mut(kept..).unwrap_or_default()) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => {
                return Err(Error::new(ErrorCode::Internal, "the decoder's sound cannot be read")
                    .with_source(error));
            }
        };
        let filled = kept + read;
        let (pairs, rest) = bytes.get(..filled).unwrap_or_default().as_chunks::<2>();
        samples.clear();
        samples.extend(pairs.iter().map(|pair| f32::from(i16::from_le_bytes(*pair)) / 32768.0));
        detector.push(&samples);
        kept = rest.len();
        to.write_all(pairs.as_flattened()).map_err(|e| cannot_write(path, e))?;
        bytes.copy_within(filled - kept..filled, 0);
    }
    to.flush().map_err(|e| cannot_write(path, e))?;
    Ok(detector.finish())
}

/// The header of a WAV file with so many bytes of samples; see <http://soundfile.sapp.org/doc/WaveFormat/>.
fn header(bytes: u64) -> Vec<u8> {
    let bytes = u32::try_from(bytes).unwrap_or(u32::MAX - 36);
    let mut header = Vec::with_capacity(44);
    header.extend(b"RIFF");
    header.extend((bytes.saturating_add(36)).to_le_bytes());
    header.extend(b"WAVEfmt ");
    header.extend(16_u32.to_le_bytes());
    header.extend([1_u16, 1].map(u16::to_le_bytes).as_flattened());
    header.extend(VOICE_RATE.to_le_bytes());
    header.extend((VOICE_RATE * 2).to_le_bytes());
    header.extend([2_u16, 16].map(u16::to_le_bytes).as_flattened());
    header.extend(b"data");
    header.extend(bytes.to_le_bytes());
    header
}
