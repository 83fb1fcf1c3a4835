//! The captions of an output: burned in, or a text track of its file.

use std::ffi::OsString;
use std::path::Path;

use super::Output;
use super::encoding::Format;
use super::part::Part;
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::text::ass::document;
use crate::kernels::text::{CaptionLine, caption_lines, to_iso639_3, to_srt};
use crate::media::Fonts;
use crate::model::edit::{CaptionMode, CaptionStyle};

/// A document for libass, in a file that lives as long as this.
#[derive(Debug)]
pub(super) struct Captions(Part);

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

/// The captions of an output as a text track, in a file that lives as long as this.
#[derive(Debug)]
pub(super) struct Track {
    file: Part,
    language: Option<String>,
}

impl Track {
    /// The options of the input that is read for it: a file of our own making.
    pub(super) fn input(&self) -> Vec<OsString> {
        let mut name = OsString::from("file:");
        name.push(&*self.file);
        let options = ["-protocol_whitelist", "file", "-f", "srt", "-i"];
        options.into_iter().map(OsString::from).chain([name]).collect()
    }

    /// The options that write input `number` as a track of a file of `format`.
    pub(super) fn output(&self, number: usize, format: Format) -> Vec<OsString> {
        let codec = if format == Format::Webm { "webvtt" } else { "mov_text" };
        let map = format!("{number}:0");
        let mut args: Vec<OsString> =
            ["-map", &map, "-c:s", codec, "-disposition:s:0", "default"].map(OsString::from).into();
        if let Some(language) = &self.language {
            args.extend(["-metadata:s:s:0".into(), format!("language={language}").into()]);
        }
        args
    }
}

/// The captions of each output that are a text track of it.
///
/// # Errors
/// `store.write` if there is no room for a temporary file.
pub(super) fn tracks(outputs: &[&Output]) -> Result<Vec<Option<Track>>> {
    let track = |output: &&Output| {
        let Some(lines) = lines(output, CaptionMode::Soft) else { return Ok(None) };
        let Captions(file) = written(output, &to_srt(&lines))?;
        let language = output.edit.as_ref().and_then(|edit| edit.language.as_deref());
        Ok(Some(Track { file, language: language.and_then(to_iso639_3) }))
    };
    outputs.iter().map(track).collect()
}

/// The captions of an output that wants them as `mode`; `None` without any.
pub(super) fn lines(output: &Output, mode: CaptionMode) -> Option<Vec<CaptionLine>> {
    let edit = output.edit.as_ref().filter(|edit| edit.caption_mode == mode)?;
    Some(caption_lines(edit, &output.cues)).filter(|lines| !lines.is_empty())
}

/// In the folder of the output: what a killed run leaves there is removed by the next.
fn written(output: &Output, text: &str) -> Result<Captions> {
    let file = Part::beside(&output.path)?;
    std::fs::write(&file, text).map_err(|cause| no_room(&file, cause))?;
    Ok(Captions(file))
}

pub(super) fn no_room(path: &Path, cause: std::io::Error) -> Error {
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
