//! Numbers with decimal commas: `7,5`, `1.234,5`.

use std::collections::BTreeMap;
use std::io::Write;

use csv::{ByteRecord, Writer};

use crate::kernels::frame_timecode::FrameTimecode;
use crate::kernels::timecode::seconds;

/// Columns in which every cell is such a number, in a file that has decimal commas.
#[derive(Debug, Default)]
pub(super) struct DecimalCommas {
    columns: BTreeMap<usize, Seen>,
    /// Whether a number has a decimal point: then points do not part thousands.
    points: bool,
}

/// What the cells of a column are.
#[derive(Debug, Clone, Copy)]
struct Seen {
    all: bool,
    commas: bool,
    thousands: bool,
}

impl DecimalCommas {
    /// Look at the cells of a row.
    pub(super) fn look(&mut self, row: &ByteRecord) {
        for (column, cell) in row.iter().enumerate() {
            let cell = cell.trim_ascii();
            // Times such as 1:05 stand among numbers of seconds.
            if cell.is_empty() || is_time(cell) {
                continue;
            }
            let seen = self.columns.entry(column).or_insert(Seen {
                all: true,
                commas: false,
                thousands: false,
            });
            let is_number = with_point(cell).is_some();
            seen.all &= is_number;
            seen.commas |= cell.contains(&b',');
            seen.thousands |= cell.contains(&b'.');
            let number = || std::str::from_utf8(cell).ok()?.parse::<f64>().ok();
            self.points |= !is_number && cell.contains(&b'.') && number().is_some();
        }
    }

    fn has(&self, column: usize) -> bool {
        let is_comma = |seen: &Seen| seen.all && seen.commas;
        self.columns.get(&column).is_some_and(|seen| {
            let is_parted = seen.all && seen.thousands && !self.points;
            is_comma(seen) || (is_parted && self.columns.values().any(is_comma))
        })
    }

    /// Write a row, its numbers with decimal points.
    pub(super) fn write<W: Write>(
        &self,
        row: &ByteRecord,
        writer: &mut Writer<W>,
    ) -> csv::Result<()> {
        let cell = |(column, cell): (usize, &[u8])| match self.has(column) {
            true => with_point(cell.trim_ascii()).unwrap_or_else(|| cell.to_vec()),
            false => cell.to_vec(),
        };
        let row: ByteRecord = row.iter().enumerate().map(cell).collect();
        writer.write_byte_record(&row)
    }

    /// Which columns, as the end of a sentence.
    pub(super) fn said(&self, header: &[String]) -> Option<String> {
        let name = |column: &usize| header.get(*column).map(|name| name.trim().to_owned());
        let names: Vec<String> =
            self.columns.keys().filter(|c| self.has(**c)).filter_map(name).collect();
        let list = names.join(", ");
        (!names.is_empty()).then(|| format!("the numbers of {list} have decimal commas"))
    }
}

fn is_time(cell: &[u8]) -> bool {
    let text = std::str::from_utf8(cell).ok().filter(|text| text.contains(':'));
    text.is_some_and(|text| seconds(text).is_some() || FrameTimecode::parse(text).is_some())
}

/// A number with a decimal comma and points between thousands, with a decimal point; none if it is no such number.
fn with_point(cell: &[u8]) -> Option<Vec<u8>> {
    let (sign, digits) = match cell {
        [sign @ (b'-' | b'+'), rest @ ..] => (Some(*sign), rest),
        rest => (None, rest),
    };
    let comma = digits.iter().position(|b| *b == b',');
    let (whole, decimals) = match comma {
        Some(at) => (digits.get(..at)?, Some(digits.get(at + 1..)?)),
        None => (digits, None),
    };
    let groups: Vec<&[u8]> = whole.split(|b| *b == b'.').collect();
    let is_number = |digits: &[u8]| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let is_grouped = groups.len() == 1
        || (groups.first().is_some_and(|first| first.len() <= 3)
            && groups.iter().skip(1).all(|group| group.len() == 3));
    if !is_grouped || !groups.iter().all(|g| is_number(g)) || !decimals.is_none_or(is_number) {
        return None;
    }
    let mut number: Vec<u8> = sign.into_iter().chain(groups.concat()).collect();
    if let Some(decimals) = decimals {
        number.push(b'.');
        number.extend(decimals);
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn decimal_commas_become_points() {
        let of = |cell: &str| with_point(cell.as_bytes()).map(|n| String::from_utf8(n).unwrap());
        for (cell, number) in [
            ("7,5", Some("7.5")),
            ("-1.234,50", Some("-1234.50")),
            ("12", Some("12")),
            ("1.5", None),
            ("1,5,2", None),
            ("a", None),
            ("1,", None),
            (",5", None),
        ] {
            assert_eq!(of(cell).as_deref(), number, "{cell}");
        }
    }

    #[test]
    fn columns_of_other_text_stay_as_they_are() {
        let mut found = DecimalCommas::default();
        for row in [["7,5", "1,2", "3"], ["8", "see 3", "4"]] {
            found.look(&ByteRecord::from(row.to_vec()));
        }
        assert_eq!((found.has(0), found.has(1), found.has(2)), (true, false, false));
        let mut found = DecimalCommas::default();
        for row in [["7,5", "1:05"], ["0:01:02,5", "2"], ["0:00:01:12", "1:06"]] {
            found.look(&ByteRecord::from(row.to_vec()));
        }
        assert_eq!((found.has(0), found.has(1)), (true, false));
        // A point parts thousands where commas are before decimals.
        let mut found = DecimalCommas::default();
        found.look(&ByteRecord::from(vec!["7,5", "1.234", "1.2.3"]));
        assert_eq!((found.has(0), found.has(1), found.has(2)), (true, true, false));
        found.look(&ByteRecord::from(vec!["7,5", "1.234", "1.5"]));
        assert_eq!((found.has(0), found.has(1)), (true, false));
    }
}
