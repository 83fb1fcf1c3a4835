//! The figures of an export: what each column becomes, and its cells in the units of events.

use std::collections::BTreeMap;

use super::numbers::{self, NoNumber, Scale, Signs};
use super::shapes::{Figure, Reading};
use super::sheet::Sheet;
use crate::error::{Error, Result};

/// The columns that are read, views first.
pub(super) type Columns = Vec<(usize, &'static Reading)>;

/// The figures of the rows `kept`, by name.
pub(super) type Figures = BTreeMap<&'static str, Vec<Option<f64>>>;

/// Read the figures of the rows `kept`. A cell that is no number, or could be two, is unknown here and is put
/// into `bad` by its row, the first of each row.
///
/// # Errors
/// `input.column` if a column of shares could be fractions or per cent.
pub(super) fn read(
    sheet: &Sheet,
    columns: &Columns,
    kept: &[usize],
    stated: Option<numbers::DecimalSign>,
    bad: &mut BTreeMap<usize, Error>,
) -> Result<Figures> {
    let signs = signs(sheet, columns, kept, stated);
    let mut figures = Figures::new();
    for (column, reading) in columns {
        let scale = match reading.of {
            Figure::ShareOfViews => scale(sheet, *column, kept, signs)?,
            _ => Scale::PerCent,
        };
        let mut cell = |(at, row): (usize, &usize)| {
            let text = known(sheet, *row, *column)?;
            let views = || figures.get("views").and_then(|v| v.get(at).copied().flatten());
            let number = match reading.of {
                Figure::Count => numbers::count(text).map(Some),
                Figure::Times(factor) => numbers::number(text, signs).map(|n| Some(n * factor)),
                // Of unknown views no share can be told.
                Figure::ShareOfViews => {
                    numbers::share(text, scale, signs).map(|share| Some(share * views()?))
                }
                Figure::SecondsOfView => {
                    numbers::seconds(text, signs).map(|seconds| Some(seconds * views()?))
                }
            };
            number.unwrap_or_else(|wrong: NoNumber| {
                let error = || sheet.says(*row, *column, wrong.why(), wrong.setting());
                bad.entry(*row).or_insert_with(error);
                None
            })
        };
        let cells = kept.iter().enumerate().map(&mut cell).collect::<Vec<_>>();
        // The first header that says it directly wins over one it must be worked out from.
        figures.entry(reading.figure).or_insert(cells);
    }
    Ok(figures)
}

fn known(sheet: &Sheet, row: usize, column: usize) -> Option<&str> {
    sheet.cell(row, column).filter(|text| !numbers::is_missing(text))
}

/// The decimal sign as stated, else as the file's numbers show it.
fn signs(
    sheet: &Sheet,
    columns: &Columns,
    kept: &[usize],
    stated: Option<numbers::DecimalSign>,
) -> Signs {
    if let Some(sign) = stated {
        return Signs::stated(sign);
    }
    let mut signs = Signs::default();
    for (column, reading) in columns {
        let texts = kept.iter().filter_map(|row| known(sheet, *row, *column));
        for part in texts.flat_map(|text| text.split(':')) {
            signs.note(part, reading.of == Figure::Count);
        }
    }
    signs
}

/// How a column writes shares: by its header, else by what it holds.
fn scale(sheet: &Sheet, column: usize, kept: &[usize], signs: Signs) -> Result<Scale> {
    let header = sheet.headers.get(column).map_or("", String::as_str).to_lowercase();
    if ["%", "percent", "per cent"].iter().any(|word| header.contains(word)) {
        return Ok(Scale::PerCent);
    }
    let bare = || {
        let cells = kept.iter().filter_map(|row| Some((*row, known(sheet, *row, column)?)));
        cells.filter(|(_, text)| !text.contains('%'))
    };
    let number = |text: &str| numbers::number(text, signs).unwrap_or_default();
    if bare().all(|(_, text)| number(text) <= 1.0) {
        return Ok(Scale::Fractions);
    }
    // 0.352 beside 35.2 is the same share in another form, or a hundredth of it.
    let is_either = |text: &str| (f64::MIN_POSITIVE..=1.0).contains(&number(text));
    match bare().find(|(_, text)| is_either(text)) {
        None => Ok(Scale::PerCent),
        Some((row, _)) => Err(sheet.says(
            row,
            column,
            "a fraction or a per cent: other rows of the column are above 1; write all of them with a %",
            None,
        )),
    }
}
