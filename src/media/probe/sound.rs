//! Which of several audio streams is heard: recorders and dubbed films have silent ones.

use std::io::Read;
use std::path::Path;

use crate::cancel::CancelToken;
use crate::error::Result;
use crate::media::input::{ffmpeg_args, input_args};
use crate::media::process::MediaCommand;
use crate::media::sniff::Demuxer;
use crate::media::tools::{MediaLimits, MediaTools};

/// Peak that is sound: −60 dB full scale.
const AUDIBLE: u16 = 33;

/// The first of `streams` (numbers in the container) that is not silent; none if all are. A stream that cannot be
/// decoded counts as heard: what is wrong with it is told by who reads it.
///
/// # Errors
/// `run.cancelled`, or that of a program that cannot be started.
pub(super) fn first_heard(
    (tools, limits): (&MediaTools, &MediaLimits),
    (demuxer, path): (Demuxer, &Path),
    streams: &[usize],
    cancel: &CancelToken,
) -> Result<Option<usize>> {
    for stream in streams {
        if is_heard((tools, limits), (demuxer, path), *stream, cancel)? {
            return Ok(Some(*stream));
        }
        cancel.check()?;
    }
    Ok(None)
}

fn is_heard(
    (tools, limits): (&MediaTools, &MediaLimits),
    (demuxer, path): (Demuxer, &Path),
    stream: usize,
    cancel: &CancelToken,
) -> Result<bool> {
    let mut command = MediaCommand::ffmpeg(tools, limits);
    command.args(ffmpeg_args()).args(input_args(demuxer, path, limits, &["-vn", "-sn", "-dn"]));
    let (name, mut pipe) = command.output_pipe()?;
    let map = format!("0:{stream}");
    command.args(["-map", &map, "-ar", "8000", "-c:a", "pcm_s16le", "-f", "s16le", &name]);
    let child = command.start(cancel)?;
    let mut bytes = vec![0_u8; 1 << 14];
    let mut kept = 0;
    let mut read_any = false;
    loop {
        let free = bytes.get_mut(kept..).unwrap_or_default();
        let read = match pipe.read(free) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        read_any = true;
        let filled = kept + read;
        let (pairs, rest) = bytes.get(..filled).unwrap_or_default().as_chunks::<2>();
        if pairs.iter().any(|pair| i16::from_le_bytes(*pair).unsigned_abs() > AUDIBLE) {
            child.stop();
            drop(pipe);
            // It was stopped on purpose.
            child.wait()?;
            return Ok(true);
        }
        kept = rest.len();
        bytes.copy_within(filled - kept..filled, 0);
    }
    let finished = child.wait()?;
    Ok(!read_any || !finished.success())
}
