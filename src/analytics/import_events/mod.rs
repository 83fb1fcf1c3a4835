//! Platforms' own exports as `events`: daily aggregates, one row a variant and day.

mod days;
mod figures;
mod mapped;
mod numbers;
mod rows;
mod shapes;
mod sheet;

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Field, Schema};

use figures::{Columns, Figures};
pub use numbers::DecimalSign;
pub use shapes::Export;
use sheet::Sheet;

use crate::error::{Error, ErrorCode, Result};
use crate::model::event::daily_fields;
use crate::query::events::BadRows;

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
    /// What stands before decimals; `None`: what the file shows.
    pub decimal_sign: Option<DecimalSign>,
    /// Headers of columns and the columns of events that they are, where their names do not say it.
    pub columns: Vec<(String, String)>,
    /// What a cell that does not fit its column costs.
    pub bad_rows: BadRows,
}

/// What became of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedColumn {
    /// Its header.
    pub header: String,
    /// The column of the events that it became, or went into; `None`: it was ignored.
    pub became: Option<&'static str>,
    /// How its cells were read.
    pub read_as: String,
}

/// An export in the columns of [`daily_fields`], and `content_id`.
#[derive(Debug)]
pub struct Imported {
    batch: RecordBatch,
    /// What became of each column of the export, in their order.
    pub columns: Vec<ImportedColumn>,
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

/// Read an export.
///
/// # Errors
/// `input.unreadable`; `input.column` naming the headers that are missing or the cell that does not fit.
pub fn import_events(options: &ImportOptions) -> Result<Imported> {
    let mut sheet = Sheet::read(&options.file)?;
    let shape = options.from.shape();
    let columns = columns(&mut sheet, shape, &options.columns)?;
    if !columns.iter().any(|(_, r)| r.figure == "views") {
        let names = shape.readings().iter().find(|r| r.figure == "views");
        let sentence = format!(
            "it has no views (a header such as {}) and so is no export of {}",
            names.and_then(|r| r.headers.first()).unwrap_or(&"views"),
            options.from.as_str()
        );
        return Err(sheet.misfit(&sentence));
    }
    let (content, day) = (sheet.find(&shape.content), sheet.find(&shape.day));
    let variants = rows::variants(&sheet, options, content)?;
    let is_total = |row: usize| rows::is_total(&sheet, row, content, day);
    let (days, guessed) = rows::days(&sheet, options, &shape.day, is_total)?;
    let (totals, others): (Vec<usize>, Vec<usize>) =
        (0..sheet.rows.num_rows()).partition(|row| is_total(*row));
    let has_day = |row: &usize| days.get(*row).is_some_and(Option::is_some);
    let (dated, undated): (Vec<usize>, Vec<usize>) = others.into_iter().partition(has_day);
    let (kept, lost): (Vec<usize>, Vec<usize>) =
        dated.into_iter().partition(|row| variants.get(*row).is_some_and(Option::is_some));
    let (figures, kept, bad) = figures(&sheet, &columns, kept, options)?;
    let batch = batch(&sheet, options.from, (&kept, &variants, &days, content), &figures)?;
    let mut notices: Vec<String> = vec![];
    if !sheet.guessed.is_empty() {
        notices.push(format!("{}: {}", options.file.display(), sheet.guessed.join("; ")));
    }
    notices.extend(guessed);
    if let Some(first) = bad.first() {
        notices.push(format!(
            "{} rows have a cell that does not fit its column and were left out, the first of them: {}",
            bad.len(),
            first.message()
        ));
    }
    if !totals.is_empty() {
        notices.push(format!("{} rows are sums of the others and were left out", totals.len()));
    }
    if let Some(row) = undated.first() {
        notices.push(format!(
            "{} rows have no day and were left out, the first of them row {}; set day to the day of such figures",
            undated.len(),
            row + 1
        ));
    }
    if !lost.is_empty() {
        let example = lost.first().and_then(|row| sheet.cell(*row, content?)).unwrap_or("no id");
        notices.push(format!(
            "{} rows are of no known variant and were left out, the first of content {example}; add it to the map",
            lost.len()
        ));
    }
    notices.extend(repeated(&kept, &variants, &days));
    notices.extend(renamed_platform(options));
    let columns = became(&sheet, shape, &columns);
    Ok(Imported { batch, columns, notices })
}

/// Which name the platform has in variants, where that is another one.
fn renamed_platform(options: &ImportOptions) -> Option<String> {
    let (own, named) = (options.from.as_str(), options.from.platform());
    (own != named).then(|| format!("the platform of {own} is named {named}, as in variants"))
}

/// The columns that are read, views first: others are worked out from them.
fn columns(
    sheet: &mut Sheet,
    shape: &'static shapes::Shape,
    stated: &[(String, String)],
) -> Result<Columns> {
    let mut columns = mapped::mapped(sheet, shape, stated)?;
    let found = shape.readings().iter().filter_map(|r| Some((sheet.find(&r.headers)?, r)));
    columns.extend(found.collect::<Columns>());
    columns.sort_by_key(|(_, reading)| reading.figure != "views");
    Ok(columns)
}

/// The figures of the rows `kept`, those rows, and the cells that cost a row.
fn figures(
    sheet: &Sheet,
    columns: &Columns,
    mut kept: Vec<usize>,
    options: &ImportOptions,
) -> Result<(Figures, Vec<usize>, Vec<Error>)> {
    let sign = options.decimal_sign;
    let mut bad = BTreeMap::new();
    let found = figures::read(sheet, columns, &kept, sign, &mut bad)?;
    if bad.is_empty() {
        return Ok((found, kept, vec![]));
    }
    if options.bad_rows == BadRows::Error
        && let Some((_, error)) = bad.pop_first()
    {
        let hint = "; mend it, or set bad_rows to skip to leave such rows out";
        return Err(error.framed("", hint).about("bad_rows"));
    }
    kept.retain(|row| !bad.contains_key(row));
    let found = figures::read(sheet, columns, &kept, sign, &mut BTreeMap::new())?;
    Ok((found, kept, bad.into_values().collect()))
}

/// A sentence about rows of a variant and day that have been there before: an export can hold a day twice.
fn repeated(kept: &[usize], variants: &[Option<String>], days: &[Option<i32>]) -> Option<String> {
    let mut seen = HashSet::new();
    let rows: Vec<&usize> =
        kept.iter().filter(|row| !seen.insert((variants.get(**row), days.get(**row)))).collect();
    let first = rows.first()?;
    Some(format!(
        "{} rows are of a variant and day that another row is of too, the first of them row {}; all of them count",
        rows.len(),
        *first + 1
    ))
}

/// What became of each column.
fn became(sheet: &Sheet, shape: &shapes::Shape, columns: &Columns) -> Vec<ImportedColumn> {
    let keys = rows::key_columns(sheet, shape);
    let mut used = HashSet::new();
    // Of two columns of one figure the first counts.
    let counting: Vec<_> = columns.iter().filter(|(_, r)| used.insert(r.figure)).collect();
    let of = |(index, header): (usize, &String)| {
        let figure = counting.iter().find(|(column, _)| *column == index).map(|(_, r)| *r);
        let key = keys.iter().find(|(column, _)| *column == index).map(|(_, what)| *what);
        let (became, read_as) = match (figure, key) {
            (Some(reading), _) => (Some(reading.figure), reading.of.to_string()),
            (None, Some(what)) => (what.split(',').next(), what.to_owned()),
            (None, None) => (None, "ignored".to_owned()),
        };
        ImportedColumn { header: header.clone(), became, read_as }
    };
    sheet.headers.iter().enumerate().map(of).collect()
}

type Rows<'a> = (&'a [usize], &'a [Option<String>], &'a [Option<i32>], Option<usize>);

fn batch(
    sheet: &Sheet,
    from: Export,
    (kept, variants, days, content): Rows<'_>,
    values: &Figures,
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
                match field.data_type() {
                    // Shares of views come to no whole number; counts are one.
                    DataType::Int64 => {
                        let whole = figures.iter().map(|v| v.map(|v| v.round() as i64));
                        Arc::new(whole.collect::<Int64Array>())
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
