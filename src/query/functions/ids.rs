//! `stable_id(a, b, …)`, `source_location(url[, base])` and `without_signature(url)`.

use std::sync::Arc;

use arrow::array::{Array, StringArray};
use arrow::datatypes::DataType;

use super::columns::{by_runs, misused, text};
use super::function::Function;
use crate::kernels::ids;
use crate::location::{self, Location};
use crate::query::arguments::{About, Argument, ArgumentKind, FunctionArguments, section};

/// `stable_id(a, b, …)`: 16 hexadecimal digits that stand for the values; see [`ids::stable_id`].
pub fn stable_id() -> Function {
    let arguments = FunctionArguments::one_or_more(Argument::new(
        "value",
        ArgumentKind::Any,
        "A value that can be written as text; NULL differs from every text",
    ));
    let about = About::new(
        section::REQUESTS,
        "16 hexadecimal digits that stand for the values: the same values always give the same.",
        "SELECT stable_id('talk.mp4', 15.0, NULL)",
    );
    Function::new("stable_id", arguments, DataType::Utf8, about, |args| {
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

/// `source_location(url[, base])`: the absolute place of a `source_url`, relative ones against `base`, which is
/// `clipflow.base` where it is left out; see [`Location::resolve`].
pub fn source_location() -> Function {
    let arguments = FunctionArguments::with_optional_last([
        Argument::new("url", ArgumentKind::Url, "A path or URL"),
        Argument::new(
            "base",
            ArgumentKind::Text,
            "Folder or URL that a relative path starts from; left out: clipflow.base",
        ),
    ]);
    let about = About::new(
        section::REQUESTS,
        "The absolute place of a source, so that different spellings of it are equal.",
        "SELECT source_location('talks/../talk.mp4', '/videos')",
    );
    let function = Function::new("source_location", arguments, DataType::Utf8, about, |args| {
        by_runs(args.get(1), &args[..1], |base, columns| {
            let base = Location::from(base.unwrap_or(".")).absolute();
            let urls = text(&columns[0])?;
            let places: StringArray = urls.iter().map(|u| u.map(|u| base.resolve(u))).collect();
            Ok(Arc::new(places))
        })
    });
    function.with_setting(|settings| Some(settings.base_text().to_owned()))
}

/// `without_signature(url)`: a source as it may be shown; see [`location::without_signature`].
pub fn without_signature() -> Function {
    let about = About::new(
        section::REQUESTS,
        "A source as it may be shown: without user, password and signature.",
        "SELECT without_signature('https://host/talk.mp4?X-Amz-Signature=abc&v=1')",
    );
    let url = Argument::new("url", ArgumentKind::Url, "A path or URL");
    Function::new(
        "without_signature",
        FunctionArguments::new([url]),
        DataType::Utf8,
        about,
        |args| {
            let urls = text(&args[0])?;
            let shown: StringArray =
                urls.iter().map(|u| u.map(location::without_signature)).collect();
            Ok(Arc::new(shown))
        },
    )
}
