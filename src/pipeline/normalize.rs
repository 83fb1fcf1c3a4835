//! Normalizes request files whose meaning is clear: spaces around the names of CSV columns, and JSON in
//! which a value is nested in some rows. The files stay as they are; a copy is read.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::{Error, ErrorCode, Result};
use crate::query::files::is_request_file;
use crate::store::cannot_write;

/// Request files to read: the originals, or normalized copies.
#[derive(Debug, Clone)]
pub(super) struct NormalizedFiles {
    path: PathBuf,
    original: PathBuf,
    flat: bool,
}

impl NormalizedFiles {
    /// The files themselves.
    pub(super) fn unchanged(path: &Path) -> Self {
        Self { path: path.to_path_buf(), original: path.to_path_buf(), flat: false }
    }

    /// What is to be read.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether nested values of JSON files have become text.
    pub(super) fn is_flat(&self) -> bool {
        self.flat
    }

    /// An error about the copies as one about the files.
    pub(super) fn named(&self, error: Error) -> Error {
        if self.path == self.original {
            return error;
        }
        let [here, there] = [&self.path, &self.original].map(|p| p.display().to_string());
        let message = error.message().replace(&here, &there);
        Error::new(error.code(), message).with_source(error)
    }
}

/// The requests with CSV headers trimmed, if one has spaces around a name.
///
/// # Errors
/// `store.write` if the copy cannot be made.
pub(super) fn headers(requests: &Path, folder: &Path) -> Result<Option<NormalizedFiles>> {
    let spaced = |file: &Path| {
        let header = header(file)?;
        trimmed(header.trim_end_matches(['\r', '\n'])).map(|names| (header.len(), names + "\n"))
    };
    if !files(requests).iter().any(|file| ends_in(file, &["csv"]) && spaced(file).is_some()) {
        return Ok(None);
    }
    let write = |from: &Path, to: &mut dyn Write| {
        let Some((bytes, header)) = spaced(from) else { return Ok(false) };
        let mut file = BufReader::new(File::open(from)?);
        std::io::copy(&mut file.by_ref().take(bytes as u64), &mut std::io::sink())?;
        to.write_all(header.as_bytes())?;
        std::io::copy(&mut file, to).map(|_| true)
    };
    copied(requests, &folder.join("trimmed"), |p| ends_in(p, &["csv"]), write)
        .map(|path| Some(NormalizedFiles { path, original: requests.to_path_buf(), flat: false }))
}

/// A CSV header without the spaces around its names, also within quotes; none if it has none, or goes
/// on in the next line.
fn trimmed(header: &str) -> Option<String> {
    let mut quoted = false;
    let names = header.split(|c| {
        quoted ^= c == '"';
        c == ',' && !quoted
    });
    let trimmed: Vec<String> = names
        .map(|name| match name.trim().strip_prefix('"').and_then(|n| n.strip_suffix('"')) {
            Some(inner) => format!("\"{}\"", inner.trim()),
            None => name.trim().to_owned(),
        })
        .collect();
    let trimmed = trimmed.join(",");
    (!quoted && trimmed != header).then_some(trimmed)
}

/// The requests with every nested value of JSON files as text, if there is one and all is JSON: a
/// wrong value then costs its row, and a profile may be an object in one row and a text in the next.
///
/// # Errors
/// `store.write` if the copy cannot be made.
pub(super) fn nested(requests: &Path, folder: &Path) -> Result<Option<NormalizedFiles>> {
    let files = files(requests);
    if files.is_empty() || !files.iter().all(|file| is_json(file)) {
        return Ok(None);
    }
    let found = files.iter().map(|file| flatten(file, &mut std::io::sink()));
    // The reader of the file reports what is not JSON, and where.
    let Ok(found) = found.collect::<std::io::Result<Vec<bool>>>() else { return Ok(None) };
    if !found.contains(&true) {
        return Ok(None);
    }
    let write = |from: &Path, to: &mut dyn Write| flatten(from, to).map(|_| true);
    copied(requests, &folder.join("flat"), is_json, write)
        .map(|path| Some(NormalizedFiles { path, original: requests.to_path_buf(), flat: true }))
}

/// What is wrong with the text of the first CSV file that has something wrong.
pub(super) fn csv_fault(requests: &Path) -> Option<Error> {
    files(requests).iter().filter(|file| ends_in(file, &["csv"])).find_map(|file| {
        let fault = fault_of_csv(file)?;
        let message = format!("cannot read the requests in {}: {fault}", file.display());
        Some(Error::new(ErrorCode::InputUnreadable, message))
    })
}

fn fault_of_csv(file: &Path) -> Option<String> {
    let mut reader = BufReader::new(File::open(file).ok()?);
    let (mut line, mut fields) = (Vec::new(), Fields::default());
    let (mut wanted, mut begins) = (None, 1);
    for number in 1.. {
        line.clear();
        if reader.read_until(b'\n', &mut line).ok()? == 0 {
            return None;
        }
        if std::str::from_utf8(&line).is_err() {
            return Some(format!("line {number} is not UTF-8; save the file as UTF-8"));
        }
        let Some(count) = fields.read(&line) else { continue };
        // A line without anything is no row.
        if count == 0 {
            begins = number + 1;
            continue;
        }
        let wanted = *wanted.get_or_insert(count);
        if count != wanted {
            let what = if count == 1 { "1 field".to_owned() } else { format!("{count} fields") };
            return Some(format!(
                "line {begins} has {what}, not {wanted} as the header; put a value that holds a comma in quotes"
            ));
        }
        begins = number + 1;
    }
    None
}

/// Counts the fields of records, line by line.
#[derive(Debug, Default)]
struct Fields {
    before: usize,
    quoted: bool,
}

impl Fields {
    /// The fields of the record that ends with `line`, if one does; none of an empty line.
    fn read(&mut self, line: &[u8]) -> Option<usize> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() && !self.quoted && self.before == 0 {
            return Some(0);
        }
        let mut begins = !self.quoted;
        for byte in line {
            match byte {
                // A quote within quotes is two, which end and begin.
                b'"' if self.quoted => self.quoted = false,
                b'"' if begins => self.quoted = true,
                b',' if !self.quoted => self.before += 1,
                _ => {}
            }
            // After a quote that has ended, another one goes on.
            begins = matches!(byte, b',' | b'"') && !self.quoted;
        }
        if self.quoted {
            return None;
        }
        Some(std::mem::take(&mut self.before) + 1)
    }
}

/// The first line of a file, with its end; none of a file that does not look like one with lines.
fn header(file: &Path) -> Option<String> {
    const LONGEST: u64 = 1 << 20;
    let mut line = String::new();
    let read = File::open(file).ok()?.take(LONGEST);
    let bytes = BufReader::new(read).read_line(&mut line).ok()?;
    ((bytes as u64) < LONGEST).then_some(line)
}

/// The requests themselves: the file, or those of the folder in order of name.
pub(super) fn files(requests: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(requests) else { return vec![requests.to_path_buf()] };
    let paths = entries.flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> = paths.filter(|p| p.is_file() && is_request_file(p)).collect();
    files.sort();
    files
}

fn ends_in(file: &Path, endings: &[&str]) -> bool {
    let ending = file.extension().and_then(|e| e.to_str());
    ending.is_some_and(|e| endings.iter().any(|known| e.eq_ignore_ascii_case(known)))
}

fn is_json(file: &Path) -> bool {
    ends_in(file, &["ndjson", "jsonl", "json"])
}

/// Copies of the requests in `folder`: those that `changes` written by `write`, which says whether it
/// wrote, the others as they are.
fn copied(
    requests: &Path,
    folder: &Path,
    changes: impl Fn(&Path) -> bool,
    write: impl Fn(&Path, &mut dyn Write) -> std::io::Result<bool>,
) -> Result<PathBuf> {
    fs::create_dir_all(folder).map_err(|e| cannot_write(folder, e))?;
    for from in files(requests) {
        let to = folder.join(from.file_name().unwrap_or_default());
        let copy = || {
            if changes(&from) {
                let mut sink = BufWriter::new(File::create(&to)?);
                if write(&from, &mut sink)? {
                    return sink.flush();
                }
            }
            fs::copy(&from, &to).map(|_| ())
        };
        copy().map_err(|e| cannot_write(&to, e))?;
    }
    Ok(match requests.is_dir() {
        true => folder.to_path_buf(),
        false => folder.join(requests.file_name().unwrap_or_default()),
    })
}

/// Write the objects of a JSON file one a line with nested values as text; whether there was one.
fn flatten(file: &Path, to: &mut dyn Write) -> std::io::Result<bool> {
    let mut reader = BufReader::new(File::open(file)?);
    let first = reader.fill_buf()?.trim_ascii_start().first().copied();
    let mut found = false;
    if first == Some(b'[') {
        let rows: Vec<Value> = serde_json::from_reader(reader)?;
        for row in rows {
            found |= flatten_row(row, to)?;
        }
        return Ok(found);
    }
    for row in serde_json::Deserializer::from_reader(reader).into_iter::<Value>() {
        found |= flatten_row(row?, to)?;
    }
    Ok(found)
}

fn flatten_row(row: Value, to: &mut dyn Write) -> std::io::Result<bool> {
    let Value::Object(mut row) = row else { return Err(std::io::ErrorKind::InvalidData.into()) };
    let mut found = false;
    for value in row.values_mut().filter(|v| v.is_object() || v.is_array()) {
        *value = Value::String(value.to_string());
        found = true;
    }
    serde_json::to_writer(&mut *to, &row)?;
    to.write_all(b"\n")?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_within_quotes_and_outside() {
        for (header, names) in [
            ("a,b", None),
            ("\"a\",\"b, c\"", None),
            ("a, b ", Some("a,b")),
            ("\" a \",\"b\"", Some("\"a\",\"b\"")),
            ("\"a\" , \" b, \"\"c\"\" \"", Some("\"a\",\"b, \"\"c\"\"\"")),
            ("\"\", \"\"\"\"", Some("\"\",\"\"\"\"")),
            ("5\" , b", None),
            ("\" a", None),
        ] {
            assert_eq!(trimmed(header).as_deref(), names, "{header:?}");
        }
    }

    #[test]
    fn fields_are_counted_as_csv_has_them() {
        for (record, count) in [
            ("a,b\n", 2),
            ("a\r\n", 1),
            ("\n", 0),
            (",,\n", 3),
            ("\"a,b\",c\n", 2),
            ("\"a \"\"x, y\"\", b\",c\n", 2),
            ("\"\",\"\"\n", 2),
            ("5\" disk,b\n", 2),
        ] {
            assert_eq!(Fields::default().read(record.as_bytes()), Some(count), "{record:?}");
        }
        let mut over_lines = Fields::default();
        assert_eq!(over_lines.read(b"a,\"b\n"), None);
        assert_eq!(over_lines.read(b"\n"), None);
        assert_eq!(over_lines.read(b"c\",d\n"), Some(3));
    }
}
