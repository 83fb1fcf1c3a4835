//! Workbooks of Excel and LibreOffice: their first sheet that has rows.

use std::fs::File;
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use calamine::{Data, ExcelDateTime, Reader, SheetVisible, Sheets, open_workbook_auto_from_rs};
use csv::WriterBuilder;

use super::PlainFile;
use crate::error::{Error, Result};
use crate::store::cannot_write;

/// Size of the largest workbook that is read, which lies in memory as a whole: 64 MiB.
const MOST_BYTES: u64 = 1 << 26;

/// Cells of a sheet that has no limit of its own in the file: 32 million.
const MOST_CELLS: u64 = 1 << 25;

/// By the first bytes of a file: a ZIP archive, or the container of Excel before 2007.
pub(super) fn is_workbook(magic: &[u8]) -> bool {
    magic.starts_with(b"PK\x03\x04") || magic.starts_with(&[0xd0, 0xcf, 0x11, 0xe0])
}

type Workbook = Sheets<Cursor<Arc<[u8]>>>;

/// Write the first sheet that has rows as CSV: its first row that has cells is the header.
pub(super) fn to_csv(
    path: &Path,
    name: &str,
    folder: &Path,
    fault: &dyn Fn(String) -> Error,
) -> Result<PlainFile> {
    let bytes = std::fs::metadata(path).map_err(|e| fault(e.to_string()))?.len();
    if bytes > MOST_BYTES {
        let most = MOST_BYTES >> 20;
        return Err(fault(format!(
            "workbooks of more than {most} MiB are not read; save it as CSV"
        )));
    }
    let bytes: Arc<[u8]> = std::fs::read(path).map_err(|e| fault(e.to_string()))?.into();
    let mut workbook: Workbook = open_workbook_auto_from_rs(Cursor::new(bytes))
        .map_err(|e| fault(format!("it is no workbook that can be read: {e}")))?;
    let sheets = workbook.sheets_metadata().iter();
    let visible = sheets.filter(|s| s.visible == SheetVisible::Visible).map(|s| s.name.clone());
    let names: Vec<String> = visible.collect();
    let to = folder.join("rows.csv");
    for (n, sheet) in names.iter().enumerate() {
        if write_sheet(&mut workbook, sheet, &to, fault)? == 0 {
            continue;
        }
        let others: Vec<&str> =
            names.iter().enumerate().filter(|(i, _)| *i != n).map(|(_, n)| n.as_str()).collect();
        let guessed = match others.as_slice() {
            [] => vec![],
            others => vec![format!(
                "the sheet {sheet} was read and others were left out ({})",
                others.join(", ")
            )],
        };
        return Ok(PlainFile { path: to, guessed });
    }
    Err(fault(format!("no sheet of the workbook {name} has rows")))
}

/// Write the cells of a sheet; how many rows there were.
fn write_sheet(
    workbook: &mut Workbook,
    sheet: &str,
    to: &Path,
    fault: &dyn Fn(String) -> Error,
) -> Result<usize> {
    let mut rows = Rows::new(to)?;
    let broken = |e: &dyn std::fmt::Display| fault(format!("the sheet {sheet}: {e}"));
    if let Sheets::Xlsx(workbook) = workbook {
        // Cell by cell: one that stands far off would ask for memory for all those before it.
        let mut cells = workbook.worksheet_cells_reader(sheet).map_err(|e| broken(&e))?;
        while let Some(cell) = cells.next_cell().map_err(|e| broken(&e))? {
            rows.put(cell.get_position(), &Data::from(cell.get_value().clone()))?;
        }
    } else {
        let range = workbook.worksheet_range(sheet).map_err(|e| broken(&e))?;
        let (height, width) = range.get_size();
        if (height as u64).saturating_mul(width as u64) > MOST_CELLS {
            return Err(broken(&"it has too many cells; save it as CSV"));
        }
        for (row, column, value) in range.used_cells() {
            rows.put((row as u32, column as u32), value)?;
        }
    }
    rows.finish()
}

/// Rows that are written as their cells come.
struct Rows<'a> {
    to: &'a Path,
    writer: csv::Writer<File>,
    at: u32,
    row: Vec<String>,
    /// Cells of the header.
    width: usize,
    written: usize,
}

impl<'a> Rows<'a> {
    fn new(to: &'a Path) -> Result<Self> {
        let writer = WriterBuilder::new().flexible(true).from_path(to);
        let writer = writer.map_err(|e| cannot_write(to, e.into()))?;
        Ok(Self { to, writer, at: 0, row: vec![], width: 0, written: 0 })
    }

    fn put(&mut self, (row, column): (u32, u32), value: &Data) -> Result<()> {
        let text = text(value);
        if text.is_empty() {
            return Ok(());
        }
        if row != self.at {
            self.end_row()?;
            self.at = row;
        }
        let column = column as usize;
        if self.row.len() <= column {
            self.row.resize(column + 1, String::new());
        }
        if let Some(cell) = self.row.get_mut(column) {
            *cell = text;
        }
        Ok(())
    }

    fn end_row(&mut self) -> Result<()> {
        if self.row.is_empty() {
            return Ok(());
        }
        if self.written == 0 {
            self.width = self.row.len();
        }
        self.row.resize(self.row.len().max(self.width), String::new());
        self.writer.write_record(&self.row).map_err(|e| cannot_write(self.to, e.into()))?;
        self.row.clear();
        self.written += 1;
        Ok(())
    }

    fn finish(mut self) -> Result<usize> {
        self.end_row()?;
        self.writer.flush().map_err(|e| cannot_write(self.to, e))?;
        Ok(self.written)
    }
}

/// A cell as CSV has it: days and times as ISO has them, whole numbers without decimals.
fn text(value: &Data) -> String {
    match value {
        Data::Int(number) => number.to_string(),
        // Spreadsheets know no whole numbers.
        Data::Float(number) if number.fract() == 0.0 && number.abs() < 9e15 => {
            format!("{number:.0}")
        }
        Data::Float(number) => number.to_string(),
        Data::String(text) => text.trim().to_owned(),
        Data::Bool(truth) => truth.to_string(),
        Data::DateTime(time) => moment(time),
        Data::DateTimeIso(text) => text.clone(),
        Data::DurationIso(text) => iso_duration(text).unwrap_or_else(|| text.clone()),
        // A formula that failed has no value.
        Data::Error(_) | Data::Empty => String::new(),
    }
}

fn moment(time: &ExcelDateTime) -> String {
    let days = time.as_f64();
    if time.is_duration() || (0.0..1.0).contains(&days) {
        return timecode(days * 86_400.0);
    }
    let (year, month, day, hour, minute, second, milli) = time.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    match (hour, minute, second, milli) {
        (0, 0, 0, 0) => date,
        (_, _, _, 0) => format!("{date}T{hour:02}:{minute:02}:{second:02}"),
        _ => format!("{date}T{hour:02}:{minute:02}:{second:02}.{milli:03}"),
    }
}

/// Seconds as `H:MM:SS`, with milliseconds where there are some.
fn timecode(seconds: f64) -> String {
    let millis = (seconds * 1000.0).round() as i64;
    let (sign, millis) = (if millis < 0 { "-" } else { "" }, millis.abs());
    let (hours, minutes) = (millis / 3_600_000, millis / 60_000 % 60);
    let (seconds, millis) = (millis / 1000 % 60, millis % 1000);
    let tail = if millis == 0 { String::new() } else { format!(".{millis:03}") };
    format!("{sign}{hours}:{minutes:02}:{seconds:02}{tail}")
}

/// `PT1H2M3.5S` as a timecode.
fn iso_duration(text: &str) -> Option<String> {
    let mut rest = text.strip_prefix("PT")?;
    let mut seconds = 0.0;
    for (unit, factor) in [('H', 3600.0), ('M', 60.0), ('S', 1.0)] {
        if let Some((number, after)) = rest.split_once(unit) {
            seconds += number.replace(',', ".").parse::<f64>().ok()? * factor;
            rest = after;
        }
    }
    rest.is_empty().then(|| timecode(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_written_as_csv_has_them() {
        assert_eq!(text(&Data::Float(12.0)), "12");
        assert_eq!(text(&Data::Float(7.5)), "7.5");
        assert_eq!(text(&Data::DurationIso("PT01H02M03S".to_owned())), "1:02:03");
        assert_eq!(text(&Data::DurationIso("PT0M7.5S".to_owned())), "0:00:07.500");
        assert_eq!(timecode(86_400.0 * 0.5), "12:00:00");
    }
}
