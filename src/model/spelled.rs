//! Enums that are text in tables.

/// An enum, its spelling in tables and its documentation, from one list.
macro_rules! spelled {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident => $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord,
            serde::Serialize, serde::Deserialize,
        )]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            /// Every value, in the order of preference where there is one.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The spelling in tables and on the command line.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The value of that spelling.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == text)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl $crate::model::column::ColumnType for $name {
            fn data_type() -> arrow::datatypes::DataType {
                arrow::datatypes::DataType::Utf8
            }
        }

        impl $crate::model::column::Cells for $name {
            fn array<'a>(cells: impl Iterator<Item = &'a Self>) -> arrow::array::ArrayRef {
                let names = cells.map(|cell| Some(cell.as_str()));
                std::sync::Arc::new(names.collect::<arrow::array::StringArray>())
            }
        }
    };
}

pub(super) use spelled;
