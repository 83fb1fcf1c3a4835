//! Videos in place of a request table: `clipflow run talk.mp4 -o out`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};

use super::args::{TimeInVideo, VideoRequestArgs};
use crate::error::{Error, ErrorCode, Result};
use crate::location::{Location, scheme};
use crate::query::files::{is_request_file, is_video_file};

/// Requests made from videos: one each.
pub(super) struct VideoRequests {
    /// The requests.
    pub(super) rows: RecordBatch,
    /// The folders of videos on this machine, which sources may lie in.
    pub(super) roots: Vec<Location>,
}

/// The requests for the videos that `inputs` name: files, folders or patterns of them, or URLs. `None` if
/// the one input is a request table or a folder of such.
///
/// # Errors
/// `input.unreadable` for an input that is missing or no video, `config.invalid` for flags of videos beside
/// a table.
pub(super) fn requests(
    inputs: &[PathBuf],
    args: &VideoRequestArgs,
) -> Result<Option<VideoRequests>> {
    let mut videos = vec![];
    for input in inputs {
        match found(input)? {
            Some(found) => videos.extend(found),
            None if inputs.len() > 1 => {
                return Err(Error::new(
                    ErrorCode::ConfigInvalid,
                    format!(
                        "{} is a request table; name one table alone, or videos",
                        input.display()
                    ),
                ));
            }
            None => return args.check_unused().map(|()| None),
        }
    }
    let rows = rows_of(&videos, args)?;
    let mut roots: Vec<PathBuf> =
        videos.iter().filter_map(|v| Some(Path::new(v).parent()?.to_path_buf())).collect();
    roots.retain(|root| root.is_absolute());
    roots.sort();
    roots.dedup();
    let roots = roots.into_iter().map(Location::from).collect();
    Ok(Some(VideoRequests { rows, roots }))
}

/// The videos that one input names; `None` if it is a request table.
fn found(input: &Path) -> Result<Option<Vec<String>>> {
    let text = input.to_string_lossy();
    if let Some(scheme) = scheme(&text) {
        let is_web = matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https");
        let path = text.split(['?', '#']).next().unwrap_or(&text);
        let is_video =
            is_video_file(Path::new(path)) || is_web && !is_request_file(Path::new(path));
        return Ok(is_video.then(|| vec![text.into_owned()]));
    }
    if input.is_dir() {
        let files = files_of(input)?;
        let videos: Vec<PathBuf> = files.iter().filter(|f| is_video_file(f)).cloned().collect();
        let is_table = files.iter().any(|f| is_request_file(f));
        return if is_table || videos.is_empty() { Ok(None) } else { absolute(videos).map(Some) };
    }
    if input.is_file() {
        let is_video = is_video_file(input) && !is_request_file(input);
        return if is_video { absolute(vec![input.to_path_buf()]).map(Some) } else { Ok(None) };
    }
    if text.contains(['*', '?', '[']) {
        return matching(&text).map(Some);
    }
    if is_video_file(input) {
        return Err(unreadable(format!("there is no file {text}; check the path")));
    }
    Ok(None)
}

fn files_of(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).map_err(|e| {
        unreadable(format!("cannot list {} ({e}); check the path", folder.display()))
    })?;
    let mut files: Vec<PathBuf> =
        entries.flatten().map(|e| e.path()).filter(|p| p.is_file()).collect();
    files.sort();
    Ok(files)
}

/// The videos that a pattern matches, in order.
fn matching(pattern: &str) -> Result<Vec<String>> {
    let paths = glob::glob(pattern).map_err(|e| {
        unreadable(format!(
            "{pattern} is not a pattern of paths ({e}); write one such as 'videos/*.mp4'"
        ))
    })?;
    let videos: Vec<PathBuf> = paths.flatten().filter(|path| is_video_file(path)).collect();
    if videos.is_empty() {
        return Err(unreadable(format!("no video matches {pattern}; check the pattern")));
    }
    absolute(videos)
}

fn absolute(paths: Vec<PathBuf>) -> Result<Vec<String>> {
    let absolute = |path: PathBuf| {
        let absolute = std::path::absolute(&path).map_err(|e| {
            unreadable(format!("cannot find {} ({e}); check the path", path.display()))
        })?;
        absolute.into_os_string().into_string().map_err(|path| {
            let path = path.to_string_lossy().into_owned();
            unreadable(format!("the name of {path} is not UTF-8; rename the file"))
        })
    };
    paths.into_iter().map(absolute).collect()
}

/// One request for each video.
fn rows_of(videos: &[String], args: &VideoRequestArgs) -> Result<RecordBatch> {
    let rows = videos.len();
    let (min, max) = args.lengths();
    let seconds = |given: Option<f64>| Arc::new(Float64Array::from(vec![given; rows])) as ArrayRef;
    let text = |given: &Option<String>| {
        Arc::new(StringArray::from(vec![given.as_deref(); rows])) as ArrayRef
    };
    let time = |given: &Option<TimeInVideo>| {
        let given = given.as_ref().map(TimeInVideo::as_str);
        Arc::new(StringArray::from(vec![given; rows])) as ArrayRef
    };
    let source = Arc::new(StringArray::from_iter_values(videos)) as ArrayRef;
    let columns = [
        ("source_url", source, false),
        ("min_clip_length", seconds(min), true),
        ("max_clip_length", seconds(max), true),
        ("language", text(&args.language), true),
        ("topic", text(&args.topic), true),
        ("start", time(&args.start), true),
        ("end", time(&args.end), true),
        ("within_start", time(&args.within_start), true),
        ("within_end", time(&args.within_end), true),
    ];
    RecordBatch::try_from_iter_with_nullable(columns)
        .map_err(|e| Error::new(ErrorCode::Internal, format!("the requests are no table ({e})")))
}

fn unreadable(sentence: String) -> Error {
    Error::new(ErrorCode::InputUnreadable, sentence)
}
