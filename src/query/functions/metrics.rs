//! The metrics as functions of counts: `engagement_rate(likes, comments, shares, saves, views)`, …

use std::sync::Arc;

use arrow::array::{Array, AsArray, Float64Array};
use arrow::datatypes::{DataType, Float64Type};

use super::columns::{as_type, float_lists, misused, numbers};
use super::function::Function;
use crate::error::Result;
#[cfg(feature = "polars")]
use crate::kernels::cells;
use crate::kernels::metrics::reach::cumulative_reach;
use crate::kernels::metrics::time::{HALF_LIFE_HOURS, half_life, half_life_hour};
use crate::kernels::metrics::{METRICS, Metric, ratio};
use crate::kernels::sketch::Sketch;
use crate::query::arguments::{About, Argument, ArgumentKind, FunctionArguments, section};

fn about(description: &'static str, example: &'static str) -> About {
    About::new(section::METRICS, description, example)
}

/// The counts that a metric takes, as arguments.
pub(in crate::query) fn counts(metric: &Metric) -> FunctionArguments {
    let count = |name: &&'static str| Argument {
        name,
        kind: ArgumentKind::Number,
        description: format!("{} of a row, or their sum over a group", name.replace('_', " "))
            .into(),
    };
    FunctionArguments::new(metric.inputs.iter().map(count).collect::<Vec<_>>())
}

/// A statement that calls a function of the counts of a metric.
pub(in crate::query) fn example(name: &str, metric: &Metric) -> String {
    let counts: Vec<String> =
        (0..metric.inputs.len()).map(|i| (10 * (i + 1)).to_string()).collect();
    format!("SELECT {name}({})", counts.join(", "))
}

/// Every metric, then related functions.
pub fn all() -> Vec<Function> {
    let others = [safe_ratio(), cumulative(), half_life_of(), reach_estimate()];
    METRICS.iter().map(metric).chain(others).collect()
}

/// A metric of each row; over sums of counts, the metric of the group.
pub fn metric(metric: &'static Metric) -> Function {
    let description =
        format!("{}; NULL where the denominator is missing or not above 0.", metric.definition);
    let about = About::new(section::METRICS, description, example(metric.name, metric));
    Function::new(metric.name, counts(metric), DataType::Float64, about, |args| {
        let counts = args.iter().map(numbers::<Float64Type>).collect::<Result<Vec<_>>>()?;
        Ok(Arc::new(rows(&counts, metric.of)))
    })
}

/// `safe_ratio(a, b)`: `a / b`; NULL where `b` is NULL or not above 0.
pub fn safe_ratio() -> Function {
    let arguments = FunctionArguments::new([
        Argument::new("a", ArgumentKind::Number, "The numerator"),
        Argument::new("b", ArgumentKind::Number, "The denominator"),
    ]);
    let about = about(
        "a / b; NULL where either is missing or b is not above 0, never NaN or infinity.",
        "SELECT safe_ratio(1, 0)",
    );
    Function::new("safe_ratio", arguments, DataType::Float64, about, |args| {
        let parts = args.iter().map(numbers::<Float64Type>).collect::<Result<Vec<_>>>()?;
        let of = |v: &[Option<f64>]| match v {
            [a, b] => ratio(*a, *b),
            _ => None,
        };
        Ok(Arc::new(rows(&parts, of)))
    })
}

/// `cumulative_reach(k, seeds, generations)`: see [`cumulative_reach`].
fn cumulative() -> Function {
    let arguments = FunctionArguments::new([
        Argument::new(
            "k",
            ArgumentKind::Number,
            "The viral coefficient: viewers that each viewer brings",
        ),
        Argument::new("seeds", ArgumentKind::Number, "Viewers of the first generation"),
        Argument::new("n", ArgumentKind::Number, "Generations after it"),
    ]);
    let about = about(
        "Viewers after so many generations of sharing, the first included.",
        "SELECT cumulative_reach(0.5, 1000, 3)",
    );
    Function::new("cumulative_reach", arguments, DataType::Float64, about, |args| {
        let parts = args.iter().map(numbers::<Float64Type>).collect::<Result<Vec<_>>>()?;
        let of = |v: &[Option<f64>]| match v {
            [k, seeds, n] => cumulative_reach(*k, *seeds, *n),
            _ => None,
        };
        Ok(Arc::new(rows(&parts, of)))
    })
}

/// `half_life_of(hours, views)`: the half-life of parallel lists of hours since publication and of the
/// views at each.
pub fn half_life_of() -> Function {
    let arguments = FunctionArguments::new([
        Argument::new("hours", ArgumentKind::Numbers, "Hours since publication"),
        Argument::new("views", ArgumentKind::Numbers, "Views that came at each of them"),
    ]);
    let about = about(
        "Hours until half of the views of the first 7 days were there, of two lists; over rows it is half_life.",
        "SELECT half_life_of([0, 1, 2], [50, 30, 20])",
    );
    Function::new("half_life_of", arguments, DataType::Float64, about, |args| {
        let (hours, views) = (float_lists(&args[0])?, float_lists(&args[1])?);
        let answer = |row: usize| {
            if hours.is_null(row) || views.is_null(row) {
                return Ok(None);
            }
            let (hours, views) = (hours.value(row), views.value(row));
            if hours.len() != views.len() {
                return Err(misused("half_life_of takes two lists of the same length"));
            }
            let mut hourly = [0.0; HALF_LIFE_HOURS];
            let pairs = hours.as_primitive::<Float64Type>().iter();
            for (hour, views) in pairs.zip(views.as_primitive::<Float64Type>()) {
                let slot = hour.and_then(half_life_hour).and_then(|h| hourly.get_mut(h));
                if let (Some(slot), Some(views)) = (slot, views) {
                    *slot += views;
                }
            }
            Ok(half_life(&hourly))
        };
        Ok(Arc::new((0..hours.len()).map(answer).collect::<Result<Float64Array>>()?))
    })
}

/// Seconds, each checked: finite and not negative. Not in SQL.
#[cfg(feature = "polars")]
pub fn seconds() -> Function {
    let value = Argument::new("value", ArgumentKind::Number, "Seconds");
    let about = about("Seconds, each finite and not negative.", "SELECT seconds(1)");
    let arguments = FunctionArguments::new([value]);
    Function::new("seconds", arguments, DataType::Float64, about, |args| {
        let seconds = cells::seconds(&args[0])
            .map_err(|cell| misused(format!("an event watch_seconds has the value {cell}")))?;
        Ok(Arc::new(seconds))
    })
}

/// `reach_estimate(sketch)`: the approximate number of viewers in a sketch (see [`Sketch`]).
pub fn reach_estimate() -> Function {
    let sketch =
        Argument::new("sketch", ArgumentKind::Bytes, "A sketch of reach_sketch or reach_merge");
    let about = About::new(
        section::EVENTS,
        "How many distinct viewers a sketch has counted, within about 1 %.",
        "SELECT reach_estimate(reach_sketch(v)) FROM (VALUES ('u1'), ('u2'), ('u1')) AS t(v)",
    );
    Function::new(
        "reach_estimate",
        FunctionArguments::new([sketch]),
        DataType::Float64,
        about,
        |args| {
            let sketches = as_type(&args[0], &DataType::Binary)?;
            let estimate = |bytes: Option<&[u8]>| match bytes {
                None => Ok(None),
                Some(bytes) => {
                    let mut sketch = Sketch::new()?;
                    sketch.merge(bytes)?;
                    Ok(Some(sketch.estimate()))
                }
            };
            let estimates = sketches.as_binary::<i32>().iter().map(estimate);
            Ok(Arc::new(estimates.collect::<Result<Float64Array>>()?))
        },
    )
}

fn rows(columns: &[Float64Array], of: impl Fn(&[Option<f64>]) -> Option<f64>) -> Float64Array {
    let rows = columns.first().map_or(0, |c| c.len());
    let mut counts = vec![None; columns.len()];
    let row = |row: usize| {
        for (count, column) in counts.iter_mut().zip(columns) {
            *count = column.is_valid(row).then(|| column.value(row));
        }
        of(&counts)
    };
    (0..rows).map(row).collect()
}
