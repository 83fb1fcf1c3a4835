//! Files of rows as programs really write them, made plain: UTF-8 CSV with commas, or NDJSON.
//!
//! Spreadsheets write semicolons and decimal commas, UTF-16, or workbooks; pipelines pack what they write. Such a file
//! is written once more, plain, beside the others of its reading; files that are plain are read where they are. What was
//! guessed on the way is told in one sentence, [`PlainFile::guessed`].

mod arrow_file;
mod delimited;
mod numbers;
mod unpack;
mod workbook;

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

pub(crate) use arrow_file::checked_schema;
use delimited::Dialect;
use encoding_rs::{Encoding, UTF_8};
use unpack::Packing;

use crate::error::{Error, ErrorCode, Result};
use crate::kernels::text::encoding_of;

/// Bytes of a file that its encoding and its separator are found from, at first.
const HEAD: usize = 1 << 18;

/// Bytes that are read for the encoding of a file whose beginning does not tell it.
const MOST: usize = 1 << 24;

/// Endings of files that hold no rows as text or workbooks: they are read as they are.
const BINARY: [&str; 5] = ["parquet", "pq", "arrow", "ipc", "feather"];

/// Endings of rows as text, workbooks among them, beside those that every reader knows. (`.txt` may be anything, and
/// is read where the file itself is named.)
pub(crate) const FURTHER_ENDINGS: [&str; 7] = ["tsv", "tab", "xlsx", "xlsm", "xlsb", "xls", "ods"];

/// A file that was made plain.
#[derive(Debug)]
pub(crate) struct PlainFile {
    /// The plain file; its name ends in `.csv` or `.ndjson`.
    pub(crate) path: PathBuf,
    /// What was guessed of the file, as the end of a sentence: `columns are separated by semicolons`.
    pub(crate) guessed: Vec<String>,
}

/// What becomes of numbers with decimal commas, which other readers take for text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Numbers {
    /// They get decimal points, where commas do not separate the columns.
    WithPoints,
    /// They stay: the reader knows numbers of all kinds.
    AsTheyAre,
}

/// The name of a file without the ending of its packing, in lower case: `a.csv` of `A.csv.gz`.
pub(crate) fn unpacked_name(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let packed = Packing::ENDINGS.iter().find_map(|(ending, _)| lower.strip_suffix(ending));
    packed.unwrap_or(&lower).to_owned()
}

fn ending(name: &str) -> String {
    let name = unpacked_name(name);
    name.rsplit_once('.').map_or_else(String::new, |(_, ending)| ending.to_owned())
}

/// Whether a file of that name may need to be made plain: it is a workbook, packed, or text of another form.
pub(crate) fn is_further_name(name: &str) -> bool {
    let is_packed = unpacked_name(name).len() < name.len();
    let ending = ending(name);
    let is_text = ["csv", "ndjson", "jsonl", "json"].contains(&ending.as_str());
    FURTHER_ENDINGS.contains(&ending.as_str()) || (is_packed && is_text)
}

/// [`make_plain`] on a thread of its own kind, for callers that must not block.
///
/// # Errors
/// As there.
pub(crate) async fn make_plain_apart(
    path: PathBuf,
    name: String,
    folder: PathBuf,
    numbers: Numbers,
) -> Result<Option<PlainFile>> {
    let make = move || make_plain(&path, &name, &folder, numbers);
    let made = tokio::task::spawn_blocking(make).await;
    made.map_err(|e| Error::new(ErrorCode::Internal, format!("reading a file broke off: {e}")))?
}

/// Write the file at `path`, which users know as `name`, into `folder` as plain CSV or NDJSON; none if it is plain.
///
/// # Errors
/// `input.unreadable` if it is damaged, or is of no known kind; `store.write` if `folder` cannot be written.
pub(crate) fn make_plain(
    path: &Path,
    name: &str,
    folder: &Path,
    numbers: Numbers,
) -> Result<Option<PlainFile>> {
    let fault = |cause: String| {
        Error::new(
            ErrorCode::InputUnreadable,
            format!(
                "cannot read {name} ({cause}); give a Parquet, Arrow, CSV, TSV or NDJSON file or a workbook (.xlsx, .ods)"
            ),
        )
    };
    if BINARY.contains(&ending(name).as_str()) {
        return Ok(None);
    }
    let open = || File::open(path).map_err(|e| fault(e.to_string()));
    let mut magic = vec![];
    open()?.take(8).read_to_end(&mut magic).map_err(|e| fault(e.to_string()))?;
    if magic.starts_with(b"PAR1") || magic.starts_with(b"ARROW1") {
        return Ok(None);
    }
    if workbook::is_workbook(&magic) {
        return workbook::to_csv(path, name, folder, &fault).map(Some);
    }
    let text = PackedText { path, packing: Packing::of(&magic), fault: &fault };
    text.make_plain(name, folder, numbers)
}

/// Text in a file, as it lies there.
struct PackedText<'a> {
    path: &'a Path,
    packing: Option<Packing>,
    fault: &'a dyn Fn(String) -> Error,
}

/// An encoding, and the bytes of its mark.
type Marked = (&'static Encoding, usize);

impl PackedText<'_> {
    fn open(&self) -> Result<File> {
        File::open(self.path).map_err(|e| (self.fault)(e.to_string()))
    }

    fn reader(&self) -> Result<Box<dyn Read>> {
        Ok(unpack::reader(self.open()?, self.packing))
    }

    fn first(&self, bytes: usize) -> Result<Vec<u8>> {
        let mut read = vec![];
        let done = self.reader()?.take(bytes as u64).read_to_end(&mut read);
        done.map(|_| read).map_err(|e| (self.fault)(e.to_string()))
    }

    /// The beginning of the text, and its encoding.
    fn beginning(&self) -> Result<(String, Marked)> {
        let mut head = self.first(HEAD)?;
        if self.packing.is_none() && head.len() == HEAD {
            // What is not UTF-8 may begin after many rows of plain letters.
            head.extend(tail(&self.open()?).map_err(|e| (self.fault)(e.to_string()))?);
        }
        let encoding = match encoding_of(&cut_whole(&head), "") {
            (encoding, mark) if mark > 0 || encoding == UTF_8 => (encoding, mark),
            _ => encoding_of(&cut_whole(&self.first(MOST)?), ""),
        };
        let bytes = head.get(encoding.1..).unwrap_or_default();
        Ok((encoding.0.decode_without_bom_handling(bytes).0.into_owned(), encoding))
    }

    fn make_plain(&self, name: &str, folder: &Path, numbers: Numbers) -> Result<Option<PlainFile>> {
        let (text, encoding) = self.beginning()?;
        let is_utf8 = self.packing.is_none() && encoding.0 == UTF_8;
        let mut guessed = self.said(encoding);
        if text.trim_start().starts_with(['{', '[']) {
            let path = folder.join("rows.ndjson");
            if is_utf8 {
                return Ok(None);
            }
            unpack::write_utf8(self.reader()?, encoding, &path, self.fault)?;
            return Ok(Some(PlainFile { path, guessed }));
        }
        let dialect = Dialect::of(&text, &ending(name));
        // Readers know this ending for it.
        if is_utf8 && dialect.is_plain() && ending(name) == "csv" {
            return Ok(None);
        }
        if !is_known(name) && dialect.separator == b',' && !dialect.is_table {
            let cause = "neither its name nor its content says what kind of file it is";
            return Err((self.fault)(cause.to_owned()));
        }
        guessed.extend(dialect.said());
        let decoded = folder.join("decoded.txt");
        unpack::write_utf8(self.reader()?, encoding, &decoded, self.fault)?;
        let path = folder.join("rows.csv");
        guessed.extend(delimited::to_csv(&decoded, &dialect, &path, numbers, self.fault)?);
        // What is left is a copy of the rows.
        let _ = std::fs::remove_file(&decoded);
        Ok(Some(PlainFile { path, guessed }))
    }

    /// How it was packed and encoded.
    fn said(&self, (encoding, mark): Marked) -> Vec<String> {
        let packed = self.packing.map(|packing| format!("it is packed with {packing}"));
        let how = if mark > 0 { "" } else { ", as its letters say" };
        let encoded =
            (encoding != UTF_8).then(|| format!("its encoding is {}{how}", encoding.name()));
        packed.into_iter().chain(encoded).collect()
    }
}

fn is_known(name: &str) -> bool {
    let ending = ending(name);
    ["csv", "tsv", "tab", "txt", "ndjson", "jsonl", "json"].contains(&ending.as_str())
}

/// The last bytes of a file, from the beginning of a line.
fn tail(mut file: &File) -> std::io::Result<Vec<u8>> {
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(HEAD as u64)))?;
    let mut bytes = vec![];
    BufReader::new(file).take(HEAD as u64).read_to_end(&mut bytes)?;
    let from = bytes.iter().position(|b| *b == b'\n').unwrap_or(bytes.len());
    Ok(bytes.split_off(from))
}

/// Bytes up to the last end of a line: a character that was cut in two says nothing.
fn cut_whole(bytes: &[u8]) -> std::borrow::Cow<'_, [u8]> {
    let end = bytes.iter().rposition(|b| *b == b'\n').filter(|_| bytes.len() >= HEAD);
    std::borrow::Cow::Borrowed(bytes.get(..end.map_or(bytes.len(), |end| end + 1)).unwrap_or(bytes))
}
