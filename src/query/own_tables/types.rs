//! The types of text columns, from all of their cells.

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::kernels::cast_utils::string_to_timestamp_nanos;
use arrow::datatypes::{DataType, Schema, TimeUnit};
use chrono::NaiveDate;

/// What the cells of a column can be read as, as far as they were seen.
#[derive(Debug, Clone)]
struct ColumnType {
    name: String,
    is_text: bool,
    has_value: bool,
    whole: bool,
    number: bool,
    truth: bool,
    day: bool,
    time: bool,
}

/// What the columns of a table can be read as.
#[derive(Debug)]
pub(super) struct ColumnTypes(Vec<ColumnType>);

impl ColumnTypes {
    /// Of a table of which no row was seen yet.
    pub(super) fn of(schema: &Schema) -> Self {
        let column = |field: &arrow::datatypes::FieldRef| {
            // Ids of digits have zeros in front, and are compared with ids that are text.
            let name = field.name();
            let is_id = name.eq_ignore_ascii_case("id")
                || ["_id", "_ID", "Id", "ID", " id"].iter().any(|end| name.ends_with(end));
            let can = !is_id;
            ColumnType {
                name: field.name().clone(),
                is_text: *field.data_type() == DataType::Utf8,
                has_value: false,
                whole: can,
                number: can,
                truth: can,
                day: can,
                time: can,
            }
        };
        Self(schema.fields().iter().map(column).collect())
    }

    /// Look at further rows.
    pub(super) fn note(&mut self, batch: &RecordBatch) {
        for (column, cells) in self.0.iter_mut().zip(batch.columns()) {
            let Some(cells) = cells.as_string_opt::<i32>() else { continue };
            if column.data_type().is_some() || !column.has_value {
                cells.iter().flatten().for_each(|cell| column.note_cell(cell));
            }
        }
    }

    /// The name of each column and the type that all of its cells fit; `None`: as it is.
    pub(super) fn found(&self) -> impl Iterator<Item = (&str, Option<DataType>)> {
        self.0.iter().map(|column| (column.name.as_str(), column.data_type()))
    }
}

impl ColumnType {
    fn note_cell(&mut self, cell: &str) {
        self.has_value = true;
        self.whole &= is_plain_number(cell) && cell.parse::<i64>().is_ok();
        self.number &= is_plain_number(cell) && cell.parse::<f64>().is_ok();
        self.truth &= cell.eq_ignore_ascii_case("true") || cell.eq_ignore_ascii_case("false");
        self.day &= cell.len() == 10 && NaiveDate::parse_from_str(cell, "%Y-%m-%d").is_ok();
        self.time &= cell.len() > 10 && string_to_timestamp_nanos(cell).is_ok();
    }

    fn data_type(&self) -> Option<DataType> {
        let types = [
            (self.whole, DataType::Int64),
            (self.number, DataType::Float64),
            (self.truth, DataType::Boolean),
            (self.day, DataType::Date32),
            (self.time, DataType::Timestamp(TimeUnit::Microsecond, None)),
        ];
        let found = types.into_iter().find(|(fits, _)| *fits).map(|(_, data_type)| data_type);
        found.filter(|_| self.is_text && self.has_value)
    }
}

/// Whether a text is written as numbers are: with digits, and no zeros in front, which would be lost.
fn is_plain_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let has_zeros = digits.len() > 1
        && digits.starts_with('0')
        && digits.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
    digits.starts_with(|c: char| c.is_ascii_digit()) && !has_zeros
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use arrow::array::{ArrayRef, StringArray};

    use super::*;

    fn of(name: &str, cells: &[Option<&str>]) -> Option<DataType> {
        let column: ArrayRef = Arc::new(StringArray::from(cells.to_vec()));
        let batch = RecordBatch::try_from_iter([(name, column)]).unwrap();
        let mut types = ColumnTypes::of(batch.schema_ref());
        types.note(&batch.slice(0, 1));
        types.note(&batch.slice(1, batch.num_rows() - 1));
        types.found().next().unwrap().1
    }

    #[test]
    fn a_column_has_the_type_that_all_of_its_cells_fit() {
        let time = DataType::Timestamp(TimeUnit::Microsecond, None);
        for (cells, expected) in [
            (["1", "-20"], Some(DataType::Int64)),
            (["1", "2.5"], Some(DataType::Float64)),
            (["1e3", "0"], Some(DataType::Float64)),
            (["true", "FALSE"], Some(DataType::Boolean)),
            (["2026-05-01", "2026-05-02"], Some(DataType::Date32)),
            (["2026-05-01 10:00:00", "2026-05-02T10:00:00Z"], Some(time)),
            (["2026-05-01", "2026-02-30"], None),
            (["007", "8"], None),
            (["1", "x"], None),
            (["nan", "inf"], None),
        ] {
            assert_eq!(of("c", &[Some(cells[0]), None, Some(cells[1])]), expected, "{cells:?}");
        }
        assert_eq!(of("c", &[None, None]), None);
        for (name, expected) in
            [("campaign_id", None), ("ID", None), ("postId", None), ("paid", Some(DataType::Int64))]
        {
            assert_eq!(of(name, &[Some("1"), Some("2")]), expected, "{name}");
        }
    }
}
