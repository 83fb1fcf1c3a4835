//! The captions of an output: burned in, or beside its file.

use std::path::Path;

use tempfile::TempPath;

use super::{Output, temporary};
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::text::ass::document;
use crate::kernels::text::{CaptionLine, caption_lines, to_srt, to_vtt};
use crate::media::Fonts;
use crate::model::edit::{CaptionMode, CaptionStyle};

/// A document for libass, in a file that lives as long as this.
#[derive(Debug)]
pub(super) struct Captions(TempPath);

impl Captions {
    /// The filter that draws them.
    pub(super) fn filter(&self) -> String {
        format!("ass=filename={}", escaped(&self.0.to_string_lossy()))
    }
}

/// The captions of each output that are burned in.
///
/// # Errors
/// `store.write` if there is no room for a temporary file.
pub(super) fn burned(outputs: &[&Output]) -> Result<Vec<Option<Captions>>> {
    let captions = |output: &&Output| {
        let wanted = output.edit.as_ref().filter(|edit| {
            edit.caption_mode == CaptionMode::Burned && edit.caption_style != CaptionStyle::Off
        });
        let Some(edit) = wanted.filter(|_| !output.cues.is_empty()) else { return Ok(None) };
        let burned = document(edit, &output.cues, Fonts::system());
        if burned.unreadable > 0 {
            tracing::warn!(
                rendition = output.rendition_id,
                captions = burned.unreadable,
                "captions are left out, as no typeface of this machine has their characters; install one (Debian: fonts-noto)"
            );
        }
        burned.document.map(|text| written(output, &text)).transpose()
    };
    outputs.iter().map(captions).collect()
}

/// Writes the captions beside the file of an output that wants them there: SubRip and WebVTT, named
/// like it.
///
/// # Errors
/// `store.write`.
pub(super) fn beside(output: &Output) -> Result<()> {
    let Some(edit) = output.edit.as_ref().filter(|edit| edit.caption_mode == CaptionMode::Sidecar)
    else {
        return Ok(());
    };
    let lines: Vec<CaptionLine> = caption_lines(edit, &output.cues);
    if lines.is_empty() {
        return Ok(());
    }
    for (extension, text) in [("srt", to_srt(&lines)), ("vtt", to_vtt(&lines))] {
        let path = output.path.with_extension(extension);
        std::fs::write(&path, text).map_err(|cause| no_room(&path, cause))?;
    }
    Ok(())
}

/// In the folder of the output: what a killed run leaves there is removed by the next.
fn written(output: &Output, text: &str) -> Result<Captions> {
    let file = temporary(&output.path)?;
    std::fs::write(&file, text).map_err(|cause| no_room(&file, cause))?;
    Ok(Captions(file))
}

fn no_room(path: &Path, cause: std::io::Error) -> Error {
    let message =
        format!("captions cannot be written to {} ({cause}); make room there", path.display());
    Error::new(ErrorCode::StoreWrite, message).with_source(cause)
}

/// A file name as a value in a filtergraph: escaped for the filter's options and for the graph, see
/// "Notes on filtergraph escaping" of ffmpeg-filters.
fn escaped(name: &str) -> String {
    let escape = |text: &str, special: &[char]| -> String {
        text.chars()
            .flat_map(|c| special.contains(&c).then_some('\\').into_iter().chain([c]))
            .collect()
    };
    escape(&escape(name, &['\\', '\'', ':']), &['\\', '\'', '[', ']', ',', ';'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_twice() {
        assert_eq!(escaped("/tmp/captions-a1.ass"), "/tmp/captions-a1.ass");
        assert_eq!(escaped("/a:b,[c]"), r"/a\\:b\,\[c\]");
        assert_eq!(escaped("it's"), r"it\\\'s");
    }
}
