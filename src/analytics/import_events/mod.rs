//! Platforms' own exports as `events`: daily aggregates, one row a variant and day.

mod days;
mod numbers;
mod shapes;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray,
};
use arrow::compute::{cast, concat_batches};
use arrow::csv::ReaderBuilder;
use arrow::csv::reader::Format;
use arrow::datatypes::{DataType, Date32Type, Field, Schema};

pub use shapes::Export;
use shapes::{Figure, Reading};

use crate::error::{Error, ErrorCode, Result};
use crate::model::event::daily_fields;

/// What is imported.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// Whose export it is.
    pub from: Export,
    /// The export.
    pub file: PathBuf,
    /// A CSV file with the columns `content_id` and `variant_id`.
    pub map: Option<PathBuf>,
    /// The day (ISO) of figures that are not given by day.
    pub day: Option<String>,
}

/// An export in the columns of [`daily_fields`], and `content_id`.
#[derive(Debug)]
pub struct Imported {
    batch: RecordBatch,
    /// Remarks for the user: rows that were left out, and why.
    pub notices: Vec<String>,
}

impl Imported {
    /// The rows.
    pub fn batch(&self) -> &RecordBatch {
        &self.batch
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.batch.num_rows()
    }

    /// How many variants they are of.
    pub fn variants(&self) -> usize {
        self.batch.column(0).as_string::<i32>().iter().flatten().collect::<HashSet<_>>().len()
    }
}

/// A CSV file, every cell a text.
struct Sheet {
    path: PathBuf,
    headers: Vec<String>,
    rows: RecordBatch,
}

impl Sheet {
    fn read(path: &Path) -> Result<Self> {
        let fault = |cause: String| {
            Error::new(
                ErrorCode::InputUnreadable,
                format!("cannot read {} ({cause}); give the export as CSV", path.display()),
            )
        };
        let mut text = String::new();
        let open = File::open(path).map_err(|e| fault(e.to_string()))?;
        BufReader::new(open).read_to_string(&mut text).map_err(|e| fault(e.to_string()))?;
        let text = text.trim_start_matches('\u{feff}').as_bytes();
        let format = Format::default().with_header(true);
        let (schema, _) = format.infer_schema(text, Some(0)).map_err(|e| fault(e.to_string()))?;
        let headers: Vec<String> = schema.fields().iter().map(|f| f.name().clone()).collect();
        let texts = (0..headers.len()).map(|i| Field::new(format!("c{i}"), DataType::Utf8, true));
        let texts = Arc::new(Schema::new(texts.collect::<Vec<_>>()));
        let reader = ReaderBuilder::new(Arc::clone(&texts)).with_header(true).build(text);
        let batches = reader.and_then(|r| r.collect::<std::result::Result<Vec<_>, _>>());
        let batches = batches.map_err(|e| fault(e.to_string()))?;
        let rows = concat_batches(&texts, &batches).map_err(|e| fault(e.to_string()))?;
        Ok(Self { path: path.to_path_buf(), headers, rows })
    }

    /// The column with one of those headers, however they are written.
    fn find(&self, names: &[&str]) -> Option<usize> {
        let plain: Vec<String> = self.headers.iter().map(|h| shapes::plain(h)).collect();
        names.iter().find_map(|name| plain.iter().position(|header| header == name))
    }

    /// The text in a cell; none if it is empty.
    fn cell(&self, row: usize, column: usize) -> Option<&str> {
        let column = self.rows.column(column).as_string::<i32>();
        let text = column.is_valid(row).then(|| column.value(row).trim());
        text.filter(|text| !text.is_empty())
    }

    fn misfit(&self, sentence: &str) -> Error {
        self.about_headers(Error::new(ErrorCode::InputColumn, sentence))
    }

    /// `error` with the file and its headers.
    fn about_headers(&self, error: Error) -> Error {
        let headers = format!("; its headers are: {}", self.headers.join(", "));
        error.framed(format_args!("{}: ", self.path.display()), headers)
    }

    fn wrong(&self, row: usize, column: usize, what: Error) -> Error {
        let header = self.headers.get(column).map_or("", String::as_str);
        let text = self.cell(row, column).unwrap_or_default();
        let cell =
            format!("{}: {header} of row {} is {text:?}, which is ", self.path.display(), row + 1);
        what.framed(cell, "")
    }
}

/// Read an export.
///
/// # Errors
/// `input.unreadable`; `input.column` naming the headers that are missing or the cell that does not fit.
pub fn import_events(options: &ImportOptions) -> Result<Imported> {
    let sheet = Sheet::read(&options.file)?;
    let shape = options.from.shape();
    let readings = shape.readings();
    let figures: Vec<(usize, &Reading)> =
        readings.iter().filter_map(|r| Some((sheet.find(r.headers)?, r))).collect();
    if !figures.iter().any(|(_, r)| r.figure == "views") {
        let names = readings.iter().find(|r| r.figure == "views").map_or(&[][..], |r| r.headers);
        let sentence = format!(
            "it has no views (a header such as {}) and so is no export of {}",
            names.join(", "),
            options.from.as_str()
        );
        return Err(sheet.misfit(&sentence));
    }
    let content = sheet.find(shape.content);
    let variants = variants(&sheet, options, content)?;
    let days = days(&sheet, options, shape.day)?;
    let is_total = |row: usize| {
        let id = content.and_then(|c| sheet.cell(row, c));
        id.is_some_and(|id| id.eq_ignore_ascii_case("total"))
    };
    let all = (0..sheet.rows.num_rows()).filter(|row| !is_total(*row));
    let (kept, lost): (Vec<usize>, Vec<usize>) =
        all.partition(|row| variants.get(*row).is_some_and(Option::is_some));
    let mut values: BTreeMap<&str, Vec<Option<f64>>> = BTreeMap::new();
    for (column, reading) in &figures {
        let read = kept.iter().map(|row| read(&sheet, *row, *column, reading, &values, &kept));
        let read = read.collect::<Result<Vec<_>>>()?;
        // The first header that says it directly wins over one it must be worked out from.
        values.entry(reading.figure).or_insert(read);
    }
    let batch = batch(&sheet, options.from, (&kept, &variants, &days, content), &values)?;
    let mut notices = vec![];
    if !lost.is_empty() {
        let example = lost.first().and_then(|row| sheet.cell(*row, content?)).unwrap_or("no id");
        notices.push(format!(
            "{} rows are of no known variant and were left out, the first of content {example}; add it to the map",
            lost.len()
        ));
    }
    Ok(Imported { batch, notices })
}

/// The variant of each row: by a column, by the map, or by a tag `v:0123456789abcdef` in the title.
fn variants(
    sheet: &Sheet,
    options: &ImportOptions,
    content: Option<usize>,
) -> Result<Vec<Option<String>>> {
    let own = sheet.find(&["variant id"]);
    let title = sheet.find(&["video title", "title", "description", "caption"]);
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
    let pair =
        |row| Some((sheet.cell(row, content)?.to_owned(), sheet.cell(row, variant)?.to_owned()));
    Ok((0..sheet.rows.num_rows()).filter_map(pair).collect())
}

/// The 16 hexadecimal digits behind `v:`.
fn tag(title: &str) -> Option<&str> {
    let candidates = title.match_indices("v:").filter_map(|(at, _)| title.get(at + 2..at + 18));
    candidates
        .into_iter()
        .find(|id| id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)))
}

/// The day of each row.
fn days(sheet: &Sheet, options: &ImportOptions, headers: &[&str]) -> Result<Vec<Option<i32>>> {
    let day = options.day.as_deref().map(|text| {
        days::parse(text, days::Order::MonthFirst).ok_or_else(|| {
            Error::setting("day", format!("is {text:?}; give a day such as 2026-05-01"))
        })
    });
    let given = day.transpose()?;
    let rows = 0..sheet.rows.num_rows();
    let Some(column) = sheet.find(headers) else {
        return match given {
            Some(day) => Ok(rows.map(|_| Some(day)).collect()),
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
    rows.clone()
        .map(|row| match sheet.cell(row, column) {
            None => Ok(given),
            Some(text) => match days::parse(text, order).or(given) {
                Some(day) => Ok(Some(day)),
                None if text.eq_ignore_ascii_case("total") => Ok(None),
                None => {
                    let sentence = "no date; set day to the day of all such figures";
                    let what = Error::new(ErrorCode::InputColumn, sentence).about("day");
                    Err(sheet.wrong(row, column, what))
                }
            },
        })
        .collect()
}

/// A figure of a row.
fn read(
    sheet: &Sheet,
    row: usize,
    column: usize,
    reading: &Reading,
    values: &BTreeMap<&str, Vec<Option<f64>>>,
    kept: &[usize],
) -> Result<Option<f64>> {
    let Some(text) = sheet.cell(row, column).filter(|t| !numbers::is_missing(t)) else {
        return Ok(None);
    };
    let views = || {
        let at = kept.iter().position(|r| *r == row)?;
        values.get("views")?.get(at).copied().flatten()
    };
    let number = match reading.of {
        Figure::Count => numbers::count(text),
        Figure::Times(factor) => numbers::number(text).map(|n| n * factor),
        Figure::ShareOfViews => {
            numbers::share(text).map(|share| share * views().unwrap_or(f64::NAN))
        }
        Figure::SecondsOfView => numbers::seconds(text).map(|s| s * views().unwrap_or(f64::NAN)),
    };
    match number {
        // Of unknown views no share can be told.
        Some(number) if number.is_nan() => Ok(None),
        Some(number) => Ok(Some(number)),
        None => {
            let what = Error::new(ErrorCode::InputColumn, "no number");
            Err(sheet.wrong(row, column, what))
        }
    }
}

type Rows<'a> = (&'a [usize], &'a [Option<String>], &'a [Option<i32>], Option<usize>);

fn batch(
    sheet: &Sheet,
    from: Export,
    (kept, variants, days, content): Rows<'_>,
    values: &BTreeMap<&str, Vec<Option<f64>>>,
) -> Result<RecordBatch> {
    let mut fields = daily_fields();
    fields.push(Field::new("content_id", DataType::Utf8, true));
    let column = |field: &Field| -> Result<ArrayRef> {
        let name = field.name().as_str();
        let texts = |of: &dyn Fn(usize) -> Option<String>| -> ArrayRef {
            Arc::new(kept.iter().map(|row| of(*row)).collect::<StringArray>())
        };
        Ok(match name {
            "variant_id" => texts(&|row| variants.get(row).cloned().flatten()),
            "platform" => texts(&|_| Some(from.platform().to_owned())),
            "content_id" => texts(&|row| Some(sheet.cell(row, content?)?.to_owned())),
            "day" => {
                let days = kept.iter().map(|row| days.get(*row).copied().flatten());
                Arc::new(days.collect::<arrow::array::PrimitiveArray<Date32Type>>())
            }
            _ => {
                let none = vec![None; kept.len()];
                let figures = values.get(name).unwrap_or(&none);
                let rounded = figures.iter().map(|v| v.map(f64::round));
                match field.data_type() {
                    DataType::Int64 => {
                        Arc::new(rounded.map(|v| v.map(|v| v as i64)).collect::<Int64Array>())
                    }
                    _ => Arc::new(figures.iter().copied().collect::<Float64Array>()),
                }
            }
        })
    };
    let columns = fields.iter().map(column).collect::<Result<Vec<_>>>()?;
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(|e| {
        Error::new(ErrorCode::Internal, format!("the events fit no table ({e})")).with_source(e)
    })
}

/// `day` as the days since 1970 that an ISO date says.
fn iso(day: &str) -> Option<i32> {
    let array: ArrayRef = Arc::new(StringArray::from(vec![day]));
    let days = cast(&array, &DataType::Date32).ok()?;
    let days: &Date32Array = days.as_primitive();
    days.is_valid(0).then(|| days.value(0))
}
