//! The metrics as functions of counts: `engagement_rate(likes, comments, shares, saves, views)`, …

use std::sync::Arc;

use arrow::array::{Array, AsArray, Float64Array};
use arrow::datatypes::{DataType, Float64Type};

use super::{Function, as_type, float_lists, misused, numbers};
use crate::error::Result;
use crate::kernels::cells;
use crate::kernels::metrics::reach::cumulative_reach;
use crate::kernels::metrics::time::{HALF_LIFE_HOURS, half_life, half_life_hour};
use crate::kernels::metrics::{METRICS, Metric, ratio};
use crate::kernels::sketch::Sketch;

/// Every metric, then the functions beside them.
pub fn all() -> Vec<Function> {
    let others = [safe_ratio(), cumulative(), half_life_of(), reach_estimate()];
    METRICS.iter().map(metric).chain(others).collect()
}

/// A metric of each row; over sums of counts, the metric of the group.
pub fn metric(metric: &'static Metric) -> Function {
    Function::new(metric.name, Some(metric.inputs), DataType::Float64, |args| {
        let counts = args.iter().map(numbers::<Float64Type>).collect::<Result<Vec<_>>>()?;
        Ok(Arc::new(rows(&counts, metric.of)))
    })
}

/// `safe_ratio(a, b)`: `a / b`; NULL where `b` is NULL or not above 0.
pub fn safe_ratio() -> Function {
    Function::new("safe_ratio", Some(&["a", "b"]), DataType::Float64, |args| {
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
    Function::new("cumulative_reach", Some(&["k", "seeds", "n"]), DataType::Float64, |args| {
        let parts = args.iter().map(numbers::<Float64Type>).collect::<Result<Vec<_>>>()?;
        let of = |v: &[Option<f64>]| match v {
            [k, seeds, n] => cumulative_reach(*k, *seeds, *n),
            _ => None,
        };
        Ok(Arc::new(rows(&parts, of)))
    })
}

/// `half_life_of(hours, views)`: the half-life of two lists that belong together: hours since
/// publication, and the views at each.
pub fn half_life_of() -> Function {
    Function::new("half_life_of", Some(&["hours", "views"]), DataType::Float64, |args| {
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
pub fn seconds() -> Function {
    Function::new("seconds", Some(&["value"]), DataType::Float64, |args| {
        let seconds = cells::seconds(&args[0])
            .map_err(|cell| misused(&format!("an event watch_seconds has the value {cell}")))?;
        Ok(Arc::new(seconds))
    })
}

/// `reach_estimate(sketch)`: how many viewers a sketch has counted, about (see [`Sketch`]).
pub fn reach_estimate() -> Function {
    Function::new("reach_estimate", Some(&["sketch"]), DataType::Float64, |args| {
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
    })
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
