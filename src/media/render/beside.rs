//! What lies beside an output's file, named like it: its captions and a still.

use super::Output;
use super::captions::{lines, no_room};
use super::check::Checker;
use super::part::Part;
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::text::{to_srt, to_vtt};
use crate::media::thumbnail;
use crate::model::Rendition;
use crate::model::edit::CaptionMode;

/// Writes what is wanted beside the file that `facts` are of and is not there yet; the facts say what is.
///
/// # Errors
/// `store.write` if there is no room, `render.failed` if the file has no frame for a still.
pub(super) fn complete(
    checker: &Checker<'_>,
    output: &Output,
    mut facts: Rendition,
) -> Result<Rendition> {
    if let Some(lines) = lines(output, CaptionMode::Sidecar) {
        for (extension, text) in [("srt", to_srt(&lines)), ("vtt", to_vtt(&lines))] {
            let path = output.path.with_extension(extension);
            std::fs::write(&path, text).map_err(|cause| no_room(&path, cause))?;
        }
        facts.sidecar = true;
    }
    if checker.settings.thumbnails && facts.frames > 0 {
        facts.thumbnail = still(checker, output, &facts)?;
    }
    Ok(facts)
}

/// The still of the output's file; `false` for a format that cannot be read back.
fn still(checker: &Checker<'_>, output: &Output, facts: &Rendition) -> Result<bool> {
    let path = output.path.with_extension("jpg");
    let Some(demuxer) = checker.settings.encoding.format.demuxer() else { return Ok(false) };
    if path.is_file() {
        return Ok(true);
    }
    let file = Part::beside(&path)?;
    let limits = &checker.settings.limits;
    let video = (demuxer, output.path.as_path());
    thumbnail(checker.tools, limits, video, facts.duration, &file, checker.cancel)?;
    file.persist(&path).map_err(|cause| {
        let message = format!("a still cannot be written to {} ({cause})", path.display());
        Error::new(ErrorCode::StoreWrite, message).with_source(cause)
    })?;
    Ok(true)
}
