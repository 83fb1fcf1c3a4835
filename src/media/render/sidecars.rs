//! Files beside an output with the same name: caption files and a still.

use std::fs::File;
use std::path::Path;

use super::context::RenderContext;
use super::ffmpeg::captions::{left_out, lines, standing, written};
use super::output::Output;
use super::partial_file::PartialFile;
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::text::{to_srt, to_vtt};
use crate::media::sniff::Demuxer;
use crate::media::thumbnail::{Footage, thumbnail};
use crate::model::Rendition;
use crate::model::edit::CaptionMode;

/// Writes the requested sidecar files that are missing, and records them in `facts`.
///
/// Each file appears complete or not at all. If one cannot be written, the output's own file stays; its
/// sidecars are completed when a later run finds it.
///
/// # Errors
/// `store.write` if there is no room, `render.failed` if the file has no frame for a still.
pub(crate) fn complete(
    context: &RenderContext<'_>,
    output: &Output,
    mut facts: Rendition,
) -> Result<Rendition> {
    // A file without a picture has no captions.
    if context.settings.encoding.has_picture() {
        facts.text_note = left_out(output);
    }
    if let Some(lines) = lines(output, CaptionMode::Sidecar) {
        // Both are written before either gets its name.
        let (srt, vtt) = (written(output, &to_srt(&lines))?, written(output, &to_vtt(&lines))?);
        named(srt, output, "srt")?;
        named(vtt, output, "vtt")?;
        facts.sidecar = true;
    }
    if let Some(demuxer) = context.settings.stills().filter(|_| facts.frames > 0) {
        still(context, output, (demuxer, facts.duration))?;
        facts.thumbnail = true;
    }
    Ok(facts)
}

/// Writes the still of the output's file, given its duration in seconds.
fn still(
    context: &RenderContext<'_>,
    output: &Output,
    (demuxer, seconds): (Demuxer, f64),
) -> Result<()> {
    let path = output.path.with_extension("jpg");
    if path.is_file() {
        return Ok(());
    }
    let file = PartialFile::beside(&path)?;
    let captioned = standing(output);
    let footage = Footage { demuxer, path: &output.path, seconds, captioned: &captioned };
    thumbnail(context.tools, &context.settings.limits, footage, &file, context.cancel)?;
    named(file, output, "jpg")
}

/// Renames a file to the output's name with `extension`.
fn named(file: PartialFile, output: &Output, extension: &str) -> Result<()> {
    let path = output.path.with_extension(extension);
    put(file, &path).map_err(|cause| {
        let message = format!("{} cannot be written ({cause}); make room there", path.display());
        Error::new(ErrorCode::StoreWrite, message).with_source(cause)
    })
}

/// Flushes the file before renaming it: a file with its final name counts as complete.
fn put(file: PartialFile, path: &Path) -> std::io::Result<()> {
    File::open(&file)?.sync_all()?;
    file.persist(path)
}
