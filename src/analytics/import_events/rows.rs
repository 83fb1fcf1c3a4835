//! Which variant and which day each row is of, and which rows are sums of others.

use std::collections::HashMap;
use std::path::Path;

use super::days::{self, Order};
use super::sheet::Sheet;
use super::{ImportOptions, shapes};
use crate::error::{Error, ErrorCode, Result};

/// What platforms call a row of sums, in the languages that their exports come in.
const TOTALS: [&str; 21] = [
    "total",
    "totals",
    "grand total",
    "overall total",
    "sum",
    "gesamt",
    "gesamtsumme",
    "gesamtergebnis",
    "summe",
    "insgesamt",
    "totale",
    "total général",
    "total general",
    "somme",
    "suma",
    "totaal",
    "razem",
    "toplam",
    "合計",
    "总计",
    "итого",
];

fn is_total_word(text: &str) -> bool {
    let text = text.trim().trim_end_matches(':').to_lowercase();
    TOTALS.contains(&text.as_str())
}

/// Whether a row is the sum of others: by its content, its day, its variant or its first cell, wherever it
/// stands. A title can be anything, and says it only where no content is named.
pub(super) fn is_total(
    sheet: &Sheet,
    row: usize,
    content: Option<usize>,
    day: Option<usize>,
) -> bool {
    let cell = |column: Option<usize>| column.and_then(|c| sheet.cell(row, c));
    let says = |column: Option<usize>| cell(column).is_some_and(is_total_word);
    // No day begins with such a word: `Total (28 days)`.
    let word = cell(day).and_then(|text| text.split([' ', ':', '(']).next());
    let title = title(sheet);
    let first = Some(0).filter(|first| Some(*first) != title);
    let named = content.is_some_and(|c| sheet.cell(row, c).is_some());
    says(content)
        || says(day)
        || word.is_some_and(is_total_word)
        || says(variant(sheet))
        || says(first)
        || (!named && says(title))
}

fn variant(sheet: &Sheet) -> Option<usize> {
    sheet.find(&["variant id"])
}

fn title(sheet: &Sheet) -> Option<usize> {
    sheet.find(&shapes::titles())
}

/// The columns that say what and when a row is of.
pub(super) fn key_columns(sheet: &Sheet, shape: &shapes::Shape) -> Vec<(usize, &'static str)> {
    let keys = [
        (sheet.find(&shape.content), "content_id"),
        (sheet.find(&shape.day), "day"),
        (variant(sheet), "variant_id"),
        (title(sheet), "variant_id, by a tag such as v:0123456789abcdef"),
    ];
    keys.into_iter().filter_map(|(column, what)| Some((column?, what))).collect()
}

/// The variant of each row: by a column, by the map, or by a tag `v:0123456789abcdef` in the title.
///
/// # Errors
/// `input.column` if nothing says it, or if the map has a content twice.
pub(super) fn variants(
    sheet: &Sheet,
    options: &ImportOptions,
    content: Option<usize>,
) -> Result<Vec<Option<String>>> {
    let (own, title) = (variant(sheet), title(sheet));
    let map = options.map.as_deref().map(map).transpose()?;
    if own.is_none() && title.is_none() && (map.is_none() || content.is_none()) {
        let names = options.from.shape().content.join(", ");
        let sentence = format!(
            "nothing says which variants its rows are of: a column variant_id, a title with a tag such as v:0123456789abcdef, or a map, with a content id (a header such as {names})"
        );
        return Err(sheet.about_headers(Error::new(ErrorCode::InputColumn, sentence).about("map")));
    }
    let of = |row: usize| {
        let own = own.and_then(|c| sheet.cell(row, c)).map(str::to_owned);
        let mapped = || map.as_ref()?.get(sheet.cell(row, content?)?).cloned();
        let tagged = || tag(sheet.cell(row, title?)?).map(str::to_owned);
        own.or_else(mapped).or_else(tagged)
    };
    Ok((0..sheet.rows.num_rows()).map(of).collect())
}

fn map(path: &Path) -> Result<HashMap<String, String>> {
    let sheet = Sheet::read(path)?;
    let (Some(content), Some(variant)) = (sheet.find(&["content id"]), sheet.find(&["variant id"]))
    else {
        return Err(sheet.misfit("a map needs the headers content_id and variant_id"));
    };
    let mut map = HashMap::new();
    for row in 0..sheet.rows.num_rows() {
        let (Some(id), Some(variant)) = (sheet.cell(row, content), sheet.cell(row, variant)) else {
            continue;
        };
        if map.insert(id.to_owned(), variant.to_owned()).is_some() {
            let what = "in the map already; a content is of one variant";
            return Err(sheet.says(row, content, what, None));
        }
    }
    Ok(map)
}

/// The 16 hexadecimal digits behind `v:`.
fn tag(title: &str) -> Option<&str> {
    let candidates = title.match_indices("v:").filter_map(|(at, _)| title.get(at + 2..at + 18));
    candidates
        .into_iter()
        .find(|id| id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)))
}

fn is_written_day(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

/// The day of each row, and a sentence if their order was guessed.
///
/// # Errors
/// `input.column` if the rows have none, or one that is none.
pub(super) fn days(
    sheet: &Sheet,
    options: &ImportOptions,
    headers: &[&str],
    is_total: impl Fn(usize) -> bool,
) -> Result<(Vec<Option<i32>>, Option<String>)> {
    let day = options.day.as_deref().map(|text| {
        days::parse(text, Order::MonthFirst).ok_or_else(|| {
            Error::setting("day", format!("is {text:?}; give a day such as 2026-05-01"))
        })
    });
    let given = day.transpose()?;
    let rows = 0..sheet.rows.num_rows();
    let Some(column) = sheet.find(headers) else {
        return match given {
            Some(day) => Ok((rows.map(|_| Some(day)).collect(), None)),
            None => {
                let sentence = format!(
                    "it has no dates (a header such as {}); add them to the export, or set day to the day of all its figures",
                    headers.join(", ")
                );
                Err(sheet.about_headers(Error::new(ErrorCode::InputColumn, sentence).about("day")))
            }
        };
    };
    let texts = || rows.clone().filter_map(|row| sheet.cell(row, column));
    let order = days::order(texts()).ok_or_else(|| {
        sheet.misfit("its days are written with the day first and with the month first")
    })?;
    let guessed = days::guessed(texts()).map(|text| {
        format!("no day says whether the month or the day comes first; {text} was read month first")
    });
    let day = |row: usize| match sheet.cell(row, column) {
        None => Ok(given),
        // Words such as "Lifetime" are of the stated day; what begins as a day and is none is an error.
        Some(text) => match days::parse(text, order).or(given.filter(|_| !is_written_day(text))) {
            Some(day) => Ok(Some(day)),
            None if is_total(row) => Ok(None),
            None => {
                // With a stated day only what begins as a date comes here.
                let (what, setting) = match given {
                    None => ("no date; set day to the day of all such figures", Some("day")),
                    Some(_) => ("no date; write dates such as 2026-05-01, or leave it empty", None),
                };
                Err(sheet.says(row, column, what, setting))
            }
        },
    };
    Ok((rows.clone().map(day).collect::<Result<_>>()?, guessed))
}
