//! What is known of a column, and the macros that declare the columns of a table once.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, TimeUnit};

/// Key of a field's metadata; `false`: the column is no sum of its parts, and is not to be summed.
pub const ADDITIVE: &str = "clipflow.additive";

/// A column of a table: its name, type and meaning.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Name in SQL and in files.
    pub name: &'static str,
    /// Whether a cell may be NULL.
    pub nullable: bool,
    /// Whether the cells of a group may be added up, as counts of distinct viewers may not.
    pub additive: bool,
    documentation: &'static str,
    data_type: fn() -> DataType,
}

impl Column {
    /// A column whose cells are of the Arrow type of `T`.
    pub(super) const fn of<T: ColumnType>(name: &'static str, documentation: &'static str) -> Self {
        let (nullable, additive) = (T::NULLABLE, T::ADDITIVE);
        Self { name, nullable, additive, documentation, data_type: T::data_type }
    }

    /// The column, of which a cell may be NULL although no value of the Rust type says so.
    pub(super) const fn or_null(self) -> Self {
        Self { nullable: true, ..self }
    }

    /// What the column says, as its documentation in the code does.
    pub fn description(&self) -> &'static str {
        self.documentation.trim()
    }

    /// The column as Arrow describes it.
    pub fn field(&self) -> Field {
        let field = Field::new(self.name, (self.data_type)(), self.nullable);
        if self.additive {
            return field;
        }
        field.with_metadata([(ADDITIVE.to_owned(), "false".to_owned())].into())
    }
}

/// The Arrow fields of `columns`.
pub(crate) fn fields_of(columns: &[Column]) -> Vec<Field> {
    columns.iter().map(Column::field).collect()
}

/// A Rust type whose values are cells of a column.
pub(super) trait ColumnType {
    /// Whether a value may be NULL.
    const NULLABLE: bool = false;
    /// Whether values may be added up, as far as they are numbers.
    const ADDITIVE: bool = true;

    /// The Arrow type.
    fn data_type() -> DataType;
}

macro_rules! column_types {
    ($($type:ty => $arrow:expr,)+) => {$(
        impl ColumnType for $type {
            fn data_type() -> DataType {
                $arrow
            }
        }
    )+};
}

/// A time of day, in columns that no struct holds.
pub(super) struct Timestamp;

/// A day, in columns that no struct holds.
pub(super) struct Day;

column_types! {
    f64 => DataType::Float64,
    i64 => DataType::Int64,
    bool => DataType::Boolean,
    String => DataType::Utf8,
    Cow<'static, str> => DataType::Utf8,
    Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
    Day => DataType::Date32,
}

/// A count of distinct things, which no sum over rows gives.
pub(super) struct DistinctCount;

impl ColumnType for DistinctCount {
    const ADDITIVE: bool = false;

    fn data_type() -> DataType {
        DataType::Int64
    }
}

impl<T: ColumnType> ColumnType for Option<T> {
    const NULLABLE: bool = true;
    const ADDITIVE: bool = T::ADDITIVE;

    fn data_type() -> DataType {
        T::data_type()
    }
}

impl<T: ColumnType> ColumnType for Vec<T> {
    fn data_type() -> DataType {
        // SQL functions give lists whose items may be NULL; the type of a column is theirs.
        DataType::List(Arc::new(Field::new_list_field(T::data_type(), true)))
    }
}

/// A Rust type whose values become an Arrow array without going through serde.
pub(super) trait Cells: Sized {
    /// The array of `cells`.
    fn array<'a>(cells: impl Iterator<Item = &'a Self>) -> ArrayRef
    where
        Self: 'a;
}

macro_rules! cells {
    ($($type:ty => $array:ty, $cell:ident => $value:expr;)+) => {$(
        impl Cells for $type {
            fn array<'a>(cells: impl Iterator<Item = &'a Self>) -> ArrayRef {
                Arc::new(cells.map(|$cell| $value).collect::<$array>())
            }
        }
    )+};
}

cells! {
    f64 => Float64Array, cell => Some(*cell);
    Option<f64> => Float64Array, cell => *cell;
    i64 => Int64Array, cell => Some(*cell);
    Option<i64> => Int64Array, cell => *cell;
    bool => BooleanArray, cell => Some(*cell);
    String => StringArray, cell => Some(cell.as_str());
    Option<String> => StringArray, cell => cell.as_deref();
}

/// A struct and its columns, from one declaration: the documentation of a field is that of its column,
/// and its type says whether a cell may be NULL. `name: type | NULL` declares a column that is NULL where
/// serde makes it so.
macro_rules! table {
    (
        $(#[$($about:tt)*])*
        pub struct $name:ident {$(
            $(#[$($attribute:tt)*])+
            pub $field:ident: $type:ty $(| $null:ident)?,
        )+}
    ) => {
        $(#[$($about)*])*
        pub struct $name {$(
            $(#[$($attribute)*])+
            pub $field: $type,
        )+}

        impl $name {
            /// The columns, in the order of the table.
            pub const COLUMNS: &'static [$crate::model::Column] = &[$(
                $crate::model::column::column!(
                    $(#[$($attribute)*])+ $field: $type $(| $null)?
                ),
            )+];

            /// The columns as Arrow describes them.
            pub fn fields() -> Vec<arrow::datatypes::Field> {
                $crate::model::column::fields_of(Self::COLUMNS)
            }

            /// The struct type of one row inside a list.
            pub fn data_type() -> arrow::datatypes::DataType {
                arrow::datatypes::DataType::Struct(Self::fields().into())
            }
        }

        impl $crate::model::column::ColumnType for $name {
            fn data_type() -> arrow::datatypes::DataType {
                Self::data_type()
            }
        }
    };
}

/// As [`table!`], of a struct of which there are many: its rows become Arrow arrays without serde.
macro_rules! table_of_arrays {
    (
        $(#[$($about:tt)*])*
        pub struct $name:ident {$(
            $(#[$($attribute:tt)*])+
            pub $field:ident: $type:ty,
        )+}
    ) => {
        $crate::model::column::table! {
            $(#[$($about)*])*
            pub struct $name {$(
                $(#[$($attribute)*])+
                pub $field: $type,
            )+}
        }

        impl $name {
            /// The columns of `rows` as arrays.
            pub(crate) fn arrays<'a>(
                rows: impl Iterator<Item = &'a Self> + Clone,
            ) -> Vec<arrow::array::ArrayRef> {
                vec![$(<$type as $crate::model::column::Cells>::array(
                    rows.clone().map(|row| &row.$field),
                ),)+]
            }
        }
    };
}

/// Columns that no struct holds, declared as the fields of one.
macro_rules! columns {
    ($($(#[$($attribute:tt)*])+ $field:ident: $type:ty $(| $null:ident)?,)+) => {
        &[$($crate::model::column::column!(
            $(#[$($attribute)*])+ $field: $type $(| $null)?
        ),)+]
    };
}

/// One column of a declaration.
macro_rules! column {
    ($(#[$($attribute:tt)*])+ $field:ident: $type:ty) => {
        $crate::model::Column::of::<$type>(
            stringify!($field),
            concat!($($crate::model::column::documentation!($($attribute)*)),+),
        )
    };
    ($(#[$($attribute:tt)*])+ $field:ident: $type:ty | NULL) => {
        $crate::model::column::column!($(#[$($attribute)*])+ $field: $type).or_null()
    };
}

/// The text of an attribute that is documentation, and nothing of any other.
macro_rules! documentation {
    (doc = $text:literal) => {
        $text
    };
    ($($other:tt)*) => {
        ""
    };
}

pub(super) use {column, columns, documentation, table, table_of_arrays};

#[cfg(test)]
mod tests {
    use super::*;

    table! {
        /// A row.
        #[derive(Default)]
        #[allow(dead_code)]
        pub struct Row {
            /// A number
            /// over two lines.
            #[allow(unused)]
            pub number: f64,
            /// Text.
            pub text: Option<String>,
            /// NULL where there is none.
            pub count: i64 | NULL,
            /// Many.
            pub list: Vec<i64>,
        }
    }

    #[test]
    fn a_declaration_gives_names_types_and_documentation() {
        let said = Row::COLUMNS.iter().map(|c| (c.name, c.nullable, c.description()));
        let want = [
            ("number", false, "A number over two lines."),
            ("text", true, "Text."),
            ("count", true, "NULL where there is none."),
            ("list", false, "Many."),
        ];
        assert_eq!(said.collect::<Vec<_>>(), want);
        let item = Arc::new(Field::new_list_field(DataType::Int64, true));
        assert_eq!(Row::fields()[3], Field::new("list", DataType::List(item), false));
        assert_eq!(Row::fields()[2], Field::new("count", DataType::Int64, true));
    }

    #[test]
    fn a_count_of_distinct_things_is_not_to_be_summed() {
        const COUNTS: &[Column] = columns! {
            /// Viewers.
            viewers: Option<DistinctCount>,
            /// Views.
            views: i64,
        };
        let fields = fields_of(COUNTS);
        assert_eq!(fields[0].metadata().get(ADDITIVE).map(String::as_str), Some("false"));
        assert!(fields[0].is_nullable() && fields[1].metadata().is_empty());
    }
}
