//! Finds request files, detects their formats and reads their columns.

use std::collections::HashSet;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use arrow::datatypes::{DataType, Field, Fields, Schema};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use url::Url;

use super::json_files;
use super::plain_files::{checked_schema, is_further_name};
use crate::error::{Error, ErrorCode, Result};
use crate::location::Location;

/// Formats of request files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RequestFormat {
    Parquet,
    Csv,
    Json,
    /// Arrow IPC, as a file with a footer.
    Arrow,
    /// Arrow IPC, as a stream of messages.
    ArrowStream,
}

/// Extensions of request files.
const ENDINGS: &[(&str, RequestFormat)] = &[
    ("parquet", RequestFormat::Parquet),
    ("pq", RequestFormat::Parquet),
    ("csv", RequestFormat::Csv),
    ("ndjson", RequestFormat::Json),
    ("jsonl", RequestFormat::Json),
    ("json", RequestFormat::Json),
    ("arrow", RequestFormat::Arrow),
    ("ipc", RequestFormat::Arrow),
    ("feather", RequestFormat::Arrow),
];

/// A request file whose header or footer has been read.
#[derive(Debug)]
pub(super) struct RequestFile {
    pub(super) path: PathBuf,
    pub(super) kind: RequestFormat,
    pub(super) schema: Schema,
}

/// `path` as an absolute, percent-encoded `file:` URL, which DataFusion reads as that one file; in a
/// plain path `*`, `?` and `[` would be a pattern.
pub(crate) fn file_url(path: &Path) -> String {
    let mut path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    // A URL resolves `..` lexically, which is wrong after a symbolic link.
    if path.components().any(|c| c == Component::ParentDir)
        && let Ok(real) = path.canonicalize()
    {
        path = real;
    }
    let Ok(url) = Url::from_file_path(&path) else {
        return path.to_string_lossy().into_owned();
    };
    url.as_str().replace('*', "%2A").replace('[', "%5B").replace(']', "%5D")
}

/// As [`file_url`], wherever the file is.
pub(crate) fn table_url(location: &Location) -> String {
    match location {
        Location::Path(path) => file_url(path),
        Location::Url(url) => url.to_string(),
    }
}

/// Whether a file of this name in a folder is a request file.
pub(crate) fn is_request_file(path: &Path) -> bool {
    let is_further = || path.file_name().and_then(|n| n.to_str()).is_some_and(is_further_name);
    (kind_by_name(path).is_some() || is_further()) && !is_hidden(path)
}

/// Endings of the names of video and sound files.
const VIDEO_ENDINGS: [&str; 22] = [
    "mp4", "m4v", "mov", "mkv", "webm", "avi", "ts", "m2ts", "mts", "mpg", "mpeg", "wmv", "flv",
    "3gp", "ogv", "mxf", "mp3", "m4a", "wav", "flac", "ogg", "opus",
];

/// Whether a file of this name is a video or sound.
pub(crate) fn is_video_file(path: &Path) -> bool {
    let ending = path.extension().and_then(|x| x.to_str()).map(str::to_ascii_lowercase);
    ending.is_some_and(|ending| VIDEO_ENDINGS.contains(&ending.as_str())) && !is_hidden(path)
}

/// An `input.unreadable` error about `path`.
pub(super) fn unreadable(path: &Path, cause: impl std::fmt::Display) -> Error {
    if is_video_file(path) {
        let message = format!(
            "{0} is a video, not a table of requests; for clips of the video itself: clipflow run {0} -o out",
            path.display()
        );
        return Error::new(ErrorCode::InputUnreadable, message);
    }
    Error::new(
        ErrorCode::InputUnreadable,
        format!(
            "cannot read the requests in {} ({cause}); give a Parquet, CSV, NDJSON or Arrow file or a workbook, or a folder of them",
            path.display()
        ),
    )
}

/// The files of `path` ordered by name, each with its columns.
///
/// # Errors
/// `input.unreadable` or `input.column`, about the file at fault.
pub(super) fn look(path: &Path) -> Result<Vec<RequestFile>> {
    let mut paths = list(path)?;
    let is_empty = |p: &PathBuf| std::fs::metadata(p).is_ok_and(|m| m.len() == 0);
    // Writers of partitioned NDJSON leave partitions without rows empty.
    if paths.iter().any(|p| !is_empty(p)) {
        paths.retain(|p| kind_by_name(p) != Some(RequestFormat::Json) || !is_empty(p));
    }
    if let Some(empty) = paths.iter().find(|p| is_empty(p)) {
        return Err(unreadable(empty, "the file is empty"));
    }
    paths.into_iter().map(look_at).collect()
}

/// The first CSV file of the folder with a row that does not fit its header, and the error.
pub(super) fn ragged(folder: &Path) -> Option<(PathBuf, String)> {
    let csv =
        list(folder).ok()?.into_iter().filter(|p| kind_by_name(p) == Some(RequestFormat::Csv));
    csv.into_iter().find_map(|path| {
        let format = arrow::csv::reader::Format::default().with_header(true);
        let fault = format.infer_schema(File::open(&path).ok()?, None).err()?.to_string();
        Some((path, fault))
    })
}

/// `path` itself, or the files in the folder, ordered by name.
fn list(path: &Path) -> Result<Vec<PathBuf>> {
    let metadata = std::fs::metadata(path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => unreadable(path, "there is no such file"),
        _ => unreadable(path, e),
    })?;
    if !metadata.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let entries = std::fs::read_dir(path).map_err(|e| unreadable(path, e))?;
    let mut files: Vec<PathBuf> =
        entries.flatten().map(|e| e.path()).filter(|p| p.is_file() && is_request_file(p)).collect();
    files.sort();
    let Some(first) = files.first() else {
        let cause = format!("the folder holds no request file, {}", known_endings());
        return Err(unreadable(path, cause));
    };
    if let Some(other) = files.iter().find(|f| kind_by_name(f) != kind_by_name(first)) {
        let (first, other) = (first.display(), other.display());
        let cause = format!("the folder mixes kinds of files: {first} and {other}");
        return Err(unreadable(path, cause));
    }
    Ok(files)
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().and_then(|n| n.to_str()).is_some_and(|n| n.starts_with(['.', '_']))
}

fn kind_by_name(path: &Path) -> Option<RequestFormat> {
    let ending = path.extension()?.to_str()?.to_ascii_lowercase();
    ENDINGS.iter().find(|(known, _)| *known == ending).map(|(_, kind)| *kind)
}

fn known_endings() -> String {
    let endings: Vec<String> = ENDINGS.iter().map(|(e, _)| format!(".{e}")).collect();
    format!("whose name ends in one of {}", endings.join(", "))
}

fn kind_by_content(path: &Path) -> Result<RequestFormat> {
    match &head(path)? {
        [b'P', b'A', b'R', b'1', ..] => Ok(RequestFormat::Parquet),
        b"ARROW1\0\0" => Ok(RequestFormat::Arrow),
        [b'{' | b'[', ..] => Ok(RequestFormat::Json),
        _ => {
            let cause = format!(
                "neither its name nor its content says what kind of file it is; give one {}",
                known_endings()
            );
            Err(unreadable(path, cause))
        }
    }
}

/// The first eight bytes; zeros after the end of a shorter file.
fn head(path: &Path) -> Result<[u8; 8]> {
    let mut bytes = Vec::with_capacity(8);
    let file = File::open(path).map_err(|e| unreadable(path, e))?;
    file.take(8).read_to_end(&mut bytes).map_err(|e| unreadable(path, e))?;
    bytes.resize(8, 0);
    Ok(std::array::from_fn(|i| bytes[i]))
}

fn look_at(path: PathBuf) -> Result<RequestFile> {
    let kind = match kind_by_name(&path) {
        Some(RequestFormat::Arrow) => arrow_kind(&path)?,
        Some(kind) => kind,
        None => kind_by_content(&path)?,
    };
    let open = || File::open(&path).map_err(|e| unreadable(&path, e));
    let schema = match kind {
        RequestFormat::Parquet => {
            check_footer(&path)?;
            ArrowReaderMetadata::load(&open()?, ArrowReaderOptions::new())
                .map(|m| m.schema().as_ref().clone())
                .map_err(|e| unreadable(&path, e))?
        }
        RequestFormat::Csv => csv_schema(&path)?,
        RequestFormat::Json => {
            json_files::schema(&path).map_err(|cause| unreadable(&path, cause))?
        }
        RequestFormat::Arrow | RequestFormat::ArrowStream => {
            checked_schema(&path, kind == RequestFormat::ArrowStream)
                .map_err(|cause| unreadable(&path, cause))?
        }
    };
    refuse_twice(schema.fields(), &path)?;
    Ok(RequestFile { path, kind, schema })
}

/// The form of Arrow IPC of a file, by its first bytes.
fn arrow_kind(path: &Path) -> Result<RequestFormat> {
    let bytes = std::fs::metadata(path).map_err(|e| unreadable(path, e))?.len();
    let [a, b, c, d, e, f, g, h] = head(path)?;
    match [a, b, c, d] {
        [b'A', b'R', b'R', b'O'] if [e, f] == *b"W1" => Ok(RequestFormat::Arrow),
        [b'F', b'E', b'A', b'1'] => Err(unreadable(
            path,
            "it is a Feather file of version 1, which is no Arrow file; write it as version 2",
        )),
        // A stream begins with a marker and the length of its first message.
        [0xff, 0xff, 0xff, 0xff] if u64::from(u32::from_le_bytes([e, f, g, h])) + 8 <= bytes => {
            Ok(RequestFormat::ArrowStream)
        }
        _ => Err(unreadable(path, "it is no Arrow file")),
    }
}

/// Checks the length of the footer of a Parquet file, which the reader trusts.
fn check_footer(path: &Path) -> Result<()> {
    let mut file = File::open(path).map_err(|e| unreadable(path, e))?;
    let bytes = file.metadata().map_err(|e| unreadable(path, e))?.len();
    let mut footer = [0; 8];
    let read = if bytes < 12 {
        Err(std::io::ErrorKind::UnexpectedEof.into())
    } else {
        file.seek(SeekFrom::End(-8))
    };
    read.and_then(|_| file.read_exact(&mut footer)).map_err(|e| unreadable(path, e))?;
    let [a, b, c, d, magic @ ..] = footer;
    if &magic != b"PAR1" || u64::from(u32::from_le_bytes([a, b, c, d])) + 12 > bytes {
        return Err(unreadable(path, "it is no Parquet file, or only the beginning of one"));
    }
    Ok(())
}

/// All columns of a CSV file as text, because a type inferred from the first rows may fail on a later one.
fn csv_schema(path: &Path) -> Result<Schema> {
    let file = File::open(path).map_err(|e| unreadable(path, e))?;
    let format = arrow::csv::reader::Format::default().with_header(true);
    let (schema, _) = format.infer_schema(file, Some(0)).map_err(|e| unreadable(path, e))?;
    let columns = schema.fields().iter().enumerate().map(|(i, field)| {
        // Spreadsheets and pandas leave a name empty.
        let name = match field.name().trim() {
            "" => format!("column_{}", i + 1),
            name => name.to_owned(),
        };
        Field::new(name, DataType::Utf8, true)
    });
    Ok(Schema::new(columns.collect::<Vec<_>>()))
}

fn refuse_twice(fields: &Fields, path: &Path) -> Result<()> {
    let mut seen = HashSet::new();
    match fields.iter().find(|f| !seen.insert(f.name())) {
        None => Ok(()),
        Some(twice) => Err(Error::new(
            ErrorCode::InputColumn,
            format!(
                "{} has the column {} twice; give each column a name of its own",
                path.display(),
                twice.name()
            ),
        )),
    }
}
