//! Captions of an output, burned into its picture or as a text track of its file.

use std::ffi::OsString;
use std::path::Path;

use super::encoding::Format;
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::text::ass::{AssDocument, document};
use crate::kernels::text::{CaptionLine, caption_lines, captions_left_out, to_iso639_3, to_srt};
use crate::media::Fonts;
use crate::media::render::output::Output;
use crate::media::render::partial_file::PartialFile;
use crate::model::edit::{CaptionMode, CaptionStyle};

/// A libass document of burned-in captions, in a temporary file.
#[derive(Debug)]
pub(crate) struct BurnedCaptions(PartialFile);

impl BurnedCaptions {
    /// The document.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The filter that draws the captions.
    pub(crate) fn filter(&self) -> String {
        format!("ass=filename={}", escaped(&self.0.to_string_lossy()))
    }
}

/// The burned-in captions of each output, or `None` without any.
///
/// # Errors
/// `store.write` if there is no room for a temporary file.
pub(crate) fn burned(outputs: &[&Output]) -> Result<Vec<Option<BurnedCaptions>>> {
    let captions = |output: &&Output| {
        let Some(burned) = drawn(output) else { return Ok(None) };
        if burned.unreadable > 0 {
            tracing::warn!(
                rendition = output.rendition_id,
                captions = burned.unreadable,
                "captions are left out because no installed typeface has their characters; install one (Debian: fonts-noto)"
            );
        }
        burned.document.map(|text| written(output, &text).map(BurnedCaptions)).transpose()
    };
    outputs.iter().map(captions).collect()
}

/// The captions to burn into an output; `None` if its edit asks for none.
fn drawn(output: &Output) -> Option<AssDocument> {
    let edit = output.edit.as_ref().filter(|edit| {
        edit.caption_mode == CaptionMode::Burned && edit.caption_style != CaptionStyle::Off
    })?;
    let some = !output.cues.is_empty();
    some.then(|| document(edit, &output.cues, Fonts::system()))
}

/// What is left out of the captions of an output, and why, as a sentence; `None` if nothing is.
pub(crate) fn left_out(output: &Output) -> Option<String> {
    let edit = output.edit.as_ref().filter(|_| !output.cues.is_empty())?;
    let (unreadable, crowded) = match edit.caption_mode {
        CaptionMode::Burned => {
            let burned = drawn(output)?;
            (burned.unreadable, burned.left_out)
        }
        CaptionMode::Soft | CaptionMode::Sidecar => (0, captions_left_out(edit, &output.cues)),
    };
    let faces = "whose characters no installed typeface has (on Debian, install fonts-noto)";
    let time = "that others leave no time to be read";
    let parts = [(unreadable, faces), (crowded, time)];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, why)| format!("{count} {why}"))
        .collect();
    (!parts.is_empty()).then(|| format!("captions are left out: {}", parts.join(", ")))
}

/// The times at which captions are visible in an output: start and end in seconds, in order.
///
/// They are read from the document, because how long a text stays depends on the layout of its style.
pub(crate) fn standing(output: &Output) -> Vec<(f64, f64)> {
    let document = drawn(output).and_then(|burned| burned.document).unwrap_or_default();
    let mut all: Vec<(f64, f64)> = document.lines().filter_map(event).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    all
}

/// Start and end of a document's event, in seconds.
fn event(line: &str) -> Option<(f64, f64)> {
    let mut fields = line.strip_prefix("Dialogue:")?.split(',').skip(1);
    let mut seconds = || {
        fields
            .next()?
            .split(':')
            .try_fold(0.0, |sum, part| Some(sum * 60.0 + part.parse::<f64>().ok()?))
    };
    Some((seconds()?, seconds()?))
}

/// A text track of an output's captions, in a temporary file.
#[derive(Debug)]
pub(crate) struct TextTrack {
    file: PartialFile,
    language: Option<String>,
}

impl TextTrack {
    /// The options of the input that reads it, a trusted file.
    pub(crate) fn input(&self) -> Vec<OsString> {
        let mut name = OsString::from("file:");
        name.push(&*self.file);
        let options = ["-protocol_whitelist", "file", "-f", "srt", "-i"];
        options.into_iter().map(OsString::from).chain([name]).collect()
    }

    /// The options that write input `number` as a text track of a file of `format`.
    pub(crate) fn output(&self, number: usize, format: Format) -> Vec<OsString> {
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

/// The text track of each output, if its edit asks for one and `format` supports it.
///
/// # Errors
/// `store.write` if there is no room for a temporary file.
pub(crate) fn tracks(outputs: &[&Output], format: Format) -> Result<Vec<Option<TextTrack>>> {
    let track = |output: &&Output| {
        if !format.has_text_track() {
            return Ok(None);
        }
        let Some(lines) = lines(output, CaptionMode::Soft) else { return Ok(None) };
        let file = written(output, &to_srt(&lines))?;
        let language = output.edit.as_ref().and_then(|edit| edit.language.as_deref());
        Ok(Some(TextTrack { file, language: language.and_then(to_iso639_3) }))
    };
    outputs.iter().map(track).collect()
}

/// The caption lines of an output whose edit asks for `mode`; `None` without any.
pub(crate) fn lines(output: &Output, mode: CaptionMode) -> Option<Vec<CaptionLine>> {
    let edit = output.edit.as_ref().filter(|edit| edit.caption_mode == mode)?;
    Some(caption_lines(edit, &output.cues)).filter(|lines| !lines.is_empty())
}

/// Writes `text` to a partial file in the output's folder, which a later run cleans up.
pub(crate) fn written(output: &Output, text: &str) -> Result<PartialFile> {
    let file = PartialFile::beside(&output.path)?;
    std::fs::write(&file, text).map_err(|cause| {
        let message =
            format!("captions cannot be written to {} ({cause}); make room there", file.display());
        Error::new(ErrorCode::StoreWrite, message).with_source(cause)
    })?;
    Ok(file)
}

/// A file name as a filtergraph value, escaped for the filter's options and for the graph.
///
/// See "Notes on filtergraph escaping" in the ffmpeg-filters manual.
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
    fn events_state_when_they_are_visible() {
        let line = "Dialogue: 0,1:02:03.50,1:02:04.00,Caption,,0,0,0,,{\\k50}a, 0:00:01.00,b";
        assert_eq!(event(line), Some((3723.5, 3724.0)));
        assert_eq!(event("Format: Layer, Start, End"), None);
        assert_eq!(event("Dialogue: 0"), None);
    }

    #[test]
    fn names_are_escaped_twice() {
        assert_eq!(escaped("/tmp/captions-a1.ass"), "/tmp/captions-a1.ass");
        assert_eq!(escaped("/a:b,[c]"), r"/a\\:b\,\[c\]");
        assert_eq!(escaped("it's"), r"it\\\'s");
    }
}
