//! Rows of text whose columns something else than commas separates.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use csv::{ByteRecord, ReaderBuilder, WriterBuilder};

use super::Numbers;
use super::numbers::DecimalCommas;
use crate::error::{Error, Result};
use crate::store::cannot_write;

/// Rows that the separator is found from.
const ROWS: usize = 100;

/// What may separate columns, the likeliest first.
const SEPARATORS: [(u8, &str); 4] =
    [(b',', "commas"), (b';', "semicolons"), (b'\t', "tabs"), (b'|', "vertical bars")];

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    pub(super) separator: u8,
    /// Whether a first line `sep=;` says it, as Excel writes it. It is no row.
    is_said: bool,
    /// Whether several columns were found.
    pub(super) is_table: bool,
}

impl Dialect {
    /// By the first rows of a file.
    pub(super) fn of(text: &str, ending: &str) -> Self {
        let first = text.lines().next().unwrap_or_default().trim();
        if let Some([separator]) = first.strip_prefix("sep=").map(str::as_bytes) {
            return Self { separator: *separator, is_said: true, is_table: true };
        }
        let found = |separator: u8| columns(text, separator);
        // A comma that makes columns is one, whatever stands in the cells.
        let commas = found(b',');
        let others =
            SEPARATORS.iter().skip(1).map(|(separator, _)| (*separator, found(*separator)));
        let best = others.filter(|(_, n)| *n > 1).max_by_key(|(_, n)| *n);
        let is_tabs = ["tsv", "tab"].contains(&ending);
        let separator = match best {
            Some((separator, n)) if n > commas || (is_tabs && separator == b'\t') => separator,
            _ if is_tabs && commas <= 1 => b'\t',
            _ => b',',
        };
        let is_table = commas > 1 || best.is_some();
        Self { separator, is_said: false, is_table }
    }

    /// Whether a reader of CSV with commas reads the same rows.
    pub(super) fn is_plain(&self) -> bool {
        self.separator == b',' && !self.is_said
    }

    pub(super) fn said(&self) -> Option<String> {
        let name = SEPARATORS.iter().find(|(s, _)| *s == self.separator).map(|(_, name)| *name);
        (self.separator != b',')
            .then(|| format!("its columns are separated by {}", name.unwrap_or("another sign")))
    }
}

/// How many columns a separator makes; 1 if the rows do not agree.
fn columns(text: &str, separator: u8) -> usize {
    let mut rows = ReaderBuilder::new()
        .delimiter(separator)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut record = ByteRecord::new();
    let mut header = None;
    let (mut same, mut other) = (0, 0);
    for _ in 0..ROWS {
        match rows.read_byte_record(&mut record) {
            Ok(true) => {}
            _ => break,
        }
        let n = record.len();
        match header {
            None => header = Some(n),
            Some(first) if first == n => same += 1,
            Some(_) => other += 1,
        }
    }
    // The last row may be cut, and a row or two may be ragged.
    if other > 1 + same / 4 { 1 } else { header.unwrap_or(1) }
}

/// Write the rows of `from` to `path` with commas, and numbers with decimal points; what was guessed of them.
pub(super) fn to_csv(
    from: &Path,
    dialect: &Dialect,
    path: &Path,
    kept: Numbers,
    fault: &dyn Fn(String) -> Error,
) -> Result<Vec<String>> {
    let mut numbers = DecimalCommas::default();
    // With commas between columns, a comma within a number is a sign that the reader asks about.
    if dialect.separator != b',' && kept == Numbers::WithPoints {
        each(from, dialect, fault, |row, record| {
            if row > 0 {
                numbers.look(record);
            }
            Ok(())
        })?;
    }
    let mut writer = WriterBuilder::new()
        .flexible(true)
        .from_path(path)
        .map_err(|e| cannot_write(path, e.into()))?;
    let mut header = vec![];
    each(from, dialect, fault, |row, record| {
        if row == 0 {
            header = record.iter().map(|n| String::from_utf8_lossy(n).into_owned()).collect();
            return writer.write_byte_record(record).map_err(|e| cannot_write(path, e.into()));
        }
        numbers.write(record, &mut writer).map_err(|e| cannot_write(path, e.into()))
    })?;
    writer.flush().map_err(|e| cannot_write(path, e))?;
    Ok(numbers.said(&header).into_iter().collect())
}

fn each(
    from: &Path,
    dialect: &Dialect,
    fault: &dyn Fn(String) -> Error,
    mut row: impl FnMut(usize, &ByteRecord) -> Result<()>,
) -> Result<()> {
    let mut file = File::open(from).map_err(|e| fault(e.to_string()))?;
    if dialect.is_said {
        skip_line(&mut file).map_err(|e| fault(e.to_string()))?;
    }
    let mut reader = ReaderBuilder::new()
        .delimiter(dialect.separator)
        .has_headers(false)
        .flexible(true)
        .from_reader(BufReader::new(file));
    let mut record = ByteRecord::new();
    let mut number = 0;
    while reader.read_byte_record(&mut record).map_err(|e| fault(e.to_string()))? {
        row(number, &record)?;
        number += 1;
    }
    Ok(())
}

fn skip_line(file: &mut File) -> std::io::Result<()> {
    let mut head = [0; 16];
    let read = file.read(&mut head)?;
    let line = head.iter().take(read).position(|b| *b == b'\n').map_or(read, |at| at + 1);
    file.seek(SeekFrom::Start(line as u64)).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_are_found_from_the_rows() {
        let of = |text: &str, ending: &str| char::from(Dialect::of(text, ending).separator);
        assert_eq!(of("a;b;c\n1,5;2;3\n", "csv"), ';');
        assert_eq!(of("a\tb\n1\t2\n", "csv"), '\t');
        assert_eq!(of("a|b\n1|2\n", "txt"), '|');
        assert_eq!(of("a,b\n1;2,3;4\n", "csv"), ',');
        assert_eq!(of("source_url\nhttps://a.b/c?d=1;e=2\n", "csv"), ',');
        assert_eq!(of("a,b\tc\n1,2\t3\n", "tsv"), '\t');
        assert_eq!(of("sep=|\na|b\n", "csv"), '|');
        assert_eq!(of("\"a;b\",c\n1,2\n", "csv"), ',');
    }
}
