//! The captions of an output: burned in, or a text track of its file.

use std::ffi::OsString;

use super::encoding::Format;
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::text::ass::{AssDocument, document};
use crate::kernels::text::{CaptionLine, caption_lines, to_iso639_3, to_srt};
use crate::media::Fonts;
use crate::media::render::output::Output;
use crate::media::render::partial_file::PartialFile;
use crate::model::edit::{CaptionMode, CaptionStyle};

/// A document for libass, in a file that lives as long as this.
#[derive(Debug)]
pub(crate) struct BurnedCaptions(PartialFile);

impl BurnedCaptions {
    /// The filter that draws them.
    pub(crate) fn filter(&self) -> String {
        format!("ass=filename={}", escaped(&self.0.to_string_lossy()))
    }
}

/// The captions of each output that are burned in.
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
                "captions are left out, as no typeface of this machine has their characters; install one (Debian: fonts-noto)"
            );
        }
        burned.document.map(|text| written(output, &text).map(BurnedCaptions)).transpose()
    };
    outputs.iter().map(captions).collect()
}

/// What is burned into an output; `None` if nothing is to be.
fn drawn(output: &Output) -> Option<AssDocument> {
    let edit = output.edit.as_ref().filter(|edit| {
        edit.caption_mode == CaptionMode::Burned && edit.caption_style != CaptionStyle::Off
    })?;
    let some = !output.cues.is_empty();
    some.then(|| document(edit, &output.cues, Fonts::system()))
}

/// When captions stand in an output's picture: start and end in seconds, in order. How long a text stays
/// depends on the room that its style leaves it, so the document itself is asked.
pub(crate) fn standing(output: &Output) -> Vec<(f64, f64)> {
    let document = drawn(output).and_then(|burned| burned.document).unwrap_or_default();
    let mut all: Vec<(f64, f64)> = document.lines().filter_map(event).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    all
}

/// Start and end of an event of a document, in seconds.
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

/// The captions of an output as a text track, in a file that lives as long as this.
#[derive(Debug)]
pub(crate) struct TextTrack {
    file: PartialFile,
    language: Option<String>,
}

impl TextTrack {
    /// The options of the input that is read for it: a file of our own making.
    pub(crate) fn input(&self) -> Vec<OsString> {
        let mut name = OsString::from("file:");
        name.push(&*self.file);
        let options = ["-protocol_whitelist", "file", "-f", "srt", "-i"];
        options.into_iter().map(OsString::from).chain([name]).collect()
    }

    /// The options that write input `number` as a track of a file of `format`.
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

/// The captions of each output that are a text track of its file, if files of `format` have one.
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

/// The captions of an output that wants them as `mode`; `None` without any.
pub(crate) fn lines(output: &Output, mode: CaptionMode) -> Option<Vec<CaptionLine>> {
    let edit = output.edit.as_ref().filter(|edit| edit.caption_mode == mode)?;
    Some(caption_lines(edit, &output.cues)).filter(|lines| !lines.is_empty())
}

/// A text in the folder of the output: what a killed run leaves there is removed by the next.
pub(crate) fn written(output: &Output, text: &str) -> Result<PartialFile> {
    let file = PartialFile::beside(&output.path)?;
    std::fs::write(&file, text).map_err(|cause| {
        let message =
            format!("captions cannot be written to {} ({cause}); make room there", file.display());
        Error::new(ErrorCode::StoreWrite, message).with_source(cause)
    })?;
    Ok(file)
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
    fn events_say_when_they_stand() {
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
