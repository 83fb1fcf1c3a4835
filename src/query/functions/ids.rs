//! `stable_id(a, b, …)`, `source_location(url)` and `without_signature(url)`.

use std::sync::Arc;

use arrow::array::{Array, StringArray};
use arrow::datatypes::DataType;
use datafusion::logical_expr::Volatility;

use super::{Function, misused, text};
use crate::kernels::ids;
use crate::location::{self, Location};

/// `stable_id(a, b, …)`: 16 hexadecimal digits that stand for the values; see [`ids::stable_id`].
pub fn stable_id() -> Function {
    Function::new("stable_id", None, DataType::Utf8, |args| {
        let columns = args.iter().map(text).collect::<Result<Vec<_>, _>>()?;
        let Some(first) = columns.first() else {
            return Err(misused("stable_id takes at least one argument"));
        };
        let id = |row: usize| {
            ids::stable_id(columns.iter().map(|c| c.is_valid(row).then(|| c.value(row))))
        };
        Ok(Arc::new(StringArray::from_iter_values((0..first.len()).map(id))))
    })
}

/// `source_location(url)`: the absolute place of a `source_url`; see [`Location::resolve`].
pub fn source_location(base: &Location) -> Function {
    let base = base.clone();
    let function = Function::new("source_location", Some(&["url"]), DataType::Utf8, move |args| {
        let urls = text(&args[0])?;
        let places: StringArray = urls.iter().map(|u| u.map(|u| base.resolve(u))).collect();
        Ok(Arc::new(places))
    });
    Function { volatility: Volatility::Stable, ..function }
}

/// `without_signature(url)`: a source as it may be shown; see [`location::without_signature`].
pub fn without_signature() -> Function {
    Function::new("without_signature", Some(&["url"]), DataType::Utf8, |args| {
        let urls = text(&args[0])?;
        let shown: StringArray = urls.iter().map(|u| u.map(location::without_signature)).collect();
        Ok(Arc::new(shown))
    })
}
