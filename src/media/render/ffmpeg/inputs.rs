//! The inputs of a pass's command.

use std::ffi::OsString;
use std::path::Path;

use crate::media::input::input_args;
use crate::media::render::shape::ShapePart;
use crate::media::render::source::RenderSource;
use crate::media::tools::MediaLimits;

/// The numbers of a pass's inputs; the picture is input 0.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InputNumbers {
    /// The sound.
    pub(crate) audio: usize,
    /// The picture of a cold open, which is shown out of source order.
    pub(crate) ahead_video: Option<usize>,
    /// The sound of a cold open.
    pub(crate) ahead_audio: Option<usize>,
}

/// The separate input of a cold open, which is shown out of source order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ColdOpenInput<'a> {
    pub(crate) seek: Option<f64>,
    /// ffmpeg's name of the pipe in which its frames are listed.
    pub(crate) log: &'a str,
}

/// The input options that start reading at `target`.
fn seeking(target: &Option<String>) -> Vec<&str> {
    match target {
        Some(target) => vec!["-noaccurate_seek", "-ss", target],
        None => Vec::new(),
    }
}

fn target(seek: Option<f64>) -> Option<String> {
    seek.map(|seconds| format!("{seconds:.6}"))
}

/// The input that reads the picture from `seek` on.
pub(crate) fn video_input(
    path: &Path,
    source: &RenderSource,
    seek: Option<f64>,
    limits: &MediaLimits,
) -> Vec<OsString> {
    let target = target(seek);
    let mut extra = seeking(&target);
    // A picture that changes its size in mid-stream reaches the scaler, which handles it, instead of
    // restarting all filters. Where ffmpeg turns pictures itself it would not: such a source fails. (Angles
    // that are no quarter turn are ignored, because the size would change.)
    if !source.turned {
        extra.extend(["-noautorotate", "-reinit_filter", "0"]);
    }
    input_args(source.demuxer, path, limits, &extra)
}

/// The input that reads the sound from `seek` on, and a second one for a cold open `ahead`.
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
