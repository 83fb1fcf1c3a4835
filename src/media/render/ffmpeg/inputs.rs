//! What a pass reads: the inputs of its command.

use std::ffi::OsString;
use std::path::Path;

use crate::media::input::input_args;
use crate::media::render::shape::ShapePart;
use crate::media::render::source::RenderSource;
use crate::media::tools::MediaLimits;

/// Numbers of a pass's inputs; its picture is input 0.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InputNumbers {
    /// Sound.
    pub(crate) audio: usize,
    /// Picture and sound of what is shown before what precedes it in the source.
    pub(crate) ahead_video: Option<usize>,
    pub(crate) ahead_audio: Option<usize>,
}

/// The reading of what is shown before what precedes it in the source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ColdOpenInput<'a> {
    pub(crate) seek: Option<f64>,
    /// ffmpeg's name for where its frames are listed.
    pub(crate) log: &'a str,
}

/// Options that begin to read at `seek`.
fn seeking(target: &Option<String>) -> Vec<&str> {
    match target {
        Some(target) => vec!["-noaccurate_seek", "-ss", target],
        None => Vec::new(),
    }
}

fn target(seek: Option<f64>) -> Option<String> {
    seek.map(|seconds| format!("{seconds:.6}"))
}

pub(crate) fn video_input(
    path: &Path,
    source: &RenderSource,
    seek: Option<f64>,
    limits: &MediaLimits,
) -> Vec<OsString> {
    let target = target(seek);
    let mut extra = seeking(&target);
    // A picture that changes its size in mid-stream goes to the scaler, which takes it, instead of
    // starting all filters anew. A filter that turns pictures would not take it: such a source
    // fails. (An angle that is no quarter turn is left out, as the size would change with it.)
    if !source.turned {
        extra.extend(["-noautorotate", "-reinit_filter", "0"]);
    }
    input_args(source.demuxer, path, limits, &extra)
}

/// The sound from `seek` on and, through an input of its own, that of `ahead`.
pub(crate) fn audio_inputs(
    path: &Path,
    source: &RenderSource,
    seek: Option<f64>,
    ahead: Option<&ShapePart>,
    limits: &MediaLimits,
) -> Vec<OsString> {
    let own = target(seek);
    let mut args = input_args(source.demuxer, path, limits, &seeking(&own));
    if let Some(part) = ahead {
        let first = target(source.seek(part.extent().0, 0));
        args.extend(input_args(source.demuxer, path, limits, &seeking(&first)));
    }
    args
}
